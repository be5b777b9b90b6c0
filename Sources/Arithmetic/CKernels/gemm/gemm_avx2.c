// The product in tiles of up to 6 rows by 16 columns (or several panels when there are few rows), each
// held in registers over a stretch of k. Between stretches the sums rest in y, so every output stays
// one chain over k in order, whatever the tiling.
#if defined(__x86_64__)
#include <immintrin.h>

#include "../dispatch/entries.h"
#include "../vector/mask_avx2.h"

// Rows of k whose weights stay in the L1 cache while a chunk of rows passes over them (20 KiB).
#define K_BLOCK 320
// Rows of x that pass over a panel before the next one, so many that they stay in the L2 cache.
#define ROW_CHUNK 96
#define ROW_CHUNK_FLOATS (192 * 1024)
#define TILE_ROWS 6
// k in a row without a branch; also the rhythm of prefetching.
#define STEP 8

typedef struct {
    const float *x;
    long ldx;
    float *y;
    long ldy;
    const float *bias;   // of this tile's first column; NULL: start from 0
    const char *weights; // of this stretch of k, first panel
    float *wide;         // room for that, as floats
    long panel_bytes;    // from a panel to the next
    long k;              // length of this stretch
    long valid;          // columns of the last panel that exist
    int resume;          // sums start from y
    const char *ahead;   // weights to prefetch while computing
    long ahead_lines;    // cache lines of them for each STEP of k
} tile;

CK_AVX2_INLINE __m256 load_weights(int half, const char *at) {
    return half ? _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)at))
                : _mm256_loadu_ps((const float *)at);
}

// Bytes of one k of a panel.
CK_AVX2_INLINE long row_bytes(int half) { return half ? 2 * CK_PANEL : 4 * CK_PANEL; }

// One k of a tile: sum += x . weights; with `keep` the weights, as floats, go to `wide`.
CK_AVX2_INLINE void add_products(const int rows, const int panels, const int half, const int keep, const tile *t,
                                 const float *x, const char *weights, float *wide,
                                 __m256 sum[TILE_ROWS][4][2]) {
    for (int p = 0; p < panels; p++) {
        const char *const at = weights + p * t->panel_bytes;
        const __m256 w0 = load_weights(half, at), w1 = load_weights(half, at + row_bytes(half) / 2);
        if (keep) {
            _mm256_store_ps(wide, w0);
            _mm256_store_ps(wide + 8, w1);
        }
        for (int r = 0; r < rows; r++) {
            const __m256 a = _mm256_broadcast_ss(x + r * t->ldx);
            sum[r][p][0] = _mm256_fmadd_ps(a, w0, sum[r][p][0]);
            sum[r][p][1] = _mm256_fmadd_ps(a, w1, sum[r][p][1]);
        }
    }
}

// rows, panels, half and keep are constants wherever this is inlined, so the sums live in registers.
CK_AVX2_INLINE void run_tile(const int rows, const int panels, const int half, const int keep, const tile *t) {
    __m256 sum[TILE_ROWS][4][2];
    for (int p = 0; p < panels; p++) {
        const long valid = p == panels - 1 ? t->valid : CK_PANEL;
        for (int v = 0; v < 2; v++)
            for (int r = 0; r < rows; r++) {
                const float *const start = t->resume ? t->y + r * t->ldy : t->bias;
                sum[r][p][v] = start ? ck_load_some(start + p * CK_PANEL + 8 * v, valid - 8 * v)
                                     : _mm256_setzero_ps();
            }
    }
    const char *weights = t->weights, *ahead = t->ahead;
    const float *x = t->x;
    float *wide = t->wide;
    long k = t->k;
    for (; k >= STEP; k -= STEP) {
        for (long line = 0; line < t->ahead_lines; line++, ahead += 64)
            for (int p = 0; p < panels; p++) _mm_prefetch(ahead + p * t->panel_bytes, _MM_HINT_T1);
#pragma clang loop unroll(full)
        for (int i = 0; i < STEP; i++)
            add_products(rows, panels, half, keep, t, x + i, weights + i * row_bytes(half),
                         keep ? wide + i * CK_PANEL : NULL, sum);
        x += STEP;
        weights += STEP * row_bytes(half);
        wide += keep ? STEP * CK_PANEL : 0;
    }
    for (; k > 0; k--, x++, weights += row_bytes(half), wide += keep ? CK_PANEL : 0)
        add_products(rows, panels, half, keep, t, x, weights, wide, sum);
    for (int p = 0; p < panels; p++) {
        const long valid = p == panels - 1 ? t->valid : CK_PANEL;
        for (int v = 0; v < 2; v++)
            for (int r = 0; r < rows; r++)
                ck_store_some(t->y + r * t->ldy + p * CK_PANEL + 8 * v, valid - 8 * v, sum[r][p][v]);
    }
}

