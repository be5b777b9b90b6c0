#include "../dispatch/entries.h"
#include "half.h"

void ck_f16_to_f32_scalar(const uint16_t *x, float *y, long n) {
    for (long i = 0; i < n; i++) y[i] = ck_widen1(x[i]);
}

void ck_f32_to_f16_scalar(const float *x, uint16_t *y, long n) {
    for (long i = 0; i < n; i++) y[i] = ck_narrow1(x[i]);
}
