#if defined(__x86_64__)
#include "../dispatch/entries.h"
#include "../math/map_avx2.h"
#include "../math/math_avx2.h"

CK_AVX2 void ck_quick_gelu_avx2(const float *x, float *y, long n) {
    CK_MAP_AVX2(ck_quick_gelu8, x, y, n);
}

CK_AVX2_INLINE __m256 relu8(__m256 x) {
    return _mm256_andnot_ps(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LE_OQ), x);
}

CK_AVX2 void ck_relu_avx2(const float *x, float *y, long n) { CK_MAP_AVX2(relu8, x, y, n); }

#endif