typedef void run_function(const tile *t);

#define DEFINE_RUN(rows, panels)                                                                   \
    CK_AVX2 static void run_f32_##rows##x##panels(const tile *t) { run_tile(rows, panels, 0, 0, t); }   \
    CK_AVX2 static void run_f16_##rows##x##panels(const tile *t) { run_tile(rows, panels, 1, 0, t); }

DEFINE_RUN(1, 4) DEFINE_RUN(2, 2) DEFINE_RUN(1, 1) DEFINE_RUN(2, 1)
DEFINE_RUN(3, 1) DEFINE_RUN(4, 1) DEFINE_RUN(5, 1) DEFINE_RUN(6, 1)

#define DEFINE_KEPT(rows) CK_AVX2 static void run_kept_##rows(const tile *t) { run_tile(rows, 1, 1, 1, t); }
DEFINE_KEPT(1) DEFINE_KEPT(2) DEFINE_KEPT(3) DEFINE_KEPT(4) DEFINE_KEPT(5) DEFINE_KEPT(6)

static run_function *const one_panel[2][TILE_ROWS + 1] = {
    {NULL, run_f32_1x1, run_f32_2x1, run_f32_3x1, run_f32_4x1, run_f32_5x1, run_f32_6x1},
    {NULL, run_f16_1x1, run_f16_2x1, run_f16_3x1, run_f16_4x1, run_f16_5x1, run_f16_6x1},
};
static run_function *const kept_panel[TILE_ROWS + 1] = {NULL,       run_kept_1, run_kept_2, run_kept_3,
                                                        run_kept_4, run_kept_5, run_kept_6};

static inline long least(long a, long b) { return a < b ? a : b; }

typedef struct {
    const float *x;
    long ldx;
    const char *panels;
    const float *bias;
    float *y;
    long ldy, m, n, k;
    int half;
} product;

static inline long element_bytes(const product *g) { return g->half ? 2 : 4; }

static inline const char *weights_at(const product *g, long panel, long k_begin) {
    return g->panels + (panel * g->k + k_begin) * CK_PANEL * element_bytes(g);
}

static inline long valid_columns(const product *g, long panel) {
    return least(CK_PANEL, g->n - panel * CK_PANEL);
}

// Up to 6 rows: each panel is read once from memory, whole; one or two rows take several panels at a
// time to have enough independent sums.
static void few_rows(const product *g, long panel_begin, long panel_end) {
    const long step = CK_PANEL * element_bytes(g);
    const int group = g->m == 1 ? 4 : g->m == 2 ? 2 : 1;
    for (long p = panel_begin; p < panel_end;) {
        const int wide = p + group <= panel_end;
        const long count = wide ? group : 1;
        const tile t = {
            .x = g->x, .ldx = g->ldx, .y = g->y + p * CK_PANEL, .ldy = g->ldy,
            .bias = g->bias ? g->bias + p * CK_PANEL : NULL, .weights = weights_at(g, p, 0),
            .panel_bytes = g->k * step, .k = g->k, .valid = valid_columns(g, p + count - 1),
            .ahead = weights_at(g, p, 0) + 2048, .ahead_lines = STEP * step / 64,
        };
        if (wide && group == 4)
            (g->half ? run_f16_1x4 : run_f32_1x4)(&t);
        else if (wide && group == 2)
            (g->half ? run_f16_2x2 : run_f32_2x2)(&t);
        else
            one_panel[g->half][g->m](&t);
        p += count;
    }
}

