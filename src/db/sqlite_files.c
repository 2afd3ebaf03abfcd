/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db_files.h"

#include "base/fault.h"
#include "base/file.h"
#include "db/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err name_beside(struct fail *f, const char *path, const char *ending, char out[static PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s%s", path, ending);
    return n > 0 && n < PATH_MAX ? ERR_OK : fail_set(f, ERR_DB_OPEN, NULL, "the path is too long");
}

/* The file's path without symbolic links, whether it exists or not; NULL on failure. */
char *sqlite_real_path(const char *path)
{
    char *found = realpath(path, NULL);
    if (found || errno != ENOENT)
        return found;
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    int n = slash ? snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path)
                  : snprintf(folder, 2, ".");
    if (n < 0 || (size_t)n >= sizeof folder)
        return NULL;
    char *parent = realpath(folder, NULL), *whole = NULL;
    if (parent && asprintf(&whole, "%s/%s", parent, slash ? slash + 1 : path) < 0)
        whole = NULL;
    free(parent);
    return whole;
}

enum err db_files_real(struct fail *f, const char *path, char out[static PATH_MAX])
{
    char *whole = sqlite_real_path(path);
    enum err e = whole ? name_beside(f, whole, "", out) : fail_errno(f, ERR_DB_OPEN, path);
    free(whole);
    return e;
}

enum err db_files_lock(struct fail *f, const char *path, int *lock)
{
    char name[PATH_MAX];
    enum err e = name_beside(f, path, "-lock", name);
    if (e)
        return e;
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail_errno(f, ERR_DB_OPEN, name);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        e = errno == EWOULDBLOCK ? fail_set(f, ERR_DB_LOCKED, NULL, "%.160s", path)
                                 : fail_errno(f, ERR_DB_OPEN, name);
        close(fd);
        return e;
    }
    *lock = fd;
    return ERR_OK;
}

enum err sqlite_check_restoring(struct fail *f, const char *path)
{
    char name[PATH_MAX];
    struct stat st;
    enum err e = name_beside(f, path, "-restoring", name);
    if (e)
        return e;
    return lstat(name, &st) == 0 ? fail_set(f, ERR_DB_RESTORING, NULL, "%.160s", name) : ERR_OK;
}

static enum err quick_check(struct fail *f, sqlite3 *handle)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(handle, "PRAGMA quick_check(1)", -1, &stmt, NULL);
    if (!rc)
        rc = sqlite3_step(stmt);
    const char *said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    enum err e = ERR_OK;
    if (!said)
        e = sqlite_fail(f, handle, rc, "quick_check");
    else if (strcmp(said, "ok") != 0)
        e = fail_set(f, ERR_DB_BROKEN, NULL, "%.160s", said);
    sqlite3_finalize(stmt);
    return e;
}

enum err db_files_check(struct fail *f, const char *path)
{
    sqlite3 *handle = NULL;
    enum err e = sqlite_open_handle(f, path, &handle);
    if (!e)
        e = quick_check(f, handle);
    sqlite3_close(handle);
    return e;
}

/* ---- replacing */

/* What is not there needs no moving. On disk before the next one begins: a power cut may keep moves in any
 * order. */
static enum err move(struct fail *f, const char *from, const char *to, const char *ending)
{
    char old[PATH_MAX], new[PATH_MAX];
    enum err e = name_beside(f, from, ending, old);
    if (!e)
        e = name_beside(f, to, ending, new);
    if (e)
        return e;
    if (rename(old, new) != 0)
        return errno == ENOENT ? ERR_OK : fail_errno(f, ERR_IO, old);
    return file_sync_folder(f, new);
}

static enum err drop(struct fail *f, const char *path, const char *ending)
{
    char name[PATH_MAX];
    enum err e = name_beside(f, path, ending, name);
    if (e)
        return e;
    return unlink(name) == 0 || errno == ENOENT ? ERR_OK : fail_errno(f, ERR_IO, name);
}

/* The WAL of what goes into place must be empty: it stays behind. */
static enum err check_closed(struct fail *f, const char *from)
{
    char name[PATH_MAX];
    struct stat st;
    enum err e = name_beside(f, from, "-wal", name);
    if (e)
        return e;
    return stat(name, &st) != 0 || st.st_size == 0
               ? ERR_OK
               : fail_set(f, ERR_DB_BUSY, NULL, "%.160s is not empty", name);
}

/* PATH's folder and the last part of NAME. */
static enum err name_in_folder(struct fail *f, const char *path, const char *name, char out[static PATH_MAX])
{
    const char *slash = strrchr(path, '/'), *last = strrchr(name, '/');
    int n =
        snprintf(out, PATH_MAX, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, last ? last + 1 : name);
    return n > 0 && n < PATH_MAX ? ERR_OK : fail_set(f, ERR_DB_OPEN, NULL, "the path is too long");
}

