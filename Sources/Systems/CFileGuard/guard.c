#define _GNU_SOURCE
#include "CFileGuard.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST 1024

enum { FREE, TAKEN };

static struct {
    atomic_int state;
    _Atomic uintptr_t base;
    atomic_size_t size;
    atomic_int lost;
} guards[MOST];

static struct sigaction before;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// Puts zeros in the place of what is gone, from the page that was read to the mapping's end. Only what a handler of
// signals may do: atomics and system calls.
static void handle(int signal, siginfo_t *info, void *context) {
    (void)context;
    const uintptr_t place = (uintptr_t)info->si_addr, page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < MOST; i++) {
        const uintptr_t base = atomic_load(&guards[i].base);
        const size_t size = atomic_load(&guards[i].size);
        if (base == 0 || place < base || place - base >= size) continue;
        const uintptr_t start = place / page * page;
        void *const zeros = mmap((void *)start, base + size - start, PROT_READ,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (zeros == MAP_FAILED) break;
        atomic_store(&guards[i].lost, 1);
        return;
    }
    // Not ours: what was there before has it when the instruction is tried again.
    sigaction(signal, &before, NULL);
}

static void install(void) {
    struct sigaction action = {0};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
}

int cfg_guard(void *base, size_t size) {
    pthread_once(&once, install);
    for (int i = 0; i < MOST; i++) {
        int expected = FREE;
        if (!atomic_compare_exchange_strong(&guards[i].state, &expected, TAKEN)) continue;
        atomic_store(&guards[i].lost, 0);
        atomic_store(&guards[i].size, size);
        atomic_store(&guards[i].base, (uintptr_t)base);
        return i;
    }
    return -1;
}

int cfg_is_lost(int guard) { return guard >= 0 && atomic_load(&guards[guard].lost); }

void cfg_release(int guard) {
    if (guard < 0) return;
    atomic_store(&guards[guard].base, 0);
    atomic_store(&guards[guard].state, FREE);
}
