// y = x / rms(x) * w for every row; arXiv:1910.07467. Half a warp a row: its lanes are the CPU's.
#include "device.h"

constexpr int NORM_THREADS = 128, NORM_ROWS = NORM_THREADS / LANES;

// Lanes past the end of a row work on zeros, as the CPU's do: adding 0 turns -0 into 0.
DEVICE float or_zero(const float* x, int i, int width) { return i < width ? x[i] : 0.0f; }

KERNEL(NORM_THREADS, rms_norm)
(const float* x, const float* w, float eps, float* y, float* rstd, int rows, int width) {
  const int t = static_cast<int>(threadIdx.x), lane = t % LANES;
  const int row = static_cast<int>(blockIdx.x) * NORM_ROWS + t / LANES;
  const long start = static_cast<long>(row < rows ? row : 0) * width;
  const float* in = x + start;
  float squares = 0;
  for (int i = lane; i - lane < width; i += LANES) {
    const float value = or_zero(in, i, width);
    squares = fused(value, value, squares);
  }
  const float mean = quotient(sum_lanes(squares), static_cast<float>(width));
  const float r = shuffle_from(quotient(1.0f, root(mean + eps)), 0, LANES);
  if (row >= rows) return;
  if (lane == 0) rstd[row] = r;
  for (int i = lane; i < width; i += LANES) y[start + i] = in[i] * r * w[i];
}
EXPORT(rms_norm)

// dx = r (dy w) - x r^3 / width * sum(dy w x), stored or added.
KERNEL(NORM_THREADS, rms_norm_backward_input)
(const float* x, const float* w, const float* rstd, const float* dy, float* dx, int rows, int width,
 int accumulate) {
  const int t = static_cast<int>(threadIdx.x), lane = t % LANES;
  const int row = static_cast<int>(blockIdx.x) * NORM_ROWS + t / LANES;
  const long start = static_cast<long>(row < rows ? row : 0) * width;
  const float* in = x + start;
  const float* up = dy + start;
  float dots = 0;
  for (int i = lane; i - lane < width; i += LANES) {
    const float direct = or_zero(up, i, width) * or_zero(w, i, width);
    dots = fused(direct, or_zero(in, i, width), dots);
  }
  const float total = shuffle_from(sum_lanes(dots), 0, LANES);
  if (row >= rows) return;
  const float r = rstd[row];
  const float pull = quotient(total, static_cast<float>(width)) * r * r * r;
  for (int i = lane; i < width; i += LANES) {
    const float result = up[i] * w[i] * r - in[i] * pull;
    dx[start + i] = accumulate != 0 ? dx[start + i] + result : result;
  }
}
EXPORT(rms_norm_backward_input)

// dw += sum over ascending rows of dy x r. One thread a column.
KERNEL(64, rms_norm_backward_weight)
(const float* x, const float* rstd, const float* dy, float* dw, int rows, int width) {
  const int column = static_cast<int>(blockIdx.x * 64 + threadIdx.x);
  if (column >= width) return;
  float total = dw[column];
  for (int row = 0; row < rows; row++) {
    const long at = static_cast<long>(row) * width + column;
    total = fused(dy[at], x[at] * rstd[row], total);
  }
  dw[column] = total;
}
EXPORT(rms_norm_backward_weight)
