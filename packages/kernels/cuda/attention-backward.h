// The gradient of attention.cu for rows that hold whole packs: a prompt and the answers after it.
//
// - Probabilities are made again from the saved maximum and 1 / sum.
// - A tile is 48 rows of a span, from a multiple of 48 on: within it, all queries count the same keys and all
//   keys the same queries. What a query of the tile does not see has weight 0 and stays a step of the chain.
// - One kernel makes dq: tiles of queries against 32 keys at a time. Another makes dk and dv: tiles of keys
//   against 32 queries at a time, query head after query head of the group. Both hold a tile [48][width] of two
//   matrices and get the other two 32 rows at a time: `dots` of them all are the scores and dp.
#pragma once

#include "attention-plan.h"
#include "exp-log.h"

constexpr int BACKWARD_THREADS = 256, BACKWARD_WARPS = BACKWARD_THREADS / 32;
constexpr int HELD_ROWS = TILE_QUERIES / BACKWARD_WARPS;  // of a warp

struct Backward {
  const float* q;
  const float* dy;
  const float* stats;
  const float* dots;  // [rows][heads]: dy y
  const float* k;
  const float* v;
  int heads, kv_heads, width;
  float scale;
};

template <int WIDTH>
struct BackwardShared {
  float held[2][TILE_QUERIES][WIDTH];  // q and dy, or k and v
  float moving[2][WIDTH][33];          // k and v, or q and dy, turned
  float p[TILE_QUERIES][32];           // of held and moving rows
  float ds[TILE_QUERIES][32];
};

// Rows of one head in memory: `at` is the first, `row` the distance between two.
struct HeadRows {
  const float* at;
  long row;
};
DEVICE HeadRows head_rows(const float* x, int heads, int head, int width, int first) {
  const long row = static_cast<long>(heads) * width;
  return {x + first * row + static_cast<long>(head) * width, row};
}

template <int WIDTH>
DEVICE void hold(BackwardShared<WIDTH>& s, int which, const HeadRows& from, int count, int width) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  for (int row = warp; row < TILE_QUERIES; row += BACKWARD_WARPS)
    for (int d = lane; d < width; d += 32)
      s.held[which][row][d] = row < count ? from.at[row * from.row + d] : 0.0f;
}

template <int WIDTH>
DEVICE void move(BackwardShared<WIDTH>& s, int which, const HeadRows& from, int count, int width) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  for (int row = warp; row < 32; row += BACKWARD_WARPS)
    for (int d = lane; d < width; d += 32)
      s.moving[which][d][row] = row < count ? from.at[row * from.row + d] : 0.0f;
}

// One chain over the width for each held row of the warp and the lane's moving row.
template <int WIDTH>
DEVICE void multiply_rows(const BackwardShared<WIDTH>& s, int which, int width,
                          float (&chains)[HELD_ROWS]) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  UNROLL for (int i = 0; i < HELD_ROWS; i++) chains[i] = 0;
  for (int d = 0; d < width; d++) {
    const float moving = s.moving[which][d][lane];
    UNROLL for (int i = 0; i < HELD_ROWS; i++) chains[i] =
        fused(s.held[which][warp * HELD_ROWS + i][d], moving, chains[i]);
  }
}

// What a query's row of scores is turned into gradients with.
struct QueryStats {
  float peak, inverse, dot;
};
DEVICE QueryStats stats_of(const Backward& t, long query, int head) {
  const long at = query * t.heads + head;
  return {t.stats[2 * at], t.stats[2 * at + 1], t.dots[at]};
}

// p = e^(s scale - max) / sum; ds = p (dp - dot) scale.
DEVICE void make_gradient(const QueryStats& query, float scale, float score, float dp, float& p,
                          float& ds) {
  p = exponential(score * scale - query.peak) * query.inverse;
  ds = p * (dp - query.dot) * scale;
}

// dots [rows][heads] = sum of dy y over the width. Half a warp a row and head.
KERNEL(128, attention_backward_dots)
(const float* y, const float* dy, float* dots, long count, int width) {
  const int t = static_cast<int>(threadIdx.x), lane = t % LANES;
  const long row = static_cast<long>(blockIdx.x) * (128 / LANES) + t / LANES;
  const long start = row < count ? row * width : 0;
  float total = 0;
  for (int d = lane; d - lane < width; d += LANES)
    total = fused(d < width ? dy[start + d] : 0.0f, d < width ? y[start + d] : 0.0f, total);
  total = sum_lanes(total);
  if (row < count && lane == 0) dots[row] = total;
}
EXPORT(attention_backward_dots)

