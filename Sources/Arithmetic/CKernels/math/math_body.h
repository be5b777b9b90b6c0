// math_scalar.h sixteen lanes at a time: the same operations in the same order.
#ifndef CK_MATH_BODY_H
#define CK_MATH_BODY_H

#include "../vector/v16.h"

// The comparisons are written so that a NaN passes.
V_INLINE v16 v_exp(v16 x) {
    const v16 shift = v_set(CK_ROUNDING_SHIFT), one = v_set(1.0f);
    x = v_select(v_less(v_set(CK_EXP_MAX), x), v_set(CK_EXP_MAX), x);
    x = v_select(v_less(x, v_set(CK_EXP_MIN)), v_set(CK_EXP_MIN), x);
    const v16 shifted = v_fma(x, v_set(CK_LOG2_E), shift);
    const v16 n = v_sub(shifted, shift);
    const v16 high = v_fma(n, v_set(-CK_EXP_LN2_HIGH), x);
    const v16 r = v_fma(n, v_set(-CK_EXP_LN2_LOW), high);
    const v16 lost = v_fma(n, v_set(-CK_EXP_LN2_LOW), v_sub(high, r));
    v16 q = v_set(CK_EXP_6);
    q = v_fma(q, r, v_set(CK_EXP_5));
    q = v_fma(q, r, v_set(CK_EXP_4));
    q = v_fma(q, r, v_set(CK_EXP_3));
    q = v_fma(q, r, v_set(CK_EXP_2));
    const v16 one_r = v_add(one, r);
    const v16 low = v_add(v_sub(r, v_sub(one_r, one)), lost);
    const v16 p = v_add(one_r, v_fma(v_mul(r, r), q, low));
    const i16 exponent = i_sub(v_bits(shifted), i_set((int32_t)CK_ROUNDING_SHIFT_BITS));
    const i16 half = i_half(exponent), bias = i_set(127);
    const i16 first = i_shift_left_23(i_add(half, bias));
    const i16 second = i_shift_left_23(i_add(i_sub(exponent, half), bias));
    return v_mul(v_mul(p, v_from_bits(first)), v_from_bits(second));
}

V_INLINE v16 v_log_polynomial(v16 f) {
    v16 q = v_set(CK_LOG_11);
    q = v_fma(q, f, v_set(CK_LOG_10));
    q = v_fma(q, f, v_set(CK_LOG_9));
    q = v_fma(q, f, v_set(CK_LOG_8));
    q = v_fma(q, f, v_set(CK_LOG_7));
    q = v_fma(q, f, v_set(CK_LOG_6));
    q = v_fma(q, f, v_set(CK_LOG_5));
    q = v_fma(q, f, v_set(CK_LOG_4));
    return v_fma(q, f, v_set(CK_LOG_3));
}

V_INLINE v16 v_log(v16 x) {
    const v16 zero = v_set(0.0f);
    const i16 subnormal = v_less(x, v_set(CK_SMALLEST_NORMAL));
    const v16 scaled = v_select(subnormal, v_mul(x, v_set(CK_TWO_23)), x);
    const i16 bits = i_add(v_bits(scaled), i_set((int32_t)CK_LOG_OFFSET));
    const i16 bias = i_select(subnormal, i_set(127 + 23), i_set(127));
    const v16 e = v_from_integers(i_sub(i_shift_right_23(bits), bias));
    const i16 mantissa =
        i_add(i_and(bits, i_set(0x007fffff)), i_set((int32_t)CK_SQRT_HALF_BITS));
    const v16 f = v_sub(v_from_bits(mantissa), v_set(1.0f));
    const v16 q = v_log_polynomial(f);
    const v16 square = v_mul(f, f);
    v16 tail = v_fma(v_mul(square, f), q, v_mul(v_set(-0.5f), square));
    tail = v_fma(e, v_set(CK_LOG_LN2_LOW), tail);
    v16 y = v_fma(e, v_set(CK_LOG_LN2_HIGH), v_add(f, tail));
    y = v_select(v_less(x, v_set(INFINITY)), y, x);
    y = v_select(v_equal(x, zero), v_set(-INFINITY), y);
    return v_select(v_less(x, zero), v_set(NAN), y);
}

V_INLINE v16 v_sigmoid(v16 x) {
    const v16 one = v_set(1.0f);
    const v16 e = v_exp(v_from_bits(i_or(v_bits(x), i_set(INT32_MIN))));
    const v16 top = v_select(v_less(x, v_set(0.0f)), e, one);
    const v16 sum = v_add(one, e);
    const v16 low = v_sub(e, v_sub(sum, one));
    const v16 quotient = v_div(top, sum);
    const v16 negated = v_negate(quotient);
    const v16 rest = v_fma(negated, low, v_fma(negated, sum, top));
    return v_fma(rest, v_fma(v_set(-0.5f), e, one), quotient);
}

V_TARGET void V(exp)(const float *x, float *y, long n) { V_MAP(v_exp, x, y, n); }
V_TARGET void V(log)(const float *x, float *y, long n) { V_MAP(v_log, x, y, n); }
V_TARGET void V(sigmoid)(const float *x, float *y, long n) { V_MAP(v_sigmoid, x, y, n); }

V_INLINE v16 v_larger(v16 a, v16 than) { return v_select(v_less(than, a), a, than); }

V_TARGET void V(softmax)(float *values, long n) {
    const long whole = n / 16 * 16;
    v16 largest = v_set(-INFINITY);
    for (long i = 0; i < whole; i += 16) largest = v_larger(v_load(values + i), largest);
    float lanes[16], max = -INFINITY;
    v_store(lanes, largest);
    for (int i = 0; i < 16; i++) max = lanes[i] > max ? lanes[i] : max;
    for (long i = whole; i < n; i++) max = values[i] > max ? values[i] : max;
    v16 sum = v_set(0.0f);
    for (long i = 0; i < whole; i += 16) {
        const v16 e = v_exp(v_sub(v_load(values + i), v_set(max)));
        v_store(values + i, e);
        sum = v_add(sum, e);
    }
    if (whole < n) {
        const v16 e = v_exp(v_sub(v_load_some(values + whole, n - whole), v_set(max)));
        v_store_some(values + whole, e, n - whole);
        sum = v_select(i_first(n - whole), v_add(sum, e), sum);
    }
    const float total = v_tree(sum);
    for (long i = 0; i < whole; i += 16) v_store(values + i, v_div(v_load(values + i), v_set(total)));
    for (long i = whole; i < n; i++) values[i] /= total;
}

#endif
