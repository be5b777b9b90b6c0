// math_scalar.h eight lanes at a time: the same operations in the same order.
#ifndef CK_MATH_AVX2_H
#define CK_MATH_AVX2_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#include "../dispatch/target.h"
#include "math_constants.h"

// min and max return the second operand when one is NaN: the scalar code's comparisons.
CK_AVX2_INLINE __m256 ck_exp8(__m256 x) {
    const __m256 shift = _mm256_set1_ps(CK_ROUNDING_SHIFT);
    x = _mm256_min_ps(_mm256_set1_ps(CK_EXP_MAX), x);
    x = _mm256_max_ps(_mm256_set1_ps(CK_EXP_MIN), x);
    const __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(CK_LOG2_E), shift);
    const __m256 n = _mm256_sub_ps(shifted, shift);
    const __m256 ln2_low = _mm256_set1_ps(-CK_EXP_LN2_LOW);
    const __m256 high = _mm256_fmadd_ps(n, _mm256_set1_ps(-CK_EXP_LN2_HIGH), x);
    const __m256 r = _mm256_fmadd_ps(n, ln2_low, high);
    const __m256 lost = _mm256_fmadd_ps(n, ln2_low, _mm256_sub_ps(high, r));
    __m256 q = _mm256_set1_ps(CK_EXP_6);
    q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(CK_EXP_5));
    q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(CK_EXP_4));
    q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(CK_EXP_3));
    q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(CK_EXP_2));
    const __m256 one = _mm256_set1_ps(1.0f);
    const __m256 one_r = _mm256_add_ps(one, r);
    const __m256 low = _mm256_add_ps(_mm256_sub_ps(r, _mm256_sub_ps(one_r, one)), lost);
    __m256 p = _mm256_add_ps(one_r, _mm256_fmadd_ps(_mm256_mul_ps(r, r), q, low));
    const __m256i bias = _mm256_set1_epi32(127);
    const __m256i exponent = _mm256_sub_epi32(_mm256_castps_si256(shifted),
                                              _mm256_set1_epi32((int)CK_ROUNDING_SHIFT_BITS));
    const __m256i half = _mm256_srai_epi32(exponent, 1);
    const __m256i rest = _mm256_sub_epi32(exponent, half);
    const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    const __m256i second = _mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23);
    p = _mm256_mul_ps(p, _mm256_castsi256_ps(first));
    return _mm256_mul_ps(p, _mm256_castsi256_ps(second));
}

CK_AVX2_INLINE __m256 ck_log8_polynomial(__m256 f) {
    __m256 q = _mm256_set1_ps(CK_LOG_11);
    q = _mm256_fmadd_ps(q, f, _mm256_set1_ps(CK_LOG_10));
    q = _mm256_fmadd_ps(q, f, _mm256_set1_ps(CK_LOG_9));
    q = _mm256_fmadd_ps(q, f, _mm256_set1_ps(CK_LOG_8));
    q = _mm256_fmadd_ps(q, f, _mm256_set1_ps(CK_LOG_7));
    q = _mm256_fmadd_ps(q, f, _mm256_set1_ps(CK_LOG_6));
    q = _mm256_fmadd_ps(q, f, _mm256_set1_ps(CK_LOG_5));
    q = _mm256_fmadd_ps(q, f, _mm256_set1_ps(CK_LOG_4));
    return _mm256_fmadd_ps(q, f, _mm256_set1_ps(CK_LOG_3));
}

CK_AVX2_INLINE __m256 ck_log8(__m256 x) {
    const __m256 zero = _mm256_setzero_ps(), infinity = _mm256_set1_ps(INFINITY);
    const __m256 subnormal = _mm256_cmp_ps(x, _mm256_set1_ps(CK_SMALLEST_NORMAL), _CMP_LT_OQ);
    const __m256 scaled =
        _mm256_blendv_ps(x, _mm256_mul_ps(x, _mm256_set1_ps(CK_TWO_23)), subnormal);
    const __m256i bits = _mm256_add_epi32(_mm256_castps_si256(scaled),
                                          _mm256_set1_epi32((int)CK_LOG_OFFSET));
    const __m256i bias = _mm256_blendv_epi8(_mm256_set1_epi32(127), _mm256_set1_epi32(127 + 23),
                                            _mm256_castps_si256(subnormal));
    const __m256 e = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srli_epi32(bits, 23), bias));
    const __m256i mantissa = _mm256_add_epi32(_mm256_and_si256(bits, _mm256_set1_epi32(0x007fffff)),
                                              _mm256_set1_epi32((int)CK_SQRT_HALF_BITS));
    const __m256 f = _mm256_sub_ps(_mm256_castsi256_ps(mantissa), _mm256_set1_ps(1.0f));
    const __m256 q = ck_log8_polynomial(f);
    const __m256 square = _mm256_mul_ps(f, f);
    __m256 tail = _mm256_fmadd_ps(_mm256_mul_ps(square, f), q,
                                  _mm256_mul_ps(_mm256_set1_ps(-0.5f), square));
    tail = _mm256_fmadd_ps(e, _mm256_set1_ps(CK_LOG_LN2_LOW), tail);
    __m256 y = _mm256_fmadd_ps(e, _mm256_set1_ps(CK_LOG_LN2_HIGH), _mm256_add_ps(f, tail));
    y = _mm256_blendv_ps(x, y, _mm256_cmp_ps(x, infinity, _CMP_LT_OQ));
    y = _mm256_blendv_ps(y, _mm256_set1_ps(-INFINITY), _mm256_cmp_ps(x, zero, _CMP_EQ_OQ));
    return _mm256_blendv_ps(y, _mm256_set1_ps(NAN), _mm256_cmp_ps(x, zero, _CMP_LT_OQ));
}

