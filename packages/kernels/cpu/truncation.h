// Which entries of a row of z can be sampled: all but the banned ones, cut by top-k, top-p and min-p.
//
// - Entries have one order: z descending, then id ascending. Top-k, then top-p of what is left, then min-p each
//   keep a beginning of it, so that the last kept entry, the cut, says which ones are kept.
// - Top-p adds whole numbers: e^(z - max) in units of 2^-40, rounded down. Their sums do not depend on an order, so
//   that the GPU's twin finds the same cut.
// - Entries that are not kept get z = EXCLUDED.
#pragma once

#include "log-softmax.h"

namespace gumshoe {
namespace ISA {

// z of one row: blocks of VOCABULARY_BLOCK entries, `stride` apart.
struct LogitRow {
  float* z;
  long stride, vocabulary;
  float* block(long b) const { return z + b * stride; }
};

// The limits of a row; 0 (top_p: 1) for none.
struct Limits {
  long top_k;
  float top_p, min_p;
  bool any() const { return top_k > 0 || top_p < 1 || min_p > 0; }
};

// z of the last kept entry, and the greatest id that is kept of the entries with this z.
struct Cut {
  float z;
  int32_t id;
};

// An entry in a search. Ascending `order` is the order of entries.
struct Candidate {
  uint64_t order, mass;
};

// Bins by the distance from the maximum, 32 a nat; the last holds all that is farther away.
constexpr int CUT_BINS = 1024;
struct Bins {
  uint64_t count[CUT_BINS], mass[CUT_BINS];
};

static inline float bin_place(float z, float peak) { return (peak - z) * 32.0f; }
static inline int bin_of(float place) {
  return place < CUT_BINS - 1 ? static_cast<int>(place) : CUT_BINS - 1;
}

static inline uint64_t mass_of(float e) { return static_cast<uint64_t>(e * 1099511627776.0f); }

// Larger for a larger z; the same for both zeros.
static inline uint32_t order_key(float z) {
  const float plain = z + 0.0f;
  uint32_t bits;
  __builtin_memcpy(&bits, &plain, sizeof bits);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}
static inline float z_of_key(uint32_t key) {
  const uint32_t bits = key >> 31 ? key & 0x7fffffffu : ~key;
  float z;
  __builtin_memcpy(&z, &bits, sizeof z);
  return z;
}

// Runs body(z, first id, entries) for each block of a row.
template <typename Body>
static void each_row_block(const LogitRow& row, const Body& body) {
  for (long b = 0; b < blocks_of(row.vocabulary); b++)
    body(row.block(b), b * VOCABULARY_BLOCK, block_entries(row.vocabulary, b));
}

// The greatest z; NaN if an entry is not a finite number.
static float finite_peak(const LogitRow& row) {
  float peak = EXCLUDED;
  Vec probe = zero();
  each_row_block(row, [&](const float* z, long, long entries) {
    const float here = row_peak(z, entries);
    peak = here > peak ? here : peak;
    for (long j = 0; j < entries; j += LANES) {
      const int n = static_cast<int>(entries - j < LANES ? entries - j : LANES);
      probe = fma(load_first(z + j, n), zero(), probe);
    }
  });
  return sum(probe) == 0 ? peak : __builtin_nanf("");
}

static void fill_bins(const LogitRow& row, float peak, Bins& bins) {
  bins = {};
  each_row_block(row, [&](const float* z, long, long entries) {
    for (long j = 0; j < entries; j += LANES) {
      const int n = static_cast<int>(entries - j < LANES ? entries - j : LANES);
      float e[LANES];
      store(e, exp(sub(load_first(z + j, n), broadcast(peak))));
      for (int i = 0; i < n; i++) {
        const int bin = bin_of(bin_place(z[j + i], peak));
        bins.count[bin]++;
        bins.mass[bin] += mass_of(e[i]);
      }
    }
  });
}

static long collect(const LogitRow& row, float peak, int bin, Candidate* into) {
  long n = 0;
  each_row_block(row, [&](const float* z, long first, long entries) {
    for (long j = 0; j < entries; j++) {
      if (bin_of(bin_place(z[j], peak)) != bin) continue;
      const uint64_t below = ~order_key(z[j]);
      into[n++] = {below << 32 | static_cast<uint64_t>(first + j), mass_of(exp_one(z[j] - peak))};
    }
  });
  return n;
}

// What a beginning of the order must reach, and what lies before the place that a search has come to.
struct Search {
  bool by_mass;
  uint64_t need, mass_before;
  // Returns whether the place is among these entries; else passes them.
  bool reaches(uint64_t count, uint64_t mass) {
    const uint64_t value = by_mass ? mass : count;
    if (need <= value) return true;
    need -= value;
    mass_before += mass;
    return false;
  }
};

// The candidate with which the search ends. Reorders the candidates.
static Candidate select(Candidate* candidates, long n, Search& search) {
  for (int shift = 56; n > 1; shift -= 8) {
    uint64_t counts[256] = {}, masses[256] = {};
    for (long i = 0; i < n; i++) {
      const int digit = static_cast<int>(candidates[i].order >> shift & 255);
      counts[digit]++;
      masses[digit] += candidates[i].mass;
    }
    uint64_t digit = 0;
    while (digit < 255 && !search.reaches(counts[digit], masses[digit])) digit++;
    long kept = 0;
    for (long i = 0; i < n; i++)
      if ((candidates[i].order >> shift & 255) == digit) candidates[kept++] = candidates[i];
    n = kept;
  }
  return candidates[0];
}

// The last entry of the shortest beginning that reaches what is searched.
static Candidate search_row(Pool& pool, int worker, const LogitRow& row, float peak,
                            const Bins& bins, Search& search) {
  int bin = 0;
  while (bin < CUT_BINS - 1 && !search.reaches(bins.count[bin], bins.mass[bin])) bin++;
  constexpr long floats_each = sizeof(Candidate) / sizeof(float);
  const long floats = static_cast<long>(bins.count[bin]) * floats_each;
  Candidate* found = reinterpret_cast<Candidate*>(pool_scratch(pool, worker, floats));
  return select(found, collect(row, peak, bin, found), search);
}

static Cut cut_at(const Candidate& last) {
  return {z_of_key(~static_cast<uint32_t>(last.order >> 32)), static_cast<int32_t>(last.order)};
}

static Cut min_p_cut(const LogitRow& row, float peak, float least) {
  float low = peak;
  each_row_block(row, [&](const float* z, long, long entries) {
    for (long j = 0; j < entries; j++) low = z[j] - peak >= least && z[j] < low ? z[j] : low;
  });
  return {low + 0.0f, static_cast<int32_t>(row.vocabulary - 1)};
}

// The cut of a row with a finite maximum, whose banned entries are EXCLUDED.
static Cut find_cut(Pool& pool, int worker, const LogitRow& row, float peak, const Limits& limits) {
  Cut cut = {-__builtin_inff(), 0};
  const bool by_count = limits.top_k > 0 && limits.top_k < row.vocabulary;
  if (by_count || limits.top_p < 1) {
    Bins bins;
    fill_bins(row, peak, bins);
    uint64_t mass = 0;
    for (const uint64_t one : bins.mass) mass += one;
    if (by_count) {
      Search search{false, static_cast<uint64_t>(limits.top_k), 0};
      const Candidate last = search_row(pool, worker, row, peak, bins, search);
      cut = cut_at(last);
      mass = search.mass_before + last.mass;
    }
    if (limits.top_p < 1) {
      const double share = static_cast<double>(limits.top_p) * static_cast<double>(mass);
      uint64_t need = static_cast<uint64_t>(share);
      if (static_cast<double>(need) < share || need == 0) need++;
      Search search{true, need, 0};
      cut = cut_at(search_row(pool, worker, row, peak, bins, search));
    }
  }
  if (limits.min_p > 0) {
    const float least = static_cast<float>(log_one(limits.min_p));
    if (cut.z - peak < least) cut = min_p_cut(row, peak, least);
  }
  return cut;
}

// Excludes the entries of one block after the cut.
static void exclude(float* z, long first_id, long entries, const Cut& cut) {
  for (long j = 0; j < entries; j++) {
    const bool kept = z[j] > cut.z || (z[j] == cut.z && first_id + j <= cut.id);
    z[j] = kept ? z[j] : EXCLUDED;
  }
}

// The truncation of some rows.
struct Truncation {
  const float* limits;    // [rows][3]: top-k, top-p, min-p; null for none
  const int32_t* banned;  // [rows][banned_per_row], other numbers than ids for none; null for none
  long banned_per_row;
  const Limits limits_of(long row) const {
    if (limits == nullptr) return {0, 1.0f, 0.0f};
    const float* l = limits + 3 * row;
    return {static_cast<long>(l[0]), l[1], l[2]};
  }
};

// Excludes what row `index` bans of `entries` entries from `first_id` on.
static void ban(float* z, long first_id, long entries, const Truncation& truncation, long index) {
  if (truncation.banned == nullptr) return;
  const int32_t* ids = truncation.banned + index * truncation.banned_per_row;
  for (long i = 0; i < truncation.banned_per_row; i++) {
    const long at = ids[i] - first_id;
    if (at >= 0 && at < entries) z[at] = EXCLUDED;
  }
}

// Excludes what row `index` bans and what lies after its cut. A row with a number that is not finite becomes NaN,
// because no order would show it.
static Cut truncate(Pool& pool, int worker, const LogitRow& row, const Truncation& truncation,
                    long index) {
  const Cut none = {-__builtin_inff(), 0};
  each_row_block(
      row, [&](float* z, long first, long entries) { ban(z, first, entries, truncation, index); });
  const Limits limits = truncation.limits_of(index);
  if (!limits.any()) return none;
  const float peak = finite_peak(row);
  if (peak != peak) {
    row.z[0] = peak;
    return none;
  }
  const Cut cut = find_cut(pool, worker, row, peak, limits);
  each_row_block(row, [&](float* z, long first, long entries) { exclude(z, first, entries, cut); });
  return cut;
}

}  // namespace ISA
}  // namespace gumshoe
