#if defined(__x86_64__)
#include <immintrin.h>

#include "../dispatch/entries.h"
#include "half.h"

#define NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

CK_AVX2 void ck_f16_to_f32_avx2(const uint16_t *x, float *y, long n) {
    long i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + i))));
    for (; i < n; i++) y[i] = ck_widen1(x[i]);
}

CK_AVX2 void ck_f32_to_f16_avx2(const float *x, uint16_t *y, long n) {
    long i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), NEAREST));
    for (; i < n; i++) y[i] = ck_narrow1(x[i]);
}

#endif
