// The output head fused with log-softmax, a run of vocabulary blocks at a time.
//
// - z = logit * invTemperature lies as [blocks][rows][VOCABULARY_BLOCK]. A launch works on some blocks; the
//   caller passes pointers to the first of them.
// - The log-sum-exp of a row: per aligned block of 512 entries its maximum and a 16-lane sum; blocks are
//   combined in ascending order. Sampler and trainer share this code, so they share its bits.
#include "exp-log.h"
#include "matrix-product.h"
#include "truncation.h"

// What a block knows of a row: max z, sum of e^(z - max), sum of e^(z - max) (z - max).
struct Partial {
  float peak, total, moment;
};

// Where z of a row and an entry lies.
DEVICE long place_of_logit(int rows, int row, int entry) {
  return (static_cast<long>(entry / VOCABULARY_BLOCK) * rows + row) * VOCABULARY_BLOCK +
         entry % VOCABULARY_BLOCK;
}

// z [blocks][rows][512] as an operand: rows of C, with entries as the chain.
struct LogitRows {
  static constexpr bool DEEP = true;
  const float* z;
  int rows, entries;
  DEVICE_MEMBER const float* at(int i, int k) const { return z + place_of_logit(rows, i, k); }
  DEVICE_MEMBER bool has(int i, int k) const { return i < rows && k < entries; }
  DEVICE_MEMBER bool in_fours() const { return is_aligned(z); }
};
// The same with entries as rows of C, and rows as the chain.
struct LogitColumns {
  static constexpr bool DEEP = false;
  const float* z;
  int rows, entries;
  DEVICE_MEMBER const float* at(int i, int k) const { return z + place_of_logit(rows, k, i); }
  DEVICE_MEMBER bool has(int i, int k) const { return i < entries && k < rows; }
  DEVICE_MEMBER bool in_fours() const { return is_aligned(z); }
};

DEVICE float factor_of(const float* inverse, int row) {
  return inverse[row] == 0 ? 1.0f : inverse[row];
}

// z of some blocks: `entries` entries of the vocabulary from the first of `packed` on.
template <typename S>
DEVICE void make_logits(const float* x, const float* packed, const float* inverse, float* z,
                        int rows, int width, int entries) {
  multiply<S>(
      RowsOfSteps{x, rows, width, width}, PanelColumns{packed, entries, width}, rows, entries,
      width, [](int, int) { return 0.0f; },
      [=](int row, int entry, float chain) {
        z[place_of_logit(rows, row, entry)] = chain * factor_of(inverse, row);
      });
}

#define HEAD_LOGITS(name, S)                                                                 \
  KERNEL(S::THREADS, name)                                                                   \
  (const float* x, const float* packed, const float* inverse, float* z, int rows, int width, \
   int entries) {                                                                            \
    make_logits<S>(x, packed, inverse, z, rows, width, entries);                             \
  }                                                                                          \
  EXPORT(name)
HEAD_LOGITS(head_logits_small, Small)
HEAD_LOGITS(head_logits_medium, Medium)
HEAD_LOGITS(head_logits_large, Large)

// parts [rows][num_blocks] of the blocks from `first_block` on, and chosen [rows]: z of the targets, where they
// lie in these blocks. Half a warp a block of a row. `targets` may be null.
KERNEL(128, head_summaries)
(const float* z, const int32_t* targets, Partial* parts, float* chosen, int rows, int entries,
 int first_block, int num_blocks) {
  const int t = static_cast<int>(threadIdx.x), lane = t % LANES;
  const long pair = static_cast<long>(blockIdx.x) * (128 / LANES) + t / LANES;
  const int blocks = (entries + VOCABULARY_BLOCK - 1) / VOCABULARY_BLOCK;
  const bool here = pair < static_cast<long>(blocks) * rows;
  const int block = here ? static_cast<int>(pair / rows) : 0;
  const int row = here ? static_cast<int>(pair % rows) : 0;
  const float* in = z + (static_cast<long>(block) * rows + row) * VOCABULARY_BLOCK;
  const int count = smaller(entries - block * VOCABULARY_BLOCK, VOCABULARY_BLOCK);
  float peak = in[0];
  for (int i = lane; i < count; i += LANES) peak = peak > in[i] ? peak : in[i];
  UNROLL for (int by = LANES / 2; by > 0; by /= 2) {
    const float other = shuffle_down(peak, by, LANES);
    peak = peak > other ? peak : other;
  }
  // Adding 0 turns -0 into 0, so that the maximum does not depend on its order.
  peak = shuffle_from(peak, 0, LANES) + 0.0f;
  float total = 0, moment = 0;
  for (int i = lane; i < count; i += LANES) {
    const float below = in[i] - peak, weight = exponential(below);
    total = total + weight;
    moment = fused(weight, below, moment);
  }
  total = sum_lanes(total);
  moment = sum_lanes(moment);
  if (!here || lane != 0) return;
  parts[static_cast<long>(row) * num_blocks + first_block + block] = {peak, total, moment};
  if (targets == nullptr) return;
  const int first = first_block * VOCABULARY_BLOCK;
  const int target = targets[row] - first - block * VOCABULARY_BLOCK;
  if (target >= 0 && target < count) chosen[row] = in[target];
}
EXPORT(head_summaries)

