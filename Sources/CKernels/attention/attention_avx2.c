#if defined(__x86_64__)
#include "../dispatch/entries.h"
#include "../math/math_avx2.h"

// Scores of `lanes` keys at once: enough independent sums to hide the latency of the fma.
CK_AVX2_INLINE void score_keys(const int lanes, const float *q, const float *keys, long stride,
                               long d, float scale, float *scores) {
    __m256 low[4], high[4];
    for (int l = 0; l < lanes; l++) low[l] = high[l] = _mm256_setzero_ps();
    long j = 0;
    for (; j + 16 <= d; j += 16) {
        const __m256 q0 = _mm256_loadu_ps(q + j), q1 = _mm256_loadu_ps(q + j + 8);
        for (int l = 0; l < lanes; l++) {
            const float *key = keys + l * stride + j;
            low[l] = _mm256_fmadd_ps(q0, _mm256_loadu_ps(key), low[l]);
            high[l] = _mm256_fmadd_ps(q1, _mm256_loadu_ps(key + 8), high[l]);
        }
    }
    if (j < d) {
        const __m256i m0 = ck_mask8(d - j), m1 = ck_mask8(d - j - 8);
        const __m256 q0 = _mm256_maskload_ps(q + j, m0), q1 = _mm256_maskload_ps(q + j + 8, m1);
        for (int l = 0; l < lanes; l++) {
            const float *key = keys + l * stride + j;
            const __m256 k0 = _mm256_maskload_ps(key, m0), k1 = _mm256_maskload_ps(key + 8, m1);
            low[l] = ck_select8(m0, _mm256_fmadd_ps(q0, k0, low[l]), low[l]);
            high[l] = ck_select8(m1, _mm256_fmadd_ps(q1, k1, high[l]), high[l]);
        }
    }
    for (int l = 0; l < lanes; l++) scores[l] = ck_tree16_avx2(low[l], high[l]) * scale;
}

// `vectors` times 8 outputs, in registers over all values.
CK_AVX2_INLINE void weighted_sum(const int vectors, const float *weights, const float *values,
                                 long stride, long count, float *out) {
    __m256 sum[12];
    for (int v = 0; v < vectors; v++) sum[v] = _mm256_setzero_ps();
    for (long i = 0; i < count; i++, values += stride) {
        const __m256 w = _mm256_broadcast_ss(weights + i);
        for (int v = 0; v < vectors; v++)
            sum[v] = _mm256_fmadd_ps(w, _mm256_loadu_ps(values + 8 * v), sum[v]);
    }
    for (int v = 0; v < vectors; v++) _mm256_storeu_ps(out + 8 * v, sum[v]);
}

// The last d % 8 outputs.
CK_AVX2_INLINE void weighted_sum_tail(const float *weights, const float *values, long stride,
                                      long count, float *out, long left) {
    const __m256i mask = ck_mask8(left);
    __m256 sum = _mm256_setzero_ps();
    for (long i = 0; i < count; i++, values += stride)
        sum = _mm256_fmadd_ps(_mm256_broadcast_ss(weights + i), _mm256_maskload_ps(values, mask),
                              sum);
    _mm256_maskstore_ps(out, mask, sum);
}

CK_AVX2 void ck_attend_f32_avx2(const float *q, const float *keys, const float *values, long stride,
                                long count, long d, float scale, float *weights, float *out) {
    long i = 0;
    for (; i + 4 <= count; i += 4)
        score_keys(4, q, keys + i * stride, stride, d, scale, weights + i);
    for (; i < count; i++) score_keys(1, q, keys + i * stride, stride, d, scale, weights + i);
    ck_softmax_inline_avx2(weights, count);
    long j = 0;
    for (; j + 96 <= d; j += 96) weighted_sum(12, weights, values + j, stride, count, out + j);
    for (; j + 32 <= d; j += 32) weighted_sum(4, weights, values + j, stride, count, out + j);
    for (; j + 8 <= d; j += 8) weighted_sum(1, weights, values + j, stride, count, out + j);
    if (j < d) weighted_sum_tail(weights, values + j, stride, count, out + j, d - j);
}

#endif
