#include <string.h>

#include "../include/CKernels.h"

void ck_gather_taps(const float *x, long t_total, long c, long t_begin, long rows, long stride,
                    const long *offsets, long taps, float *out) {
    const size_t bytes = (size_t)c * sizeof(float);
    for (long r = 0; r < rows; r++)
        for (long j = 0; j < taps; j++, out += c) {
            const long t = t_begin + r * stride + offsets[j];
            if (t >= 0 && t < t_total)
                memcpy(out, x + t * c, bytes);
            else
                memset(out, 0, bytes);
        }
}
