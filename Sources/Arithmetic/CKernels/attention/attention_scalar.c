#include "../convert/half.h"
#include "../dispatch/entries.h"

// An element of a cache.
CK_INLINE float cached(int half, const void *from, long index) {
    return half ? ck_widen1(((const uint16_t *)from)[index]) : ((const float *)from)[index];
}

CK_INLINE void scores(int half, const float *q, const void *keys, long stride, long count, long d,
                      float scale, float *out) {
    for (long i = 0; i < count; i++) {
        float p[16] = {0};
        for (long j = 0; j < d; j++)
            p[j % 16] = ck_fma(q[j], cached(half, keys, i * stride + j), p[j % 16]);
        out[i] = ck_tree16(p) * scale;
    }
}

CK_INLINE void weighted_sum(int half, const float *weights, const void *values, long stride,
                            long count, long d, float *out) {
    for (long j = 0; j < d; j++) out[j] = 0.0f;
    for (long i = 0; i < count; i++)
        for (long j = 0; j < d; j++)
            out[j] = ck_fma(weights[i], cached(half, values, i * stride + j), out[j]);
}

CK_DEFINITION void ck_scores_f32_scalar(const float *q, const void *keys, long stride, long count,
                                        long d, float scale, float *out) {
    scores(0, q, keys, stride, count, d, scale, out);
}

CK_DEFINITION void ck_scores_f16_scalar(const float *q, const void *keys, long stride, long count,
                                        long d, float scale, float *out) {
    scores(1, q, keys, stride, count, d, scale, out);
}

CK_DEFINITION void ck_weighted_sum_f32_scalar(const float *weights, const void *values, long stride,
                                              long count, long d, float *out) {
    weighted_sum(0, weights, values, stride, count, d, out);
}

CK_DEFINITION void ck_weighted_sum_f16_scalar(const float *weights, const void *values, long stride,
                                              long count, long d, float *out) {
    weighted_sum(1, weights, values, stride, count, d, out);
}
