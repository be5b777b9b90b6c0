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

#endif
