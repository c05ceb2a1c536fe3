// What an emulated module offers to the program that loads it with dlopen. A module is the kernels, compiled
// for this processor, with an emulation of its own.
//
// - simt_kernel_<name>: calls the kernel with the driver's array of pointers to arguments, on the current
//   fiber. It is the `kernel` of simt_launch.
// - simt_signature_<name>: data, the layout of the kernel's arguments and the size of its block.
// - simt_launch: runs a grid.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simt.h"

namespace simt {

constexpr int MAX_PARAMETERS = 32;

// Argument i has `sizes[i]` bytes at `offsets[i]` of the parameter block, as cuFuncGetParamInfo reports.
struct Signature {
  uint32_t num_parameters;
  uint32_t threads;  // of a block
  uint32_t offsets[MAX_PARAMETERS];
  uint32_t sizes[MAX_PARAMETERS];
};

using Trampoline = void (*)(void** arguments);

}  // namespace simt

// Returns 0; or 1 and the reason in `failure`, at most `length` bytes of it.
extern "C" int simt_launch(simt::Trampoline kernel, void** arguments, const simt::Launch* launch,
                           char* failure, size_t length);
