// Rotary positions in place: the first half of a head is rotated against the second; arXiv:2104.09864.
#include "device.h"

// One block a row.
KERNEL(128, rope)
(float* x, const int32_t* positions, const float* cosines, const float* sines, int heads, int width,
 int inverse, int table_rows, uint32_t* failure, uint32_t operation) {
  const long row = blockIdx.x;
  const int position = positions[row], half = width / 2, t = static_cast<int>(threadIdx.x);
  if (position < 0 || position >= table_rows) {
    if (t == 0) report_bad_id(failure, operation);
    return;
  }
  const float sign = inverse != 0 ? -1.0f : 1.0f;
  for (int at = t; at < heads * half; at += 128) {
    const int head = at / half, i = at % half;
    float* low = x + (row * heads + head) * width + i;
    const float c = cosines[static_cast<long>(position) * half + i];
    const float s = sines[static_cast<long>(position) * half + i] * sign;
    const float first = low[0], second = low[half];
    low[0] = first * c - second * s;
    low[half] = second * c + first * s;
  }
}
EXPORT(rope)
