// Every implementation that a table can hold, named ck_OPERATION_ISA.
#ifndef CK_ENTRIES_H
#define CK_ENTRIES_H

#include "../include/CKernels.h"

#define CK_DECLARE_ENTRIES(isa)                                                                    \
    ck_gemm ck_gemm_f32_##isa, ck_gemm_f16_##isa, ck_gemm_free_##isa;                              \
    void ck_quantize_##isa(const float *x, long ldx, long rows, long k, int8_t *values,            \
                           float *scales, int32_t *offsets);                                       \
    void ck_gemm_i8_##isa(const int8_t *x, int arranged, const float *scales,                      \
                          const int32_t *offsets, const void *panels, const float *bias, float *y, \
                          long ldy, long m, long n, long k, long panel_begin, long panel_end);     \
    ck_scores ck_scores_f32_##isa, ck_scores_f16_##isa;                                            \
    ck_weighted_sum ck_weighted_sum_f32_##isa, ck_weighted_sum_f16_##isa;                          \
    void ck_softmax_##isa(float *values, long n);                                                  \
    void ck_layer_norm_##isa(const float *x, const float *gain, const float *bias, float eps,      \
                             float *y, long rows, long width);                                     \
    void ck_quick_gelu_##isa(const float *x, float *y, long n);                                    \
    void ck_relu_##isa(const float *x, float *y, long n);                                          \
    void ck_exp_##isa(const float *x, float *y, long n);                                           \
    void ck_log_##isa(const float *x, float *y, long n);                                           \
    void ck_sigmoid_##isa(const float *x, float *y, long n);                                       \
    void ck_add_##isa(const float *x, const float *y, float *out, long n);                         \
    void ck_add_three_##isa(const float *x, const float *a, const float *m, float *out, long n);   \
    void ck_add_scaled_##isa(const float *x, float s, const float *y, float *out, long n);         \
    void ck_add_scaled_sum_##isa(const float *x, float s, const float *a, const float *m,          \
                                 float *out, long n);                                              \
    void ck_scale_##isa(const float *x, float s, float *out, long n);                              \
    void ck_accumulate_##isa(float *y, const float *x, long n);                                    \
    void ck_f16_to_f32_##isa(const uint16_t *x, float *y, long n);                                 \
    void ck_f32_to_f16_##isa(const float *x, uint16_t *y, long n);                                 \
    void ck_scale_logits_##isa(float *logits, long n, float temperature);                          \
    long ck_gumbel_argmax_##isa(const float *logits, long n, uint64_t seed, uint32_t sample,       \
                                uint32_t level, uint32_t position);                                \
    uint64_t ck_limit_read_##isa(const void *buffer, size_t bytes);                                \
    double ck_limit_fma_##isa(long rounds);                                                        \
    double ck_limit_int8_##isa(long rounds);

#define CK_TABLE(isa, how_to_arrange)                                                              \
    {                                                                                              \
        .gemm_f32 = ck_gemm_f32_##isa, .gemm_f16 = ck_gemm_f16_##isa, .arrange = how_to_arrange,    \
        .quantize = ck_quantize_##isa, .gemm_i8 = ck_gemm_i8_##isa,                                \
        .scores_f32 = ck_scores_f32_##isa, .scores_f16 = ck_scores_f16_##isa,                      \
        .weighted_sum_f32 = ck_weighted_sum_f32_##isa,                                             \
        .weighted_sum_f16 = ck_weighted_sum_f16_##isa, .softmax = ck_softmax_##isa,                \
        .layer_norm = ck_layer_norm_##isa, .quick_gelu = ck_quick_gelu_##isa,                      \
        .relu = ck_relu_##isa, .exp = ck_exp_##isa, .log = ck_log_##isa,                           \
        .sigmoid = ck_sigmoid_##isa, .add = ck_add_##isa, .add_three = ck_add_three_##isa,         \
        .add_scaled = ck_add_scaled_##isa, .add_scaled_sum = ck_add_scaled_sum_##isa,              \
        .scale = ck_scale_##isa, .accumulate = ck_accumulate_##isa,                                \
        .f16_to_f32 = ck_f16_to_f32_##isa, .f32_to_f16 = ck_f32_to_f16_##isa,                      \
        .scale_logits = ck_scale_logits_##isa, .gumbel_argmax = ck_gumbel_argmax_##isa,            \
        .limit_read = ck_limit_read_##isa, .limit_fma = ck_limit_fma_##isa,                        \
        .limit_int8 = ck_limit_int8_##isa, .gemm_free = ck_gemm_free_##isa,                        \
    }

CK_DECLARE_ENTRIES(scalar)
#if defined(__x86_64__)
CK_DECLARE_ENTRIES(avx2)
CK_DECLARE_ENTRIES(avx512)
void ck_arrange_avx512(const void *x, long ldx, long m, long k, long k_begin, long k_end, void *arranged);
#elif defined(__aarch64__)
CK_DECLARE_ENTRIES(neon)
#endif

#endif
