// Operations on rows: gather and scatter, addition, fill, scaling, sums of squares.
#include "device.h"

// Elements of a block of an element-wise kernel: four of each thread, a block's width apart.
constexpr int ELEMENT_THREADS = 256, ELEMENTS = 4 * ELEMENT_THREADS;

template <typename Body>
DEVICE void each_element(long length, const Body& body) {
  const long first = static_cast<long>(blockIdx.x) * ELEMENTS + threadIdx.x;
  UNROLL for (int i = 0; i < ELEMENTS; i += ELEMENT_THREADS) if (first + i < length)
      body(first + i);
}

// y [rows, width] = table [ids]. One block a row.
KERNEL(128, gather_rows)
(const float* table, const int32_t* ids, float* y, int width, int table_rows, uint32_t* failure,
 uint32_t operation) {
  const long row = blockIdx.x;
  const int id = ids[row], t = static_cast<int>(threadIdx.x);
  if (id < 0 || id >= table_rows) {
    if (t == 0) report_bad_id(failure, operation);
    return;
  }
  for (int i = t; i < width; i += 128)
    y[row * width + i] = table[static_cast<long>(id) * width + i];
}
EXPORT(gather_rows)

// table [ids] += dy [rows, width], in ascending order of the rows for every element. One block a row: that of
// an id's first row adds all rows of the id.
KERNEL(128, scatter_add_rows)
(const float* dy, const int32_t* ids, float* table, int rows, int width, int table_rows,
 uint32_t* failure, uint32_t operation) {
  const int first = static_cast<int>(blockIdx.x), t = static_cast<int>(threadIdx.x);
  const int id = ids[first];
  if (id < 0 || id >= table_rows) {
    if (t == 0) report_bad_id(failure, operation);
    return;
  }
  // Each warp searches alone, so that no memory is shared.
  for (int at = 0; at < first; at += 32) {
    const int row = at + t % 32;
    if (any_in_warp(row < first && ids[row] == id)) return;
  }
  for (int i = t; i < width; i += 128) {
    float* to = table + static_cast<long>(id) * width + i;
    float total = *to;
    for (int row = first; row < rows; row++)
      if (ids[row] == id) total = total + dy[static_cast<long>(row) * width + i];
    *to = total;
  }
}
EXPORT(scatter_add_rows)

KERNEL(ELEMENT_THREADS, add_vectors)(const float* x, float* y, long length) {
  each_element(length, [=](long i) { y[i] = y[i] + x[i]; });
}
EXPORT(add_vectors)

KERNEL(ELEMENT_THREADS, fill)(float* x, float value, long length) {
  each_element(length, [=](long i) { x[i] = value; });
}
EXPORT(fill)

KERNEL(ELEMENT_THREADS, scale_vector)(float* x, float factor, long length) {
  each_element(length, [=](long i) { x[i] = x[i] * factor; });
}
EXPORT(scale_vector)

// out [blocks] f64: the sum of x^2 in float64, 16 accumulators by index, added in ascending order. Half a warp
// a block of x.
struct SquaresShared {
  double sums[128];
};
KERNEL(128, sum_squares_blocks)(const float* x, long length, long block, double* out) {
  SHARED(SquaresShared, s);
  const int t = static_cast<int>(threadIdx.x), lane = t % LANES;
  const long part = static_cast<long>(blockIdx.x) * (128 / LANES) + t / LANES;
  const long start = part * block, end = start + block < length ? start + block : length;
  double sum = 0;
  for (long i = start + lane; i < end; i += LANES) {
    const double value = x[i];
    sum = sum + value * value;
  }
  s.sums[t] = sum;
  __syncthreads();
  if (lane != 0 || start >= length) return;
  double total = 0;
  for (int i = 0; i < LANES; i++) total = total + s.sums[t + i];
  out[part] = total;
}
EXPORT(sum_squares_blocks)
