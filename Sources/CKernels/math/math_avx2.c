#if defined(__x86_64__)
#include "math_avx2.h"

#include "../dispatch/entries.h"
#include "map_avx2.h"

CK_AVX2 void ck_exp_avx2(const float *x, float *y, long n) { CK_MAP_AVX2(ck_exp8, x, y, n); }

CK_AVX2 void ck_log_avx2(const float *x, float *y, long n) { CK_MAP_AVX2(ck_log8, x, y, n); }

CK_AVX2 void ck_sigmoid_avx2(const float *x, float *y, long n) {
    CK_MAP_AVX2(ck_sigmoid8, x, y, n);
}

CK_AVX2 void ck_softmax_avx2(float *values, long n) { ck_softmax_inline_avx2(values, n); }

#endif
