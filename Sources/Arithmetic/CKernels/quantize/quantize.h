// The definition of int8 quantisation, of activations and weights alike.
#ifndef CK_QUANTIZE_H
#define CK_QUANTIZE_H

#include "../include/CKernels.h"
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

// The Walsh-Hadamard transform of `size` numbers in place, size a power of two, without its factor.
CK_INLINE void ck_hadamard(float *x, long size) {
    for (long stride = 1; stride < size; stride *= 2)
        for (long i = 0; i < size; i++)
            if (!(i & stride)) {
                const float a = x[i], b = x[i + stride];
                x[i] = a + b;
                x[i + stride] = a - b;
            }
}

// A group of n numbers in place, n whole fours: rotated in blocks of descending powers of two that sum to n, so that a
// large number becomes a little of each of its block.
CK_INLINE void ck_rotate(float *x, long n) {
    for (long size = CK_GROUP; size >= 4; size /= 2)
        if (n & size) {
            ck_hadamard(x, size);
            x += size;
        }
}

// What a weight's group becomes: rotated, and divided by the factor that both sides' rotation puts into a product,
// the size of each block, which is exact.
CK_INLINE void ck_rotate_weights(float *x, long n) {
    ck_rotate(x, n);
    for (long size = CK_GROUP; size >= 4; size /= 2)
        if (n & size)
            for (const float *const end = x + size; x < end; x++) *x *= 1.0f / (float)size;
}

// n numbers as they are after rotation.
CK_INLINE float ck_quantize_group(const float *x, long n, int8_t *out) {
    uint32_t largest = 0;
    for (long i = 0; i < n; i++) {
        const uint32_t magnitude = ck_bits(x[i]) & 0x7fffffffu;
        largest = magnitude > largest ? magnitude : largest;
    }
    float factor;
    const float scale = ck_group_scale(largest, &factor);
    for (long i = 0; i < n; i++) out[i] = (int8_t)ck_quantize1(x[i], factor);
    return scale;
}

#endif
