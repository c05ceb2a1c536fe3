// The one matrix product under everything: C[m, n] = chain over ascending k of fma(A[m, k], B[k, n]).
//
// - Each output is one FMA chain that starts at 0 or, with `resume`, at what C holds: so a product
//   cut into pieces along k has the bits of the whole.
// - A is addressed by two strides, so that it may be transposed. B has 16 columns side by side.
// - Tiles differ between instruction sets and with the number of rows; no bit does.
// - A tile of 6 rows by 64 columns loads 10 numbers for 24 FMAs: when a neighbour shares the core's load
//   ports, as on rented machines, that keeps pace where 12 by 32 (14 loads) loses a third.
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
  long b_step;           // distance along k
  long b_panel = PANEL;  // distance between groups of 32 columns
  float* c;
  long c_row;
  bool resume;                    // chains start at C
  const float* bias = nullptr;    // added once at the end
  const float* addend = nullptr;  // laid out like C; added once at the end; may be C itself
  // With `blocks`, B lies in pieces: k runs through `block_k` steps of each, at blocks[i] block_stride.
  const int32_t* blocks = nullptr;
  long block_k = 0, block_stride = 0;
};

// Where the columns of a tile lie, 16 by 16.
template <int VECTORS>
struct Columns {
  const float* at[VECTORS];
};

// acc[i][v] runs on over `k` steps. With A_STEP and B_STEP, the distances along k are these, and B has
// panels: addresses are then constants of the instructions, and four steps make one turn of the loop.
template <int ROWS, int VECTORS, bool WHOLE, long A_STEP, long B_STEP>
static inline void run_chains(const Product& p, long k, const float* a, const Columns<VECTORS>& from,
                              long shift, int last, Vec (&acc)[ROWS][VECTORS]) {
  constexpr bool KNOWN = A_STEP > 0 && B_STEP == PANEL;
  constexpr int TURN = KNOWN ? 4 : 1, PER_PANEL = KNOWN ? PANEL / LANES : 1;
  // One pointer for three rows, and one for each panel: more would not stay in registers.
  constexpr int POINTERS = (ROWS + 2) / 3, PANELS = (VECTORS + PER_PANEL - 1) / PER_PANEL;
  const long a_step = KNOWN ? A_STEP : p.a_step, b_step = KNOWN ? B_STEP : p.b_step;
  const long a_row = p.a_row;
  const float* rows[POINTERS];
  const float* b[PANELS];
#pragma GCC unroll 16
  for (int i = 0; i < POINTERS; i++) rows[i] = a + 3 * i * a_row;
#pragma GCC unroll 16
  for (int i = 0; i < PANELS; i++) b[i] = from.at[i * PER_PANEL] + shift;
  auto step = [&](long i) __attribute__((always_inline)) {
    Vec column[VECTORS];
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++) {
      const float* at = b[v / PER_PANEL] + v % PER_PANEL * LANES + i * b_step;
      column[v] = WHOLE || v < VECTORS - 1 ? load(at) : load_first(at, last);
    }
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++) {
      const Vec x = broadcast(rows[r / 3][r % 3 * a_row + i * a_step]);
#pragma GCC unroll 16
      for (int v = 0; v < VECTORS; v++) acc[r][v] = fma(x, column[v], acc[r][v]);
    }
    // The compiler would keep a pointer for each row and step, and most of them in memory.
#pragma GCC unroll 16
    for (int j = 0; j < POINTERS; j++) asm volatile("" : "+r"(rows[j]));
  };
  auto advance = [&](long steps) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int i = 0; i < POINTERS; i++) rows[i] += steps * a_step;
#pragma GCC unroll 16
    for (int i = 0; i < PANELS; i++) b[i] += steps * b_step;
  };
  for (; k >= TURN; k -= TURN) {
#pragma GCC unroll 16
    for (int i = 0; i < TURN; i++) step(i);
    advance(TURN);
  }
  for (; TURN > 1 && k > 0; k--) {
    step(0);
    advance(1);
  }
}

template <int ROWS, int VECTORS, bool WHOLE>
static inline void chains(const Product& p, long k, const float* a, const Columns<VECTORS>& from,
                          long shift, int last, Vec (&acc)[ROWS][VECTORS]) {
  if constexpr (ROWS == TILE_ROWS && VECTORS == TILE_VECTORS && WHOLE) {
    if (p.b_step == PANEL && p.a_step == 1)
      return run_chains<ROWS, VECTORS, WHOLE, 1, PANEL>(p, k, a, from, shift, last, acc);
    if (p.b_step == PANEL && p.a_step == TILE_ROWS)
      return run_chains<ROWS, VECTORS, WHOLE, TILE_ROWS, PANEL>(p, k, a, from, shift, last, acc);
  }
  run_chains<ROWS, VECTORS, WHOLE, 0, 0>(p, k, a, from, shift, last, acc);
}

