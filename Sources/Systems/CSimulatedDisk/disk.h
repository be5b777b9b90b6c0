#ifndef DISK_H
#define DISK_H

#include "CSimulatedDisk.h"

#include <sqlite3.h>

/// A change that is not synced.
typedef struct {
    /// Null for a change of the length alone.
    uint8_t *bytes;
    size_t offset;
    size_t count;
} sd_change;

typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t room;
} sd_content;

typedef struct sd_file {
    struct sd_file *next;
    char *path;
    /// What is read, and what is on the disk.
    sd_content now;
    sd_content durable;
    sd_change *changes;
    size_t change_count;
    size_t change_room;
    /// Whether its name is on the disk.
    int is_named;
    /// Removed, but its name may still be on the disk.
    int is_ghost;
    /// Gone, and freed by whoever closes it last.
    int is_orphan;
    int opened;
    /// Memory that the processes which have it open share.
    void **regions;
    int region_count;
} sd_file;

struct sd_disk {
    sqlite3_vfs vfs;
    char *name;
    /// The newest last.
    sd_file *files;
    int is_dead;
    int64_t left;
    int dies_half;
    int is_full;
    int failing;
    int failing_kinds;
    sd_counts counts;
};

enum { SD_READ = 1, SD_WRITE = 2, SD_SYNC = 4 };

sd_file *sd_find(const sd_disk *disk, const char *path);
sd_file *sd_make(sd_disk *disk, const char *path);
/// Whether a call of this kind fails now.
int sd_fails(sd_disk *disk, int kind);
/// Whether the process dies at this change; `half` is set when half of it is done first.
int sd_dies(sd_disk *disk, int *half);
int sd_write(sd_disk *disk, sd_file *file, const void *bytes, size_t count, size_t offset);
int sd_truncate(sd_disk *disk, sd_file *file, size_t count);
void sd_settle(sd_disk *disk, sd_file *file);
int sd_unlink(sd_disk *disk, sd_file *file, int is_synced);
void sd_forget_regions(sd_file *file);
void sd_free(sd_file *file);
/// The VFS's calls, for a disk.
void sd_set_up_vfs(sd_disk *disk);

#endif
