// The float32 product as it might be without the contract, for benchmarks alone: every output in several sums over
// k that are added at the end.
#include "../vector/v16.h"

#if V_LANES == 16
#define FREE_ROWS 6
#define FREE_SUMS 4
#else
#define FREE_ROWS 3
#define FREE_SUMS 2
#endif

V_INLINE void free_tile(const int rows, const float *x, long ldx, const float *weights, float *y, long ldy,
                        long k, long valid) {
    v16 sum[FREE_ROWS][FREE_SUMS];
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < FREE_SUMS; s++) sum[r][s] = v_set(0.0f);
    long i = 0;
    for (; i + FREE_SUMS <= k; i += FREE_SUMS) {
        __builtin_prefetch(weights + i * CK_PANEL + 2048);
        __builtin_prefetch(weights + (i + 1) * CK_PANEL + 2048);
        __builtin_prefetch(weights + (i + FREE_SUMS - 1) * CK_PANEL + 2048);
        for (int s = 0; s < FREE_SUMS; s++) {
            const v16 w = v_load(weights + (i + s) * CK_PANEL);
            for (int r = 0; r < rows; r++) sum[r][s] = v_fma(v_set(x[r * ldx + i + s]), w, sum[r][s]);
        }
    }
    for (; i < k; i++)
        for (int r = 0; r < rows; r++)
            sum[r][0] = v_fma(v_set(x[r * ldx + i]), v_load(weights + i * CK_PANEL), sum[r][0]);
    for (int r = 0; r < rows; r++) {
        for (int s = 1; s < FREE_SUMS; s++) sum[r][0] = v_add(sum[r][0], sum[r][s]);
        if (valid == CK_PANEL)
            v_store(y + r * ldy, sum[r][0]);
        else
            v_store_some(y + r * ldy, sum[r][0], valid);
    }
}

V_TARGET void V(gemm_free)(const float *x, long ldx, const void *panels, const float *bias, float *y,
                           long ldy, long m, long n, long k, long panel_begin, long panel_end) {
    (void)bias;
    for (long p = panel_begin; p < panel_end; p++) {
        const float *const weights = (const float *)panels + p * k * CK_PANEL;
        const long column = p * CK_PANEL, valid = n - column < CK_PANEL ? n - column : CK_PANEL;
        long r = 0;
        for (; r + FREE_ROWS <= m; r += FREE_ROWS)
            free_tile(FREE_ROWS, x + r * ldx, ldx, weights, y + r * ldy + column, ldy, k, valid);
        for (; r + 2 <= m; r += 2) free_tile(2, x + r * ldx, ldx, weights, y + r * ldy + column, ldy, k, valid);
        for (; r < m; r++) free_tile(1, x + r * ldx, ldx, weights, y + r * ldy + column, ldy, k, valid);
    }
}

#undef FREE_ROWS
#undef FREE_SUMS