// dq of one tile and head.
template <int WIDTH>
DEVICE void back_to_queries(const Backward& t, const int32_t* words, float* dq) {
  SHARED(BackwardShared<WIDTH>, s);
  constexpr int COLUMNS = WIDTH / 32;
  const Plan plan = read_plan(words);
  if (static_cast<int>(blockIdx.x) >= plan.num_tiles) return;
  const QueryTile tile = plan.tiles[blockIdx.x];
  const Span span = plan.spans[tile.span];
  const int head = static_cast<int>(blockIdx.y), kv_head = head / (t.heads / t.kv_heads);
  const int count = smaller(span.query_count - tile.first_query, TILE_QUERIES);
  const int query0 = span.query_start + tile.first_query;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int row0 = warp * HELD_ROWS;
  hold(s, 0, head_rows(t.q, t.heads, head, t.width, query0), count, t.width);
  hold(s, 1, head_rows(t.dy, t.heads, head, t.width, query0), count, t.width);
  QueryStats stats[HELD_ROWS];
  UNROLL for (int i = 0; i < HELD_ROWS; i++) stats[i] =
      stats_of(t, query0 + smaller(row0 + i, count - 1), head);
  float chains[HELD_ROWS][COLUMNS] = {};
  auto against = [&](int key_row, int keys, bool is_own) {
    for (int first = 0; first < keys; first += 32) {
      const int here = smaller(keys - first, 32);
      __syncthreads();
      move(s, 0, head_rows(t.k, t.kv_heads, kv_head, t.width, key_row + first), here, t.width);
      move(s, 1, head_rows(t.v, t.kv_heads, kv_head, t.width, key_row + first), here, t.width);
      __syncthreads();
      float scores[HELD_ROWS], dp[HELD_ROWS];
      multiply_rows(s, 0, t.width, scores);
      multiply_rows(s, 1, t.width, dp);
      UNROLL for (int i = 0; i < HELD_ROWS; i++) {
        float p, ds;
        make_gradient(stats[i], t.scale, scores[i], dp[i], p, ds);
        const bool sees = !is_own || first + lane <= tile.first_query + row0 + i;
        s.ds[row0 + i][lane] = sees ? ds : 0.0f;
      }
      warp_barrier();
      for (int key = 0; key < here; key++) UNROLL for (int c = 0; c < COLUMNS; c++) {
          const int d = c * 32 + lane;
          const float value = d < t.width ? s.moving[0][d][key] : 0.0f;
          UNROLL for (int i = 0; i < HELD_ROWS; i++) chains[i][c] =
              fused(s.ds[row0 + i][key], value, chains[i][c]);
        }
    }
  };
  against(span.prefix_row, span.prefix_length, false);
  against(span.query_start, tile.first_query + count, true);
  UNROLL for (int i = 0; i < HELD_ROWS; i++) UNROLL for (int c = 0; c < COLUMNS; c++) {
    const int d = c * 32 + lane;
    if (row0 + i < count && d < t.width)
      dq[(static_cast<long>(query0 + row0 + i) * t.heads + head) * t.width + d] = chains[i][c];
  }
}

