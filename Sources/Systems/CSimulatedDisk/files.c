// The files of a disk, and what becomes of them at a power cut.

// memmem
#define _GNU_SOURCE

#include "disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512 };

static void *sd_need(void *memory) {
    if (!memory) abort();
    return memory;
}

sd_disk *sd_create(const char *name) {
    sd_disk *disk = sd_need(calloc(1, sizeof *disk));
    disk->name = sd_need(strdup(name));
    disk->left = -1;
    sd_set_up_vfs(disk);
    if (sqlite3_vfs_register(&disk->vfs, 0) != SQLITE_OK) {
        free(disk->name);
        free(disk);
        return NULL;
    }
    return disk;
}

static void sd_clear_changes(sd_file *file) {
    for (size_t i = 0; i < file->change_count; i++) free(file->changes[i].bytes);
    file->change_count = 0;
}

void sd_free(sd_file *file) {
    sd_clear_changes(file);
    sd_forget_regions(file);
    free(file->changes);
    free(file->now.bytes);
    free(file->durable.bytes);
    free(file->path);
    free(file);
}

void sd_destroy(sd_disk *disk) {
    sqlite3_vfs_unregister(&disk->vfs);
    while (disk->files) {
        sd_file *next = disk->files->next;
        sd_free(disk->files);
        disk->files = next;
    }
    free(disk->name);
    free(disk);
}

sd_counts sd_counted(const sd_disk *disk) { return disk->counts; }

sd_file *sd_find(const sd_disk *disk, const char *path) {
    for (sd_file *file = disk->files; file; file = file->next)
        if (!file->is_ghost && strcmp(file->path, path) == 0) return file;
    return NULL;
}

sd_file *sd_make(sd_disk *disk, const char *path) {
    sd_file *file = sd_need(calloc(1, sizeof *file));
    file->path = sd_need(strdup(path));
    sd_file **end = &disk->files;
    while (*end) end = &(*end)->next;
    *end = file;
    return file;
}

static void sd_drop(sd_disk *disk, sd_file *file) {
    sd_file **place = &disk->files;
    while (*place != file) place = &(*place)->next;
    *place = file->next;
    if (file->opened) file->is_orphan = 1;
    else sd_free(file);
}

void sd_forget_regions(sd_file *file) {
    for (int i = 0; i < file->region_count; i++) free(file->regions[i]);
    free(file->regions);
    file->regions = NULL;
    file->region_count = 0;
}

// Contents.

static void sd_resize(sd_content *content, size_t count) {
    if (count > content->room) {
        size_t room = content->room ? content->room : 4096;
        while (room < count) room *= 2;
        content->bytes = sd_need(realloc(content->bytes, room));
        content->room = room;
    }
    if (count > content->count) memset(content->bytes + content->count, 0, count - content->count);
    content->count = count;
}

static void sd_put(sd_content *content, const uint8_t *bytes, size_t count, size_t offset) {
    if (!count) return;
    if (offset + count > content->count) sd_resize(content, offset + count);
    memcpy(content->bytes + offset, bytes, count);
}

static void sd_set(sd_content *content, const sd_content *other) {
    sd_resize(content, other->count);
    if (other->count) memcpy(content->bytes, other->bytes, other->count);
}

static void sd_note(sd_file *file, const void *bytes, size_t count, size_t offset) {
    if (file->change_count == file->change_room) {
        file->change_room = file->change_room ? 2 * file->change_room : 16;
        file->changes = sd_need(realloc(file->changes, file->change_room * sizeof *file->changes));
    }
    sd_change *change = &file->changes[file->change_count++];
    change->bytes = bytes ? memcpy(sd_need(malloc(count ? count : 1)), bytes, count) : NULL;
    change->count = count;
    change->offset = offset;
}

