/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/db only: what each store (SQLite, PostgreSQL) does for db.c, group.c and migrate.c, and what
 * they share.
 *
 * Errors that steer: ERR_DB_BUSY means the transaction is lost or blocked and may be run again;
 * ERR_DB_UNCERTAIN that a commit was sent and its fate is unknown; ERR_DB_BROKEN that the disk or the file
 * failed. */
#ifndef JUKI_DB_BACKEND_H
#define JUKI_DB_BACKEND_H

#include "db/db.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    DB_FOLLOWERS = 16,
    DB_READ_MICROS = 5 * 1000 * 1000,
    DB_SETTLE_MICROS = 10 * 1000 * 1000,
    DB_LEASE_MICROS = 30 * 1000 * 1000
};

struct db_conn { /* first member of each backend's connection */
    struct db *db;
    bool writer;
};

struct db_tx {
    struct db *db;
    struct db_conn *conn;
    int64_t deadline; /* steady microseconds; 0 for a transaction that writes */
    int open_rows;    /* db_query without its db_done */
    int64_t changes;  /* db_exec calls so far */
    struct fail
        doom; /* a statement failed: what went before is lost, so nothing more runs (as PostgreSQL does) */
};

enum db_control {
    DB_BEGIN,
    DB_BEGIN_READ,
    DB_SAVEPOINT,
    DB_RELEASE,
    DB_UNDO,
    DB_COMMIT,
    DB_ROLLBACK,
    DB_CONTROLS
};

struct db_backend {
    const char *name;
    enum err (*open)(struct fail *f, struct db *db, const char *url);
    void (*close)(struct db *db);                     /* accepts a half-opened db */
    enum err (*serve)(struct fail *f, struct db *db); /* opened for writing: threads may start; may be NULL */
    void (*stop)(struct db *db); /* ends what serve started, before anything is closed; may be NULL */
    enum err (*connect)(struct fail *f, struct db *db, bool writer, struct db_conn **out);
    void (*disconnect)(struct db_conn *c); /* accepts NULL */
    enum err (*control)(struct db_conn *c, struct fail *f, enum db_control what);
    bool (*in_transaction)(struct db_conn *c);
    enum err (*script)(struct db_conn *c, struct fail *f, const char *sql);
    enum err (*prepare)(struct db_conn *c, struct fail *f, const struct db_stmt *stmt);
    enum err (*exec)(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt,
                     const struct db_value *values, int64_t *changed);
    enum err (*query)(struct db_tx *tx, struct db_rows *rows, const struct db_stmt *stmt,
                      const struct db_value *values);
    bool (*next)(struct db_rows *rows); /* false at the end or with rows->fail set */
    void (*done)(struct db_rows *rows);
    bool (*row_null)(const struct db_rows *rows, int column);
    int64_t (*row_int)(const struct db_rows *rows, int column);
    struct str (*row_bytes)(const struct db_rows *rows, int column);
    void (*after_group)(struct db *db);                     /* between groups, on the leader's thread */
    void (*hold)(struct db *db, bool hold);                 /* db_hold_file, db_release_file; may be NULL */
    enum err (*reserve_log)(struct fail *f, struct db *db, size_t bytes); /* may be NULL */
    void (*stats)(struct db *db, struct db_stats *out);
};
extern const struct db_backend db_sqlite, db_postgres;

struct db_call;
struct db {
    const struct db_backend *backend;
    void *store; /* the backend's */
    const struct db_module *const *modules;
    size_t module_count;
    bool reader;         /* opened with db_open_reader: no writer, no lock */
    atomic_bool serving; /* opened: from now on a broken write ends the process */
    struct db_conn *writer;

    pthread_mutex_t queue_lock; /* guards to the blank line */
    pthread_cond_t queue_idle;
    struct db_call *first, *last; /* waiting changes */
    bool leading, leader_known;
    pthread_t leader;
    struct db_stats counts;

    pthread_mutex_t pool_lock; /* guards to the blank line */
    pthread_cond_t pool_free;
    struct db_conn *readers[DB_READERS];
    pthread_t owners[DB_READERS];
    bool taken[DB_READERS];
    int taken_count, taken_least; /* now; the fewest since db_readers_busy */

    int64_t read_micros;   /* how long a snapshot may be held; tests shorten both */
    int64_t settle_micros; /* how long a lost commit's fate is asked for (PostgreSQL) when the program ends */
    int64_t patience_micros; /* how long a patient change waits for company */
    int64_t lease_micros;    /* silence after which PostgreSQL ends the writer's session */
    struct db_follower followers[DB_FOLLOWERS];
    size_t follower_count;
    void (*broken)(void *arg, const struct fail *f);
    void *broken_arg;
    atomic_bool is_broken;
    void (*lost)(void *arg, const struct fail *f);
    void *lost_arg;
    struct fail lost_why; /* the leader's */
    atomic_bool is_lost;
    atomic_bool giving_up;
    atomic_bool is_away; /* the writer's connection is lost and not yet found again */
};

enum err db_migrate(struct fail *f, struct db *db);
/* Refuses a schema that is not this program's; reads only. */
enum err db_check_schema(struct fail *f, struct db *db);
/* Does not return once the db is serving: tells the handler and ends the process. */
void db_break(struct db *db, const struct fail *f);
/* Nothing is written any more: tells the handler once. On the leader's thread, or while opening. */
void db_lose(struct db *db, const struct fail *why);
void db_away(struct db *db, bool away);
bool db_is_away(const struct db *db);
/* group.c */
void db_drain(struct db *db);
/* True when this thread holds a snapshot. */
bool db_reads_here(struct db *db);

#endif
