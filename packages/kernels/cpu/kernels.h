// The contract between TypeScript and the CPU kernels. src/native/records.ts mirrors it: the same
// names, in the same order.
//
// A command list is an array of float64: for each operation its code, the number of its arguments,
// and the arguments. Pointers, sizes and numbers are all float64; pointers have fewer than 53 bits.
#pragma once

#include <cstdint>

namespace gumshoe {

enum Status : int {
  STATUS_OK = 0,
  STATUS_BAD_RECORD = 1,     // unknown operation or wrong number of arguments
  STATUS_BAD_ID = 2,         // a token id or row number is outside its table
  STATUS_OUT_OF_MEMORY = 3,  // scratch memory could not be allocated
  STATUS_FAILED = 4,         // an exception that no kernel should throw
};

enum Operation : int {
  OP_EMBEDDING,
  OP_EMBEDDING_PACKED,
  OP_EMBEDDING_BACKWARD,
  OP_RMS_NORM,
  OP_RMS_NORM_BACKWARD,
  OP_PACK_MATRIX,
  OP_LINEAR,
  OP_LINEAR_BACKWARD_INPUT,
  OP_LINEAR_BACKWARD_WEIGHT,
  OP_ROPE,
  OP_SWIGLU,
  OP_SWIGLU_BACKWARD,
  OP_ADD,
  OP_FILL,
  OP_SCALE,
  OP_GATHER_ROWS,
  OP_SCATTER_ADD_ROWS,
  OP_KV_WRITE,
  OP_ATTENTION,
  OP_ATTENTION_BACKWARD,
  OP_HEAD_LOGITS,
  OP_HEAD_LOGPROBS,
  OP_HEAD_BACKWARD,
  OP_HEAD_SAMPLE,
  OP_ADAMW,
  OP_ADAMW_PACKED,
  OP_SUM_SQUARES_BLOCKS,
  OP_FMA_PEAK,
  OP_COUNT,
};

// Positions in a block of the KV cache.
constexpr int KV_BLOCK = 16;
// Columns of a panel of a packed matrix.
constexpr int PANEL = 32;
// Vocabulary entries whose exponentials are summed before blocks are combined.
constexpr int VOCABULARY_BLOCK = 512;

// Runs tasks on the threads of one device; pool.cpp. Tasks split outputs, never sums. A task may throw:
// pool_run waits for all tasks, then throws std::bad_alloc on the calling thread.
class Pool;
using Task = void (*)(void* context, long task, int worker);
void pool_run(Pool& pool, long tasks, Task task, void* context);
int pool_threads(const Pool& pool);
// Scratch memory of one worker; its content is lost when a larger piece is requested.
float* pool_scratch(Pool& pool, int worker, long floats);
// Scratch memory of the current operation.
float* pool_shared(Pool& pool, int slot, long floats);

// Runs any callable `body(long task, int worker)`.
template <typename Body>
static inline void parallel(Pool& pool, long tasks, Body& body) {
  pool_run(
      pool, tasks,
      [](void* context, long task, int worker) { (*static_cast<Body*>(context))(task, worker); },
      &body);
}

// The arguments of one operation.
struct Arguments {
  const double* values;
  float* f32(int i) const { return reinterpret_cast<float*>(address(i)); }
  double* f64(int i) const { return reinterpret_cast<double*>(address(i)); }
  int32_t* i32(int i) const { return reinterpret_cast<int32_t*>(address(i)); }
  uint32_t* u32(int i) const { return reinterpret_cast<uint32_t*>(address(i)); }
  long size(int i) const { return static_cast<long>(values[i]); }
  float number(int i) const { return static_cast<float>(values[i]); }
  double exact(int i) const { return values[i]; }
  bool flag(int i) const { return values[i] != 0; }

 private:
  uintptr_t address(int i) const { return static_cast<uintptr_t>(values[i]); }
};

using Kernel = int (*)(const Arguments& arguments, Pool& pool);

// One entry of an instruction set's table.
struct Entry {
  Kernel kernel;
  int arguments;
};

const Entry* table_scalar();
const Entry* table_avx2();
const Entry* table_avx512();

}  // namespace gumshoe
