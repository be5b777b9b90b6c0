#include "../include/CKernels.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

// Masks of all exceptions, round to nearest, neither FTZ nor DAZ; the six lowest bits only tell what has happened.
#define WANTED 0x1F80u
#define DECISIVE 0xFFC0u

uint64_t ck_environment(void) { return _mm_getcsr() & DECISIVE; }

void ck_set_environment(uint64_t value) { _mm_setcsr((unsigned)value); }
#elif defined(__aarch64__)
// Round to nearest, no flushing, no default NaNs, no traps, none of the alternatives of later processors.
#define WANTED 0u

uint64_t ck_environment(void) {
    uint64_t value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
}

void ck_set_environment(uint64_t value) { __asm__ volatile("msr fpcr, %0" : : "r"(value)); }
#else
#define WANTED 0u
uint64_t ck_environment(void) { return WANTED; }
void ck_set_environment(uint64_t value) { (void)value; }
#endif

int ck_settle_environment(void) {
    if (ck_environment() == WANTED) return 0;
    ck_set_environment(WANTED);
    return 1;
}
