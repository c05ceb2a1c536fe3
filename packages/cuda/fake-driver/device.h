// The emulated GPUs, and the one context that each has.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "memory.h"
#include "status.h"

namespace emulated {

struct Device;

// A GPU's primary context: the only kind there is.
struct Context {
  Device* device = nullptr;
  int retained = 0;
  std::set<const Device*> peers;  // whose memory kernels of this one may access
  Status lost = SUCCESS;          // the failure of a kernel, which every later call returns
  std::string why_lost;
};

struct Device {
  int ordinal = 0;
  std::unique_ptr<Arena> arena;
  Context context;
};

// All GPUs; empty before cuInit.
std::vector<std::unique_ptr<Device>>& devices();
// Makes as many as the settings say.
void make_devices();
// Throws Failure INVALID_DEVICE.
Device& device_of(int ordinal);

// The context that is current in this thread; null for none.
Context*& current();
// Throws Failure INVALID_CONTEXT when there is none.
Context& current_context();
Device& current_device();
// Throws Failure INVALID_CONTEXT for a pointer that is not a retained context.
Context& context_of(const void* handle);
// Frees all that a context had, when it is released for the last time. Its failure is forgotten.
void destroy(Context& context);

}  // namespace emulated
