// Linear layers over packed matrices, and the gradient of their weights.
#include "gemm.h"
#include "weight-gradient.h"

namespace gumshoe {
namespace ISA {

// Rows of a task: their part of X stays in the cache near the core.
constexpr long ROW_CHUNK = 96;
// Multiply-adds that are worth a task of their own.
constexpr long TASK_WORK = 1 << 18;

// Packs W [n, k] for y = x W^T as panels [n / 32][k][32] or, transposed, for dx = dy W as panels
// [k / 32][n][32]; the columns that the last panel lacks are 0.
int pack_matrix(const Arguments& a, Pool& pool) {
  const float* w = a.f32(0);
  float* packed = a.f32(1);
  const long n = a.size(2), k = a.size(3);
  const bool transposed = a.flag(4);
  const long columns = transposed ? k : n, depth = transposed ? n : k;
  auto body = [&](long panel, int) {
    float* out = packed + panel * depth * PANEL;
    const long first = panel * PANEL;
    const long width = columns - first < PANEL ? columns - first : PANEL;
    for (long d = 0; d < depth; d++, out += PANEL) {
      for (long c = 0; c < width; c++)
        out[c] = transposed ? w[d * k + first + c] : w[(first + c) * k + d];
      for (long c = width; c < PANEL; c++) out[c] = 0;
    }
  };
  parallel(pool, (columns + PANEL - 1) / PANEL, body);
  return STATUS_OK;
}

// y [m, n] = x [m, k] W^T (+ bias) (+ addend). Also dx = dy W, with the transposed packing.
int linear(const Arguments& a, Pool& pool) {
  Product p{};
  const float* x = a.f32(0);
  const float* packed = a.f32(1);
  const float* bias = a.f32(2);
  float* y = a.f32(3);
  const long m = a.size(4), n = a.size(5), k = a.size(6);
  const float* addend = a.f32(7);
  p.k = k;
  p.a_row = k;
  p.a_step = 1;
  p.b_step = PANEL;
  p.c_row = n;
  const long panels = (n + PANEL - 1) / PANEL, rows = m < ROW_CHUNK ? m : ROW_CHUNK;
  long group = TASK_WORK / (rows * k * PANEL + 1) + 1;
  if (rows <= 3) group = (group + 3) / 4 * 4;
  const long groups = (panels + group - 1) / group, chunks = (m + ROW_CHUNK - 1) / ROW_CHUNK;
  auto body = [&](long task, int) {
    const long row = task / groups * ROW_CHUNK, column = task % groups * group * PANEL;
    Product q = p;
    q.a = x + row * k;
    q.b = packed + column * k;
    q.c = y + row * n + column;
    q.addend = addend == nullptr ? nullptr : addend + row * n + column;
    q.bias = bias == nullptr ? nullptr : bias + column;
    const long width = n - column < group * PANEL ? n - column : group * PANEL;
    multiply_panels(q, m - row < ROW_CHUNK ? m - row : ROW_CHUNK, width, k * PANEL);
  };
  parallel(pool, chunks * groups, body);
  return STATUS_OK;
}

// dw [n, k] += dy^T x, the chain of every output running on over ascending rows m; db [n] += sum dy.
void add_weight_gradient(Pool& pool, const float* dy, long dy_row, const float* x, float* dw, long m,
                         long n, long k) {
  const long panels = (k + PANEL - 1) / PANEL, strips = (n + 8 * TILE_ROWS - 1) / (8 * TILE_ROWS);
  constexpr long DEPTH = 512;
  auto body = [&](long task, int worker) {
    const long column = task / strips * PANEL, first = task % strips * 8 * TILE_ROWS;
    const long width = k - column < PANEL ? k - column : PANEL;
    const long rows = n - first < 8 * TILE_ROWS ? n - first : 8 * TILE_ROWS;
    float* panel = pool_scratch(pool, worker, DEPTH * PANEL);
    for (long at = 0; at < m; at += DEPTH) {
      const long depth = m - at < DEPTH ? m - at : DEPTH;
      for (long d = 0; d < depth; d++) {
        const float* from = x + (at + d) * k + column;
        for (long c = 0; c < width; c++) panel[d * PANEL + c] = from[c];
      }
      Product p{};
      p.k = depth;
      p.a = dy + at * dy_row + first;
      p.a_row = 1;
      p.a_step = dy_row;
      p.b = panel;
      p.b_step = PANEL;
      p.c = dw + first * k + column;
      p.c_row = k;
      p.resume = true;
      multiply(p, rows, width);
    }
  };
  parallel(pool, panels * strips, body);
}

int linear_backward_weight(const Arguments& a, Pool& pool) {
  const float* x = a.f32(0);
  const float* dy = a.f32(1);
  float* dw = a.f32(2);
  float* db = a.f32(3);
  const long m = a.size(4), n = a.size(5), k = a.size(6);
  add_weight_gradient(pool, dy, n, x, dw, m, n, k);
  if (db == nullptr) return STATUS_OK;
  for (long j = 0; j < n; j += LANES) {
    const int width = static_cast<int>(n - j < LANES ? n - j : LANES);
    Vec total = load_first(db + j, width);
    for (long i = 0; i < m; i++) total = add(total, load_first(dy + i * n + j, width));
    store_first(db + j, total, width);
  }
  return STATUS_OK;
}

// Measures the machine: chains of FMAs in registers and nothing else. a: out f64[1] (a number that
// keeps the work alive), rounds.
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
  a.f64(0)[0] = static_cast<double>(TILE_ROWS * TILE_VECTORS) * LANES * 2 * rounds *
                pool_threads(pool);
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
