// The definitions of exp, log, the logistic function, the reduction tree and softmax.
#ifndef CK_MATH_SCALAR_H
#define CK_MATH_SCALAR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "../dispatch/target.h"
#include "math_constants.h"

CK_INLINE uint32_t ck_bits(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

CK_INLINE float ck_float(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

CK_INLINE float ck_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

// e^x = 2^n * e^r, n the integer nearest x / ln 2. The comparisons are written so that a NaN passes.
CK_INLINE float ck_exp1(float x) {
    x = CK_EXP_MAX < x ? CK_EXP_MAX : x;
    x = CK_EXP_MIN > x ? CK_EXP_MIN : x;
    const float shifted = ck_fma(x, CK_LOG2_E, CK_ROUNDING_SHIFT);
    const float n = shifted - CK_ROUNDING_SHIFT;
    const float high = ck_fma(n, -CK_EXP_LN2_HIGH, x);  // exact
    const float r = ck_fma(n, -CK_EXP_LN2_LOW, high);
    const float lost = ck_fma(n, -CK_EXP_LN2_LOW, high - r);
    float q = CK_EXP_6;
    q = ck_fma(q, r, CK_EXP_5);
    q = ck_fma(q, r, CK_EXP_4);
    q = ck_fma(q, r, CK_EXP_3);
    q = ck_fma(q, r, CK_EXP_2);
    // 1 + r in two floats, so that only the last addition rounds noticeably.
    const float one_r = 1.0f + r;
    const float low = (r - (one_r - 1.0f)) + lost;
    const float p = one_r + ck_fma(r * r, q, low);
    // Two powers of two, so that the only rounding is the last product's, also among subnormals.
    const int32_t exponent = (int32_t)(ck_bits(shifted) - CK_ROUNDING_SHIFT_BITS);
    const int32_t half = exponent >> 1;
    const uint32_t first = ((uint32_t)half + 127u) << 23;
    const uint32_t second = ((uint32_t)exponent - (uint32_t)half + 127u) << 23;
    return p * ck_float(first) * ck_float(second);
}

// log x = e ln 2 + log m, m in [sqrt 1/2, sqrt 2).
CK_INLINE float ck_log1(float x) {
    const int subnormal = x < CK_SMALLEST_NORMAL;
    const uint32_t bits = ck_bits(subnormal ? x * CK_TWO_23 : x) + CK_LOG_OFFSET;
    const float e = (float)((int32_t)(bits >> 23) - (subnormal ? 127 + 23 : 127));
    const float f = ck_float((bits & 0x007fffffu) + CK_SQRT_HALF_BITS) - 1.0f;
    float q = CK_LOG_11;
    q = ck_fma(q, f, CK_LOG_10);
    q = ck_fma(q, f, CK_LOG_9);
    q = ck_fma(q, f, CK_LOG_8);
    q = ck_fma(q, f, CK_LOG_7);
    q = ck_fma(q, f, CK_LOG_6);
    q = ck_fma(q, f, CK_LOG_5);
    q = ck_fma(q, f, CK_LOG_4);
    q = ck_fma(q, f, CK_LOG_3);
    const float square = f * f;
    const float tail = ck_fma(e, CK_LOG_LN2_LOW, ck_fma(square * f, q, -0.5f * square));
    float y = ck_fma(e, CK_LOG_LN2_HIGH, f + tail);
    y = x < INFINITY ? y : x;
    y = x == 0.0f ? -INFINITY : y;
    return x < 0.0f ? NAN : y;
}

// 1 / (1 + e^-x), from e^-|x| so that nothing overflows. The quotient is corrected for the rounding of the
// sum; 1 - e / 2 is close enough to 1 / (1 + e) for that.
CK_INLINE float ck_sigmoid1(float x) {
    const float e = ck_exp1(-fabsf(x));
    const float top = x < 0.0f ? e : 1.0f;
    const float sum = 1.0f + e;
    const float low = e - (sum - 1.0f);
    const float quotient = top / sum;
    const float rest = ck_fma(-quotient, low, ck_fma(-quotient, sum, top));
    return ck_fma(rest, ck_fma(-0.5f, e, 1.0f), quotient);
}

CK_INLINE float ck_quick_gelu1(float x) { return x * ck_sigmoid1(CK_QUICK_GELU * x); }

// The second half of the TREE.
CK_INLINE float ck_tree16(float p[16]) {
    for (int width = 8; width >= 1; width /= 2)
        for (int j = 0; j < width; j++) p[j] += p[j + width];
    return p[0];
}

CK_INLINE float ck_dot1(const float *a, const float *b, long n) {
    float p[16] = {0};
    long i = 0;
    for (; i + 16 <= n; i += 16)
        for (int j = 0; j < 16; j++) p[j] = ck_fma(a[i + j], b[i + j], p[j]);
    for (int j = 0; i + j < n; j++) p[j] = ck_fma(a[i + j], b[i + j], p[j]);
    return ck_tree16(p);
}

CK_INLINE float ck_sum1(const float *a, long n) {
    float p[16] = {0};
    long i = 0;
    for (; i + 16 <= n; i += 16)
        for (int j = 0; j < 16; j++) p[j] += a[i + j];
    for (int j = 0; i + j < n; j++) p[j] += a[i + j];
    return ck_tree16(p);
}

CK_INLINE void ck_softmax1(float *v, long n) {
    float max = -INFINITY;
    for (long i = 0; i < n; i++) max = v[i] > max ? v[i] : max;
    for (long i = 0; i < n; i++) v[i] = ck_exp1(v[i] - max);
    const float sum = ck_sum1(v, n);
    for (long i = 0; i < n; i++) v[i] /= sum;
}

#endif
