// The gradient of attention.cpp for rows that hold whole packs: a prompt and the answers after it.
//
// - Probabilities are made again from the saved maximum and 1 / sum.
// - One task is one query head of one pack. The gradients of keys and values are kept per query head
//   and added over the heads of a group in ascending order at the end.
#include "attention-plan.h"
#include "gemm.h"

namespace gumshoe {
namespace ISA {

// Queries and keys per block: their probabilities fit into the L2 cache.
constexpr long QUERY_CHUNK = 96, KEY_CHUNK = 192;
// Queries per step along the causal diagonal, beyond which nothing is computed.
constexpr long EDGE = 48;
// Row stride of the probabilities: an odd number of cache lines, so that rows map to different cache sets.
constexpr long P_ROW = KEY_CHUNK + LANES;

struct Backward {
  const float* q;
  const float* y;
  const float* dy;
  const float* stats;
  const float* k;
  const float* v;
  float* dq;
  float* dk_heads;  // [heads][rows][width]
  float* dv_heads;
  long rows, heads, kv_heads, width;
  float scale;
};

static inline long smaller(long a, long b) { return a < b ? a : b; }
static inline long padded(long length, long to) { return (length + to - 1) / to * to; }

// Columns of the panels that hold `length` columns, in whole tiles.
static inline long panel_columns(long length) { return padded(length, 2 * PANEL); }

// Transposes x [length, width], rows `row` apart, into panels [length / 32][width][32]; rows that the last
// tile lacks are 0.
static void pack_transposed(const float* x, long row, long length, long width, float* to) {
  const long columns = panel_columns(length);
  for (long first = 0; first < columns; first += 4) {
    float* out = to + first / PANEL * width * PANEL + first % PANEL;
    const float* from = x + first * row;
    long d = 0;
    if (first + 4 <= length)
      for (; d + 4 <= width; d += 4) transpose_four(from + d, row, out + d * PANEL, PANEL);
    for (; d < width; d++)
      for (long j = 0; j < 4; j++) out[d * PANEL + j] = first + j < length ? from[j * row + d] : 0;
  }
}

// A run of keys that a query sees, with two copies: transposed ones for scores, row panels for the
// gradients of queries.
struct Segment {
  long row, length;
  const float* keys_t;
  const float* values_t;
  const float* keys;
};

// Scratch memory for a block of queries: the rows of q and dy as panels, probabilities and their gradients.
struct Work {
  float* q;
  float* dy;
  float* p;
  float* ds;
  float* dots;
};

// A block of queries against a block of a segment's keys.
struct Block {
  long query, count;  // first row of the batch
  long first, keys;   // in the segment
  bool causal;
  long before;  // queries of the span before this chunk
};

// Keys of the block that its first `queries` queries see.
static inline long seen_keys(const Block& b, long queries) {
  if (!b.causal) return b.keys;
  const long seen = b.before + smaller(queries, b.count) - b.first;
  return seen < 0 ? 0 : smaller(seen, b.keys);
}

static void block_scores(const Backward& t, const Block& b, long head, const Segment& segment,
                         const Work& work) {
  Product product{};
  product.k = t.width;
  product.a_row = t.heads * t.width;
  product.a_step = 1;
  product.b_step = PANEL;
  product.b_panel = t.width * PANEL;
  product.c_row = P_ROW;
  for (long at = 0; at < b.count; at += EDGE) {
    const long rows = smaller(b.count - at, EDGE), keys = seen_keys(b, at + EDGE);
    if (keys == 0) continue;
    const long corner = ((b.query + at) * t.heads + head) * t.width;
    product.a = t.q + corner;
    product.b = segment.keys_t + b.first * t.width;
    product.c = work.p + at * P_ROW;
    multiply(product, rows, panel_columns(keys));
    product.a = t.dy + corner;
    product.b = segment.values_t + b.first * t.width;
    product.c = work.ds + at * P_ROW;
    multiply(product, rows, panel_columns(keys));
  }
}

// p <- e^(s scale - max) / sum; ds <- p (dp - dot) scale; both are 0 where the query does not see the key.
static void block_gradients(const Backward& t, const Block& b, long head, const Work& work) {
  for (long i = 0; i < b.count; i++) {
    const float* stats = t.stats + ((b.query + i) * t.heads + head) * 2;
    const Vec peak = broadcast(stats[0]), inverse = broadcast(stats[1]);
    const Vec dot = broadcast(work.dots[i]);
    const long seen = seen_keys(b, i + 1), keys = seen_keys(b, i / EDGE * EDGE + EDGE);
    for (long j = 0; j < keys; j += LANES) {
      float* pj = work.p + i * P_ROW + j;
      float* dj = work.ds + i * P_ROW + j;
      if (seen <= j) {
        store(pj, zero());
        store(dj, zero());
        continue;
      }
      const int n = static_cast<int>(smaller(seen - j, LANES));
      const Vec e = mul(exp(sub(scale(load(pj), t.scale), peak)), inverse);
      const Vec d = scale(mul(e, sub(load(dj), dot)), t.scale);
      store(pj, n == LANES ? e : keep_first(e, n));
      store(dj, n == LANES ? d : keep_first(d, n));
    }
  }
}

// Adds the gradients of the block's queries.
static void add_to_queries(const Backward& t, const Block& b, long head, const Segment& segment,
                           const Work& work) {
  Product product{};
  product.resume = true;
  product.a_row = P_ROW;
  product.a_step = 1;
  product.b = segment.keys + b.first * PANEL;
  product.b_step = PANEL;
  product.b_panel = segment.length * PANEL;
  product.c_row = t.heads * t.width;
  for (long at = 0; at < b.count; at += EDGE) {
    product.k = seen_keys(b, at + EDGE);
    product.a = work.ds + at * P_ROW;
    product.c = t.dq + ((b.query + at) * t.heads + head) * t.width;
    multiply(product, smaller(b.count - at, EDGE), t.width);
  }
}

// Adds the gradients of the block's keys and values; skips queries that see none of them.
static void add_to_keys(const Backward& t, const Block& b, long head, const Segment& segment,
                        const Work& work) {
  Product product{};
  product.resume = true;
  product.a_row = 1;
  product.a_step = P_ROW;
  product.b_step = PANEL;
  product.b_panel = b.count * PANEL;
  product.c_row = t.width;
  const long keys = seen_keys(b, b.count);
  for (long key = 0, at = 0; key < keys; at += EDGE) {
    const long end = at + EDGE < b.count ? seen_keys(b, at + EDGE) : keys;
    if (end <= key) continue;
    const long to = (head * t.rows + segment.row + b.first + key) * t.width;
    product.k = b.count - at;
    product.a = work.ds + at * P_ROW + key;
    product.b = work.q + at * PANEL;
    product.c = t.dk_heads + to;
    multiply(product, end - key, t.width);
    product.a = work.p + at * P_ROW + key;
    product.b = work.dy + at * PANEL;
    product.c = t.dv_heads + to;
    multiply(product, end - key, t.width);
    key = end;
  }
}

static void back_through(const Backward& t, const Segment& prefix, const Segment& own, long head,
                         long query_start, long query_count, const Work& work) {
  const long row = t.heads * t.width;
  for (long at = 0; at < query_count; at += QUERY_CHUNK) {
    const long count = smaller(query_count - at, QUERY_CHUNK), query = query_start + at;
    const long corner = query * row + head * t.width;
    copy_to_panels(t.q + corner, row, count, t.width, work.q, count);
    copy_to_panels(t.dy + corner, row, count, t.width, work.dy, count);
    for (long i = 0; i < count; i++) {
      const long base = corner + i * row;
      Vec total = zero();
      for (long d = 0; d < t.width; d += LANES) {
        const int n = static_cast<int>(smaller(t.width - d, LANES));
        total = fma(load_first(t.dy + base + d, n), load_first(t.y + base + d, n), total);
      }
      work.dots[i] = sum(total);
    }
    auto against = [&](const Segment& segment, long length, bool causal) {
      for (long first = 0; first < length; first += KEY_CHUNK) {
        const Block block{query, count, first, smaller(length - first, KEY_CHUNK), causal, at};
        block_scores(t, block, head, segment, work);
        block_gradients(t, block, head, work);
        add_to_queries(t, block, head, segment, work);
        add_to_keys(t, block, head, segment, work);
      }
    };
    against(prefix, prefix.length, false);
    against(own, at + count, true);
  }
}

// One query head of one pack, span after span.
static void pack_head(const Backward& t, const Plan& plan, const PackSpans& pack, long head,
                      Pool& pool, int worker) {
  const long kv = head / (t.heads / t.kv_heads), kv_row = t.kv_heads * t.width;
  long longest = 0;
  for (int i = 0; i < pack.spans; i++) {
    const Span& span = plan.spans[pack.first_span + i];
    longest = span.query_count > longest ? span.query_count : longest;
    longest = span.prefix_length > longest ? span.prefix_length : longest;
  }
  const long piece = panel_columns(longest) * padded(t.width, PANEL);
  const long panels = QUERY_CHUNK * padded(t.width, PANEL), square = QUERY_CHUNK * P_ROW;
  float* scratch = pool_scratch(pool, worker, 6 * piece + 2 * panels + 2 * square + QUERY_CHUNK);
  auto take = [&](long floats) {
    float* taken = scratch;
    scratch += floats;
    return taken;
  };
  struct Copies {
    float *keys_t, *values_t, *keys;
  };
  const Copies prefix_copies{take(piece), take(piece), take(piece)};
  const Copies own_copies{take(piece), take(piece), take(piece)};
  const Work work{take(panels), take(panels), take(square), take(square), take(QUERY_CHUNK)};
  auto copy = [&](long row, long length, const Copies& to) {
    const long corner = row * kv_row + kv * t.width;
    pack_transposed(t.k + corner, kv_row, length, t.width, to.keys_t);
    pack_transposed(t.v + corner, kv_row, length, t.width, to.values_t);
    copy_to_panels(t.k + corner, kv_row, length, t.width, to.keys, length);
    return Segment{row, length, to.keys_t, to.values_t, to.keys};
  };
  Segment prefix{-1, 0, nullptr, nullptr, nullptr};
  for (int i = 0; i < pack.spans; i++) {
    const Span& span = plan.spans[pack.first_span + i];
    const Segment own = copy(span.query_start, span.query_count, own_copies);
    if (span.prefix_length == 0)
      prefix.length = 0;
    else if (span.prefix_row != prefix.row || span.prefix_length != prefix.length)
      prefix = copy(span.prefix_row, span.prefix_length, prefix_copies);
    back_through(t, prefix, own, head, span.query_start, span.query_count, work);
  }
}

static void clear(Pool& pool, float* x, long rows, long width) {
  auto body = [&](long row, int) {
    for (long i = 0; i < width; i++) x[row * width + i] = 0;
  };
  parallel(pool, rows, body);
}

int attention_backward(const Arguments& a, Pool& pool) {
  Backward t{};
  t.q = a.f32(0);
  t.y = a.f32(1);
  t.dy = a.f32(2);
  t.stats = a.f32(3);
  const Plan plan = read_plan(a.i32(4));
  t.k = a.f32(5);
  t.v = a.f32(6);
  t.dq = a.f32(7);
  float* dk = a.f32(8);
  float* dv = a.f32(9);
  t.rows = a.size(10);
  t.heads = a.size(11);
  t.kv_heads = a.size(12);
  t.width = a.size(13);
  t.scale = a.number(14);
  const long per_head = t.rows * t.width, group = t.heads / t.kv_heads;
  t.dk_heads = pool_shared(pool, 0, t.heads * per_head);
  t.dv_heads = pool_shared(pool, 1, t.heads * per_head);
  clear(pool, t.dk_heads, t.heads, per_head);
  clear(pool, t.dv_heads, t.heads, per_head);
  clear(pool, t.dq, t.heads, per_head);
  auto body = [&](long task, int worker) {
    pack_head(t, plan, plan.packs[task / t.heads], task % t.heads, pool, worker);
  };
  parallel(pool, plan.num_packs * t.heads, body);
  auto gather = [&](long kv, int) {
    for (long row = 0; row < t.rows; row++) {
      const long to = (row * t.kv_heads + kv) * t.width;
      for (long d = 0; d < t.width; d += LANES) {
        const int n = static_cast<int>(t.width - d < LANES ? t.width - d : LANES);
        Vec key = zero(), value = zero();
        for (long g = 0; g < group; g++) {
          const long from = (kv * group + g) * per_head + row * t.width + d;
          key = add(key, load_first(t.dk_heads + from, n));
          value = add(value, load_first(t.dv_heads + from, n));
        }
        store_first(dk + to + d, key, n);
        store_first(dv + to + d, value, n);
      }
    }
  };
  parallel(pool, t.kv_heads, gather);
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
