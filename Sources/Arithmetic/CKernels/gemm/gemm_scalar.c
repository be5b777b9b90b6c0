#include "../convert/half.h"
#include "../dispatch/entries.h"

// One row of one panel: 16 chains over k, side by side.
CK_INLINE void row_of_panel(int half, const float *x, const void *panel, long k, const float *bias,
                            float *y, long valid) {
    float sum[CK_PANEL] = {0};
    for (long j = 0; bias && j < valid; j++) sum[j] = bias[j];
    for (long i = 0; i < k; i++)
        for (int j = 0; j < CK_PANEL; j++) {
            const long at = i * CK_PANEL + j;
            const float w = half ? ck_widen1(((const uint16_t *)panel)[at])
                                 : ((const float *)panel)[at];
            sum[j] = ck_fma(x[i], w, sum[j]);
        }
    for (long j = 0; j < valid; j++) y[j] = sum[j];
}

CK_INLINE void gemm(int half, const float *x, long ldx, const void *panels, const float *bias,
                    float *y, long ldy, long m, long n, long k, long panel_begin, long panel_end) {
    const long panel_bytes = k * CK_PANEL * (half ? 2 : 4);
    for (long p = panel_begin; p < panel_end; p++) {
        const long column = p * CK_PANEL;
        const long valid = n - column < CK_PANEL ? n - column : CK_PANEL;
        for (long r = 0; r < m; r++)
            row_of_panel(half, x + r * ldx, (const char *)panels + p * panel_bytes, k,
                         bias ? bias + column : NULL, y + r * ldy + column, valid);
    }
}

CK_DEFINITION void ck_gemm_f32_scalar(const float *x, long ldx, const void *panels,
                                      const float *bias, float *y, long ldy, long m, long n, long k,
                                      long panel_begin, long panel_end) {
    gemm(0, x, ldx, panels, bias, y, ldy, m, n, k, panel_begin, panel_end);
}

CK_DEFINITION void ck_gemm_f16_scalar(const float *x, long ldx, const void *panels,
                                      const float *bias, float *y, long ldy, long m, long n, long k,
                                      long panel_begin, long panel_end) {
    gemm(1, x, ldx, panels, bias, y, ldy, m, n, k, panel_begin, panel_end);
}

CK_DEFINITION void ck_gemm_free_scalar(const float *x, long ldx, const void *panels,
                                       const float *bias, float *y, long ldy, long m, long n, long k,
                                       long panel_begin, long panel_end) {
    (void)bias;
    gemm(0, x, ldx, panels, NULL, y, ldy, m, n, k, panel_begin, panel_end);
}