// dk and dv of one tile and key head: a chain for each query head over the queries of the tile's own span and
// of the spans that have it as prefix, in the order of the plan; the heads' sums in ascending order.
template <int WIDTH>
DEVICE void back_to_keys(const Backward& t, const int32_t* words, float* dk, float* dv) {
  SHARED(BackwardShared<WIDTH>, s);
  constexpr int COLUMNS = WIDTH / 32;
  const Plan plan = read_plan(words);
  if (static_cast<int>(blockIdx.x) >= plan.num_tiles) return;
  const QueryTile tile = plan.tiles[blockIdx.x];
  const Span own = plan.spans[tile.span];
  const int kv_head = static_cast<int>(blockIdx.y), group = t.heads / t.kv_heads;
  const int count = smaller(own.query_count - tile.first_query, TILE_QUERIES);
  const int key0 = own.query_start + tile.first_query;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int row0 = warp * HELD_ROWS;
  hold(s, 0, head_rows(t.k, t.kv_heads, kv_head, t.width, key0), count, t.width);
  hold(s, 1, head_rows(t.v, t.kv_heads, kv_head, t.width, key0), count, t.width);
  for (int head = kv_head * group; head < (kv_head + 1) * group; head++) {
    float key_chains[HELD_ROWS][COLUMNS] = {}, value_chains[HELD_ROWS][COLUMNS] = {};
    // Queries `start` to `end` of the batch; keys outside [first_key, end_key) are not theirs.
    auto against = [&](int start, int end, bool is_own, int first_key, int end_key) {
      for (int query = start; query < end; query += 32) {
        const int here = smaller(end - query, 32);
        __syncthreads();
        move(s, 0, head_rows(t.q, t.heads, head, t.width, query), here, t.width);
        move(s, 1, head_rows(t.dy, t.heads, head, t.width, query), here, t.width);
        __syncthreads();
        const QueryStats stats = stats_of(t, query + smaller(lane, here - 1), head);
        float scores[HELD_ROWS], dp[HELD_ROWS];
        multiply_rows(s, 0, t.width, scores);
        multiply_rows(s, 1, t.width, dp);
        UNROLL for (int i = 0; i < HELD_ROWS; i++) {
          float p, ds;
          make_gradient(stats, t.scale, scores[i], dp[i], p, ds);
          const bool sees = !is_own || key0 + row0 + i <= query + lane;
          s.p[row0 + i][lane] = sees ? p : 0.0f;
          s.ds[row0 + i][lane] = sees ? ds : 0.0f;
        }
        warp_barrier();
        for (int j = 0; j < here; j++) UNROLL for (int c = 0; c < COLUMNS; c++) {
            const int d = c * 32 + lane;
            const float q = d < t.width ? s.moving[0][d][j] : 0.0f;
            const float up = d < t.width ? s.moving[1][d][j] : 0.0f;
            UNROLL for (int i = 0; i < HELD_ROWS; i++) {
              const int key = key0 + row0 + i;
              if (key < first_key || key >= end_key) continue;
              key_chains[i][c] = fused(s.ds[row0 + i][j], q, key_chains[i][c]);
              value_chains[i][c] = fused(s.p[row0 + i][j], up, value_chains[i][c]);
            }
          }
      }
    };
    for (int i = tile.first_span; i < tile.end_span; i++) {
      const Span span = plan.spans[i];
      const int start = span.query_start, end = start + span.query_count;
      if (i == tile.span)
        against(start + tile.first_query, end, true, start, end);
      else if (span.prefix_row < key0 + count && span.prefix_row + span.prefix_length > key0)
        against(start, end, false, span.prefix_row, span.prefix_row + span.prefix_length);
    }
    UNROLL for (int i = 0; i < HELD_ROWS; i++) UNROLL for (int c = 0; c < COLUMNS; c++) {
      const int d = c * 32 + lane;
      if (row0 + i >= count || d >= t.width) continue;
      const long at = (static_cast<long>(key0 + row0 + i) * t.kv_heads + kv_head) * t.width + d;
      const bool is_first = head == kv_head * group;
      dk[at] = (is_first ? 0.0f : dk[at]) + key_chains[i][c];
      dv[at] = (is_first ? 0.0f : dv[at]) + value_chains[i][c];
    }
  }
}

#define ATTENTION_BACKWARD(queries, keys, WIDTH)                                                  \
  KERNEL(BACKWARD_THREADS, queries)                                                               \
  (const float* q, const float* dy, const float* stats, const float* dots, const int32_t* plan,   \
   const float* k, const float* v, float* dq, int heads, int kv_heads, int width, float scale) {  \
    back_to_queries<WIDTH>({q, dy, stats, dots, k, v, heads, kv_heads, width, scale}, plan, dq);  \
  }                                                                                               \
  EXPORT(queries)                                                                                 \
  KERNEL(BACKWARD_THREADS, keys)                                                                  \
  (const float* q, const float* dy, const float* stats, const float* dots, const int32_t* plan,   \
   const float* k, const float* v, float* dk, float* dv, int heads, int kv_heads, int width,      \
   float scale) {                                                                                 \
    back_to_keys<WIDTH>({q, dy, stats, dots, k, v, heads, kv_heads, width, scale}, plan, dk, dv); \
  }                                                                                               \
  EXPORT(keys)
ATTENTION_BACKWARD(attention_backward_queries_64, attention_backward_keys_64, 64)
ATTENTION_BACKWARD(attention_backward_queries_128, attention_backward_keys_128, 128)
ATTENTION_BACKWARD(attention_backward_queries_256, attention_backward_keys_256, 256)
