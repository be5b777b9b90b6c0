// How both AVX-512 products cut their rows into tiles, and lay x out for them: the numbers of one k side by side, so
// that a tile has one address to step. A number is four bytes: a float, or a four of quantised ones.
#ifndef CK_ROWS_AVX512_H
#define CK_ROWS_AVX512_H

#include <immintrin.h>

#include "../dispatch/target.h"

#define TILE_ROWS 24
// Tiles of a chunk, a stretch of which stays in the L2 cache.
#define CHUNK_TILES 4

static inline long least(long a, long b) { return a < b ? a : b; }

// Some rows of a product, in tiles of nearly equal height.
typedef struct {
    long first, rows, tiles;
} chunk;

static inline long chunk_count(long m) { return (m + CHUNK_TILES * TILE_ROWS - 1) / (CHUNK_TILES * TILE_ROWS); }

static inline chunk chunk_at(long m, long index) {
    const long count = chunk_count(m), rows = m / count + (index < m % count);
    return (chunk){index * (m / count) + least(index, m % count), rows, (rows + TILE_ROWS - 1) / TILE_ROWS};
}

static inline long tile_height(const chunk *c, long tile) { return c->rows / c->tiles + (tile < c->rows % c->tiles); }

// rows of x [count], ldx apart, as [count][rows]; a cache line of every row at a time, since what it becomes leaves the
// L1 cache otherwise before it is whole.
CK_AVX512_INLINE void arrange_tile(const float *from, long ldx, long rows, long count, float *to) {
    for (long begin = 0; begin < count; begin += 16) {
        const long end = least(begin + 16, count);
        for (long r = 0; r < rows; r += 4) {
            const float *const x = from + r * ldx;
            long i = begin;
            if (rows - r >= 4)
                for (; i + 4 <= end; i += 4) {
                    __m128 a = _mm_loadu_ps(x + i), b = _mm_loadu_ps(x + ldx + i);
                    __m128 c = _mm_loadu_ps(x + 2 * ldx + i), d = _mm_loadu_ps(x + 3 * ldx + i);
                    _MM_TRANSPOSE4_PS(a, b, c, d);
                    float *const out = to + i * rows + r;
                    _mm_storeu_ps(out, a);
                    _mm_storeu_ps(out + rows, b);
                    _mm_storeu_ps(out + 2 * rows, c);
                    _mm_storeu_ps(out + 3 * rows, d);
                }
            // As bytes, since copying a float may change what is not one.
            for (; i < end; i++)
                for (long j = 0; j < least(4, rows - r); j++)
                    __builtin_memcpy(to + i * rows + r + j, x + j * ldx + i, sizeof(float));
        }
    }
}

// Numbers [k_begin, k_begin + count) of a chunk of x: each tile's as [k][height] from its first k on, which is x's
// number `origin`; a tile begins where `room` numbers of each row above it end.
CK_AVX512 static void arrange_chunk(const void *x, long ldx, const chunk *c, long k_begin, long count, void *to,
                                    long room, long origin) {
    for (long i = 0, top = 0; i < c->tiles; i++) {
        const long height = tile_height(c, i);
        arrange_tile((const float *)x + (c->first + top) * ldx + k_begin, ldx, height, count,
                     (float *)to + top * room + (k_begin - origin) * height);
        top += height;
    }
}

#endif
