#include "math_scalar.h"

#include "../dispatch/entries.h"

CK_DEFINITION void ck_exp_scalar(const float *x, float *y, long n) {
    for (long i = 0; i < n; i++) y[i] = ck_exp1(x[i]);
}

CK_DEFINITION void ck_log_scalar(const float *x, float *y, long n) {
    for (long i = 0; i < n; i++) y[i] = ck_log1(x[i]);
}

CK_DEFINITION void ck_sigmoid_scalar(const float *x, float *y, long n) {
    for (long i = 0; i < n; i++) y[i] = ck_sigmoid1(x[i]);
}

CK_DEFINITION void ck_softmax_scalar(float *values, long n) { ck_softmax1(values, n); }
