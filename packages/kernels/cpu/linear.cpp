// Linear layers over packed matrices, and the gradient of their weights.
#include "gemm.h"
#include "turn-panels.h"
#include "weight-gradient.h"

namespace gumshoe {
namespace ISA {

// Rows of a task: their part of X fits into the L2 cache.
constexpr long ROW_CHUNK = 96;
// Fewest multiply-adds of a task.
constexpr long TASK_WORK = 1 << 18;

// Packs W [n, k] as panels [n / 32][k][32]; the columns that the last panel lacks are 0.
int pack_matrix(const Arguments& a, Pool& pool) {
  const float* w = a.f32(0);
  float* packed = a.f32(1);
  const long n = a.size(2), k = a.size(3);
  auto body = [&](long panel, int) {
    float* out = packed + panel * k * PANEL;
    const long first = panel * PANEL;
    const long width = n - first < PANEL ? n - first : PANEL;
    for (long d = 0; d < k; d++, out += PANEL) {
      for (long c = 0; c < width; c++) out[c] = w[(first + c) * k + d];
      for (long c = width; c < PANEL; c++) out[c] = 0;
    }
  };
  parallel(pool, (n + PANEL - 1) / PANEL, body);
  return STATUS_OK;
}

// C [m, n] = A [m, k] B (+ bias) (+ addend): B is panels [n / 32][k][32], and a row of C has `c_row` elements.
static void multiply_panels(Pool& pool, const float* a, const float* panels_at, float* c,
                            const float* bias, const float* addend, long m, long n, long k,
                            long c_row) {
  const long panels = (n + PANEL - 1) / PANEL, rows = m < ROW_CHUNK ? m : ROW_CHUNK;
  long group = TASK_WORK / (rows * k * PANEL + 1) + 1;
  group = (group + 3) / 4 * 4;
  const long groups = (panels + group - 1) / group, chunks = (m + ROW_CHUNK - 1) / ROW_CHUNK;
  auto body = [&](long task, int) {
    const long row = task / groups * ROW_CHUNK, column = task % groups * group * PANEL;
    Product p{};
    p.k = k;
    p.a = a + row * k;
    p.a_row = k;
    p.a_step = 1;
    p.b = panels_at + column * k;
    p.b_step = PANEL;
    p.b_panel = k * PANEL;
    p.c = c + row * c_row + column;
    p.c_row = c_row;
    p.addend = addend == nullptr ? nullptr : addend + row * c_row + column;
    p.bias = bias == nullptr ? nullptr : bias + column;
    const long width = n - column < group * PANEL ? n - column : group * PANEL;
    multiply(p, m - row < ROW_CHUNK ? m - row : ROW_CHUNK, width);
  };
  parallel(pool, chunks * groups, body);
}

// y [m, n] = x [m, k] W^T (+ bias) (+ addend).
int linear(const Arguments& a, Pool& pool) {
  const long m = a.size(4), n = a.size(5), k = a.size(6);
  multiply_panels(pool, a.f32(0), a.f32(1), a.f32(3), a.f32(2), a.f32(7), m, n, k, n);
  return STATUS_OK;
}

// Elements of W that are transposed at a time for dx = dy W: they fit into the shared cache.
constexpr long TURNED = 1 << 20;

// dx [m, k] = dy [m, n] W (+ addend). The panels of W are those of `linear`; strips of them are transposed
// for this product, which costs one pass over W and saves a second copy of it.
int linear_backward_input(const Arguments& a, Pool& pool) {
  const float* dy = a.f32(0);
  const float* packed = a.f32(1);
  float* dx = a.f32(2);
  const long m = a.size(3), n = a.size(4), k = a.size(5);
  const float* addend = a.f32(6);
  const long panels = (k + PANEL - 1) / PANEL;
  const long fit = TURNED / (n * PANEL + 1) / 4 * 4, strip = fit < 4 ? 4 : fit;
  float* turned = pool_shared(pool, 2, (panels < strip ? panels : strip) * n * PANEL);
  for (long first = 0; first < panels; first += strip) {
    const long count = panels - first < strip ? panels - first : strip;
    auto body = [&](long panel, int) {
      turn_panel(packed, turned + panel * n * PANEL, n, k, (first + panel) * PANEL);
    };
    parallel(pool, count, body);
    const long column = first * PANEL;
    const long width = k - column < count * PANEL ? k - column : count * PANEL;
    multiply_panels(pool, dy, turned, dx + column, nullptr,
                    addend == nullptr ? nullptr : addend + column, m, width, n, k);
  }
  return STATUS_OK;
}

// Rows that are packed at once for the weights' gradient: few enough to fit into the L2 cache, more if a
// large gradient would otherwise be read and written often.
static inline long packed_rows(long n, long k) { return n * k > 1 << 18 ? 512 : 256; }
// Row tiles of dw per task.
constexpr long TILES = 8;

// Rows per packing task.
constexpr long PACK_ROWS = 32;

// Copies x [depth, k] into panels [k / 32][depth][32]; columns that the last panel lacks are 0.
static void pack_columns(Pool& pool, const float* x, long depth, long k, float* to) {
  auto body = [&](long task, int) {
    const long first = task * PACK_ROWS;
    const long count = depth - first < PACK_ROWS ? depth - first : PACK_ROWS;
    copy_to_panels(x + first * k, k, count, k, to + first * PANEL, depth);
  };
  parallel(pool, (depth + PACK_ROWS - 1) / PACK_ROWS, body);
}

// Copies dy [depth, n], rows `dy_row` apart, into [n / TILE_ROWS][depth][TILE_ROWS].
static void pack_tiles(Pool& pool, const float* dy, long dy_row, long depth, long n, float* to) {
  const long tiles = (n + TILE_ROWS - 1) / TILE_ROWS;
  auto body = [&](long task, int) {
    const long first = task * PACK_ROWS;
    const long last = first + PACK_ROWS < depth ? first + PACK_ROWS : depth;
    for (long tile = 0; tile < tiles; tile++) {
      const long left = n - tile * TILE_ROWS;
      const float* from = dy + tile * TILE_ROWS;
      float* out = to + tile * depth * TILE_ROWS;
      if (left >= TILE_ROWS) {
        // Copies eight numbers at once; the two extra ones are overwritten by the next six.
        constexpr int MOVED = TILE_ROWS == 6 ? 8 : TILE_ROWS;
        for (long d = first; d < last - 1; d++)
          __builtin_memcpy(out + d * TILE_ROWS, from + d * dy_row, MOVED * sizeof(float));
        __builtin_memcpy(out + (last - 1) * TILE_ROWS, from + (last - 1) * dy_row,
                         TILE_ROWS * sizeof(float));
      } else {
        for (long d = first; d < last; d++)
          __builtin_memcpy(out + d * TILE_ROWS, from + d * dy_row, left * sizeof(float));
      }
    }
  };
  parallel(pool, (depth + PACK_ROWS - 1) / PACK_ROWS, body);
}

// dw [n, k] += dy^T x; the chain of every output continues over ascending rows m.
void add_weight_gradient(Pool& pool, const float* dy, long dy_row, const float* x, float* dw,
                         long m, long n, long k) {
  constexpr long WIDE = TILE_VECTORS * LANES;
  const long deep = packed_rows(n, k), most = m < deep ? m : deep, panels = (k + PANEL - 1) / PANEL;
  const long tiles = (n + TILE_ROWS - 1) / TILE_ROWS;
  const long strips = (k + WIDE - 1) / WIDE, groups = (tiles + TILES - 1) / TILES;
  float* columns = pool_shared(pool, 2, panels * most * PANEL);
  float* rows = pool_shared(pool, 3, tiles * most * TILE_ROWS);
  for (long at = 0; at < m; at += deep) {
    const long depth = m - at < deep ? m - at : deep;
    pack_columns(pool, x + at * k, depth, k, columns);
    pack_tiles(pool, dy + at * dy_row, dy_row, depth, n, rows);
    auto body = [&](long task, int) {
      const long column = task / groups * WIDE, first = task % groups * TILES;
      const long width = k - column < WIDE ? k - column : WIDE;
      Product p{};
      p.k = depth;
      p.a_row = 1;
      p.a_step = TILE_ROWS;
      p.b = columns + column / PANEL * depth * PANEL + column % PANEL;
      p.b_step = PANEL;
      p.b_panel = depth * PANEL;
      p.c_row = k;
      p.resume = true;
      for (long tile = first; tile < first + TILES && tile < tiles; tile++) {
        p.a = rows + tile * depth * TILE_ROWS;
        p.c = dw + tile * TILE_ROWS * k + column;
        multiply(p, n - tile * TILE_ROWS < TILE_ROWS ? n - tile * TILE_ROWS : TILE_ROWS, width);
      }
    };
    parallel(pool, strips * groups, body);
  }
}

// db [n] += column sums of dy [m, n], over ascending rows.
static void add_bias_gradient(Pool& pool, const float* dy, float* db, long m, long n) {
  constexpr int VECTORS = 4;
  auto body = [&](long task, int) {
    const long first = task * VECTORS * LANES;
    Vec total[VECTORS];
    int width[VECTORS];
    for (int v = 0; v < VECTORS; v++) {
      const long left = n - first - v * LANES;
      width[v] = static_cast<int>(left < 0 ? 0 : left < LANES ? left : LANES);
      total[v] = load_first(db + first + v * LANES, width[v]);
    }
    for (long i = 0; i < m; i++)
      for (int v = 0; v < VECTORS; v++)
        total[v] = add(total[v], load_first(dy + i * n + first + v * LANES, width[v]));
    for (int v = 0; v < VECTORS; v++) store_first(db + first + v * LANES, total[v], width[v]);
  };
  parallel(pool, (n + VECTORS * LANES - 1) / (VECTORS * LANES), body);
}

int linear_backward_weight(const Arguments& a, Pool& pool) {
  const float* x = a.f32(0);
  const float* dy = a.f32(1);
  float* dw = a.f32(2);
  float* db = a.f32(3);
  const long m = a.size(4), n = a.size(5), k = a.size(6);
  add_weight_gradient(pool, dy, n, x, dw, m, n, k);
  if (db != nullptr) add_bias_gradient(pool, dy, db, m, n);
  return STATUS_OK;
}

// Measures the machine's peak: chains of FMAs in registers only. a: out f64[1] (a result, so that the work
// is not optimised away), rounds.
int fma_peak(const Arguments& a, Pool& pool) {
  const long rounds = a.size(1);
  float* keep = pool_shared(pool, 0, pool_threads(pool) * LANES);
  auto body = [&](long task, int) {
    constexpr int CHAINS = TILE_ROWS * TILE_VECTORS;
    Vec acc[CHAINS];
    for (int i = 0; i < CHAINS; i++) acc[i] = broadcast(static_cast<float>(i));
    const Vec x = broadcast(0.999f), y = broadcast(1e-3f);
    for (long r = 0; r < rounds; r++) {
#pragma GCC unroll 32
      for (int i = 0; i < CHAINS; i++) acc[i] = fma(acc[i], x, y);
    }
    Vec total = acc[0];
    for (int i = 1; i < CHAINS; i++) total = add(total, acc[i]);
    store(keep + task * LANES, total);
  };
  parallel(pool, pool_threads(pool), body);
  a.f64(0)[0] = static_cast<double>(TILE_ROWS * TILE_VECTORS) * LANES * 2 *
                static_cast<double>(rounds) * pool_threads(pool);
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
