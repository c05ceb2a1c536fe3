#include "modules.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "memory-guard.h"

namespace emulated {
namespace {

// Offsets in a 64-bit ELF header, and machine numbers.
constexpr size_t MACHINE = 18, SECTIONS = 40, SECTION_BYTES = 58, SECTION_COUNT = 60;
constexpr uint16_t CUDA_MACHINE = 190;
constexpr size_t FAILURE_BYTES = 1024;

template <typename T>
T field(const void* image, size_t offset) {
  T value;
  memcpy(&value, static_cast<const unsigned char*>(image) + offset, sizeof value);
  return value;
}

std::map<Module*, std::unique_ptr<Module>>& modules() {
  static auto* all = new std::map<Module*, std::unique_ptr<Module>>();
  return *all;
}

template <typename T>
T symbol(const Module& module, const std::string& name) {
  void* found = dlsym(module.library, name.c_str());
  if (found != nullptr) return reinterpret_cast<T>(found);
  throw Failure{NOT_FOUND, "the module has no " + name};
}

// Writes an image into a file without a name and loads it from there.
void load_library(Module& module, const void* image, size_t length) {
  module.file = memfd_create("module", MFD_CLOEXEC);
  if (module.file < 0 || write(module.file, image, length) != static_cast<ssize_t>(length))
    throw Failure{OUT_OF_MEMORY, "there is no memory for a module"};
  const std::string path = "/proc/self/fd/" + std::to_string(module.file);
  module.library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module.library == nullptr) throw Failure{INVALID_IMAGE, dlerror()};
}

}  // namespace

Module* load_module(const void* image, Context& context) {
  if (image == nullptr || memcmp(image, "\177ELF", 4) != 0)
    throw Failure{NO_BINARY_FOR_GPU, "an emulated GPU loads ELF images of this processor only"};
  if (field<uint16_t>(image, MACHINE) == CUDA_MACHINE)
    throw Failure{NO_BINARY_FOR_GPU, "this is a cubin, and the GPU is emulated"};
  // Where the section table ends, the image ends.
  const size_t length =
      field<uint64_t>(image, SECTIONS) +
      size_t(field<uint16_t>(image, SECTION_BYTES)) * field<uint16_t>(image, SECTION_COUNT);
  auto made = std::make_unique<Module>();
  made->context = &context;
  load_library(*made, image, length);
  Module* module = made.get();
  modules()[module] = std::move(made);
  return module;
}

void unload_module(Module& module) {
  const std::string path = "/proc/self/fd/" + std::to_string(module.file);
  dlclose(module.library);
  // A library may refuse to go. Its name must then stay taken: another one of that name would not be loaded.
  void* left = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (left == nullptr)
    close(module.file);
  else
    dlclose(left);
  modules().erase(&module);
}

void forget_modules(const Context& context) {
  std::vector<Module*> left;
  for (const auto& [module, owned] : modules())
    if (module->context == &context) left.push_back(module);
  for (Module* module : left) unload_module(*module);
}

Module& module_of(void* handle) {
  const auto found = modules().find(static_cast<Module*>(handle));
  if (found != modules().end()) return *found->second;
  throw Failure{INVALID_HANDLE, "this is no module, or it was unloaded"};
}

Function& find_function(Module& module, const std::string& name) {
  auto& found = module.functions[name];
  if (found != nullptr) return *found;
  auto made = std::make_unique<Function>();
  made->name = name;
  made->kernel = symbol<SimtKernel>(module, "simt_kernel_" + name);
  made->launch = symbol<SimtLaunchFunction>(module, "simt_launch");
  made->signature = *symbol<const SimtSignature*>(module, "simt_signature_" + name);
  found = std::move(made);
  return *found;
}

Function& function_of(void* handle) {
  for (const auto& [module, owned] : modules())
    for (const auto& [name, function] : module->functions)
      if (function.get() == handle) return *function;
  throw Failure{INVALID_HANDLE, "this is no kernel, or its module was unloaded"};
}

size_t live_modules() { return modules().size(); }

Arguments::Arguments(const Function& function, void** values) {
  const SimtSignature& signature = function.signature;
  size_t pieces = 0;
  for (uint32_t i = 0; i < signature.num_parameters; i++) {
    first_pieces_.push_back(pieces);
    pieces += (signature.sizes[i] + sizeof(Piece) - 1) / sizeof(Piece);
  }
  pieces_.resize(pieces);
  for (size_t i = 0; i < first_pieces_.size(); i++) {
    if (values == nullptr || values[i] == nullptr)
      throw Failure{INVALID_VALUE, "argument " + std::to_string(i) + " is missing"};
    memcpy(&pieces_[first_pieces_[i]], values[i], signature.sizes[i]);
  }
}

std::vector<void*> Arguments::pointers() {
  std::vector<void*> all;
  for (const size_t piece : first_pieces_) all.push_back(&pieces_[piece]);
  all.push_back(nullptr);
  return all;
}

void run_kernel(const Function& function, Arguments arguments, const SimtLaunch& launch,
                const Device& device) {
  char failure[FAILURE_BYTES] = "";
  int failed = 0;
  std::vector<void*> pointers = arguments.pointers();
  open_memory(device);
  const void* touched = guarded([&] {
    failed = function.launch(function.kernel, pointers.data(), &launch, failure, sizeof failure);
  });
  if (touched != nullptr)
    throw Failure{ILLEGAL_ADDRESS, "kernel " + function.name + " touched memory at " +
                                       std::to_string(reinterpret_cast<uintptr_t>(touched)) +
                                       " that its GPU may not access"};
  if (failed != 0) throw Failure{LAUNCH_FAILED, "kernel " + function.name + ": " + failure};
}

}  // namespace emulated
