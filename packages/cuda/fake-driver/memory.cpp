#include "memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "device.h"

namespace emulated {
namespace {

constexpr size_t PAGE = 4096;
// What cuMemAlloc aligns to.
constexpr size_t ALIGNMENT = 256;
// Addresses of a GPU: none is given twice, so there are many more than it has memory.
constexpr size_t ADDRESSES = size_t(1) << 38;
constexpr size_t ADDRESS_FACTOR = 4;
constexpr unsigned char NAN_BYTE = 0xff;

size_t round_up(size_t value, size_t to) { return (value + to - 1) / to * to; }

void* map(void* at, size_t bytes, int protection, int file, size_t offset) {
  const int flags = MAP_SHARED | MAP_NORESERVE | (at == nullptr ? 0 : MAP_FIXED);
  void* mapped = mmap(at, bytes, protection, flags, file, static_cast<off_t>(offset));
  if (mapped == MAP_FAILED) throw Failure{OPERATING_SYSTEM, "memory cannot be mapped"};
  return mapped;
}

Allocation& find_in(Pointer at, size_t bytes, const char* what) {
  auto next = allocations().upper_bound(at);
  if (next != allocations().begin()) {
    Allocation& found = (--next)->second;
    if (at + bytes <= found.begin + found.bytes) return found;
  }
  throw Failure{INVALID_VALUE, std::to_string(bytes) + " bytes at " + std::to_string(at) +
                                   " are not in memory that is allocated (" + what + ")"};
}

// Returns where the driver sees these bytes when a stream gets to work on them.
unsigned char* reach(Pointer at, size_t bytes, const Device& device) {
  try {
    const Allocation& found = find(at, bytes, device);
    if (found.is_live) return found.window + (at - found.begin);
  } catch (const Failure& failure) {
    throw Failure{ILLEGAL_ADDRESS, failure.why};
  }
  throw Failure{ILLEGAL_ADDRESS, "the memory at " + std::to_string(at) +
                                     " is of a pool, and its stream has not allocated it yet"};
}

}  // namespace

Arena::Arena(size_t bytes)
    : bytes_(bytes), reserved_(std::max(ADDRESSES, round_up(bytes, PAGE) * ADDRESS_FACTOR)) {
  file_ = memfd_create("emulated-gpu", MFD_CLOEXEC);
  if (file_ < 0 || ftruncate(file_, static_cast<off_t>(reserved_)) != 0)
    throw Failure{OPERATING_SYSTEM, "there is no memory for an emulated GPU"};
  addresses_ = static_cast<unsigned char*>(map(nullptr, reserved_, PROT_NONE, file_, 0));
  window_ = static_cast<unsigned char*>(map(nullptr, reserved_, PROT_READ | PROT_WRITE, file_, 0));
}

Allocation Arena::take(size_t bytes) {
  const size_t page_bytes = round_up(bytes, PAGE);
  // A closed page lies between this one and the next.
  if (bytes > bytes_ - used_ || next_ + page_bytes + PAGE > reserved_)
    throw Failure{OUT_OF_MEMORY, std::to_string(bytes) + " bytes asked for, " +
                                     std::to_string(free_bytes()) + " free"};
  const size_t skip = page_bytes - round_up(bytes, ALIGNMENT);
  Allocation made;
  made.bytes = bytes;
  made.first_page = reinterpret_cast<Pointer>(addresses_ + next_);
  made.page_bytes = page_bytes;
  made.file_offset = next_;
  made.begin = made.first_page + skip;
  made.window = window_ + next_ + skip;
  memset(made.window, NAN_BYTE, bytes);
  next_ += page_bytes + PAGE;
  used_ += page_bytes;
  return made;
}

void Arena::give_back(const Allocation& allocation) {
  used_ -= allocation.page_bytes;
  mprotect(reinterpret_cast<void*>(allocation.first_page), allocation.page_bytes, PROT_NONE);
  fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
            static_cast<off_t>(allocation.file_offset), static_cast<off_t>(allocation.page_bytes));
}

