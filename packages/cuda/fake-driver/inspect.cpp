// Functions that only the emulated driver has: for tests.
#include <cstdint>
#include <cstring>
#include <string>

#include "calls.h"
#include "device.h"
#include "memory.h"
#include "modules.h"
#include "settings.h"
#include "shared-state.h"
#include "streams.h"

using namespace emulated;

#define INSPECT extern "C" __attribute__((visibility("default")))

// Changes a setting (settings.h), e.g. "schedule", "7". Returns 0, or 1 when there is no such setting.
INSPECT int gumshoeEmulatedSet(const char* name, const char* value) {
  if (strcmp(name, "faults") == 0) return plant_faults(value) ? 0 : 1;
  return set_setting(name, value) ? 0 : 1;
}

// What the last failure was.
INSPECT const char* gumshoeEmulatedFailure() { return last_failure().c_str(); }

// How often an entry point was called.
INSPECT size_t gumshoeEmulatedCalls(const char* name) { return calls_of(name); }

// How many of something are there: "memory", "streams", "events", "graphs", "modules", "pinned".
INSPECT size_t gumshoeEmulatedLive(const char* kind) {
  const std::string asked = kind;
  if (asked == "memory") return allocations().size();
  if (asked == "streams") return live_streams();
  if (asked == "events") return live_events();
  if (asked == "graphs") return live_graphs();
  if (asked == "modules") return live_modules();
  if (asked == "pinned") return host_ranges().size();
  return SIZE_MAX;
}

// Puts work of another emulated library into a stream; it may touch the device memory of the stream's GPU while it
// runs. Returns the status of a driver call.
INSPECT int gumshoeEmulatedEnqueue(void* stream_handle, void (*work)(void*), void* data) {
  return entry_in_context("gumshoeEmulatedEnqueue", [&] {
    Stream* stream = stream_of(stream_handle);
    const Device& device = stream == nullptr ? current_device() : *stream->context->device;
    enqueue(stream, [=, &device] {
      open_memory(device);
      work(data);
    });
    return SUCCESS;
  });
}
