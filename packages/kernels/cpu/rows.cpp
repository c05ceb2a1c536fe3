// Operations on rows: embedding, gather and scatter, addition, fill, sums of squares.
#include "kernels.h"
#include "simd.h"

namespace gumshoe {
namespace ISA {

// Elements that are worth a task of their own.
constexpr long ELEMENT_CHUNK = 1 << 14;

static inline long chunks_of(long length, long chunk) { return (length + chunk - 1) / chunk; }

static inline void add_row(float* to, const float* from, long width) {
  long i = 0;
  for (; i + LANES <= width; i += LANES) store(to + i, add(load(to + i), load(from + i)));
  if (i < width) {
    const int n = static_cast<int>(width - i);
    store_first(to + i, add(load_first(to + i, n), load_first(from + i, n)), n);
  }
}

// y [t, d] = table[ids]; also gather_rows.
static int copy_rows(const int32_t* ids, const float* table, float* y, long rows, long width,
                     long table_rows, Pool& pool) {
  for (long i = 0; i < rows; i++)
    if (ids[i] < 0 || ids[i] >= table_rows) return STATUS_BAD_ID;
  const long per = ELEMENT_CHUNK / (width + 1) + 1;
  auto body = [&](long task, int) {
    const long end = (task + 1) * per < rows ? (task + 1) * per : rows;
    for (long i = task * per; i < end; i++)
      __builtin_memcpy(y + i * width, table + ids[i] * width, width * sizeof(float));
  };
  parallel(pool, chunks_of(rows, per), body);
  return STATUS_OK;
}

// table[ids] += dy, in ascending row order for every element: threads split the columns.
static int add_rows(const int32_t* ids, const float* dy, float* table, long rows, long width,
                    long table_rows, Pool& pool) {
  for (long i = 0; i < rows; i++)
    if (ids[i] < 0 || ids[i] >= table_rows) return STATUS_BAD_ID;
  const long strip = 64;
  auto body = [&](long task, int) {
    const long column = task * strip, n = width - column < strip ? width - column : strip;
    for (long i = 0; i < rows; i++)
      add_row(table + ids[i] * width + column, dy + i * width + column, n);
  };
  parallel(pool, chunks_of(width, strip), body);
  return STATUS_OK;
}

int embedding(const Arguments& a, Pool& pool) {
  return copy_rows(a.i32(0), a.f32(1), a.f32(2), a.size(3), a.size(4), a.size(5), pool);
}

int embedding_backward(const Arguments& a, Pool& pool) {
  return add_rows(a.i32(0), a.f32(1), a.f32(2), a.size(3), a.size(4), a.size(5), pool);
}

int gather_rows(const Arguments& a, Pool& pool) {
  return copy_rows(a.i32(1), a.f32(0), a.f32(2), a.size(3), a.size(4), a.size(5), pool);
}

int scatter_add_rows(const Arguments& a, Pool& pool) {
  return add_rows(a.i32(1), a.f32(0), a.f32(2), a.size(3), a.size(4), a.size(5), pool);
}

int add_vectors(const Arguments& a, Pool& pool) {
  const float* x = a.f32(0);
  float* y = a.f32(1);
  const long length = a.size(2);
  auto body = [&](long task, int) {
    const long at = task * ELEMENT_CHUNK;
    add_row(y + at, x + at, length - at < ELEMENT_CHUNK ? length - at : ELEMENT_CHUNK);
  };
  parallel(pool, chunks_of(length, ELEMENT_CHUNK), body);
  return STATUS_OK;
}

int fill(const Arguments& a, Pool& pool) {
  float* x = a.f32(0);
  const float value = a.number(1);
  const long length = a.size(2);
  auto body = [&](long task, int) {
    const long at = task * ELEMENT_CHUNK;
    const long end = at + ELEMENT_CHUNK < length ? at + ELEMENT_CHUNK : length;
    for (long i = at; i < end; i++) x[i] = value;
  };
  parallel(pool, chunks_of(length, ELEMENT_CHUNK), body);
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
