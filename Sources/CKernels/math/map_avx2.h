// Applies an eight-lane function to an array; the tail is computed in masked lanes.
#ifndef CK_MAP_AVX2_H
#define CK_MAP_AVX2_H

#define CK_MAP_AVX2(function, x, y, n)                                                             \
    do {                                                                                           \
        long i_ = 0;                                                                               \
        for (; i_ + 8 <= (n); i_ += 8)                                                             \
            _mm256_storeu_ps((y) + i_, function(_mm256_loadu_ps((x) + i_)));                       \
        if (i_ < (n)) {                                                                            \
            const __m256i mask_ = ck_mask8((n)-i_);                                                \
            _mm256_maskstore_ps((y) + i_, mask_, function(_mm256_maskload_ps((x) + i_, mask_)));   \
        }                                                                                          \
    } while (0)

#endif
