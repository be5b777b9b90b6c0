// Int8 products without VNNI. maddubs wants one side unsigned, and products of a weight plus 128 would overflow its 16
// bits; so it gets the weight's size, and the other side its sign: 2 * 127 * 127 fits, and every sum is exact.
#if defined(__x86_64__)
#include <string.h>

#include "../dispatch/entries.h"
#include "../vector/mask_avx2.h"
#include "gemm_i8.h"

#define TILE_ROWS 4
#define AHEAD 2048
// Groups of k whose weights and their sizes stay in the L1 cache while all rows pass over them (16 KiB).
#define STRETCH 4

// A four of k of a panel, eight columns each.
typedef struct {
    __m256i value[2], size[2];
} split_weights;

// Whether a tile is alone with its weights, the first that passes over them, or a later one.
enum { ALONE, FIRST, LATER };

typedef struct {
    const int8_t *x;        // its first number of this stretch
    const float *x_scales;
    const uint8_t *weights; // of this stretch
    split_weights *split;   // what the first tile leaves for later ones
    const float *start;     // of this tile's first column, `start_row` apart; NULL: start from 0
    long start_row;
    float *y;
    long ldy, k, valid;
    long group_begin, group_end;
    const char *ahead; // weights to prefetch while computing, where several tiles share that
    long ahead_step;   // bytes of them for each four of k
} tile;

CK_AVX2_INLINE split_weights load_weights(const uint8_t *at) {
    split_weights w;
    for (int v = 0; v < 2; v++) {
        w.value[v] = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(at + 32 * v)), _mm256_set1_epi8(-128));
        w.size[v] = _mm256_abs_epi8(w.value[v]);
    }
    return w;
}

// rows and place are constants wherever this is inlined, so the sums live in registers.
CK_AVX2_INLINE void run_tile(const int rows, const int place, const tile *t) {
    const long groups = ck_group_count(t->k), width = ck_quantized_width(t->k);
    const __m256i ones = _mm256_set1_epi16(1);
    __m256 total[TILE_ROWS][2];
    for (int v = 0; v < 2; v++)
        for (int r = 0; r < rows; r++)
            total[r][v] = t->start ? ck_load_some(t->start + r * t->start_row + 8 * v, t->valid - 8 * v)
                                   : _mm256_setzero_ps();
    const uint8_t *weights = t->weights;
    const int8_t *x = t->x;
    const char *ahead = t->ahead;
    split_weights *split = t->split;
    for (long g = t->group_begin; g < t->group_end; g++) {
        __m256i sum[TILE_ROWS][2];
        for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = _mm256_setzero_si256();
#pragma clang loop unroll_count(2)
        for (long i = ck_i8_fours(t->k, g); i > 0; i--, weights += 4 * CK_PANEL, x += 4, split++) {
            _mm_prefetch(place == ALONE ? (const char *)weights + AHEAD : ahead, _MM_HINT_T1);
            ahead += t->ahead_step;
            const split_weights w = place == LATER ? *split : load_weights(weights);
            if (place == FIRST) *split = w;
            for (int r = 0; r < rows; r++) {
                int32_t four;
                memcpy(&four, x + r * width, 4);
                const __m256i a = _mm256_set1_epi32(four);
                for (int v = 0; v < 2; v++) {
                    const __m256i pairs = _mm256_maddubs_epi16(w.size[v], _mm256_sign_epi8(a, w.value[v]));
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

#define DEFINE_RUN(rows)                                                                           \
    CK_AVX2 static void run_alone_##rows(const tile *t) { run_tile(rows, ALONE, t); }                  \
    CK_AVX2 static void run_first_##rows(const tile *t) { run_tile(rows, FIRST, t); }                  \
    CK_AVX2 static void run_later_##rows(const tile *t) { run_tile(rows, LATER, t); }
DEFINE_RUN(1) DEFINE_RUN(2) DEFINE_RUN(3) DEFINE_RUN(4)

static void (*const run[3][TILE_ROWS + 1])(const tile *) = {
    [ALONE] = {NULL, run_alone_1, run_alone_2, run_alone_3, run_alone_4},
    [FIRST] = {NULL, run_first_1, run_first_2, run_first_3, run_first_4},
    [LATER] = {NULL, run_later_1, run_later_2, run_later_3, run_later_4},
};

static inline long least(long a, long b) { return a < b ? a : b; }

// Every panel passes over all rows, a stretch at a time in the order its weights lie in memory, in tiles of nearly
// equal height. While they compute, the next stretch is fetched, a share in each tile; a lone tile goes through a
// whole panel. Sums rest in y between stretches.
CK_AVX2 void ck_gemm_i8_avx2(const int8_t *x, int arranged, const float *scales, const int32_t *offsets,
                             const void *panels, const float *bias, float *y, long ldy, long m, long n, long k,
                             long panel_begin, long panel_end) {
    (void)arranged;
    (void)offsets;
    split_weights split[STRETCH * CK_GROUP / 4];
    if (m == 0) return;
    const long groups = ck_group_count(k), width = ck_quantized_width(k);
    const long tiles = (m + TILE_ROWS - 1) / TILE_ROWS, stretch = tiles == 1 && groups > 0 ? groups : STRETCH;
    for (long p = panel_begin; p < panel_end; p++) {
        const long column = p * CK_PANEL;
        for (long g = 0; g == 0 || g < groups; g += stretch) {
            const uint8_t *const weights = ck_i8_group(panels, k, p, g);
            for (long i = 0, row = 0; i < tiles; i++) {
                const long height = m / tiles + (i < m % tiles);
                float *const out = y + row * ldy + column;
                const tile t = {
                    .x = x + row * width + g * CK_GROUP, .x_scales = scales + row * groups, .weights = weights,
                    .split = split, .start = g > 0 ? out : bias ? bias + column : NULL, .start_row = g > 0 ? ldy : 0,
                    .y = out, .ldy = ldy, .k = k, .valid = least(CK_PANEL, n - column), .group_begin = g,
                    .group_end = least(g + stretch, groups),
                    .ahead = (const char *)weights + (tiles + i) * stretch * CK_I8_GROUP_BYTES / tiles,
                    .ahead_step = CK_I8_GROUP_BYTES / (CK_GROUP / 4) / tiles,
                };
                run[tiles == 1 ? ALONE : i == 0 ? FIRST : LATER][height](&t);
                row += height;
            }
        }
    }
}

#endif
