#include "case-file.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>

namespace check {
namespace {

constexpr size_t PAGE_BYTES = 4096;
// Regions end at a guard page, but for this alignment of their beginning.
constexpr size_t ALIGNMENT = 16;

[[noreturn]] void give_up(const char* path, const char* problem) {
  std::fprintf(stderr, "%s: %s\n", path, problem);
  std::exit(2);
}

std::vector<unsigned char> read_file(const char* path) {
  FILE* file = std::fopen(path, "rb");
  if (file == nullptr) give_up(path, "cannot be read");
  std::vector<unsigned char> bytes;
  unsigned char piece[65536];
  size_t count = 0;
  while ((count = std::fread(piece, 1, sizeof piece, file)) > 0)
    bytes.insert(bytes.end(), piece, piece + count);
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) give_up(path, "cannot be read");
  return bytes;
}

class Cursor {
 public:
  Cursor(const char* path, const std::vector<unsigned char>& bytes) : path_(path), bytes_(bytes) {}
  bool at_end() const { return at_ == bytes_.size(); }
  const unsigned char* take(size_t count) {
    if (count > bytes_.size() - at_) give_up(path_, "ends inside a case");
    const unsigned char* start = bytes_.data() + at_;
    at_ += count;
    return start;
  }
  double number() {
    double value = 0;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  size_t size() { return static_cast<size_t>(number()); }
  std::string name() {
    const size_t length = size();
    const unsigned char* text = take(length);
    return {text, text + length};
  }

 private:
  const char* path_;
  const std::vector<unsigned char>& bytes_;
  size_t at_ = 0;
};

Launch read_launch(Cursor& cursor) {
  Launch launch;
  launch.kernel = cursor.name();
  for (unsigned& blocks : launch.grid) blocks = static_cast<unsigned>(cursor.size());
  launch.threads = static_cast<unsigned>(cursor.size());
  launch.shared_bytes = cursor.size();
  launch.arguments.resize(cursor.size());
  for (Argument& argument : launch.arguments) {
    argument.type = static_cast<ArgumentType>(cursor.size());
    argument.value = cursor.number();
  }
  return launch;
}

}  // namespace

std::vector<Case> read_cases(const char* path, std::vector<unsigned char>& bytes) {
  bytes = read_file(path);
  std::vector<Case> cases;
  for (Cursor cursor(path, bytes); !cursor.at_end();) {
    Case next;
    next.name = cursor.name();
    next.regions.resize(cursor.size());
    for (Region& region : next.regions) {
      region.address = cursor.number();
      region.bytes = cursor.size();
      region.compared = cursor.number() != 0;
      region.before = cursor.take(region.bytes);
      region.after = cursor.take(region.bytes);
    }
    next.launches.resize(cursor.size());
    for (Launch& launch : next.launches) launch = read_launch(cursor);
    cases.push_back(std::move(next));
  }
  return cases;
}

Memory::Memory(const Case& about) : case_(about) {
  for (const Region& region : about.regions) {
    const size_t rounded = (region.bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    const size_t pages = (rounded + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    Mapping mapping{};
    mapping.mapped_bytes = pages + PAGE_BYTES;
    mapping.mapped = mmap(nullptr, mapping.mapped_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping.mapped == MAP_FAILED) throw std::runtime_error("no memory for a case");
    auto* start = static_cast<unsigned char*>(mapping.mapped);
    mprotect(start + pages, PAGE_BYTES, PROT_NONE);
    mapping.at = start + pages - rounded;
    std::memcpy(mapping.at, region.before, region.bytes);
    mappings_.push_back(mapping);
  }
}

Memory::~Memory() {
  for (const Mapping& mapping : mappings_) munmap(mapping.mapped, mapping.mapped_bytes);
}

uint64_t Memory::word(const Argument& argument) const {
  uint64_t word = 0;
  switch (argument.type) {
    case F32: {
      const float value = static_cast<float>(argument.value);
      std::memcpy(&word, &value, sizeof value);
      return word;
    }
    case I32:
      return static_cast<uint32_t>(static_cast<int32_t>(argument.value));
    case U32:
      return static_cast<uint32_t>(argument.value);
    case I64:
      return static_cast<uint64_t>(static_cast<int64_t>(argument.value));
    case POINTER:
      break;
  }
  if (argument.value == 0) return 0;
  for (size_t i = 0; i < case_.regions.size(); i++) {
    const Region& region = case_.regions[i];
    const double offset = argument.value - region.address;
    if (offset < 0 || offset >= static_cast<double>(region.bytes)) continue;
    return reinterpret_cast<uintptr_t>(mappings_[i].at) + static_cast<uint64_t>(offset);
  }
  throw std::runtime_error("a pointer lies in no region of the case");
}

bool Memory::holds(uint64_t address, size_t bytes) const {
  for (size_t i = 0; i < mappings_.size(); i++) {
    const uint64_t start = reinterpret_cast<uintptr_t>(mappings_[i].at);
    if (address >= start && address + bytes <= start + case_.regions[i].bytes) return true;
  }
  return false;
}

long Memory::differences(std::string& where) const {
  long count = 0;
  for (size_t i = 0; i < mappings_.size(); i++) {
    const Region& region = case_.regions[i];
    if (!region.compared) continue;
    for (size_t byte = 0; byte < region.bytes; byte++) {
      if (mappings_[i].at[byte] == region.after[byte]) continue;
      if (count++ == 0) where = "byte " + std::to_string(byte) + " of region " + std::to_string(i);
    }
  }
  return count;
}

long Memory::compared_bytes() const {
  long count = 0;
  for (const Region& region : case_.regions)
    if (region.compared) count += static_cast<long>(region.bytes);
  return count;
}

int run_cases(const std::vector<std::string>& paths, const std::vector<uint64_t>& schedules,
              Runner runner) {
  long cases = 0, wrong = 0, bytes = 0;
  for (const std::string& path : paths) {
    std::vector<unsigned char> content;
    for (const Case& one : read_cases(path.c_str(), content)) {
      cases++;
      for (const uint64_t schedule : schedules) {
        std::string problem;
        try {
          const Memory memory(one);
          for (const Launch& launch : one.launches) runner(launch, memory, schedule);
          std::string where;
          const long differ = memory.differences(where);
          bytes += memory.compared_bytes();
          if (differ > 0) problem = std::to_string(differ) + " bytes differ, the first: " + where;
        } catch (const std::exception& error) {
          problem = error.what();
        }
        if (problem.empty()) continue;
        wrong++;
        std::printf("%s, schedule %lu: %s\n", one.name.c_str(),
                    static_cast<unsigned long>(schedule), problem.c_str());
      }
    }
  }
  std::printf("%ld cases, %zu schedules, %ld bytes compared, %ld wrong\n", cases, schedules.size(),
              bytes, wrong);
  return wrong == 0 && cases > 0 ? 0 : 1;
}

}  // namespace check
