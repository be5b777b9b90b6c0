// Int8 products through VNNI: four products of a byte of weights (plus 128, hence unsigned) and a byte of x are
// summed into an int32 lane at once, exactly. Tiles as in gemm_avx512.c, a group of k at a time.
#if defined(__x86_64__)
#include <immintrin.h>

#include "../dispatch/entries.h"
#include "../dispatch/target.h"
#include "gemm_i8.h"
#include "rows_avx512.h"

// Bytes of arranged rows: they stay in the L2 cache.
#define CHUNK_BYTES (128 * 1024)
// How far ahead weights are fetched, for many and for few rows, in bytes of each panel.
#define AHEAD 8192
#define AHEAD_FEW 2048

typedef struct {
    const int32_t *x;      // fours of bytes
    long next_four, next_row;
    const float *scales;   // of the first group
    const int32_t *offsets;
    long ld_scales;        // from a row's to the next
    float *y;
    long ldy;
    const float *bias;
    const uint8_t *weights;
    long panel_bytes;
    long k;                // whole
    long first_group, last_group;
    long valid;
    int resume, fetch;
} tile;

CK_AVX512_INLINE void run_tile(const int rows, const int panels, const int packed, const tile *t) {
    __m512 total[TILE_ROWS][4];
    const __mmask16 last = t->valid >= 16 ? 0xffff : (__mmask16)((1u << t->valid) - 1);
    const long next_four = packed ? rows : 1, next_row = packed ? 1 : t->next_row;
    for (int p = 0; p < panels; p++)
        for (int r = 0; r < rows; r++) {
            const float *const start = t->resume ? t->y + r * t->ldy : t->bias;
            total[r][p] = start ? _mm512_maskz_loadu_ps(p == panels - 1 ? last : 0xffff, start + p * CK_PANEL)
                                : _mm512_setzero_ps();
        }
    const uint8_t *weights = t->weights;
    const int32_t *x = t->x;
    for (long g = t->first_group; g < t->last_group; g++) {
        __m512i sum[TILE_ROWS][4];
        for (int r = 0; r < rows; r++)
            for (int p = 0; p < panels; p++) sum[r][p] = _mm512_set1_epi32(t->offsets[r * t->ld_scales + g]);
        const long fours = ck_i8_fours(t->k, g);
        for (long i = 0; i < fours; i++, weights += 4 * CK_PANEL, x += next_four) {
            if (packed && t->fetch) _mm_prefetch((const char *)weights + AHEAD, _MM_HINT_T1);
            for (int p = 0; !packed && p < panels; p++)
                _mm_prefetch((const char *)weights + p * t->panel_bytes + AHEAD_FEW, _MM_HINT_T0);
            for (int p = 0; p < panels; p++) {
                const __m512i w = _mm512_loadu_si512(weights + p * t->panel_bytes);
                for (int r = 0; r < rows; r++)
                    sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], w, _mm512_set1_epi32(x[r * next_row]));
            }
        }
        for (int p = 0; p < panels; p++) {
            const __m512 scale = _mm512_loadu_ps(weights + p * t->panel_bytes);
            for (int r = 0; r < rows; r++)
                total[r][p] = _mm512_fmadd_ps(
                    _mm512_mul_ps(_mm512_cvtepi32_ps(sum[r][p]), _mm512_set1_ps(t->scales[r * t->ld_scales + g])),
                    scale, total[r][p]);
        }
        weights += 4 * CK_PANEL;
    }
    for (int p = 0; p < panels; p++)
        for (int r = 0; r < rows; r++)
            _mm512_mask_storeu_ps(t->y + r * t->ldy + p * CK_PANEL, p == panels - 1 ? last : 0xffff, total[r][p]);
}

typedef void run_function(const tile *t);

#define DEFINE_RUN(name, rows, panels, packed)                                                     \
    CK_AVX512 static void run_##name(const tile *t) { run_tile(rows, panels, packed, t); }
#define EVERY_HEIGHT(do)                                                                           \
    do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11) do(12) do(13) do(14)       \
        do(15) do(16) do(17) do(18) do(19) do(20) do(21) do(22) do(23) do(24)
#define DEFINE_PACKED(rows) DEFINE_RUN(packed_##rows, rows, 1, 1)
EVERY_HEIGHT(DEFINE_PACKED)
DEFINE_RUN(1x4, 1, 4, 0) DEFINE_RUN(2x4, 2, 4, 0) DEFINE_RUN(3x2, 3, 2, 0) DEFINE_RUN(4x2, 4, 2, 0)
DEFINE_RUN(1x1, 1, 1, 0) DEFINE_RUN(2x1, 2, 1, 0) DEFINE_RUN(3x1, 3, 1, 0) DEFINE_RUN(4x1, 4, 1, 0)

