#include "entries.h"

static const ck_kernels scalar_kernels = CK_TABLE(scalar, NULL);
static const char *const names[CK_ISA_COUNT] = {"scalar", "avx2", "avx512", "neon"};

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdatomic.h>

static const ck_kernels avx2_kernels = CK_TABLE(avx2, NULL);
static const ck_kernels avx512_kernels = CK_TABLE(avx512, ck_arrange_avx512);

// Registers are usable only if the operating system saves them: XCR0 bits 1 (SSE), 2 (AVX), 5 to 7 (AVX-512).
static int system_saves(uint32_t wanted) {
    uint32_t low, high;
    __asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & wanted) == wanted;
}

static ck_isa best_of_processor(void) {
    unsigned a, b, c, d;
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    const unsigned wanted = fma | osxsave | avx | f16c;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & wanted) != wanted) return CK_ISA_SCALAR;
    const unsigned avx2 = 1u << 5;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & avx2) || !system_saves(0x6))
        return CK_ISA_SCALAR;
    const unsigned foundation = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31, vnni = 1u << 11;
    const unsigned wide = foundation | dq | bw | vl;
    return (b & wide) == wide && (c & vnni) && system_saves(0xe6) ? CK_ISA_AVX512 : CK_ISA_AVX2;
}

// Remembered, because cpuid takes microseconds on a virtual machine. Racing writers agree.
ck_isa ck_best_isa(void) {
    static _Atomic int known;  // 0: not yet
    int best = atomic_load_explicit(&known, memory_order_relaxed) - 1;
    if (best < 0) {
        best = (int)best_of_processor();
        atomic_store_explicit(&known, best + 1, memory_order_relaxed);
    }
    return (ck_isa)best;
}

const ck_kernels *ck_table(ck_isa isa) {
    if (isa == CK_ISA_SCALAR) return &scalar_kernels;
    if (isa > ck_best_isa()) return NULL;
    return isa == CK_ISA_AVX2 ? &avx2_kernels : &avx512_kernels;
}
#else
#if defined(__aarch64__)
static const ck_kernels neon_kernels = CK_TABLE(neon, NULL);
#endif

ck_isa ck_best_isa(void) { return ck_table(CK_ISA_NEON) ? CK_ISA_NEON : CK_ISA_SCALAR; }

const ck_kernels *ck_table(ck_isa isa) {
#if defined(__aarch64__)
    if (isa == CK_ISA_NEON) return &neon_kernels;
#endif
    return isa == CK_ISA_SCALAR ? &scalar_kernels : NULL;
}
#endif

const char *ck_isa_name(ck_isa isa) { return (unsigned)isa < CK_ISA_COUNT ? names[isa] : "unknown"; }
