// The gradient of attention.cpp for rows that hold whole packs: a prompt and the answers after it.
//
// - Probabilities are made again from the saved maximum and 1 / sum.
// - One task is one query head of one pack. The gradients of keys and values are kept per query head
//   and added over the heads of a group in ascending order at the end.
#include "attention-plan.h"
#include "gemm.h"

namespace gumshoe {
namespace ISA {

// Queries that are worked on together.
constexpr long QUERY_CHUNK = 48;

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

static inline long padded(long length) { return (length + LANES - 1) / LANES * LANES; }
// Distance between rows of at least `length` columns: an odd number of cache lines, so that rows do not
// share cache sets.
static inline long spread(long length) { return padded(length) | LANES; }

static void transpose(const float* from, long from_row, long length, long width, float* to) {
  const long columns = spread(length);
  for (long first = 0; first < length; first += LANES) {
    const long last = first + LANES < length ? first + LANES : length;
    for (long d = 0; d < width; d++)
      for (long j = first; j < last; j++) to[d * columns + j] = from[j * from_row + d];
  }
  for (long d = 0; d < width; d++)
    for (long j = length; j < columns; j++) to[d * columns + j] = 0;
}

// A run of keys that a query sees: rows of the batch, and their transposed copies.
struct Segment {
  long row, length;
  const float* keys_t;
  const float* values_t;
};

// Probabilities and their gradients of some queries against one segment.
struct Tile {
  float* p;
  float* ds;
  long row;  // columns of p and ds
};

static void tile_scores(const Backward& t, long query, long count, long head, const Segment& seg,
                        long keys, float* p, float* dp) {
  const long columns = spread(seg.length);
  Product product{};
  product.k = t.width;
  product.a_row = t.heads * t.width;
  product.a_step = 1;
  product.b_step = columns;
  product.c_row = columns;
  product.a = t.q + (query * t.heads + head) * t.width;
  product.b = seg.keys_t;
  product.c = p;
  multiply(product, count, padded(keys));
  product.a = t.dy + (query * t.heads + head) * t.width;
  product.b = seg.values_t;
  product.c = dp;
  multiply(product, count, padded(keys));
}

// p <- e^(s scale - max) / sum; dp <- p (dp - dot) scale; both 0 where a query does not see a key.
static void tile_gradients(const Backward& t, long head, long query, long count, long seen_by_first,
                           bool causal, long length, long keys, const float* dots, float* p,
                           float* dp) {
  const long columns = spread(length);
  for (long i = 0; i < count; i++) {
    const float* stats = t.stats + ((query + i) * t.heads + head) * 2;
    const Vec peak = broadcast(stats[0]), inverse = broadcast(stats[1]), dot = broadcast(dots[i]);
    const long seen = causal ? seen_by_first + i : length;
    for (long j = 0; j < padded(keys); j += LANES) {
      float* pj = p + i * columns + j;
      float* dj = dp + i * columns + j;
      const long visible = seen - j;
      if (visible <= 0) {
        store(pj, zero());
        store(dj, zero());
        continue;
      }
      const int n = static_cast<int>(visible < LANES ? visible : LANES);
      const Vec e = mul(exp(sub(scale(load(pj), t.scale), peak)), inverse);
      const Vec d = scale(mul(e, sub(load(dj), dot)), t.scale);
      store(pj, n == LANES ? e : keep_first(e, n));
      store(dj, n == LANES ? d : keep_first(d, n));
    }
  }
}

// Adds the gradients of the queries and of the segment's keys and values.
static void tile_products(const Backward& t, long query, long count, long head, const Segment& seg,
                          long keys, const float* p, const float* ds) {
  const long columns = spread(seg.length), kv = head / (t.heads / t.kv_heads);
  Product product{};
  product.resume = true;
  product.k = keys;
  product.a = ds;
  product.a_row = columns;
  product.a_step = 1;
  product.b = t.k + (seg.row * t.kv_heads + kv) * t.width;
  product.b_step = t.kv_heads * t.width;
  product.c = t.dq + (query * t.heads + head) * t.width;
  product.c_row = t.heads * t.width;
  multiply(product, count, t.width);
  product.k = count;
  product.a_row = 1;
  product.a_step = columns;
  product.b = t.q + (query * t.heads + head) * t.width;
  product.b_step = t.heads * t.width;
  product.c = t.dk_heads + (head * t.rows + seg.row) * t.width;
  product.c_row = t.width;
  multiply(product, keys, t.width);
  product.a = p;
  product.b = t.dy + (query * t.heads + head) * t.width;
  product.c = t.dv_heads + (head * t.rows + seg.row) * t.width;
  multiply(product, keys, t.width);
}

static void back_through(const Backward& t, const Segment& prefix, const Segment& own, long head,
                         long query_start, long query_count, float* scratch) {
  const long wide = spread(prefix.length > own.length ? prefix.length : own.length);
  float* p = scratch;
  float* dp = p + QUERY_CHUNK * wide;
  float* dots = dp + QUERY_CHUNK * wide;
  for (long at = 0; at < query_count; at += QUERY_CHUNK) {
    const long count = query_count - at < QUERY_CHUNK ? query_count - at : QUERY_CHUNK;
    const long query = query_start + at;
    for (long i = 0; i < count; i++) {
      const long base = ((query + i) * t.heads + head) * t.width;
      Vec total = zero();
      for (long d = 0; d < t.width; d += LANES) {
        const int n = static_cast<int>(t.width - d < LANES ? t.width - d : LANES);
        total = fma(load_first(t.dy + base + d, n), load_first(t.y + base + d, n), total);
      }
      dots[i] = sum(total);
    }
    if (prefix.length > 0) {
      tile_scores(t, query, count, head, prefix, prefix.length, p, dp);
      tile_gradients(t, head, query, count, 0, false, prefix.length, prefix.length, dots, p, dp);
      tile_products(t, query, count, head, prefix, prefix.length, p, dp);
    }
    const long keys = at + count;
    tile_scores(t, query, count, head, own, keys, p, dp);
    tile_gradients(t, head, query, count, at + 1, true, own.length, keys, dots, p, dp);
    tile_products(t, query, count, head, own, keys, p, dp);
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
  const long wide = spread(longest), piece = wide * t.width;
  float* prefix_k = pool_scratch(pool, worker, 4 * piece + QUERY_CHUNK * (2 * wide + 1) + 64);
  float* prefix_v = prefix_k + piece;
  float* own_k = prefix_v + piece;
  float* own_v = own_k + piece;
  float* rest = own_v + piece;
  long held_row = -1;
  for (int i = 0; i < pack.spans; i++) {
    const Span& span = plan.spans[pack.first_span + i];
    const long own_row = span.query_start;
    transpose(t.k + own_row * kv_row + kv * t.width, kv_row, span.query_count, t.width, own_k);
    transpose(t.v + own_row * kv_row + kv * t.width, kv_row, span.query_count, t.width, own_v);
    if (span.prefix_length > 0 && span.prefix_row != held_row) {
      held_row = span.prefix_row;
      transpose(t.k + held_row * kv_row + kv * t.width, kv_row, span.prefix_length, t.width,
                prefix_k);
      transpose(t.v + held_row * kv_row + kv * t.width, kv_row, span.prefix_length, t.width,
                prefix_v);
    }
    const Segment prefix{span.prefix_row, span.prefix_length, prefix_k, prefix_v};
    const Segment own{own_row, span.query_count, own_k, own_v};
    back_through(t, prefix, own, head, span.query_start, span.query_count, rest);
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
