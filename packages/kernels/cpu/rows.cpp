// Operations on rows: gather and scatter, addition, fill, scaling, sums of squares.
#include "row-copies.h"

namespace gumshoe {
namespace ISA {

int gather_rows(const Arguments& a, Pool& pool) {
  return copy_rows(a.i32(1), a.f32(0), a.f32(2), a.size(3), a.size(4), a.size(5), pool);
}

int scatter_add_rows(const Arguments& a, Pool& pool) {
  return add_rows(a.i32(1), a.f32(0), a.f32(2), a.size(3), a.size(4), a.size(5), pool);
}

// Calls body(from, to) for chunks of a vector, on all threads.
template <class Body>
void in_chunks(long length, Pool& pool, const Body& body) {
  auto task_body = [&](long task, int) {
    const long at = task * ELEMENT_CHUNK;
    body(at, at + ELEMENT_CHUNK < length ? at + ELEMENT_CHUNK : length);
  };
  parallel(pool, chunks_of(length, ELEMENT_CHUNK), task_body);
}

int add_vectors(const Arguments& a, Pool& pool) {
  const float* x = a.f32(0);
  float* y = a.f32(1);
  in_chunks(a.size(2), pool, [&](long at, long end) { add_row(y + at, x + at, end - at); });
  return STATUS_OK;
}

int fill(const Arguments& a, Pool& pool) {
  float* x = a.f32(0);
  const float value = a.number(1);
  in_chunks(a.size(2), pool, [&](long at, long end) {
    for (long i = at; i < end; i++) x[i] = value;
  });
  return STATUS_OK;
}

int scale_vector(const Arguments& a, Pool& pool) {
  float* x = a.f32(0);
  const float factor = a.number(1);
  in_chunks(a.size(2), pool, [&](long at, long end) {
    for (long i = at; i < end; i++) x[i] = x[i] * factor;
  });
  return STATUS_OK;
}

// out [blocks] f64: sum of x^2 in float64, 16 accumulators by index, added in ascending order.
int sum_squares_blocks(const Arguments& a, Pool& pool) {
  const float* x = a.f32(0);
  const long length = a.size(1), block = a.size(2);
  double* out = a.f64(3);
  auto body = [&](long task, int) {
    const long start = task * block, end = start + block < length ? start + block : length;
    double sums[LANES] = {};
    for (long i = start; i < end; i++) {
      const double value = x[i];
      sums[(i - start) % LANES] += value * value;
    }
    double total = 0;
    for (int i = 0; i < LANES; i++) total += sums[i];
    out[task] = total;
  };
  parallel(pool, chunks_of(length, block), body);
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
