#include "../vector/v16.h"
#include "quantize.h"

V_INLINE i16 magnitudes(v16 x) { return i_and(v_bits(x), i_set(0x7fffffff)); }
V_INLINE i16 larger(i16 a, i16 b) {
    i16 more;
    for (int i = 0; i < V_PARTS; i++) more.part[i] = a.part[i] > b.part[i];
    return i_select(more, a, b);
}

typedef float v_lanes __attribute__((vector_size(64)));
typedef uint32_t v_places __attribute__((vector_size(64)));
static const v_places places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// A stage of the transform within 16 lanes: what is `stride` lanes away, plus the lane itself, negated in upper ones.
#define BUTTERFLY(x, stride, ...)                                                                  \
    x = __builtin_shufflevector(x, x, __VA_ARGS__) +                                               \
        (v_lanes)((v_places)x ^ ((places & stride) * (0x80000000u / stride)))

// ck_hadamard of 16 numbers or more.
V_INLINE void hadamard(float *x, long size) {
    for (long i = 0; i < size; i += 16) {
        v_lanes a;
        memcpy(&a, x + i, sizeof a);
        BUTTERFLY(a, 1, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
        BUTTERFLY(a, 2, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
        BUTTERFLY(a, 4, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
        BUTTERFLY(a, 8, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
        memcpy(x + i, &a, sizeof a);
    }
    for (long stride = 16; stride < size; stride *= 2)
        for (long i = 0; i < size; i += 16)
            if (!(i & stride)) {
                const v16 a = v_load(x + i), b = v_load(x + i + stride);
                v_store(x + i, v_add(a, b));
                v_store(x + i + stride, v_sub(a, b));
            }
}

// ck_rotate.
V_INLINE void rotate(float *x, long n) {
    if (n == CK_GROUP) return hadamard(x, CK_GROUP);
    for (long size = CK_GROUP / 2; size >= 16; size /= 2)
        if (n & size) {
            hadamard(x, size);
            x += size;
        }
    ck_rotate(x, n % 16);
}

// The n numbers of a group; whole fours of them are written.
V_INLINE int32_t quantize_group(const float *x, long n, int8_t *values, float *scale) {
    float group[CK_GROUP] = {0};
    memcpy(group, x, (size_t)n * sizeof *x);
    n = ck_quantized_width(n);
    rotate(group, n);
    i16 most = i_set(0), sum = i_set(0);
    for (long i = 0; i < n; i += 16) most = larger(magnitudes(v_load(group + i)), most);
    int32_t lanes[16], largest = 0;
    memcpy(lanes, &most, sizeof lanes);
    for (int i = 0; i < 16; i++) largest = lanes[i] > largest ? lanes[i] : largest;
    float factor;
    *scale = ck_group_scale((uint32_t)largest, &factor);
    const i16 sound = i_set(factor == 0.0f ? 0 : -1);
    for (long i = 0; i < n; i += 16) {
        const v16 scaled = v_mul(v_load(group + i), v_set(factor));
        const i16 rounded = i_sub(v_bits(v_add(scaled, v_set(CK_ROUNDING_SHIFT))),
                                  i_set((int32_t)CK_ROUNDING_SHIFT_BITS));
        const i16 q = i_and(rounded, sound);
        sum = i_add(sum, q);
        int8_t bytes[16];
        memcpy(lanes, &q, sizeof lanes);
        for (int j = 0; j < 16; j++) bytes[j] = (int8_t)lanes[j];
        memcpy(values + i, bytes, (size_t)(n - i < 16 ? n - i : 16));
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
