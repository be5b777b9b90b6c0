// A disk that fails, for tests. Loaded before a program (LD_PRELOAD), it stands between it and the system's calls for files
// below one folder, counts them, and, as it is told:
//
//     ends the process with SIGKILL before, after or in the middle of a change
//     lets a call fail once, or every so often, with a number of the system's errors
//     writes down every change and every sync, of which images of power cuts can be made
//
// The environment says what. Without ORCHESTRION_DISK_FOLDER it does nothing.
//
//     ORCHESTRION_DISK_FOLDER   the folder, as an absolute path without links
//     ORCHESTRION_DISK_MATCH    only files whose path has this in it
//     ORCHESTRION_DISK_FAULT    kill-before K, kill-half K or kill-after K: at the K-th change or sync
//                               fail ERRNO K [M]: the K-th call fails, and then each M-th
//     ORCHESTRION_DISK_CONTROL  a file of 4096 bytes, shared with whoever started the program: struct control
//     ORCHESTRION_DISK_LOG      gets a struct entry for each call, with its path and, for changes, its bytes
//
// Built by Tests/DiskFaultSupport/Shim.swift: cc -shared -fPIC -O2 -pthread disk_faults.c -ldl
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

// ---- opening and closing

static int open_file(int at, const char *path, int flags, mode_t mode, int descriptor_of(int, const char *, int, mode_t)) {
    char full[PATH_MAX];
    if (!is_ours(at, path, full)) return descriptor_of(at, path, flags, mode);
    struct stat status;
    int was_there = syscall(SYS_newfstatat, AT_FDCWD, full, &status, 0) == 0;
    int makes = !was_there && (flags & O_CREAT), empties = was_there && (flags & O_TRUNC) && status.st_size > 0;
    struct call call = {OPEN, "open", full, 0, makes ? 1 : empties ? 2 : 0, NULL, 0, makes || empties, 0, 0};
    int error = enter(&call);
    if (error > 0) return (int)refuse(&call, error);
    int descriptor = descriptor_of(at, path, flags, mode);
    int code = errno;
    if (descriptor >= 0 && descriptor < MOST) {
        if (fstat(descriptor, &status) == 0) call.inode = inodes[descriptor] = status.st_ino;
        free(paths[descriptor]);
        paths[descriptor] = strdup(full);
    }
    errno = code;
    return (int)leave(&call, descriptor);
}

static int system_open(int at, const char *path, int flags, mode_t mode) {
    return (int)syscall(SYS_openat, at, path, flags | O_LARGEFILE, mode);
}

#define MODE mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }

int open(const char *path, int flags, ...) { MODE return open_file(AT_FDCWD, path, flags, mode, system_open); }
int open64(const char *path, int flags, ...) { MODE return open_file(AT_FDCWD, path, flags, mode, system_open); }
int openat(int at, const char *path, int flags, ...) { MODE return open_file(at, path, flags, mode, system_open); }
int openat64(int at, const char *path, int flags, ...) { MODE return open_file(at, path, flags, mode, system_open); }
int __open_2(const char *path, int flags) { return open_file(AT_FDCWD, path, flags, 0, system_open); }
int __open64_2(const char *path, int flags) { return open_file(AT_FDCWD, path, flags, 0, system_open); }
int __openat_2(int at, const char *path, int flags) { return open_file(at, path, flags, 0, system_open); }
int creat(const char *path, mode_t mode) {
    return open_file(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, system_open);
}

int close(int descriptor) {
    const char *path = ours(descriptor);
    if (!path) return (int)syscall(SYS_close, descriptor);
    struct call call = {CLOSE, "close", path, inodes[descriptor], 0, NULL, 0, 0, 0, 0};
    int error = enter(&call);
    char *mine = paths[descriptor];
    paths[descriptor] = NULL;
    int result = (int)syscall(SYS_close, descriptor);
    if (error > 0) (result = -1, errno = error);
    result = (int)leave(&call, result);
    free(mine);
    return result;
}

// ---- writing

