// Transposes packed panels: from those of W [n, k], which serve y = x W^T, to those that serve dx = dy W.
// Both consist of contiguous blocks of 32 by 32 numbers, so only blocks are transposed.
#pragma once

#include "kernels.h"
#include "simd.h"

namespace gumshoe {
namespace ISA {

#if defined(GUMSHOE_AVX512)
// to[j][i] = from[i][j] for 16 by 16 numbers in rows of 32.
static inline void turn_tile(const float* from, float* to) {
  __m512 r[16], t[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_ps(from + i * PANEL);
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
  auto low = [](__m512 x, __m512 y) {
    return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(x), _mm512_castps_pd(y)));
  };
  auto high = [](__m512 x, __m512 y) {
    return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(x), _mm512_castps_pd(y)));
  };
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    r[i] = low(t[i], t[i + 2]);
    r[i + 1] = high(t[i], t[i + 2]);
    r[i + 2] = low(t[i + 1], t[i + 3]);
    r[i + 3] = high(t[i + 1], t[i + 3]);
  }
  // Now lane q of r[4 g + c], four numbers each, holds column 4 q + c of rows 4 g to 4 g + 3.
#pragma GCC unroll 4
  for (int c = 0; c < 4; c++) {
    t[c] = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x88);
    t[4 + c] = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xdd);
    t[8 + c] = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x88);
    t[12 + c] = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xdd);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; c++) {
    _mm512_storeu_ps(to + c * PANEL, _mm512_shuffle_f32x4(t[c], t[8 + c], 0x88));
    _mm512_storeu_ps(to + (4 + c) * PANEL, _mm512_shuffle_f32x4(t[4 + c], t[12 + c], 0x88));
    _mm512_storeu_ps(to + (8 + c) * PANEL, _mm512_shuffle_f32x4(t[c], t[8 + c], 0xdd));
    _mm512_storeu_ps(to + (12 + c) * PANEL, _mm512_shuffle_f32x4(t[4 + c], t[12 + c], 0xdd));
  }
}
#endif

// to[j][i] = from[i][j] for i below `rows` and j below `columns`, at most 32 each, in rows of 32; numbers
// that a row of `to` lacks are 0.
static inline void turn_block(const float* from, float* to, long rows, long columns) {
#if defined(GUMSHOE_AVX512)
  if (rows == PANEL && columns == PANEL) {
    for (int i = 0; i < PANEL; i += 16)
      for (int j = 0; j < PANEL; j += 16) turn_tile(from + i * PANEL + j, to + j * PANEL + i);
    return;
  }
#endif
  for (long j = 0; j < columns; j++) {
    for (long i = 0; i < rows; i++) to[j * PANEL + i] = from[i * PANEL + j];
    for (long i = rows; i < PANEL; i++) to[j * PANEL + i] = 0;
  }
}

// Transposes columns `first` to `first` + 31 of W [n, k], packed as [n / 32][k][32], into one panel
// [n][32].
static inline void turn_panel(const float* packed, float* to, long n, long k, long first) {
  const long columns = k - first < PANEL ? k - first : PANEL;
  for (long row = 0; row < n; row += PANEL)
    turn_block(packed + row * k + first * PANEL, to + row * PANEL, columns,
               n - row < PANEL ? n - row : PANEL);
}

}  // namespace ISA
}  // namespace gumshoe
