#include "module.h"

#include <cstdio>
#include <exception>

extern "C" __attribute__((visibility("default"))) int simt_launch(simt::Trampoline kernel,
                                                                  void** arguments,
                                                                  const simt::Launch* launch,
                                                                  char* failure, size_t length) {
  try {
    simt::run(*launch, [&] { kernel(arguments); });
    return 0;
  } catch (const std::exception& error) {
    std::snprintf(failure, length, "%s", error.what());
    return 1;
  }
}
