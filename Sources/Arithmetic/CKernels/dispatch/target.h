// How functions are compiled for more than the baseline instruction set.
#ifndef CK_TARGET_H
#define CK_TARGET_H

// A defining scalar function. fmaf without FMA hardware is a call of libm's exact one; the clone for
// FMA machines computes the same bits, since fusing happens only where fmaf is written.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define CK_NO_CLONES  // clones are chosen by the loader, before a sanitizer is ready
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(CK_NO_CLONES)
#define CK_DEFINITION __attribute__((target_clones("fma", "default")))
#else
#define CK_DEFINITION
#endif

#define CK_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define CK_AVX2 __attribute__((target("avx2,fma,f16c")))
#define CK_AVX2_INLINE static inline __attribute__((always_inline, target("avx2,fma,f16c")))
#define CK_AVX512_FEATURES                                                                         \
    "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"
#define CK_AVX512 __attribute__((target(CK_AVX512_FEATURES)))
#define CK_AVX512_INLINE static inline __attribute__((always_inline, target(CK_AVX512_FEATURES)))
#endif

#endif
