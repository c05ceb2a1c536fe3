// Entry points: memory, copies and fills.
#include <cstring>

#include "calls.h"
#include "device.h"
#include "memory.h"
#include "streams.h"

using namespace emulated;

namespace {

// Takes memory of the current GPU, and makes it known.
Allocation& allocate(size_t bytes) {
  Device& device = current_device();
  if (bytes == 0) throw Failure{INVALID_VALUE, "0 bytes"};
  Allocation made = device.arena->take(bytes);
  made.device = &device;
  return allocations()[made.begin] = made;
}

// Finds an allocation by its first byte.
Allocation& allocation_at(Pointer at) {
  const auto found = allocations().find(at);
  if (found != allocations().end()) return found->second;
  throw Failure{INVALID_VALUE, "no memory that is allocated begins at " + std::to_string(at)};
}

void release(Pointer at) {
  const Allocation freed = allocation_at(at);
  allocations().erase(at);
  freed.device->arena->give_back(freed);
}

// The GPU that does the work of a stream.
const Device& device_of_stream(const Stream* stream) {
  return stream == nullptr ? current_device() : *stream->context->device;
}

// Memory that is not registered is copied while the call lasts, behind the work of the stream.
void enqueue_copy(Stream* stream, const void* host, size_t bytes, std::function<void()> copy) {
  const bool is_captured = stream != nullptr && stream->capture != nullptr;
  if (stream == nullptr || is_captured || is_registered(host, bytes)) {
    enqueue(stream, std::move(copy));
    return;
  }
  finish(*stream);
  copy();
}

int fill_async(const char* name, Pointer to, uint32_t value, size_t width, size_t count,
               void* stream_handle) {
  return entry_in_context(name, [&] {
    Stream* stream = stream_of(stream_handle);
    const Device& device = device_of_stream(stream);
    if (to % width != 0) throw Failure{INVALID_VALUE, "the address is not aligned"};
    find(to, width * count, device);
    enqueue(stream, [=, &device] { fill(to, &value, width, count, device); });
    return SUCCESS;
  });
}

}  // namespace

API cuMemGetInfo_v2(size_t* free, size_t* total) {
  return entry_in_context("cuMemGetInfo_v2", [&] {
    const Arena& arena = *current_device().arena;
    return *free = arena.free_bytes(), *total = arena.bytes(), SUCCESS;
  });
}
API cuMemAlloc_v2(Pointer* at, size_t bytes) {
  return entry_in_context("cuMemAlloc_v2", [&] { return *at = allocate(bytes).begin, SUCCESS; });
}
API cuMemFree_v2(Pointer at) {
  return entry_in_context("cuMemFree_v2", [&] {
    if (at == 0) return SUCCESS;
    const Allocation& freed = allocation_at(at);
    if (freed.is_imported) throw Failure{INVALID_VALUE, "another process owns this memory"};
    finish(freed.device->context);
    release(at);
    return SUCCESS;
  });
}
API cuMemAllocAsync(Pointer* at, size_t bytes, void* stream_handle) {
  return entry_in_context("cuMemAllocAsync", [&] {
    Stream* stream = stream_of(stream_handle);
    if (stream != nullptr && stream->capture != nullptr)
      throw Failure{STREAM_CAPTURE_UNSUPPORTED, "allocations are not captured here"};
    Allocation& made = allocate(bytes);
    made.is_pooled = true;
    made.is_live = false;
    const Pointer begin = *at = made.begin;
    enqueue(stream, [begin] {
      allocation_at(begin).is_live = true;
      // The next kernel opens it with the rest.
      close_memory();
    });
    return SUCCESS;
  });
}
API cuMemFreeAsync(Pointer at, void* stream_handle) {
  return entry_in_context("cuMemFreeAsync", [&] {
    if (!allocation_at(at).is_pooled)
      throw Failure{INVALID_VALUE, "this memory is not of cuMemAllocAsync"};
    enqueue(stream_of(stream_handle), [at] { release(at); });
    return SUCCESS;
  });
}

