// What a program finds before its first line when the emulated NVRTC compiles it.
#pragma once

static const char FAKE_NVRTC_PRELUDE[] = R"(
typedef unsigned long size_t;
struct dim3 { unsigned x, y, z; };
static thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;
#define __global__ __attribute__((visibility("hidden")))
#define __device__ static inline
#define __forceinline__
#define __launch_bounds__(threads)
#define __fmaf_rn __builtin_fmaf

namespace simt {
struct Launch { dim3 grid, block; size_t shared_bytes; int threads; unsigned long schedule; };
struct Signature { unsigned num_parameters, threads, offsets[32], sizes[32]; };
template <size_t... I> struct Indices {};
template <size_t N, size_t... I> struct Count : Count<N - 1, N - 1, I...> {};
template <size_t... I> struct Count<0, I...> { using Type = Indices<I...>; };
template <auto F> struct Unpack;
template <typename... A, void (*F)(A...)> struct Unpack<F> {
  template <size_t... I> static void with(void** p, Indices<I...>) { F(*static_cast<A*>(p[I])...); }
  static void call(void** p) { with(p, typename Count<sizeof...(A)>::Type()); }
  static constexpr Signature signature() {
    Signature s = {};
    s.num_parameters = sizeof...(A);
    s.threads = 1024;
    unsigned i = 0, end = 0;
    ((end = (end + alignof(A) - 1) / alignof(A) * alignof(A), s.offsets[i] = end,
      s.sizes[i++] = sizeof(A), end += sizeof(A)), ...);
    return s;
  }
};
}  // namespace simt

#define SIMT_EXPORTED extern "C" __attribute__((visibility("default")))
#define SIMT_EXPORT(name) \
  SIMT_EXPORTED void simt_kernel_##name(void** p) { simt::Unpack<name>::call(p); } \
  SIMT_EXPORTED const simt::Signature simt_signature_##name = simt::Unpack<name>::signature();

SIMT_EXPORTED int simt_launch(void (*kernel)(void**), void** p, const simt::Launch* launch, char*, size_t) {
  const dim3 grid = launch->grid, block = launch->block;
  gridDim = grid;
  blockDim = block;
  const size_t blocks = size_t(grid.x) * grid.y * grid.z, threads = size_t(block.x) * block.y * block.z;
  for (size_t i = 0; i < blocks; i++)
    for (size_t j = 0; j < threads; j++) {
      // From the last to the first when the schedule says so: a result must not depend on it.
      const size_t b = launch->schedule == 1 ? blocks - 1 - i : i;
      const size_t t = launch->schedule == 1 ? threads - 1 - j : j;
      blockIdx = {unsigned(b % grid.x), unsigned(b / grid.x % grid.y), unsigned(b / grid.x / grid.y)};
      threadIdx = {unsigned(t % block.x), unsigned(t / block.x % block.y), unsigned(t / block.x / block.y)};
      kernel(p);
    }
  return 0;
}
)";
