// Where things are in panels of CK_I8.
#ifndef CK_GEMM_I8_H
#define CK_GEMM_I8_H

#include "../include/CKernels.h"

// Bytes of a whole group and of a panel.
#define CK_I8_GROUP_BYTES ((CK_GROUP + 4) * CK_PANEL)

static inline long ck_i8_panel_bytes(long k) {
    return (ck_quantized_width(k) + 4 * ck_group_count(k)) * CK_PANEL;
}

// Fours of k in a group.
static inline long ck_i8_fours(long k, long group) {
    const long left = ck_quantized_width(k) - group * CK_GROUP;
    return (left < CK_GROUP ? left : CK_GROUP) / 4;
}

static inline const uint8_t *ck_i8_group(const void *panels, long k, long panel, long group) {
    return (const uint8_t *)panels + panel * ck_i8_panel_bytes(k) + group * CK_I8_GROUP_BYTES;
}

#endif