/* The marker: the name where the old one goes, and on a second line the new one's epoch. */
struct marker {
    char aside[PATH_MAX]; /* "": there is no marker */
    int64_t epoch;
};

static void marker_read(const char *name, struct marker *out)
{
    struct buf text;
    struct str rest, aside, epoch;
    uint64_t number = 0;
    buf_init(&text, PATH_MAX + 32);
    *out = (struct marker){.epoch = 0};
    if (!file_read(NULL, name, &text)) {
        rest = buf_str(&text);
        if (str_cut(&rest, '\n', &aside) && aside.n < sizeof out->aside)
            snprintf(out->aside, sizeof out->aside, "%.*s", STR_ARG(aside));
        if (str_cut(&rest, '\n', &epoch) && str_to_uint(epoch, INT64_MAX, &number))
            out->epoch = (int64_t)number;
    }
    buf_release(&text);
}

static enum err marker_write(struct fail *f, const char *name, const char *aside, int64_t epoch)
{
    char text[PATH_MAX + 32];
    int n = snprintf(text, sizeof text, "%s\n%lld\n", aside, (long long)epoch);
    return file_write(f, name, (struct str){text, (size_t)n}, 0600);
}

int64_t db_files_broken_off(const char *path)
{
    char name[PATH_MAX];
    struct marker before = {.epoch = 0};
    if (!name_beside(NULL, path, "-restoring", name))
        marker_read(name, &before);
    return before.epoch;
}

/* What a broken attempt moved aside and what it did not stay together: the name it said is taken again unless
 * the whole old one has it already. The folder may have been moved since. */
static enum err mark(struct fail *f, const char *path, char aside[static PATH_MAX], int64_t epoch)
{
    char name[PATH_MAX], first[PATH_MAX];
    struct marker before;
    struct stat st;
    enum err e = name_beside(f, path, "-restoring", name);
    if (e)
        return e;
    marker_read(name, &before);
    if (before.aside[0])
        e = name_in_folder(f, path, before.aside, first);
    if (!e && before.aside[0] && lstat(first, &st) != 0)
        memcpy(aside, first, sizeof first);
    return e ? e : marker_write(f, name, aside, epoch);
}

enum err db_files_replace(struct fail *f, const char *path, const char *from, char aside[static PATH_MAX],
                          int64_t epoch)
{
    enum err e;
    if ((e = check_closed(f, from)) || (e = mark(f, path, aside, epoch)))
        return e;
    FAULT_POINT("replace_marked");
    if ((e = move(f, path, aside, "-wal")) || (e = drop(f, path, "-shm")) || (e = move(f, path, aside, "")))
        return e;
    FAULT_POINT("replace_aside");
    if ((e = move(f, from, path, "")))
        return e;
    FAULT_POINT("replace_placed");
    if ((e = drop(f, path, "-restoring")))
        return e;
    return file_sync_folder(f, path);
}

enum err db_files_remove(struct fail *f, const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-lock"};
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < COUNT_OF(endings); i++)
        e = drop(f, path, endings[i]);
    return e;
}

/* What is cut short had no room for the rest. */
static bool write_whole(int fd, const void *p, size_t n, off_t at)
{
    ssize_t written = pwrite(fd, p, n, at);
    if (written >= 0 && (size_t)written < n)
        errno = ENOSPC;
    return written == (ssize_t)n;
}

/* Frames of the WAL are told by salts and checksums: zeros behind them are nothing to SQLite. */
enum err sqlite_reserve_log(struct fail *f, struct db *db, size_t bytes)
{
    enum { PIECE = 1 << 16 };
    static const char zeros[PIECE];
    const struct sqlite_store *store = db->store;
    char path[PATH_MAX];
    struct stat st = {0};
    if ((size_t)snprintf(path, sizeof path, "%s-wal", store->path) >= sizeof path)
        return fail_set(f, ERR_LIMIT, "database", NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    /* Synced before it is written: were a log's truncation lost and zeros kept, those could end the old log
     * at an earlier change, which would be taken for the last. */
    bool good = fd >= 0 && fstat(fd, &st) == 0 && fsync(fd) == 0;
    for (off_t at = st.st_size; good && at < (off_t)bytes; at += PIECE)
        good = write_whole(fd, zeros, PIECE, at);
    good = good && fsync(fd) == 0;
    enum err e = good ? ERR_OK : fail_errno(f, errno == ENOSPC ? ERR_DB_FULL : ERR_DB_OPEN, path);
    if (fd >= 0)
        close(fd);
    return e;
}
