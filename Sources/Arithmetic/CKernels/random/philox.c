#include "philox.h"

#include "../include/CKernels.h"

void ck_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    ck_philox_inline(counter, key, out);
}
