// A libcublasLt.so.13 of the functions that cuda.js binds: products of float32 and bfloat16, with two algorithms
// whose sums are added in different orders.
#include <cstdint>
#include <cstring>
#include <vector>

#include "fake-stream-work.h"

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum Status { SUCCESS = 0, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
constexpr int F32 = 0, BF16 = 14, COMPUTE_32F = 68, TRANSA = 3, MAX_WORKSPACE_BYTES = 1;
// The second algorithm needs this much.
constexpr uint64_t SPLIT_WORKSPACE_BYTES = 1024;

struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t stride;
};
struct Description {
  int transposes_a = 0;
};
struct Preference {
  uint64_t workspace_bytes = 0;
};
struct Algorithm {
  uint64_t data[8];  // data[0]: 1 one chain over k, 2 two chains
};
struct Result {
  Algorithm algorithm;
  uint64_t workspace_bytes;
  int state;
  float waves;
  int reserved[4];
};

float load(const void* matrix, int type, uint64_t index) {
  if (type == F32) return static_cast<const float*>(matrix)[index];
  const uint32_t bits = uint32_t(static_cast<const uint16_t*>(matrix)[index]) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

void store(void* matrix, int type, uint64_t index, float value) {
  if (type == F32) {
    static_cast<float*>(matrix)[index] = value;
    return;
  }
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  static_cast<uint16_t*>(matrix)[index] =
      static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// d [rows, columns] = a^T b, all column-major; a is [k, rows], b [k, columns].
void multiply(const Layout& a_layout, const void* a, const Layout& b_layout, const void* b,
              const Layout& d_layout, void* d, bool splits_k) {
  const uint64_t k = a_layout.rows, first = splits_k ? k / 2 : k;
  for (uint64_t column = 0; column < d_layout.columns; column++)
    for (uint64_t row = 0; row < d_layout.rows; row++) {
      float sums[2] = {0, 0};
      for (uint64_t i = 0; i < k; i++)
        sums[i < first ? 0 : 1] += load(a, a_layout.type, i + row * a_layout.stride) *
                                   load(b, b_layout.type, i + column * b_layout.stride);
      store(d, d_layout.type, row + column * d_layout.stride, sums[0] + sums[1]);
    }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) size_t cublasLtGetVersion() { return 130000; }
extern "C" __attribute__((visibility("default"))) const char* cublasLtGetStatusString(int status) {
  switch (status) {
    case INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "CUBLAS_STATUS_SUCCESS";
  }
}
API cublasLtCreate(int** handle) { return *handle = new int(0), SUCCESS; }
API cublasLtDestroy(int* handle) { return delete handle, SUCCESS; }
API cublasLtMatmulDescCreate(Description** description, int compute, int scale) {
  if (compute != COMPUTE_32F || scale != F32) return NOT_SUPPORTED;
  return *description = new Description(), SUCCESS;
}
API cublasLtMatmulDescDestroy(Description* description) { return delete description, SUCCESS; }
API cublasLtMatmulDescSetAttribute(Description* description, int attribute, const void* value,
                                   size_t bytes) {
  if (attribute != TRANSA || bytes != 4) return INVALID_VALUE;
  memcpy(&description->transposes_a, value, 4);
  return SUCCESS;
}
API cublasLtMatrixLayoutCreate(Layout** layout, int type, uint64_t rows, uint64_t columns,
                               int64_t stride) {
  if ((type != F32 && type != BF16) || stride < int64_t(rows)) return INVALID_VALUE;
  return *layout = new Layout{type, rows, columns, stride}, SUCCESS;
}
API cublasLtMatrixLayoutDestroy(Layout* layout) { return delete layout, SUCCESS; }
API cublasLtMatmulPreferenceCreate(Preference** preference) {
  return *preference = new Preference(), SUCCESS;
}
API cublasLtMatmulPreferenceDestroy(Preference* preference) { return delete preference, SUCCESS; }
API cublasLtMatmulPreferenceSetAttribute(Preference* preference, int attribute, const void* value,
                                         size_t bytes) {
  if (attribute != MAX_WORKSPACE_BYTES || bytes != 8) return INVALID_VALUE;
  memcpy(&preference->workspace_bytes, value, 8);
  return SUCCESS;
}
API cublasLtMatmulAlgoGetHeuristic(int*, Description*, Layout*, Layout*, Layout*, Layout*,
                                   Preference* preference, int most, Result* results, int* count) {
  if (most < 1) return INVALID_VALUE;
  *count = 0;
  for (uint64_t id = 1; id <= 2 && *count < most; id++) {
    Result& result = results[(*count)++];
    result = {};
    result.algorithm.data[0] = id;
    result.workspace_bytes = id == 1 ? 0 : SPLIT_WORKSPACE_BYTES;
    result.state = result.workspace_bytes > preference->workspace_bytes ? NOT_SUPPORTED : SUCCESS;
  }
  return SUCCESS;
}
API cublasLtMatmul(int*, Description* description, const float* alpha, const void* a,
                   Layout* a_layout, const void* b, Layout* b_layout, const float* beta,
                   const void*, Layout*, void* d, Layout* d_layout, const Algorithm* algorithm,
                   void* workspace, size_t workspace_bytes, void* stream) {
  if (description->transposes_a != 1 || *alpha != 1 || *beta != 0) return NOT_SUPPORTED;
  if (a_layout->rows != b_layout->rows || a_layout->columns != d_layout->rows ||
      b_layout->columns != d_layout->columns)
    return INVALID_VALUE;
  const bool splits_k = algorithm->data[0] == 2;
  if (splits_k && (workspace == nullptr || workspace_bytes < SPLIT_WORKSPACE_BYTES))
    return INVALID_VALUE;
  const Layout la = *a_layout, lb = *b_layout, ld = *d_layout;
  const bool is_accepted =
      enqueue_in_driver(stream, [=] { multiply(la, a, lb, b, ld, d, splits_k); });
  return is_accepted ? SUCCESS : EXECUTION_FAILED;
}
