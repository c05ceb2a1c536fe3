// Causal attention over a paged cache, with grouped heads and shared prefixes; arXiv:1706.03762.
//
// - Scores are one chain over the head's width, times `scale`; the softmax takes two passes over the whole row:
//   maximum, then e^(s - max) with one 16-lane sum; the result is one chain over ascending keys, times 1 / sum.
//   Scores are made again for the second pass.
// - Kernels are compiled for heads of at most WIDTH numbers.
#include "attention-backward.h"
#include "attention-plan.h"
#include "exp-log.h"

constexpr int ATTENTION_THREADS = 256, WARPS = ATTENTION_THREADS / 32;
// Rows of a block, a row being a query with one of its heads, and keys that are worked on together.
constexpr int TILE_ROWS = 32, TILE_KEYS = 32, WARP_ROWS = TILE_ROWS / WARPS;

// Writes keys and values of new rows into the cache. One block a row.
KERNEL(128, kv_write)
(const float* k, const float* v, const int32_t* slots, float* cache_k, float* cache_v, int heads,
 int width, int num_slots, uint32_t* failure, uint32_t operation) {
  const long row = blockIdx.x;
  const int slot = slots[row], t = static_cast<int>(threadIdx.x);
  if (slot < 0 || slot >= num_slots) {
    if (t == 0) report_bad_id(failure, operation);
    return;
  }
  const long block = slot / KV_BLOCK;
  const int position = slot % KV_BLOCK;
  for (int at = t; at < heads * width; at += 128) {
    const int head = at / width, d = at % width;
    const long base = (block * heads + head) * width * KV_BLOCK;
    cache_k[base + d * KV_BLOCK + position] = k[row * heads * width + at];
    cache_v[base + position * width + d] = v[row * heads * width + at];
  }
}
EXPORT(kv_write)

template <int WIDTH>
struct alignas(16) AttentionShared {
  float q[TILE_ROWS][WIDTH];
  float keys_or_values[TILE_KEYS * WIDTH];  // keys [WIDTH][32], then values [32][WIDTH]
  float weights[TILE_ROWS][TILE_KEYS];
};

struct Attention {
  const float* q;
  float* y;
  const float* cache_k;
  const float* cache_v;
  float* stats;
  int heads, kv_heads, width;
  float scale;
  int fault;
};

// The rows of a block and the keys that they see.
struct AttentionRows {
  const Span* span;
  const int32_t* blocks;
  int first_query;  // of the tile, in the span
  int queries, group, first_row, kv_head;
  DEVICE_MEMBER int rows() const { return smaller(queries * group - first_row, TILE_ROWS); }
  DEVICE_MEMBER int query(int row) const { return first_query + (first_row + row) / group; }
  DEVICE_MEMBER int head(int row) const { return kv_head * group + (first_row + row) % group; }
  DEVICE_MEMBER int seen(int row) const {
    return span->prefix_length + span->own_length + query(row) + 1;
  }
  // The cache slot of a key, counted over the prefix and the span's own keys.
  DEVICE_MEMBER long slot(int key) const {
    const int own = key - span->prefix_length, at = own < 0 ? key : own;
    const int offset = own < 0 ? span->prefix_offset : span->own_offset;
    return static_cast<long>(blocks[offset + at / KV_BLOCK]) * KV_BLOCK + at % KV_BLOCK;
  }
};

// Where a slot's numbers begin: in blocks [kv_heads][width][16] of keys, [kv_heads][16][width] of values.
DEVICE long head_base(const Attention& t, int kv_head, long slot) {
  return (slot / KV_BLOCK * t.kv_heads + kv_head) * t.width * KV_BLOCK;
}

template <int WIDTH>
DEVICE void load_keys(const Attention& t, const AttentionRows& r, AttentionShared<WIDTH>& s,
                      int first, int limit) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const bool here = first + lane < limit;
  const long slot = r.slot(here ? first + lane : 0);
  const float* from = t.cache_k + head_base(t, r.kv_head, slot) + slot % KV_BLOCK;
  for (int d = warp; d < t.width; d += WARPS)
    s.keys_or_values[d * TILE_KEYS + lane] = here ? from[d * KV_BLOCK] : 0.0f;
}

template <int WIDTH>
DEVICE void load_values(const Attention& t, const AttentionRows& r, AttentionShared<WIDTH>& s,
                        int first, int limit) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  for (int key = warp; key < TILE_KEYS; key += WARPS) {
    const bool here = first + key < limit;
    const long slot = r.slot(here ? first + key : 0);
    const float* from = t.cache_v + head_base(t, r.kv_head, slot) + slot % KV_BLOCK * t.width;
    for (int d = lane; d < t.width; d += 32)
      s.keys_or_values[key * WIDTH + d] = here ? from[d] : 0.0f;
  }
}

// Scores of a warp's rows with the tile's keys, before `scale`; a lane has one key.
template <int WIDTH>
DEVICE void make_scores(const AttentionShared<WIDTH>& s, int width, float (&scores)[WARP_ROWS]) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  UNROLL for (int i = 0; i < WARP_ROWS; i++) scores[i] = 0;
  int d = 0;
  for (; d + 4 <= width; d += 4) UNROLL for (int j = 0; j < 4; j++) {
      const float key = s.keys_or_values[(d + j) * TILE_KEYS + lane];
      UNROLL for (int i = 0; i < WARP_ROWS; i++) scores[i] =
          fused(s.q[warp * WARP_ROWS + i][d + j], key, scores[i]);
    }
  for (; d < width; d++)
    UNROLL for (int i = 0; i < WARP_ROWS; i++) scores[i] =
        fused(s.q[warp * WARP_ROWS + i][d], s.keys_or_values[d * TILE_KEYS + lane], scores[i]);
}