// One block of weights under rows [row_begin, row_end), cut into tiles of nearly equal height. While
// they compute, the block after it in memory is fetched, a share in each tile.
CK_AVX2 static void block_of_panel(const product *g, long panel, long k_begin, long k_end,
                                   long row_begin, long row_end) {
    const long k = k_end - k_begin, rows = row_end - row_begin;
    const long tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    const long share = k * CK_PANEL * element_bytes(g) / tiles;
    // The first of several tiles leaves halves widened for the others.
    float wide[K_BLOCK * CK_PANEL] __attribute__((aligned(64)));
    run_function *const *const first = g->half && tiles > 1 ? kept_panel : one_panel[g->half];
    tile t = {
        .ldx = g->ldx, .ldy = g->ldy, .bias = g->bias ? g->bias + panel * CK_PANEL : NULL,
        .weights = weights_at(g, panel, k_begin), .wide = wide, .k = k, .valid = valid_columns(g, panel), .resume = k_begin > 0,
        .ahead_lines = (share * STEP / k + 63) / 64,
    };
    for (long i = 0, row = row_begin; i < tiles; i++) {
        const long height = rows / tiles + (i < rows % tiles);
        t.x = g->x + row * g->ldx + k_begin;
        t.y = g->y + row * g->ldy + panel * CK_PANEL;
        t.ahead = weights_at(g, panel, k_end) + i * share;
        (i == 0 ? first : one_panel[0])[height](&t);
        if (g->half) t.weights = (const char *)wide;
        row += height;
    }
}

// Every panel passes over a chunk of rows, block by block, in the order its weights lie in memory; the
// sums of a panel stay in the L1 cache from block to block.
static void many_rows(const product *g, long panel_begin, long panel_end) {
    const long fitting = ROW_CHUNK_FLOATS / g->k / TILE_ROWS * TILE_ROWS;
    const long chunk = least(fitting < 4 * TILE_ROWS ? 4 * TILE_ROWS : fitting, ROW_CHUNK);
    for (long row = 0; row < g->m; row += chunk)
        for (long p = panel_begin; p < panel_end; p++)
            for (long k = 0; k < g->k; k += K_BLOCK)
                block_of_panel(g, p, k, least(k + K_BLOCK, g->k), row, least(row + chunk, g->m));
}

static void multiply(const product *g, long panel_begin, long panel_end) {
    if (g->m <= TILE_ROWS || g->k == 0)
        for (product part = *g; part.m > 0; part.m -= TILE_ROWS) {
            product top = part;
            top.m = least(part.m, TILE_ROWS);
            few_rows(&top, panel_begin, panel_end);
            part.x += TILE_ROWS * part.ldx;
            part.y += TILE_ROWS * part.ldy;
        }
    else
        many_rows(g, panel_begin, panel_end);
}

void ck_gemm_f32_avx2(const float *x, long ldx, const void *panels, const float *bias, float *y,
                      long ldy, long m, long n, long k, long panel_begin, long panel_end) {
    multiply(&(product){x, ldx, panels, bias, y, ldy, m, n, k, 0}, panel_begin, panel_end);
}

void ck_gemm_f16_avx2(const float *x, long ldx, const void *panels, const float *bias, float *y,
                      long ldy, long m, long n, long k, long panel_begin, long panel_end) {
    multiply(&(product){x, ldx, panels, bias, y, ldy, m, n, k, 1}, panel_begin, panel_end);
}

#endif
