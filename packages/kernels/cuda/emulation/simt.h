// A CUDA block on one CPU thread: every CUDA thread is a fiber; a barrier or a warp instruction suspends a
// fiber until the others have arrived.
//
// - The fibers of a block run on one OS thread; blocks are spread over several.
// - The order in which warps and lanes run is a setting: a result that depends on it shows a race.
// - A block in which every fiber waits is reported, with the places at which they wait; it never hangs.
// - Shared memory holds NaNs at first and ends at a guard page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace simt {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
};

constexpr int WARP = 32;
// Asynchronous copies of one thread that may be in flight, and groups of them.
constexpr int MAX_COPIES = 256, MAX_GROUPS = 16;

enum State : uint8_t { RUNNABLE, AT_BARRIER, AT_WARP, DONE };

struct Copy {
  void* to;
  const void* from;
  int bytes;
  bool zeros;
};

// Asynchronous copies of one thread, in order. They happen when they are waited for and no sooner, so that
// code which does not wait reads what was there before.
struct Copies {
  Copy open[MAX_COPIES];
  int ends[MAX_GROUPS];
  int count, groups;
};

struct Fiber {
  void* stack_pointer = nullptr;
  void* stack = nullptr;
  Dim3 thread;
  int index = 0, lane = 0, warp = 0;
  int place = 0;  // in the schedule
  State state = RUNNABLE;
  const char* at = "";       // name of the instruction at which it waits
  unsigned mask = 0;         // lanes that take part in it
  void* operands = nullptr;  // of that instruction, on the fiber's own stack
  Copies copies = {};
};

// How a launch runs. Part of the interface of a module: see module.h.
struct Options {
  int threads = 1;
  uint64_t schedule = 0;  // 0: ascending order; 1: descending; else a seed
};

struct Launch {
  Dim3 grid, block;
  size_t shared_bytes = 0;
  Options options;
};

// Runs body() once per CUDA thread. Throws std::runtime_error when a block cannot go on.
void run(const Launch& launch, const std::function<void()>& body);

// The fiber that runs now, and its block.
extern thread_local Fiber* self;
extern thread_local Dim3 block_index, block_dim, grid_dim;
extern thread_local unsigned char* shared_memory;
extern thread_local size_t shared_bytes;

void barrier();

// Suspends the fiber until all lanes of `mask` have arrived with their operands; the last one runs `act` on
// all of them.
using Act = void (*)(void* const* operands, unsigned mask);
void warp_instruction(const char* name, unsigned mask, void* operands, Act act);

// Begins a copy of 4 or 16 bytes to shared memory, or of zeros.
void begin_copy(void* to, const void* from, int bytes, bool zeros);
void end_copy_group();
// Completes all but the last `pending` groups.
void complete_copies(int pending);

// Shared memory as a kernel's struct. Throws when the launch asked for another size.
void* shared_struct(size_t bytes);

}  // namespace simt
