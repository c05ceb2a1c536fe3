// The one matrix product under everything: C[m, n] = chain over ascending k of fma(A[m, k], B[k, n]).
//
// - Each output is one FMA chain that starts at 0 or, with `resume`, at the value in C, so a product
//   split along k has the bits of the whole.
// - A is addressed by two strides, so it may be transposed. In B, 16 columns are contiguous.
// - Tile sizes depend on the instruction set and the number of rows; results do not.
// - A tile of 6 by 64 needs 10 loads per 24 FMAs, one of 12 by 32 needs 14. The latter is a third slower
//   while the core's other hyper-thread is busy.
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
  long b_step;           // stride along k
  long b_panel = PANEL;  // distance between groups of 32 columns
  float* c;
  long c_row;
  bool resume;                    // chains start at C's values
  const float* bias = nullptr;    // added once at the end
  const float* addend = nullptr;  // laid out like C; added once at the end; may be C itself
  // With `blocks`, B is in pieces: k runs through `block_k` steps of each, at blocks[i] * block_stride.
  const int32_t* blocks = nullptr;
  long block_k = 0, block_stride = 0;
};

// Copies x [count, width], rows `row` apart, into panels [width / 32][depth][32] from `to` on; columns that
// the last panel lacks are 0.
static inline void copy_to_panels(const float* x, long row, long count, long width, float* to,
                                  long depth) {
  const long whole = width / PANEL, left = width % PANEL;
  const int low = static_cast<int>(left < LANES ? left : LANES);
  const int high = static_cast<int>(left) - low;
  for (long i = 0; i < count; i++, x += row, to += PANEL) {
    const float* from = x;
    float* out = to;
    for (long panel = 0; panel < whole; panel++, from += PANEL, out += depth * PANEL) {
      store(out, load(from));
      store(out + LANES, load(from + LANES));
    }
    if (left == 0) continue;
    store(out, load_first(from, low));
    store(out + LANES, high > 0 ? load_first(from + LANES, high) : zero());
  }
}

// Addresses of the columns of a tile, 16 by 16.
template <int VECTORS>
struct Columns {
  const float* at[VECTORS];
};

// Strides known at compile time, 0 if unknown. Known ones become constants of the instructions, and the
// loop is unrolled four times. WIDE columns of B are contiguous.
template <long A_ROW_, long A_STEP_, long B_STEP_, int WIDE_>
struct Layout {
  static constexpr long A_ROW = A_ROW_, A_STEP = A_STEP_, B_STEP = B_STEP_;
  static constexpr int WIDE = WIDE_, TURN = A_ROW > 0 || A_STEP > 0 ? 4 : 1;
};
using AnyLayout = Layout<0, 0, 0, LANES>;

// Continues the chains of acc[i][v] over `k` steps.
template <typename L, int ROWS, int VECTORS, bool WHOLE>
static inline void run_chains(const Product& p, long k, const float* a,
                              const Columns<VECTORS>& from, long shift, int last,
                              Vec (&acc)[ROWS][VECTORS]) {
  // One pointer for three rows, or for all, and one for contiguous columns, because more would be spilled
  // from registers.
  // NOLINTNEXTLINE(bugprone-branch-clone): both are 3 for some ROWS only.
  constexpr int SHARE = L::A_ROW > 0 ? ROWS : 3, POINTERS = (ROWS + SHARE - 1) / SHARE;
  constexpr int BESIDE = L::WIDE / LANES, RUNS = (VECTORS + BESIDE - 1) / BESIDE;
  const long a_row = L::A_ROW > 0 ? L::A_ROW : p.a_row;
  const long a_step = L::A_STEP > 0 ? L::A_STEP : p.a_step;
  const long b_step = L::B_STEP > 0 ? L::B_STEP : p.b_step;
  const float* rows[POINTERS];
  const float* b[RUNS];
#pragma GCC unroll 16
  for (int i = 0; i < POINTERS; i++) rows[i] = a + SHARE * i * a_row;
#pragma GCC unroll 16
  for (int i = 0; i < RUNS; i++) b[i] = from.at[i * BESIDE] + shift;
  auto advance_a = [&](long steps) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int i = 0; i < POINTERS; i++) rows[i] += steps * a_step;
  };
  auto advance_b = [&](long steps) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int i = 0; i < RUNS; i++) b[i] += steps * b_step;
  };
  // The i-th step from the current pointers; pointers whose stride is unknown advance at once.
  auto step = [&](long i) __attribute__((always_inline)) {
    const long a_shift = L::A_STEP > 0 ? i * L::A_STEP : 0, b_shift = i * L::B_STEP;
    Vec column[VECTORS];
#pragma GCC unroll 16
    for (int v = 0; v < VECTORS; v++) {
      const float* at = b[v / BESIDE] + v % BESIDE * LANES + b_shift;
      column[v] = WHOLE || v < VECTORS - 1 ? load(at) : load_first(at, last);
    }
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++) {
      const Vec x = broadcast(rows[r / SHARE][r % SHARE * a_row + a_shift]);
#pragma GCC unroll 16
      for (int v = 0; v < VECTORS; v++) acc[r][v] = fma(x, column[v], acc[r][v]);
    }
    if (L::A_STEP == 0) advance_a(1);
    if (L::B_STEP == 0) advance_b(1);
