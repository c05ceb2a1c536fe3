// Sixteen float32 lanes on every machine: one AVX-512 register, two of AVX2, or a plain array.
//
// - Every function gives the same bits in all three.
// - `sum` adds lane i to lane i + 8, then i + 4, i + 2, i + 1: the one order of all reductions.
#pragma once

#include <cstdint>

#if defined(GUMSHOE_AVX512) || defined(GUMSHOE_AVX2)
#include <immintrin.h>
#endif

namespace gumshoe {
namespace ISA {

constexpr int LANES = 16;

#if defined(GUMSHOE_AVX512)

// Rows and vectors of a register tile: 24 accumulators of 32 registers.
constexpr int TILE_ROWS = 6;
constexpr int TILE_VECTORS = 4;

struct Vec {
  __m512 v;
};
static inline Vec zero() { return {_mm512_setzero_ps()}; }
static inline Vec broadcast(float x) { return {_mm512_set1_ps(x)}; }
static inline Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
static inline __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1u); }
static inline Vec load_first(const float* p, int n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
static inline void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
static inline void store_first(float* p, Vec a, int n) { _mm512_mask_storeu_ps(p, first(n), a.v); }
// The first n lanes, and 0 after them.
static inline Vec keep_first(Vec a, int n) { return {_mm512_maskz_mov_ps(first(n), a.v)}; }
static inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
static inline Vec add(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
static inline Vec sub(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
static inline Vec mul(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
static inline Vec div(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
static inline Vec sqrt(Vec a) { return {_mm512_sqrt_ps(a.v)}; }
static inline Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
static inline Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
static inline Vec round(Vec a) { return {_mm512_roundscale_ps(a.v, 8)}; }
// 2^n for a whole number n in [-126, 127].
static inline Vec power_of_two(Vec n) {
  __m512i bits = _mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(bits, 23))};
}
// x < bound: `low`; x NaN: x; else y.
static inline Vec choose(Vec x, float bound, float low, Vec y) {
  __mmask16 under = _mm512_cmp_ps_mask(x.v, _mm512_set1_ps(bound), _CMP_LT_OQ);
  __m512 result = _mm512_mask_blend_ps(under, y.v, _mm512_set1_ps(low));
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(x.v, x.v, _CMP_UNORD_Q), result, x.v)};
}
static inline __m256 upper(__m512 a) {
  return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1));
}
static inline __m256 fold(Vec a) { return _mm256_add_ps(_mm512_castps512_ps256(a.v), upper(a.v)); }
static inline __m256 fold_max(Vec a) {
  return _mm256_max_ps(_mm512_castps512_ps256(a.v), upper(a.v));
}

#elif defined(GUMSHOE_AVX2)

// 12 accumulators (6 x 2 registers) of 16 registers.
constexpr int TILE_ROWS = 6;
constexpr int TILE_VECTORS = 1;

