// All kernels, compiled once per instruction set: -DGUMSHOE_AVX512, -DGUMSHOE_AVX2 or neither.
#if defined(GUMSHOE_AVX512)
#define ISA avx512
#define TABLE table_avx512
#elif defined(GUMSHOE_AVX2)
#define ISA avx2
#define TABLE table_avx2
#else
#define ISA scalar
#define TABLE table_scalar
#endif

#include "adamw.cpp"
#include "attention-backward.cpp"
#include "attention.cpp"
#include "embedding.cpp"
#include "head.cpp"
#include "linear.cpp"
#include "rms-norm.cpp"
#include "rope.cpp"
#include "rows.cpp"
#include "swiglu.cpp"

namespace gumshoe {

// In the order of `Operation`: the kernel and its number of arguments.
static const Entry TABLE_ENTRIES[OP_COUNT] = {
    {ISA::embedding, 6},
    {ISA::embedding_packed, 6},
    {ISA::embedding_backward, 6},
    {ISA::rms_norm, 7},
    {ISA::rms_norm_backward, 9},
    {ISA::pack_matrix, 4},
    {ISA::linear, 8},
    {ISA::linear_backward_input, 7},
    {ISA::linear_backward_weight, 7},
    {ISA::rope, 9},
    {ISA::swiglu, 4},
    {ISA::swiglu_backward, 6},
    {ISA::add_vectors, 3},
    {ISA::fill, 3},
    {ISA::scale_vector, 3},
    {ISA::gather_rows, 6},
    {ISA::scatter_add_rows, 6},
    {ISA::kv_write, 9},
    {ISA::attention, 12},
    {ISA::attention_backward, 16},
    {ISA::head_logits, 6},
    {ISA::head_logprobs, 15},
    {ISA::head_backward, 17},
    {ISA::head_sample, 12},
    {ISA::adamw, 15},
    {ISA::adamw_packed, 18},
    {ISA::sum_squares_blocks, 4},
    {ISA::fma_peak, 2},
};

const Entry* TABLE() { return TABLE_ENTRIES; }

}  // namespace gumshoe
