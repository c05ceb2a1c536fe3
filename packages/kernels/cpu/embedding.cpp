// Rows of a table by id, and the gradient of the table.
#include "row-copies.h"

namespace gumshoe {
namespace ISA {

int embedding(const Arguments& a, Pool& pool) {
  return copy_rows(a.i32(0), a.f32(1), a.f32(2), a.size(3), a.size(4), a.size(5), pool);
}

int embedding_backward(const Arguments& a, Pool& pool) {
  return add_rows(a.i32(0), a.f32(1), a.f32(2), a.size(3), a.size(4), a.size(5), pool);
}

}  // namespace ISA
}  // namespace gumshoe
