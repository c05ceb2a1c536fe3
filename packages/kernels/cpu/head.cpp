// The output head fused with log-softmax: logits exist only a block of the vocabulary at a time.
//
// - z = logit * invTemperature. Sampler and trainer share the code of log-softmax.h, so they share its bits.
// - With a truncation (truncation.h) the whole rows of z exist, a few at a time.
// - A forward pass may keep z for the backward pass, as [blocks][rows][VOCABULARY_BLOCK], which costs
//   memory and saves one of the four products.
#include "gemm.h"
#include "log-softmax.h"
#include "truncation.h"
#include "turn-panels.h"
#include "weight-gradient.h"

namespace gumshoe {
namespace ISA {

constexpr long HEAD_ROWS = 48;
// Logits of truncated rows that exist at a time: 64 MiB, unless HEAD_ROWS rows are more.
constexpr long CUT_LOGITS = 1L << 24;

// Logits of some rows and one vocabulary block, times invTemperature, into z [rows][VOCABULARY_BLOCK].
static void block_logits(const float* x, const float* packed, const float* inverse, float* z,
                         long rows, long width, long block, long entries) {
  Product p{};
  p.k = width;
  p.a = x;
  p.a_row = width;
  p.a_step = 1;
  p.b = packed + block * VOCABULARY_BLOCK * width;
  p.b_step = PANEL;
  p.b_panel = width * PANEL;
  p.c = z;
  p.c_row = VOCABULARY_BLOCK;
  multiply(p, rows, entries);
  if (inverse == nullptr) return;
  for (long i = 0; i < rows; i++) {
    float* row = z + i * VOCABULARY_BLOCK;
    const float by = inverse[i] == 0 ? 1.0f : inverse[i];
    for (long j = 0; j < entries; j += LANES) {
      const int n = static_cast<int>(entries - j < LANES ? entries - j : LANES);
      store_first(row + j, scale(load_first(row + j, n), by), n);
    }
  }
}

// Runs body(first row, rows, block, scratch) for every chunk of rows and every block.
template <typename Body>
static void each_block(Pool& pool, long rows, long vocabulary, const Body& on_block) {
  const long chunks = (rows + HEAD_ROWS - 1) / HEAD_ROWS;
  auto body = [&](long task, int worker) {
    const long block = task / chunks, first = task % chunks * HEAD_ROWS;
    float* z = pool_scratch(pool, worker, HEAD_ROWS * VOCABULARY_BLOCK);
    on_block(first, rows - first < HEAD_ROWS ? rows - first : HEAD_ROWS, block, z);
  };
  parallel(pool, chunks * blocks_of(vocabulary), body);
}

int head_logits(const Arguments& a, Pool& pool) {
  const float* x = a.f32(0);
  const float* packed = a.f32(1);
  float* logits = a.f32(2);
  const long rows = a.size(3), width = a.size(4), vocabulary = a.size(5);
  each_block(pool, rows, vocabulary, [=](long first, long count, long block, float* z) {
    const long entries = block_entries(vocabulary, block);
    block_logits(x + first * width, packed, nullptr, z, count, width, block, entries);
    for (long i = 0; i < count; i++)
      __builtin_memcpy(logits + (first + i) * vocabulary + block * VOCABULARY_BLOCK,
                       z + i * VOCABULARY_BLOCK, entries * sizeof(float));
  });
  return STATUS_OK;
}

// What head_logprobs writes of a row. stats [rows][2]: max z, and the natural logarithm of the sum of e^(z - max).
struct RowScores {
  float *logprobs, *entropies, *stats;
  void write(long row, float chosen, const Partial& all) const {
    logprobs[row] = log_probability(chosen, all);
    const double log_total = log_one(all.total);
    stats[2 * row] = all.peak;
    stats[2 * row + 1] = static_cast<float>(log_total);
    if (entropies != nullptr)
      entropies[row] = static_cast<float>(log_total - static_cast<double>(all.moment) / all.total);
  }
};

// Summaries of the blocks of a row, combined.
static Partial summarise_row(const LogitRow& row, bool with_moment) {
  Partial all{};
  each_row_block(row, [&](const float* z, long first, long entries) {
    const Partial next = summarise(z, entries, with_moment);
    all = first == 0 ? next : combine_two(all, next);
  });
  return all;
}

// head_logprobs of truncated rows: whole rows of z, as many at a time as fit in CUT_LOGITS.
// cuts [rows][2]: z of the last kept entry, and the greatest id that is kept of its equals.
static void truncated_logprobs(const Arguments& a, Pool& pool, const RowScores& scores) {
  const float* x = a.f32(0);
  const float* packed = a.f32(1);
  const int32_t* targets = a.i32(2);
  const float* inverse = a.f32(3);
  const long rows = a.size(7), width = a.size(8), vocabulary = a.size(9);
  float* kept = a.f32(10);
  const Truncation truncation{a.f32(11), a.i32(12), a.size(13)};
  float* cuts = a.f32(14);
  const long padded = blocks_of(vocabulary) * VOCABULARY_BLOCK, fit = CUT_LOGITS / padded;
  const long some = kept != nullptr ? rows : fit > HEAD_ROWS ? fit : HEAD_ROWS;
  for (long start = 0; start < rows; start += some) {
    const long here = rows - start < some ? rows - start : some;
    float* z = kept != nullptr ? kept : pool_shared(pool, 1, here * padded);
    each_block(pool, here, vocabulary, [=](long first, long count, long block, float*) {
      const long row = start + first;
      block_logits(x + row * width, packed, inverse + row,
                   z + (block * here + first) * VOCABULARY_BLOCK, count, width, block,
                   block_entries(vocabulary, block));
    });
    auto on_row = [&](long i, int worker) {
      const LogitRow row{z + i * VOCABULARY_BLOCK, here * VOCABULARY_BLOCK, vocabulary};
      const Cut cut = truncate(pool, worker, row, truncation, start + i);
      const long target = targets[start + i];
      const float chosen = row.block(target / VOCABULARY_BLOCK)[target % VOCABULARY_BLOCK];
      scores.write(start + i, chosen, summarise_row(row, scores.entropies != nullptr));
      cuts[2 * (start + i)] = cut.z;
      cuts[2 * (start + i) + 1] = static_cast<float>(cut.id);
    };
    parallel(pool, here, on_row);
  }
}

int head_logprobs(const Arguments& a, Pool& pool) {
  const float* x = a.f32(0);
  const float* packed = a.f32(1);
  const int32_t* targets = a.i32(2);
  const float* inverse = a.f32(3);
  const RowScores scores{a.f32(4), a.f32(5), a.f32(6)};
  const long rows = a.size(7), width = a.size(8), vocabulary = a.size(9);
  for (long i = 0; i < rows; i++)
    if (targets[i] < 0 || targets[i] >= vocabulary) return STATUS_BAD_ID;
  if (a.f32(14) != nullptr) {
    truncated_logprobs(a, pool, scores);
    return STATUS_OK;
  }
  float* kept = a.f32(10);
  const long blocks = blocks_of(vocabulary);
  Partial* parts = reinterpret_cast<Partial*>(pool_shared(pool, 0, rows * blocks * 3));
  float* chosen = pool_shared(pool, 1, rows);
  const bool moments = scores.entropies != nullptr;
  each_block(pool, rows, vocabulary, [=](long first, long count, long block, float* scratch) {
    float* z = kept == nullptr ? scratch : kept + (block * rows + first) * VOCABULARY_BLOCK;
    const long entries = block_entries(vocabulary, block);
    block_logits(x + first * width, packed, inverse + first, z, count, width, block, entries);
    for (long i = 0; i < count; i++) {
      const float* row = z + i * VOCABULARY_BLOCK;
      parts[(first + i) * blocks + block] = summarise(row, entries, moments);
      const long target = targets[first + i] - block * VOCABULARY_BLOCK;
      if (target >= 0 && target < entries) chosen[first + i] = row[target];
    }
  });
  for (long i = 0; i < rows; i++) scores.write(i, chosen[i], combine(parts + i * blocks, blocks));
  return STATUS_OK;
}

// From z to the gradient of a logit: invTemperature (d_logprob (1[target] - p) - d_entropy p (ln p + H)),
// in place.
static void logit_gradients(float* z, long entries, long target, float peak, float log_total,
                            float entropy, float d_logprob, float d_entropy, float inverse) {
  for (long j = 0; j < entries; j += LANES) {
    const int n = static_cast<int>(entries - j < LANES ? entries - j : LANES);
    const Vec lp = sub(sub(load_first(z + j, n), broadcast(peak)), broadcast(log_total));
    const Vec p = exp(lp);
    Vec g = scale(p, -d_logprob);
    if (d_entropy != 0) g = fma(scale(p, -d_entropy), add(lp, broadcast(entropy)), g);
    store_first(z + j, scale(g, inverse), n);
  }
  if (target >= 0 && target < entries) z[target] += d_logprob * inverse;
}

int head_backward(const Arguments& a, Pool& pool) {
  const float* x = a.f32(0);
  const float* packed = a.f32(1);
  const int32_t* targets = a.i32(2);
  const float* inverse = a.f32(3);
  const float* stats = a.f32(4);
  const float* entropies = a.f32(5);
  const float* d_logprob = a.f32(6);
  const float* d_entropy = a.f32(7);
  float* dx = a.f32(8);
  float* dw = a.f32(9);
  const long rows = a.size(10), width = a.size(11), vocabulary = a.size(12);
  float* kept = a.f32(13);
  const Truncation truncation{nullptr, a.i32(14), a.size(15)};
  const float* cuts = a.f32(16);
  const long chunks = (rows + HEAD_ROWS - 1) / HEAD_ROWS, panels = (width + PANEL - 1) / PANEL;
  float* turned = pool_shared(pool, 1, panels * VOCABULARY_BLOCK * PANEL);
  float* one_block = kept == nullptr ? pool_shared(pool, 0, rows * VOCABULARY_BLOCK) : nullptr;
  for (long block = 0; block < blocks_of(vocabulary); block++) {
    const long entries = block_entries(vocabulary, block), start = block * VOCABULARY_BLOCK;
    float* z = kept == nullptr ? one_block : kept + start * rows;
    auto turn = [&](long panel, int) {
      turn_panel(packed + start * width, turned + panel * VOCABULARY_BLOCK * PANEL, entries, width,
                 panel * PANEL);
    };
    parallel(pool, panels, turn);
    auto on_rows = [&](long task, int) {
      const long first = task * HEAD_ROWS;
      const long count = rows - first < HEAD_ROWS ? rows - first : HEAD_ROWS;
      float* here = z + first * VOCABULARY_BLOCK;
      if (kept == nullptr)
        block_logits(x + first * width, packed, inverse + first, here, count, width, block,
                     entries);
      for (long i = 0; i < count; i++) {
        const long r = first + i;
        if (cuts != nullptr && kept == nullptr) {
          ban(here + i * VOCABULARY_BLOCK, start, entries, truncation, r);
          const Cut cut{cuts[2 * r], static_cast<int32_t>(cuts[2 * r + 1])};
          exclude(here + i * VOCABULARY_BLOCK, start, entries, cut);
        }
        const float by = inverse[r] == 0 ? 1.0f : inverse[r];
        logit_gradients(here + i * VOCABULARY_BLOCK, entries, targets[r] - start, stats[2 * r],
                        stats[2 * r + 1], entropies == nullptr ? 0.0f : entropies[r], d_logprob[r],
                        d_entropy == nullptr ? 0.0f : d_entropy[r], by);
      }
      Product p{};
      p.k = entries;
      p.a = here;
      p.a_row = VOCABULARY_BLOCK;
      p.a_step = 1;
      p.b = turned;
      p.b_step = PANEL;
      p.b_panel = VOCABULARY_BLOCK * PANEL;
      p.c = dx + first * width;
      p.c_row = width;
      p.resume = block > 0;
      multiply(p, count, width);
    };
    parallel(pool, chunks, on_rows);
    if (dw != nullptr)
      add_weight_gradient(pool, z, VOCABULARY_BLOCK, x, dw + start * width, rows, entries, width);
  }
  return STATUS_OK;
}

// The id at which the running sum of e^(z - max), in ascending order, exceeds uniform * total.
static long draw(const float* z, const Partial* parts, long vocabulary, const Partial& all,
                 double uniform) {
  const long blocks = blocks_of(vocabulary);
  double total = 0;
  long last_block = 0;
  for (long b = 0; b < blocks; b++) {
    const double weight = static_cast<double>(parts[b].total) * exp_one(parts[b].peak - all.peak);
    total += weight;
    if (weight > 0) last_block = b;
  }
  double left = uniform * total;
  long last = 0;
  for (long b = 0; b < blocks; b++) {
    const double weight = static_cast<double>(parts[b].total) * exp_one(parts[b].peak - all.peak);
    if (left >= weight && b < last_block) {
      left -= weight;
      continue;
    }
    const long start = b * VOCABULARY_BLOCK, entries = block_entries(vocabulary, b);
    for (long j = 0; j < entries; j += LANES) {
      const int n = static_cast<int>(entries - j < LANES ? entries - j : LANES);
      float e[LANES];
      store(e, exp(sub(load_first(z + start + j, n), broadcast(all.peak))));
      for (int i = 0; i < n; i++) {
        if (e[i] > 0) last = start + j + i;
        if (left < e[i]) return start + j + i;
        left -= e[i];
      }
    }
  }
  return last;
}

static long most_likely(const float* z, long vocabulary) {
  long best = 0;
  for (long j = 1; j < vocabulary; j++)
    if (z[j] > z[best]) best = j;
  return best;
}

// Draws one id per row. draws [rows][2]: 53 of the bits form a uniform number; invTemperature 0 selects the
// most likely id, the lowest of equals.
int head_sample(const Arguments& a, Pool& pool) {
  const float* x = a.f32(0);
  const float* packed = a.f32(1);
  const float* inverse = a.f32(2);
  const uint32_t* draws = a.u32(3);
  int32_t* ids = a.i32(4);
  float* logprobs = a.f32(5);
  const long rows = a.size(6), width = a.size(7), vocabulary = a.size(8);
  const Truncation truncation{a.f32(9), a.i32(10), a.size(11)};
  const bool truncates = truncation.limits != nullptr;
  const long blocks = blocks_of(vocabulary);
  Partial* parts = reinterpret_cast<Partial*>(pool_shared(pool, 0, rows * blocks * 3));
  float* logits = pool_shared(pool, 1, rows * vocabulary);
  each_block(pool, rows, vocabulary, [=](long first, long count, long block, float* z) {
    const long entries = block_entries(vocabulary, block);
    block_logits(x + first * width, packed, inverse + first, z, count, width, block, entries);
    for (long i = 0; i < count; i++) {
      const float* row = z + i * VOCABULARY_BLOCK;
      if (!truncates) parts[(first + i) * blocks + block] = summarise(row, entries, false);
      __builtin_memcpy(logits + (first + i) * vocabulary + block * VOCABULARY_BLOCK, row,
                       entries * sizeof(float));
    }
  });
  auto body = [&](long i, int worker) {
    float* z = logits + i * vocabulary;
    if (truncates) {
      const LogitRow row{z, VOCABULARY_BLOCK, vocabulary};
      truncate(pool, worker, row, truncation, i);
      each_row_block(row, [&](const float* block, long first, long entries) {
        parts[i * blocks + first / VOCABULARY_BLOCK] = summarise(block, entries, false);
      });
    }
    const Partial all = combine(parts + i * blocks, blocks);
    const double uniform =
        ((draws[2 * i] >> 5) * 67108864.0 + (draws[2 * i + 1] >> 6)) / 9007199254740992.0;
    const long id = inverse[i] == 0 ? most_likely(z, vocabulary)
                                    : draw(z, parts + i * blocks, vocabulary, all, uniform);
    ids[i] = static_cast<int32_t>(id);
    logprobs[i] = log_probability(z[id], all);
  };
  parallel(pool, rows, body);
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
