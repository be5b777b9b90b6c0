// Constants shared by the scalar and the vector versions, so that they cannot drift apart.
// The polynomials are minimax fits: of (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2, and of
// (log(1 + f) - f + f^2 / 2) / f^3 on [sqrt 1/2 - 1, sqrt 2 - 1]; the number is the power of r or f.
#ifndef CK_MATH_CONSTANTS_H
#define CK_MATH_CONSTANTS_H

// Beyond these exp is inf, or 0.
#define CK_EXP_MAX 90.0f
#define CK_EXP_MIN (-105.0f)
#define CK_LOG2_E 0x1.715476p+0f
// 1.5 * 2^23: adding it rounds a small number to an integer, which then sits in the low bits.
#define CK_ROUNDING_SHIFT 0x1.8p+23f
#define CK_ROUNDING_SHIFT_BITS 0x4b400000u
// ln 2 in two parts; n * HIGH is subtracted with an fma, so HIGH may be a full float.
#define CK_EXP_LN2_HIGH 0x1.62e43p-1f
#define CK_EXP_LN2_LOW (-0x1.05c61p-29f)
#define CK_EXP_2 0x1.fffffcp-2f
#define CK_EXP_3 0x1.555492p-3f
#define CK_EXP_4 0x1.5558bp-5f
#define CK_EXP_5 0x1.12398ep-7f
#define CK_EXP_6 0x1.6a4d6p-10f

#define CK_SMALLEST_NORMAL 0x1p-126f
#define CK_TWO_23 0x1p+23f
#define CK_SQRT_HALF_BITS 0x3f3504f3u
// Adding bits(1) - bits(sqrt 1/2) makes the exponent field change at sqrt 1/2 instead of at 1.
#define CK_LOG_OFFSET (0x3f800000u - CK_SQRT_HALF_BITS)
// ln 2 in two parts of which the high one has so few bits that its product with an exponent is exact.
#define CK_LOG_LN2_HIGH 0x1.63p-1f
#define CK_LOG_LN2_LOW (-0x1.bd0106p-13f)
#define CK_LOG_3 0x1.555548p-2f
#define CK_LOG_4 (-0x1.000006p-2f)
#define CK_LOG_5 0x1.99a476p-3f
#define CK_LOG_6 (-0x1.555c44p-3f)
#define CK_LOG_7 0x1.233ba2p-3f
#define CK_LOG_8 (-0x1.fc28cap-4f)
#define CK_LOG_9 0x1.e6c00ap-4f
#define CK_LOG_10 (-0x1.de01dap-4f)
#define CK_LOG_11 0x1.147338p-4f

#define CK_QUICK_GELU 1.702f

#endif
