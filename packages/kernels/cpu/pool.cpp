#include "pool.h"

#include <cstdint>
#include <cstdlib>
#include <new>

namespace gumshoe {

namespace {

constexpr int TASK_BITS = 20;
constexpr uint64_t TASK_MASK = (1ull << TASK_BITS) - 1;
// How often an idle thread polls before it sleeps: some tens of microseconds.
constexpr int SPINS = 4000;
constexpr size_t MAX_FLOATS = SIZE_MAX / (2 * sizeof(float));

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Scratch::~Scratch() { std::free(data_); }

float* Scratch::at_least(size_t floats) {
  if (floats > floats_) {
    if (floats > MAX_FLOATS) throw std::bad_alloc();
    const size_t bytes = (floats * sizeof(float) + 4095) / 4096 * 4096;
    void* fresh = std::aligned_alloc(64, bytes);
    if (fresh == nullptr) throw std::bad_alloc();
    std::free(data_);
    data_ = static_cast<float*>(fresh);
    floats_ = bytes / sizeof(float);
  }
  return data_;
}

Pool::Pool(int threads) : scratch_(threads) {
  workers_.reserve(threads);
  try {
    for (int i = 1; i < threads; i++) workers_.emplace_back([this, i] { work(i); });
  } catch (...) {
    // A std::thread that is not joined before its destructor terminates the process.
    stop();
    throw;
  }
}

Pool::~Pool() { stop(); }

void Pool::stop() {
  stopping_.store(true);
  wake_.fetch_add(1);
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Pool::run(long tasks, Task task, void* context) {
  constexpr long MOST = static_cast<long>(TASK_MASK);
  if (tasks <= 1 || workers_.empty() || tasks > MOST) {
    for (long i = 0; i < tasks; i++) task(context, i, 0);
    return;
  }
  task_ = task;
  context_ = context;
  failed_.store(false, std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  const uint64_t generation = (ticket_.load(std::memory_order_relaxed) >> (2 * TASK_BITS)) + 1;
  ticket_.store((generation << (2 * TASK_BITS)) | static_cast<uint64_t>(tasks),
                std::memory_order_seq_cst);
  wake_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) wake_.notify_all();
  while (take_one(0)) {
  }
  for (int spins = 0; done_.load(std::memory_order_acquire) < tasks; spins++) {
    if (spins < SPINS)
      pause_briefly();
    else
      std::this_thread::yield();
  }
  if (failed_.load(std::memory_order_relaxed)) throw std::bad_alloc();
}

bool Pool::take_one(int worker) {
  uint64_t ticket = ticket_.load(std::memory_order_acquire);
  for (;;) {
    const uint64_t next = (ticket >> TASK_BITS) & TASK_MASK;
    if (next >= (ticket & TASK_MASK)) return false;
    if (ticket_.compare_exchange_weak(ticket, ticket + (1ull << TASK_BITS),
                                      std::memory_order_acq_rel)) {
      try {
        task_(context_, static_cast<long>(next), worker);
      } catch (...) {
        failed_.store(true, std::memory_order_relaxed);
      }
      done_.fetch_add(1, std::memory_order_release);
      return true;
    }
  }
}

void Pool::work(int worker) {
  for (;;) {
    const uint32_t seen = wake_.load(std::memory_order_seq_cst);
    if (stopping_.load()) return;
    while (take_one(worker)) {
    }
    bool woken = false;
    for (int i = 0; i < SPINS && !woken; i++) {
      woken = wake_.load(std::memory_order_relaxed) != seen;
      pause_briefly();
    }
    if (woken) continue;
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    wake_.wait(seen, std::memory_order_seq_cst);
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
  }
}

void pool_run(Pool& pool, long tasks, Task task, void* context) { pool.run(tasks, task, context); }
int pool_threads(const Pool& pool) { return pool.threads(); }
float* pool_scratch(Pool& pool, int worker, long floats) { return pool.scratch(worker, floats); }
float* pool_shared(Pool& pool, int slot, long floats) { return pool.shared(slot, floats); }

}  // namespace gumshoe
