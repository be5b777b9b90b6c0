// What the versions of the Gumbel maximum share: the draws and the comparison.
#ifndef CK_GUMBEL_H
#define CK_GUMBEL_H

#include <math.h>

#include "../random/philox.h"

// Logits drawn for at a time; a multiple of 8.
#define CK_GUMBEL_BLOCK 64

// Draws for the logits begin ... begin + count - 1, as 23-bit integers; begin is a multiple of 4,
// and count is rounded up to one.
CK_INLINE void ck_gumbel_draw(uint64_t seed, uint32_t sample, uint32_t level, uint32_t position,
                              long begin, long count, uint32_t draws[CK_GUMBEL_BLOCK]) {
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    for (long i = 0; i < count; i += 4) {
        const uint32_t counter[4] = {sample, level, position, (uint32_t)((begin + i) / 4)};
        ck_philox_inline(counter, key, draws + i);
        for (int j = 0; j < 4; j++) draws[i + j] >>= 9;
    }
}

typedef struct {
    float value;
    long index;
} ck_best;

// Takes the next logits and their sums with the noise; false when a logit is NaN or +inf.
CK_INLINE int ck_gumbel_compare(const float *logits, const float *noisy, long begin, long count,
                                ck_best *best) {
    for (long i = 0; i < count; i++) {
        if (!(logits[i] < INFINITY)) return 0;
        if (noisy[i] > best->value) *best = (ck_best){noisy[i], begin + i};
    }
    return 1;
}

#endif
