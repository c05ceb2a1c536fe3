// Runs recorded cases on the emulated kernels: `replay FILE...`, in three schedules, with memory that ends at
// guard pages. Built with ThreadSanitizer it finds races that change no result in these schedules. Its kernels
// are linked into it.
#include <dlfcn.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "../emulation/module.h"
#include "case-file.h"

namespace {

constexpr size_t FAILURE_BYTES = 512;

void run(const check::Launch& launch, const check::Memory& memory, uint64_t schedule) {
  const std::string symbol = "simt_kernel_" + launch.kernel;
  auto kernel = reinterpret_cast<simt::Trampoline>(dlsym(RTLD_DEFAULT, symbol.c_str()));
  if (kernel == nullptr) throw std::runtime_error("there is no kernel " + launch.kernel);
  std::vector<uint64_t> words;
  for (const check::Argument& argument : launch.arguments) words.push_back(memory.word(argument));
  std::vector<void*> pointers;
  pointers.reserve(words.size());
  for (uint64_t& word : words) pointers.push_back(&word);
  const simt::Launch about{{launch.grid[0], launch.grid[1], launch.grid[2]},
                           {launch.threads, 1, 1},
                           launch.shared_bytes,
                           {2, schedule}};
  char failure[FAILURE_BYTES];
  if (simt_launch(kernel, pointers.data(), &about, failure, sizeof failure) != 0)
    throw std::runtime_error(launch.kernel + ": " + failure);
}

}  // namespace

int main(int count, char** arguments) {
  return check::run_cases({arguments + 1, arguments + count}, {0, 1, 77}, run);
}
