// What a test may set, by environment variable before cuInit or by gumshoeEmulatedSet at any time.
#pragma once

#include <cstdint>
#include <string>

namespace emulated {

struct Settings {
  int gpus = 1;                               // GUMSHOE_EMULATED_GPUS
  uint64_t memory_bytes = uint64_t(1) << 30;  // GUMSHOE_EMULATED_MEMORY, of each GPU
  int version = 13000;                        // GUMSHOE_EMULATED_VERSION: 1000 major + 10 minor
  bool peers = true;  // GUMSHOE_EMULATED_PEERS: 0 for GPUs without peer access
  int threads = 1;    // GUMSHOE_EMULATED_THREADS that a launch may use
  // GUMSHOE_EMULATED_SCHEDULE. Of streams 0: work runs when it is waited for and no sooner; 1: at once;
  // else the seed of an order. Of the warps of a kernel: see module-image.h.
  uint64_t schedule = 0;
  std::string
      faults;       // GUMSHOE_EMULATED_FAULTS, e.g. "cuMemAlloc_v2@3=2": the third call returns 2
  std::string log;  // GUMSHOE_EMULATED_LOG: a file to which every call is appended
};

Settings& settings();

// Sets one by the lower-case end of its variable's name; returns false when there is none of that name.
bool set_setting(const std::string& name, const std::string& value);

}  // namespace emulated
