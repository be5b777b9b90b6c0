#include "../dispatch/entries.h"
#include "../math/math_scalar.h"
#include "gumbel.h"

CK_DEFINITION long ck_gumbel_argmax_scalar(const float *logits, long n, uint64_t seed,
                                           uint32_t sample, uint32_t level, uint32_t position) {
    ck_best best = {-INFINITY, -1};
    for (long begin = 0; begin < n; begin += CK_GUMBEL_BLOCK) {
        const long count = n - begin < CK_GUMBEL_BLOCK ? n - begin : CK_GUMBEL_BLOCK;
        uint32_t draws[CK_GUMBEL_BLOCK];
        float noisy[CK_GUMBEL_BLOCK];
        ck_gumbel_draw(seed, sample, level, position, begin, count, draws);
        for (long i = 0; i < count; i++) {
            const float u = ((float)(int32_t)draws[i] + 0.5f) * 0x1p-23f;
            noisy[i] = logits[begin + i] + -ck_log1(-ck_log1(u));
        }
        if (!ck_gumbel_compare(logits + begin, noisy, begin, count, &best)) return -1;
    }
    return best.index;
}
