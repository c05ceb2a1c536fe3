// The keys that each query sees, as 32-bit words; written by src/attention-plan.ts.
//
// [number of spans, of chunks, of packs, of tiles, word at which block ids begin], then the records of each
// kind, then block ids. Tiles are for the GPU: cuda/attention-plan.h.
#pragma once

#include <cstdint>

namespace gumshoe {
namespace ISA {

constexpr int PLAN_HEADER = 5;

// A run of consecutive queries with the same keys: a prefix, then their own.
struct Span {
  int32_t query_start, query_count, prefix_offset, prefix_length, own_offset, own_length,
      prefix_row, reserved;
};
// A run of queries over spans of one prefix: one task.
struct Chunk {
  int32_t first_span, first_query, queries, reserved;
};
// The spans of one training row: the prompt, then the answers.
struct PackSpans {
  int32_t first_span, spans;
};

struct Plan {
  const Span* spans;
  const Chunk* chunks;
  const PackSpans* packs;
  const int32_t* blocks;
  long num_chunks, num_packs;
};

static Plan read_plan(const int32_t* words) {
  Plan plan;
  plan.spans = reinterpret_cast<const Span*>(words + PLAN_HEADER);
  plan.chunks = reinterpret_cast<const Chunk*>(plan.spans + words[0]);
  plan.packs = reinterpret_cast<const PackSpans*>(plan.chunks + words[1]);
  plan.blocks = words + words[4];
  plan.num_chunks = words[1];
  plan.num_packs = words[2];
  return plan;
}

}  // namespace ISA
}  // namespace gumshoe