Allocation map_import(int file, const Allocation& place) {
  Allocation made = place;
  const size_t skip = place.begin - place.first_page;
  void* addresses = map(nullptr, place.page_bytes, PROT_NONE, file, place.file_offset);
  void* window = map(nullptr, place.page_bytes, PROT_READ | PROT_WRITE, file, place.file_offset);
  made.first_page = reinterpret_cast<Pointer>(addresses);
  made.begin = made.first_page + skip;
  made.window = static_cast<unsigned char*>(window) + skip;
  made.is_imported = true;
  return made;
}

void unmap_import(const Allocation& allocation) {
  const size_t skip = allocation.begin - allocation.first_page;
  munmap(reinterpret_cast<void*>(allocation.first_page), allocation.page_bytes);
  munmap(allocation.window - skip, allocation.page_bytes);
}

std::map<Pointer, Allocation>& allocations() {
  static auto* all = new std::map<Pointer, Allocation>();
  return *all;
}

bool can_access(const Device& device, const Allocation& allocation) {
  return allocation.device == &device || device.context.peers.count(allocation.device) == 1;
}

Allocation& find(Pointer at, size_t bytes, const Device& device) {
  Allocation& found = find_in(at, bytes, "of this or another GPU");
  if (can_access(device, found)) return found;
  throw Failure{INVALID_VALUE, "the memory at " + std::to_string(at) + " is GPU " +
                                   std::to_string(found.device->ordinal) + "'s, and GPU " +
                                   std::to_string(device.ordinal) + " has no peer access to it"};
}

std::map<uintptr_t, uintptr_t>& host_ranges() {
  static auto* all = new std::map<uintptr_t, uintptr_t>();
  return *all;
}

bool is_registered(const void* at, size_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(at);
  auto next = host_ranges().upper_bound(begin);
  if (next == host_ranges().begin()) return false;
  --next;
  return begin + bytes <= next->second;
}

Opened::Opened(const Device& device) : device_(device) {
  for (const auto& [begin, allocation] : allocations())
    if (allocation.is_live && can_access(device, allocation))
      mprotect(reinterpret_cast<void*>(allocation.first_page), allocation.page_bytes,
               PROT_READ | PROT_WRITE);
}

Opened::~Opened() {
  for (const auto& [begin, allocation] : allocations())
    if (can_access(device_, allocation))
      mprotect(reinterpret_cast<void*>(allocation.first_page), allocation.page_bytes, PROT_NONE);
}

void copy_to_device(Pointer to, const void* from, size_t bytes, const Device& device) {
  memcpy(reach(to, bytes, device), from, bytes);
}

void copy_to_host(void* to, Pointer from, size_t bytes, const Device& device) {
  memcpy(to, reach(from, bytes, device), bytes);
}

void copy_on_device(Pointer to, Pointer from, size_t bytes, const Device& device) {
  memmove(reach(to, bytes, device), reach(from, bytes, device), bytes);
}

void fill(Pointer to, const void* pattern, size_t pattern_bytes, size_t count,
          const Device& device) {
  unsigned char* target = reach(to, pattern_bytes * count, device);
  const auto* bytes = static_cast<const unsigned char*>(pattern);
  if (std::all_of(bytes, bytes + pattern_bytes, [=](unsigned char b) { return b == bytes[0]; })) {
    memset(target, bytes[0], pattern_bytes * count);
    return;
  }
  for (size_t i = 0; i < count; i++) memcpy(target + i * pattern_bytes, pattern, pattern_bytes);
}

void must_belong(Pointer at, size_t bytes, const Device& device) {
  if (find_in(at, bytes, "of a GPU").device == &device) return;
  throw Failure{INVALID_VALUE, "the memory at " + std::to_string(at) + " is not GPU " +
                                   std::to_string(device.ordinal) + "'s"};
}

void copy_between(Pointer to, const Device& to_device, Pointer from, const Device& from_device,
                  size_t bytes) {
  memmove(reach(to, bytes, to_device), reach(from, bytes, from_device), bytes);
}

}  // namespace emulated