CK_AVX2_INLINE __m256 ck_sigmoid8(__m256 x) {
    const __m256 one = _mm256_set1_ps(1.0f);
    const __m256 e = ck_exp8(_mm256_or_ps(x, _mm256_set1_ps(-0.0f)));
    const __m256 negative = _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ);
    const __m256 top = _mm256_blendv_ps(one, e, negative);
    const __m256 sum = _mm256_add_ps(one, e);
    const __m256 low = _mm256_sub_ps(e, _mm256_sub_ps(sum, one));
    const __m256 quotient = _mm256_div_ps(top, sum);
    const __m256 rest = _mm256_fnmadd_ps(quotient, low, _mm256_fnmadd_ps(quotient, sum, top));
    return _mm256_fmadd_ps(rest, _mm256_fmadd_ps(_mm256_set1_ps(-0.5f), e, one), quotient);
}

CK_AVX2_INLINE __m256 ck_quick_gelu8(__m256 x) {
    return _mm256_mul_ps(x, ck_sigmoid8(_mm256_mul_ps(_mm256_set1_ps(CK_QUICK_GELU), x)));
}

// Lanes 0 ... count - 1 set; count may be below 0 or above 8.
CK_AVX2_INLINE __m256i ck_mask8(long count) {
    const int clamped = count < 0 ? 0 : count > 8 ? 8 : (int)count;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(clamped),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// `yes` where the mask is set, `no` elsewhere.
CK_AVX2_INLINE __m256 ck_select8(__m256i mask, __m256 yes, __m256 no) {
    return _mm256_blendv_ps(no, yes, _mm256_castsi256_ps(mask));
}

// The second half of the TREE; partials 0 ... 7 in low, 8 ... 15 in high.
CK_AVX2_INLINE float ck_tree16_avx2(__m256 low, __m256 high) {
    const __m256 eight = _mm256_add_ps(low, high);
    __m128 p = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    p = _mm_add_ps(p, _mm_movehl_ps(p, p));
    return _mm_cvtss_f32(_mm_add_ss(p, _mm_movehdup_ps(p)));
}

CK_AVX2_INLINE float ck_max_avx2(const float *v, long n) {
    __m256 max = _mm256_set1_ps(-INFINITY);
    long i = 0;
    for (; i + 8 <= n; i += 8) max = _mm256_max_ps(_mm256_loadu_ps(v + i), max);
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(max), _mm256_extractf128_ps(max, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    m = _mm_max_ss(m, _mm_movehdup_ps(m));
    float result = _mm_cvtss_f32(m);
    for (; i < n; i++) result = v[i] > result ? v[i] : result;
    return result;
}

CK_AVX2_INLINE void ck_softmax_inline_avx2(float *v, long n) {
    const __m256 max = _mm256_set1_ps(ck_max_avx2(v, n));
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    for (long i = 0; i < n; i += 16) {
        for (int part = 0; part < 2; part++) {
            float *const at = v + i + 8 * part;
            __m256 *const sum = part ? &high : &low;
            const long left = n - i - 8 * part;
            if (left >= 8) {
                const __m256 e = ck_exp8(_mm256_sub_ps(_mm256_loadu_ps(at), max));
                _mm256_storeu_ps(at, e);
                *sum = _mm256_add_ps(*sum, e);
            } else if (left > 0) {
                const __m256i mask = ck_mask8(left);
                const __m256 e = ck_exp8(_mm256_sub_ps(_mm256_maskload_ps(at, mask), max));
                _mm256_maskstore_ps(at, mask, e);
                *sum = ck_select8(mask, _mm256_add_ps(*sum, e), *sum);
            }
        }
    }
    const float total = ck_tree16_avx2(low, high);
    const __m256 divisor = _mm256_set1_ps(total);
    long i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(v + i, _mm256_div_ps(_mm256_loadu_ps(v + i), divisor));
    for (; i < n; i++) v[i] /= total;
}

#endif
#endif
