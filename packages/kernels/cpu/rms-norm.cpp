// y = x / rms(x) * w for every row; arXiv:1910.07467.
#include "kernels.h"
#include "simd.h"

namespace gumshoe {
namespace ISA {

constexpr long NORM_ELEMENTS = 1 << 13;

static inline int lanes_left(long width, long at) {
  return static_cast<int>(width - at < LANES ? width - at : LANES);
}

int rms_norm(const Arguments& a, Pool& pool) {
  const float* x = a.f32(0);
  const float* w = a.f32(1);
  const float eps = a.number(2);
  float* y = a.f32(3);
  float* rstd = a.f32(4);
  const long rows = a.size(5), width = a.size(6);
  const long per = NORM_ELEMENTS / width + 1;
  auto body = [&](long task, int) {
    const long end = (task + 1) * per < rows ? (task + 1) * per : rows;
    for (long row = task * per; row < end; row++) {
      const float* in = x + row * width;
      float* out = y + row * width;
      Vec squares = zero();
      for (long i = 0; i < width; i += LANES) {
        Vec v = load_first(in + i, lanes_left(width, i));
        squares = fma(v, v, squares);
      }
      const float r = 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(width) + eps);
      rstd[row] = r;
      for (long i = 0; i < width; i += LANES) {
        const int n = lanes_left(width, i);
        store_first(out + i, mul(scale(load_first(in + i, n), r), load_first(w + i, n)), n);
      }
    }
  };
  parallel(pool, (rows + per - 1) / per, body);
  return STATUS_OK;
}

// dx = r (dy w) - x r^3 / width * sum(dy w x), stored or added; dw += sum over ascending rows of
// dy x r, unless dw is null.
int rms_norm_backward(const Arguments& a, Pool& pool) {
  const float* x = a.f32(0);
  const float* w = a.f32(1);
  const float* rstd = a.f32(2);
  const float* dy = a.f32(3);
  float* dx = a.f32(4);
  float* dw = a.f32(5);
  const long rows = a.size(6), width = a.size(7);
  const bool accumulate = a.flag(8);
  const long per = NORM_ELEMENTS / width + 1;
  auto inputs = [&](long task, int) {
    const long end = (task + 1) * per < rows ? (task + 1) * per : rows;
    for (long row = task * per; row < end; row++) {
      const float* in = x + row * width;
      const float* up = dy + row * width;
      float* out = dx + row * width;
      const float r = rstd[row];
      Vec dots = zero();
      for (long i = 0; i < width; i += LANES) {
        const int n = lanes_left(width, i);
        dots = fma(mul(load_first(up + i, n), load_first(w + i, n)), load_first(in + i, n), dots);
      }
      const float pull = sum(dots) / static_cast<float>(width) * r * r * r;
      for (long i = 0; i < width; i += LANES) {
        const int n = lanes_left(width, i);
        Vec direct = scale(mul(load_first(up + i, n), load_first(w + i, n)), r);
        Vec result = sub(direct, scale(load_first(in + i, n), pull));
        if (accumulate) result = add(load_first(out + i, n), result);
        store_first(out + i, result, n);
      }
    }
  };
  parallel(pool, (rows + per - 1) / per, inputs);
  if (dw == nullptr) return STATUS_OK;
  constexpr int VECTORS = 4;
  auto weights = [&](long task, int) {
    const long first = task * VECTORS * LANES;
    Vec total[VECTORS];
    int lanes[VECTORS];
    for (int v = 0; v < VECTORS; v++) {
      const int left = lanes_left(width, first + v * LANES);
      lanes[v] = left < 0 ? 0 : left;
      total[v] = load_first(dw + first + v * LANES, lanes[v]);
    }
    for (long row = 0; row < rows; row++) {
      const long at = row * width + first;
      for (int v = 0; v < VECTORS; v++) {
        const Vec normal = scale(load_first(x + at + v * LANES, lanes[v]), rstd[row]);
        total[v] = fma(load_first(dy + at + v * LANES, lanes[v]), normal, total[v]);
      }
    }
    for (int v = 0; v < VECTORS; v++) store_first(dw + first + v * LANES, total[v], lanes[v]);
  };
  parallel(pool, (width + VECTORS * LANES - 1) / (VECTORS * LANES), weights);
  return STATUS_OK;
}

}  // namespace ISA
}  // namespace gumshoe
