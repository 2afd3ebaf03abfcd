/* SPDX-License-Identifier: Apache-2.0 */
#include "recording_vfs.h"

#include "base/arena.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

struct recorded_file {   /* of the recording */
    char path[PATH_MAX]; /* the first */
    char name[PATH_MAX]; /* the path now */
    unsigned char *before;
    size_t before_n;
    bool removed;
};

static struct {
    pthread_mutex_t lock; /* guards what follows */
    bool on;
    struct disk_op *ops;
    size_t count, size;
    struct recorded_file *files;
    int file_count, file_size;
} recording = {.lock = PTHREAD_MUTEX_INITIALIZER};

static sqlite3_vfs *below;
static const char *synchronous;
static atomic_ulong writes, syncs, fail_write, fail_sync;
static atomic_llong room = -1;
static _Thread_local size_t
    folder_since; /* the folder is being synced by this thread, from that place on; 0: no */

/* ---- the recording */

static void *grown(void *old, size_t count, size_t *size, size_t each)
{
    if (count < *size)
        return old;
    *size = *size ? *size * 2 : 256;
    void *p = reallocarray(old, *size, each);
    assert(p);
    return p;
}

/* With the lock held. */
static void add(struct disk_op op)
{
    recording.ops = grown(recording.ops, recording.count, &recording.size, sizeof op);
    if (op.n) {
        unsigned char *copy = malloc(op.n);
        assert(copy);
        memcpy(copy, op.bytes, op.n);
        op.bytes = copy;
    }
    recording.ops[recording.count++] = op;
}

static struct disk_op named(enum disk_act act, int file, const char *name)
{
    return (struct disk_op){
        .act = act, .file = file, .n = strlen(name) + 1, .bytes = (unsigned char *)(uintptr_t)name};
}

static void note(struct disk_op op)
{
    pthread_mutex_lock(&recording.lock);
    if (recording.on && op.file >= 0)
        add(op);
    pthread_mutex_unlock(&recording.lock);
}

static void read_before(struct recorded_file *file)
{
    struct stat st;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        assert(fd < 0);
        return;
    }
    file->before_n = (size_t)st.st_size;
    file->before = malloc(file->before_n + 1);
    ssize_t n = file->before ? pread(fd, file->before, file->before_n, 0) : -1;
    assert(n == (ssize_t)file->before_n);
    close(fd);
}

/* The file of that name, made known when it is not. `made`: its name is new on the disk. With the lock held.
 */
static int file_find(const char *path, bool made)
{
    for (int i = recording.file_count - 1; i >= 0; i--)
        if (strcmp(recording.files[i].name, path) == 0 && !recording.files[i].removed)
            return i;
    size_t size = (size_t)recording.file_size;
    recording.files = grown(recording.files, (size_t)recording.file_count, &size, sizeof *recording.files);
    recording.file_size = (int)size;
    struct recorded_file *file = &recording.files[recording.file_count];
    *file = (struct recorded_file){.removed = false};
    int n = snprintf(file->path, sizeof file->path, "%s", path);
    assert(n > 0 && (size_t)n < sizeof file->path);
    memcpy(file->name, file->path, sizeof file->name);
    if (!made)
        read_before(file);
    if (made || file->before_n == 0) /* the program makes the empty database file itself */
        add(named(DISK_CREATE, recording.file_count, path));
    return recording.file_count++;
}

int recording_find(const char *path, bool made)
{
    pthread_mutex_lock(&recording.lock);
    int file = recording.on ? file_find(path, made) : -1;
    pthread_mutex_unlock(&recording.lock);
    return file;
}

void recording_note(struct disk_op op)
{
    bool sync = op.act == DISK_SYNCED || op.act == DISK_FOLDER_SYNCED;
    if (!sync || !synchronous || strcmp(synchronous, "OFF") != 0)
        note(op);
}

/* With the lock held. */
static void take_name(const char *path, struct disk_op op)
{
    for (int i = 0; i < recording.file_count; i++)
        if (i != op.file && strcmp(recording.files[i].name, path) == 0)
            recording.files[i].removed = true;
    add(op);
}

void recording_renamed(const char *from, const char *to)
{
    pthread_mutex_lock(&recording.lock);
    if (recording.on) {
        int file = file_find(from, false);
        take_name(to, named(DISK_RENAME, file, to));
        snprintf(recording.files[file].name, sizeof recording.files[file].name, "%s", to);
    }
    pthread_mutex_unlock(&recording.lock);
}

void recording_removed(const char *path)
{
    pthread_mutex_lock(&recording.lock);
    if (recording.on) {
        int file = file_find(path, false);
        add((struct disk_op){.act = DISK_REMOVE, .file = file});
        recording.files[file].removed = true;
    }
    pthread_mutex_unlock(&recording.lock);
}

void recording_start(void)
{
    pthread_mutex_lock(&recording.lock);
    for (size_t i = 0; i < recording.count; i++)
        if (recording.ops[i].n)
            free(recording.ops[i].bytes);
    for (int i = 0; i < recording.file_count; i++)
        free(recording.files[i].before);
    recording.count = 0;
    recording.file_count = 0;
    recording.on = true;
    pthread_mutex_unlock(&recording.lock);
}