#define NAME(rows) run_packed_##rows,
static run_function *const packed_tiles[TILE_ROWS + 1] = {NULL, EVERY_HEIGHT(NAME)};
// By rows and whether several panels are there.
static run_function *const direct_tiles[CK_FEW_ROWS + 1][2] = {
    {NULL}, {run_1x1, run_1x4}, {run_2x1, run_2x4}, {run_3x1, run_3x2}, {run_4x1, run_4x2}};
static const int direct_panels[CK_FEW_ROWS + 1] = {0, 4, 4, 2, 2};

typedef struct {
    const int8_t *x;
    int arranged;
    const float *scales;
    const int32_t *offsets;
    const void *panels;
    const float *bias;
    float *y;
    long ldy, m, n, k;
} product;

// A tile of rows from `row` on and columns from `panel` on; what is left depends on how x lies.
static tile tile_at(const product *g, long row, long panel, long panels) {
    const long groups = ck_group_count(g->k), first = panel * CK_PANEL;
    return (tile){
        .scales = g->scales + row * groups, .offsets = g->offsets + row * groups, .ld_scales = groups,
        .y = g->y + row * g->ldy + first, .ldy = g->ldy, .bias = g->bias ? g->bias + first : NULL,
        .weights = ck_i8_group(g->panels, g->k, panel, 0), .panel_bytes = ck_i8_panel_bytes(g->k), .k = g->k,
        .last_group = groups, .valid = least(CK_PANEL, g->n - (panel + panels - 1) * CK_PANEL),
    };
}

static void few_rows(const product *g, long panel_begin, long panel_end) {
    for (long p = panel_begin; p < panel_end;) {
        const int wide = p + direct_panels[g->m] <= panel_end;
        const long count = wide ? direct_panels[g->m] : 1;
        tile t = tile_at(g, 0, p, count);
        t.x = (const int32_t *)g->x;
        t.next_row = ck_quantized_width(g->k) / 4;
        direct_tiles[g->m][wide](&t);
        p += count;
    }
}

// As in gemm_avx512.c: every panel passes over all tiles, some groups at a time.
CK_AVX512 static void chunk_of_rows(const product *g, long panel_begin, long panel_end, const chunk *c) {
    int32_t packed[CHUNK_BYTES / 4] __attribute__((aligned(64)));
    const long groups = ck_group_count(g->k), ldx = ck_quantized_width(g->k) / 4;
    const int32_t *const x = (const int32_t *)g->x;
    // Many rows use a block of weights several times, so it should stay in the L1 cache.
    const long stretch = c->tiles == 1 ? CHUNK_BYTES / CK_GROUP / c->rows : 8;
    for (long first = 0; first < groups; first += stretch) {
        const long last = least(first + stretch, groups);
        const long begin = first * CK_GROUP / 4, fours = least(last * CK_GROUP / 4, ldx) - begin;
        if (!g->arranged) arrange_chunk(x, ldx, c, begin, fours, packed, fours, begin);
        for (long p = panel_begin; p < panel_end; p++)
            for (long i = 0, top = 0; i < c->tiles; i++) {
                const long height = tile_height(c, i);
                tile t = tile_at(g, c->first + top, p, 1);
                t.x = g->arranged ? x + (c->first + top) * ldx + begin * height : packed + top * fours;
                t.weights += first * CK_I8_GROUP_BYTES;
                t.first_group = first;
                t.last_group = last;
                t.resume = first > 0;
                t.fetch = i == 0;
                packed_tiles[height](&t);
                top += height;
            }
    }
}

void ck_gemm_i8_avx512(const int8_t *x, int arranged, const float *scales, const int32_t *offsets,
                       const void *panels, const float *bias, float *y, long ldy, long m, long n, long k,
                       long panel_begin, long panel_end) {
    const product whole = {x, arranged, scales, offsets, panels, bias, y, ldy, m, n, k};
    if (m > 0 && m <= CK_FEW_ROWS) return few_rows(&whole, panel_begin, panel_end);
    if (k == 0) {
        for (product row = whole; row.m > 0; row.m--, row.y += ldy) {
            product top = row;
            top.m = 1;
            few_rows(&top, panel_begin, panel_end);
        }
        return;
    }
    for (long i = 0; i < chunk_count(m); i++) {
        const chunk c = chunk_at(m, i);
        chunk_of_rows(&whole, panel_begin, panel_end, &c);
    }
}

#endif
