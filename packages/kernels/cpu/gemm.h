// The one matrix product under everything: C[m, n] = chain over ascending k of fma(A[m, k], B[k, n]).
//
// - Each output is one FMA chain that starts at 0 or, with `resume`, at what C holds: so a product
//   cut into pieces along k has the bits of the whole.
// - A is addressed by two strides, so that it may be transposed; B has its columns side by side.
// - Tiles differ between instruction sets and with the number of rows; no bit does.
#pragma once

#include "kernels.h"
#include "simd.h"

namespace gumshoe {
namespace ISA {

struct Product {
  long k;
  const float* a;
  long a_row, a_step;  // distance between rows, and along k
  const float* b;
  long b_step;  // distance along k; columns are adjacent
  float* c;
  long c_row;
  bool resume;               // chains start at C
  const float* bias = nullptr;  // added once at the end
  const float* addend = nullptr;  // laid out like C; added once at the end; may be C itself
};

template <int ROWS, int VECTORS>
static inline void tile(const Product& p, const float* a, const float* b, float* c,
                        const float* bias, int columns) {
  Vec acc[ROWS][VECTORS];
  const bool whole = columns == VECTORS * LANES;
  const int last = columns - (VECTORS - 1) * LANES;
  auto width = [&](int v) { return v == VECTORS - 1 ? last : LANES; };
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++)
      acc[i][v] = p.resume ? load_first(c + i * p.c_row + v * LANES, width(v)) : zero();
  const long a_row = p.a_row, a_step = p.a_step, b_step = p.b_step;
  if (whole) {
    for (long k = 0; k < p.k; k++, a += a_step, b += b_step) {
      Vec column[VECTORS];
#pragma GCC unroll 16
      for (int v = 0; v < VECTORS; v++) column[v] = load(b + v * LANES);
#pragma GCC unroll 16
      for (int i = 0; i < ROWS; i++) {
        Vec x = broadcast(a[i * a_row]);
#pragma GCC unroll 16
        for (int v = 0; v < VECTORS; v++) acc[i][v] = fma(x, column[v], acc[i][v]);
      }
    }
  } else {
    for (long k = 0; k < p.k; k++, a += a_step, b += b_step) {
      Vec column[VECTORS];
#pragma GCC unroll 16
      for (int v = 0; v < VECTORS; v++) column[v] = load_first(b + v * LANES, width(v));
#pragma GCC unroll 16
      for (int i = 0; i < ROWS; i++) {
        Vec x = broadcast(a[i * a_row]);
#pragma GCC unroll 16
        for (int v = 0; v < VECTORS; v++) acc[i][v] = fma(x, column[v], acc[i][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++) {
      float* out = c + i * p.c_row + v * LANES;
      Vec y = acc[i][v];
      if (bias != nullptr) y = ISA::add(y, load_first(bias + v * LANES, width(v)));
      if (p.addend != nullptr) y = ISA::add(load_first(p.addend + (out - p.c), width(v)), y);
      if (whole)
        store(out, y);
      else
        store_first(out, y, width(v));
    }
}

template <int ROWS, int VECTORS>
static void tile_rows(const Product& p, int rows, const float* a, const float* b, float* c,
                      const float* bias, int columns) {
  if (rows == ROWS) {
    tile<ROWS, VECTORS>(p, a, b, c, bias, columns);
  } else if constexpr (ROWS > 1) {
    tile_rows<ROWS - 1, VECTORS>(p, rows, a, b, c, bias, columns);
  }
}

// All rows against one strip of at most VECTORS * LANES columns.
template <int VECTORS>
static inline void strip(const Product& p, long rows, const float* b, float* c, const float* bias,
                         int columns) {
  long m = 0;
  for (; m + TILE_ROWS <= rows; m += TILE_ROWS)
    tile<TILE_ROWS, VECTORS>(p, p.a + m * p.a_row, b, c + m * p.c_row, bias, columns);
  if (m < rows)
    tile_rows<TILE_ROWS - 1, VECTORS>(p, static_cast<int>(rows - m), p.a + m * p.a_row, b,
                                      c + m * p.c_row, bias, columns);
}

// All rows against `columns` adjacent columns of B.
static inline void multiply(const Product& p, long rows, long columns) {
  constexpr long WIDE = TILE_VECTORS * LANES;
  for (long n = 0; n < columns;) {
    const float* bias = p.bias == nullptr ? nullptr : p.bias + n;
    const long left = columns - n;
    if (TILE_VECTORS > 1 && left > LANES) {
      const long width = left < WIDE ? left : WIDE;
      strip<TILE_VECTORS>(p, rows, p.b + n, p.c + n, bias, static_cast<int>(width));
      n += width;
    } else {
      const long width = left < LANES ? left : LANES;
      strip<1>(p, rows, p.b + n, p.c + n, bias, static_cast<int>(width));
      n += width;
    }
  }
}

// Few rows against four panels of a packed matrix at once: more chains in flight than one panel has.
template <int ROWS>
static inline void four_panels(const Product& p, long panel_stride) {
  constexpr int VECTORS = 8;
  Vec acc[ROWS][VECTORS];
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++) acc[i][v] = zero();
  const float* a = p.a;
  const float* b = p.b;
  for (long k = 0; k < p.k; k++, a += p.a_step, b += p.b_step) {
    Vec x[ROWS];
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) x[i] = broadcast(a[i * p.a_row]);
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++) {
      Vec column = load(b + (v / 2) * panel_stride + (v % 2) * LANES);
#pragma GCC unroll 16
      for (int i = 0; i < ROWS; i++) acc[i][v] = fma(x[i], column, acc[i][v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++) {
      float* out = p.c + i * p.c_row + v * LANES;
      Vec y = acc[i][v];
      if (p.bias != nullptr) y = ISA::add(y, load(p.bias + v * LANES));
      if (p.addend != nullptr) y = ISA::add(load(p.addend + (out - p.c)), y);
      store(out, y);
    }
}

// Rows against `columns` columns of a packed matrix, from a panel on. `p.b` is that panel.
static inline void multiply_panels(const Product& p, long rows, long columns, long panel_stride) {
  Product q = p;
  long n = 0;
#if defined(GUMSHOE_AVX512)
  if (rows <= 3 && !p.resume) {
    for (; n + 4 * PANEL <= columns; n += 4 * PANEL) {
      q.b = p.b + (n / PANEL) * panel_stride;
      q.c = p.c + n;
      q.addend = p.addend == nullptr ? nullptr : p.addend + n;
      q.bias = p.bias == nullptr ? nullptr : p.bias + n;
      if (rows == 1) four_panels<1>(q, panel_stride);
      if (rows == 2) four_panels<2>(q, panel_stride);
      if (rows == 3) four_panels<3>(q, panel_stride);
    }
  }
#endif
  for (; n < columns; n += PANEL) {
    q.b = p.b + (n / PANEL) * panel_stride;
    q.c = p.c + n;
    q.addend = p.addend == nullptr ? nullptr : p.addend + n;
    q.bias = p.bias == nullptr ? nullptr : p.bias + n;
    multiply(q, rows, columns - n < PANEL ? columns - n : PANEL);
  }
}

}  // namespace ISA
}  // namespace gumshoe
