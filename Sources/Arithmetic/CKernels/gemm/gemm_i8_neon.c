// Int8 products, four of a lane at once: with the dot product instruction where the compiler may use it, else with
// two widening products and pairwise sums, which are as exact.
#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

#include "../dispatch/entries.h"
#include "../dispatch/target.h"
#include "gemm_i8.h"

#define TILE_ROWS 4

CK_INLINE int32x4_t add_fours(int32x4_t sum, int8x16_t w, int8x16_t x) {
#if defined(__ARM_FEATURE_DOTPROD)
    return vdotq_s32(sum, w, x);
#else
    // Two products of at most 127 * 127 fit 16 bits, and are widened before more are added.
    const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x)), high = vmull_high_s8(w, x);
    return vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
#endif
}

typedef struct {
    const int8_t *x;
    const float *scales;
    const uint8_t *weights;
    const float *bias;
    float *y;
    long ldy, k, valid;
} tile;

CK_INLINE void run_tile(const int rows, const tile *t) {
    const long groups = ck_group_count(t->k), width = ck_quantized_width(t->k);
    float32x4_t total[TILE_ROWS][4];
    float edge[CK_PANEL] = {0};
    for (long j = 0; t->bias && j < t->valid; j++) edge[j] = t->bias[j];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < 4; v++) total[r][v] = vld1q_f32(edge + 4 * v);
    const uint8_t *weights = t->weights;
    const int8_t *x = t->x;
    for (long g = 0; g < groups; g++) {
        int32x4_t sum[TILE_ROWS][4];
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < 4; v++) sum[r][v] = vdupq_n_s32(0);
        for (long i = ck_i8_fours(t->k, g); i > 0; i--, weights += 4 * CK_PANEL, x += 4) {
            __builtin_prefetch(weights + 1024);
            for (int v = 0; v < 4; v++) {
                const uint8x16_t stored = vld1q_u8(weights + 16 * v);
                const int8x16_t w = vreinterpretq_s8_u8(veorq_u8(stored, vdupq_n_u8(0x80)));
                for (int r = 0; r < rows; r++) {
                    int32_t four;
                    memcpy(&four, x + r * width, 4);
                    sum[r][v] = add_fours(sum[r][v], w, vreinterpretq_s8_s32(vdupq_n_s32(four)));
                }
            }
        }
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < 4; v++) {
                const float32x4_t product = vmulq_n_f32(vcvtq_f32_s32(sum[r][v]), t->scales[r * groups + g]);
                total[r][v] = vfmaq_f32(total[r][v], product, vld1q_f32((const float *)weights + 4 * v));
            }
        weights += 4 * CK_PANEL;
    }
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < 4; v++) vst1q_f32(edge + 4 * v, total[r][v]);
        memcpy(t->y + r * t->ldy, edge, (size_t)t->valid * sizeof(float));
    }
}

static void run_1(const tile *t) { run_tile(1, t); }
static void run_2(const tile *t) { run_tile(2, t); }
static void run_3(const tile *t) { run_tile(3, t); }
static void run_4(const tile *t) { run_tile(4, t); }

void ck_gemm_i8_neon(const int8_t *x, int arranged, const float *scales, const int32_t *offsets, const void *panels,
                     const float *bias, float *y, long ldy, long m, long n, long k, long panel_begin,
                     long panel_end) {
    (void)arranged;
    (void)offsets;
    static void (*const run[])(const tile *) = {NULL, run_1, run_2, run_3, run_4};
    const long groups = ck_group_count(k), width = ck_quantized_width(k);
    for (long p = panel_begin; p < panel_end; p++) {
        const long column = p * CK_PANEL, valid = n - column < CK_PANEL ? n - column : CK_PANEL;
        for (long r = 0; r < m; r += TILE_ROWS) {
            const tile t = {x + r * width, scales + r * groups, ck_i8_group(panels, k, p, 0),
                            bias ? bias + column : NULL, y + r * ldy + column, ldy, k, valid};
            run[m - r < TILE_ROWS ? m - r : TILE_ROWS](&t);
        }
    }
}

#endif
