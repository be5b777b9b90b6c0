#include "../dispatch/entries.h"
#include "../math/math_scalar.h"

static inline __attribute__((always_inline)) float squared_deviations(const float *x, float mean,
                                                                      long n) {
    float p[16] = {0};
    long i = 0;
    for (; i + 16 <= n; i += 16)
        for (int j = 0; j < 16; j++) {
            const float d = x[i + j] - mean;
            p[j] = ck_fma(d, d, p[j]);
        }
    for (int j = 0; i + j < n; j++) {
        const float d = x[i + j] - mean;
        p[j] = ck_fma(d, d, p[j]);
    }
    return ck_tree16(p);
}

CK_DEFINITION void ck_layer_norm_scalar(const float *x, const float *gain, const float *bias,
                                        float eps, float *y, long rows, long width) {
    for (long r = 0; r < rows; r++, x += width, y += width) {
        const float mean = ck_sum1(x, width) / (float)width;
        const float variance = squared_deviations(x, mean, width) / (float)width;
        const float inverse = 1.0f / __builtin_sqrtf(variance + eps);
        for (long i = 0; i < width; i++)
            y[i] = ck_fma((x[i] - mean) * inverse, gain[i], bias[i]);
    }
}
