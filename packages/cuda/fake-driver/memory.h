// Device memory: one file without a name for each GPU, mapped twice.
//
// - The window at device addresses is closed (PROT_NONE) unless a kernel runs: a host that touches device
//   memory dies at once. The driver copies through a second window, which no address leads to.
// - A kernel sees the allocations that its GPU may access and nothing else: not what was freed, not another
//   GPU's memory without peer access.
// - An allocation ends, to 256 bytes, where a closed page begins; its address is never given again; it holds NaNs.
// - Another process maps the same file (IPC).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "status.h"

namespace emulated {

using Pointer = uint64_t;

struct Device;

// A part of a device's memory.
struct Allocation {
  Pointer begin = 0;
  size_t bytes = 0;
  Device* device = nullptr;         // whose memory it counts as
  unsigned char* window = nullptr;  // the driver's own view of its first byte
  Pointer first_page = 0;           // what is opened for kernels
  size_t page_bytes = 0;
  size_t file_offset = 0;  // of the first page, in the device's file
  bool is_imported = false;
  bool is_pooled = false;  // by cuMemAllocAsync
  bool is_live = true;     // a pooled one lives when its stream gets there
};

// A GPU's memory.
class Arena {
 public:
  explicit Arena(size_t bytes);
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Reserves addresses and fills them with NaNs. Throws Failure.
  Allocation take(size_t bytes);
  void give_back(const Allocation& allocation);

  int file() const { return file_; }
  size_t bytes() const { return bytes_; }
  size_t free_bytes() const { return bytes_ - used_; }

 private:
  size_t bytes_, reserved_, used_ = 0, next_ = 0;
  int file_ = -1;
  unsigned char* addresses_ = nullptr;
  unsigned char* window_ = nullptr;
};

// Maps memory of another process; throws Failure.
Allocation map_import(int file, const Allocation& place);
void unmap_import(const Allocation& allocation);

// All allocations of this process, by address.
std::map<Pointer, Allocation>& allocations();
// Returns the allocation that holds these bytes; throws Failure INVALID_VALUE when none does, or when `device` may
// not access it.
Allocation& find(Pointer at, size_t bytes, const Device& device);
// Whether a GPU may access an allocation: its own, or a peer's.
bool can_access(const Device& device, const Allocation& allocation);

// Host memory that was registered, from its first byte to behind its last.
std::map<uintptr_t, uintptr_t>& host_ranges();
bool is_registered(const void* at, size_t bytes);

// Opens the memory that a GPU's kernel may access, and no other. It stays open for the kernels after it, until the
// call of the driver that they run in returns to the host.
void open_memory(const Device& device);
void close_memory();

// Throws Failure INVALID_VALUE unless these bytes lie in memory that is a device's own.
void must_belong(Pointer at, size_t bytes, const Device& device);
// What streams do, when they get to it. They throw Failure ILLEGAL_ADDRESS for memory that is gone by then.
void copy_to_device(Pointer to, const void* from, size_t bytes, const Device& device);
void copy_to_host(void* to, Pointer from, size_t bytes, const Device& device);
void copy_on_device(Pointer to, Pointer from, size_t bytes, const Device& device);
void fill(Pointer to, const void* pattern, size_t pattern_bytes, size_t count,
          const Device& device);
void copy_between(Pointer to, const Device& to_device, Pointer from, const Device& from_device,
                  size_t bytes);

}  // namespace emulated
