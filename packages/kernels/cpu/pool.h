// The threads of one device.
//
// - Work is handed out by tickets: the calling thread works too, and at the end it waits only for
//   tasks that others have already taken, never for a thread that has not woken up.
// - A thread without work spins for a moment, then sleeps.
// - A task that throws ends like any other; when all have ended, `run` throws std::bad_alloc. The
//   caller's frame, which the tasks work on, is never left while a task runs.
// - Nothing is static: several devices live side by side, each with its own threads.
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
  // Throws std::system_error when the system gives no more threads, or std::bad_alloc.
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

  // 24 bits of generation, 20 bits of the next task, 20 bits of the number of tasks: one word, so
  // that a late thread can never take a task of a job that has ended.
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
