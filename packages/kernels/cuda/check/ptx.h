// An interpreter of the PTX that nvcc or NVRTC makes of the kernels: it checks what a compiler made, inline
// instructions included, which the emulation of the source never sees.
//
// - Instructions are those that kernels of this project were compiled to. Any other one ends the run with its
//   name: in particular a float32 operation without `.rn`, which ptxas may contract.
// - A warp runs the lanes with the lowest address first, so that lanes meet again where their ways join.
// - Asynchronous copies happen when they are waited for. Shared memory and registers hold NaNs at first.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "case-file.h"

namespace ptx {

constexpr int LANES = 32, MAX_OPERANDS = 6;

struct Block;
struct Warp;
struct Instruction;

// Executes an instruction for the lanes of `mask`.
using Handler = void (*)(Warp& warp, const Instruction& instruction, uint32_t mask);
// Returns null for an instruction that the interpreter does not know.
Handler handler_of(const std::string& opcode);

// A register, or, where `index` is negative, a value.
struct Operand {
  int index = -1;
  uint64_t value = 0;
};

// What control flow does after an instruction.
enum Flow : uint8_t { NEXT, BRANCH, RETURN, BARRIER };

struct Instruction {
  std::string opcode;
  Handler handler = nullptr;
  Flow flow = NEXT;
  int guard = -1;  // a predicate register
  bool guard_negated = false;
  int target = 0;      // of a branch
  int count = 0;       // operands
  int64_t offset = 0;  // of the address
  Operand operands[MAX_OPERANDS];
};

struct Kernel {
  std::vector<Instruction> code;
  std::vector<std::string> parameters;  // in order
  int num_registers = 0;
  std::map<std::string, int> special;  // registers that hold %tid.x and so on
};

// The kernels of a PTX file, by name. Throws std::runtime_error on what the interpreter does not know.
std::map<std::string, Kernel> parse(const std::string& text);

struct Copy {
  uint64_t to, from;
  int bytes, copied;
};

struct Warp {
  Block* block;
  std::vector<uint64_t> registers;  // [register][lane]
  int pc[LANES];
  uint32_t running = 0, waiting = 0;  // lanes; those that wait at the block's barrier
  std::array<std::vector<Copy>, LANES> copies;
  std::array<std::vector<size_t>, LANES> groups;  // where groups of copies end

  uint64_t get(const Operand& operand, int lane) const {
    return operand.index < 0 ? operand.value : registers[operand.index * LANES + lane];
  }
  void set(const Operand& operand, int lane, uint64_t value) {
    registers[operand.index * LANES + lane] = value;
  }
};

struct Block {
  const check::Memory* memory;
  std::vector<unsigned char> shared;
  std::vector<Warp> warps;

  unsigned char* at_shared(uint64_t address, size_t bytes);
  unsigned char* at_global(uint64_t address, size_t bytes) const;
};

// Runs all blocks of a launch.
void run(const Kernel& kernel, const check::Launch& launch, const check::Memory& memory);

}  // namespace ptx