int sd_write(sd_disk *disk, sd_file *file, const void *bytes, size_t count, size_t offset) {
    if (disk->is_full && offset + count > file->now.count) {
        disk->counts.refused_full++;
        return SQLITE_FULL;
    }
    sd_put(&file->now, bytes, count, offset);
    sd_note(file, bytes, count, offset);
    disk->counts.writes++;
    return SQLITE_OK;
}

int sd_truncate(sd_disk *disk, sd_file *file, size_t count) {
    (void)disk;
    sd_resize(&file->now, count);
    sd_note(file, NULL, count, 0);
    return SQLITE_OK;
}

static void sd_drop_ghosts(sd_disk *disk) {
    for (sd_file *other = disk->files, *next; other; other = next) {
        next = other->next;
        if (other->is_ghost) sd_drop(disk, other);
    }
}

void sd_sync_names(sd_disk *disk) {
    int half;
    if (!disk->is_dead && !sd_dies(disk, &half)) sd_drop_ghosts(disk);
}

/// All of a file is on the disk, with its name.
void sd_settle(sd_disk *disk, sd_file *file) {
    for (size_t i = 0; i < file->change_count; i++) {
        const sd_change *change = &file->changes[i];
        if (change->bytes) sd_put(&file->durable, change->bytes, change->count, change->offset);
        else sd_resize(&file->durable, change->count);
    }
    sd_clear_changes(file);
    disk->counts.syncs++;
    if (file->is_named) return;
    file->is_named = 1;
    // The folder is written with it, and with it what was removed there.
    sd_drop_ghosts(disk);
}

int sd_unlink(sd_disk *disk, sd_file *file, int is_synced) {
    if (file->is_named && !is_synced) {
        file->is_ghost = 1;
        sd_forget_regions(file);
    } else {
        sd_drop(disk, file);
    }
    return SQLITE_OK;
}

// Faults.

int sd_fails(sd_disk *disk, int kind) {
    if (disk->failing <= 0 || !(disk->failing_kinds & kind)) return 0;
    disk->failing--;
    disk->counts.refused_error++;
    return 1;
}

int sd_dies(sd_disk *disk, int *half) {
    *half = 0;
    if (disk->left < 0) return 0;
    if (disk->left-- > 0) return 0;
    disk->is_dead = 1;
    *half = disk->dies_half;
    return 1;
}

void sd_kill(sd_disk *disk) { disk->is_dead = 1; }
int sd_is_dead(const sd_disk *disk) { return disk->is_dead; }

void sd_die_after(sd_disk *disk, int64_t changes, int half) {
    disk->left = changes;
    disk->dies_half = half;
}

void sd_revive(sd_disk *disk) {
    disk->is_dead = 0;
    disk->left = -1;
    for (sd_file *file = disk->files; file; file = file->next) sd_forget_regions(file);
}

void sd_set_full(sd_disk *disk, int is_full) { disk->is_full = is_full; }

void sd_set_failing(sd_disk *disk, int count, int kinds) {
    disk->failing = count;
    disk->failing_kinds = kinds;
}

static uint64_t sd_random(uint64_t *state) {
    uint64_t mixed = (*state += 0x9E3779B97F4A7C15u);
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
}

/// Some sectors of a write are on the disk.
static void sd_tear(sd_content *content, const sd_change *change, uint64_t *state) {
    for (size_t start = 0; start < change->count;) {
        size_t place = change->offset + start;
        size_t length = SECTOR - place % SECTOR;
        if (length > change->count - start) length = change->count - start;
        if (sd_random(state) & 1) sd_put(content, change->bytes + start, length, place);
        start += length;
    }
}

