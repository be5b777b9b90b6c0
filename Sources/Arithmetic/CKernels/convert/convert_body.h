#include "../vector/v16.h"
#include "half.h"

V_TARGET void V(f16_to_f32)(const uint16_t *x, float *y, long n) {
    long i = 0;
    for (; i + 16 <= n; i += 16) v_store(y + i, v_load_half(x + i));
    for (; i < n; i++) y[i] = ck_widen1(x[i]);
}

V_TARGET void V(f32_to_f16)(const float *x, uint16_t *y, long n) {
    long i = 0;
    for (; i + 16 <= n; i += 16) v_store_half(y + i, v_load(x + i));
    for (; i < n; i++) y[i] = ck_narrow1(x[i]);
}