#pragma GCC unroll 16
    // Prevents the compiler from keeping a pointer per row and step, most of them in memory.
    for (int j = 0; j < POINTERS; j++) asm volatile("" : "+r"(rows[j]));
  };
  auto end_turn = [&](long steps) __attribute__((always_inline)) {
    if (L::A_STEP > 0) advance_a(steps);
    if (L::B_STEP > 0) advance_b(steps);
  };
  for (; k >= L::TURN; k -= L::TURN) {
#pragma GCC unroll 16
    for (int i = 0; i < L::TURN; i++) step(i);
    end_turn(L::TURN);
  }
  for (; L::TURN > 1 && k > 0; k--) {
    step(0);
    end_turn(1);
  }
}

// One function per tile shape: in a larger function the compiler runs out of registers.
template <typename L, int ROWS, int VECTORS, bool WHOLE>
__attribute__((noinline)) static void tile(const Product& p, long row, long column,
                                           const Columns<VECTORS>& from, int last) {
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
    run_chains<L, ROWS, VECTORS, WHOLE>(p, steps, a + k * p.a_step, from, shift, last, acc);
  }
  // Reads the fields of `p` before the first store; otherwise the compiler reloads them after each.
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

// A tile with all its columns. Nearly all work is in the largest tiles, so they are compiled for each
// operand layout.
template <int ROWS, int VECTORS>
static void whole_tile(const Product& p, long row, long column, const Columns<VECTORS>& from) {
  auto run = [&]<typename L>(L) { tile<L, ROWS, VECTORS, true>(p, row, column, from, LANES); };
  if constexpr (ROWS * VECTORS == TILE_ROWS * TILE_VECTORS) {
    if (p.b_step == PANEL && p.a_step == 1) return run(Layout<0, 1, PANEL, PANEL>{});
    if (p.b_step == PANEL && p.a_row == 1 && p.a_step == TILE_ROWS)
      return run(Layout<1, TILE_ROWS, PANEL, PANEL>{});
    if (p.b_step == PANEL && p.a_row == 1) return run(Layout<1, 0, PANEL, PANEL>{});
    if (p.b_step == KV_BLOCK && p.a_step == 1) return run(Layout<0, 1, KV_BLOCK, LANES>{});
    if (p.b_panel == PANEL && p.a_step == 1) return run(Layout<0, 1, 0, VECTORS * LANES>{});
  }
  run(AnyLayout{});
}

template <int ROWS, int VECTORS>
static void tile_rows(const Product& p, int rows, long row, long column,
                      const Columns<VECTORS>& from, int last) {
  if (rows == ROWS) {
    if (last == LANES)
      whole_tile<ROWS, VECTORS>(p, row, column, from);
    else
      tile<AnyLayout, ROWS, VECTORS, false>(p, row, column, from, last);
  } else if constexpr (ROWS > 1) {
    tile_rows<ROWS - 1, VECTORS>(p, rows, row, column, from, last);
  }
}

// All rows, in tiles of nearly equal height, against VECTORS vectors of columns, the last of them `last`
// wide.
template <int VECTORS>
static inline void strip(const Product& p, long rows, long column, const Columns<VECTORS>& from,
                         int last) {
  constexpr int HIGH =
      TILE_VECTORS / VECTORS * TILE_ROWS < 12 ? TILE_VECTORS / VECTORS * TILE_ROWS : 12;
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

// Few rows against eight vectors at once, for more chains in flight than in a narrower tile.
template <int ROWS>
static inline long few_rows(const Product& p, long columns) {
  long column = 0;
  for (; column + 8 * LANES <= columns; column += 8 * LANES)
    tile<AnyLayout, ROWS, 8, true>(p, 0, column, columns_at<8>(p, column), LANES);
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
    [[maybe_unused]] const long vectors = (left + LANES - 1) / LANES;
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