static ssize_t write_bytes(int descriptor, const void *bytes, size_t count, int64_t offset, const char *path) {
    int64_t place = offset;
    if (place < 0) {
        int flags = (int)syscall(SYS_fcntl, descriptor, F_GETFL);
        place = syscall(SYS_lseek, descriptor, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
    }
    struct call call = {WRITE, "write", path, inodes[descriptor], place, bytes, count, 1, 0, 0};
    int error = enter(&call);
    if (error > 0) return refuse(&call, error);
    size_t most = error < 0 ? count / 2 : count;
    ssize_t result = offset < 0 ? syscall(SYS_write, descriptor, bytes, most)
                                : syscall(SYS_pwrite64, descriptor, bytes, most, offset);
    if (error < 0) die(&call);
    return leave(&call, result);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    const char *path = ours(descriptor);
    return path ? write_bytes(descriptor, bytes, count, -1, path) : syscall(SYS_write, descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    const char *path = ours(descriptor);
    return path ? write_bytes(descriptor, bytes, count, offset, path)
                : syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    return pwrite(descriptor, bytes, count, offset);
}

static ssize_t write_pieces(int descriptor, const struct iovec *pieces, int count, int64_t offset, const char *path) {
    size_t length = 0;
    for (int i = 0; i < count; i++) length += pieces[i].iov_len;
    char *joined = malloc(length ? length : 1), *at = joined;
    for (int i = 0; i < count; i++) at = mempcpy(at, pieces[i].iov_base, pieces[i].iov_len);
    ssize_t result = write_bytes(descriptor, joined, length, offset, path);
    free(joined);
    return result;
}

ssize_t writev(int descriptor, const struct iovec *pieces, int count) {
    const char *path = ours(descriptor);
    return path ? write_pieces(descriptor, pieces, count, -1, path) : syscall(SYS_writev, descriptor, pieces, count);
}
ssize_t pwritev(int descriptor, const struct iovec *pieces, int count, off_t offset) {
    const char *path = ours(descriptor);
    return path ? write_pieces(descriptor, pieces, count, offset, path)
                : syscall(SYS_pwritev, descriptor, pieces, count, offset, 0);
}
ssize_t pwritev64(int descriptor, const struct iovec *pieces, int count, off64_t offset) {
    return pwritev(descriptor, pieces, count, offset);
}

static int synchronize(int descriptor, long number, const char *name) {
    const char *path = ours(descriptor);
    if (!path) return (int)syscall(number, descriptor);
    struct call call = {SYNC, name, path, inodes[descriptor], 0, NULL, 0, 1, 0, 0};
    int error = enter(&call);
    if (error > 0) return (int)refuse(&call, error);
    return (int)leave(&call, syscall(number, descriptor));
}

int fsync(int descriptor) { return synchronize(descriptor, SYS_fsync, "fsync"); }
int fdatasync(int descriptor) { return synchronize(descriptor, SYS_fdatasync, "fdatasync"); }

int ftruncate(int descriptor, off_t size) {
    const char *path = ours(descriptor);
    if (!path) return (int)syscall(SYS_ftruncate, descriptor, size);
    struct call call = {TRUNCATE, "ftruncate", path, inodes[descriptor], size, NULL, 0, 1, 0, 0};
    int error = enter(&call);
    if (error > 0) return (int)refuse(&call, error);
    return (int)leave(&call, syscall(SYS_ftruncate, descriptor, size));
}
int ftruncate64(int descriptor, off64_t size) { return ftruncate(descriptor, size); }

// ---- reading

static ssize_t read_bytes(int descriptor, void *bytes, size_t count, int64_t offset, const char *path) {
    struct call call = {READ, "read", path, inodes[descriptor], offset, NULL, count, 0, 0, 0};
    int error = enter(&call);
    if (error > 0) return refuse(&call, error);
    return leave(
        &call, offset < 0 ? syscall(SYS_read, descriptor, bytes, count)
                          : syscall(SYS_pread64, descriptor, bytes, count, offset));
}

ssize_t read(int descriptor, void *bytes, size_t count) {
    const char *path = ours(descriptor);
    return path ? read_bytes(descriptor, bytes, count, -1, path) : syscall(SYS_read, descriptor, bytes, count);
}
ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset) {
    const char *path = ours(descriptor);
    return path ? read_bytes(descriptor, bytes, count, offset, path)
                : syscall(SYS_pread64, descriptor, bytes, count, offset);
}
ssize_t pread64(int descriptor, void *bytes, size_t count, off64_t offset) {
    return pread(descriptor, bytes, count, offset);
}

// ---- names

static int rename_file(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    char full[PATH_MAX], target[PATH_MAX];
    if (!is_ours(from_at, from, full) || !is_ours(to_at, to, target))
        return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    struct call call = {RENAME, "rename", full, 0, flags, target, strlen(target), 1, 0, 0};
    int error = enter(&call);
    if (error > 0) return (int)refuse(&call, error);
    return (int)leave(&call, syscall(SYS_renameat2, from_at, from, to_at, to, flags));
}

int rename(const char *from, const char *to) { return rename_file(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_at, const char *from, int to_at, const char *to) {
    return rename_file(from_at, from, to_at, to, 0);
}
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    return rename_file(from_at, from, to_at, to, flags);
}

static int change_name(
    enum operation operation, const char *name, int at, const char *path, long number, long argument
) {
    char full[PATH_MAX];
    if (!is_ours(at, path, full)) return (int)syscall(number, at, path, argument);
    struct call call = {operation, name, full, 0, 0, NULL, 0, 1, 0, 0};
    int error = enter(&call);
    if (error > 0) return (int)refuse(&call, error);
    return (int)leave(&call, syscall(number, at, path, argument));
}

int unlinkat(int at, const char *path, int flags) {
    int is_folder = flags & AT_REMOVEDIR;
    return change_name(is_folder ? RMDIR : UNLINK, is_folder ? "rmdir" : "unlink", at, path, SYS_unlinkat, flags);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdirat(int at, const char *path, mode_t mode) {
    return change_name(MKDIR, "mkdir", at, path, SYS_mkdirat, mode);
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

static int make_temporary(char *pattern, int suffix, int flags, const char *name) {
    int (*real)(char *, int, int) = (int (*)(char *, int, int))dlsym(RTLD_NEXT, "mkostemps64");
    char full[PATH_MAX];
    if (!is_ours(AT_FDCWD, pattern, full)) return real(pattern, suffix, flags);
    struct call call = {OPEN, name, full, 0, 1, NULL, 0, 1, 0, 0};
    int error = enter(&call);
    if (error > 0) return (int)refuse(&call, error);
    int descriptor = real(pattern, suffix, flags);
    struct stat status;
    int code = errno;
    if (descriptor >= 0 && descriptor < MOST && is_ours(AT_FDCWD, pattern, full)) {
        if (fstat(descriptor, &status) == 0) call.inode = inodes[descriptor] = status.st_ino;
        free(paths[descriptor]);
        paths[descriptor] = strdup(full);
    }
    errno = code;
    return (int)leave(&call, descriptor);
}

int mkstemp(char *pattern) { return make_temporary(pattern, 0, 0, "mkstemp"); }
int mkstemp64(char *pattern) { return make_temporary(pattern, 0, 0, "mkstemp"); }
int mkostemp(char *pattern, int flags) { return make_temporary(pattern, 0, flags, "mkostemp"); }
int mkostemp64(char *pattern, int flags) { return make_temporary(pattern, 0, flags, "mkostemp"); }
int mkostemps(char *pattern, int suffix, int flags) { return make_temporary(pattern, suffix, flags, "mkostemps"); }
int mkostemps64(char *pattern, int suffix, int flags) { return make_temporary(pattern, suffix, flags, "mkostemps"); }

// ---- messages

// What is sent may tell of what was journaled: all of that must be on the disk by then.
int zmq_send(void *socket, const void *bytes, size_t length, int flags) {
    static int (*real)(void *, const void *, size_t, int);
    if (!real) real = (int (*)(void *, const void *, size_t, int))dlsym(RTLD_NEXT, "zmq_send");
    disk_faults_mark(-1);
    return real(socket, bytes, length, flags);
}
