#include "shared-state.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace emulated {
namespace {

constexpr char EVENT[8] = "event", MEMORY[8] = "memory";

SharedHandle empty_handle(const char (&magic)[8], int file) {
  SharedHandle handle = {};
  memcpy(handle.magic, magic, sizeof magic);
  handle.process = getpid();
  handle.file = file;
  return handle;
}

// Opens the file that a handle names in its process.
int open_file(const SharedHandle& handle, const char (&magic)[8]) {
  if (memcmp(handle.magic, magic, sizeof magic) != 0)
    throw Failure{INVALID_VALUE, "this is no handle of that kind"};
  if (handle.process == getpid())
    throw Failure{INVALID_CONTEXT, "a process does not open its own handle"};
  const std::string path =
      "/proc/" + std::to_string(handle.process) + "/fd/" + std::to_string(handle.file);
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) throw Failure{INVALID_VALUE, "the process that made the handle is gone"};
  return file;
}

std::shared_ptr<EventState> map_state(int file) {
  void* mapped = mmap(nullptr, sizeof(EventState), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) throw Failure{OPERATING_SYSTEM, "an event cannot be mapped"};
  return {static_cast<EventState*>(mapped),
          [](EventState* state) { munmap(state, sizeof(EventState)); }};
}

}  // namespace

void share(Event& event) {
  event.file = memfd_create("emulated-event", MFD_CLOEXEC);
  if (event.file < 0 || ftruncate(event.file, sizeof(EventState)) != 0)
    throw Failure{OPERATING_SYSTEM, "an event cannot be shared"};
  event.state = map_state(event.file);
  event.is_shared = true;
}

SharedHandle handle_of(const Event& event) {
  if (!event.is_shared || !event.is_ours)
    throw Failure{INVALID_HANDLE, "the event was not made to be shared"};
  return empty_handle(EVENT, event.file);
}

Event* open_event(const SharedHandle& handle) {
  const int file = open_file(handle, EVENT);
  Event* event = make_event(current_context());
  event->keeps_time = false;
  event->is_shared = true;
  event->is_ours = false;
  event->file = file;
  event->state = map_state(file);
  return event;
}

SharedHandle handle_of(const Allocation& allocation) {
  if (allocation.is_imported || allocation.is_pooled)
    throw Failure{INVALID_VALUE, "memory of another process or of a pool is not shared"};
  SharedHandle handle = empty_handle(MEMORY, allocation.device->arena->file());
  handle.ordinal = allocation.device->ordinal;
  handle.skip = static_cast<uint32_t>(allocation.begin - allocation.first_page);
  handle.offset = allocation.file_offset;
  handle.page_bytes = allocation.page_bytes;
  handle.bytes = allocation.bytes;
  return handle;
}

Allocation open_memory(const SharedHandle& handle) {
  const int file = open_file(handle, MEMORY);
  Allocation place;
  place.begin = handle.skip;
  place.page_bytes = handle.page_bytes;
  place.bytes = handle.bytes;
  place.file_offset = handle.offset;
  place.device = &current_device();
  const Allocation made = map_import(file, place);
  close(file);
  return made;
}

}  // namespace emulated
