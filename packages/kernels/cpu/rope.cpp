// Rotary embedding in place: the first half of a head is rotated against the second; arXiv:2104.09864.
#include "kernels.h"
#include "simd.h"

namespace gumshoe {
namespace ISA {

int rope(const Arguments& a, Pool& pool) {
  float* x = a.f32(0);
  const int32_t* positions = a.i32(1);
  const float* cosines = a.f32(2);
  const float* sines = a.f32(3);
  const long rows = a.size(4), heads = a.size(5), width = a.size(6);
  const float sign = a.flag(7) ? -1.0f : 1.0f;
  const long table_rows = a.size(8), half = width / 2, per = 32;
  for (long row = 0; row < rows; row++)
    if (positions[row] < 0 || positions[row] >= table_rows) return STATUS_BAD_ID;
  auto body = [&](long task, int) {
    const long end = (task + 1) * per < rows ? (task + 1) * per : rows;
    for (long row = task * per; row < end; row++) {
      const float* c = cosines + positions[row] * half;
      const float* s = sines + positions[row] * half;
      for (long head = 0; head < heads; head++) {
        float* low = x + (row * heads + head) * width;
        float* high = low + half;
        for (long i = 0; i < half; i += LANES) {
          const int n = static_cast<int>(half - i < LANES ? half - i : LANES);
          Vec vc = load_first(c + i, n), vs = scale(load_first(s + i, n), sign);
          Vec first = load_first(low + i, n), second = load_first(high + i, n);
          store_first(low + i, sub(mul(first, vc), mul(second, vs)), n);
          store_first(high + i, add(mul(second, vc), mul(first, vs)), n);
        }
      }
    }
  };
  parallel(pool, (rows + per - 1) / per, body);
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
