// Asynchronous copies to shared memory: as late as they are allowed to be. ThreadSanitizer sees them as
// accesses of the thread that waits for them.
#include <cstring>
#include <stdexcept>

#include "simt.h"

namespace simt {

void begin_copy(void* to, const void* from, int bytes, bool zeros) {
  const auto low = reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from);
  if (low % static_cast<unsigned>(bytes) != 0)
    throw std::runtime_error("an asynchronous copy is not aligned to its size");
  Copies& copies = self->copies;
  if (copies.count == MAX_COPIES) throw std::runtime_error("too many asynchronous copies");
  copies.open[copies.count++] = {to, from, bytes, zeros};
}

void end_copy_group() {
  Copies& copies = self->copies;
  if (copies.groups == MAX_GROUPS) throw std::runtime_error("too many groups of copies");
  copies.ends[copies.groups++] = copies.count;
}

void complete_copies(int pending) {
  Copies& copies = self->copies;
  const int done = copies.groups - pending;
  if (done <= 0) return;
  const int count = copies.ends[done - 1];
  for (int i = 0; i < count; i++) {
    const Copy& copy = copies.open[i];
    const size_t bytes = static_cast<size_t>(copy.bytes);
    if (copy.zeros)
      memset(copy.to, 0, bytes);
    else
      memcpy(copy.to, copy.from, bytes);
  }
  for (int i = count; i < copies.count; i++) copies.open[i - count] = copies.open[i];
  for (int i = done; i < copies.groups; i++) copies.ends[i - done] = copies.ends[i] - count;
  copies.groups -= done;
  copies.count -= count;
}

}  // namespace simt
