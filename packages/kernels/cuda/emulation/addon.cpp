// Node-API boundary of the emulation: loads modules and launches their kernels on memory of this process.
#include <dlfcn.h>
#include <node_api.h>

#include <cstring>
#include <string>

#include "module.h"

namespace {

using LaunchFunction = decltype(&simt_launch);
constexpr size_t MAX_NAME = 128, FAILURE_BYTES = 512;
// grid x, y, z; threads of a block; bytes of shared memory; OS threads; schedule.
constexpr size_t GEOMETRY = 7;

napi_value text(napi_env env, const std::string& value) {
  napi_value result;
  napi_create_string_utf8(env, value.c_str(), value.size(), &result);
  return result;
}

napi_value fail(napi_env env, const std::string& reason) {
  napi_throw_error(env, nullptr, reason.c_str());
  return nullptr;
}

// load(path): a handle. Modules stay loaded.
napi_value load(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value argument, handle;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  char path[4096];
  napi_get_value_string_utf8(env, argument, path, sizeof path, &length);
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(env, dlerror());
  napi_create_external(env, library, nullptr, nullptr, &handle);
  return handle;
}

template <typename T>
const T* elements(napi_env env, napi_value array, size_t* count) {
  napi_typedarray_type type;
  void* data = nullptr;
  napi_get_typedarray_info(env, array, &type, count, &data, nullptr, nullptr);
  return static_cast<const T*>(data);
}

// launch(handle, name, Float64Array geometry, BigUint64Array arguments): undefined, or what went wrong. An
// argument lies in the low bytes of its element.
napi_value launch(napi_env env, napi_callback_info info) {
  size_t count = 4, length = 0, numbers = 0, words = 0;
  napi_value arguments[4], nothing;
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  void* library = nullptr;
  char name[MAX_NAME];
  napi_get_value_external(env, arguments[0], &library);
  napi_get_value_string_utf8(env, arguments[1], name, sizeof name, &length);
  const auto* geometry = elements<double>(env, arguments[2], &numbers);
  const auto* values = elements<uint64_t>(env, arguments[3], &words);
  if (library == nullptr || numbers != GEOMETRY) return fail(env, "launch: wrong arguments");
  auto run = reinterpret_cast<LaunchFunction>(dlsym(library, "simt_launch"));
  auto kernel = reinterpret_cast<simt::Trampoline>(
      dlsym(library, (std::string("simt_kernel_") + name).c_str()));
  const auto* signature = static_cast<const simt::Signature*>(
      dlsym(library, (std::string("simt_signature_") + name).c_str()));
  if (run == nullptr || kernel == nullptr || signature == nullptr)
    return text(env, std::string("the module has no kernel ") + name);
  if (words != signature->num_parameters || geometry[3] != signature->threads)
    return text(env, std::string(name) + " has " + std::to_string(signature->num_parameters) +
                         " arguments and blocks of " + std::to_string(signature->threads));
  void* pointers[simt::MAX_PARAMETERS];
  for (size_t i = 0; i < words; i++)
    pointers[i] = const_cast<void*>(static_cast<const void*>(values + i));
  auto size = [&](int i) { return static_cast<unsigned>(geometry[i]); };
  const simt::Launch about{{size(0), size(1), size(2)},
                           {size(3), 1, 1},
                           static_cast<size_t>(geometry[4]),
                           {static_cast<int>(geometry[5]), static_cast<uint64_t>(geometry[6])}};
  char failure[FAILURE_BYTES];
  if (run(kernel, pointers, &about, failure, sizeof failure) != 0) return text(env, failure);
  napi_get_undefined(env, &nothing);
  return nothing;
}

void define(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
  napi_set_named_property(env, exports, name, value);
}

}  // namespace

NAPI_MODULE_INIT() {
  define(env, exports, "load", load);
  define(env, exports, "launch", launch);
  return exports;
}
