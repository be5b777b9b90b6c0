// One IEEE half to and from float32, bit for bit as the F16C instructions do it.
#ifndef CK_HALF_H
#define CK_HALF_H

#include "../math/math_scalar.h"

CK_INLINE float ck_widen1(uint16_t h) {
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    const uint32_t rest = h & 0x7fffu, mantissa = h & 0x3ffu;
    if (rest >= 0x7c00u)  // inf, NaN (made quiet)
        return ck_float(sign | 0x7f800000u | (mantissa << 13) | (mantissa ? 0x400000u : 0u));
    if (rest < 0x400u)  // zero, subnormal: an exact multiple of 2^-24
        return ck_float(sign | ck_bits((float)mantissa * 0x1p-24f));
    return ck_float(sign | ((rest << 13) + (112u << 23)));
}

CK_INLINE uint16_t ck_narrow1(float x) {
    const uint32_t bits = ck_bits(x);
    const uint32_t sign = (bits >> 16) & 0x8000u, rest = bits & 0x7fffffffu;
    if (rest > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | ((rest >> 13) & 0x3ffu));
    if (rest >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u);  // 65520 and more
    if (rest < 0x38800000u)  // subnormal half: adding 0.5 rounds to a multiple of 2^-24
        return (uint16_t)(sign | (ck_bits(ck_float(rest) + 0.5f) - 0x3f000000u));
    const uint32_t odd = (rest >> 13) & 1u;
    return (uint16_t)(sign | ((rest + 0xfffu + odd - (112u << 23)) >> 13));
}

#endif
