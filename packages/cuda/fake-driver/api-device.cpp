// Entry points: the driver itself, its GPUs, and their contexts.
#include <cstdio>
#include <cstring>

#include "calls.h"
#include "device.h"
#include "settings.h"
#include "streams.h"

using namespace emulated;

namespace {

// Attributes (CUdevice_attribute) as a card of compute capability 9.0 has them, made smaller where it is emulated.
int attribute_of(int attribute) {
  switch (attribute) {
    case 1:
      return 1024;  // threads of a block
    case 10:
      return 32;  // of a warp
    case 13:
    case 36:
      return 1'000'000;  // clocks in kHz
    case 16:
      return 2;  // multiprocessors
    case 37:
      return 64;  // memory bus in bits
    case 38:
      return 1 << 20;  // second-level cache
    case 41:
      return 1;  // one address space
    case 75:
      return 9;  // compute capability
    case 81:
      return 228 << 10;  // shared memory of a multiprocessor
    case 82:
      return 65'536;  // registers of a multiprocessor
    case 97:
      return 227 << 10;  // shared memory of a block
    case 115:
      return 1;  // memory pools
    default:
      return 0;
  }
}

}  // namespace

API cuInit(unsigned) {
  return entry("cuInit", [] {
    if (devices().empty()) make_devices();
    return devices().empty() ? NO_DEVICE : SUCCESS;
  });
}
API cuDriverGetVersion(int* version) {
  return entry("cuDriverGetVersion", [&] { return *version = settings().version, SUCCESS; });
}
API cuGetErrorName(int status, const char** name) {
  return entry("cuGetErrorName", [&] {
    *name = status_name(status);
    return *name == nullptr ? INVALID_VALUE : SUCCESS;
  });
}
API cuGetErrorString(int status, const char** text) {
  return entry("cuGetErrorString", [&] {
    *text = status_text(status);
    return *text == nullptr ? INVALID_VALUE : SUCCESS;
  });
}
API cuDeviceGetCount(int* count) {
  return entry("cuDeviceGetCount",
               [&] { return *count = static_cast<int>(devices().size()), SUCCESS; });
}
API cuDeviceGet(int* device, int ordinal) {
  return entry("cuDeviceGet", [&] { return *device = device_of(ordinal).ordinal, SUCCESS; });
}
API cuDeviceGetName(char* name, int length, int device) {
  return entry("cuDeviceGetName", [&] {
    snprintf(name, length, "Emulated GPU %d", device_of(device).ordinal);
    return SUCCESS;
  });
}
API cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
  return entry("cuDeviceGetUuid_v2", [&] {
    memset(uuid, 0, 16);
    uuid[15] = static_cast<unsigned char>(device_of(device).ordinal);
    return SUCCESS;
  });
}
API cuDeviceGetPCIBusId(char* id, int length, int device) {
  return entry("cuDeviceGetPCIBusId", [&] {
    snprintf(id, length, "0000:%02X:00.0", device_of(device).ordinal + 1);
    return SUCCESS;
  });
}
API cuDeviceTotalMem_v2(size_t* bytes, int device) {
  return entry("cuDeviceTotalMem_v2",
               [&] { return *bytes = device_of(device).arena->bytes(), SUCCESS; });
}
API cuDeviceGetAttribute(int* value, int attribute, int device) {
  return entry("cuDeviceGetAttribute", [&] {
    device_of(device);
    return *value = attribute_of(attribute), SUCCESS;
  });
}
API cuDeviceCanAccessPeer(int* can, int device, int peer) {
  return entry("cuDeviceCanAccessPeer", [&] {
    *can = settings().peers && &device_of(device) != &device_of(peer) ? 1 : 0;
    return SUCCESS;
  });
}

API cuDevicePrimaryCtxRetain(Context** context, int device) {
  return entry("cuDevicePrimaryCtxRetain", [&] {
    *context = &device_of(device).context;
    (*context)->retained++;
    return SUCCESS;
  });
}
API cuDevicePrimaryCtxRelease_v2(int device) {
  return entry("cuDevicePrimaryCtxRelease_v2", [&] {
    Context& context = device_of(device).context;
    if (context.retained == 0) throw Failure{INVALID_CONTEXT, "the context is not retained"};
    if (--context.retained == 0) destroy(context);
    return SUCCESS;
  });
}
API cuCtxSetCurrent(Context* context) {
  return entry("cuCtxSetCurrent", [&] {
    current() = context == nullptr ? nullptr : &context_of(context);
    return SUCCESS;
  });
}
API cuCtxGetCurrent(Context** context) {
  return entry("cuCtxGetCurrent", [&] { return *context = current(), SUCCESS; });
}
API cuCtxSynchronize() {
  return entry_in_context("cuCtxSynchronize", [] { return finish(current_context()), SUCCESS; });
}
API cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  return entry_in_context("cuCtxGetStreamPriorityRange",
                          [&] { return *least = 0, *greatest = -5, SUCCESS; });
}
API cuCtxEnablePeerAccess(Context* peer, unsigned flags) {
  return entry_in_context("cuCtxEnablePeerAccess", [&] {
    const Device& other = *context_of(peer).device;
    if (flags != 0) throw Failure{INVALID_VALUE, "flags must be 0"};
    if (!settings().peers || &other == &current_device())
      throw Failure{PEER_ACCESS_UNSUPPORTED, "this GPU cannot access that one"};
    const bool is_new = current_context().peers.insert(&other).second;
    return is_new ? SUCCESS : PEER_ACCESS_ALREADY_ENABLED;
  });
}
API cuCtxDisablePeerAccess(Context* peer) {
  return entry_in_context("cuCtxDisablePeerAccess", [&] {
    finish(current_context());
    const bool was_enabled = current_context().peers.erase(context_of(peer).device) == 1;
    return was_enabled ? SUCCESS : PEER_ACCESS_NOT_ENABLED;
  });
}
