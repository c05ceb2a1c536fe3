// Rows of a table by id, and the gradient of the table.
#include "row-copies.h"

namespace gumshoe {
namespace ISA {

int embedding(const Arguments& a, Pool& pool) {
  return copy_rows(a.i32(0), a.f32(1), a.f32(2), a.size(3), a.size(4), a.size(5), pool);
}

// The table is packed as by pack_matrix of linear.cpp.
int embedding_packed(const Arguments& a, Pool& pool) {
  const int32_t* ids = a.i32(0);
  const float* table = a.f32(1);
  float* y = a.f32(2);
  const long rows = a.size(3), width = a.size(4), vocabulary = a.size(5);
  for (long i = 0; i < rows; i++)
    if (ids[i] < 0 || ids[i] >= vocabulary) return STATUS_BAD_ID;
  const long per = ELEMENT_CHUNK / (width + 1) + 1;
  auto body = [&](long task, int) {
    const long end = (task + 1) * per < rows ? (task + 1) * per : rows;
    for (long i = task * per; i < end; i++) {
      const float* from = table + ids[i] / PANEL * PANEL * width + ids[i] % PANEL;
      for (long d = 0; d < width; d++) y[i * width + d] = from[d * PANEL];
    }
  };
  parallel(pool, chunks_of(rows, per), body);
  return STATUS_OK;
}

int embedding_backward(const Arguments& a, Pool& pool) {
  return add_rows(a.i32(0), a.f32(1), a.f32(2), a.size(3), a.size(4), a.size(5), pool);
}

}  // namespace ISA
}  // namespace gumshoe
