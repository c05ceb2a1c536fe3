#include "device.h"

#include "modules.h"
#include "settings.h"
#include "streams.h"

namespace emulated {

std::vector<std::unique_ptr<Device>>& devices() {
  static auto* all = new std::vector<std::unique_ptr<Device>>();
  return *all;
}

void make_devices() {
  for (int i = 0; i < settings().gpus; i++) {
    auto device = std::make_unique<Device>();
    device->ordinal = i;
    device->arena = std::make_unique<Arena>(settings().memory_bytes);
    device->context.device = device.get();
    devices().push_back(std::move(device));
  }
}

Device& device_of(int ordinal) {
  if (devices().empty()) throw Failure{NOT_INITIALIZED, "cuInit was not called"};
  if (ordinal >= 0 && ordinal < static_cast<int>(devices().size())) return *devices()[ordinal];
  throw Failure{INVALID_DEVICE, "there is no GPU " + std::to_string(ordinal)};
}

Context*& current() {
  thread_local Context* context = nullptr;
  return context;
}

Context& current_context() {
  if (current() != nullptr && current()->retained > 0) return *current();
  throw Failure{INVALID_CONTEXT, "no context is current in this thread"};
}

Device& current_device() { return *current_context().device; }

Context& context_of(const void* handle) {
  for (const auto& device : devices())
    if (&device->context == handle && device->context.retained > 0) return device->context;
  throw Failure{INVALID_CONTEXT, "this is no context, or it was released"};
}

void destroy(Context& context) {
  forget_streams(context);
  forget_modules(context);
  for (auto next = allocations().begin(); next != allocations().end();) {
    const Allocation& allocation = next->second;
    if (allocation.device != context.device) {
      ++next;
      continue;
    }
    if (allocation.is_imported)
      unmap_import(allocation);
    else
      context.device->arena->give_back(allocation);
    next = allocations().erase(next);
  }
  context.peers.clear();
  context.lost = SUCCESS;
}

}  // namespace emulated
