// Causal attention over a paged cache, with grouped heads and shared prefixes; arXiv:1706.03762.
//
// - A query's keys are, in logical order, a prefix and then its own; their place in the cache does
//   not matter. Scores are one FMA chain over the head's width, times `scale`; the softmax takes two
//   passes over the whole row: maximum, then e^(s - max) with one 16-lane sum; the result is one FMA
//   chain over ascending keys, times 1 / sum.
// - A chunk of the plan is a run of queries, over spans that share one prefix: the prefix's scores are
//   one product for all of them and for all query heads of a key head.
#include "attention-plan.h"
#include "gemm.h"

namespace gumshoe {
namespace ISA {

int kv_write(const Arguments& a, Pool& pool) {
  const float* k = a.f32(0);
  const float* v = a.f32(1);
  const int32_t* slots = a.i32(2);
  float* cache_k = a.f32(3);
  float* cache_v = a.f32(4);
  const long rows = a.size(5), heads = a.size(6), width = a.size(7), num_slots = a.size(8);
  for (long row = 0; row < rows; row++)
    if (slots[row] < 0 || slots[row] >= num_slots) return STATUS_BAD_ID;
  const long per = 32;
  auto body = [&](long task, int) {
    const long end = (task + 1) * per < rows ? (task + 1) * per : rows;
    for (long row = task * per; row < end; row++) {
      const long block = slots[row] / KV_BLOCK, at = slots[row] % KV_BLOCK;
      for (long h = 0; h < heads; h++) {
        const long base = (block * heads + h) * width * KV_BLOCK;
        const float* from = k + (row * heads + h) * width;
        for (long d = 0; d < width; d++) cache_k[base + d * KV_BLOCK + at] = from[d];
        __builtin_memcpy(cache_v + base + at * width, v + (row * heads + h) * width,
                         width * sizeof(float));
      }
    }
  };
  parallel(pool, (rows + per - 1) / per, body);
  return STATUS_OK;
}

// Scores of `rows` queries with the keys of `count` positions of cache blocks, up to a whole block.
static void block_scores(const float* q, long rows, long width, const float* cache,
                         const int32_t* blocks, long block_stride, long count, float* s,
                         long s_row) {
  Product p{};
  p.k = width;
  p.a = q;
  p.a_row = width;
  p.a_step = 1;
  p.b_step = KV_BLOCK;
  p.c = s;
  p.c_row = s_row;
  const long num_blocks = (count + KV_BLOCK - 1) / KV_BLOCK;
  auto key_blocks = [&]<int VECTORS>(long first) {
    Columns<VECTORS> from;
    for (int v = 0; v < VECTORS; v++) from.at[v] = cache + blocks[first + v] * block_stride;
    strip<VECTORS>(p, rows, first * KV_BLOCK, from, LANES);
  };
  long block = 0;
  for (; block + TILE_VECTORS <= num_blocks; block += TILE_VECTORS)
    key_blocks.template operator()<TILE_VECTORS>(block);
  constexpr int TWO = TILE_VECTORS >= 2 ? 2 : 1;
  for (; block + TWO <= num_blocks; block += TWO) key_blocks.template operator()<TWO>(block);
  for (; block < num_blocks; block++) key_blocks.template operator()<1>(block);
}

// Continues o += p V over `count` positions in cache blocks.
static void block_values(const float* s, long s_row, long rows, long width, const float* cache,
                         const int32_t* blocks, long block_stride, long count, float* o) {
  Product p{};
  p.k = count;
  p.a = s;
  p.a_row = s_row;
  p.a_step = 1;
  p.b = cache;
  p.b_step = width;
  p.blocks = blocks;
  p.block_k = KV_BLOCK;
  p.block_stride = block_stride;
  p.c = o;
  p.c_row = width;
  p.resume = true;
  multiply(p, rows, width);
}

// s -> e^(s scale - max) in place for the first n elements, 0 from there to `padded`.
static void softmax_row(float* s, long n, long padded, float scale_by, float* peak, float* total) {
  const long whole = n / LANES * LANES;
  const int left = static_cast<int>(n - whole);
  // Scaling by a positive number preserves the order, so the maximum may be taken first.
  Vec high = broadcast(s[0]);
  for (long j = 0; j < whole; j += LANES) high = max(high, load(s + j));
  float top = largest(high);
  for (long j = whole; j < n; j++) top = s[j] > top ? s[j] : top;
  // Adding 0 turns -0 into 0, so that the maximum does not depend on its order.
  top = top * scale_by + 0.0f;
  Vec sums = zero();
  for (long j = 0; j < whole; j += LANES) {
    const Vec e = exp(sub(scale(load(s + j), scale_by), broadcast(top)));
    store(s + j, e);
    sums = add(sums, e);
  }
  if (left > 0) {
    const Vec z = scale(load_first(s + whole, left), scale_by);
    const Vec e = keep_first(exp(sub(z, broadcast(top))), left);
    store_first(s + whole, e, left);
    sums = add(sums, e);
  }
  for (long j = n; j < padded; j++) s[j] = 0;
  *peak = top;
  *total = sum(sums);
}

struct Attention {
  const float* q;
  float* y;
  const float* cache_k;
  const float* cache_v;
  float* stats;
  long heads, kv_heads, width;
  float scale;
  bool fault;
};

// The part of a chunk that belongs to one span.
struct Part {
  const Span* span;
  long first_query, queries, first_row;
};

static void attend(const Attention& t, const Plan& plan, const Chunk& chunk, long kv_head,
                   Pool& pool, int worker) {
  constexpr int MOST_PARTS = 64;
  const long group = t.heads / t.kv_heads, width = t.width, rows = chunk.queries * group;
  const long block_stride = t.kv_heads * width * KV_BLOCK;
  const float* keys = t.cache_k + kv_head * width * KV_BLOCK;
  const float* values = t.cache_v + kv_head * width * KV_BLOCK;
  Part parts[MOST_PARTS] = {};
  int num_parts = 0;
  long longest = 0, row = 0;
  const Span* span = plan.spans + chunk.first_span;
  for (long query = chunk.first_query, left = chunk.queries; left > 0; span++, query = 0) {
    const long here = span->query_count - query < left ? span->query_count - query : left;
    parts[num_parts++] = {span, query, here, row};
    const long own = span->own_length + query + here;
    longest = own > longest ? own : longest;
    row += here * group;
    left -= here;
  }
  const Span& first = *parts[0].span;
  const long prefix = first.prefix_length;
  const long s_row = prefix + (longest + KV_BLOCK - 1) / KV_BLOCK * KV_BLOCK + KV_BLOCK;
  float* q = pool_scratch(pool, worker, rows * (2 * width + s_row) + 64);
  float* o = q + rows * width;
  float* s = o + rows * width;
  for (int i = 0; i < num_parts; i++)
    for (long j = 0; j < parts[i].queries; j++) {
      const long token = parts[i].span->query_start + parts[i].first_query + j;
      const float* from = t.q + (token * t.heads + kv_head * group) * width;
      float* to = q + (parts[i].first_row + j * group) * width;
      __builtin_memcpy(to, from, group * width * sizeof(float));
    }
  for (long i = 0; i < rows * width; i++) o[i] = 0;
  block_scores(q, rows, width, keys, plan.blocks + first.prefix_offset, block_stride, prefix, s,
               s_row);
  for (int i = 0; i < num_parts; i++) {
    const Part& part = parts[i];
    const long own = part.span->own_length + part.first_query + part.queries;
    block_scores(q + part.first_row * width, part.queries * group, width, keys,
                 plan.blocks + part.span->own_offset, block_stride, own,
                 s + part.first_row * s_row + prefix, s_row);
    for (long j = 0; j < part.queries; j++) {
      const long seen = prefix + part.span->own_length + part.first_query + j + 1;
      for (long g = 0; g < group; g++) {
        const long r = part.first_row + j * group + g;
        const long query = part.span->query_start + part.first_query + j;
        float peak, total;
        softmax_row(s + r * s_row, seen, prefix + own, t.scale, &peak, &total);
        float* keep = t.stats + (query * t.heads + kv_head * group + g) * 2;
        keep[0] = peak;
        keep[1] = 1.0f / total;
      }
    }
  }
  block_values(s, s_row, rows, width, values, plan.blocks + first.prefix_offset, block_stride,
               prefix, o);
  for (int i = 0; i < num_parts; i++) {
    const Part& part = parts[i];
    const long own = part.span->own_length + part.first_query + part.queries;
    block_values(s + part.first_row * s_row + prefix, s_row, part.queries * group, width, values,
                 plan.blocks + part.span->own_offset, block_stride, own,
                 o + part.first_row * width);
    for (long j = 0; j < part.queries * group; j++) {
      const long head = (part.span->query_start + part.first_query + j / group) * t.heads +
                        kv_head * group + j % group;
      const float inverse = t.stats[head * 2 + 1];
      const float* from = o + (part.first_row + j) * width;
      float* to = t.y + head * width;
      // Adding 0 turns -0 into 0, so that padded and unpadded chains agree.
      for (long d = 0; d < width; d++) to[d] = from[d] * inverse + 0.0f;
      if (t.fault && part.span->query_count == 1) {
        uint32_t bits;
        __builtin_memcpy(&bits, to, sizeof bits);
        bits += 1;
        __builtin_memcpy(to, &bits, sizeof bits);
      }
    }
  }
}

int attention(const Arguments& a, Pool& pool) {
  Attention t{a.f32(0),  a.f32(1),  a.f32(2),  a.f32(3),    a.f32(5),
              a.size(6), a.size(7), a.size(8), a.number(9), a.flag(10)};
  const Plan plan = read_plan(a.i32(4));
  auto body = [&](long task, int worker) {
    attend(t, plan, plan.chunks[task / t.kv_heads], task % t.kv_heads, pool, worker);
  };
  parallel(pool, plan.num_chunks * t.kv_heads, body);
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