DEVICE Partial combine(const Partial* parts, int blocks) {
  Partial all = parts[0];
  for (int b = 1; b < blocks; b++) {
    const Partial next = parts[b];
    const float peak = next.peak > all.peak ? next.peak : all.peak;
    const float keep = exponential(all.peak - peak), take = exponential(next.peak - peak);
    const float kept = fused(all.total, all.peak - peak, all.moment) * keep;
    const float taken = fused(next.total, next.peak - peak, next.moment);
    all.moment = fused(taken, take, kept);
    all.total = fused(next.total, take, all.total * keep);
    all.peak = peak;
  }
  return all;
}

// An excluded entry has probability 0.
DEVICE float log_probability(float z, const Partial& all) {
  if (z <= EXCLUDED) return float_of(0xff800000u);
  const double rest = static_cast<double>(z) - static_cast<double>(all.peak);
  return static_cast<float>(rest - logarithm(all.total));
}

// Log-probabilities of the targets, entropies unless null, stats [rows][2]: max z, ln of the sum of e^(z - max).
// One thread a row.
KERNEL(64, head_logprobs)
(const Partial* parts, const float* chosen, const int32_t* targets, float* logprobs,
 float* entropies, float* stats, int rows, int vocabulary, uint32_t* failure, uint32_t operation) {
  const int row = static_cast<int>(blockIdx.x * 64 + threadIdx.x);
  if (row >= rows) return;
  if (targets[row] < 0 || targets[row] >= vocabulary) {
    report_bad_id(failure, operation);
    return;
  }
  const int blocks = (vocabulary + VOCABULARY_BLOCK - 1) / VOCABULARY_BLOCK;
  const Partial all = combine(parts + static_cast<long>(row) * blocks, blocks);
  const double log_total = logarithm(all.total);
  logprobs[row] = log_probability(chosen[row], all);
  stats[2 * row] = all.peak;
  stats[2 * row + 1] = static_cast<float>(log_total);
  if (entropies != nullptr)
    entropies[row] = static_cast<float>(log_total - static_cast<double>(all.moment) / all.total);
}
EXPORT(head_logprobs)

// From z of some blocks to the gradients of their logits, in place: invTemperature (d_logprob (1[target] - p) -
// d_entropy p (ln p + H)). `first_entry`: the entry of the vocabulary at which these blocks begin. One thread an
// entry of a row.
KERNEL(256, head_gradients)
(float* z, const int32_t* targets, const float* inverse, const float* stats, const float* entropies,
 const float* d_logprob, const float* d_entropy, int rows, int entries, int first_entry) {
  const long at = static_cast<long>(blockIdx.x) * 256 + threadIdx.x;
  const long line = at / VOCABULARY_BLOCK;
  const int row = static_cast<int>(line % rows);
  const long entry = line / rows * VOCABULARY_BLOCK + at % VOCABULARY_BLOCK;
  if (entry >= entries) return;
  const float by = factor_of(inverse, row), up = d_logprob[row];
  const float up_entropy = d_entropy == nullptr ? 0.0f : d_entropy[row];
  const float entropy = entropies == nullptr ? 0.0f : entropies[row];
  const float lp = z[at] - stats[2 * row] - stats[2 * row + 1];
  const float p = exponential(lp);
  float g = p * -up;
  if (up_entropy != 0) g = fused(p * -up_entropy, lp + entropy, g);
  g = g * by;
  if (entry + first_entry == targets[row]) g = g + up * by;
  z[at] = g;
}
EXPORT(head_gradients)

// dx [rows, width] = z W over `entries` entries; with `resume` the chains start at dx.
KERNEL(Large::THREADS, head_backward_input)
(const float* z, const float* packed, float* dx, int rows, int width, int entries, int resume) {
  multiply<Large>(
      LogitRows{z, rows, entries}, PanelSteps{packed, width, entries}, rows, width, entries,
      [=](int row, int column) {
        return resume != 0 ? dx[static_cast<long>(row) * width + column] : 0.0f;
      },
      [=](int row, int column, float chain) {
        dx[static_cast<long>(row) * width + column] = chain;
      });
}
EXPORT(head_backward_input)

