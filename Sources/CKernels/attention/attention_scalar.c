#include "../dispatch/entries.h"
#include "../math/math_scalar.h"

CK_DEFINITION void ck_attend_f32_scalar(const float *q, const float *keys, const float *values,
                                        long stride, long count, long d, float scale,
                                        float *weights, float *out) {
    for (long i = 0; i < count; i++) weights[i] = ck_dot1(q, keys + i * stride, d) * scale;
    ck_softmax1(weights, count);
    for (long j = 0; j < d; j++) out[j] = 0.0f;
    for (long i = 0; i < count; i++) {
        const float *value = values + i * stride;
        for (long j = 0; j < d; j++) out[j] = ck_fma(weights[i], value[j], out[j]);
    }
}
