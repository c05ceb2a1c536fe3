// Entry points: memory and events that processes share.
#include <cstring>

#include "calls.h"
#include "shared-state.h"

using namespace emulated;

// By value, as the driver takes it.
struct Bytes64 {
  unsigned char bytes[64];
};

namespace {

static_assert(sizeof(SharedHandle) <= sizeof(Bytes64));

void pack(Bytes64* into, const SharedHandle& handle) {
  memset(into, 0, sizeof *into);
  memcpy(into, &handle, sizeof handle);
}

SharedHandle unpack(const Bytes64& from) {
  SharedHandle handle;
  memcpy(&handle, &from, sizeof handle);
  return handle;
}

}  // namespace

API cuIpcGetMemHandle(Bytes64* handle, Pointer at) {
  return entry_in_context("cuIpcGetMemHandle", [&] {
    const auto found = allocations().find(at);
    if (found == allocations().end())
      throw Failure{INVALID_VALUE, "no memory that is allocated begins there"};
    return pack(handle, handle_of(found->second)), SUCCESS;
  });
}
API cuIpcOpenMemHandle_v2(Pointer* at, Bytes64 handle, unsigned) {
  return entry_in_context("cuIpcOpenMemHandle_v2", [&] {
    const Allocation made = open_memory(unpack(handle));
    allocations()[made.begin] = made;
    return *at = made.begin, SUCCESS;
  });
}
API cuIpcCloseMemHandle(Pointer at) {
  return entry_in_context("cuIpcCloseMemHandle", [&] {
    const auto found = allocations().find(at);
    if (found == allocations().end() || !found->second.is_imported)
      throw Failure{INVALID_VALUE, "this memory was not opened by a handle"};
    finish(found->second.device->context);
    unmap_import(found->second);
    allocations().erase(found);
    return SUCCESS;
  });
}
API cuIpcGetEventHandle(Bytes64* handle, void* event) {
  return entry_in_context("cuIpcGetEventHandle",
                          [&] { return pack(handle, handle_of(event_of(event))), SUCCESS; });
}
API cuIpcOpenEventHandle(Event** event, Bytes64 handle) {
  return entry_in_context("cuIpcOpenEventHandle",
                          [&] { return *event = open_event(unpack(handle)), SUCCESS; });
}
