// The Node-API boundary: memory, thread pools and the interpreter of command lists. It checks arguments,
// runs, and returns a status, which TypeScript converts to an error. No C++ exception may leave it, because
// Node would abort the process.
#include <fcntl.h>
#include <node_api.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <system_error>

#include "kernels.h"
#include "pool.h"

namespace gumshoe {
namespace {

constexpr size_t ALIGNMENT = 64;
// The largest size that a float64 argument represents exactly.
constexpr double MAX_BYTES = 9007199254740992.0;
constexpr double MAX_THREADS = 4096;
// From this size on memory is mapped, because the system zeroes pages only when they are first touched.
// Under AddressSanitizer everything is allocated, so that it detects the first access out of bounds.
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t MAPPED_FROM = SIZE_MAX;
#else
constexpr size_t MAPPED_FROM = 1 << 20;
#endif

napi_value undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

napi_value number(napi_env env, double x) {
  napi_value value;
  napi_create_double(env, x, &value);
  return value;
}

double to_number(napi_env env, napi_value value) {
  double x = 0;
  napi_get_value_double(env, value, &x);
  return x;
}

// Runs the body of an entry point. std::bad_alloc and missing threads return undefined; any other exception
// becomes a JavaScript error.
template <typename Body>
napi_value guarded(napi_env env, Body body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return undefined(env);
  } catch (const std::system_error&) {
    return undefined(env);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  } catch (...) {
    napi_throw_error(env, nullptr, "unknown C++ exception");
  }
  return nullptr;
}

template <size_t COUNT>
bool take(napi_env env, napi_callback_info info, napi_value (&arguments)[COUNT]) {
  size_t count = COUNT;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) == napi_ok && count == COUNT)
    return true;
  napi_throw_type_error(env, nullptr, "wrong number of arguments");
  return false;
}

void free_memory(napi_env, void* data, void*) { std::free(data); }

// `hint` is the length of the mapping.
void free_mapping(napi_env, void* data, void* hint) {
  munmap(data, reinterpret_cast<uintptr_t>(hint));
}

// [ArrayBuffer, address] of memory that the buffer owns from now on, or undefined.
napi_value owned_buffer(napi_env env, void* data, size_t bytes, bool mapped) {
  napi_value buffer, result;
  const napi_finalize release = mapped ? free_mapping : free_memory;
  void* hint = reinterpret_cast<void*>(static_cast<uintptr_t>(bytes));
  if (napi_create_external_arraybuffer(env, data, bytes, release, hint, &buffer) != napi_ok) {
    release(env, data, hint);
    return undefined(env);
  }
  napi_create_array_with_length(env, 2, &result);
  napi_set_element(env, result, 0, buffer);
  const auto address = reinterpret_cast<uintptr_t>(data);
  napi_set_element(env, result, 1, number(env, static_cast<double>(address)));
  return result;
}

// allocate(bytes): [ArrayBuffer, address], zeroed and aligned, or undefined if out of memory.
napi_value allocate(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  if (!take(env, info, arguments)) return nullptr;
  const double wanted = to_number(env, arguments[0]);
  if (!(wanted >= 0 && wanted <= MAX_BYTES)) return undefined(env);
  const size_t bytes = static_cast<size_t>(wanted);
  if (bytes >= MAPPED_FROM) {
    const int kind = MAP_PRIVATE | MAP_ANONYMOUS;
    void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kind, -1, 0);
    return data == MAP_FAILED ? undefined(env) : owned_buffer(env, data, bytes, true);
  }
  void* data = nullptr;
  // The exact size, so that AddressSanitizer detects the first access out of bounds.
  if (posix_memalign(&data, ALIGNMENT, bytes == 0 ? 1 : bytes) != 0) return undefined(env);
  std::memset(data, 0, bytes);
  return owned_buffer(env, data, bytes, false);
}

// createMemory(bytes): the descriptor of zeroed memory that processes can share, or undefined. It has no
// name and is freed with its last descriptor and mapping; pages are allocated when first touched.
napi_value create_memory(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  if (!take(env, info, arguments)) return nullptr;
  const double wanted = to_number(env, arguments[0]);
  if (!(wanted > 0 && wanted <= MAX_BYTES)) return undefined(env);
#if defined(__linux__)
  const int descriptor = memfd_create("gumshoe", MFD_CLOEXEC);
  if (descriptor < 0) return undefined(env);
  if (ftruncate(descriptor, static_cast<off_t>(wanted)) == 0) return number(env, descriptor);
  close(descriptor);
#endif
  return undefined(env);
}

// mapMemory(descriptor, bytes, writable): [ArrayBuffer, address] of the file's first bytes, or undefined if
// they cannot be mapped or the file is shorter.
napi_value map_memory(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  if (!take(env, info, arguments)) return nullptr;
  const int descriptor = static_cast<int>(to_number(env, arguments[0]));
  const double wanted = to_number(env, arguments[1]);
  bool writable = false;
  napi_get_value_bool(env, arguments[2], &writable);
  struct stat file;
  if (!(wanted > 0 && wanted <= MAX_BYTES) || fstat(descriptor, &file) != 0 ||
      static_cast<double>(file.st_size) < wanted)
    return undefined(env);
  const size_t bytes = static_cast<size_t>(wanted);
  const int access = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void* data = mmap(nullptr, bytes, access, MAP_SHARED, descriptor, 0);
  return data == MAP_FAILED ? undefined(env) : owned_buffer(env, data, bytes, true);
}

