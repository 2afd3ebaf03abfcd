/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the SQLite backend share: sqlite.c (connections, statements), sqlite_store.c (the
 * file while it is open), sqlite_joined.c (how its log is written), sqlite_pages.c (memory of the caches),
 * sqlite_files.c (the file from outside).
 */
#ifndef JUKI_DB_SQLITE_H
#define JUKI_DB_SQLITE_H

#include "db/backend.h"
#include "db/stmt_map.h"

#include <sqlite3.h>

struct sqlite_conn {
    struct db_conn conn;
    sqlite3 *handle;
    struct stmt_map stmts;
    struct sqlite_stmt *newest; /* all that are in the map */
    sqlite3_stmt *controls[DB_CONTROLS];
    struct db_tx *tx; /* the last whose statement ran, for the time limit */
};

struct sqlite_store {
    char *path; /* of the database file, without symbolic links */
    int lock;   /* descriptor that holds the lock file, or -1 */

    bool started;     /* what follows is set up */
    pthread_t thread; /* checkpoints */
    sqlite3 *checkpointer;
    pthread_mutex_t checkpoint_lock; /* held by whoever checkpoints */
    pthread_mutex_t sleep_lock;      /* guards stopping */
    pthread_cond_t wake;
    bool stopping;
    _Atomic int64_t passive_bytes,
        finish_bytes;                      /* when the WAL is copied back, and finished; tests lower both */
    atomic_int holds;                      /* backups that read the file now */
    _Atomic int64_t wal_bytes, wal_copied; /* the WAL's length, and how much of it is in the file */
    _Atomic int64_t wal_bytes_most;
    int64_t next_try; /* leader only: steady microseconds */
};

/* Turns SQLite's result code of a failed call into an error with its text (which holds no values). */
enum err sqlite_fail(struct fail *f, sqlite3 *handle, int rc, const char *what);
/* Opens the file with the settings all connections share. On failure *out may be set and must be closed. */
enum err sqlite_open_handle(struct fail *f, const char *path, sqlite3 **out);

enum err sqlite_store_open(struct fail *f, struct db *db, const char *path);
void sqlite_store_close(struct db *db);
/* Begins to watch the WAL's length by the writer's commits, and to checkpoint. */
enum err sqlite_store_watch(struct fail *f, struct db *db, sqlite3 *writer);
void sqlite_store_after_group(struct db *db);
/* hold: nothing is copied back into the file until the same call with false. */
void sqlite_store_hold(struct db *db, bool hold);
void sqlite_store_stats(struct db *db, struct db_stats *out);

/* sqlite_joined.c: the VFS that connections are opened with; NULL, the system's, when it cannot be had. */
const char *sqlite_joined_vfs(void);

/* sqlite_pages.c: once, before SQLite is used in any way; later it changes nothing. */
void sqlite_pages_apart(void);

/* sqlite_files.c */
char *sqlite_real_path(const char *path); /* free() it; NULL on failure */
enum err sqlite_check_restoring(struct fail *f, const char *path);
enum err sqlite_reserve_log(struct fail *f, struct db *db, size_t bytes); /* db_reserve_log */

#endif
