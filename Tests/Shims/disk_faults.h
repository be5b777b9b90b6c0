// What the shim of disk_faults.c counts, decides and writes down. Only that file includes it.
#pragma once
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// ---- what it shares with whoever looks on

enum operation {
    OPEN = 1, WRITE, SYNC, TRUNCATE, RENAME, UNLINK, MKDIR, RMDIR, CLOSE, READ, MARK,
};

struct control {
    _Atomic uint64_t calls;    // all of them
    _Atomic uint64_t changes;  // and syncs, among them
    _Atomic uint64_t fired;    // faults
    uint64_t fired_at;         // the last: CLOCK_MONOTONIC, nanoseconds
    char what[1024];           // the last: the call and the path
};

struct entry {
    uint32_t magic;  // 0x6b736964
    uint32_t operation;
    uint64_t call;
    uint64_t change;  // 0: it changes nothing
    uint64_t inode;
    int64_t offset;    // of a write; the size of a truncation; of OPEN: 1 made the file, 2 emptied it; of MARK: its number
    int64_t result;    // bytes, or 0, or -errno
    uint32_t path_length;
    uint32_t data_length;  // of a rename: the new path
};

// ---- state

static char folder[PATH_MAX];
static size_t folder_length;
static const char *match;
static enum { NOTHING, KILL_BEFORE, KILL_HALF, KILL_AFTER, FAIL } fault;
static uint64_t fault_at, fault_step;
static int fault_errno;
static struct control *control, own_control;
static int log_descriptor = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// Files that are open, by descriptor.
enum { MOST = 65536 };
static char *paths[MOST];
static uint64_t inodes[MOST];

static const struct { const char *name; int number; } numbers[] = {
    {"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EROFS", EROFS}, {"EDQUOT", EDQUOT}, {"ESTALE", ESTALE}, {"EMFILE", EMFILE},
    {"EINTR", EINTR}, {"ENOMEM", ENOMEM}, {"EACCES", EACCES}, {"ENFILE", ENFILE}, {"EFBIG", EFBIG},
};

static void read_fault(const char *text) {
    char kind[32], name[32];
    unsigned long long at = 0, step = 0;
    if (sscanf(text, "fail %31s %llu %llu", name, &at, &step) >= 2) {
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            if (strcmp(numbers[i].name, name) == 0) fault_errno = numbers[i].number;
        if (fault_errno) fault = FAIL;
    } else if (sscanf(text, "%31s %llu", kind, &at) == 2) {
        if (strcmp(kind, "kill-before") == 0) fault = KILL_BEFORE;
        if (strcmp(kind, "kill-half") == 0) fault = KILL_HALF;
        if (strcmp(kind, "kill-after") == 0) fault = KILL_AFTER;
    }
    if (fault == NOTHING) {
        fprintf(stderr, "disk_faults: ORCHESTRION_DISK_FAULT is not understood: %s\n", text);
        _exit(99);
    }
    (fault_at = at, fault_step = step);
}

