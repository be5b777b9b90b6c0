#include <string.h>

#include "../include/CKernels.h"

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

static size_t element_bytes(ck_type type) { return type == CK_F16 ? 2 : 4; }

size_t ck_packed_bytes(long k, long n, ck_type storage) {
    return (size_t)ck_panel_count(n) * CK_PANEL * (size_t)k * element_bytes(storage);
}

// n elements of the source, from `index` on, in the storage type.
static void convert(const packing *job, long index, void *to, long n) {
    const char *const from = job->source + (size_t)index * element_bytes(job->source_type);
    if (job->source_type == job->storage)
        memcpy(to, from, (size_t)n * element_bytes(job->storage));
    else if (job->storage == CK_F32)
        job->kernels->f16_to_f32((const uint16_t *)from, to, n);
    else
        job->kernels->f32_to_f16((const float *)from, to, n);
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

void ck_pack(const void *source, ck_type source_type, int transposed, long k, long n, void *panels,
             ck_type storage, long panel_begin, long panel_end) {
    const packing job = {source, source_type, panels, storage, k, n, ck_table(ck_best_isa())};
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
