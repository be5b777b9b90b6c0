// The loops of the elementwise operations, compiled once for each instruction set. Each output is a
// fixed expression of single elements, and contraction is off, so vectorising cannot change a bit.
// Outputs may be an input itself, hence no restrict.
#ifndef CK_ELEMENTWISE_BODY_H
#define CK_ELEMENTWISE_BODY_H

#include "../dispatch/entries.h"
#include "../dispatch/target.h"

#define CK_DEFINE_ELEMENTWISE(isa, attributes)                                                     \
    attributes void ck_add_##isa(const float *x, const float *y, float *out, long n) {             \
        for (long i = 0; i < n; i++) out[i] = x[i] + y[i];                                         \
    }                                                                                              \
    attributes void ck_add_three_##isa(const float *x, const float *a, const float *m, float *out, \
                                       long n) {                                                   \
        for (long i = 0; i < n; i++) out[i] = (x[i] + a[i]) + m[i];                                \
    }                                                                                              \
    attributes void ck_add_scaled_##isa(const float *x, float s, const float *y, float *out,       \
                                        long n) {                                                  \
        for (long i = 0; i < n; i++) out[i] = x[i] + s * y[i];                                     \
    }                                                                                              \
    attributes void ck_add_scaled_sum_##isa(const float *x, float s, const float *a,               \
                                            const float *m, float *out, long n) {                  \
        for (long i = 0; i < n; i++) out[i] = x[i] + s * (a[i] + m[i]);                            \
    }                                                                                              \
    attributes void ck_scale_##isa(const float *x, float s, float *out, long n) {                  \
        for (long i = 0; i < n; i++) out[i] = s * x[i];                                            \
    }                                                                                              \
    attributes void ck_accumulate_##isa(float *y, const float *x, long n) {                        \
        for (long i = 0; i < n; i++) y[i] = y[i] + x[i];                                           \
    }                                                                                              \
    attributes void ck_scale_logits_##isa(float *logits, long n, float temperature) {              \
        for (long i = 0; i < n; i++) logits[i] = logits[i] / temperature;                          \
    }

#endif
