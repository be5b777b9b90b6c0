#include "../vector/v16.h"
#include "quantize.h"

V_INLINE i16 magnitudes(v16 x) { return i_and(v_bits(x), i_set(0x7fffffff)); }
V_INLINE i16 larger(i16 a, i16 b) {
    i16 more;
    for (int i = 0; i < V_PARTS; i++) more.part[i] = a.part[i] > b.part[i];
    return i_select(more, a, b);
}
V_INLINE v16 load_up_to(const float *from, long count) {
    return count >= 16 ? v_load(from) : v_load_some(from, count);
}

// The n numbers of a group; whole fours of them are written.
V_INLINE int32_t quantize_group(const float *x, long n, int8_t *values, float *scale) {
    i16 most = i_set(0), sum = i_set(0);
    for (long i = 0; i < n; i += 16) most = larger(magnitudes(load_up_to(x + i, n - i)), most);
    int32_t lanes[16], largest = 0;
    memcpy(lanes, &most, sizeof lanes);
    for (int i = 0; i < 16; i++) largest = lanes[i] > largest ? lanes[i] : largest;
    float factor;
    *scale = ck_group_scale((uint32_t)largest, &factor);
    const i16 sound = i_set(factor == 0.0f ? 0 : -1);
    for (long i = 0; i < n; i += 16) {
        const v16 scaled = v_mul(load_up_to(x + i, n - i), v_set(factor));
        const i16 rounded = i_sub(v_bits(v_add(scaled, v_set(CK_ROUNDING_SHIFT))),
                                  i_set((int32_t)CK_ROUNDING_SHIFT_BITS));
        const i16 q = i_and(rounded, sound);
        sum = i_add(sum, q);
        int8_t bytes[16];
        memcpy(lanes, &q, sizeof lanes);
        for (int j = 0; j < 16; j++) bytes[j] = (int8_t)lanes[j];
        if (n - i >= 16)
            memcpy(values + i, bytes, 16);
        else
            memcpy(values + i, bytes, (size_t)(n - i + 3) / 4 * 4);
    }
    int32_t total = 0;
    memcpy(lanes, &sum, sizeof lanes);
    for (int i = 0; i < 16; i++) total += lanes[i];
    return total;
}

V_TARGET void V(quantize)(const float *x, long ldx, long rows, long k, int8_t *values, float *scales,
                          int32_t *offsets) {
    for (long r = 0; r < rows; r++, x += ldx, values += ck_quantized_width(k))
        for (long begin = 0; begin < k; begin += CK_GROUP)
            *offsets++ = -128 * quantize_group(x + begin, k - begin < CK_GROUP ? k - begin : CK_GROUP,
                                               values + begin, scales++);
}
