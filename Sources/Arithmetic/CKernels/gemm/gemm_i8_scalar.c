#include "../dispatch/entries.h"
#include "../math/math_scalar.h"
#include "gemm_i8.h"

CK_DEFINITION void ck_gemm_i8_scalar(const int8_t *x, int arranged, const float *scales, const int32_t *offsets,
                                     const void *panels, const float *bias, float *y, long ldy, long m,
                                     long n, long k, long panel_begin, long panel_end) {
    (void)arranged;
    (void)offsets;
    const long groups = ck_group_count(k), width = ck_quantized_width(k);
    for (long p = panel_begin; p < panel_end; p++)
        for (long r = 0; r < m; r++)
            for (long j = 0; j < CK_PANEL && p * CK_PANEL + j < n; j++) {
                const long column = p * CK_PANEL + j;
                float out = bias ? bias[column] : 0.0f;
                for (long g = 0; g < groups; g++) {
                    const uint8_t *const weights = ck_i8_group(panels, k, p, g);
                    const long fours = ck_i8_fours(k, g);
                    int32_t sum = 0;
                    for (long i = 0; i < 4 * fours; i++)
                        sum += ((int32_t)weights[(i / 4 * CK_PANEL + j) * 4 + i % 4] - 128) *
                               x[r * width + g * CK_GROUP + i];
                    const float *const w_scales = (const float *)(weights + fours * 4 * CK_PANEL);
                    out = ck_fma((float)sum * scales[r * groups + g], w_scales[j], out);
                }
                y[r * ldy + column] = out;
            }
}
