// What SQLite calls.

#include "disk.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    sqlite3_file base;
    sd_disk *disk;
    sd_file *file;
    /// Has no name, and goes when it is closed.
    int is_temporary;
} sd_handle;

static sd_handle *sd_of(sqlite3_file *file) { return (sd_handle *)file; }

static int sd_xClose(sqlite3_file *base) {
    sd_handle *handle = sd_of(base);
    if (!handle->file) return SQLITE_OK;
    handle->file->opened--;
    if (handle->file->is_orphan) {
        if (handle->file->opened == 0) sd_free(handle->file);
    } else if (handle->is_temporary) {
        sd_unlink(handle->disk, handle->file, 1);
    } else if (handle->file->opened == 0) {
        sd_forget_regions(handle->file);
    }
    handle->file = NULL;
    return SQLITE_OK;
}

static int sd_xRead(sqlite3_file *base, void *bytes, int count, sqlite3_int64 offset) {
    sd_handle *handle = sd_of(base);
    const sd_content *content = &handle->file->now;
    if (handle->disk->is_dead || sd_fails(handle->disk, SD_READ)) return SQLITE_IOERR_READ;
    size_t have = (size_t)offset < content->count ? content->count - (size_t)offset : 0;
    if (have > (size_t)count) have = count;
    if (have) memcpy(bytes, content->bytes + offset, have);
    if (have == (size_t)count) return SQLITE_OK;
    memset((uint8_t *)bytes + have, 0, count - have);
    return SQLITE_IOERR_SHORT_READ;
}

static int sd_xWrite(sqlite3_file *base, const void *bytes, int count, sqlite3_int64 offset) {
    sd_handle *handle = sd_of(base);
    int half;
    if (handle->disk->is_dead) return SQLITE_IOERR_WRITE;
    if (!handle->is_temporary) {
        if (sd_dies(handle->disk, &half)) {
            if (half) sd_write(handle->disk, handle->file, bytes, count / 2, offset);
            return SQLITE_IOERR_WRITE;
        }
        if (sd_fails(handle->disk, SD_WRITE)) return SQLITE_IOERR_WRITE;
    }
    return sd_write(handle->disk, handle->file, bytes, count, offset);
}

static int sd_xTruncate(sqlite3_file *base, sqlite3_int64 count) {
    sd_handle *handle = sd_of(base);
    int half;
    if (handle->disk->is_dead || sd_dies(handle->disk, &half)) return SQLITE_IOERR_TRUNCATE;
    return sd_truncate(handle->disk, handle->file, count);
}

static int sd_xSync(sqlite3_file *base, int flags) {
    (void)flags;
    sd_handle *handle = sd_of(base);
    int half;
    if (handle->disk->is_dead) return SQLITE_IOERR_FSYNC;
    if (sd_dies(handle->disk, &half)) {
        // It came to the disk, and nobody heard of it.
        if (half) sd_settle(handle->disk, handle->file);
        return SQLITE_IOERR_FSYNC;
    }
    if (sd_fails(handle->disk, SD_SYNC)) return SQLITE_IOERR_FSYNC;
    sd_settle(handle->disk, handle->file);
    return SQLITE_OK;
}

static int sd_xFileSize(sqlite3_file *base, sqlite3_int64 *count) {
    *count = sd_of(base)->file->now.count;
    return SQLITE_OK;
}

// One process at a time has a disk, and its lock is another file's matter.
static int sd_xLock(sqlite3_file *base, int kind) { return (void)base, (void)kind, SQLITE_OK; }
static int sd_xUnlock(sqlite3_file *base, int kind) { return (void)base, (void)kind, SQLITE_OK; }

static int sd_xCheckReservedLock(sqlite3_file *base, int *is_reserved) {
    (void)base;
    *is_reserved = 0;
    return SQLITE_OK;
}

static int sd_xFileControl(sqlite3_file *base, int what, void *argument) {
    return (void)base, (void)what, (void)argument, SQLITE_NOTFOUND;
}

static int sd_xSectorSize(sqlite3_file *base) { return (void)base, 4096; }

