// AdamW with decoupled decay; arXiv:1711.05101. Every element is on its own.
#include "kernels.h"
#include "simd.h"

namespace gumshoe {
namespace ISA {

constexpr long ADAMW_CHUNK = 1 << 13;

int adamw(const Arguments& a, Pool& pool) {
  float* master = a.f32(0);
  float* m = a.f32(1);
  float* v = a.f32(2);
  const float* grad = a.f32(3);
  const long length = a.size(4);
  const Vec beta1 = broadcast(a.number(5)), beta2 = broadcast(a.number(6));
  const Vec rest1 = broadcast(a.number(7)), rest2 = broadcast(a.number(8));
  // Step size over the first bias correction; square root of the second; 1 - lr * decay.
  const Vec step = broadcast(a.number(9)), root = broadcast(a.number(10));
  const Vec eps = broadcast(a.number(11)), keep = broadcast(a.number(12));
  const Vec grad_scale = broadcast(a.number(13));
  auto body = [&](long task, int) {
    const long start = task * ADAMW_CHUNK;
    const long end = start + ADAMW_CHUNK < length ? start + ADAMW_CHUNK : length;
    for (long i = start; i < end; i += LANES) {
      const int n = static_cast<int>(end - i < LANES ? end - i : LANES);
      Vec g = mul(load_first(grad + i, n), grad_scale);
      Vec m1 = add(mul(load_first(m + i, n), beta1), mul(g, rest1));
      Vec v1 = add(mul(load_first(v + i, n), beta2), mul(mul(g, g), rest2));
      Vec low = add(div(sqrt(v1), root), eps);
      Vec w = mul(load_first(master + i, n), keep);
      store_first(master + i, sub(w, mul(step, div(m1, low))), n);
      store_first(m + i, m1, n);
      store_first(v + i, v1, n);
    }
  };
  parallel(pool, (length + ADAMW_CHUNK - 1) / ADAMW_CHUNK, body);
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
