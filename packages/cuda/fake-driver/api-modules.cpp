// Entry points: modules, kernels and launches.
#include <algorithm>
#include <cstdio>

#include "calls.h"
#include "device.h"
#include "modules.h"
#include "settings.h"
#include "streams.h"

using namespace emulated;

namespace {

constexpr unsigned ERROR_LOG = 5, ERROR_LOG_BYTES = 6;
constexpr int MAX_THREADS_PER_BLOCK = 0, SHARED_SIZE = 1, LOCAL_SIZE = 3, REGISTERS = 4,
              MAX_DYNAMIC_SHARED_SIZE = 8;
constexpr int EMULATED_REGISTERS = 32, THREADS_OF_MULTIPROCESSOR = 2048, MOST_BLOCKS = 32;

// Writes why an image was refused to where the caller wants it.
void write_log(const std::string& why, unsigned count, const unsigned* options, void** values) {
  char* log = nullptr;
  size_t bytes = 0;
  for (unsigned i = 0; i < count; i++) {
    if (options[i] == ERROR_LOG) log = static_cast<char*>(values[i]);
    if (options[i] == ERROR_LOG_BYTES)
      bytes = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(values[i]));
  }
  if (log != nullptr && bytes > 0) snprintf(log, bytes, "%s", why.c_str());
}

}  // namespace

API cuModuleLoadDataEx(Module** module, const void* image, unsigned count, const unsigned* options,
                       void** values) {
  return entry_in_context("cuModuleLoadDataEx", [&] {
    try {
      return *module = load_module(image, current_context()), SUCCESS;
    } catch (const Failure& failure) {
      write_log(failure.why, count, options, values);
      throw;
    }
  });
}
API cuModuleUnload(void* module) {
  return entry_in_context("cuModuleUnload", [&] {
    Module& unloaded = module_of(module);
    finish(*unloaded.context);
    return unload_module(unloaded), SUCCESS;
  });
}
API cuModuleGetFunction(Function** function, void* module, const char* name) {
  return entry_in_context("cuModuleGetFunction", [&] {
    return *function = &find_function(module_of(module), name), SUCCESS;
  });
}
API cuFuncGetParamInfo(void* function, size_t index, size_t* offset, size_t* bytes) {
  return entry_in_context("cuFuncGetParamInfo", [&] {
    const SimtSignature& signature = function_of(function).signature;
    if (index >= signature.num_parameters) return INVALID_VALUE;
    return *offset = signature.offsets[index], *bytes = signature.sizes[index], SUCCESS;
  });
}
API cuFuncGetAttribute(int* value, int attribute, void* function) {
  return entry_in_context("cuFuncGetAttribute", [&] {
    const Function& asked = function_of(function);
    switch (attribute) {
      case MAX_THREADS_PER_BLOCK:
        return *value = static_cast<int>(asked.signature.threads), SUCCESS;
      case SHARED_SIZE:
      case LOCAL_SIZE:
        return *value = 0, SUCCESS;
      case REGISTERS:
        return *value = EMULATED_REGISTERS, SUCCESS;
      case MAX_DYNAMIC_SHARED_SIZE:
        return *value = asked.most_shared_bytes, SUCCESS;
      default:
        return INVALID_VALUE;
    }
  });
}
API cuFuncSetAttribute(void* function, int attribute, int value) {
  return entry_in_context("cuFuncSetAttribute", [&] {
    Function& changed = function_of(function);
    if (attribute != MAX_DYNAMIC_SHARED_SIZE || value < 0 || value > MOST_SHARED_BYTES)
      return INVALID_VALUE;
    return changed.most_shared_bytes = value, SUCCESS;
  });
}
API cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* function, int threads,
                                                size_t shared) {
  return entry_in_context("cuOccupancyMaxActiveBlocksPerMultiprocessor", [&] {
    const Function& asked = function_of(function);
    if (threads < 1 || threads > static_cast<int>(asked.signature.threads)) return INVALID_VALUE;
    const bool fits = static_cast<long>(shared) <= asked.most_shared_bytes;
    const int by_shared = shared == 0 ? MOST_BLOCKS : static_cast<int>(MOST_SHARED_BYTES / shared);
    const int by_threads = THREADS_OF_MULTIPROCESSOR / threads;
    *blocks = fits ? std::min({by_threads, by_shared, MOST_BLOCKS}) : 0;
    return SUCCESS;
  });
}
API cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned shared, void* stream_handle, void** values, void** extra) {
  return entry_in_context("cuLaunchKernel", [&] {
    const Function& launched = function_of(function);
    Stream* stream = stream_of(stream_handle);
    const uint64_t threads = uint64_t(bx) * by * bz;
    if (gx == 0 || gy == 0 || gz == 0 || gy > 65'535 || gz > 65'535 || threads == 0 || bz > 64 ||
        extra != nullptr)
      throw Failure{INVALID_VALUE, "kernel " + launched.name + ": a size of the grid or the block"};
    if (threads > launched.signature.threads)
      throw Failure{LAUNCH_OUT_OF_RESOURCES, "kernel " + launched.name + ": " +
                                                 std::to_string(threads) +
                                                 " threads of a block, made for " +
                                                 std::to_string(launched.signature.threads)};
    if (shared > static_cast<unsigned>(launched.most_shared_bytes))
      throw Failure{INVALID_VALUE, "kernel " + launched.name + ": " + std::to_string(shared) +
                                       " bytes of shared memory, " +
                                       std::to_string(launched.most_shared_bytes) + " allowed"};
    const Arguments arguments(launched, values);
    const Device& device = stream == nullptr ? current_device() : *stream->context->device;
    const SimtLaunch launch = {
        {gx, gy, gz}, {bx, by, bz}, shared, settings().threads, settings().schedule};
    enqueue(stream, [&launched, &device, arguments, launch] {
      run_kernel(launched, arguments, launch, device);
    });
    return SUCCESS;
  });
}
