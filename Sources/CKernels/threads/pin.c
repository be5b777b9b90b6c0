#define _GNU_SOURCE
#include "../include/CKernels.h"

#if defined(__linux__)
#include <sched.h>

int ck_processor_count(void) {
    cpu_set_t allowed;
    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 0;
}

void ck_pin_thread(int index) {
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed) || index-- > 0) continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

void ck_move_thread(int index) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    ck_pin_thread(index);
    sched_setaffinity(0, sizeof allowed, &allowed);
}

int ck_processor(void) { return sched_getcpu(); }
#else
int ck_processor_count(void) { return 0; }

void ck_pin_thread(int index) { (void)index; }

void ck_move_thread(int index) { (void)index; }

int ck_processor(void) { return -1; }
#endif
