// Tests of the thread pool that JavaScript cannot make: tasks that throw on any thread, scratch memory
// that cannot be had, threads that come late. A program of its own, so that sanitizers see all of it.
#include "pool.h"

#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

using namespace gumshoe;

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  failures++;
  std::fprintf(stderr, "failed: %s\n", what);
}

// A task that fails on chosen numbers, in whichever thread takes them.
bool throws_bad_alloc(Pool& pool, long tasks, long failing, std::vector<int>& done) {
  auto body = [&](long task, int) {
    if (task % failing == failing - 1) throw std::bad_alloc();
    done[task] = 1;
  };
  try {
    parallel(pool, tasks, body);
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

void test_failing_tasks() {
  for (int threads : {1, 2, 4, 8}) {
    Pool pool(threads);
    for (int turn = 0; turn < 200; turn++) {
      std::vector<int> done(64, 0);
      expect(throws_bad_alloc(pool, 64, 5, done), "a task's bad_alloc reaches the caller");
      std::vector<int> after(64, 0);
      auto body = [&](long task, int) { after[task] += 1; };
      parallel(pool, 64, body);
      for (int count : after) expect(count == 1, "each task runs once after a failure");
    }
  }
}

void test_scratch_that_cannot_be_had() {
  Pool pool(4);
  auto body = [&](long task, int worker) {
    float* small = pool.scratch(worker, 1000);
    small[0] = static_cast<float>(task);
    pool.scratch(worker, 1L << 60);
  };
  bool failed = false;
  try {
    parallel(pool, 32, body);
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  expect(failed, "scratch beyond memory is a bad_alloc");
  expect(pool.scratch(0, 1000) != nullptr, "what was there before is there afterwards");
}

void test_many_short_jobs() {
  Pool pool(4);
  long sum = 0;
  for (int turn = 0; turn < 20000; turn++) {
    long parts[3] = {0, 0, 0};
    auto body = [&](long task, int) { parts[task] = task + 1; };
    parallel(pool, 3, body);
    sum += parts[0] + parts[1] + parts[2];
  }
  expect(sum == 6L * 20000, "every task of every job has run when run returns");
}

}  // namespace

int main() {
  test_failing_tasks();
  test_scratch_that_cannot_be_had();
  test_many_short_jobs();
  std::printf("pool: %s\n", failures == 0 ? "ok" : "failed");
  return failures == 0 ? 0 : 1;
}
