// Linear layers over packed matrices, and the gradients of their inputs and weights.
#include "matrix-product.h"

// Packs W [n, k] as panels [n / 32][k][32]; the columns that the last panel lacks are 0. A block moves 32 rows
// by 32 columns.
struct PackShared {
  float w[PANEL][PANEL + 1];
};
KERNEL(256, pack_matrix)(const float* w, float* packed, int n, int k) {
  SHARED(PackShared, s);
  const int t = static_cast<int>(threadIdx.x), i = t % PANEL;
  const int column0 = static_cast<int>(blockIdx.x) * PANEL,
            row0 = static_cast<int>(blockIdx.y) * PANEL;
  for (int j = t / PANEL; j < PANEL; j += 256 / PANEL) {
    const bool here = row0 + j < n && column0 + i < k;
    s.w[j][i] = here ? w[static_cast<long>(row0 + j) * k + column0 + i] : 0.0f;
  }
  __syncthreads();
  for (int j = t / PANEL; j < PANEL; j += 256 / PANEL)
    if (column0 + j < k)
      packed[static_cast<long>(row0) * k + (column0 + j) * PANEL + i] = s.w[i][j];
}
EXPORT(pack_matrix)

// y [m, n] = x [m, k] W^T (+ bias) (+ addend).
template <typename S>
DEVICE void apply_linear(const float* x, const float* packed, const float* bias, float* y, int m,
                         int n, int k, const float* addend) {
  multiply<S>(
      RowsOfSteps{x, m, k, k}, PanelColumns{packed, n, k}, m, n, k, [](int, int) { return 0.0f; },
      [=](int row, int column, float chain) {
        const long at = static_cast<long>(row) * n + column;
        if (bias != nullptr) chain = chain + bias[column];
        if (addend != nullptr) chain = addend[at] + chain;
        y[at] = chain;
      });
}

#define LINEAR(name, S)                                                                   \
  KERNEL(S::THREADS, name)                                                                \
  (const float* x, const float* packed, const float* bias, float* y, int m, int n, int k, \
   const float* addend) {                                                                 \
    apply_linear<S>(x, packed, bias, y, m, n, k, addend);                                 \
  }                                                                                       \
  EXPORT(name)
LINEAR(linear_small, Small)
LINEAR(linear_medium, Medium)
LINEAR(linear_large, Large)

// dx [m, k] = dy [m, n] W (+ addend).
KERNEL(Large::THREADS, linear_backward_input)
(const float* dy, const float* packed, float* dx, int m, int n, int k, const float* addend) {
  multiply<Large>(
      RowsOfSteps{dy, m, n, n}, PanelSteps{packed, k, n}, m, k, n, [](int, int) { return 0.0f; },
      [=](int row, int column, float chain) {
        const long at = static_cast<long>(row) * k + column;
        dx[at] = addend != nullptr ? addend[at] + chain : chain;
      });
}
EXPORT(linear_backward_input)

// dw [n, k] += dy^T x, the chain of every output running on over ascending rows m.
KERNEL(Large::THREADS, linear_backward_weight)
(const float* x, const float* dy, float* dw, int m, int n, int k) {
  multiply<Large>(
      StepsOfColumns{dy, n, m}, StepsOfColumns{x, k, m}, n, k, m,
      [=](int row, int column) { return dw[static_cast<long>(row) * k + column]; },
      [=](int row, int column, float chain) { dw[static_cast<long>(row) * k + column] = chain; });
}
EXPORT(linear_backward_weight)

// db [n] += column sums of dy [m, n], over ascending rows. One thread a column.
KERNEL(64, linear_backward_bias)(const float* dy, float* db, int m, int n) {
  const int column = static_cast<int>(blockIdx.x * 64 + threadIdx.x);
  if (column >= n) return;
  float total = db[column];
  for (int row = 0; row < m; row++) total = total + dy[static_cast<long>(row) * n + column];
  db[column] = total;
}
EXPORT(linear_backward_bias)

// The GPU's peak: fused multiply-adds in registers, to measure other kernels by.
constexpr int PEAK_THREADS = 256, PEAK_CHAINS = 16;

// flops [1] f64 = the floating-point operations of the launch. Every thread runs its chains for `rounds` steps.
KERNEL(PEAK_THREADS, fma_peak)(double* flops, int rounds, int blocks) {
  const int t = static_cast<int>(threadIdx.x);
  // Near 1 for ever: x = x * 0.5 + 0.5.
  float chains[PEAK_CHAINS];
  UNROLL for (int i = 0; i < PEAK_CHAINS; i++) chains[i] = 1.0f + static_cast<float>(t + i) * 1e-3f;
  for (int round = 0; round < rounds; round++)
    UNROLL for (int i = 0; i < PEAK_CHAINS; i++) chains[i] = fused(chains[i], 0.5f, 0.5f);
  float sum = 0;
  UNROLL for (int i = 0; i < PEAK_CHAINS; i++) sum = sum + chains[i];
  // The sum is positive always, which the compiler does not know: no chain can be left out.
  if (t == 0 && blockIdx.x == 0 && sum > 0)
    *flops = 2.0 * PEAK_CHAINS * PEAK_THREADS * blocks * rounds;
  if (sum < 0) *flops = -1.0;
}
EXPORT(fma_peak)
