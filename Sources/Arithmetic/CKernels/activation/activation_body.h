#include "../math/math_body.h"

V_INLINE v16 quick_gelu(v16 x) { return v_mul(x, v_sigmoid(v_mul(v_set(CK_QUICK_GELU), x))); }
V_INLINE v16 relu(v16 x) {
    const v16 zero = v_set(0.0f);
    return v_select(v_less_or_equal(x, zero), zero, x);
}

V_TARGET void V(quick_gelu)(const float *x, float *y, long n) { V_MAP(quick_gelu, x, y, n); }
V_TARGET void V(relu)(const float *x, float *y, long n) { V_MAP(relu, x, y, n); }
