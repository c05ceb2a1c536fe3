// How other emulated libraries put work into the emulated driver's streams.
#pragma once

#include <dlfcn.h>

#include <functional>

// Returns whether it was accepted. The driver must be loaded already, as it is by a program that has streams.
inline bool enqueue_in_driver(void* stream, std::function<void()> work) {
  using Enqueue = int (*)(void*, void (*)(void*), void*);
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (driver == nullptr) return false;
  const auto enqueue = reinterpret_cast<Enqueue>(dlsym(driver, "gumshoeEmulatedEnqueue"));
  if (enqueue == nullptr) return false;
  // Kept for good: a captured graph runs it again.
  auto* kept = new std::function<void()>(std::move(work));
  auto run = [](void* data) { (*static_cast<std::function<void()>*>(data))(); };
  return enqueue(stream, run, kept) == 0;
}
