// Sixteen lanes, in as many registers as the instruction set needs: the width of the TREE. The operations of the
// vector versions are written once on it; a file of this folder compiles them for one instruction set, after
// defining
//   V_LANES   lanes of a register
//   V_TARGET  the attributes of its functions
//   V(name)   the name of an entry
#ifndef CK_V16_H
#define CK_V16_H

#include <math.h>
#include <string.h>

#include "../dispatch/entries.h"
#include "../math/math_constants.h"

#define V_INLINE static inline __attribute__((always_inline)) V_TARGET
#define V_PARTS (16 / V_LANES)

typedef float v_float __attribute__((vector_size(4 * V_LANES)));
typedef int32_t v_int __attribute__((vector_size(4 * V_LANES)));
typedef uint32_t v_unsigned __attribute__((vector_size(4 * V_LANES)));
typedef _Float16 v_half __attribute__((vector_size(2 * V_LANES)));

typedef struct {
    v_float part[V_PARTS];
} v16;
// Integers, and masks whose lanes are 0 or -1.
typedef struct {
    v_int part[V_PARTS];
} i16;

#define V_EACH(type, expression)                                                                   \
    type out;                                                                                      \
    for (int i = 0; i < V_PARTS; i++) out.part[i] = (expression);                                  \
    return out

V_INLINE v16 v_set(float x) { V_EACH(v16, (v_float){0} + x); }
V_INLINE v16 v_add(v16 a, v16 b) { V_EACH(v16, a.part[i] + b.part[i]); }
V_INLINE v16 v_sub(v16 a, v16 b) { V_EACH(v16, a.part[i] - b.part[i]); }
V_INLINE v16 v_mul(v16 a, v16 b) { V_EACH(v16, a.part[i] * b.part[i]); }
V_INLINE v16 v_div(v16 a, v16 b) { V_EACH(v16, a.part[i] / b.part[i]); }
// a * b + c, rounded once.
V_INLINE v16 v_fma(v16 a, v16 b, v16 c) {
    V_EACH(v16, __builtin_elementwise_fma(a.part[i], b.part[i], c.part[i]));
}

V_INLINE i16 v_bits(v16 a) { V_EACH(i16, (v_int)a.part[i]); }
V_INLINE v16 v_from_bits(i16 a) { V_EACH(v16, (v_float)a.part[i]); }
V_INLINE v16 v_from_integers(i16 a) { V_EACH(v16, __builtin_convertvector(a.part[i], v_float)); }
V_INLINE i16 i_set(int32_t x) { V_EACH(i16, (v_int){0} + x); }
V_INLINE i16 i_add(i16 a, i16 b) { V_EACH(i16, a.part[i] + b.part[i]); }
V_INLINE i16 i_sub(i16 a, i16 b) { V_EACH(i16, a.part[i] - b.part[i]); }
V_INLINE i16 i_and(i16 a, i16 b) { V_EACH(i16, a.part[i] & b.part[i]); }
V_INLINE i16 i_or(i16 a, i16 b) { V_EACH(i16, a.part[i] | b.part[i]); }
V_INLINE i16 i_half(i16 a) { V_EACH(i16, a.part[i] >> 1); }
V_INLINE i16 i_shift_left_23(i16 a) { V_EACH(i16, (v_int)((v_unsigned)a.part[i] << 23)); }
V_INLINE i16 i_shift_right_23(i16 a) { V_EACH(i16, (v_int)((v_unsigned)a.part[i] >> 23)); }

V_INLINE i16 v_less(v16 a, v16 b) { V_EACH(i16, a.part[i] < b.part[i]); }
V_INLINE i16 v_less_or_equal(v16 a, v16 b) { V_EACH(i16, a.part[i] <= b.part[i]); }
V_INLINE i16 v_equal(v16 a, v16 b) { V_EACH(i16, a.part[i] == b.part[i]); }
V_INLINE i16 i_select(i16 mask, i16 yes, i16 no) {
    V_EACH(i16, (mask.part[i] & yes.part[i]) | (~mask.part[i] & no.part[i]));
}
V_INLINE v16 v_select(i16 mask, v16 yes, v16 no) {
    return v_from_bits(i_select(mask, v_bits(yes), v_bits(no)));
}
V_INLINE v16 v_negate(v16 a) { return v_from_bits(i_add(v_bits(a), i_set(INT32_MIN))); }

V_INLINE v16 v_load(const float *from) {
    v16 out;
    memcpy(&out, from, sizeof out);
    return out;
}
V_INLINE void v_store(float *to, v16 a) { memcpy(to, &a, sizeof a); }
V_INLINE v16 v_load_half(const uint16_t *from) {
    v_half halves[V_PARTS];
    memcpy(halves, from, sizeof halves);
    V_EACH(v16, __builtin_convertvector(halves[i], v_float));
}
V_INLINE void v_store_half(uint16_t *to, v16 a) {
    v_half halves[V_PARTS];
    for (int i = 0; i < V_PARTS; i++) halves[i] = __builtin_convertvector(a.part[i], v_half);
    memcpy(to, halves, sizeof halves);
}

// The first `count` lanes, 0 < count < 16; zeros beyond.
V_INLINE v16 v_load_some(const float *from, long count) {
    float lanes[16] = {0};
    for (long i = 0; i < count; i++) lanes[i] = from[i];
    return v_load(lanes);
}
V_INLINE void v_store_some(float *to, v16 a, long count) {
    float lanes[16];
    v_store(lanes, a);
    for (long i = 0; i < count; i++) to[i] = lanes[i];
}
V_INLINE v16 v_load_half_some(const uint16_t *from, long count) {
    uint16_t lanes[16] = {0};
    for (long i = 0; i < count; i++) lanes[i] = from[i];
    return v_load_half(lanes);
}
// The mask of the first `count` lanes.
V_INLINE i16 i_first(long count) {
    int32_t lanes[16];
    for (int i = 0; i < 16; i++) lanes[i] = i < count ? -1 : 0;
    i16 out;
    memcpy(&out, lanes, sizeof out);
    return out;
}

// The second half of the TREE.
V_INLINE float v_tree(v16 a) {
    float p[16];
    v_store(p, a);
    for (int width = 8; width >= 1; width /= 2)
        for (int j = 0; j < width; j++) p[j] += p[j + width];
    return p[0];
}

// y[i] = function(x[i]), the tail in the first lanes of a register.
#define V_MAP(function, x, y, n)                                                                   \
    do {                                                                                           \
        long i_ = 0;                                                                               \
        for (; i_ + 16 <= (n); i_ += 16) v_store((y) + i_, function(v_load((x) + i_)));            \
        if (i_ < (n))                                                                              \
            v_store_some((y) + i_, function(v_load_some((x) + i_, (n)-i_)), (n)-i_);               \
    } while (0)

#endif
