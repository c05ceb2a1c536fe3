// What processes share: events, and memory by the handles that one gives to another.
#pragma once

#include <cstddef>

#include "streams.h"

namespace emulated {

// The 64 bytes that travel: a file of the process that made them, and where in it to look.
struct SharedHandle {
  char magic[8];
  int process;
  int file;
  int ordinal;
  uint32_t skip;  // of the first byte in its page
  uint64_t offset, page_bytes, bytes;
};

// Puts an event's state into memory that other processes can map.
void share(Event& event);
SharedHandle handle_of(const Event& event);
// Throws Failure when the other process is gone.
Event* open_event(const SharedHandle& handle);

SharedHandle handle_of(const Allocation& allocation);
Allocation open_memory(const SharedHandle& handle);

// Graphs that were not destroyed yet.
size_t live_graphs();

}  // namespace emulated
