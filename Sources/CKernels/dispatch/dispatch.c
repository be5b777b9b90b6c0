#include "entries.h"

static const ck_kernels scalar_kernels = CK_TABLE(scalar);

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdatomic.h>

static const ck_kernels avx2_kernels = CK_TABLE(avx2);

// The ymm registers are usable only if the operating system saves them: XCR0 bits 1 (SSE) and 2 (AVX).
static int system_saves_ymm(void) {
    uint32_t low, high;
    __asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

static int has_avx2_fma_f16c(void) {
    unsigned a, b, c, d;
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    const unsigned wanted = fma | osxsave | avx | f16c;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & wanted) != wanted) return 0;
    if (!system_saves_ymm()) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 5)) != 0;
}

// Remembered, because cpuid takes microseconds on a virtual machine. Racing writers agree.
static int avx2_usable(void) {
    static _Atomic int known;  // 0 not yet, 1 no, 2 yes
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == 0) {
        answer = has_avx2_fma_f16c() ? 2 : 1;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == 2;
}
#endif

const ck_kernels *ck_table(ck_isa isa) {
    if (isa == CK_ISA_SCALAR) return &scalar_kernels;
#if defined(__x86_64__)
    if (isa == CK_ISA_AVX2 && avx2_usable()) return &avx2_kernels;
#endif
    return NULL;
}

ck_isa ck_best_isa(void) { return ck_table(CK_ISA_AVX2) ? CK_ISA_AVX2 : CK_ISA_SCALAR; }

const char *ck_isa_name(ck_isa isa) {
    if (isa == CK_ISA_SCALAR) return "scalar";
    if (isa == CK_ISA_AVX2) return "avx2";
    return "unknown";
}
