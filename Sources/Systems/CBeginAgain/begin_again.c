#define _GNU_SOURCE
#include "CBeginAgain.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// What the program begins again with; complete before `arguments` is set.
static char **environment;
static _Atomic(char **) arguments;
static time_t armed_at;

static time_t seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

// Only what a handler of signals may do: atomics and system calls.
static void handle(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    char **const own = atomic_load(&arguments);
    if (own != NULL && seconds() - armed_at >= 1) {
        // Sockets and files of this process: their other ends are to see that it is gone.
        syscall(SYS_close_range, 3U, ~0U, 0U);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve("/proc/self/exe", own, environment);
    }
    // The instruction is tried again, and ends the process.
    signal(number, SIG_DFL);
}

void cba_watch(void) {
    struct sigaction action = {0};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}

static char **copy(const char *const *list, const char *last) {
    size_t count = 0;
    while (list[count] != NULL) count++;
    char **const all = calloc(count + 2, sizeof *all);
    if (all == NULL) return NULL;
    for (size_t i = 0; i < count; i++) all[i] = strdup(list[i]);
    if (last != NULL) all[count] = strdup(last);
    return all;
}

void cba_begin_again(const char *const list[], const char *variable) {
    char **const own = copy(list, NULL);
    if (own == NULL || (environment = copy((const char *const *)environ, variable)) == NULL) return;
    armed_at = seconds();
    atomic_store(&arguments, own);
}
