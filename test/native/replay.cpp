// Runs recorded operations again, without Node: `replay FILE...`. Each case runs on every instruction set
// of this machine with 1 and with 4 threads, in memory of exactly its size, and must end with the
// recorded bytes. Built with ThreadSanitizer it finds races that change no result here. record-cases.ts
// has the file format.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "kernels.h"
#include "pool.h"

using namespace gumshoe;

namespace {

struct Region {
  double address;
  size_t bytes;
  const char* before;
  const char* after;
  char* memory;
};

struct Set {
  const char* name;
  const Entry* table;
};

std::vector<char> read_file(const char* path) {
  FILE* file = std::fopen(path, "rb");
  if (file == nullptr) {
    std::perror(path);
    std::exit(2);
  }
  std::vector<char> bytes;
  char piece[65536];
  while (std::feof(file) == 0) {
    const size_t count = std::fread(piece, 1, sizeof piece, file);
    if (std::ferror(file) != 0) {
      std::perror(path);
      std::exit(2);
    }
    bytes.insert(bytes.end(), piece, piece + count);
  }
  std::fclose(file);
  return bytes;
}

// Reads a file from the front.
class Cursor {
 public:
  explicit Cursor(const std::vector<char>& bytes) : bytes_(bytes) {}
  bool at_end() const { return at_ == bytes_.size(); }
  double number() {
    double value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  const char* take(size_t count) {
    if (count > bytes_.size() - at_) {
      std::fprintf(stderr, "the file ends inside a case\n");
      std::exit(2);
    }
    const char* start = bytes_.data() + at_;
    at_ += count;
    return start;
  }

 private:
  const std::vector<char>& bytes_;
  size_t at_ = 0;
};

std::vector<Set> sets_of_this_machine() {
  std::vector<Set> sets = {{"scalar", table_scalar()}};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    sets.push_back({"avx2", table_avx2()});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    sets.push_back({"avx512", table_avx512()});
#endif
  return sets;
}

// Returns false and says where when the bytes differ.
bool runs_as_recorded(const Set& set, Pool& pool, int operation, std::vector<double> arguments,
                      std::vector<Region>& regions) {
  for (Region& region : regions) {
    if (posix_memalign(reinterpret_cast<void**>(&region.memory), 64,
                       region.bytes == 0 ? 1 : region.bytes) != 0)
      std::abort();
    std::memcpy(region.memory, region.before, region.bytes);
  }
  for (double& value : arguments) {
    for (const Region& region : regions) {
      if (value < region.address || value >= region.address + static_cast<double>(region.bytes))
        continue;
      const auto base = reinterpret_cast<uintptr_t>(region.memory);
      value = static_cast<double>(base) + (value - region.address);
      break;
    }
  }
  const int status = set.table[operation].kernel(Arguments{arguments.data()}, pool);
  bool same = status == STATUS_OK;
  for (Region& region : regions) {
    same = same && std::memcmp(region.memory, region.after, region.bytes) == 0;
    std::free(region.memory);
  }
  if (!same)
    std::fprintf(stderr, "operation %d on %s with %d threads: status %d, or other bytes\n",
                 operation, set.name, pool.threads(), status);
  return same;
}

}  // namespace

int main(int count, char** paths) {
  const std::vector<Set> sets = sets_of_this_machine();
  Pool one(1), four(4);
  long cases = 0, wrong = 0;
  for (int i = 1; i < count; i++) {
    const std::vector<char> bytes = read_file(paths[i]);
    for (Cursor cursor(bytes); !cursor.at_end(); cases++) {
      const int operation = static_cast<int>(cursor.number());
      std::vector<double> arguments(static_cast<size_t>(cursor.number()));
      std::vector<Region> regions(static_cast<size_t>(cursor.number()));
      for (double& value : arguments) value = cursor.number();
      for (Region& region : regions) {
        region.address = cursor.number();
        region.bytes = static_cast<size_t>(cursor.number());
        region.before = cursor.take(region.bytes);
        region.after = cursor.take(region.bytes);
      }
      for (const Set& set : sets)
        for (Pool* pool : {&one, &four})
          wrong += !runs_as_recorded(set, *pool, operation, arguments, regions);
    }
  }
  std::printf("%ld cases on %zu instruction sets, %ld wrong\n", cases, sets.size(), wrong);
  return wrong == 0 && cases > 0 ? 0 : 1;
}
