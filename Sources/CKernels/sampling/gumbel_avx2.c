#if defined(__x86_64__)
#include "../dispatch/entries.h"
#include "../math/math_avx2.h"
#include "gumbel.h"

CK_AVX2_INLINE __m256 negated_log8(__m256 x) {
    return _mm256_xor_ps(ck_log8(x), _mm256_set1_ps(-0.0f));
}

CK_AVX2_INLINE __m256 gumbel8(const uint32_t *draws) {
    const __m256 integer = _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)draws));
    const __m256 u = _mm256_mul_ps(_mm256_add_ps(integer, _mm256_set1_ps(0.5f)),
                                   _mm256_set1_ps(0x1p-23f));
    return negated_log8(negated_log8(u));
}

CK_AVX2 long ck_gumbel_argmax_avx2(const float *logits, long n, uint64_t seed, uint32_t sample,
                                   uint32_t level, uint32_t position) {
    ck_best best = {-INFINITY, -1};
    uint32_t draws[CK_GUMBEL_BLOCK] = {0};
    float noisy[CK_GUMBEL_BLOCK];
    for (long begin = 0; begin < n; begin += CK_GUMBEL_BLOCK) {
        const long count = n - begin < CK_GUMBEL_BLOCK ? n - begin : CK_GUMBEL_BLOCK;
        ck_gumbel_draw(seed, sample, level, position, begin, count, draws);
        for (long i = 0; i < count; i += 8) {
            const __m256i mask = ck_mask8(count - i);
            const __m256 logit = _mm256_maskload_ps(logits + begin + i, mask);
            _mm256_storeu_ps(noisy + i, _mm256_add_ps(logit, gumbel8(draws + i)));
        }
        if (!ck_gumbel_compare(logits + begin, noisy, begin, count, &best)) return -1;
    }
    return best.index;
}

#endif
