/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite: the file, its lock, and the checkpoints.
 *
 * The file is made with mode 0600 (SQLite gives its -wal and -shm the same). "PATH-lock" is held with flock
 * while it is open, so a second process, or a second db_open, is refused instead of sharing the file. The
 * lock is a file of its own because closing any other descriptor of the database would drop SQLite's own
 * POSIX locks.
 *
 * Checkpoints never stand inside a commit: a thread with its own connection copies the WAL back passively,
 * hindering nobody. After a complete copy the next commit begins the WAL anew, unless a reader still uses it.
 * When it has grown over 64 MiB all the same, the writer itself finishes between two groups: it copies the
 * rest and waits a moment for the readers to leave; over 256 MiB it waits as long as a snapshot may last.
 *
 * While a backup holds the file nothing is copied back: the file stays as it is, the WAL grows, and no change
 * waits. Nor is it while the disk is full: all of it stands in the WAL, and it is tried again each second. */
#include "db/sqlite.h"

#include "base/clock.h"
#include "base/fault.h"
#include "db/db_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FRAME_BYTES = 4096 + 24, /* of a page in the WAL */
    PASSIVE_BYTES = 4 << 20,
    FINISH_BYTES = 64 << 20,
    FORCE_BYTES = 256 << 20,
    PAUSE_MICROS = 20 * 1000,
    TRY_AGAIN_MICROS = 1000 * 1000,
    FINISH_WAIT_MILLIS = 50,
    FORCE_WAIT_MILLIS = 6000,
    BUSY_MILLIS = 5000,
};

/* ---- the file */

/* Only after the lock: this closes a descriptor of the database. */
static enum err make_file(struct fail *f, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(f, ERR_DB_OPEN, path);
    close(fd);
    return ERR_OK;
}

enum err sqlite_store_open(struct fail *f, struct db *db, const char *path)
{
    struct sqlite_store *store = memory_new(sizeof *store);
    if (!store)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    store->lock = -1;
    atomic_init(&store->passive_bytes, PASSIVE_BYTES);
    atomic_init(&store->finish_bytes, FINISH_BYTES);
    db->store = store;
    store->path = sqlite_real_path(path);
    if (!store->path)
        return fail_errno(f, ERR_DB_OPEN, path);
    if (db->reader) /* beside the writer, whose lock it is */
        return sqlite_check_restoring(f, store->path);
    enum err e = db_files_lock(f, store->path, &store->lock);
    if (!e)
        e = sqlite_check_restoring(f, store->path);
    return e ? e : make_file(f, store->path);
}

static int64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : (int64_t)st.st_size;
}

void sqlite_store_stats(struct db *db, struct db_stats *out)
{
    struct sqlite_store *store = db->store;
    out->wal_bytes = atomic_load(&store->wal_bytes);
    out->wal_bytes_most = atomic_load(&store->wal_bytes_most);
    out->file_bytes = file_size(store->path);
    out->memory_bytes = sqlite3_memory_used();
}

/* ---- checkpoints */

/* SQLite calls this after each commit with the length of the WAL. A signal that is lost comes again with the
 * next. */
static int wal_grew(void *arg, sqlite3 *handle UNUSED, const char *name UNUSED, int pages)
{
    struct sqlite_store *store = arg;
    int64_t bytes = (int64_t)pages * FRAME_BYTES;
    if (bytes < atomic_load(&store->wal_copied)) /* it began anew */
        atomic_store(&store->wal_copied, 0);
    atomic_store(&store->wal_bytes, bytes);
    if (bytes > atomic_load(&store->wal_bytes_most))
        atomic_store(&store->wal_bytes_most, bytes);
    if (bytes - atomic_load(&store->wal_copied) >= atomic_load(&store->passive_bytes))
        pthread_cond_signal(&store->wake);
    return SQLITE_OK;
}

static bool disk_failed(int rc)
{
    int kind = rc & 0xff;
    return kind == SQLITE_IOERR || kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB;
}