struct Vec {
  __m256 a, b;
};
static inline Vec zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
static inline Vec broadcast(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
static inline Vec load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
static inline __m256i first(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline Vec load_first(const float* p, int n) {
  return {_mm256_maskload_ps(p, first(n)), _mm256_maskload_ps(p + 8, first(n - 8))};
}
static inline void store(float* p, Vec x) {
  _mm256_storeu_ps(p, x.a);
  _mm256_storeu_ps(p + 8, x.b);
}
static inline void store_first(float* p, Vec x, int n) {
  _mm256_maskstore_ps(p, first(n), x.a);
  _mm256_maskstore_ps(p + 8, first(n - 8), x.b);
}
static inline Vec keep_first(Vec x, int n) {
  return {_mm256_and_ps(x.a, _mm256_castsi256_ps(first(n))),
          _mm256_and_ps(x.b, _mm256_castsi256_ps(first(n - 8)))};
}
static inline Vec fma(Vec x, Vec y, Vec z) {
  return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
static inline Vec add(Vec x, Vec y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
static inline Vec sub(Vec x, Vec y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
static inline Vec mul(Vec x, Vec y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
static inline Vec div(Vec x, Vec y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
static inline Vec sqrt(Vec x) { return {_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)}; }
static inline Vec max(Vec x, Vec y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
static inline Vec min(Vec x, Vec y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
static inline Vec round(Vec x) { return {_mm256_round_ps(x.a, 8), _mm256_round_ps(x.b, 8)}; }
static inline __m256 power_of_two(__m256 n) {
  __m256i bits = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23));
}
static inline Vec power_of_two(Vec n) { return {power_of_two(n.a), power_of_two(n.b)}; }
static inline __m256 choose(__m256 x, float bound, float low, __m256 y) {
  __m256 under = _mm256_cmp_ps(x, _mm256_set1_ps(bound), _CMP_LT_OQ);
  __m256 result = _mm256_blendv_ps(y, _mm256_set1_ps(low), under);
  return _mm256_blendv_ps(result, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
static inline Vec choose(Vec x, float bound, float low, Vec y) {
  return {choose(x.a, bound, low, y.a), choose(x.b, bound, low, y.b)};
}
static inline __m256 fold(Vec x) { return _mm256_add_ps(x.a, x.b); }
static inline __m256 fold_max(Vec x) { return _mm256_max_ps(x.a, x.b); }

#else

constexpr int TILE_ROWS = 4;
constexpr int TILE_VECTORS = 1;

struct Vec {
  float lane[LANES];
};

template <typename Body>
static inline Vec lanes(Body body) {
  Vec result;
  for (int i = 0; i < LANES; i++) result.lane[i] = body(i);
  return result;
}
static inline Vec zero() {
  return lanes([](int) { return 0.0f; });
}
static inline Vec broadcast(float x) {
  return lanes([=](int) { return x; });
}
static inline Vec load(const float* p) {
  return lanes([=](int i) { return p[i]; });
}
static inline Vec load_first(const float* p, int n) {
  return lanes([=](int i) { return i < n ? p[i] : 0.0f; });
}
static inline void store(float* p, const Vec& a) {
  for (int i = 0; i < LANES; i++) p[i] = a.lane[i];
}
static inline void store_first(float* p, const Vec& a, int n) {
  for (int i = 0; i < LANES && i < n; i++) p[i] = a.lane[i];
}
static inline Vec keep_first(const Vec& a, int n) {
  return lanes([&](int i) { return i < n ? a.lane[i] : 0.0f; });
}
static inline Vec fma(const Vec& a, const Vec& b, const Vec& c) {
  return lanes([&](int i) { return __builtin_fmaf(a.lane[i], b.lane[i], c.lane[i]); });
}
static inline Vec add(const Vec& a, const Vec& b) {
  return lanes([&](int i) { return a.lane[i] + b.lane[i]; });
}
static inline Vec sub(const Vec& a, const Vec& b) {
  return lanes([&](int i) { return a.lane[i] - b.lane[i]; });
}
static inline Vec mul(const Vec& a, const Vec& b) {
  return lanes([&](int i) { return a.lane[i] * b.lane[i]; });
}
static inline Vec div(const Vec& a, const Vec& b) {
  return lanes([&](int i) { return a.lane[i] / b.lane[i]; });
}
static inline Vec sqrt(const Vec& a) {
  return lanes([&](int i) { return __builtin_sqrtf(a.lane[i]); });
}
static inline Vec max(const Vec& a, const Vec& b) {
  return lanes([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
static inline Vec min(const Vec& a, const Vec& b) {
  return lanes([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
static inline Vec round(const Vec& a) {
  return lanes([&](int i) { return __builtin_rintf(a.lane[i]); });
}
static inline Vec power_of_two(const Vec& n) {
  return lanes([&](int i) {
    uint32_t bits = static_cast<uint32_t>(static_cast<int32_t>(n.lane[i]) + 127) << 23;
    float result;
    __builtin_memcpy(&result, &bits, sizeof result);
    return result;
  });
}
static inline Vec choose(const Vec& x, float bound, float low, const Vec& y) {
  return lanes([&](int i) {
    float v = x.lane[i];
    return v != v ? v : v < bound ? low : y.lane[i];
  });
}

#endif

#if defined(GUMSHOE_AVX512) || defined(GUMSHOE_AVX2)

static inline float sum(Vec a) {
  __m256 eight = fold(a);
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
static inline float largest(Vec a) {
  __m256 eight = fold_max(a);
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

#else

static inline float sum(const Vec& a) {
  float s[LANES];
  for (int i = 0; i < LANES; i++) s[i] = a.lane[i];
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) s[i] = s[i] + s[i + half];
  return s[0];
}
static inline float largest(const Vec& a) {
  float s[LANES];
  for (int i = 0; i < LANES; i++) s[i] = a.lane[i];
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) s[i] = s[i] > s[i + half] ? s[i] : s[i + half];
  return s[0];
}

#endif

// Transposes four rows of four numbers, `row` apart; rows of the result are `to_row` apart.
static inline void transpose_four(const float* from, long row, float* to, long to_row) {
#if defined(GUMSHOE_AVX512) || defined(GUMSHOE_AVX2)
  __m128 a = _mm_loadu_ps(from), b = _mm_loadu_ps(from + row);
  __m128 c = _mm_loadu_ps(from + 2 * row), d = _mm_loadu_ps(from + 3 * row);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(to, a);
  _mm_storeu_ps(to + to_row, b);
  _mm_storeu_ps(to + 2 * to_row, c);
  _mm_storeu_ps(to + 3 * to_row, d);
#else
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) to[i * to_row + j] = from[j * row + i];
#endif
}

// Multiplies a vector by a number; contraction is off, so this never becomes part of an FMA.
static inline Vec scale(Vec a, float x) { return mul(a, broadcast(x)); }

// e^x to 1 or 2 units in the last place: x = n ln 2 + r, a polynomial in r, times 2^n. Below -87.33 it is
// 0. Source of the constants: Cody and Waite's split of ln 2; minimax polynomial as in Cephes expf.
static inline Vec exp(Vec x) {
  Vec t = min(max(x, broadcast(-87.33f)), broadcast(88.37f));
  Vec n = round(mul(t, broadcast(1.44269504088896341f)));
  Vec r = fma(n, broadcast(-0.693359375f), t);
  r = fma(n, broadcast(2.12194440e-4f), r);
  Vec p = broadcast(1.9875691500e-4f);
  p = fma(p, r, broadcast(1.3981999507e-3f));
  p = fma(p, r, broadcast(8.3334519073e-3f));
  p = fma(p, r, broadcast(4.1665795894e-2f));
  p = fma(p, r, broadcast(1.6666665459e-1f));
  p = fma(p, r, broadcast(5.0000001201e-1f));
  Vec y = add(fma(p, mul(r, r), r), broadcast(1.0f));
  return choose(x, -87.33f, 0.0f, mul(y, power_of_two(n)));
}

static inline float exp_one(float x) {
  float lane[LANES];
  store(lane, exp(broadcast(x)));
  return lane[0];
}

// ln x for a normal x > 0, in float64: x = m 2^e with m in [sqrt 1/2, sqrt 2], and the series of
// 2 atanh((m - 1) / (m + 1)).
static inline double log_one(double x) {
  uint64_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
  double m;
  __builtin_memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent += 1;
  }
  double z = (m - 1) / (m + 1), z2 = z * z, term = 0;
  for (int k = 23; k >= 3; k -= 2) term = (term + 1.0 / k) * z2;
  return 2 * z * (term + 1) + exponent * 0.6931471805599453;
}

}  // namespace ISA
}  // namespace gumshoe
