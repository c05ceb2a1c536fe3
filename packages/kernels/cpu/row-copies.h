// Gathers rows of a table and scatter-adds rows back: shared by embedding.cpp and rows.cpp.
#pragma once

#include "kernels.h"
#include "simd.h"

namespace gumshoe {
namespace ISA {

// Fewest elements of a task.
constexpr long ELEMENT_CHUNK = 1 << 14;

static inline long chunks_of(long length, long chunk) { return (length + chunk - 1) / chunk; }

static inline void add_row(float* to, const float* from, long width) {
  long i = 0;
  for (; i + LANES <= width; i += LANES) store(to + i, add(load(to + i), load(from + i)));
  if (i < width) {
    const int n = static_cast<int>(width - i);
    store_first(to + i, add(load_first(to + i, n), load_first(from + i, n)), n);
  }
}

// y [t, d] = table[ids]; also gather_rows.
static int copy_rows(const int32_t* ids, const float* table, float* y, long rows, long width,
                     long table_rows, Pool& pool) {
  for (long i = 0; i < rows; i++)
    if (ids[i] < 0 || ids[i] >= table_rows) return STATUS_BAD_ID;
  const long per = ELEMENT_CHUNK / (width + 1) + 1;
  auto body = [&](long task, int) {
    const long end = (task + 1) * per < rows ? (task + 1) * per : rows;
    for (long i = task * per; i < end; i++)
      __builtin_memcpy(y + i * width, table + ids[i] * width, width * sizeof(float));
  };
  parallel(pool, chunks_of(rows, per), body);
  return STATUS_OK;
}

// table[ids] += dy, in ascending row order for every element: threads split the columns.
static int add_rows(const int32_t* ids, const float* dy, float* table, long rows, long width,
                    long table_rows, Pool& pool) {
  for (long i = 0; i < rows; i++)
    if (ids[i] < 0 || ids[i] >= table_rows) return STATUS_BAD_ID;
  const long strip = 64;
  auto body = [&](long task, int) {
    const long column = task * strip, n = width - column < strip ? width - column : strip;
    for (long i = 0; i < rows; i++)
      add_row(table + ids[i] * width + column, dy + i * width + column, n);
  };
  parallel(pool, chunks_of(width, strip), body);
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