// detach(ArrayBuffer): frees its memory at once.
napi_value detach(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  if (take(env, info, arguments)) napi_detach_arraybuffer(env, arguments[0]);
  return undefined(env);
}

void free_pool(napi_env, void* data, void*) {
  Pool** pool = static_cast<Pool**>(data);
  delete *pool;
  delete pool;
}

// createPool(threads): a handle, or undefined if the system has no thread or memory left.
napi_value create_pool(napi_env env, napi_callback_info info) {
  napi_value arguments[1], handle;
  if (!take(env, info, arguments)) return nullptr;
  const double threads = to_number(env, arguments[0]);
  if (!(threads >= 1 && threads <= MAX_THREADS)) return undefined(env);
  return guarded(env, [&]() -> napi_value {
    auto pool = std::make_unique<Pool>(static_cast<int>(threads));
    auto holder = std::make_unique<Pool*>(pool.get());
    void* held = static_cast<void*>(holder.get());
    if (napi_create_external(env, held, free_pool, nullptr, &handle) != napi_ok)
      return undefined(env);
    // From here on the handle owns both: free_pool deletes them.
    static_cast<void>(pool.release());
    static_cast<void>(holder.release());
    return handle;
  });
}

Pool** to_pool(napi_env env, napi_value value) {
  void* data = nullptr;
  napi_get_value_external(env, value, &data);
  return static_cast<Pool**>(data);
}

// destroyPool(handle): ends its threads; idempotent.
napi_value destroy_pool(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  if (!take(env, info, arguments)) return nullptr;
  Pool** pool = to_pool(env, arguments[0]);
  if (pool != nullptr) {
    delete *pool;
    *pool = nullptr;
  }
  return undefined(env);
}

int interpret(const Entry* table, Pool& pool, const double* records, size_t length, size_t* at) {
  size_t i = 0;
  while (i < length) {
    *at = i;
    if (i + 2 > length) return STATUS_BAD_RECORD;
    const double code = records[i], count = records[i + 1];
    if (!(code >= 0 && code < static_cast<double>(OP_COUNT))) return STATUS_BAD_RECORD;
    const Entry& entry = table[static_cast<int>(code)];
    if (count != entry.arguments || i + 2 + entry.arguments > length) return STATUS_BAD_RECORD;
    const int status = entry.kernel(Arguments{records + i + 2}, pool);
    if (status != STATUS_OK) return status;
    i += 2 + entry.arguments;
  }
  return STATUS_OK;
}

// run(pool, instruction set 0..2, Float64Array of records, length): [status, start of the failed record].
napi_value run(napi_env env, napi_callback_info info) {
  napi_value arguments[4], result;
  if (!take(env, info, arguments)) return nullptr;
  Pool** pool = to_pool(env, arguments[0]);
  const int set = static_cast<int>(to_number(env, arguments[1]));
  napi_typedarray_type type;
  size_t capacity = 0, at = 0;
  void* data = nullptr;
  const napi_status read =
      napi_get_typedarray_info(env, arguments[2], &type, &capacity, &data, nullptr, nullptr);
  const size_t length = static_cast<size_t>(to_number(env, arguments[3]));
  int status = STATUS_BAD_RECORD;
  if (pool != nullptr && *pool != nullptr && read == napi_ok && type == napi_float64_array &&
      length <= capacity) {
    const Entry* table = set == 2 ? table_avx512() : set == 1 ? table_avx2() : table_scalar();
    try {
      status = interpret(table, **pool, static_cast<const double*>(data), length, &at);
    } catch (const std::bad_alloc&) {
      status = STATUS_OUT_OF_MEMORY;
    } catch (...) {
      status = STATUS_FAILED;
    }
  }
  if (status == STATUS_OK) return number(env, 0);
  napi_create_array_with_length(env, 2, &result);
  napi_set_element(env, result, 0, number(env, status));
  napi_set_element(env, result, 1, number(env, static_cast<double>(at)));
  return result;
}

// instructionSet(): the best one that this machine supports: 0 scalar, 1 AVX2, 2 AVX-512.
napi_value instruction_set(napi_env env, napi_callback_info) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    return number(env, 2);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return number(env, 1);
#endif
  return number(env, 0);
}

void define(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
  napi_set_named_property(env, exports, name, value);
}

}  // namespace

#if !defined(__x86_64__)
const Entry* table_avx2() { return table_scalar(); }
const Entry* table_avx512() { return table_scalar(); }
#endif

}  // namespace gumshoe

NAPI_MODULE_INIT() {
  gumshoe::define(env, exports, "allocate", gumshoe::allocate);
  gumshoe::define(env, exports, "createMemory", gumshoe::create_memory);
  gumshoe::define(env, exports, "mapMemory", gumshoe::map_memory);
  gumshoe::define(env, exports, "detach", gumshoe::detach);
  gumshoe::define(env, exports, "createPool", gumshoe::create_pool);
  gumshoe::define(env, exports, "destroyPool", gumshoe::destroy_pool);
  gumshoe::define(env, exports, "run", gumshoe::run);
  gumshoe::define(env, exports, "instructionSet", gumshoe::instruction_set);
  return exports;
}
