#if defined(__aarch64__)
#include <arm_neon.h>

#include "../dispatch/entries.h"
#include "limits.h"

uint64_t ck_limit_read_neon(const void *buffer, size_t bytes) {
    const uint64_t *at = buffer;
    uint64x2_t sum[4] = {vdupq_n_u64(0), vdupq_n_u64(0), vdupq_n_u64(0), vdupq_n_u64(0)};
    for (size_t left = bytes; left >= 64; left -= 64, at += 8)
        for (int j = 0; j < 4; j++) sum[j] = veorq_u64(sum[j], vld1q_u64(at + 2 * j));
    const uint64x2_t all = veorq_u64(veorq_u64(sum[0], sum[1]), veorq_u64(sum[2], sum[3]));
    return vgetq_lane_u64(all, 0) ^ vgetq_lane_u64(all, 1);
}

double ck_limit_fma_neon(long rounds) {
    float32x4_t sum[CK_LIMIT_CHAINS];
    const float32x4_t half = vdupq_n_f32(0.5f);
    for (int j = 0; j < CK_LIMIT_CHAINS; j++) sum[j] = half;
    for (long i = 0; i < rounds; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < CK_LIMIT_CHAINS; j++) {
            sum[j] = vfmaq_f32(sum[j], half, half);
            CK_KEEP(sum[j]);
        }
    return 2.0 * 4 * CK_LIMIT_CHAINS * (double)rounds;
}

double ck_limit_int8_neon(long rounds) {
    int32x4_t sum[CK_LIMIT_CHAINS];
    int8x16_t ones = vdupq_n_s8(1);
    for (int j = 0; j < CK_LIMIT_CHAINS; j++) sum[j] = vdupq_n_s32(0);
    for (long i = 0; i < rounds; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < CK_LIMIT_CHAINS; j++) {
            CK_KEEP(ones);
#if defined(__ARM_FEATURE_DOTPROD)
            sum[j] = vdotq_s32(sum[j], ones, ones);
#else
            sum[j] = vaddq_s32(sum[j], vpaddlq_s16(vmull_high_s8(ones, ones)));
#endif
            CK_KEEP(sum[j]);
        }
#if defined(__ARM_FEATURE_DOTPROD)
    return 2.0 * 16 * CK_LIMIT_CHAINS * (double)rounds;
#else
    return 2.0 * 8 * CK_LIMIT_CHAINS * (double)rounds;
#endif
}

#endif
