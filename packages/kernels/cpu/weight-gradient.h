// Shared by linear.cpp and head.cpp.
#pragma once

#include "kernels.h"

namespace gumshoe {
namespace ISA {

// dw [n, k] += dy^T x: dy [m, n] with rows `dy_row` apart, x [m, k]; chains continue over ascending m.
void add_weight_gradient(Pool& pool, const float* dy, long dy_row, const float* x, float* dw,
                         long m, long n, long k);

}  // namespace ISA
}  // namespace gumshoe
