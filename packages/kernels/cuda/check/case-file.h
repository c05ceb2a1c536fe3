// Recorded cases: an operation's launches, its memory before, and after the CPU's kernel. Written by
// src/conformance/recorded-cases.ts.
//
// A file is float64 numbers and bytes, little-endian. A case is a name; the number of regions, and for each its
// address, its bytes, whether it is compared, and its content before and after; the number of launches, and for
// each the kernel's name, the grid (3), threads, bytes of shared memory, and arguments: type and value. A name
// is its length and its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace check {

enum ArgumentType { POINTER, I32, U32, I64, F32 };

struct Region {
  double address;
  size_t bytes;
  bool compared;
  const unsigned char* before;
  const unsigned char* after;
};

struct Argument {
  ArgumentType type;
  double value;
};

struct Launch {
  std::string kernel;
  unsigned grid[3], threads;
  size_t shared_bytes;
  std::vector<Argument> arguments;
};

struct Case {
  std::string name;
  std::vector<Region> regions;
  std::vector<Launch> launches;
};

// The cases of a file; `bytes` is the file, which they point into. Ends the program when it cannot be read.
std::vector<Case> read_cases(const char* path, std::vector<unsigned char>& bytes);

// A case's regions, each before a guard page, at addresses of this process.
class Memory {
 public:
  explicit Memory(const Case& about);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // The argument as the kernel gets it: in the low bytes of a word, pointers into the regions here.
  uint64_t word(const Argument& argument) const;
  // Whether `bytes` from `address` on lie within one region.
  bool holds(uint64_t address, size_t bytes) const;
  // Compared bytes that differ from the recorded ones; `where` names the first.
  long differences(std::string& where) const;
  long compared_bytes() const;

 private:
  struct Mapping {
    unsigned char* at;
    void* mapped;
    size_t mapped_bytes;
  };
  const Case& case_;
  std::vector<Mapping> mappings_;
};

// Runs a launch on this memory; throws std::runtime_error when it cannot go on.
using Runner = void (*)(const Launch& launch, const Memory& memory, uint64_t schedule);

// Runs all cases of the files once for each schedule; prints what differs and a count. Returns the exit code.
int run_cases(const std::vector<std::string>& paths, const std::vector<uint64_t>& schedules,
              Runner runner);

}  // namespace check
