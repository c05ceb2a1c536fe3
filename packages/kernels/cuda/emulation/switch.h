// Switching between stacks: simt_switch saves the registers that a call preserves and the stack pointer, and
// restores those of the other stack.
#pragma once

#include <cstring>

extern "C" void simt_switch(void** from, void* to);

#if defined(__x86_64__)
asm(R"(
.text
.globl simt_switch
.hidden simt_switch
.type simt_switch,@function
simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_switch,.-simt_switch
)");
#elif defined(__aarch64__)
asm(R"(
.text
.globl simt_switch
.hidden simt_switch
.type simt_switch,%function
simt_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size simt_switch,.-simt_switch
)");
#else
#error "the emulation knows the stacks of x86-64 and of arm64 only"
#endif

namespace simt {

// Returns the stack pointer of a new stack that ends at `top`: the first switch to it calls `entry`.
inline void* new_stack(char* top, void (*entry)()) {
#if defined(__x86_64__)
  constexpr int SAVED_REGISTERS = 6;
  void** pointer = reinterpret_cast<void**>(top);
  *--pointer = nullptr;  // aligned as after a call
  *--pointer = reinterpret_cast<void*>(entry);
  for (int i = 0; i < SAVED_REGISTERS; i++) *--pointer = nullptr;
  return pointer;
#else
  char* pointer = top - 160;
  std::memset(pointer, 0, 160);
  reinterpret_cast<void**>(pointer)[11] = reinterpret_cast<void*>(entry);
  return pointer;
#endif
}

}  // namespace simt
