// The matrix product under linear.cu and head.cu: C [m, n] = chain over ascending k of fused(A [m, k], B [k, n]).
//
// - Each output is one chain of fused multiply-adds, from 0 or from what C holds. Tiles differ between the
//   variants; no bit does.
// - An operand lies either DEEP (neighbours in memory are steps of the chain) or not (neighbours are rows of C
//   for A, columns for B); its tile has the same order in shared memory, and is read four numbers at a time.
// - Tiles arrive by asynchronous copies, STAGES - 1 steps ahead. What is beyond an operand's edge arrives as
//   zeros that no chain uses: a chain has exactly k steps, since adding 0 would turn -0 into 0.
#pragma once

#include "device.h"

// A tile's sizes: rows and columns of a thread, thread rows and columns of a block, steps of a stage.
template <int ROWS_, int COLUMNS_, int DOWN_, int ACROSS_, int STEP_, int STAGES_>
struct Shape {
  static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, DOWN = DOWN_, ACROSS = ACROSS_;
  static constexpr int STEP = STEP_, STAGES = STAGES_, THREADS = DOWN * ACROSS;
  static constexpr int TILE_ROWS = ROWS * DOWN, TILE_COLUMNS = COLUMNS * ACROSS;
};
using Small = Shape<1, 4, 16, 8, 32, 4>;    // 16 by 32
using Medium = Shape<4, 8, 16, 16, 16, 2>;  // 64 by 128
using Large = Shape<8, 8, 16, 16, 16, 2>;   // 128 by 128

// Four numbers that are moved at once.
struct alignas(16) Four {
  float x[4];
};
DEVICE Four load_four(const float* from) { return *reinterpret_cast<const Four*>(from); }
DEVICE bool is_aligned(const float* x) { return reinterpret_cast<uintptr_t>(x) % 16 == 0; }

// Operands. `at(i, k)`: address of row or column i at step k. `has(i, k)`: whether it may be read. `in_fours`:
// whether four neighbours, from a multiple of four on, are aligned and may be read if the first may.

// x [count, depth], row-major, rows `row` apart.
struct RowsOfSteps {
  static constexpr bool DEEP = true;
  const float* x;
  int count, depth;
  long row;
  DEVICE_MEMBER const float* at(int i, int k) const { return x + i * row + k; }
  DEVICE_MEMBER bool has(int i, int k) const { return i < count && k < depth; }
  DEVICE_MEMBER bool in_fours() const { return is_aligned(x) && row % 4 == 0 && depth % 4 == 0; }
};

// x [depth, count], row-major.
struct StepsOfColumns {
  static constexpr bool DEEP = false;
  const float* x;
  int count, depth;
  DEVICE_MEMBER const float* at(int i, int k) const { return x + static_cast<long>(k) * count + i; }
  DEVICE_MEMBER bool has(int i, int k) const { return i < count && k < depth; }
  DEVICE_MEMBER bool in_fours() const { return is_aligned(x) && count % 4 == 0; }
};

// W [count, depth] packed as [count / 32][depth][32]; the chain goes along a row of W.
struct PanelColumns {
  static constexpr bool DEEP = false;
  const float* packed;
  int count, depth;
  DEVICE_MEMBER const float* at(int i, int k) const {
    return packed + (static_cast<long>(i / PANEL) * depth + k) * PANEL + i % PANEL;
  }
  DEVICE_MEMBER bool has(int i, int k) const { return i / PANEL * PANEL < count && k < depth; }
  DEVICE_MEMBER bool in_fours() const { return is_aligned(packed); }
};

// W [depth, count] packed as [depth / 32][count][32]; the chain goes along a column of W.
struct PanelSteps {
  static constexpr bool DEEP = true;
  const float* packed;
  int count, depth;
  DEVICE_MEMBER const float* at(int i, int k) const {
    return packed + (static_cast<long>(k / PANEL) * count + i) * PANEL + k % PANEL;
  }
  DEVICE_MEMBER bool has(int i, int k) const { return i < count && k / PANEL * PANEL < depth; }
  DEVICE_MEMBER bool in_fours() const { return is_aligned(packed); }
};

// A [i][k] in shared memory: by i with four numbers between rows, or by k.
template <bool DEEP, int WIDTH, int STEP>
struct Tile;
template <int WIDTH, int STEP>
struct Tile<true, WIDTH, STEP> {
  float x[WIDTH][STEP + 4];
  DEVICE_MEMBER float* at(int i, int k) { return &x[i][k]; }
};
template <int WIDTH, int STEP>
struct Tile<false, WIDTH, STEP> {
  float x[STEP][WIDTH];
  DEVICE_MEMBER float* at(int i, int k) { return &x[k][i]; }
};

template <typename S, typename A, typename B>
struct alignas(16) ProductShared {
  Tile<A::DEEP, S::TILE_ROWS, S::STEP> a[S::STAGES];
  Tile<B::DEEP, S::TILE_COLUMNS, S::STEP> b[S::STAGES];
};

