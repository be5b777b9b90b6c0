#include "../dispatch/entries.h"
#include "../math/math_scalar.h"
#include "limits.h"

uint64_t ck_limit_read_scalar(const void *buffer, size_t bytes) {
    const uint64_t *words = buffer;
    uint64_t sum[8] = {0};
    for (size_t i = 0; i + 8 <= bytes / 8; i += 8)
        for (int j = 0; j < 8; j++) sum[j] ^= words[i + j];
    for (int j = 1; j < 8; j++) sum[0] ^= sum[j];
    return sum[0];
}

CK_DEFINITION double ck_limit_fma_scalar(long rounds) {
    float sum[CK_LIMIT_CHAINS] = {0};
    for (long i = 0; i < rounds; i++)
        for (int j = 0; j < CK_LIMIT_CHAINS; j++) {
            sum[j] = ck_fma(0.5f, 0.5f, sum[j]);
            CK_KEEP(sum[j]);
        }
    return 2.0 * CK_LIMIT_CHAINS * (double)rounds;
}

double ck_limit_int8_scalar(long rounds) {
    int32_t sum[CK_LIMIT_CHAINS] = {0};
    for (long i = 0; i < rounds; i++)
        for (int j = 0; j < CK_LIMIT_CHAINS; j++) {
            sum[j] += (int32_t)i * j;
            CK_KEEP_INTEGER(sum[j]);
        }
    return 2.0 * CK_LIMIT_CHAINS * (double)rounds;
}
