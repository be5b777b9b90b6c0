// As gemm_avx2.c, with 32 registers of 16 lanes: a tile is up to 24 rows by one panel, a panel's k one
// register. x is arranged so that the numbers of one k lie side by side, which leaves one address to step.
#if defined(__x86_64__)
#include <immintrin.h>

#include "../dispatch/entries.h"
#include "../dispatch/target.h"
#include "rows_avx512.h"

// Rows of k whose weights stay in the L1 cache while a chunk of rows passes over them (16 KiB).
#define K_BLOCK 256
// k in a row without a branch; also the rhythm of prefetching.
#define STEP 4
// How far ahead the weights of few rows are fetched, in bytes of each panel.
#define AHEAD 2048
// The same within a panel that a single tile of more rows passes over, beside what it fetches of the next one.
#define AHEAD_ALONE 1024

typedef struct {
    const float *x;
    long ldx;
    float *y;
    long ldy;
    const float *bias;    // of this tile's first column; NULL: start from 0
    const char *weights;  // of this stretch of k, first panel
    float *wide;          // room for that, as floats
    long panel_bytes;     // from a panel to the next
    long k;               // length of this stretch
    long valid;           // columns of the last panel that exist
    int resume;           // sums start from y
    const char *ahead;    // weights to prefetch while computing, when packed
    long ahead_lines;     // cache lines of them for each STEP of k
    int alone;            // no other tile passes over these weights
} tile;

CK_AVX512_INLINE __mmask16 lanes(long valid) {
    return valid >= CK_PANEL ? 0xffff : (__mmask16)((1u << valid) - 1);
}

CK_AVX512_INLINE __m512 load_weights(int half, const char *at) {
    return half ? _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at)) : _mm512_loadu_ps(at);
}

// Bytes of one k of a panel.
static inline long row_bytes(int half) { return half ? 2 * CK_PANEL : 4 * CK_PANEL; }

// rows, panels, half, packed and keep are constants wherever this is inlined, so the sums live in registers.
CK_AVX512_INLINE void run_tile(const int rows, const int panels, const int half, const int packed,
                               const int keep, const tile *t) {
    __m512 sum[TILE_ROWS][4];
    const long next_k = packed ? rows : 1, next_row = packed ? 1 : t->ldx;
    const __mmask16 last = lanes(t->valid);
    for (int p = 0; p < panels; p++) {
        const __mmask16 mask = p == panels - 1 ? last : 0xffff;
        for (int r = 0; r < rows; r++) {
            const float *const start = t->resume ? t->y + r * t->ldy : t->bias;
            sum[r][p] = start ? _mm512_maskz_loadu_ps(mask, start + p * CK_PANEL)
                              : _mm512_setzero_ps();
        }
    }
    const char *weights = t->weights, *ahead = t->ahead;
    const float *x = t->x;
    float *wide = t->wide;
    long k = t->k;
#define ADD_PRODUCTS(i)                                                                            \
    for (int p = 0; p < panels; p++) {                                                             \
        const __m512 w = load_weights(half, weights + p * t->panel_bytes + (i)*row_bytes(half));   \
        if (keep) _mm512_store_ps(wide + (i)*CK_PANEL, w);                                         \
        for (int r = 0; r < rows; r++)                                                             \
            sum[r][p] = _mm512_fmadd_ps(_mm512_set1_ps(x[(i)*next_k + r * next_row]), w, sum[r][p]); \
    }
    for (; k >= STEP; k -= STEP) {
        for (long line = 0; packed && line < t->ahead_lines; line++, ahead += 64) _mm_prefetch(ahead, _MM_HINT_T1);
        for (long line = 0; packed && t->alone && line < STEP * row_bytes(half); line += 64)
            _mm_prefetch(weights + AHEAD_ALONE + line, _MM_HINT_T0);
        for (int p = 0; !packed && p < panels; p++)
            for (long line = 0; line < STEP * row_bytes(half); line += 64)
                _mm_prefetch(weights + p * t->panel_bytes + AHEAD + line, _MM_HINT_T0);
#pragma clang loop unroll(full)
        for (int i = 0; i < STEP; i++) ADD_PRODUCTS(i)
        x += STEP * next_k;
        weights += STEP * row_bytes(half);
        wide += keep ? STEP * CK_PANEL : 0;
    }
    for (; k > 0; k--, x += next_k, weights += row_bytes(half), wide += keep ? CK_PANEL : 0) ADD_PRODUCTS(0)
    for (int p = 0; p < panels; p++)
        for (int r = 0; r < rows; r++)
            _mm512_mask_storeu_ps(t->y + r * t->ldy + p * CK_PANEL,
                                  p == panels - 1 ? last : 0xffff, sum[r][p]);
}

