#include "../include/CKernels.h"
#include "../math/math_scalar.h"

// An integer that orders as the float does; -0 counts as +0, so that equal floats give equal keys.
static inline uint32_t order_key(float x) {
    const uint32_t bits = ck_bits(x + 0.0f);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static inline float key_value(uint32_t key) {
    return ck_float(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

static long count_at_least(const float *logits, long n, uint32_t key) {
    long count = 0;
    for (long i = 0; i < n; i++) count += order_key(logits[i]) >= key;
    return count;
}

void ck_filter_top_k(float *logits, long n, long k) {
    if (k <= 0 || k >= n) return;
    // The k-th largest key, bit by bit: the largest key that at least k logits reach.
    uint32_t kth = 0;
    for (uint32_t bit = 0x80000000u; bit != 0; bit >>= 1)
        if (count_at_least(logits, n, kth | bit) >= k) kth |= bit;
    // As floats, so that a NaN is never hidden.
    const float smallest = key_value(kth);
    for (long i = 0; i < n; i++)
        if (logits[i] < smallest) logits[i] = -INFINITY;
}

// Sorts ascending by bottom-up merging; the result is in the array returned, one of the two.
static uint64_t *merge_sort(uint64_t *from, uint64_t *to, long n) {
    for (long width = 1; width < n; width *= 2) {
        for (long begin = 0; begin < n; begin += 2 * width) {
            const long middle = begin + width < n ? begin + width : n;
            const long end = middle + width < n ? middle + width : n;
            long a = begin, b = middle;
            for (long i = begin; i < end; i++)
                to[i] = b >= end || (a < middle && from[a] <= from[b]) ? from[a++] : from[b++];
        }
        uint64_t *const swap = from;
        from = to;
        to = swap;
    }
    return from;
}

CK_DEFINITION static void probabilities(float *sorted, long n) { ck_softmax1(sorted, n); }

void ck_filter_top_p(float *logits, long n, float p, uint64_t *scratch) {
    if (n <= 0 || !(p > 0.0f) || p >= 1.0f) return;
    for (long i = 0; i < n; i++)
        scratch[i] = (uint64_t)~order_key(logits[i]) << 32 | (uint64_t)i;
    uint64_t *const order = merge_sort(scratch, scratch + n, n);
    float *const sorted = (float *)(order == scratch ? scratch + n : scratch);
    for (long i = 0; i < n; i++) sorted[i] = logits[(uint32_t)order[i]];
    probabilities(sorted, n);
    // In float64, as the original's cumulative sum on a CPU is.
    double before = 0.0f;
    for (long i = 0; i < n; i++) {
        if ((float)before > p) logits[(uint32_t)order[i]] = -INFINITY;
        before += sorted[i];
    }
}
