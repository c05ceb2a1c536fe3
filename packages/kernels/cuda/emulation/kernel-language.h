// device.h for the emulation: each instruction that lanes execute together is a function here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "module.h"

#define DEVICE static inline __attribute__((always_inline))
#define DEVICE_MEMBER inline __attribute__((always_inline))
#define KERNEL(threads, name)                            \
  static constexpr unsigned threads_of_##name = threads; \
  static void name
#define UNROLL
#define SHARED(Type, s) Type& s = *static_cast<Type*>(simt::shared_struct(sizeof(Type)))
#define threadIdx (simt::self->thread)
#define blockIdx (simt::block_index)
#define blockDim (simt::block_dim)
#define gridDim (simt::grid_dim)
#define __syncthreads simt::barrier

namespace simt {

// Calls F with arguments that lie behind an array of pointers.
template <auto F>
struct Unpack;
template <typename... A, void (*F)(A...)>
struct Unpack<F> {
  template <size_t... I>
  static void with(void** arguments, std::index_sequence<I...>) {
    F(*static_cast<A*>(arguments[I])...);
  }
  static void call(void** arguments) { with(arguments, std::index_sequence_for<A...>{}); }
  static constexpr Signature signature(unsigned threads) {
    Signature result{};
    result.num_parameters = sizeof...(A);
    result.threads = threads;
    uint32_t end = 0, i = 0;
    auto add = [&](uint32_t size) {
      end = (end + size - 1) / size * size;
      result.offsets[i] = end;
      result.sizes[i++] = size;
      end += size;
    };
    (add(sizeof(A)), ...);
    return result;
  }
};

}  // namespace simt

#define EXPORTED extern "C" __attribute__((visibility("default")))
#define EXPORT(name)                                                                          \
  EXPORTED void simt_kernel_##name(void** arguments) { simt::Unpack<name>::call(arguments); } \
  EXPORTED const simt::Signature simt_signature_##name =                                      \
      simt::Unpack<name>::signature(threads_of_##name);

namespace lanes {

struct Shuffle {
  uint32_t bits;
  int operand, width;
  uint32_t result;
};

inline Shuffle& shuffle_of(void* operands) { return *static_cast<Shuffle*>(operands); }

// A lane whose source lies outside its group keeps its own value.
inline void shuffle_down(void* const* all, unsigned) {
  for (int i = 0; i < simt::WARP; i++) {
    Shuffle& mine = shuffle_of(all[i]);
    const int from = i + mine.operand;
    mine.result = from / mine.width == i / mine.width ? shuffle_of(all[from]).bits : mine.bits;
  }
}

inline void shuffle_from(void* const* all, unsigned) {
  for (int i = 0; i < simt::WARP; i++) {
    Shuffle& mine = shuffle_of(all[i]);
    mine.result = shuffle_of(all[i / mine.width * mine.width + mine.operand]).bits;
  }
}

struct Vote {
  bool value, result;
};

inline void any(void* const* all, unsigned) {
  bool result = false;
  for (int i = 0; i < simt::WARP; i++) result = result || static_cast<Vote*>(all[i])->value;
  for (int i = 0; i < simt::WARP; i++) static_cast<Vote*>(all[i])->result = result;
}

inline void nothing(void* const*, unsigned) {}

inline uint32_t shuffle(const char* name, simt::Act act, uint32_t bits, int operand, int width) {
  Shuffle operands{bits, operand, width, 0};
  simt::warp_instruction(name, ~0u, &operands, act);
  return operands.result;
}

}  // namespace lanes

DEVICE uint32_t bits_of(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}
DEVICE float float_of(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}
DEVICE uint64_t bits_of(double x) {
  uint64_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}
DEVICE double double_of(uint64_t bits) {
  double x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

DEVICE uint32_t shuffle_down(uint32_t x, int by, int width) {
  return lanes::shuffle("shfl.down", lanes::shuffle_down, x, by, width);
}
DEVICE uint32_t shuffle_from(uint32_t x, int lane, int width) {
  return lanes::shuffle("shfl.idx", lanes::shuffle_from, x, lane, width);
}
DEVICE bool any_in_warp(bool value) {
  lanes::Vote operands{value, false};
  simt::warp_instruction("vote.any", ~0u, &operands, lanes::any);
  return operands.result;
}
DEVICE void warp_barrier() { simt::warp_instruction("bar.warp", ~0u, nullptr, lanes::nothing); }

DEVICE void copy_async_4(void* to, const void* from, bool here) {
  simt::begin_copy(to, from, 4, !here);
}
DEVICE void copy_async_16(void* to, const void* from, bool here) {
  simt::begin_copy(to, from, 16, !here);
}
DEVICE void copy_async_commit() { simt::end_copy_group(); }
template <int PENDING>
DEVICE void copy_async_wait() {
  simt::complete_copies(PENDING);
}

DEVICE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DEVICE float quotient(float a, float b) { return a / b; }
DEVICE float root(float a) { return __builtin_sqrtf(a); }
DEVICE float nearest(float a) { return __builtin_rintf(a); }
DEVICE void lower_to(uint32_t* word, uint32_t value) {
  uint32_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
  while (value < old && !__atomic_compare_exchange_n(word, &old, value, true, __ATOMIC_RELAXED,
                                                     __ATOMIC_RELAXED)) {
  }
}
