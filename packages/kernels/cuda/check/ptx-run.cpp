#include <climits>
#include <stdexcept>
#include <string>

#include "ptx.h"

namespace ptx {
namespace {

constexpr uint64_t POISON = ~0ULL;

uint32_t taken_lanes(const Warp& warp, const Instruction& instruction, uint32_t mask) {
  if (instruction.guard < 0) return mask;
  uint32_t taken = 0;
  for (int lane = 0; lane < LANES; lane++) {
    const bool value = (warp.registers[instruction.guard * LANES + lane] & 1) != 0;
    if (value != instruction.guard_negated) taken |= 1U << lane;
  }
  return taken & mask;
}

void set_pc(Warp& warp, uint32_t lanes, int pc) {
  for (int lane = 0; lane < LANES; lane++)
    if ((lanes >> lane & 1) != 0) warp.pc[lane] = pc;
}

// Runs a warp until all of its lanes have ended or wait at the barrier.
void run_warp(const Kernel& kernel, Warp& warp) {
  while (warp.running != 0) {
    int pc = INT_MAX, others = INT_MAX;
    uint32_t mask = 0;
    for (int lane = 0; lane < LANES; lane++)
      if ((warp.running >> lane & 1) != 0 && warp.pc[lane] < pc) pc = warp.pc[lane];
    for (int lane = 0; lane < LANES; lane++) {
      if ((warp.running >> lane & 1) == 0) continue;
      if (warp.pc[lane] == pc)
        mask |= 1U << lane;
      else if (warp.pc[lane] < others)
        others = warp.pc[lane];
    }
    // These lanes go on together until they meet others or part.
    while (pc < others) {
      const Instruction& instruction = kernel.code[static_cast<size_t>(pc)];
      const uint32_t taken = taken_lanes(warp, instruction, mask);
      pc++;
      if (instruction.flow == NEXT) {
        if (taken != 0) instruction.handler(warp, instruction, taken);
        continue;
      }
      set_pc(warp, mask, pc);
      if (instruction.flow == BRANCH) set_pc(warp, taken, instruction.target);
      if (instruction.flow == RETURN || instruction.flow == BARRIER) warp.running &= ~taken;
      if (instruction.flow == BARRIER) warp.waiting |= taken;
      if (instruction.flow != BRANCH || taken != mask) {
        mask = 0;
        break;
      }
      pc = instruction.target;
    }
    if (mask != 0) set_pc(warp, mask, pc);
  }
}

void prepare(Block& block, const Kernel& kernel, const check::Launch& launch,
             const unsigned (&index)[3]) {
  block.shared.assign(launch.shared_bytes, 0xff);
  block.warps.assign((launch.threads + LANES - 1) / LANES, Warp{});
  for (size_t w = 0; w < block.warps.size(); w++) {
    Warp& warp = block.warps[w];
    warp.block = &block;
    warp.registers.assign(static_cast<size_t>(kernel.num_registers) * LANES, POISON);
    for (int lane = 0; lane < LANES; lane++) {
      const unsigned thread = static_cast<unsigned>(w) * LANES + static_cast<unsigned>(lane);
      if (thread < launch.threads) warp.running |= 1U << lane;
      warp.pc[lane] = 0;
      auto set = [&](const char* name, unsigned value) {
        warp.set({kernel.special.at(name), 0}, lane, value);
      };
      set("%tid.x", thread);
      set("%tid.y", 0);
      set("%tid.z", 0);
      set("%ctaid.x", index[0]);
      set("%ctaid.y", index[1]);
      set("%ctaid.z", index[2]);
      set("%ntid.x", launch.threads);
      set("%ntid.y", 1);
      set("%ntid.z", 1);
      set("%nctaid.x", launch.grid[0]);
      set("%nctaid.y", launch.grid[1]);
      set("%nctaid.z", launch.grid[2]);
      set("%laneid", static_cast<unsigned>(lane));
    }
  }
}

void run_block(Block& block, const Kernel& kernel) {
  for (;;) {
    bool waits = false;
    for (Warp& warp : block.warps) {
      run_warp(kernel, warp);
      waits = waits || warp.waiting != 0;
    }
    if (!waits) break;
    for (Warp& warp : block.warps) {
      warp.running = warp.waiting;
      warp.waiting = 0;
    }
  }
  for (const Warp& warp : block.warps)
    for (const auto& copies : warp.copies)
      if (!copies.empty()) throw std::runtime_error("copies that were not waited for");
}

// Puts the arguments into the instructions that load them.
Kernel with_arguments(Kernel kernel, const check::Launch& launch, const check::Memory& memory) {
  for (Instruction& instruction : kernel.code)
    if (instruction.opcode.rfind("ld.param", 0) == 0)
      instruction.operands[1].value =
          memory.word(launch.arguments[instruction.operands[1].value]) >> (8 * instruction.offset);
  return kernel;
}

}  // namespace

unsigned char* Block::at_shared(uint64_t address, size_t bytes) {
  if (address + bytes > shared.size() || address + bytes < address)
    throw std::runtime_error("an access outside shared memory");
  if (address % bytes != 0) throw std::runtime_error("an access that is not aligned");
  return shared.data() + address;
}

unsigned char* Block::at_global(uint64_t address, size_t bytes) const {
  if (!memory->holds(address, bytes)) throw std::runtime_error("an access outside device memory");
  if (address % bytes != 0) throw std::runtime_error("an access that is not aligned");
  return reinterpret_cast<unsigned char*>(address);
}

void run(const Kernel& kernel, const check::Launch& launch, const check::Memory& memory) {
  if (launch.arguments.size() != kernel.parameters.size())
    throw std::runtime_error(launch.kernel + " has another number of arguments");
  const Kernel loaded = with_arguments(kernel, launch, memory);
  Block block{&memory, {}, {}};
  for (unsigned z = 0; z < launch.grid[2]; z++)
    for (unsigned y = 0; y < launch.grid[1]; y++)
      for (unsigned x = 0; x < launch.grid[0]; x++) {
        prepare(block, loaded, launch, {x, y, z});
        run_block(block, loaded);
      }
}

}  // namespace ptx
