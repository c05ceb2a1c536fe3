// y = silu(gate) * up, silu(g) = g / (1 + e^-g); arXiv:2002.05202.
#include "kernels.h"
#include "simd.h"

namespace gumshoe {
namespace ISA {

constexpr long SWIGLU_CHUNK = 1 << 12;

static inline Vec sigmoid(Vec g) {
  return div(broadcast(1.0f), add(broadcast(1.0f), exp(sub(zero(), g))));
}

template <typename Body>
static void in_chunks(Pool& pool, long length, const Body& element_wise) {
  auto body = [&](long task, int) {
    const long start = task * SWIGLU_CHUNK;
    const long end = start + SWIGLU_CHUNK < length ? start + SWIGLU_CHUNK : length;
    for (long i = start; i < end; i += LANES)
      element_wise(i, static_cast<int>(end - i < LANES ? end - i : LANES));
  };
  parallel(pool, (length + SWIGLU_CHUNK - 1) / SWIGLU_CHUNK, body);
}

int swiglu(const Arguments& a, Pool& pool) {
  const float* gate = a.f32(0);
  const float* up = a.f32(1);
  float* y = a.f32(2);
  in_chunks(pool, a.size(3), [=](long i, int n) {
    Vec g = load_first(gate + i, n);
    store_first(y + i, mul(mul(g, sigmoid(g)), load_first(up + i, n)), n);
  });
  return STATUS_OK;
}

// d silu(g) / dg = s (1 + g (1 - s)), s = sigmoid(g).
int swiglu_backward(const Arguments& a, Pool& pool) {
  const float* gate = a.f32(0);
  const float* up = a.f32(1);
  const float* dy = a.f32(2);
  float* d_gate = a.f32(3);
  float* d_up = a.f32(4);
  in_chunks(pool, a.size(5), [=](long i, int n) {
    Vec g = load_first(gate + i, n), u = load_first(up + i, n), d = load_first(dy + i, n);
    Vec s = sigmoid(g), one = broadcast(1.0f);
    store_first(d_up + i, mul(d, mul(g, s)), n);
    Vec slope = mul(s, fma(g, sub(one, s), one));
    store_first(d_gate + i, mul(mul(d, u), slope), n);
  });
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
