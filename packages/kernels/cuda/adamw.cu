// AdamW with decoupled decay; arXiv:1711.05101.
#include "device.h"

// The numbers of one step, in the order of the operation's arguments.
struct AdamwRule {
  // Step size over the first bias correction; square root of the second; 1 - lr * decay.
  float beta1, beta2, rest1, rest2, step, root, eps, keep, grad_scale;
};

// Moves one weight; m and v are updated.
DEVICE float moved(const AdamwRule& rule, float weight, float& m, float& v, float grad) {
  const float g = grad * rule.grad_scale;
  m = m * rule.beta1 + g * rule.rest1;
  v = v * rule.beta2 + g * g * rule.rest2;
  const float low = quotient(root(v), rule.root) + rule.eps;
  return weight * rule.keep - rule.step * quotient(m, low);
}

#define RULE_PARAMETERS                                                                     \
  float beta1, float beta2, float rest1, float rest2, float step, float root_of_correction, \
      float eps, float keep, float grad_scale
#define RULE \
  AdamwRule { beta1, beta2, rest1, rest2, step, root_of_correction, eps, keep, grad_scale }

KERNEL(256, adamw)
(const float* from, float* to, float* m, float* v, const float* grad, long length,
 RULE_PARAMETERS) {
  const long i = static_cast<long>(blockIdx.x) * 256 + threadIdx.x;
  if (i < length) to[i] = moved(RULE, from[i], m[i], v[i], grad[i]);
}
EXPORT(adamw)

// Elements `first` to `last` of a matrix [n, k] in row-major order, whose weights are packed; m, v and grad
// begin at element `first`. A block moves 32 rows by 32 columns, from panel `top` on: weights go through shared
// memory, so that they and the moments are read in their own orders.
struct AdamwShared {
  float weights[PANEL][PANEL + 1];  // by row, then column
};
KERNEL(256, adamw_packed)
(const float* from, float* to, float* m, float* v, const float* grad, int k, long first, long last,
 int top, RULE_PARAMETERS) {
  SHARED(AdamwShared, s);
  const int t = static_cast<int>(threadIdx.x), i = t % PANEL;
  const int column0 = static_cast<int>(blockIdx.x) * PANEL;
  const long panel = top + static_cast<long>(blockIdx.y);
  // In range: element (panel * 32 + row) * k + column.
  auto element = [=](int row, int column) { return (panel * PANEL + row) * k + column; };
  auto moves = [=](int row, int column) {
    return column < k && element(row, column) >= first && element(row, column) < last;
  };
  const long corner = panel * PANEL * k;
  for (int j = t / PANEL; j < PANEL; j += 256 / PANEL)
    if (moves(i, column0 + j)) s.weights[i][j] = from[corner + (column0 + j) * PANEL + i];
  __syncthreads();
  for (int j = t / PANEL; j < PANEL; j += 256 / PANEL) {
    if (!moves(j, column0 + i)) continue;
    const long at = element(j, column0 + i) - first;
    s.weights[j][i] = moved(RULE, s.weights[j][i], m[at], v[at], grad[at]);
  }
  __syncthreads();
  for (int j = t / PANEL; j < PANEL; j += 256 / PANEL)
    if (moves(i, column0 + j)) to[corner + (column0 + j) * PANEL + i] = s.weights[i][j];
}
EXPORT(adamw_packed)
