// AdamW with decoupled decay; arXiv:1711.05101. Elements are independent, so the weights may be in any
// order: those of a matrix are updated in the packed form that the products read.
#include "kernels.h"
#include "simd.h"

namespace gumshoe {
namespace ISA {

constexpr long ADAMW_CHUNK = 1 << 13;

// The constants of one step, as vectors.
struct AdamW {
  Vec beta1, beta2, rest1, rest2;
  // Step size divided by the first bias correction; square root of the second; 1 - lr * decay.
  Vec step, root, eps, keep, grad_scale;

  AdamW(const Arguments& a, int first)
      : beta1(broadcast(a.number(first))),
        beta2(broadcast(a.number(first + 1))),
        rest1(broadcast(a.number(first + 2))),
        rest2(broadcast(a.number(first + 3))),
        step(broadcast(a.number(first + 4))),
        root(broadcast(a.number(first + 5))),
        eps(broadcast(a.number(first + 6))),
        keep(broadcast(a.number(first + 7))),
        grad_scale(broadcast(a.number(first + 8))) {}

  // Updates up to 16 weights with their m and v.
  Vec move(Vec weights, float* m, float* v, const float* grad, int n) const {
    const Vec g = mul(load_first(grad, n), grad_scale);
    const Vec m1 = add(mul(load_first(m, n), beta1), mul(g, rest1));
    const Vec v1 = add(mul(load_first(v, n), beta2), mul(mul(g, g), rest2));
    const Vec low = add(div(sqrt(v1), root), eps);
    store_first(m, m1, n);
    store_first(v, v1, n);
    return sub(mul(weights, keep), mul(step, div(m1, low)));
  }
};

int adamw(const Arguments& a, Pool& pool) {
  const float* from = a.f32(0);
  float* to = a.f32(1);
  float* m = a.f32(2);
  float* v = a.f32(3);
  const float* grad = a.f32(4);
  const long length = a.size(5);
  const AdamW rule(a, 6);
  auto body = [&](long task, int) {
    const long start = task * ADAMW_CHUNK;
    const long end = start + ADAMW_CHUNK < length ? start + ADAMW_CHUNK : length;
    for (long i = start; i < end; i += LANES) {
      const int n = static_cast<int>(end - i < LANES ? end - i : LANES);
      store_first(to + i, rule.move(load_first(from + i, n), m + i, v + i, grad + i, n), n);
    }
  };
  parallel(pool, (length + ADAMW_CHUNK - 1) / ADAMW_CHUNK, body);
  return STATUS_OK;
}

// Elements `first` to `last` of a matrix [n, k] in row-major order; m, v and grad begin at element `first`.
int adamw_packed(const Arguments& a, Pool& pool) {
  const float* from = a.f32(0);
  float* to = a.f32(1);
  float* m = a.f32(2);
  float* v = a.f32(3);
  const float* grad = a.f32(4);
  const long n = a.size(5), k = a.size(6), first = a.size(7), last = a.size(8);
  const AdamW rule(a, 9);
  const long top = first / (k * PANEL), bottom = (last + k * PANEL - 1) / (k * PANEL);
  auto body = [&](long task, int) {
    const long panel = top + task, rows = n - panel * PANEL < PANEL ? n - panel * PANEL : PANEL;
    for (long column = 0; column < k; column += LANES) {
      const long width = k - column < LANES ? k - column : LANES;
      const long corner = panel * PANEL * k + column * PANEL;
      float weights[PANEL][LANES];
      for (long d = 0; d < width; d++)
        for (long r = 0; r < rows; r++) weights[r][d] = from[corner + d * PANEL + r];
      for (long r = 0; r < rows; r++) {
        // If the range begins or ends within these columns, elements outside it are kept.
        const long start = (panel * PANEL + r) * k + column;
        const long skip = first > start ? first - start : 0;
        const long end = last - start < width ? last - start : width;
        if (skip >= end) continue;
        const int count = static_cast<int>(end - skip);
        const long at = start + skip - first;
        float* row = weights[r] + skip;
        const Vec moved = rule.move(load_first(row, count), m + at, v + at, grad + at, count);
        store_first(row, moved, count);
      }
      for (long d = 0; d < width; d++)
        for (long r = 0; r < rows; r++) {
          const long element = (panel * PANEL + r) * k + column + d;
          if (element >= first && element < last) to[corner + d * PANEL + r] = weights[r][d];
        }
    }
  };
  parallel(pool, bottom - top, body);
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