API cuMemHostRegister_v2(void* at, size_t bytes, unsigned) {
  return entry_in_context("cuMemHostRegister_v2", [&] {
    const auto begin = reinterpret_cast<uintptr_t>(at), end = begin + bytes;
    if (at == nullptr || bytes == 0) throw Failure{INVALID_VALUE, "no memory"};
    for (const auto& [first, last] : host_ranges())
      if (begin < last && first < end) return HOST_MEMORY_ALREADY_REGISTERED;
    host_ranges()[begin] = end;
    return SUCCESS;
  });
}
API cuMemHostUnregister(void* at) {
  return entry_in_context("cuMemHostUnregister", [&] {
    // A copy may be under way.
    for (const auto& device : devices())
      if (device->context.retained > 0) finish(device->context);
    const bool was_there = host_ranges().erase(reinterpret_cast<uintptr_t>(at)) == 1;
    return was_there ? SUCCESS : HOST_MEMORY_NOT_REGISTERED;
  });
}
API cuMemHostGetDevicePointer_v2(Pointer* device, void* at, unsigned flags) {
  return entry_in_context("cuMemHostGetDevicePointer_v2", [&] {
    if (flags != 0 || !is_registered(at, 1))
      throw Failure{INVALID_VALUE, "this host memory is not registered"};
    return *device = reinterpret_cast<Pointer>(at), SUCCESS;
  });
}

API cuMemcpyHtoD_v2(Pointer to, const void* from, size_t bytes) {
  return entry_in_context("cuMemcpyHtoD_v2", [&] {
    const Device& device = current_device();
    find(to, bytes, device);
    enqueue(nullptr, [=, &device] { copy_to_device(to, from, bytes, device); });
    return SUCCESS;
  });
}
API cuMemcpyDtoH_v2(void* to, Pointer from, size_t bytes) {
  return entry_in_context("cuMemcpyDtoH_v2", [&] {
    const Device& device = current_device();
    find(from, bytes, device);
    enqueue(nullptr, [=, &device] { copy_to_host(to, from, bytes, device); });
    return SUCCESS;
  });
}
API cuMemcpyDtoD_v2(Pointer to, Pointer from, size_t bytes) {
  return entry_in_context("cuMemcpyDtoD_v2", [&] {
    const Device& device = current_device();
    find(to, bytes, device), find(from, bytes, device);
    enqueue(nullptr, [=, &device] { copy_on_device(to, from, bytes, device); });
    return SUCCESS;
  });
}
API cuMemcpyHtoDAsync_v2(Pointer to, const void* from, size_t bytes, void* stream_handle) {
  return entry_in_context("cuMemcpyHtoDAsync_v2", [&] {
    Stream* stream = stream_of(stream_handle);
    const Device& device = device_of_stream(stream);
    find(to, bytes, device);
    enqueue_copy(stream, from, bytes, [=, &device] { copy_to_device(to, from, bytes, device); });
    return SUCCESS;
  });
}
API cuMemcpyDtoHAsync_v2(void* to, Pointer from, size_t bytes, void* stream_handle) {
  return entry_in_context("cuMemcpyDtoHAsync_v2", [&] {
    Stream* stream = stream_of(stream_handle);
    const Device& device = device_of_stream(stream);
    find(from, bytes, device);
    enqueue_copy(stream, to, bytes, [=, &device] { copy_to_host(to, from, bytes, device); });
    return SUCCESS;
  });
}
API cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t bytes, void* stream_handle) {
  return entry_in_context("cuMemcpyDtoDAsync_v2", [&] {
    Stream* stream = stream_of(stream_handle);
    const Device& device = device_of_stream(stream);
    find(to, bytes, device), find(from, bytes, device);
    enqueue(stream, [=, &device] { copy_on_device(to, from, bytes, device); });
    return SUCCESS;
  });
}
API cuMemcpyPeerAsync(Pointer to, void* to_context, Pointer from, void* from_context, size_t bytes,
                      void* stream_handle) {
  return entry_in_context("cuMemcpyPeerAsync", [&] {
    const Device& target = *context_of(to_context).device;
    const Device& source = *context_of(from_context).device;
    must_belong(to, bytes, target);
    must_belong(from, bytes, source);
    enqueue(stream_of(stream_handle),
            [=, &target, &source] { copy_between(to, target, from, source, bytes); });
    return SUCCESS;
  });
}
API cuMemsetD8Async(Pointer to, unsigned char value, size_t count, void* stream) {
  return fill_async("cuMemsetD8Async", to, value, 1, count, stream);
}
API cuMemsetD32Async(Pointer to, unsigned value, size_t count, void* stream) {
  return fill_async("cuMemsetD32Async", to, value, 4, count, stream);
}
