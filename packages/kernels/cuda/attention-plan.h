// Which keys each query sees, as 32-bit words; written by src/attention-plan.ts. cpu/attention-plan.h has the
// same format.
#pragma once

#include "device.h"

constexpr int PLAN_HEADER = 5;
// Queries of a tile at most.
constexpr int TILE_QUERIES = 48;

// A run of consecutive queries that share their keys: a prefix, then their own.
struct Span {
  int32_t query_start, query_count, prefix_offset, prefix_length, own_offset, own_length,
      prefix_row, reserved;
};
// At most 48 queries of one span, from a multiple of 48 on; the spans of its training row.
struct QueryTile {
  int32_t span, first_query, first_span, end_span;
};

struct Plan {
  const Span* spans;
  const QueryTile* tiles;
  const int32_t* blocks;
  int num_tiles;
};

DEVICE Plan read_plan(const int32_t* words) {
  constexpr int SPAN_WORDS = 8, CHUNK_WORDS = 4, PACK_WORDS = 2;
  const int32_t* chunks = words + PLAN_HEADER + words[0] * SPAN_WORDS;
  Plan plan;
  plan.spans = reinterpret_cast<const Span*>(words + PLAN_HEADER);
  plan.tiles =
      reinterpret_cast<const QueryTile*>(chunks + words[1] * CHUNK_WORDS + words[2] * PACK_WORDS);
  plan.num_tiles = words[3];
  plan.blocks = words + words[4];
  return plan;
}
