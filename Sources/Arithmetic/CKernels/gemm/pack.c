#include <string.h>

#include "../include/CKernels.h"
#include "../quantize/quantize.h"
#include "gemm_i8.h"

// Rows of w handled at a time: few enough that their pages stay in the TLB from panel to panel.
#define CHUNK 64

typedef struct {
    const char *source;
    ck_type source_type;
    char *panels;
    ck_type storage;
    long k, n;
    const ck_kernels *kernels;
} packing;

long ck_panel_count(long n) { return (n + CK_PANEL - 1) / CK_PANEL; }

static size_t element_bytes(ck_type type) {
    switch (type) {
        case CK_F32: return 4;
        case CK_F16: return 2;
        case CK_I8: return 1;
    }
    return 0;
}

size_t ck_packed_bytes(long k, long n, ck_type storage) {
    if (storage == CK_I8) return (size_t)ck_panel_count(n) * (size_t)ck_i8_panel_bytes(k);
    return (size_t)ck_panel_count(n) * CK_PANEL * (size_t)k * element_bytes(storage);
}

// n elements of the source, from `index` on, in the storage type.
static void convert(const packing *job, long index, void *to, long n) {
    const char *const from = job->source + (size_t)index * element_bytes(job->source_type);
    if (job->source_type == job->storage) {
        memcpy(to, from, (size_t)n * element_bytes(job->storage));
        return;
    }
    switch (job->storage) {
        case CK_F32: job->kernels->f16_to_f32((const uint16_t *)from, to, n); break;
        case CK_F16: job->kernels->f32_to_f16((const float *)from, to, n); break;
        case CK_I8: break;  // a group at a time, from float32
    }
}

// Rows [begin, begin + rows) of one panel, from [k][n].
static void pack_rows(const packing *job, long column, long valid, long begin, long rows, char *out) {
    const size_t row_bytes = CK_PANEL * element_bytes(job->storage);
    for (long r = 0; r < rows; r++)
        convert(job, (begin + r) * job->n + column, out + (size_t)r * row_bytes, valid);
}

// The same from [n][k]: convert a stretch of each column, then interleave.
static void pack_columns(const packing *job, long column, long valid, long begin, long rows,
                         char *out) {
    const size_t size = element_bytes(job->storage);
    float stretch[CHUNK];
    for (long j = 0; j < valid; j++) {
        convert(job, (column + j) * job->k + begin, stretch, rows);
        for (long r = 0; r < rows; r++)
            memcpy(out + (size_t)(r * CK_PANEL + j) * size, (char *)stretch + (size_t)r * size, size);
    }
}

// One group of one panel: its numbers as float32, then column by column as bytes plus 128, and the scales.
static void pack_group(const packing *job, int transposed, long panel, long group) {
    packing wide = *job;
    wide.storage = CK_F32;
    float block[CK_GROUP * CK_PANEL] = {0};
    const long column = panel * CK_PANEL, begin = group * CK_GROUP;
    const long valid = job->n - column < CK_PANEL ? job->n - column : CK_PANEL;
    const long end = job->k - begin < CK_GROUP ? job->k : begin + CK_GROUP;
    for (long from = begin; from < end; from += CHUNK) {
        const long rows = end - from < CHUNK ? end - from : CHUNK;
        (transposed ? pack_columns : pack_rows)(&wide, column, valid, from, rows,
                                                (char *)(block + (from - begin) * CK_PANEL));
    }
    uint8_t *const out = (uint8_t *)ck_i8_group(job->panels, job->k, panel, group);
    const long n = 4 * ck_i8_fours(job->k, group);
    float *const scales = (float *)(out + n * CK_PANEL);
    for (long j = 0; j < CK_PANEL; j++) {
        float numbers[CK_GROUP];
        int8_t bytes[CK_GROUP];
        for (long i = 0; i < n; i++) numbers[i] = block[i * CK_PANEL + j];
        ck_rotate_weights(numbers, n);
        scales[j] = ck_quantize_group(numbers, n, bytes);
        for (long i = 0; i < n; i++)
            out[(i / 4 * CK_PANEL + j) * 4 + i % 4] = (uint8_t)(bytes[i] + 128);
    }
}

void ck_pack(const void *source, ck_type source_type, int transposed, long k, long n, void *panels,
             ck_type storage, long panel_begin, long panel_end) {
    const packing job = {source, source_type, panels, storage, k, n, ck_table(ck_best_isa())};
    if (storage == CK_I8) {
        for (long p = panel_begin; p < panel_end; p++)
            for (long g = 0; g < ck_group_count(k); g++) pack_group(&job, transposed, p, g);
        return;
    }
    const size_t row_bytes = CK_PANEL * element_bytes(storage);
    for (long begin = 0; begin < k; begin += CHUNK) {
        const long rows = k - begin < CHUNK ? k - begin : CHUNK;
        for (long p = panel_begin; p < panel_end; p++) {
            const long column = p * CK_PANEL;
            const long valid = n - column < CK_PANEL ? n - column : CK_PANEL;
            char *const out = job.panels + (size_t)(p * k + begin) * row_bytes;
            if (valid < CK_PANEL) memset(out, 0, (size_t)rows * row_bytes);
            if (transposed)
                pack_columns(&job, column, valid, begin, rows, out);
            else
                pack_rows(&job, column, valid, begin, rows, out);
        }
    }
}
