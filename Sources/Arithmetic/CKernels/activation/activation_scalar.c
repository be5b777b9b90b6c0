#include "../dispatch/entries.h"
#include "../math/math_scalar.h"

CK_DEFINITION void ck_quick_gelu_scalar(const float *x, float *y, long n) {
    for (long i = 0; i < n; i++) y[i] = ck_quick_gelu1(x[i]);
}

// Written so that a NaN stays a NaN and -0 becomes +0.
CK_DEFINITION void ck_relu_scalar(const float *x, float *y, long n) {
    for (long i = 0; i < n; i++) y[i] = x[i] <= 0.0f ? 0.0f : x[i];
}
