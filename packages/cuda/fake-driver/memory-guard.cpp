#include "memory-guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>

#include <initializer_list>
#include <map>

namespace emulated {
namespace {

constexpr size_t HANDLER_STACK_BYTES = 64 << 10;

struct Guard {
  sigjmp_buf back;
  const void* touched;
};
thread_local Guard* guard = nullptr;

std::map<int, struct sigaction>& previous() {
  static auto* all = new std::map<int, struct sigaction>();
  return *all;
}

void handle(int signal, siginfo_t* about, void*) {
  if (guard != nullptr) {
    // Address 0 is an address too.
    guard->touched = about->si_addr == nullptr ? reinterpret_cast<void*>(1) : about->si_addr;
    siglongjmp(guard->back, 1);
  }
  // Not ours: what was there before sees it when the instruction is tried again.
  sigaction(signal, &previous()[signal], nullptr);
}

}  // namespace

const void* guarded(const std::function<void()>& work) {
  // A kernel's thread may have used up its own stack.
  thread_local void* stack = malloc(HANDLER_STACK_BYTES);
  stack_t handler_stack = {}, stack_before = {};
  handler_stack.ss_sp = stack;
  handler_stack.ss_size = HANDLER_STACK_BYTES;
  sigaltstack(&handler_stack, &stack_before);
  struct sigaction action = {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (const int signal : {SIGSEGV, SIGBUS}) sigaction(signal, &action, &previous()[signal]);
  Guard here = {};
  guard = &here;
  if (sigsetjmp(here.back, 1) == 0) work();
  guard = nullptr;
  for (const int signal : {SIGSEGV, SIGBUS}) sigaction(signal, &previous()[signal], nullptr);
  sigaltstack(&stack_before, nullptr);
  return here.touched;
}

}  // namespace emulated
