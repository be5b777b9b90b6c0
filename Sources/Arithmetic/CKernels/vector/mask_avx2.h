#ifndef CK_MASK_AVX2_H
#define CK_MASK_AVX2_H

#include <immintrin.h>

#include "../dispatch/target.h"

// Lanes 0 ... count - 1 set; count may be below 0 or above 8.
CK_AVX2_INLINE __m256i ck_mask8(long count) {
    const int clamped = count < 0 ? 0 : count > 8 ? 8 : (int)count;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(clamped),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// The first `valid` lanes.
CK_AVX2_INLINE __m256 ck_load_some(const float *from, long valid) {
    return valid >= 8 ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, ck_mask8(valid));
}

// Storing with a mask takes dozens of cycles on some processors.
CK_AVX2_INLINE void ck_store_some(float *to, long valid, __m256 value) {
    if (valid >= 8)
        _mm256_storeu_ps(to, value);
    else
        _mm256_maskstore_ps(to, ck_mask8(valid), value);
}

#endif
