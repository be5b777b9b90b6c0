#include "quantize.h"

#include <string.h>

#include "../dispatch/entries.h"

void ck_quantize_scalar(const float *x, long ldx, long rows, long k, int8_t *values, float *scales,
                        int32_t *offsets) {
    const long width = ck_quantized_width(k);
    for (long r = 0; r < rows; r++, x += ldx, values += width)
        for (long begin = 0; begin < k; begin += CK_GROUP) {
            const long n = k - begin < CK_GROUP ? k - begin : CK_GROUP, whole = ck_quantized_width(n);
            float group[CK_GROUP] = {0};
            memcpy(group, x + begin, (size_t)n * sizeof *x);
            ck_rotate(group, whole);
            *scales++ = ck_quantize_group(group, whole, values + begin);
            int32_t sum = 0;
            for (long i = 0; i < whole; i++) sum += values[begin + i];
            *offsets++ = -128 * sum;
        }
}
