#include "../vector/v16.h"

// Registers of sums that run over the values side by side.
#define SUMS (V_LANES == 16 ? 15 : V_LANES == 8 ? 6 : 5)

V_INLINE v16 load_cached(int half, const void *from, long index) {
    return half ? v_load_half((const uint16_t *)from + index) : v_load((const float *)from + index);
}

V_INLINE v16 load_cached_some(int half, const void *from, long index, long count) {
    return half ? v_load_half_some((const uint16_t *)from + index, count)
                : v_load_some((const float *)from + index, count);
}

// How many keys or values ahead of those in use are fetched: what a window sees lies in memory, not in a cache.
#define KEYS_AHEAD 8
#define VALUES_AHEAD 6

// Fetches d halves. float32, which waits for the memory's bandwidth and not for its latency, gains nothing from that.
V_INLINE void fetch_ahead(int half, const void *from, long index, long d) {
    for (long i = 0; half && i < d; i += 32) __builtin_prefetch((const uint16_t *)from + index + i);
}

// Scores of `count` keys at once: enough independent sums to hide the latency of the fma.
V_INLINE void score_keys(const int count, const int half, const float *q, const void *keys, long first,
                         long stride, long d, float scale, float *scores) {
    v16 sum[4];
    for (int l = 0; l < count; l++) sum[l] = v_set(0.0f);
    long j = 0;
    for (; j + 16 <= d; j += 16) {
        const v16 query = v_load(q + j);
        for (int l = 0; l < count; l++)
            sum[l] = v_fma(query, load_cached(half, keys, (first + l) * stride + j), sum[l]);
    }
    if (j < d) {
        const v16 query = v_load_some(q + j, d - j);
        const i16 mask = i_first(d - j);
        for (int l = 0; l < count; l++) {
            const v16 key = load_cached_some(half, keys, (first + l) * stride + j, d - j);
            sum[l] = v_select(mask, v_fma(query, key, sum[l]), sum[l]);
        }
    }
    for (int l = 0; l < count; l++) scores[l] = v_tree(sum[l]) * scale;
}

V_INLINE void all_scores(const int half, const float *q, const void *keys, long stride, long count,
                         long d, float scale, float *scores) {
    long i = 0;
    for (; i + 4 <= count; i += 4) {
        for (long l = i + KEYS_AHEAD; l < i + KEYS_AHEAD + 4 && l < count; l++)
            fetch_ahead(half, keys, l * stride, d);
        score_keys(4, half, q, keys, i, stride, d, scale, scores + i);
    }
    for (; i < count; i++) score_keys(1, half, q, keys, i, stride, d, scale, scores + i);
}

// `vectors` times 16 outputs from `j` on, in registers over all values; the first such pass fetches what others need, too.
V_INLINE void some_sums(const int vectors, const int half, const float *weights, const void *values,
                        long stride, long count, long j, long d, float *out) {
    v16 sum[SUMS];
    for (int v = 0; v < vectors; v++) sum[v] = v_set(0.0f);
    for (long i = 0; i < count; i++) {
        const v16 w = v_set(weights[i]);
        if (j == 0 && i + VALUES_AHEAD < count) fetch_ahead(half, values, (i + VALUES_AHEAD) * stride, d);
        for (int v = 0; v < vectors; v++)
            sum[v] = v_fma(w, load_cached(half, values, i * stride + j + 16 * v), sum[v]);
    }
    for (int v = 0; v < vectors; v++) v_store(out + j + 16 * v, sum[v]);
}

V_INLINE void all_sums(const int half, const float *weights, const void *values, long stride,
                       long count, long d, float *out) {
    long j = 0;
    for (; j + 16 * SUMS <= d; j += 16 * SUMS)
        some_sums(SUMS, half, weights, values, stride, count, j, d, out);
    for (; j + 64 <= d; j += 64) some_sums(4, half, weights, values, stride, count, j, d, out);
    for (; j + 16 <= d; j += 16) some_sums(1, half, weights, values, stride, count, j, d, out);
    if (j == d) return;
    v16 sum = v_set(0.0f);
    for (long i = 0; i < count; i++)
        sum = v_fma(v_set(weights[i]), load_cached_some(half, values, i * stride + j, d - j), sum);
    v_store_some(out + j, sum, d - j);
}

V_TARGET void V(scores_f32)(const float *q, const void *keys, long stride, long count, long d,
                            float scale, float *scores) {
    all_scores(0, q, keys, stride, count, d, scale, scores);
}

V_TARGET void V(scores_f16)(const float *q, const void *keys, long stride, long count, long d,
                            float scale, float *scores) {
    all_scores(1, q, keys, stride, count, d, scale, scores);
}

V_TARGET void V(weighted_sum_f32)(const float *weights, const void *values, long stride, long count,
                                  long d, float *out) {
    all_sums(0, weights, values, stride, count, d, out);
}

V_TARGET void V(weighted_sum_f16)(const float *weights, const void *values, long stride, long count,
                                  long d, float *out) {
    all_sums(1, weights, values, stride, count, d, out);
}

#undef SUMS
#undef KEYS_AHEAD
#undef VALUES_AHEAD
