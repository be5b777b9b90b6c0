#if defined(__x86_64__)
#include "../dispatch/entries.h"
#include "../math/math_avx2.h"

CK_AVX2_INLINE float row_sum(const float *x, long n) {
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    long i = 0;
    for (; i + 16 <= n; i += 16) {
        low = _mm256_add_ps(low, _mm256_loadu_ps(x + i));
        high = _mm256_add_ps(high, _mm256_loadu_ps(x + i + 8));
    }
    if (i < n) {
        const __m256i first = ck_mask8(n - i), second = ck_mask8(n - i - 8);
        const __m256 a = _mm256_maskload_ps(x + i, first);
        const __m256 b = _mm256_maskload_ps(x + i + 8, second);
        low = ck_select8(first, _mm256_add_ps(low, a), low);
        high = ck_select8(second, _mm256_add_ps(high, b), high);
    }
    return ck_tree16_avx2(low, high);
}

CK_AVX2_INLINE float squared_deviations(const float *x, float mean, long n) {
    const __m256 m = _mm256_set1_ps(mean);
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    long i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m256 a = _mm256_sub_ps(_mm256_loadu_ps(x + i), m);
        const __m256 b = _mm256_sub_ps(_mm256_loadu_ps(x + i + 8), m);
        low = _mm256_fmadd_ps(a, a, low);
        high = _mm256_fmadd_ps(b, b, high);
    }
    if (i < n) {
        const __m256i first = ck_mask8(n - i), second = ck_mask8(n - i - 8);
        const __m256 a = _mm256_sub_ps(_mm256_maskload_ps(x + i, first), m);
        const __m256 b = _mm256_sub_ps(_mm256_maskload_ps(x + i + 8, second), m);
        low = ck_select8(first, _mm256_fmadd_ps(a, a, low), low);
        high = ck_select8(second, _mm256_fmadd_ps(b, b, high), high);
    }
    return ck_tree16_avx2(low, high);
}

CK_AVX2 void ck_layer_norm_avx2(const float *x, const float *gain, const float *bias, float eps,
                                float *y, long rows, long width) {
    for (long r = 0; r < rows; r++, x += width, y += width) {
        const float mean = row_sum(x, width) / (float)width;
        const float variance = squared_deviations(x, mean, width) / (float)width;
        const float inverse = 1.0f / __builtin_sqrtf(variance + eps);
        const __m256 m = _mm256_set1_ps(mean), scale = _mm256_set1_ps(inverse);
        long i = 0;
        for (; i + 8 <= width; i += 8) {
            const __m256 d = _mm256_sub_ps(_mm256_loadu_ps(x + i), m);
            const __m256 normal = _mm256_mul_ps(d, scale);
            _mm256_storeu_ps(y + i, _mm256_fmadd_ps(normal, _mm256_loadu_ps(gain + i),
                                                    _mm256_loadu_ps(bias + i)));
        }
        for (; i < width; i++)
            y[i] = __builtin_fmaf((x[i] - mean) * inverse, gain[i], bias[i]);
    }
}

#endif
