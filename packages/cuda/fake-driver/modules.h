// Module images (module-image.h), and how their kernels are run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "device.h"
#include "module-image.h"

namespace emulated {

// The shared memory that a launch may ask for without cuFuncSetAttribute, and with it.
constexpr int DEFAULT_SHARED_BYTES = 48 << 10, MOST_SHARED_BYTES = 227 << 10;

struct Function {
  std::string name;
  SimtKernel kernel = nullptr;
  SimtLaunchFunction launch = nullptr;
  SimtSignature signature = {};
  int most_shared_bytes = DEFAULT_SHARED_BYTES;
};

struct Module {
  Context* context = nullptr;
  void* library = nullptr;
  int file = -1;
  std::map<std::string, std::unique_ptr<Function>> functions;
};

// Throws Failure INVALID_IMAGE or NO_BINARY_FOR_GPU.
Module* load_module(const void* image, Context& context);
void unload_module(Module& module);
// Unloads those of a context that is destroyed.
void forget_modules(const Context& context);
Module& module_of(void* handle);
// Throws Failure NOT_FOUND.
Function& find_function(Module& module, const std::string& name);
// Throws Failure INVALID_HANDLE.
Function& function_of(void* handle);
size_t live_modules();

// The arguments of one launch, copied from where the caller had them.
class Arguments {
 public:
  Arguments(const Function& function, void** values);
  // What a kernel is called with; lives as long as this object.
  std::vector<void*> pointers();

 private:
  // A piece of memory that is aligned as any argument may be.
  struct alignas(64) Piece {
    unsigned char bytes[64];
  };
  std::vector<size_t> first_pieces_;  // of each argument
  std::vector<Piece> pieces_;
};

// Runs a kernel on a GPU. Throws Failure ILLEGAL_ADDRESS when it touches memory that it may not access,
// LAUNCH_FAILED when its emulation gives up.
void run_kernel(const Function& function, Arguments arguments, const SimtLaunch& launch,
                const Device& device);

}  // namespace emulated
