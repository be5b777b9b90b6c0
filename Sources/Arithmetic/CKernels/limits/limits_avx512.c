#if defined(__x86_64__)
#include <immintrin.h>

#include "../dispatch/entries.h"
#include "../dispatch/target.h"
#include "limits.h"

CK_AVX512 uint64_t ck_limit_read_avx512(const void *buffer, size_t bytes) {
    const __m512i *at = buffer;
    __m512i sum[4] = {0};
    for (size_t left = bytes; left >= 256; left -= 256, at += 4)
        for (int j = 0; j < 4; j++) sum[j] = _mm512_xor_si512(sum[j], _mm512_loadu_si512(at + j));
    uint64_t words[8], total = 0;
    _mm512_storeu_si512(words, _mm512_xor_si512(_mm512_xor_si512(sum[0], sum[1]),
                                                _mm512_xor_si512(sum[2], sum[3])));
    for (int j = 0; j < 8; j++) total ^= words[j];
    return total;
}

CK_AVX512 double ck_limit_fma_avx512(long rounds) {
    const __m512 half = _mm512_set1_ps(0.5f);
    __m512 sum[CK_LIMIT_CHAINS] = {0};
    for (long i = 0; i < rounds; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < CK_LIMIT_CHAINS; j++) {
            sum[j] = _mm512_fmadd_ps(half, half, sum[j]);
            CK_KEEP(sum[j]);
        }
    return 2.0 * 16 * CK_LIMIT_CHAINS * (double)rounds;
}

CK_AVX512 double ck_limit_int8_avx512(long rounds) {
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i sum[CK_LIMIT_CHAINS] = {0};
    for (long i = 0; i < rounds; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < CK_LIMIT_CHAINS; j++) {
            sum[j] = _mm512_dpbusd_epi32(sum[j], ones, ones);
            CK_KEEP(sum[j]);
        }
    return 2.0 * 64 * CK_LIMIT_CHAINS * (double)rounds;
}

#endif
