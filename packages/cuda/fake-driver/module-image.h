// What a module image for an emulated GPU is: an ELF shared object for this processor that exports, for
// each kernel,
//
//   simt_kernel_<name>     SimtKernel: calls the kernel with the driver's array of pointers to arguments
//   simt_signature_<name>  SimtSignature: its parameters and the most threads of its block
//
// and once, the program that runs blocks of threads:
//
//   simt_launch            SimtLaunchFunction
//
// An image brings its own emulation, so the driver knows nothing of kernels. A cubin is an ELF image too, of
// machine 190: the emulated driver refuses it as a GPU of another kind would.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct SimtDim3 {
  unsigned x, y, z;
};

// One launch, as an image sees it.
struct SimtLaunch {
  SimtDim3 grid, block;
  size_t shared_bytes;
  int threads;        // operating system threads that blocks may be spread over
  uint64_t schedule;  // 0: warps and lanes ascend, 1: they descend, else the seed of an order
};

constexpr int SIMT_MAX_PARAMETERS = 32;

// Parameter i has `sizes[i]` bytes at `offsets[i]` of the parameter block, as cuFuncGetParamInfo tells.
struct SimtSignature {
  uint32_t num_parameters;
  uint32_t threads;
  uint32_t offsets[SIMT_MAX_PARAMETERS];
  uint32_t sizes[SIMT_MAX_PARAMETERS];
};

using SimtKernel = void (*)(void** parameters);

// Runs every block of a launch. Returns 0, or 1 with the reason, ended by a 0, in `failure`.
using SimtLaunchFunction = int (*)(SimtKernel kernel, void** parameters, const SimtLaunch* launch,
                                   char* failure, size_t failure_bytes);

}  // extern "C"