void recording_stop(void)
{
    pthread_mutex_lock(&recording.lock);
    recording.on = false;
    pthread_mutex_unlock(&recording.lock);
}

size_t recording_place(void)
{
    pthread_mutex_lock(&recording.lock);
    size_t place = recording.count;
    pthread_mutex_unlock(&recording.lock);
    return place;
}

const struct disk_op *recording_op(size_t place)
{
    return &recording.ops[place];
}

const char *recording_file(int file)
{
    return recording.files[file].path;
}

int recording_file_count(void)
{
    return recording.file_count;
}

const unsigned char *recording_file_before(int file, size_t *n)
{
    *n = recording.files[file].before_n;
    return recording.files[file].before;
}

/* ---- failing */

void recording_fail(unsigned long nth_write, unsigned long nth_sync)
{
    atomic_store(&fail_write, nth_write);
    atomic_store(&fail_sync, nth_sync);
}

void recording_room(int64_t bytes)
{
    atomic_store(&room, bytes);
}

struct recording_counts recording_counts(void)
{
    return (struct recording_counts){atomic_load(&writes), atomic_load(&syncs)};
}

static bool its_turn(atomic_ulong *countdown)
{
    unsigned long left = atomic_load(countdown);
    return left && atomic_fetch_sub(countdown, 1) == 1;
}

/* ---- a file */

struct file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
    bool temporary;
    char path[PATH_MAX];
};

/* Of a connection that was opened before the recording began, too. */
static int recorded(struct file *f)
{
    pthread_mutex_lock(&recording.lock);
    int file = recording.on && !f->temporary ? file_find(f->path, false) : -1;
    pthread_mutex_unlock(&recording.lock);
    return file;
}

static struct file *own(sqlite3_file *f)
{
    return (struct file *)f;
}

static int file_close(sqlite3_file *f)
{
    return own(f)->real->pMethods ? own(f)->real->pMethods->xClose(own(f)->real) : SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 offset)
{
    return own(f)->real->pMethods->xRead(own(f)->real, to, n, offset);
}

/* Does the disk take what the file would grow by? */
static bool has_room(struct file *f, sqlite3_int64 end)
{
    sqlite3_int64 size = 0;
    if (atomic_load(&room) < 0)
        return true;
    int rc = f->real->pMethods->xFileSize(f->real, &size);
    if (rc || end <= size)
        return !rc;
    long long left = atomic_load(&room);
    while (left >= end - size)
        if (atomic_compare_exchange_weak(&room, &left, left - (end - size)))
            return true;
    return false;
}

static int file_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 offset)
{
    struct file *file = own(f);
    atomic_fetch_add(&writes, 1);
    if (its_turn(&fail_write))
        return SQLITE_IOERR_WRITE;
    if (!has_room(file, offset + n))
        return SQLITE_FULL;
    int known = recorded(file);
    int rc = file->real->pMethods->xWrite(file->real, bytes, n, offset);
    if (!rc) /* now that it is done: a sync that ran meanwhile need not have seen it */
        note((struct disk_op){.act = DISK_WRITE,
                              .file = known,
                              .offset = offset,
                              .n = (size_t)n,
                              .bytes = (unsigned char *)(uintptr_t)bytes});
    return rc;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    atomic_fetch_add(&writes, 1);
    if (its_turn(&fail_write))
        return SQLITE_IOERR_TRUNCATE;
    int known = recorded(own(f));
    int rc = own(f)->real->pMethods->xTruncate(own(f)->real, size);
    if (!rc)
        note((struct disk_op){.act = DISK_TRUNCATE, .file = known, .offset = size});
    return rc;
}

static int file_sync(sqlite3_file *f, int flags)
{
    struct file *file = own(f);
    atomic_fetch_add(&syncs, 1);
    if (its_turn(&fail_sync))
        return SQLITE_IOERR_FSYNC;
    int known = recorded(file);
    if (known < 0)
        return SQLITE_OK;
    size_t since = recording_place();
    folder_since = 0;
    int rc = file->real->pMethods->xSync(file->real, flags);
    if (rc)
        return rc;
    note((struct disk_op){.act = DISK_SYNCED, .file = known, .since = since});
    if (folder_since)
        note((struct disk_op){.act = DISK_FOLDER_SYNCED, .file = known, .since = folder_since});
    folder_since = 0;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return own(f)->real->pMethods->xFileSize(own(f)->real, size);
}

static int file_lock(sqlite3_file *f, int level)
{
    return own(f)->real->pMethods->xLock(own(f)->real, level);
}

static int file_unlock(sqlite3_file *f, int level)
{
    return own(f)->real->pMethods->xUnlock(own(f)->real, level);
}