static void begin(void) {
    control = &own_control;
    const char *wanted = getenv("ORCHESTRION_DISK_FOLDER");
    if (!wanted || !*wanted || strlen(wanted) >= sizeof folder) return;
    strcpy(folder, wanted);
    folder_length = strlen(folder);
    match = getenv("ORCHESTRION_DISK_MATCH");
    const char *text = getenv("ORCHESTRION_DISK_FAULT");
    if (text && *text) read_fault(text);
    const char *shared = getenv("ORCHESTRION_DISK_CONTROL");
    if (shared) {
        int descriptor = syscall(SYS_openat, AT_FDCWD, shared, O_RDWR | O_CLOEXEC, 0);
        void *memory = descriptor < 0
            ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        if (memory == MAP_FAILED) {
            fprintf(stderr, "disk_faults: ORCHESTRION_DISK_CONTROL cannot be used: %s\n", shared);
            _exit(99);
        }
        control = memory;
        syscall(SYS_close, descriptor);
    }
    const char *log = getenv("ORCHESTRION_DISK_LOG");
    if (log) log_descriptor = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void ready(void) { pthread_once(&once, begin); }

__attribute__((constructor)) static void start(void) { ready(); }

// ---- which calls count

// Whether a path is below the folder, or is it; `full` gets it, at most PATH_MAX bytes.
static int is_ours(int at, const char *path, char *full) {
    ready();
    if (!folder_length || !path) return 0;
    if (path[0] == '/') {
        if (strlen(path) >= PATH_MAX) return 0;
        strcpy(full, path);
    } else {
        char base[PATH_MAX];
        if (at == AT_FDCWD) {
            if (syscall(SYS_getcwd, base, sizeof base) < 0) return 0;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", at);
            ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
            if (length < 0) return 0;
            base[length] = 0;
        }
        if (snprintf(full, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
    }
    // One slash at a time, and none at the end, so that a path is always spelled the same.
    char *to = full;
    for (char *from = full; *from; from++)
        if (!(from[0] == '/' && (from[1] == '/' || from[1] == 0)) || from == full) *to++ = *from;
    *to = 0;
    if (strncmp(full, folder, folder_length) != 0) return 0;
    if (full[folder_length] != 0 && full[folder_length] != '/') return 0;
    return !match || strstr(full, match);
}

static const char *ours(int descriptor) {
    ready();
    return descriptor >= 0 && descriptor < MOST ? paths[descriptor] : NULL;
}

// ---- a call

struct call {
    enum operation operation;
    const char *name;
    const char *path;
    uint64_t inode;
    int64_t offset;
    const void *data;
    size_t length;
    int is_change;
    uint64_t number, change;
};

static void fire(const struct call *call) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    control->fired_at = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    snprintf(control->what, sizeof control->what, "%s %s", call->name, call->path + folder_length);
    atomic_fetch_add(&control->fired, 1);
}

static void die(const struct call *call) {
    fire(call);
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
}

static void append(const void *bytes, size_t count) {
    const char *at = bytes;
    while (count > 0) {
        ssize_t written = syscall(SYS_write, log_descriptor, at, count);
        if (written <= 0) return;
        (at += written, count -= (size_t)written);
    }
}

static void note(const struct call *call, int64_t result) {
    if (log_descriptor < 0) return;
    struct entry entry = {
        0x6b736964, call->operation, call->number, call->change, call->inode, call->offset, result,
        (uint32_t)strlen(call->path), 0,
    };
    size_t length = call->is_change && result >= 0 ? call->length : 0;
    if (call->operation == WRITE && result >= 0 && (size_t)result < length) length = (size_t)result;
    entry.data_length = (uint32_t)length;
    append(&entry, sizeof entry);
    append(call->path, entry.path_length);
    if (length) append(call->data, length);
}

// Holds the lock from here to `leave`, so that the log has the order in which things happened.
//
// Returns the error that the call is to have, or 0; or -1: a write is to be done by half.
static int enter(struct call *call) {
    pthread_mutex_lock(&lock);
    call->number = atomic_fetch_add(&control->calls, 1) + 1;
    if (call->is_change) call->change = atomic_fetch_add(&control->changes, 1) + 1;
    switch (fault) {
    case NOTHING: case KILL_AFTER: break;
    case KILL_BEFORE: if (call->change && call->change == fault_at) die(call); break;
    case KILL_HALF:
        if (!call->change || call->change != fault_at) break;
        if (call->operation == WRITE && call->length > 1) return -1;
        die(call);
        break;
    case FAIL:
        if (call->number == fault_at
            || (fault_step && call->number > fault_at && (call->number - fault_at) % fault_step == 0)) {
            fire(call);
            return fault_errno;
        }
    }
    return 0;
}

static int64_t leave(struct call *call, int64_t result) {
    int error = errno;
    note(call, result < 0 ? -error : result);
    if (fault == KILL_AFTER && call->change && call->change == fault_at) die(call);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

static int64_t refuse(struct call *call, int error) {
    errno = error;
    return leave(call, -1);
}

// For whoever wants to know what was on the disk at a moment: a mark in the log.
void disk_faults_mark(int64_t number) {
    ready();
    struct call call = {MARK, "mark", folder, 0, number, NULL, 0, 0, 0, 0};
    pthread_mutex_lock(&lock);
    note(&call, 0);
    pthread_mutex_unlock(&lock);
}
