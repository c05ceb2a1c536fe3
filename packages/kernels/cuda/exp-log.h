// The exponential and the logarithm of cpu/simd.h: the same operations in the same order.
#pragma once

#include "device.h"

// 2^n for a whole number n in [-126, 127].
DEVICE float power_of_two(float n) {
  return float_of(static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23);
}

// e^x to 1 unit in the last place or two: x = n ln 2 + r, a polynomial in r, times 2^n. Below -87.33 it is 0.
// Source of the constants: Cody and Waite's split of ln 2; minimax polynomial as in Cephes expf.
DEVICE float exponential(float x) {
  float t = x > -87.33f ? x : -87.33f;
  t = t < 88.37f ? t : 88.37f;
  const float n = nearest(t * 1.44269504088896341f);
  float r = fused(n, -0.693359375f, t);
  r = fused(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = fused(p, r, 1.3981999507e-3f);
  p = fused(p, r, 8.3334519073e-3f);
  p = fused(p, r, 4.1665795894e-2f);
  p = fused(p, r, 1.6666665459e-1f);
  p = fused(p, r, 5.0000001201e-1f);
  const float y = fused(p, r * r, r) + 1.0f;
  const float result = y * power_of_two(n);
  return x != x ? x : x < -87.33f ? 0.0f : result;
}

// ln x for a normal x > 0, in float64: x = m 2^e with m in [sqrt 1/2, sqrt 2], and the series of
// 2 atanh((m - 1) / (m + 1)).
DEVICE double logarithm(double x) {
  uint64_t bits = bits_of(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL;
  double m = double_of(bits);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent += 1;
  }
  const double z = (m - 1) / (m + 1), z2 = z * z;
  double term = 0;
  UNROLL for (int k = 23; k >= 3; k -= 2) term = (term + 1.0 / k) * z2;
  return 2 * z * (term + 1) + exponent * 0.6931471805599453;
}