// The largest score of each row of the warp, times `scale`.
template <int WIDTH>
DEVICE void find_peaks(const Attention& t, const AttentionRows& r, AttentionShared<WIDTH>& s,
                       int limit, float (&peaks)[WARP_ROWS]) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  float scores[WARP_ROWS];
  bool known[WARP_ROWS] = {};
  for (int first = 0; first < limit; first += TILE_KEYS) {
    __syncthreads();
    load_keys(t, r, s, first, limit);
    __syncthreads();
    make_scores(s, t.width, scores);
    UNROLL for (int i = 0; i < WARP_ROWS; i++) {
      const bool sees = first + lane < r.seen(warp * WARP_ROWS + i);
      if (sees && (!known[i] || scores[i] > peaks[i])) peaks[i] = scores[i];
      known[i] = known[i] || sees;
    }
  }
  UNROLL for (int i = 0; i < WARP_ROWS; i++) {
    // A lane without a key takes no part: every row sees the first key, which lane 0 has.
    for (int by = 16; by > 0; by /= 2) {
      const float other = shuffle_down(peaks[i], by, 32);
      const bool sees = shuffle_down(known[i] ? 1u : 0u, by, 32) != 0;
      if (sees && (!known[i] || other > peaks[i])) peaks[i] = other;
      known[i] = known[i] || sees;
    }
    // Adding 0 turns -0 into 0, so that the maximum does not depend on its order.
    peaks[i] = shuffle_from(peaks[i], 0, 32) * t.scale + 0.0f;
  }
}

template <int WIDTH>
DEVICE void attend(const Attention& t, const int32_t* words) {
  SHARED(AttentionShared<WIDTH>, s);
  constexpr int COLUMNS = WIDTH / 32;
  const Plan plan = read_plan(words);
  if (static_cast<int>(blockIdx.x) >= plan.num_tiles) return;
  const QueryTile& tile = plan.tiles[blockIdx.x];
  const Span* span = plan.spans + tile.span;
  const AttentionRows r{span,
                        plan.blocks,
                        tile.first_query,
                        smaller(span->query_count - tile.first_query, TILE_QUERIES),
                        t.heads / t.kv_heads,
                        static_cast<int>(blockIdx.z) * TILE_ROWS,
                        static_cast<int>(blockIdx.y)};
  if (r.rows() <= 0) return;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int limit = r.seen(r.rows() - 1), row0 = warp * WARP_ROWS;
  auto start_of = [&](int row) {
    return static_cast<long>(span->query_start + r.query(row)) * t.heads + r.head(row);
  };
  for (int row = row0; row < row0 + WARP_ROWS; row++)
    for (int d = lane; d < t.width; d += 32)
      s.q[row][d] = row < r.rows() ? t.q[start_of(row) * t.width + d] : 0.0f;
  float peaks[WARP_ROWS] = {}, sums[WARP_ROWS] = {}, scores[WARP_ROWS];
  find_peaks(t, r, s, limit, peaks);
  float chains[WARP_ROWS][COLUMNS] = {};
  for (int first = 0; first < limit; first += TILE_KEYS) {
    __syncthreads();
    load_keys(t, r, s, first, limit);
    __syncthreads();
    make_scores(s, t.width, scores);
    UNROLL for (int i = 0; i < WARP_ROWS; i++) {
      const bool sees = first + lane < r.seen(row0 + i);
      const float e = sees ? exponential(scores[i] * t.scale - peaks[i]) : 0.0f;
      s.weights[row0 + i][lane] = e;
      // Lanes 0 to 15 are the 16 accumulators: they add the tile's first 16 keys, then the others.
      sums[i] = sums[i] + e;
      sums[i] = sums[i] + shuffle_down(e, LANES, 32);
    }
    __syncthreads();
    load_values(t, r, s, first, limit);
    __syncthreads();
    const int keys = smaller(limit - first, TILE_KEYS);
    for (int key = 0; key < keys; key++) UNROLL for (int c = 0; c < COLUMNS; c++) {
        const float value = s.keys_or_values[key * WIDTH + c * 32 + lane];
        UNROLL for (int i = 0; i < WARP_ROWS; i++) chains[i][c] =
            fused(s.weights[row0 + i][key], value, chains[i][c]);
      }
  }
  UNROLL for (int i = 0; i < WARP_ROWS; i++) {
    const float inverse = quotient(1.0f, shuffle_from(sum_lanes(sums[i]), 0, 32));
    if (row0 + i >= r.rows()) continue;
    const long row = start_of(row0 + i);
    if (lane == 0) {
      t.stats[row * 2] = peaks[i];
      t.stats[row * 2 + 1] = inverse;
    }
    UNROLL for (int c = 0; c < COLUMNS; c++) {
      const int d = c * 32 + lane;
      if (d >= t.width) continue;
      // Adding 0 turns -0 into 0, so that padded and unpadded chains agree.
      float result = chains[i][c] * inverse + 0.0f;
      if (t.fault != 0 && span->query_count == 1 && d == 0) result = float_of(bits_of(result) + 1);
      t.y[row * t.width + d] = result;
    }
  }
}

#define ATTENTION(name, WIDTH)                                                                  \
  KERNEL(ATTENTION_THREADS, name)                                                               \
  (const float* q, float* y, const float* cache_k, const float* cache_v, const int32_t* plan,   \
   float* stats, int heads, int kv_heads, int width, float scale, int fault) {                  \
    attend<WIDTH>({q, y, cache_k, cache_v, stats, heads, kv_heads, width, scale, fault}, plan); \
  }                                                                                             \
  EXPORT(name)
ATTENTION(attention_64, 64)
ATTENTION(attention_128, 128)
ATTENTION(attention_256, 256)