typedef void run_function(const tile *t);

#define DEFINE_RUN(name, rows, panels, packed)                                                     \
    CK_AVX512 static void run_f32_##name(const tile *t) { run_tile(rows, panels, 0, packed, 0, t); }  \
    CK_AVX512 static void run_f16_##name(const tile *t) { run_tile(rows, panels, 1, packed, 0, t); }
#define EVERY_HEIGHT(do)                                                                           \
    do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11) do(12) do(13) do(14)       \
        do(15) do(16) do(17) do(18) do(19) do(20) do(21) do(22) do(23) do(24)

#define DEFINE_PACKED(rows)                                                                        \
    DEFINE_RUN(packed_##rows, rows, 1, 1)                                                          \
    CK_AVX512 static void run_kept_##rows(const tile *t) { run_tile(rows, 1, 1, 1, 1, t); }
EVERY_HEIGHT(DEFINE_PACKED)
DEFINE_RUN(1x4, 1, 4, 0) DEFINE_RUN(2x4, 2, 4, 0) DEFINE_RUN(3x2, 3, 2, 0) DEFINE_RUN(4x2, 4, 2, 0)
DEFINE_RUN(1x1, 1, 1, 0) DEFINE_RUN(2x1, 2, 1, 0) DEFINE_RUN(3x1, 3, 1, 0) DEFINE_RUN(4x1, 4, 1, 0)

#define NAME_F32(rows) run_f32_packed_##rows,
#define NAME_F16(rows) run_f16_packed_##rows,
#define NAME_KEPT(rows) run_kept_##rows,
static run_function *const packed_f32[TILE_ROWS + 1] = {NULL, EVERY_HEIGHT(NAME_F32)};
static run_function *const packed_f16[TILE_ROWS + 1] = {NULL, EVERY_HEIGHT(NAME_F16)};
static run_function *const packed_kept[TILE_ROWS + 1] = {NULL, EVERY_HEIGHT(NAME_KEPT)};
// By element, rows and whether several panels are there.
static run_function *const direct_tiles[2][CK_FEW_ROWS + 1][2] = {
    {{NULL}, {run_f32_1x1, run_f32_1x4}, {run_f32_2x1, run_f32_2x4}, {run_f32_3x1, run_f32_3x2},
     {run_f32_4x1, run_f32_4x2}},
    {{NULL}, {run_f16_1x1, run_f16_1x4}, {run_f16_2x1, run_f16_2x4}, {run_f16_3x1, run_f16_3x2},
     {run_f16_4x1, run_f16_4x2}},
};
static const int direct_panels[CK_FEW_ROWS + 1] = {0, 4, 4, 2, 2};

typedef struct {
    const float *x;
    long ldx;
    const char *panels;
    const float *bias;
    float *y;
    long ldy, m, n, k;
    int half;
} product;

static inline const char *weights_at(const product *g, long panel, long k_begin) {
    return g->panels + (panel * g->k + k_begin) * row_bytes(g->half);
}

static inline long valid_columns(const product *g, long panel) {
    return least(CK_PANEL, g->n - panel * CK_PANEL);
}

static void few_rows(const product *g, long panel_begin, long panel_end) {
    const long step = row_bytes(g->half);
    for (long p = panel_begin; p < panel_end;) {
        const int wide = p + direct_panels[g->m] <= panel_end;
        const long count = wide ? direct_panels[g->m] : 1;
        const tile t = {
            .x = g->x, .ldx = g->ldx, .y = g->y + p * CK_PANEL, .ldy = g->ldy,
            .bias = g->bias ? g->bias + p * CK_PANEL : NULL, .weights = weights_at(g, p, 0),
            .panel_bytes = g->k * step, .k = g->k, .valid = valid_columns(g, p + count - 1),
        };
        direct_tiles[g->half][g->m][wide](&t);
        p += count;
    }
}

// Every panel passes over all tiles, a stretch of k at a time. While a tile computes, a share of the next panel's
// weights is fetched.
CK_AVX512 static void chunk_of_rows(const product *g, long panel_begin, long panel_end, const chunk *c) {
    float packed[CHUNK_TILES * TILE_ROWS * K_BLOCK] __attribute__((aligned(64)));
    float wide[K_BLOCK * CK_PANEL] __attribute__((aligned(64)));
    const long step = row_bytes(g->half), tiles = c->tiles;
    // The first of several tiles leaves halves widened for the others, since converting competes with multiply-adds.
    run_function *const *const first = !g->half ? packed_f32 : tiles == 1 ? packed_f16 : packed_kept;
    // One tile passes over the weights once, and halves come from memory best in longer stretches; in much longer ones
    // x leaves the L1 cache.
    const long stretch = g->half && tiles == 1 ? 2 * K_BLOCK : K_BLOCK;
    for (long k_begin = 0; k_begin < g->k; k_begin += stretch) {
        const long k = least(stretch, g->k - k_begin);
        if (g->ldx != CK_ARRANGED) arrange_chunk(g->x, g->ldx, c, k_begin, k, packed, k, k_begin);
        for (long p = panel_begin; p < panel_end; p++) {
            const char *const here = weights_at(g, p, k_begin);
            // After the last panel: what the next stretch begins with, or in the last one the next product's part.
            const char *const ahead = p + 1 < panel_end     ? weights_at(g, p + 1, k_begin)
                                      : k_begin + k < g->k ? weights_at(g, panel_begin, k_begin + k)
                                                           : weights_at(g, panel_end, 0);
            const long lines = (STEP * step + 64 * tiles - 1) / (64 * tiles);
            tile t = {
                .ldy = g->ldy, .bias = g->bias ? g->bias + p * CK_PANEL : NULL,
                .weights = here, .wide = wide, .k = k, .valid = valid_columns(g, p),
                .resume = k_begin > 0, .ahead_lines = lines, .alone = tiles == 1,
            };
            for (long i = 0, top = 0; i < tiles; i++) {
                const long height = tile_height(c, i);
                t.x = g->ldx == CK_ARRANGED ? g->x + (c->first + top) * g->k + k_begin * height : packed + top * k;
                t.y = g->y + (c->first + top) * g->ldy + p * CK_PANEL;
                t.ahead = ahead + i * lines * 64 * (k / STEP);
                (i == 0 ? first : packed_f32)[height](&t);
                if (g->half) t.weights = (const char *)wide;
                top += height;
            }
        }
    }
}

static void multiply(const product *g, long panel_begin, long panel_end) {
    if (g->m <= CK_FEW_ROWS && g->m > 0) return few_rows(g, panel_begin, panel_end);
    if (g->k == 0) {
        for (product row = *g; row.m > 0; row.m--, row.y += row.ldy) {
            product top = row;
            top.m = 1;
            few_rows(&top, panel_begin, panel_end);
        }
        return;
    }
    for (long i = 0; i < chunk_count(g->m); i++) {
        const chunk c = chunk_at(g->m, i);
        chunk_of_rows(g, panel_begin, panel_end, &c);
    }
}

CK_AVX512 void ck_arrange_avx512(const void *x, long ldx, long m, long k, long k_begin, long k_end, void *arranged) {
    for (long i = 0; i < chunk_count(m); i++) {
        const chunk c = chunk_at(m, i);
        arrange_chunk(x, ldx, &c, k_begin, k_end - k_begin, (float *)arranged + c.first * k, k, 0);
    }
}

void ck_gemm_f32_avx512(const float *x, long ldx, const void *panels, const float *bias, float *y,
                        long ldy, long m, long n, long k, long panel_begin, long panel_end) {
    multiply(&(product){x, ldx, panels, bias, y, ldy, m, n, k, 0}, panel_begin, panel_end);
}

void ck_gemm_f16_avx512(const float *x, long ldx, const void *panels, const float *bias, float *y,
                        long ldy, long m, long n, long k, long panel_begin, long panel_end) {
    multiply(&(product){x, ldx, panels, bias, y, ldy, m, n, k, 1}, panel_begin, panel_end);
}

#endif