/* False: the disk is full. */
static bool copy_back(struct db *db, struct sqlite_store *store)
{
    pthread_mutex_lock(&store->checkpoint_lock);
    int frames = 0, copied = 0;
    int rc = SQLITE_BUSY;
    FAULT_POINT("before_checkpoint");
    if (!atomic_load(&store->holds))
        rc =
            sqlite3_wal_checkpoint_v2(store->checkpointer, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
    FAULT_POINT("after_checkpoint");
    if (!rc)
        atomic_store(&store->wal_copied, (int64_t)copied * FRAME_BYTES);
    pthread_mutex_unlock(&store->checkpoint_lock);
    struct fail f;
    if (disk_failed(rc)) {
        sqlite_fail(&f, store->checkpointer, rc, "checkpoint");
        db_break(db, &f);
    }
    return rc != SQLITE_FULL;
}

static void deadline_in(struct timespec *out, long micros)
{
    clock_gettime(CLOCK_REALTIME, out);
    out->tv_nsec += micros * 1000;
    out->tv_sec += out->tv_nsec / 1000000000;
    out->tv_nsec %= 1000000000;
}

/* Sleeps a pause, and then until there is something to copy; false when the store closes. */
static bool wait_for_work(struct sqlite_store *store, long pause_micros)
{
    struct timespec pause;
    deadline_in(&pause, pause_micros);
    pthread_mutex_lock(&store->sleep_lock);
    while (!store->stopping &&
           pthread_cond_timedwait(&store->wake, &store->sleep_lock, &pause) != ETIMEDOUT) {
    }
    while (!store->stopping && atomic_load(&store->wal_bytes) - atomic_load(&store->wal_copied) <
                                   atomic_load(&store->passive_bytes))
        pthread_cond_wait(&store->wake, &store->sleep_lock);
    bool go_on = !store->stopping;
    pthread_mutex_unlock(&store->sleep_lock);
    return go_on;
}

static void *checkpoint_thread(void *arg)
{
    struct db *db = arg;
    struct sqlite_store *store = db->store;
    bool room = true;
    while (wait_for_work(store, room ? PAUSE_MICROS : TRY_AGAIN_MICROS))
        room = copy_back(db, store);
    return NULL;
}

enum err sqlite_store_watch(struct fail *f, struct db *db, sqlite3 *writer)
{
    struct sqlite_store *store = db->store;
    enum err e = sqlite_open_handle(f, store->path, &store->checkpointer);
    if (e)
        return e;
    if (pthread_mutex_init(&store->checkpoint_lock, NULL) || pthread_mutex_init(&store->sleep_lock, NULL) ||
        pthread_cond_init(&store->wake, NULL) || pthread_create(&store->thread, NULL, checkpoint_thread, db))
        return fail_set(f, ERR_MEMORY, NULL, "the checkpointing thread");
    store->started = true;
    sqlite3_wal_hook(writer, wal_grew, store);
    return ERR_OK;
}

/* Copies everything back and lets the WAL begin anew, waiting so long for readers; false when they stayed.
 * mode: whether the file keeps its length (RESTART: it is written over, which costs a flush less than
 * growing) or is cut (TRUNCATE). */
static bool finish(struct db *db, struct sqlite_store *store, sqlite3 *handle, int mode, int wait_millis)
{
    pthread_mutex_lock(&store->checkpoint_lock);
    sqlite3_busy_timeout(handle, wait_millis);
    FAULT_POINT("before_checkpoint");
    int rc = sqlite3_wal_checkpoint_v2(handle, NULL, mode, NULL, NULL);
    FAULT_POINT("after_checkpoint");
    sqlite3_busy_timeout(handle, BUSY_MILLIS);
    pthread_mutex_unlock(&store->checkpoint_lock);
    if (!rc) {
        atomic_store(&store->wal_bytes, 0);
        atomic_store(&store->wal_copied, 0);
    }
    struct fail f;
    if (disk_failed(rc)) {
        sqlite_fail(&f, handle, rc, "checkpoint");
        db_break(db, &f);
    }
    return !rc;
}

void sqlite_store_after_group(struct db *db)
{
    struct sqlite_store *store = db->store;
    int64_t bytes = atomic_load(&store->wal_bytes);
    if (bytes < atomic_load(&store->finish_bytes) || clock_steady() < store->next_try ||
        atomic_load(&store->holds))
        return;
    int wait_millis = bytes >= FORCE_BYTES ? FORCE_WAIT_MILLIS : FINISH_WAIT_MILLIS;
    if (!finish(db, store, ((struct sqlite_conn *)db->writer)->handle, SQLITE_CHECKPOINT_RESTART,
                wait_millis))
        store->next_try = clock_steady() + TRY_AGAIN_MICROS;
}

void sqlite_store_hold(struct db *db, bool hold)
{
    struct sqlite_store *store = db->store;
    atomic_fetch_add(&store->holds, hold ? 1 : -1);
    pthread_mutex_lock(&store->checkpoint_lock); /* whoever copied when the hold began has ended */
    pthread_mutex_unlock(&store->checkpoint_lock);
}

static void stop_thread(struct sqlite_store *store)
{
    pthread_mutex_lock(&store->sleep_lock);
    store->stopping = true;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->sleep_lock);
    pthread_join(store->thread, NULL);
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->sleep_lock);
}

void sqlite_store_close(struct db *db)
{
    struct sqlite_store *store = db->store;
    if (!store)
        return;
    if (store->started) {
        stop_thread(store);
        (void)finish(db, store, store->checkpointer, SQLITE_CHECKPOINT_TRUNCATE, FINISH_WAIT_MILLIS);
        pthread_mutex_destroy(&store->checkpoint_lock);
    }
    sqlite3_close(store->checkpointer);
    if (store->lock >= 0)
        close(store->lock);
    free(store->path);
    memory_free(store);
}
