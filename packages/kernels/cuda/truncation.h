// Which entries of a row of z can be sampled: the cut of cpu/truncation.h, found by 128 threads.
//
// - The place of the cut is found digit by digit: a pass counts the entries, and adds the masses, of each value of
//   the next four bits of their order. Threads add in columns of their own, and the sums are whole numbers, so that
//   no order of them shows.
// - z lies as head.cu has it, [blocks][rows][VOCABULARY_BLOCK].
#pragma once

#include "exp-log.h"

// z of an entry that cannot be sampled; see cpu/log-softmax.h.
constexpr float EXCLUDED = -1e30f;
constexpr int CUT_THREADS = 128, DIGITS = 16;

struct Cut {
  float z;
  int id;
};

struct CutShared {
  uint64_t mass[DIGITS][CUT_THREADS];
  uint32_t count[DIGITS][CUT_THREADS];
  uint64_t masses[DIGITS];
  uint32_t counts[DIGITS];
  float values[CUT_THREADS];
};

// z of one row.
struct LogitRow {
  float* z;
  int rows, row, vocabulary;
  DEVICE_MEMBER float& at(int entry) const {
    return z[(static_cast<long>(entry / VOCABULARY_BLOCK) * rows + row) * VOCABULARY_BLOCK +
             entry % VOCABULARY_BLOCK];
  }
};

DEVICE uint64_t mass_of(float e) { return static_cast<uint64_t>(e * 1099511627776.0f); }

DEVICE uint32_t order_key(float z) {
  const uint32_t bits = bits_of(z + 0.0f);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}
DEVICE float z_of_key(uint32_t key) { return float_of(key >> 31 != 0 ? key & 0x7fffffffu : ~key); }

// The smallest of the threads' values, with `by` -1 the greatest; NaN if one is NaN.
DEVICE float smallest_of(CutShared& s, float mine, float by) {
  const int t = static_cast<int>(threadIdx.x);
  __syncthreads();
  s.values[t] = mine * by;
  __syncthreads();
  float least = s.values[0];
  for (int i = 1; i < CUT_THREADS; i++) {
    const float other = s.values[i];
    least = other < least || other != other ? other : least;
  }
  return least * by;
}

// What a beginning of the order must reach, and what lies before the place that a search has come to.
struct Search {
  bool by_mass;
  uint64_t need, mass_before;
};

// Adds the columns of all threads and returns the digit at which the search goes on. `descending`: the greatest
// digit comes first.
DEVICE int next_digit(CutShared& s, Search& search, bool descending) {
  const int t = static_cast<int>(threadIdx.x);
  __syncthreads();
  if (t < DIGITS) {
    uint64_t mass = 0;
    uint32_t count = 0;
    for (int i = 0; i < CUT_THREADS; i++) {
      mass += s.mass[t][i];
      count += s.count[t][i];
    }
    s.masses[t] = mass;
    s.counts[t] = count;
  }
  __syncthreads();
  for (int i = 0; i < DIGITS - 1; i++) {
    const int digit = descending ? DIGITS - 1 - i : i;
    const uint64_t value = search.by_mass ? s.masses[digit] : s.counts[digit];
    if (search.need <= value) return digit;
    search.need -= value;
    search.mass_before += s.masses[digit];
  }
  return descending ? 0 : DIGITS - 1;
}

DEVICE void clear_columns(CutShared& s) {
  for (int d = 0; d < DIGITS; d++) {
    s.mass[d][threadIdx.x] = 0;
    s.count[d][threadIdx.x] = 0;
  }
}

// The greatest key such that the entries from it on reach what is searched.
DEVICE uint32_t search_keys(CutShared& s, const LogitRow& row, float peak, Search& search) {
  uint64_t found = 0;
  for (int shift = 28; shift >= 0; shift -= 4) {
    clear_columns(s);
    for (int i = static_cast<int>(threadIdx.x); i < row.vocabulary; i += CUT_THREADS) {
      const float z = row.at(i);
      const uint64_t key = order_key(z);
      if (key >> (shift + 4) != found) continue;
      const int digit = static_cast<int>(key >> shift & 15);
      s.mass[digit][threadIdx.x] += mass_of(exponential(z - peak));
      s.count[digit][threadIdx.x] += 1;
    }
    found = found << 4 | static_cast<uint64_t>(next_digit(s, search, true));
  }
  return static_cast<uint32_t>(found);
}

// The id of the search's last entry of those with this key.
DEVICE int search_ids(CutShared& s, const LogitRow& row, uint32_t key, Search& search) {
  uint32_t found = 0;
  for (int shift = 24; shift >= 0; shift -= 4) {
    clear_columns(s);
    for (int i = static_cast<int>(threadIdx.x); i < row.vocabulary; i += CUT_THREADS) {
      if (order_key(row.at(i)) != key || static_cast<uint32_t>(i) >> (shift + 4) != found) continue;
      s.count[static_cast<uint32_t>(i) >> shift & 15][threadIdx.x] += 1;
    }
    found = found << 4 | static_cast<uint32_t>(next_digit(s, search, false));
  }
  return static_cast<int>(found);
}

