#if defined(__x86_64__)
#include <immintrin.h>

#include "../dispatch/entries.h"
#include "../dispatch/target.h"
#include "limits.h"

CK_AVX2 uint64_t ck_limit_read_avx2(const void *buffer, size_t bytes) {
    const __m256i *at = buffer;
    __m256i sum[4] = {0};
    for (size_t left = bytes; left >= 128; left -= 128, at += 4)
        for (int j = 0; j < 4; j++) sum[j] = _mm256_xor_si256(sum[j], _mm256_loadu_si256(at + j));
    uint64_t words[4];
    _mm256_storeu_si256((__m256i *)words, _mm256_xor_si256(_mm256_xor_si256(sum[0], sum[1]),
                                                           _mm256_xor_si256(sum[2], sum[3])));
    return words[0] ^ words[1] ^ words[2] ^ words[3];
}

CK_AVX2 double ck_limit_fma_avx2(long rounds) {
    const __m256 half = _mm256_set1_ps(0.5f);
    __m256 sum[CK_LIMIT_CHAINS] = {0};
    for (long i = 0; i < rounds; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < CK_LIMIT_CHAINS; j++) {
            sum[j] = _mm256_fmadd_ps(half, half, sum[j]);
            CK_KEEP(sum[j]);
        }
    return 2.0 * 8 * CK_LIMIT_CHAINS * (double)rounds;
}

// As the product without VNNI does it: 32 products as the sign, two kinds of madd and a sum.
CK_AVX2 double ck_limit_int8_avx2(long rounds) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sum[CK_LIMIT_CHAINS] = {0};
    for (long i = 0; i < rounds; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < CK_LIMIT_CHAINS; j++) {
            __m256i x = ones;
            CK_KEEP(x);
            const __m256i pairs = _mm256_maddubs_epi16(ones, _mm256_sign_epi8(x, ones));
            sum[j] = _mm256_add_epi32(sum[j], _mm256_madd_epi16(pairs, ones));
        }
    for (int j = 0; j < CK_LIMIT_CHAINS; j++) CK_KEEP(sum[j]);
    return 2.0 * 32 * CK_LIMIT_CHAINS * (double)rounds;
}

#endif