// Begins the copies of one tile: rows or columns from `i0`, steps from `k0`.
template <int WIDTH, int STEP, int THREADS, typename Operand, typename T>
DEVICE void fetch_tile(const Operand& operand, T& tile, int i0, int k0, bool in_fours) {
  constexpr bool DEEP = Operand::DEEP;
  constexpr int RUN = DEEP ? STEP : WIDTH, ELEMENTS = WIDTH * STEP;
  const int t = static_cast<int>(threadIdx.x);
  const float* anywhere = operand.at(0, 0);
  if (in_fours) {
    UNROLL for (int first = 0; first < ELEMENTS / 4; first += THREADS) {
      const int piece = first + t;
      if (ELEMENTS / 4 % THREADS != 0 && piece >= ELEMENTS / 4) break;
      const int line = piece / (RUN / 4), along = piece % (RUN / 4) * 4;
      const int i = DEEP ? line : along, k = DEEP ? along : line;
      const bool here = operand.has(i0 + i, k0 + k);
      copy_async_16(tile.at(i, k), here ? operand.at(i0 + i, k0 + k) : anywhere, here);
    }
  } else {
    for (int element = t; element < ELEMENTS; element += THREADS) {
      const int line = element / RUN, along = element % RUN;
      const int i = DEEP ? line : along, k = DEEP ? along : line;
      const bool here = operand.has(i0 + i, k0 + k);
      copy_async_4(tile.at(i, k), here ? operand.at(i0 + i, k0 + k) : anywhere, here);
    }
  }
}

// Row or column q of a thread: threads side by side read neighbours of shared memory.
template <bool DEEP, int COUNT, int GROUPS>
DEVICE int place_of(int thread, int q) {
  return DEEP ? thread + q * GROUPS : q / 4 * GROUPS * 4 + thread * 4 + q % 4;
}

// Four steps of a thread's rows or columns: x[step][q].
template <bool DEEP, int COUNT, int GROUPS, typename T>
DEVICE void take_steps(T& tile, int thread, int k, float (&x)[4][COUNT]) {
  if (DEEP) {
    UNROLL for (int q = 0; q < COUNT; q++) {
      const Four four = load_four(tile.at(place_of<DEEP, COUNT, GROUPS>(thread, q), k));
      UNROLL for (int j = 0; j < 4; j++) x[j][q] = four.x[j];
    }
  } else {
    static_assert(DEEP || COUNT % 4 == 0, "columns are read four at a time");
    UNROLL for (int j = 0; j < 4; j++) UNROLL for (int q = 0; q < COUNT; q += 4) {
      const Four four = load_four(tile.at(place_of<DEEP, COUNT, GROUPS>(thread, q), k + j));
      UNROLL for (int i = 0; i < 4; i++) x[j][q + i] = four.x[i];
    }
  }
}

// One block's tile of C. `start(row, column)`: where a chain begins; `finish(row, column, chain)` stores it.
template <typename S, typename A, typename B, typename Start, typename Finish>
DEVICE void multiply(const A& a, const B& b, int m, int n, int depth, const Start& start,
                     const Finish& finish) {
  using Shared = ProductShared<S, A, B>;
  SHARED(Shared, s);
  constexpr int STEP = S::STEP, STAGES = S::STAGES, ROWS = S::ROWS, COLUMNS = S::COLUMNS;
  const int row0 = static_cast<int>(blockIdx.y) * S::TILE_ROWS;
  const int column0 = static_cast<int>(blockIdx.x) * S::TILE_COLUMNS;
  const int t = static_cast<int>(threadIdx.x), down = t / S::ACROSS, across = t % S::ACROSS;
  const bool a_fours = a.in_fours(), b_fours = b.in_fours();
  const int steps = (depth + STEP - 1) / STEP;
  auto fetch = [&](int step) {
    if (step < steps) {
      const int stage = step % STAGES;
      fetch_tile<S::TILE_ROWS, STEP, S::THREADS>(a, s.a[stage], row0, step * STEP, a_fours);
      fetch_tile<S::TILE_COLUMNS, STEP, S::THREADS>(b, s.b[stage], column0, step * STEP, b_fours);
    }
    copy_async_commit();
  };
  auto row_of = [=](int p) { return row0 + place_of<A::DEEP, ROWS, S::DOWN>(down, p); };
  auto column_of = [=](int q) {
    return column0 + place_of<B::DEEP, COLUMNS, S::ACROSS>(across, q);
  };
  UNROLL for (int i = 0; i < STAGES - 1; i++) fetch(i);
  float chains[ROWS][COLUMNS];
  UNROLL for (int p = 0; p < ROWS; p++) UNROLL for (int q = 0; q < COLUMNS; q++) chains[p][q] =
      row_of(p) < m && column_of(q) < n ? start(row_of(p), column_of(q)) : 0.0f;
  for (int step = 0; step < steps; step++) {
    copy_async_wait<STAGES - 2>();
    __syncthreads();
    fetch(step + STAGES - 1);
    const int left = smaller(depth - step * STEP, STEP);
    auto advance = [&](int k, int count) {
      float x[4][ROWS], y[4][COLUMNS];
      take_steps<A::DEEP, ROWS, S::DOWN>(s.a[step % STAGES], down, k, x);
      take_steps<B::DEEP, COLUMNS, S::ACROSS>(s.b[step % STAGES], across, k, y);
      UNROLL for (int j = 0; j < 4; j++) {
        if (j >= count) break;
        UNROLL for (int p = 0; p < ROWS; p++) UNROLL for (int q = 0; q < COLUMNS; q++)
            chains[p][q] = fused(x[j][p], y[j][q], chains[p][q]);
      }
    };
    if (left == STEP) {
      UNROLL for (int k = 0; k < STEP; k += 4) advance(k, 4);
    } else {
      for (int k = 0; k < left; k += 4) advance(k, left - k);
    }
  }
  UNROLL for (int p = 0; p < ROWS; p++)
      UNROLL for (int q = 0; q < COLUMNS; q++) if (row_of(p) < m && column_of(q) < n)
          finish(row_of(p), column_of(q), chains[p][q]);
}
