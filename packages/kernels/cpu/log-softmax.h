// The log-softmax of a row of logits z, from summaries of its vocabulary blocks.
//
// - Per aligned block of 512 entries: its maximum and a 16-lane sum; blocks are combined in ascending order.
// - log p = (z - max) - ln(sum), rounded once from float64.
#pragma once

#include "kernels.h"
#include "simd.h"

namespace gumshoe {
namespace ISA {

// z of an entry that cannot be sampled. Its exponential is 0 beside any logit, and 512 times it is finite, so
// that no formula makes a NaN of it.
constexpr float EXCLUDED = -1e30f;

// Partial results of a row in one block: max z, sum of e^(z - max), sum of e^(z - max) (z - max). They are
// relative to the maximum, because the small entropy of a sharp distribution would be lost as a difference
// of large numbers.
struct Partial {
  float peak, total, moment;
};

static inline long blocks_of(long vocabulary) {
  return (vocabulary + VOCABULARY_BLOCK - 1) / VOCABULARY_BLOCK;
}
static inline long block_entries(long vocabulary, long block) {
  const long left = vocabulary - block * VOCABULARY_BLOCK;
  return left < VOCABULARY_BLOCK ? left : VOCABULARY_BLOCK;
}

static float row_peak(const float* z, long entries) {
  Vec peak = broadcast(z[0]);
  long j = 0;
  for (; j + LANES <= entries; j += LANES) peak = max(peak, load(z + j));
  float result = largest(peak);
  for (; j < entries; j++) result = z[j] > result ? z[j] : result;
  // Adding 0 turns -0 into 0, so that the maximum does not depend on its order.
  return result + 0.0f;
}

static Partial summarise(const float* z, long entries, bool with_moment) {
  const float peak = row_peak(z, entries);
  Vec total = zero(), moment = zero();
  const Vec low = broadcast(peak);
  for (long j = 0; j < entries; j += LANES) {
    const int n = static_cast<int>(entries - j < LANES ? entries - j : LANES);
    const Vec below = sub(load_first(z + j, n), low);
    const Vec weight = keep_first(exp(below), n);
    total = add(total, weight);
    if (with_moment) moment = fma(weight, below, moment);
  }
  return {peak, sum(total), with_moment ? sum(moment) : 0.0f};
}

static inline Partial combine_two(const Partial& all, const Partial& next) {
  const float peak = next.peak > all.peak ? next.peak : all.peak;
  const float keep = exp_one(all.peak - peak), take = exp_one(next.peak - peak);
  const float kept = __builtin_fmaf(all.total, all.peak - peak, all.moment) * keep;
  const float taken = __builtin_fmaf(next.total, next.peak - peak, next.moment);
  return {peak, __builtin_fmaf(next.total, take, all.total * keep),
          __builtin_fmaf(taken, take, kept)};
}

static Partial combine(const Partial* parts, long blocks) {
  Partial all = parts[0];
  for (long b = 1; b < blocks; b++) all = combine_two(all, parts[b]);
  return all;
}

// An excluded entry has probability 0.
static inline float log_probability(float z, const Partial& all) {
  if (z <= EXCLUDED) return -__builtin_inff();
  const double rest = static_cast<double>(z) - static_cast<double>(all.peak);
  return static_cast<float>(rest - log_one(all.total));
}

}  // namespace ISA
}  // namespace gumshoe
