#include "../vector/v16.h"

V_INLINE float row_sum(const float *x, long n) {
    v16 sum = v_set(0.0f);
    long i = 0;
    for (; i + 16 <= n; i += 16) sum = v_add(sum, v_load(x + i));
    if (i < n) sum = v_select(i_first(n - i), v_add(sum, v_load_some(x + i, n - i)), sum);
    return v_tree(sum);
}

V_INLINE float squared_deviations(const float *x, float mean, long n) {
    const v16 m = v_set(mean);
    v16 sum = v_set(0.0f);
    long i = 0;
    for (; i + 16 <= n; i += 16) {
        const v16 d = v_sub(v_load(x + i), m);
        sum = v_fma(d, d, sum);
    }
    if (i < n) {
        const v16 d = v_sub(v_load_some(x + i, n - i), m);
        sum = v_select(i_first(n - i), v_fma(d, d, sum), sum);
    }
    return v_tree(sum);
}

V_TARGET void V(layer_norm)(const float *x, const float *gain, const float *bias, float eps, float *y,
                            long rows, long width) {
    for (long r = 0; r < rows; r++, x += width, y += width) {
        const float mean = row_sum(x, width) / (float)width;
        const float variance = squared_deviations(x, mean, width) / (float)width;
        const float inverse = 1.0f / __builtin_sqrtf(variance + eps);
        const v16 m = v_set(mean), scale = v_set(inverse);
        long i = 0;
        for (; i + 16 <= width; i += 16)
            v_store(y + i, v_fma(v_mul(v_sub(v_load(x + i), m), scale), v_load(gain + i),
                                 v_load(bias + i)));
        for (; i < width; i++)
            y[i] = __builtin_fmaf((x[i] - mean) * inverse, gain[i], bias[i]);
    }
}