void sd_cut_power(sd_disk *disk, uint64_t seed) {
    uint64_t state = seed;
    for (sd_file *file = disk->files, *next; file; file = next) {
        next = file->next;
        int returns = file->is_ghost && (sd_random(&state) & 1) && !sd_find(disk, file->path);
        if (file->is_ghost ? !returns : !file->is_named && (sd_random(&state) & 1)) {
            sd_drop(disk, file);
            continue;
        }
        file->is_ghost = 0;
        file->is_named = 1;
        for (size_t i = 0; i < file->change_count; i++) {
            const sd_change *change = &file->changes[i];
            unsigned fate = sd_random(&state) % 3;
            if (fate == 0) {
                disk->counts.lost++;
            } else if (!change->bytes) {
                sd_resize(&file->durable, change->count);
            } else if (fate == 1) {
                sd_put(&file->durable, change->bytes, change->count, change->offset);
            } else {
                disk->counts.torn++;
                sd_tear(&file->durable, change, &state);
            }
        }
        sd_clear_changes(file);
        sd_set(&file->now, &file->durable);
    }
    sd_revive(disk);
}

void sd_flip(sd_disk *disk, const char *path, size_t offset, uint8_t bits) {
    sd_file *file = sd_find(disk, path);
    if (!file) return;
    if (offset < file->now.count) file->now.bytes[offset] ^= bits;
    if (offset < file->durable.count) file->durable.bytes[offset] ^= bits;
    // A power cut does not mend it.
    for (size_t i = 0; i < file->change_count; i++) {
        const sd_change *change = &file->changes[i];
        if (change->bytes && offset >= change->offset && offset - change->offset < change->count)
            change->bytes[offset - change->offset] ^= bits;
    }
    disk->counts.flipped++;
}

// What programs do with files beside SQLite.

int sd_exists(const sd_disk *disk, const char *path) { return sd_find(disk, path) != NULL; }

const char *sd_path(const sd_disk *disk, int number) {
    for (sd_file *file = disk->files; file; file = file->next)
        if (!file->is_ghost && number-- == 0) return file->path;
    return NULL;
}

const uint8_t *sd_bytes(const sd_disk *disk, const char *path, size_t *count) {
    sd_file *file = sd_find(disk, path);
    *count = file ? file->now.count : 0;
    return file ? file->now.bytes : NULL;
}

int64_t sd_place(const sd_disk *disk, const char *path, const uint8_t *bytes, size_t count) {
    sd_file *file = sd_find(disk, path);
    const uint8_t *place = file && count ? memmem(file->now.bytes, file->now.count, bytes, count) : NULL;
    return place ? place - file->now.bytes : -1;
}

static int sd_refusal(sd_disk *disk, int kind) {
    int half;
    if (disk->is_dead || sd_dies(disk, &half)) return EIO;
    return sd_fails(disk, kind) ? EIO : 0;
}

int sd_copy(sd_disk *disk, const char *from, const char *to) {
    sd_file *source = sd_find(disk, from);
    if (!source) return ENOENT;
    int code = sd_refusal(disk, SD_WRITE);
    if (code) return code;
    if (disk->is_full && source->now.count) return ENOSPC;
    sd_file *target = sd_find(disk, to);
    if (!target) target = sd_make(disk, to);
    sd_truncate(disk, target, 0);
    return sd_write(disk, target, source->now.bytes, source->now.count, 0) == SQLITE_OK ? 0 : ENOSPC;
}

int sd_rename(sd_disk *disk, const char *from, const char *to) {
    sd_file *file = sd_find(disk, from);
    if (!file) return ENOENT;
    int code = sd_refusal(disk, SD_WRITE);
    if (code) return code;
    sd_file *former = sd_find(disk, to);
    // The name changes at once, on the disk too: callers sync the folder, and nothing here tells both apart.
    if (former) sd_drop(disk, former);
    free(file->path);
    file->path = sd_need(strdup(to));
    return 0;
}

int sd_remove(sd_disk *disk, const char *path) {
    sd_file *file = sd_find(disk, path);
    if (!file) return ENOENT;
    int code = sd_refusal(disk, SD_WRITE);
    if (!code) sd_unlink(disk, file, 0);
    return code;
}

int sd_sync(sd_disk *disk, const char *path) {
    sd_file *file = sd_find(disk, path);
    if (!file) return ENOENT;
    int code = sd_refusal(disk, SD_SYNC);
    if (!code) sd_settle(disk, file);
    return code;
}