static int sd_xDeviceCharacteristics(sqlite3_file *base) { return (void)base, SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

static int sd_xShmMap(sqlite3_file *base, int number, int size, int is_extended, void volatile **memory) {
    sd_file *file = sd_of(base)->file;
    *memory = NULL;
    if (sd_of(base)->disk->is_dead) return SQLITE_IOERR_SHMMAP;
    if (number >= file->region_count) {
        if (!is_extended) return SQLITE_OK;
        file->regions = realloc(file->regions, (number + 1) * sizeof *file->regions);
        if (!file->regions) abort();
        for (; file->region_count <= number; file->region_count++) {
            file->regions[file->region_count] = calloc(1, size);
            if (!file->regions[file->region_count]) abort();
        }
    }
    *memory = file->regions[number];
    return SQLITE_OK;
}

static int sd_xShmLock(sqlite3_file *base, int offset, int count, int flags) {
    return (void)base, (void)offset, (void)count, (void)flags, SQLITE_OK;
}

static void sd_xShmBarrier(sqlite3_file *base) { (void)base; }

static int sd_xShmUnmap(sqlite3_file *base, int is_removed) {
    sd_file *file = sd_of(base)->file;
    if (is_removed || file->opened <= 1) sd_forget_regions(file);
    return SQLITE_OK;
}

static const sqlite3_io_methods sd_methods = {
    .iVersion = 2,
    .xClose = sd_xClose,
    .xRead = sd_xRead,
    .xWrite = sd_xWrite,
    .xTruncate = sd_xTruncate,
    .xSync = sd_xSync,
    .xFileSize = sd_xFileSize,
    .xLock = sd_xLock,
    .xUnlock = sd_xUnlock,
    .xCheckReservedLock = sd_xCheckReservedLock,
    .xFileControl = sd_xFileControl,
    .xSectorSize = sd_xSectorSize,
    .xDeviceCharacteristics = sd_xDeviceCharacteristics,
    .xShmMap = sd_xShmMap,
    .xShmLock = sd_xShmLock,
    .xShmBarrier = sd_xShmBarrier,
    .xShmUnmap = sd_xShmUnmap,
};

static sd_disk *sd_disk_of(sqlite3_vfs *vfs) { return vfs->pAppData; }

static int sd_xOpen(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *result) {
    sd_disk *disk = sd_disk_of(vfs);
    sd_handle *handle = sd_of(base);
    memset(handle, 0, sizeof *handle);
    if (disk->is_dead) return SQLITE_CANTOPEN;
    sd_file *file = path ? sd_find(disk, path) : NULL;
    if (!file) {
        if (path && !(flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
        if (path && disk->is_full) return SQLITE_CANTOPEN;
        file = sd_make(disk, path ? path : "");
    }
    file->opened++;
    handle->base.pMethods = &sd_methods;
    handle->disk = disk;
    handle->file = file;
    handle->is_temporary = !path;
    if (result) *result = flags;
    return SQLITE_OK;
}

static int sd_xDelete(sqlite3_vfs *vfs, const char *path, int is_synced) {
    sd_disk *disk = sd_disk_of(vfs);
    int half;
    if (disk->is_dead || sd_dies(disk, &half)) return SQLITE_IOERR_DELETE;
    sd_file *file = sd_find(disk, path);
    if (!file) return SQLITE_IOERR_DELETE_NOENT;
    if (file->opened) return SQLITE_IOERR_DELETE;
    return sd_unlink(disk, file, is_synced);
}

static int sd_xAccess(sqlite3_vfs *vfs, const char *path, int flags, int *result) {
    (void)flags;
    if (sd_disk_of(vfs)->is_dead) return SQLITE_IOERR_ACCESS;
    sd_file *file = sd_find(sd_disk_of(vfs), path);
    *result = file && (flags != SQLITE_ACCESS_EXISTS || file->now.count > 0);
    return SQLITE_OK;
}

static int sd_xFullPathname(sqlite3_vfs *vfs, const char *path, int room, char *result) {
    (void)vfs;
    if ((int)strlen(path) >= room) return SQLITE_CANTOPEN;
    strcpy(result, path);
    return SQLITE_OK;
}

static int sd_xRandomness(sqlite3_vfs *vfs, int count, char *bytes) {
    (void)vfs;
    memset(bytes, 1, count);
    return count;
}

// Who waits for a lock waits for nothing here.
static int sd_xSleep(sqlite3_vfs *vfs, int microseconds) { return (void)vfs, microseconds; }

static int sd_xCurrentTime(sqlite3_vfs *vfs, double *days) {
    (void)vfs;
    *days = 2461374.0;
    return SQLITE_OK;
}

static int sd_xGetLastError(sqlite3_vfs *vfs, int room, char *text) { return (void)vfs, (void)room, (void)text, 0; }

void sd_set_up_vfs(sd_disk *disk) {
    disk->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(sd_handle),
        .mxPathname = 512,
        .zName = disk->name,
        .pAppData = disk,
        .xOpen = sd_xOpen,
        .xDelete = sd_xDelete,
        .xAccess = sd_xAccess,
        .xFullPathname = sd_xFullPathname,
        .xRandomness = sd_xRandomness,
        .xSleep = sd_xSleep,
        .xCurrentTime = sd_xCurrentTime,
        .xGetLastError = sd_xGetLastError,
    };
}
