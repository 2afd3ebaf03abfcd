/* SPDX-License-Identifier: Apache-2.0 */
/* A VFS of SQLite that joins the writes of a write-ahead log: a commit of six pages is twelve system calls
 * without it, and one with it.
 *
 * A frame is a header of 24 bytes and a page; that of a commit's last page names the file's size. Frames wait
 * in memory until that page is there, or the log is synced, read, measured or cut: so nobody misses one,
 * since other connections look at a commit's frames only when all are written, and its own reads through the
 * same file. Everything but the log is the VFS below's, whose calls do not look at which VFS they are called
 * for (but xOpen, which is called for the right one). */
#include "db/sqlite.h"

#include <pthread.h>

enum { FRAME_HEADER_BYTES = 24 };
enum {
    JOINED_BYTES = 120 * 1024
}; /* SQLite's own VFS writes less than 128 KiB at a time, and 0 of exactly so many */

struct joined {
    sqlite3_file file;
    sqlite3_file *below;
    char *bytes; /* memory_new'd with the first write */
    sqlite3_int64 at;
    size_t n;
    bool commit; /* the page that comes next is the last of a commit */
};

static sqlite3_vfs vfs;

static struct joined *own(sqlite3_file *file)
{
    return (struct joined *)file;
}

static int write_below(const struct joined *j)
{
    return j->n ? j->below->pMethods->xWrite(j->below, j->bytes, (int)j->n, j->at) : SQLITE_OK;
}

/* Before a reading. SQLite may go on with a transaction whose reading failed, and takes what waits for
 * written: so it goes on waiting. */
static int flush_to_read(struct joined *j)
{
    int rc = write_below(j);
    j->n = rc ? j->n : 0;
    return rc;
}

/* A transaction whose writing failed is rolled back. */
static int flush(struct joined *j)
{
    int rc = write_below(j);
    j->n = 0;
    return rc;
}

/* Behind what waits, or over a part of it. */
static bool fits(const struct joined *j, size_t n, sqlite3_int64 at)
{
    return at >= j->at && at <= j->at + (sqlite3_int64)j->n && (size_t)(at - j->at) + n <= JOINED_BYTES;
}

/* Big-endian at 4: the file's size in pages after the commit, 0 in any other frame. */
static bool ends_commit(const unsigned char *header)
{
    return header[4] || header[5] || header[6] || header[7];
}

static int put(struct joined *j, const void *p, size_t n, sqlite3_int64 at)
{
    int rc = j->n && !fits(j, n, at) ? flush(j) : SQLITE_OK;
    if (rc || n > JOINED_BYTES)
        return rc ? rc : j->below->pMethods->xWrite(j->below, p, (int)n, at);
    if (!j->n)
        j->at = at;
    size_t place = (size_t)(at - j->at);
    memcpy(j->bytes + place, p, n);
    j->n = place + n > j->n ? place + n : j->n;
    return SQLITE_OK;
}

static int joined_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    struct joined *j = own(file);
    if (!j->bytes && !(j->bytes = memory_new(JOINED_BYTES)))
        return j->below->pMethods->xWrite(j->below, p, n, at);
    bool last = j->commit && n != FRAME_HEADER_BYTES;
    j->commit = n == FRAME_HEADER_BYTES && ends_commit(p);
    int rc = put(j, p, (size_t)n, at);
    return !rc && last ? flush(j) : rc;
}

static int joined_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    struct joined *j = own(file);
    int rc = flush_to_read(j);
    return rc ? rc : j->below->pMethods->xRead(j->below, p, n, at);
}

static int joined_sync(sqlite3_file *file, int flags)
{
    struct joined *j = own(file);
    int rc = flush(j);
    return rc ? rc : j->below->pMethods->xSync(j->below, flags);
}

static int joined_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct joined *j = own(file);
    int rc = flush(j);
    return rc ? rc : j->below->pMethods->xTruncate(j->below, size);
}

static int joined_size(sqlite3_file *file, sqlite3_int64 *out)
{
    struct joined *j = own(file);
    int rc = flush_to_read(j);
    return rc ? rc : j->below->pMethods->xFileSize(j->below, out);
}

static int joined_close(sqlite3_file *file)
{
    struct joined *j = own(file);
    int rc = flush(j), closed = j->below->pMethods->xClose(j->below);
    memory_free(j->bytes);
    return rc ? rc : closed;
}

static int joined_lock(sqlite3_file *file, int level)
{
    return own(file)->below->pMethods->xLock(own(file)->below, level);
}

static int joined_unlock(sqlite3_file *file, int level)
{
    return own(file)->below->pMethods->xUnlock(own(file)->below, level);
}

static int joined_reserved(sqlite3_file *file, int *out)
{
    return own(file)->below->pMethods->xCheckReservedLock(own(file)->below, out);
}

static int joined_control(sqlite3_file *file, int what, void *arg)
{
    return own(file)->below->pMethods->xFileControl(own(file)->below, what, arg);
}

static int joined_sector(sqlite3_file *file)
{
    return own(file)->below->pMethods->xSectorSize(own(file)->below);
}

static int joined_characteristics(sqlite3_file *file)
{
    return own(file)->below->pMethods->xDeviceCharacteristics(own(file)->below);
}

static const sqlite3_io_methods methods = {.iVersion = 1,
                                           .xClose = joined_close,
                                           .xRead = joined_read,
                                           .xWrite = joined_write,
                                           .xTruncate = joined_truncate,
                                           .xSync = joined_sync,
                                           .xFileSize = joined_size,
                                           .xLock = joined_lock,
                                           .xUnlock = joined_unlock,
                                           .xCheckReservedLock = joined_reserved,
                                           .xFileControl = joined_control,
                                           .xSectorSize = joined_sector,
                                           .xDeviceCharacteristics = joined_characteristics};

static int joined_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    sqlite3_vfs *below = self->pAppData;
    if (!(flags & SQLITE_OPEN_WAL))
        return below->xOpen(below, name, file, flags, out_flags);
    struct joined *j = own(file);
    *j = (struct joined){.below = (sqlite3_file *)(j + 1)};
    j->below->pMethods = NULL;
    int rc = below->xOpen(below, name, j->below, flags, out_flags);
    if (!rc)
        j->file.pMethods = &methods;
    return rc;
}

static void install(void)
{
    sqlite_pages_apart(); /* before SQLite is first used */
    sqlite3_vfs *below = sqlite3_vfs_find(NULL);
    if (!below)
        return;
    vfs = *below;
    vfs.zName = "juki-joined";
    vfs.szOsFile = (int)sizeof(struct joined) + below->szOsFile;
    vfs.pAppData = below;
    vfs.xOpen = joined_open;
    if (sqlite3_vfs_register(&vfs, 0))
        vfs.zName = NULL;
}

const char *sqlite_joined_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    return vfs.zName;
}
