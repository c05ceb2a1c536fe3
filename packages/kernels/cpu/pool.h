// The threads of one device.
//
// - Threads take tasks from an atomic counter. The calling thread works too, and at the end waits only
//   for tasks that others have already taken, never for a thread that has not woken up.
// - A thread without work spins for a moment, then sleeps.
// - A task that throws counts as done; when all are done, `run` throws std::bad_alloc. It never returns
//   while a task runs, because tasks use the caller's stack frame.
// - No state is static: several devices can exist, each with its own threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "kernels.h"

namespace gumshoe {

// Memory that only grows, aligned to a cache line.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  // Throws std::bad_alloc.
  float* at_least(size_t floats);

 private:
  float* data_ = nullptr;
  size_t floats_ = 0;
};

class Pool {
 public:
  // Throws std::system_error if the system has no threads left, or std::bad_alloc.
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  void run(long tasks, Task task, void* context);
  float* scratch(int worker, long floats) { return scratch_[worker].at_least(floats); }
  float* shared(int slot, long floats) { return shared_[slot].at_least(floats); }

  static constexpr int SHARED_SLOTS = 4;

 private:
  void work(int worker);
  bool take_one(int worker);
  void stop();

  // 24 bits of generation, 20 bits of the next task, 20 bits of the number of tasks: a single word, so that
  // a late thread can never take a task of a job that has ended.
  std::atomic<uint64_t> ticket_{0};
  std::atomic<long> done_{0};
  std::atomic<bool> failed_{false};
  Task task_ = nullptr;
  void* context_ = nullptr;
  std::atomic<uint32_t> wake_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stopping_{false};
  std::vector<Scratch> scratch_;
  Scratch shared_[SHARED_SLOTS];
  std::vector<std::thread> workers_;
};

}  // namespace gumshoe