template <int ROWS, int VECTORS, bool WHOLE>
static inline void tile(const Product& p, long row, long column, const Columns<VECTORS>& from,
                        int last) {
  Vec acc[ROWS][VECTORS];
  const float* a = p.a + row * p.a_row;
  const long corner = row * p.c_row + column;
  auto width = [&](int v) { return WHOLE || v < VECTORS - 1 ? LANES : last; };
  auto take = [&](const float* x, int v) {
    return WHOLE || v < VECTORS - 1 ? load(x) : load_first(x, last);
  };
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++)
      acc[i][v] = p.resume ? take(p.c + corner + i * p.c_row + v * LANES, v) : zero();
  const long run = p.blocks == nullptr ? p.k : p.block_k;
  for (long k = 0, block = 0; k < p.k; k += run, block++) {
    const long shift = p.blocks == nullptr ? 0 : p.blocks[block] * p.block_stride;
    const long steps = p.k - k < run ? p.k - k : run;
    chains<ROWS, VECTORS, WHOLE>(p, steps, a + k * p.a_step, from, shift, last, acc);
  }
  // The fields of `p` are read before the first store, or the compiler would read them again after each.
  const float* bias = p.bias;
  const float* addend = p.addend;
  float* c = p.c + corner;
  const long c_row = p.c_row;
  if (bias != nullptr) {
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++) {
      const Vec b = take(bias + column + v * LANES, v);
#pragma GCC unroll 16
      for (int i = 0; i < ROWS; i++) acc[i][v] = ISA::add(acc[i][v], b);
    }
  }
  if (addend != nullptr) {
    addend += corner;
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++, addend += c_row)
#pragma GCC unroll 16
      for (int v = 0; v < VECTORS; v++)
        acc[i][v] = ISA::add(take(addend + v * LANES, v), acc[i][v]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++, c += c_row)
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++)
      if (WHOLE)
        store(c + v * LANES, acc[i][v]);
      else
        store_first(c + v * LANES, acc[i][v], width(v));
}

template <int ROWS, int VECTORS>
static void tile_rows(const Product& p, int rows, long row, long column,
                      const Columns<VECTORS>& from, int last) {
  if (rows == ROWS) {
    if (last == LANES)
      tile<ROWS, VECTORS, true>(p, row, column, from, last);
    else
      tile<ROWS, VECTORS, false>(p, row, column, from, last);
  } else if constexpr (ROWS > 1) {
    tile_rows<ROWS - 1, VECTORS>(p, rows, row, column, from, last);
  }
}

// All rows, in tiles of about equal height, against VECTORS vectors of columns, the last of them `last`
// wide.
template <int VECTORS>
static inline void strip(const Product& p, long rows, long column, const Columns<VECTORS>& from,
                         int last) {
  constexpr int HIGH = TILE_VECTORS / VECTORS * TILE_ROWS < 12 ? TILE_VECTORS / VECTORS * TILE_ROWS
                                                              : 12;
  const long tiles = (rows + HIGH - 1) / HIGH;
  for (long i = 0, row = 0; i < tiles; i++) {
    const long next = (i + 1) * rows / tiles;
    tile_rows<HIGH, VECTORS>(p, static_cast<int>(next - row), row, column, from, last);
    row = next;
  }
}

template <int VECTORS>
static inline Columns<VECTORS> columns_at(const Product& p, long column) {
  Columns<VECTORS> from;
  for (int v = 0; v < VECTORS; v++) {
    const long at = column + v * LANES;
    from.at[v] = p.b + at / PANEL * p.b_panel + at % PANEL;
  }
  return from;
}

// Few rows against eight vectors at once: more chains in flight than a narrower tile has.
template <int ROWS>
static inline long few_rows(const Product& p, long columns) {
  long column = 0;
  for (; column + 8 * LANES <= columns; column += 8 * LANES)
    tile<ROWS, 8, true>(p, 0, column, columns_at<8>(p, column), LANES);
  return column;
}

// `rows` rows of A against `columns` columns of B.
static inline void multiply(const Product& p, long rows, long columns) {
  long column = 0;
#if defined(GUMSHOE_AVX512)
  if (rows == 1) column = few_rows<1>(p, columns);
  if (rows == 2) column = few_rows<2>(p, columns);
  if (rows == 3) column = few_rows<3>(p, columns);
#endif
  while (column < columns) {
    const long left = columns - column;
    const long vectors = (left + LANES - 1) / LANES;
    if (TILE_VECTORS == 4 && vectors >= 4) {
      const int last = static_cast<int>(left < 4 * LANES ? left - 3 * LANES : LANES);
      strip<TILE_VECTORS>(p, rows, column, columns_at<TILE_VECTORS>(p, column), last);
      column += 4 * LANES;
    } else if (TILE_VECTORS >= 2 && vectors >= 2) {
      const int last = static_cast<int>(left < 2 * LANES ? left - LANES : LANES);
      constexpr int TWO = TILE_VECTORS >= 2 ? 2 : 1;
      strip<TWO>(p, rows, column, columns_at<TWO>(p, column), last);
      column += 2 * LANES;
    } else {
      const int last = static_cast<int>(left < LANES ? left : LANES);
      strip<1>(p, rows, column, columns_at<1>(p, column), last);
      column += LANES;
    }
  }
}

}  // namespace ISA
}  // namespace gumshoe
