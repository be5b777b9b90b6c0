#ifndef CSIMULATEDDISK_H
#define CSIMULATEDDISK_H

#include <stddef.h>
#include <stdint.h>

/// A disk in memory, for SQLite: a VFS of its own, which is never the default one. Each file has two contents: what a
/// process reads, and what is on the disk after a power cut. What was written and not synced is in the first alone.
///
/// One thread at a time uses a disk. All chance is a function of the seed that a call is given.
typedef struct sd_disk sd_disk;

/// What the disk did, since it was made.
typedef struct {
    uint64_t writes;
    uint64_t syncs;
    uint64_t refused_full;
    uint64_t refused_error;
    /// Writes that a power cut lost, and those of which it left a part.
    uint64_t lost;
    uint64_t torn;
    uint64_t flipped;
} sd_counts;

/// Registers a VFS of that name.
///
/// Returns null when SQLite refuses it.
sd_disk *sd_create(const char *name);
/// No file of it is open any more.
void sd_destroy(sd_disk *disk);
sd_counts sd_counted(const sd_disk *disk);

// The process that uses it.

/// From now on every call of the process fails, and changes nothing.
void sd_kill(sd_disk *disk);
int sd_is_dead(const sd_disk *disk);
/// The process dies by itself at the change after so many more: before it, or after half of it where it is a write.
/// A negative number: never.
void sd_die_after(sd_disk *disk, int64_t changes, int half);
/// Another process begins: what was shared in memory is gone.
void sd_revive(sd_disk *disk);
/// The same after a power cut: files are what was synced, and of the rest what chance leaves.
void sd_cut_power(sd_disk *disk, uint64_t seed);

// Faults of the disk.

/// Whether nothing may grow.
void sd_set_full(sd_disk *disk, int is_full);
/// So many of the next reads, writes or syncs fail (kinds: 1, 2, 4 and their sums).
void sd_set_failing(sd_disk *disk, int count, int kinds);
/// Changes bits of a file, in what is read and what is on the disk.
void sd_flip(sd_disk *disk, const char *path, size_t offset, uint8_t bits);

// Files. Paths are whole names.

int sd_exists(const sd_disk *disk, const char *path);
/// The path of a file by its number, in the order in which they were made; null after the last.
const char *sd_path(const sd_disk *disk, int number);
/// What a process would read; valid until the next change.
const uint8_t *sd_bytes(const sd_disk *disk, const char *path, size_t *count);
/// Where a file first has these bytes; -1 when nowhere.
int64_t sd_place(const sd_disk *disk, const char *path, const uint8_t *bytes, size_t count);
/// 0, or the system's number for why not.
int sd_copy(sd_disk *disk, const char *from, const char *to);
int sd_rename(sd_disk *disk, const char *from, const char *to);
int sd_remove(sd_disk *disk, const char *path);
int sd_sync(sd_disk *disk, const char *path);
/// Names of files that were removed do not come back.
void sd_sync_names(sd_disk *disk);

#endif