// dw [entries, width] += z^T x, over ascending rows.
KERNEL(Large::THREADS, head_backward_weight)
(const float* z, const float* x, float* dw, int rows, int width, int entries) {
  multiply<Large>(
      LogitColumns{z, rows, entries}, StepsOfColumns{x, width, rows}, entries, width, rows,
      [=](int entry, int column) { return dw[static_cast<long>(entry) * width + column]; },
      [=](int entry, int column, float chain) {
        dw[static_cast<long>(entry) * width + column] = chain;
      });
}
EXPORT(head_backward_weight)

struct SampleShared {
  float weights[32];
};

// Returns the id at which the running sum of e^(z - max), in ascending order, passes uniform * total. Lanes of
// the warp make 32 terms; each lane adds all of them, so that all take the same way.
DEVICE int draw(const float* z, const Partial* parts, int rows, int row, int vocabulary,
                const Partial& all, double uniform) {
  SHARED(SampleShared, s);
  const int blocks = (vocabulary + VOCABULARY_BLOCK - 1) / VOCABULARY_BLOCK;
  const int lane = static_cast<int>(threadIdx.x);
  auto weight_of = [&](int b) {
    return static_cast<double>(parts[b].total) * exponential(parts[b].peak - all.peak);
  };
  double total = 0;
  int last_block = 0;
  for (int b = 0; b < blocks; b++) {
    const double weight = weight_of(b);
    total = total + weight;
    if (weight > 0) last_block = b;
  }
  double left = uniform * total;
  int last = 0;
  for (int b = 0; b < blocks; b++) {
    const double weight = weight_of(b);
    if (left >= weight && b < last_block) {
      left = left - weight;
      continue;
    }
    const int start = b * VOCABULARY_BLOCK, count = smaller(vocabulary - start, VOCABULARY_BLOCK);
    const float* in = z + place_of_logit(rows, row, start);
    for (int at = 0; at < count; at += 32) {
      warp_barrier();
      if (at + lane < count) s.weights[lane] = exponential(in[at + lane] - all.peak);
      warp_barrier();
      for (int i = 0; i < smaller(32, count - at); i++) {
        const float e = s.weights[i];
        if (e > 0) last = start + at + i;
        if (left < e) return start + at + i;
        left = left - e;
      }
    }
  }
  return last;
}

// Returns the id of the largest z, the lowest of equals.
DEVICE int most_likely(const float* z, int rows, int row, int vocabulary) {
  const int lane = static_cast<int>(threadIdx.x);
  uint32_t best = 0;
  float most = z[place_of_logit(rows, row, 0)];
  for (int i = lane; i < vocabulary; i += 32) {
    const float value = z[place_of_logit(rows, row, i)];
    if (value > most) {
      most = value;
      best = static_cast<uint32_t>(i);
    }
  }
  UNROLL for (int by = 16; by > 0; by /= 2) {
    const float value = shuffle_down(most, by, 32);
    const uint32_t id = shuffle_down(best, by, 32);
    if (value > most || (value == most && id < best)) {
      most = value;
      best = id;
    }
  }
  return static_cast<int>(shuffle_from(best, 0, 32));
}

// Draws one id per row from z of the whole vocabulary. draws [rows][2]: 53 bits of them make a uniform number;
// invTemperature 0 takes the most likely id. One warp a row.
KERNEL(32, head_sample)
(const float* z, const Partial* parts, const float* inverse, const uint32_t* draws, int32_t* ids,
 float* logprobs, int rows, int vocabulary) {
  const int row = static_cast<int>(blockIdx.x);
  const int blocks = (vocabulary + VOCABULARY_BLOCK - 1) / VOCABULARY_BLOCK;
  const Partial* mine = parts + static_cast<long>(row) * blocks;
  const Partial all = combine(mine, blocks);
  const double uniform =
      ((draws[2 * row] >> 5) * 67108864.0 + (draws[2 * row + 1] >> 6)) / 9007199254740992.0;
  const int id = inverse[row] == 0 ? most_likely(z, rows, row, vocabulary)
                                   : draw(z, mine, rows, row, vocabulary, all, uniform);
  if (threadIdx.x != 0) return;
  ids[row] = id;
  logprobs[row] = log_probability(z[place_of_logit(rows, row, id)], all);
}
EXPORT(head_sample)
