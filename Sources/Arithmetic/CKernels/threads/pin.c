#define _GNU_SOURCE
#include "../include/CKernels.h"

#if defined(__linux__)
#include <sched.h>
#include <stddef.h>

// Machines of more processors than a cpu_set_t holds exist; the kernel refuses a set that is too small.
#define MOST_PROCESSORS (1 << 16)

// The processors that the calling thread may run on; NULL where the system does not say. The caller frees it.
static cpu_set_t *allowed_processors(int *most) {
    for (*most = CPU_SETSIZE; *most <= MOST_PROCESSORS; *most *= 2) {
        cpu_set_t *const set = CPU_ALLOC(*most);
        if (set && sched_getaffinity(0, CPU_ALLOC_SIZE(*most), set) == 0) return set;
        CPU_FREE(set);
    }
    return NULL;
}

int ck_processor_count(void) {
    int most;
    cpu_set_t *const allowed = allowed_processors(&most);
    const int count = allowed ? CPU_COUNT_S(CPU_ALLOC_SIZE(most), allowed) : 0;
    CPU_FREE(allowed);
    return count;
}

// Keeps the calling thread on the index-th of some processors.
static void pin(const cpu_set_t *allowed, int most, int index) {
    const size_t size = CPU_ALLOC_SIZE(most);
    cpu_set_t *const one = CPU_ALLOC(most);
    if (!one) return;
    CPU_ZERO_S(size, one);
    for (int cpu = 0; cpu < most; cpu++) {
        if (!CPU_ISSET_S(cpu, size, allowed) || index-- > 0) continue;
        CPU_SET_S(cpu, size, one);
        sched_setaffinity(0, size, one);
        break;
    }
    CPU_FREE(one);
}

void ck_pin_thread(int index) {
    int most;
    cpu_set_t *const allowed = allowed_processors(&most);
    if (allowed) pin(allowed, most, index);
    CPU_FREE(allowed);
}

// Of a larger machine's threads none is held.
_Static_assert(sizeof(ck_processors) == 8 * MOST_HELD_WORDS, "room for 8,192 processors");

int ck_hold_thread(int index, ck_processors *before) {
    ck_processors one = {{0}};
    const size_t size = sizeof *before;
    for (size_t i = 0; i < MOST_HELD_WORDS; i++) before->words[i] = 0;
    if (sched_getaffinity(0, size, (cpu_set_t *)before) != 0) return 0;
    for (int cpu = 0; cpu < 8 * (int)size; cpu++) {
        if (!CPU_ISSET_S(cpu, size, (cpu_set_t *)before) || index-- > 0) continue;
        CPU_SET_S(cpu, size, (cpu_set_t *)&one);
        return sched_setaffinity(0, size, (cpu_set_t *)&one) == 0;
    }
    return 0;
}

void ck_release_thread(const ck_processors *before) { sched_setaffinity(0, sizeof *before, (const cpu_set_t *)before); }
#else
int ck_processor_count(void) { return 0; }

void ck_pin_thread(int index) { (void)index; }

int ck_hold_thread(int index, ck_processors *before) { return (void)index, (void)before, 0; }

void ck_release_thread(const ck_processors *before) { (void)before; }
#endif
