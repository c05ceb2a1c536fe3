// Runs recorded cases on the kernels of a PTX file: `ptx-replay PTX FILE...`.
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#include "ptx.h"

namespace {

std::map<std::string, ptx::Kernel>& kernels() {
  static std::map<std::string, ptx::Kernel> all;
  return all;
}

void run(const check::Launch& launch, const check::Memory& memory, uint64_t) {
  const auto found = kernels().find(launch.kernel);
  if (found == kernels().end()) throw std::runtime_error("there is no kernel " + launch.kernel);
  try {
    ptx::run(found->second, launch, memory);
  } catch (const std::exception& error) {
    throw std::runtime_error(launch.kernel + ": " + error.what());
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: ptx-replay PTX FILE...\n");
    return 2;
  }
  try {
    const std::ifstream file(arguments[1]);
    std::stringstream text;
    text << file.rdbuf();
    kernels() = ptx::parse(text.str());
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  return check::run_cases({arguments + 2, arguments + count}, {0}, run);
}
