#include "simt.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "switch.h"

// This file is never instrumented: ThreadSanitizer would report its own state as a race. It tells the
// sanitizer of the fibers, and which of them waited for which.
#if defined(SIMT_TSAN)
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* at);
void __tsan_release(void* at);
}
#define TSAN(call) call
#else
#define TSAN(call)
#endif

namespace simt {

thread_local Fiber* self = nullptr;
thread_local Dim3 block_index, block_dim, grid_dim;
thread_local unsigned char* shared_memory = nullptr;
thread_local size_t shared_bytes = 0;

namespace {

constexpr size_t STACK_BYTES = 64 << 10, PAGE_BYTES = 4096;
constexpr int MAX_THREADS = 1024, MAX_WARPS = MAX_THREADS / WARP;

uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// Fibers of one OS thread, kept from block to block.
struct Machine {
  std::vector<Fiber> fibers;
  uint32_t
      ready[MAX_WARPS];  // by warp in the schedule's order: its lanes, in their order, that can run
  Fiber* at[MAX_WARPS * WARP];  // the fiber at each place of the schedule
  int warps = 0;
  int arrived[MAX_WARPS];  // lanes of a warp at its instruction
  void* home = nullptr;    // stack pointer of the scheduler
  const std::function<void()>* body = nullptr;
  int count = 0, live = 0, at_barrier = 0;
  std::exception_ptr failure;
  unsigned char* shared = nullptr;
  size_t mapped_bytes = 0;
#if defined(SIMT_TSAN)
  std::vector<void*> tsan;
  void* tsan_home = nullptr;
  // Begin and end of a block have marks of their own: one for both would order what a missing barrier
  // leaves unordered.
  char barrier_mark[2], warp_mark[MAX_WARPS], begin, end;
  int generation = 0;
#endif

  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() {
    for (Fiber& fiber : fibers)
      if (fiber.stack != nullptr) munmap(fiber.stack, STACK_BYTES + PAGE_BYTES);
    if (shared != nullptr) munmap(shared, mapped_bytes);
#if defined(SIMT_TSAN)
    for (void* fiber : tsan) __tsan_destroy_fiber(fiber);
#endif
  }
};

// `machine` is a plain pointer: a thread_local with a destructor is checked at each use.
struct Owner {
  Machine* machine = nullptr;
  ~Owner() { delete machine; }
};
thread_local Owner owner;
thread_local Machine* machine = nullptr;

void make_runnable(Machine& m, Fiber& fiber) {
  fiber.state = RUNNABLE;
  m.ready[fiber.place / WARP] |= 1u << fiber.place % WARP;
}

void suspend(Machine& m, Fiber& fiber, State state) {
  fiber.state = state;
  m.ready[fiber.place / WARP] &= ~(1u << fiber.place % WARP);
}

// Switches to a fiber, or to the scheduler when `to` is null.
void switch_to(void** from, Fiber* to) {
  Machine& m = *machine;
  TSAN(__tsan_switch_to_fiber(to == nullptr ? m.tsan_home : m.tsan[to->index], 1));
  self = to;
  simt_switch(from, to == nullptr ? m.home : to->stack_pointer);
}

// Switches to the next runnable lane of the warp, or of the next warp that has one; to the scheduler when
// there is none.
void yield() {
  Machine& m = *machine;
  Fiber* from = self;
  int warp = from->place / WARP;
  const uint32_t later = m.ready[warp] & ~((2u << from->place % WARP) - 1);
  uint32_t lanes = later != 0 ? later : m.ready[warp];
  for (int i = 0; lanes == 0 && i < m.warps; i++) {
    warp = warp + 1 < m.warps ? warp + 1 : 0;
    lanes = m.ready[warp];
  }
  Fiber* next = lanes == 0 ? nullptr : m.at[warp * WARP + __builtin_ctz(lanes)];
  if (next != from) switch_to(&from->stack_pointer, next);
}

void open_barrier(Machine& m) {
  m.at_barrier = 0;
#if defined(SIMT_TSAN)
  m.generation++;
#endif
  for (int i = 0; i < m.count; i++)
    if (m.fibers[i].state == AT_BARRIER) make_runnable(m, m.fibers[i]);
}

void leave() {
  Machine& m = *machine;
  suspend(m, *self, DONE);
  m.live--;
  // A barrier counts the threads that have not ended.
  if (m.live > 0 && m.at_barrier == m.live) open_barrier(m);
  TSAN(__tsan_release(&m.end));
  yield();
  std::abort();
}

// The first function on a fiber's stack.
void enter() {
  TSAN(__tsan_acquire(&machine->begin));
  try {
    (*machine->body)();
    if (self->copies.count > 0)
      throw std::runtime_error("a thread ended with asynchronous copies that it did not wait for");
  } catch (...) {
    if (!machine->failure) machine->failure = std::current_exception();
  }
  leave();
}

void prepare(Fiber& fiber) {
  if (fiber.stack == nullptr) {
    void* at = mmap(nullptr, STACK_BYTES + PAGE_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::runtime_error("no memory for a fiber's stack");
    mprotect(at, PAGE_BYTES, PROT_NONE);
    fiber.stack = at;
  }
  fiber.stack_pointer =
      new_stack(static_cast<char*>(fiber.stack) + STACK_BYTES + PAGE_BYTES, enter);
  fiber.copies.count = fiber.copies.groups = 0;
}

// Names each place at which fibers wait, and the first of them.
std::string describe(const Machine& m) {
  std::string text = "block (" + std::to_string(block_index.x) + ", " +
                     std::to_string(block_index.y) + ", " + std::to_string(block_index.z) +
                     ") is deadlocked:";
  std::vector<std::string> places;
  for (int i = 0; i < m.count; i++) {
    const Fiber& fiber = m.fibers[i];
    if (fiber.state == RUNNABLE || fiber.state == DONE) continue;
    const std::string place = fiber.state == AT_BARRIER ? "__syncthreads" : fiber.at;
    bool known = false;
    for (const std::string& other : places) known = known || other == place;
    if (known) continue;
    text += places.empty() ? " thread " : ", thread ";
    text += std::to_string(i) + " waits at " + place;
    places.push_back(place);
  }
  return text;
}

void prepare_shared(Machine& m, size_t bytes) {
  const size_t needed = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES + PAGE_BYTES;
  if (needed > m.mapped_bytes) {
    if (m.shared != nullptr) munmap(m.shared, m.mapped_bytes);
    void* at = mmap(nullptr, needed, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::runtime_error("no memory for a block's shared memory");
    m.shared = static_cast<unsigned char*>(at);
    m.mapped_bytes = needed;
    mprotect(m.shared + needed - PAGE_BYTES, PAGE_BYTES, PROT_NONE);
  }
  shared_memory = m.shared + m.mapped_bytes - PAGE_BYTES - (bytes + 127) / 128 * 128;
  shared_bytes = bytes;
  std::memset(shared_memory, 0xff, bytes);
}

// Puts the fibers into the order of the schedule.
void arrange(Machine& m, const Launch& launch) {
  int order[MAX_WARPS];
  const uint64_t schedule = launch.options.schedule;
  for (int i = 0; i < m.warps; i++) order[i] = schedule == 1 ? m.warps - 1 - i : i;
  uint64_t seed = schedule;
  if (schedule > 1)
    for (int i = m.warps - 1; i > 0; i--) std::swap(order[i], order[(seed = mix(seed)) % (i + 1)]);
  for (int w = 0; w < m.warps; w++) {
    m.ready[w] = 0;
    m.arrived[w] = 0;
    // A seed also turns the order of lanes around in some warps.
    const bool descending = schedule == 1 || (schedule > 1 && (mix(schedule + w) & 1) != 0);
    for (int j = 0; j < WARP; j++) {
      const int index = order[w] * WARP + (descending ? WARP - 1 - j : j);
      if (index >= m.count) continue;
      Fiber& fiber = m.fibers[index];
      prepare(fiber);
      fiber.index = index;
      fiber.lane = index % WARP;
      fiber.warp = order[w];
      fiber.place = w * WARP + j;
      const unsigned i = static_cast<unsigned>(index), x = launch.block.x, y = launch.block.y;
      fiber.thread = {i % x, i / x % y, i / (x * y)};
      m.at[fiber.place] = &fiber;
      make_runnable(m, fiber);
    }
  }
}

void run_block(const Launch& launch, const std::function<void()>& body) {
  if (machine == nullptr) machine = owner.machine = new Machine();
  Machine& m = *machine;
  const unsigned count = launch.block.x * launch.block.y * launch.block.z;
  if (count < 1 || count > MAX_THREADS) throw std::runtime_error("a block has 1 to 1024 threads");
  if (m.fibers.size() < count) m.fibers.resize(count);
  m.count = m.live = static_cast<int>(count);
  m.warps = (m.count + WARP - 1) / WARP;
  m.at_barrier = 0;
  m.body = &body;
  m.failure = nullptr;
#if defined(SIMT_TSAN)
  if (m.tsan_home == nullptr) m.tsan_home = __tsan_get_current_fiber();
  while (m.tsan.size() < count) m.tsan.push_back(__tsan_create_fiber(0));
#endif
  prepare_shared(m, launch.shared_bytes);
  arrange(m, launch);
  TSAN(__tsan_release(&m.begin));
  for (int w = 0; w < m.warps; w++) {
    if (m.ready[w] == 0) continue;
    switch_to(&m.home, m.at[w * WARP + __builtin_ctz(m.ready[w])]);
    break;
  }
  self = nullptr;
  TSAN(__tsan_acquire(&m.end));
  if (m.failure) std::rethrow_exception(m.failure);
  if (m.live > 0) throw std::runtime_error(describe(m));
}

}  // namespace

void barrier() {
  Machine& m = *machine;
#if defined(SIMT_TSAN)
  char* mark = &m.barrier_mark[m.generation % 2];
#endif
  TSAN(__tsan_release(mark));
  if (++m.at_barrier == m.live) {
    open_barrier(m);
  } else {
    suspend(m, *self, AT_BARRIER);
    yield();
  }
  TSAN(__tsan_acquire(mark));
}

void warp_instruction(const char* name, unsigned mask, void* operands, Act act) {
  Machine& m = *machine;
  Fiber* me = self;
  me->operands = operands;
  me->at = name;
  me->mask = mask;
  const int first = me->warp * WARP, wanted = __builtin_popcount(mask);
  TSAN(__tsan_release(&m.warp_mark[me->warp]));
  if (++m.arrived[me->warp] >= wanted) {
    void* all[WARP] = {};
    bool complete = true;
    for (int lane = 0; lane < WARP && complete; lane++) {
      if ((mask >> lane & 1) == 0) continue;
      complete = first + lane < m.count;
      if (!complete) break;
      const Fiber& other = m.fibers[first + lane];
      complete = &other == me || (other.state == AT_WARP && other.at == name && other.mask == mask);
      all[lane] = other.operands;
    }
    if (complete) {
      m.arrived[me->warp] -= wanted;
      TSAN(__tsan_acquire(&m.warp_mark[me->warp]));
      act(all, mask);
      TSAN(__tsan_release(&m.warp_mark[me->warp]));
      for (int lane = 0; lane < WARP; lane++)
        if ((mask >> lane & 1) != 0 && first + lane != me->index)
          make_runnable(m, m.fibers[first + lane]);
      return;
    }
  }
  suspend(m, *me, AT_WARP);
  yield();
  TSAN(__tsan_acquire(&m.warp_mark[me->warp]));
}

void* shared_struct(size_t bytes) {
  if (bytes != shared_bytes)
    throw std::runtime_error("the kernel needs " + std::to_string(bytes) +
                             " bytes of shared memory, the launch has " +
                             std::to_string(shared_bytes));
  return shared_memory;
}

void run(const Launch& launch, const std::function<void()>& body) {
  const long blocks = static_cast<long>(launch.grid.x) * launch.grid.y * launch.grid.z;
  std::atomic<long> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  auto work = [&] {
    block_dim = launch.block;
    grid_dim = launch.grid;
    for (long i; (i = next.fetch_add(1)) < blocks;) {
      const long at = launch.options.schedule == 1 ? blocks - 1 - i : i;
      block_index = {static_cast<unsigned>(at % launch.grid.x),
                     static_cast<unsigned>(at / launch.grid.x % launch.grid.y),
                     static_cast<unsigned>(at / launch.grid.x / launch.grid.y)};
      try {
        run_block(launch, body);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!failure) failure = std::current_exception();
        next.store(blocks);
      }
    }
  };
  std::vector<std::thread> helpers;
  for (int i = 1; i < launch.options.threads && i < blocks; i++) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace simt
