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
#include "disk_faults.h"

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