// The last entry of the shortest beginning that reaches what is searched; search.mass_before then includes it.
DEVICE Cut search_row(CutShared& s, const LogitRow& row, float peak, Search& search) {
  const uint32_t key = search_keys(s, row, peak, search);
  const uint64_t mass = mass_of(exponential(z_of_key(key) - peak));
  // How many of the equal entries are kept.
  const uint64_t equals = search.by_mass ? (search.need + mass - 1) / mass : search.need;
  search.mass_before += equals * mass;
  Search last{false, equals, 0};
  return {z_of_key(key), search_ids(s, row, key, last)};
}

// The total mass of a row.
DEVICE uint64_t total_mass(CutShared& s, const LogitRow& row, float peak) {
  uint64_t mine = 0;
  for (int i = static_cast<int>(threadIdx.x); i < row.vocabulary; i += CUT_THREADS)
    mine += mass_of(exponential(row.at(i) - peak));
  __syncthreads();
  s.mass[0][threadIdx.x] = mine;
  __syncthreads();
  uint64_t total = 0;
  for (int i = 0; i < CUT_THREADS; i++) total += s.mass[0][i];
  __syncthreads();
  return total;
}

// limits: top-k, top-p, min-p.
DEVICE Cut find_cut(CutShared& s, const LogitRow& row, float peak, const float* limits) {
  const int top_k = static_cast<int>(limits[0]);
  const float top_p = limits[1], min_p = limits[2];
  Cut cut = {float_of(0xff800000u), 0};
  uint64_t mass = 0;
  const bool by_count = top_k > 0 && top_k < row.vocabulary;
  if (by_count) {
    Search search{false, static_cast<uint64_t>(top_k), 0};
    cut = search_row(s, row, peak, search);
    mass = search.mass_before;
  }
  if (top_p < 1) {
    if (!by_count) mass = total_mass(s, row, peak);
    const double share = static_cast<double>(top_p) * static_cast<double>(mass);
    uint64_t need = static_cast<uint64_t>(share);
    if (static_cast<double>(need) < share || need == 0) need++;
    Search search{true, need, 0};
    cut = search_row(s, row, peak, search);
  }
  if (min_p > 0) {
    const float least = static_cast<float>(logarithm(min_p));
    if (cut.z - peak < least) {
      float low = peak;
      for (int i = static_cast<int>(threadIdx.x); i < row.vocabulary; i += CUT_THREADS) {
        const float z = row.at(i);
        if (z - peak >= least && z < low) low = z;
      }
      cut = {smallest_of(s, low, 1.0f) + 0.0f, row.vocabulary - 1};
    }
  }
  return cut;
}

DEVICE bool is_kept(float z, int id, float cut_z, int cut_id) {
  return z > cut_z || (z == cut_z && id <= cut_id);
}

// Excludes banned ids, and what lies after the cut, which it writes to cuts [rows][2] unless null. z, limits,
// banned and cuts begin at the first of `rows` rows. One block a row.
KERNEL(CUT_THREADS, head_truncate)
(float* z, const float* limits, const int32_t* banned, float* cuts, int rows, int vocabulary,
 int banned_per_row) {
  SHARED(CutShared, s);
  const int t = static_cast<int>(threadIdx.x), index = static_cast<int>(blockIdx.x);
  const LogitRow row{z, rows, index, vocabulary};
  const float* mine = limits + 3 * index;
  for (int i = t; banned != nullptr && i < banned_per_row; i += CUT_THREADS) {
    const int id = banned[index * banned_per_row + i];
    if (id >= 0 && id < vocabulary) row.at(id) = EXCLUDED;
  }
  __syncthreads();
  Cut cut = {float_of(0xff800000u), 0};
  if (mine[0] > 0 || mine[1] < 1 || mine[2] > 0) {
    float high = EXCLUDED, probe = 0;
    for (int i = t; i < vocabulary; i += CUT_THREADS) {
      high = row.at(i) > high ? row.at(i) : high;
      probe = fused(row.at(i), 0.0f, probe);
    }
    const float peak = smallest_of(s, probe == 0 ? high : probe, -1.0f) + 0.0f;
    if (peak != peak) {
      if (t == 0) row.at(0) = peak;
    } else {
      cut = find_cut(s, row, peak, mine);
      for (int i = t; i < vocabulary; i += CUT_THREADS)
        if (!is_kept(row.at(i), i, cut.z, cut.id)) row.at(i) = EXCLUDED;
    }
  }
  if (t != 0 || cuts == nullptr) return;
  cuts[2 * index] = cut.z;
  cuts[2 * index + 1] = static_cast<float>(cut.id);
}
EXPORT(head_truncate)

// Excludes the same entries of some blocks of z, by cuts. `first_entry`: the entry of the vocabulary at which these
// blocks begin. One thread an entry of a row.
KERNEL(256, head_exclude)
(float* z, const int32_t* banned, const float* cuts, int rows, int entries, int first_entry,
 int banned_per_row) {
  const long at = static_cast<long>(blockIdx.x) * 256 + threadIdx.x;
  const long line = at / VOCABULARY_BLOCK;
  const int row = static_cast<int>(line % rows);
  const long place = line / rows * VOCABULARY_BLOCK + at % VOCABULARY_BLOCK;
  if (place >= entries) return;
  const int id = static_cast<int>(place) + first_entry;
  bool kept = is_kept(z[at], id, cuts[2 * row], static_cast<int>(cuts[2 * row + 1]));
  for (int i = 0; banned != nullptr && i < banned_per_row; i++)
    kept = kept && banned[row * banned_per_row + i] != id;
  if (!kept) z[at] = EXCLUDED;
}
EXPORT(head_exclude)
