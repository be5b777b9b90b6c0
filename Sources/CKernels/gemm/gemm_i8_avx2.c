// Int8 products without VNNI. maddubs wants one side unsigned, and products of a weight plus 128 would overflow its 16
// bits; so it gets the weight's size, and the other side its sign: 2 * 127 * 127 fits, and every sum is exact.
#if defined(__x86_64__)
#include <string.h>

#include "../dispatch/entries.h"
#include "../vector/mask_avx2.h"
#include "gemm_i8.h"

#define TILE_ROWS 4
#define AHEAD 2048

typedef struct {
    const int8_t *x;
    const float *x_scales;
    const uint8_t *weights;
    const float *bias;  // of this tile's first column; NULL: start from 0
    float *y;
    long ldy, k, valid;
} tile;

CK_AVX2_INLINE void run_tile(const int rows, const tile *t) {
    const long groups = ck_group_count(t->k), width = ck_quantized_width(t->k);
    const __m256i ones = _mm256_set1_epi16(1);
    __m256 total[TILE_ROWS][2];
    for (int v = 0; v < 2; v++)
        for (int r = 0; r < rows; r++)
            total[r][v] = t->bias ? ck_load_some(t->bias + 8 * v, t->valid - 8 * v) : _mm256_setzero_ps();
    const uint8_t *weights = t->weights;
    const int8_t *x = t->x;
    for (long g = 0; g < groups; g++) {
        __m256i sum[TILE_ROWS][2];
        for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = _mm256_setzero_si256();
#pragma clang loop unroll_count(2)
        for (long i = ck_i8_fours(t->k, g); i > 0; i--, weights += 4 * CK_PANEL, x += 4) {
            _mm_prefetch((const char *)weights + AHEAD, _MM_HINT_T1);
            __m256i w[2], size[2];
            for (int v = 0; v < 2; v++) {
                w[v] = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(weights + 32 * v)),
                                        _mm256_set1_epi8(-128));
                size[v] = _mm256_abs_epi8(w[v]);
            }
            for (int r = 0; r < rows; r++) {
                int32_t four;
                memcpy(&four, x + r * width, 4);
                const __m256i a = _mm256_set1_epi32(four);
                for (int v = 0; v < 2; v++) {
                    const __m256i pairs = _mm256_maddubs_epi16(size[v], _mm256_sign_epi8(a, w[v]));
                    sum[r][v] = _mm256_add_epi32(sum[r][v], _mm256_madd_epi16(pairs, ones));
                }
            }
        }
        for (int v = 0; v < 2; v++) {
            const __m256 scale = _mm256_loadu_ps((const float *)weights + 8 * v);
            for (int r = 0; r < rows; r++)
                total[r][v] = _mm256_fmadd_ps(
                    _mm256_mul_ps(_mm256_cvtepi32_ps(sum[r][v]), _mm256_set1_ps(t->x_scales[r * groups + g])), scale,
                    total[r][v]);
        }
        weights += 4 * CK_PANEL;
    }
    for (int v = 0; v < 2; v++)
        for (int r = 0; r < rows; r++) ck_store_some(t->y + r * t->ldy + 8 * v, t->valid - 8 * v, total[r][v]);
}

CK_AVX2 static void run_1(const tile *t) { run_tile(1, t); }
CK_AVX2 static void run_2(const tile *t) { run_tile(2, t); }
CK_AVX2 static void run_3(const tile *t) { run_tile(3, t); }
CK_AVX2 static void run_4(const tile *t) { run_tile(4, t); }

// A panel (a few tens of KiB) passes over all rows.
void ck_gemm_i8_avx2(const int8_t *x, int arranged, const float *scales, const int32_t *offsets, const void *panels,
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
