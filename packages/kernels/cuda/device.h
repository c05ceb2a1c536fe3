// The language of the kernels: nvcc and NVRTC turn it into instructions of the GPU, any other compiler into
// calls of emulation/.
//
// - KERNEL(threads, name)(arguments) { ... } is a kernel whose blocks have `threads` threads; EXPORT(name)
//   makes it known by its name.
// - A function of a kernel is DEVICE, a member function DEVICE_MEMBER.
// - SHARED(Type, s) is the block's shared memory; a launch asks for sizeof(Type) bytes of it.
// - An instruction that lanes execute together is used through its function here only.
// - Arithmetic is what is written: contraction is off, `fused` is the one way to a fused multiply-add.
#pragma once

#if !defined(__CUDACC__)

#include "emulation/kernel-language.h"

#else

#if defined(__CUDACC_RTC__)
using uint32_t = unsigned int;
using int32_t = int;
using uint64_t = unsigned long long;
using uintptr_t = unsigned long long;
#else
#include <cstdint>
#endif

#define DEVICE static __device__ __forceinline__
#define DEVICE_MEMBER __device__ __forceinline__
#define KERNEL(threads, name) extern "C" __global__ void __launch_bounds__(threads, 1) name
#define EXPORT(name)
#define SHARED(Type, s) Type& s = *reinterpret_cast<Type*>(shared_memory_)
#define UNROLL _Pragma("unroll")

extern __shared__ __align__(128) unsigned char shared_memory_[];

DEVICE uint32_t bits_of(float x) { return __float_as_uint(x); }
DEVICE float float_of(uint32_t bits) { return __uint_as_float(bits); }
DEVICE uint64_t bits_of(double x) { return static_cast<uint64_t>(__double_as_longlong(x)); }
DEVICE double double_of(uint64_t bits) {
  return __longlong_as_double(static_cast<long long>(bits));
}

DEVICE uint32_t shuffle_down(uint32_t x, int by, int width) {
  return __shfl_down_sync(0xffffffffu, x, static_cast<unsigned>(by), width);
}
DEVICE uint32_t shuffle_from(uint32_t x, int lane, int width) {
  return __shfl_sync(0xffffffffu, x, lane, width);
}
DEVICE bool any_in_warp(bool value) { return __any_sync(0xffffffffu, value) != 0; }
DEVICE void warp_barrier() { __syncwarp(); }

DEVICE uint32_t shared_address(const void* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}
// Begins a copy from device memory to shared memory; zeros where it is not `here`.
DEVICE void copy_async_4(void* to, const void* from, bool here) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(to)), "l"(from),
               "r"(here ? 4 : 0)
               : "memory");
}
DEVICE void copy_async_16(void* to, const void* from, bool here) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from),
               "r"(here ? 16 : 0)
               : "memory");
}
// Ends a group of copies.
DEVICE void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits for all but the last PENDING groups of this thread's copies.
template <int PENDING>
DEVICE void copy_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
}

DEVICE float fused(float a, float b, float c) { return __fmaf_rn(a, b, c); }
DEVICE float quotient(float a, float b) { return __fdiv_rn(a, b); }
DEVICE float root(float a) { return __fsqrt_rn(a); }
// The nearest whole number, the even one of two.
DEVICE float nearest(float a) { return rintf(a); }
DEVICE void lower_to(uint32_t* word, uint32_t value) { atomicMin(word, value); }

#endif

DEVICE float shuffle_down(float x, int by, int width) {
  return float_of(shuffle_down(bits_of(x), by, width));
}
DEVICE float shuffle_from(float x, int lane, int width) {
  return float_of(shuffle_from(bits_of(x), lane, width));
}

DEVICE int smaller(int a, int b) { return a < b ? a : b; }

// Lanes of one reduction: half a warp, as many as the CPU's vectors have.
constexpr int LANES = 16;
// Columns of a panel of a packed matrix; entries of a vocabulary block; positions of a cache block.
constexpr int PANEL = 32, VOCABULARY_BLOCK = 512, KV_BLOCK = 16;

// Adds lane i of half a warp to lane i + 8, then i + 4, i + 2, i + 1: the order of all reductions. The first
// lane gets the sum.
DEVICE float sum_lanes(float x) {
  UNROLL for (int by = LANES / 2; by > 0; by /= 2) x = x + shuffle_down(x, by, LANES);
  return x;
}

// Reports an id outside its table: `failure` is left at the lowest index of such an operation in its command
// list, and holds 0xffffffff before.
DEVICE void report_bad_id(uint32_t* failure, uint32_t operation) { lower_to(failure, operation); }
