// The definition of int8 quantisation, of activations and weights alike.
#ifndef CK_QUANTIZE_H
#define CK_QUANTIZE_H

#include "../math/math_scalar.h"

// Below this the reciprocal might overflow; nothing of a model is so small.
#define CK_QUANTIZE_MIN 0x1p-100f

// Scale and factor of a group from the bits of its largest magnitude; the bits order as the magnitudes do, and
// those of a NaN above all.
CK_INLINE float ck_group_scale(uint32_t largest, float *factor) {
    const float magnitude = ck_float(largest);
    *factor = 0.0f;
    if (largest >= 0x7f800000u) return NAN;
    if (magnitude < CK_QUANTIZE_MIN) return 0.0f;
    *factor = 127.0f / magnitude;
    return magnitude / 127.0f;
}

// x * factor to nearest even; 0 for a factor of 0, whatever x is.
CK_INLINE int32_t ck_quantize1(float x, float factor) {
    if (factor == 0.0f) return 0;
    return (int32_t)(ck_bits(x * factor + CK_ROUNDING_SHIFT) - CK_ROUNDING_SHIFT_BITS);
}

// n numbers, `stride` apart.
CK_INLINE float ck_quantize_group(const float *x, long stride, long n, int8_t *out) {
    uint32_t largest = 0;
    for (long i = 0; i < n; i++) {
        const uint32_t magnitude = ck_bits(x[i * stride]) & 0x7fffffffu;
        largest = magnitude > largest ? magnitude : largest;
    }
    float factor;
    const float scale = ck_group_scale(largest, &factor);
    for (long i = 0; i < n; i++) out[i] = (int8_t)ck_quantize1(x[i * stride], factor);
    return scale;
}

#endif
