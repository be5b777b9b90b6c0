// The product in tiles of up to 6 rows by 16 columns, held in registers over the whole of k.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "../dispatch/entries.h"
#include "../dispatch/target.h"

#define TILE_ROWS 6

typedef struct {
    const float *x;
    long ldx;
    float *y;
    long ldy;
    const float *bias;    // of this tile's first column; NULL: start from 0
    const char *weights;  // of this panel
    long k, valid;
} tile;

CK_INLINE void load_weights(int half, const char *at, float32x4_t w[4]) {
    for (int v = 0; v < 4; v++)
        w[v] = half ? vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t *)at + 4 * v)))
                    : vld1q_f32((const float *)at + 4 * v);
}

CK_INLINE void run_tile(const int rows, const int half, const tile *t) {
    float32x4_t sum[TILE_ROWS][4], w[4];
    float edge[CK_PANEL] = {0};
    for (long j = 0; t->bias && j < t->valid; j++) edge[j] = t->bias[j];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < 4; v++) sum[r][v] = vld1q_f32(edge + 4 * v);
    const char *weights = t->weights;
    for (long k = 0; k < t->k; k++, weights += CK_PANEL * (half ? 2 : 4)) {
        __builtin_prefetch(weights + 1024);
        load_weights(half, weights, w);
        for (int r = 0; r < rows; r++) {
            const float32x4_t x = vdupq_n_f32(t->x[r * t->ldx + k]);
            for (int v = 0; v < 4; v++) sum[r][v] = vfmaq_f32(sum[r][v], x, w[v]);
        }
    }
    for (int r = 0; r < rows; r++) {
        float *const y = t->y + r * t->ldy;
        for (int v = 0; v < 4; v++) vst1q_f32(t->valid == CK_PANEL ? y + 4 * v : edge + 4 * v, sum[r][v]);
        for (long j = 0; t->valid < CK_PANEL && j < t->valid; j++) y[j] = edge[j];
    }
}

typedef void run_function(const tile *t);

#define DEFINE_RUN(rows)                                                                           \
    static void run_f32_##rows(const tile *t) { run_tile(rows, 0, t); }                            \
    static void run_f16_##rows(const tile *t) { run_tile(rows, 1, t); }
DEFINE_RUN(1) DEFINE_RUN(2) DEFINE_RUN(3) DEFINE_RUN(4) DEFINE_RUN(5) DEFINE_RUN(6)

static run_function *const tiles[2][TILE_ROWS + 1] = {
    {NULL, run_f32_1, run_f32_2, run_f32_3, run_f32_4, run_f32_5, run_f32_6},
    {NULL, run_f16_1, run_f16_2, run_f16_3, run_f16_4, run_f16_5, run_f16_6},
};

static void multiply(int half, const float *x, long ldx, const void *panels, const float *bias, float *y,
                     long ldy, long m, long n, long k, long panel_begin, long panel_end) {
    for (long p = panel_begin; p < panel_end; p++)
        for (long r = 0; r < m; r += TILE_ROWS) {
            const long column = p * CK_PANEL, rows = m - r < TILE_ROWS ? m - r : TILE_ROWS;
            const tile t = {x + r * ldx, ldx, y + r * ldy + column, ldy, bias ? bias + column : NULL,
                            (const char *)panels + p * k * CK_PANEL * (half ? 2 : 4), k,
                            n - column < CK_PANEL ? n - column : CK_PANEL};
            tiles[half][rows](&t);
        }
}

void ck_gemm_f32_neon(const float *x, long ldx, const void *panels, const float *bias, float *y,
                      long ldy, long m, long n, long k, long panel_begin, long panel_end) {
    multiply(0, x, ldx, panels, bias, y, ldy, m, n, k, panel_begin, panel_end);
}

void ck_gemm_f16_neon(const float *x, long ldx, const void *panels, const float *bias, float *y,
                      long ldy, long m, long n, long k, long panel_begin, long panel_end) {
    multiply(1, x, ldx, panels, bias, y, ldy, m, n, k, panel_begin, panel_end);
}

#endif
