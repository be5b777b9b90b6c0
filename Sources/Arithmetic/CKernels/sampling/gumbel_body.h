#include "../math/math_body.h"
#include "gumbel.h"

V_INLINE v16 gumbel(const uint32_t *draws) {
    i16 integers;
    memcpy(&integers, draws, sizeof integers);
    const v16 u = v_mul(v_add(v_from_integers(integers), v_set(0.5f)), v_set(0x1p-23f));
    return v_negate(v_log(v_negate(v_log(u))));
}

V_TARGET long V(gumbel_argmax)(const float *logits, long n, uint64_t seed, uint32_t sample,
                               uint32_t level, uint32_t position) {
    ck_best best = {-INFINITY, -1};
    uint32_t draws[CK_GUMBEL_BLOCK] = {0};
    float noisy[CK_GUMBEL_BLOCK];
    for (long begin = 0; begin < n; begin += CK_GUMBEL_BLOCK) {
        const long count = n - begin < CK_GUMBEL_BLOCK ? n - begin : CK_GUMBEL_BLOCK;
        ck_gumbel_draw(seed, sample, level, position, begin, count, draws);
        for (long i = 0; i < count; i += 16) {
            const v16 logit = count - i >= 16 ? v_load(logits + begin + i)
                                              : v_load_some(logits + begin + i, count - i);
            v_store(noisy + i, v_add(logit, gumbel(draws + i)));
        }
        if (!ck_gumbel_compare(logits + begin, noisy, begin, count, &best)) return -1;
    }
    return best.index;
}
