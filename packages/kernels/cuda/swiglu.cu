// y = silu(gate) * up, silu(g) = g / (1 + e^-g); arXiv:2002.05202.
#include "exp-log.h"

constexpr int SWIGLU_THREADS = 256, SWIGLU_ELEMENTS = 2 * SWIGLU_THREADS;

DEVICE float sigmoid(float g) { return quotient(1.0f, 1.0f + exponential(0.0f - g)); }

KERNEL(SWIGLU_THREADS, swiglu)(const float* gate, const float* up, float* y, long length) {
  const long first = static_cast<long>(blockIdx.x) * SWIGLU_ELEMENTS + threadIdx.x;
  for (long i = first; i < length && i < first + SWIGLU_ELEMENTS; i += SWIGLU_THREADS) {
    const float g = gate[i];
    y[i] = g * sigmoid(g) * up[i];
  }
}
EXPORT(swiglu)

// d silu(g) / dg = s (1 + g (1 - s)), s = sigmoid(g).
KERNEL(SWIGLU_THREADS, swiglu_backward)
(const float* gate, const float* up, const float* dy, float* d_gate, float* d_up, long length) {
  const long first = static_cast<long>(blockIdx.x) * SWIGLU_ELEMENTS + threadIdx.x;
  for (long i = first; i < length && i < first + SWIGLU_ELEMENTS; i += SWIGLU_THREADS) {
    const float g = gate[i], u = up[i], d = dy[i], s = sigmoid(g);
    d_up[i] = d * (g * s);
    d_gate[i] = d * u * (s * fused(g, 1.0f - s, 1.0f));
  }
}
EXPORT(swiglu_backward)
