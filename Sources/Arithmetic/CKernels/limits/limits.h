// What the machine can do at most, for benchmarks: loops that do nothing else.
#ifndef CK_LIMITS_H
#define CK_LIMITS_H

// Independent sums, enough to hide the latency of a multiply-add.
#define CK_LIMIT_CHAINS 12

// Makes the compiler believe that a value in a vector register is used and changed.
#if defined(__x86_64__)
#define CK_KEEP(x) __asm__ __volatile__("" : "+v"(x))
#elif defined(__aarch64__)
#define CK_KEEP(x) __asm__ __volatile__("" : "+w"(x))
#else
#define CK_KEEP(x) __asm__ __volatile__("" : "+m"(x))
#endif
#define CK_KEEP_INTEGER(x) __asm__ __volatile__("" : "+r"(x))

#endif