static int file_reserved(sqlite3_file *f, int *out)
{
    return own(f)->real->pMethods->xCheckReservedLock(own(f)->real, out);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    if (op == SQLITE_FCNTL_PRAGMA && synchronous) {
        char **words = arg;
        if (words[1] && words[2] && strcmp(words[1], "synchronous") == 0 &&
            strcmp(words[2], synchronous) != 0)
            return SQLITE_OK; /* done, says the VFS */
    }
    return own(f)->real->pMethods->xFileControl(own(f)->real, op, arg);
}

static int file_sector(sqlite3_file *f)
{
    return own(f)->real->pMethods->xSectorSize(own(f)->real);
}

static int file_device(sqlite3_file *f)
{
    return own(f)->real->pMethods->xDeviceCharacteristics(own(f)->real);
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return own(f)->real->pMethods->xShmMap(own(f)->real, page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return own(f)->real->pMethods->xShmLock(own(f)->real, offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
    own(f)->real->pMethods->xShmBarrier(own(f)->real);
}

static int file_shm_unmap(sqlite3_file *f, int remove)
{
    return own(f)->real->pMethods->xShmUnmap(own(f)->real, remove);
}

/* Version 2: without memory mapping, whose writes nobody would see. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* ---- the VFS */

static int vfs_open(sqlite3_vfs *vfs UNUSED, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    struct file *file = own(f);
    struct stat st;
    *file = (struct file){.real = (sqlite3_file *)(file + 1)};
    file->temporary = !name || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
    snprintf(file->path, sizeof file->path, "%s", name ? name : "");
    bool made = !file->temporary && stat(name, &st) != 0;
    int rc = below->xOpen(below, name, file->real, flags, out_flags);
    if (rc)
        return rc;
    file->base.pMethods = &methods;
    if (file->temporary)
        return SQLITE_OK;
    pthread_mutex_lock(&recording.lock);
    if (recording.on)
        file_find(file->path, made);
    pthread_mutex_unlock(&recording.lock);
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs UNUSED, const char *name, int sync_folder)
{
    struct stat st;
    int file = stat(name, &st) == 0 ? recording_find(name, false) : -1;
    if (file >= 0)
        recording_removed(name);
    folder_since = 0;
    int rc = below->xDelete(below, name, sync_folder);
    if (!rc && folder_since)
        note((struct disk_op){.act = DISK_FOLDER_SYNCED, .file = file, .since = folder_since});
    folder_since = 0;
    return rc;
}

static int vfs_access(sqlite3_vfs *vfs UNUSED, const char *name, int flags, int *out)
{
    return below->xAccess(below, name, flags, out);
}

static int vfs_full_path(sqlite3_vfs *vfs UNUSED, const char *name, int n, char *out)
{
    return below->xFullPathname(below, name, n, out);
}

static int vfs_randomness(sqlite3_vfs *vfs UNUSED, int n, char *out)
{
    return below->xRandomness(below, n, out);
}

static int vfs_sleep(sqlite3_vfs *vfs UNUSED, int micros)
{
    return below->xSleep(below, micros);
}

static int vfs_time(sqlite3_vfs *vfs UNUSED, sqlite3_int64 *out)
{
    return below->xCurrentTimeInt64(below, out);
}

static int vfs_last_error(sqlite3_vfs *vfs UNUSED, int n, char *out)
{
    return below->xGetLastError(below, n, out);
}

/* SQLite syncs a folder by opening it through this. */
static int (*open_folder_below)(const char *path, int *fd);

static int open_folder(const char *path, int *fd)
{
    folder_since = recording_place();
    return open_folder_below(path, fd);
}

static int set_synchronous(sqlite3 *handle, char **problem UNUSED,
                           const struct sqlite3_api_routines *api UNUSED)
{
    char sql[64];
    if (!synchronous)
        return SQLITE_OK;
    snprintf(sql, sizeof sql, "PRAGMA synchronous=%s", synchronous);
    return sqlite3_exec(handle, sql, NULL, NULL, NULL);
}

void recording_synchronous(const char *level)
{
    synchronous = level;
}

void recording_install(void)
{
    static sqlite3_vfs vfs;
    if (below)
        return;
    below = sqlite3_vfs_find("unix");
    assert(below);
    vfs = (sqlite3_vfs){.iVersion = 2,
                        .szOsFile = (int)sizeof(struct file) + below->szOsFile,
                        .mxPathname = below->mxPathname,
                        .zName = "recording",
                        .xOpen = vfs_open,
                        .xDelete = vfs_delete,
                        .xAccess = vfs_access,
                        .xFullPathname = vfs_full_path,
                        .xRandomness = vfs_randomness,
                        .xSleep = vfs_sleep,
                        .xGetLastError = vfs_last_error,
                        .xCurrentTimeInt64 = vfs_time};
    open_folder_below = (int (*)(const char *, int *))below->xGetSystemCall(below, "openDirectory");
    int rc = below->xSetSystemCall(below, "openDirectory", (sqlite3_syscall_ptr)open_folder);
    if (!rc)
        rc = sqlite3_vfs_register(&vfs, 1);
    if (!rc)
        rc = sqlite3_auto_extension((void (*)(void))set_synchronous);
    assert(!rc);
}
