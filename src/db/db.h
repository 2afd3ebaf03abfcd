/* SPDX-License-Identifier: Apache-2.0 */
/* One small interface over SQLite (the default) and PostgreSQL.
 *
 * Promises: db_transaction alone begins, commits, rolls back and retries. Waiting callers share one
 * transaction, a savepoint each (group commit, leader/follower): a change that fails rolls back alone.
 * db_transaction returns ERR_OK only after the commit is on disk. A lone caller never waits for company. A
 * change's function can be run again, so it touches only its arena and what it is given. A full disk refuses
 * the change (ERR_DB_FULL), and the next one that there is room for is taken. Any other I/O error on write or
 * commit, and a commit that memory does not suffice for, end the process (it recovers at start): see
 * db_on_broken.
 *
 * Statements are .sql files made into constants by tools/sqlgen.py; none is built at run time. */
#ifndef JUKI_DB_DB_H
#define JUKI_DB_DB_H

#include "base/arena.h"

/* One statement, generated. params: one letter a parameter, in the order of $1, $2 ...: i int64, t text, b
 * bytes; upper case may be NULL. */
struct db_stmt {
    const char *name; /* "store_episode_find" */
    const char *sqlite, *postgres;
    const char *params;
    int index;           /* place in the table of all statements of its module */
    const char *results; /* the same letters for the columns it gives; "" when it gives no rows */
};

/* One numbered migration of a module; generated from MODULE/migration/NNN_what.sql. */
struct db_migration {
    int number;
    const char *name, *sqlite, *postgres;
};
struct db_module {
    const char *name; /* "ledger" */
    const struct db_migration *migrations;
    size_t migration_count;
    const struct db_stmt *const *stmts; /* all statements of the module, for tests that prepare each */
    size_t stmt_count;
};

struct db;
struct db_tx; /* inside a transaction (or a read snapshot): the only place where statements run */
typedef enum err (*db_fn)(struct db_tx *tx, struct fail *f, void *arg);

/* url: a file path, or "postgresql://...". Creates the file with mode 0600. Runs the modules' migrations,
 * each crash-safe; ERR_DB_NEWER when the schema was written by a newer program. The modules array must
 * outlive the db. */
MUST_CHECK enum err db_open(struct fail *f, const char *url, const struct db_module *const *modules,
                            size_t count, struct db **out);
/* Opens for reading only, also beside the process that writes: db_read works, db_transaction must not be
 * called. Makes nothing and migrates nothing: ERR_DB_MIGRATION when the schema is not quite this program's,
 * ERR_DB_NEWER. */
MUST_CHECK enum err db_open_reader(struct fail *f, const char *url, const struct db_module *const *modules,
                                   size_t count, struct db **out);
/* Makes room on the disk for the log of changes, as many bytes as that, before the first change: a flush of a
 * file that grows waits for the file system's own log, and takes twice as long and more. Right after db_open.
 */
enum { DB_LOG_AHEAD = 8 << 20 /* what daemons ask for */ };
MUST_CHECK enum err db_reserve_log(struct db *db, struct fail *f, size_t bytes);
/* Waits for running transactions; checkpoints. Accepts NULL. */
void db_close(struct db *db);
/* Prepares every statement of every module and compares its columns with its "-- out:" line; for tests. The
 * name of the statement that is wrong stands in the detail. */
MUST_CHECK enum err db_prepare_all(struct fail *f, struct db *db);
/* How many of a module's migrations the database has. */
MUST_CHECK enum err db_schema_applied(struct fail *f, struct db *db, const struct db_module *module,
                                      int64_t *out);
/* While a writer's SQLite file is held (calls nest), nothing is copied from the WAL into it, so that a backup
 * can read both as they are; a copying that runs is waited for. No change waits meanwhile; the WAL grows.
 * Nothing on PostgreSQL. */
void db_hold_file(struct db *db);
void db_release_file(struct db *db);
/* "sqlite" or "postgresql". */
const char *db_backend(const struct db *db);

/* Runs fn as one atomic change and returns after its commit is on disk. When fn returns an error, all it did
 * is undone and the error returned. May run fn more than once, and on another caller's thread (the leader's),
 * so fn uses no thread-local state and does not wait for other callers. ERR_DB_UNCERTAIN: sent, not known
 * whether written. A change in which a statement failed is undone whatever fn answers: where "exists already"
 * is no failure, write ON CONFLICT DO NOTHING and look at `changed`. Never called from inside fn, nor from
 * inside db_read's fn. */
MUST_CHECK enum err db_transaction(struct db *db, struct fail *f, db_fn fn, void *arg);
/* The same for what nobody waits for: it shares the commit of the next change that comes, or makes one of its
 * own after DB_PATIENCE_MILLIS. */
enum { DB_PATIENCE_MILLIS = 20 };
MUST_CHECK enum err db_transaction_patient(struct db *db, struct fail *f, db_fn fn, void *arg);
/* Runs fn on a snapshot that may not write, from a pool of 8 connections; at most 5 s (ERR_DB_SNAPSHOT_TIME).
 * The snapshot is taken by its first statement. Not inside another db_read; allowed inside a change, where it
 * sees the state before it. */
MUST_CHECK enum err db_read(struct db *db, struct fail *f, db_fn fn, void *arg);
/* How many of the 8 were in use all the time since it was asked last: a moment's crowd does not count. */
int db_readers_busy(struct db *db);
enum { DB_READERS = 8 };

/* Modules that keep state in memory beside the database (the tree's frontier, watermarks) follow the
 * transaction. Called on the leader's thread, in registration order. Each may be NULL. */
struct db_follower {
    void *self;
    void (*savepoint)(void *self); /* a change begins: remember */
    void (*undo)(void *self);      /* the change was rolled back: return to what was remembered */
    enum err (*before_commit)(void *self, struct db_tx *tx, struct fail *f); /* write what the group shares */
    void (*committed)(void *self);                                           /* the group is on disk */
    void (*rolled_back)(void *self); /* the whole group was lost: return to the last commit */
};
/* Before the first change; at most 16. When a commit stays uncertain the followers' memory may be wrong:
 * db_on_lost. */
void db_follow(struct db *db, const struct db_follower *follower);
/* Called once, before the process would end because a write or commit failed. Tests replace the ending. */
void db_on_broken(struct db *db, void (*broken)(void *arg, const struct fail *f), void *arg);

/* On PostgreSQL several processes may open the same database: the first writes, db_open of the others is
 * ERR_DB_LOCKED until its session ends (30 s after it was last heard of, at most). The one that finds that
 * another has become the writer, or whose commit stayed uncertain, is told here once, on the thread of some
 * change: its memory may be wrong, so each further db_transaction is refused, and the program should end and
 * start again. */
void db_on_lost(struct db *db, void (*lost)(void *arg, const struct fail *f), void *arg);
/* False once it was told so. */
bool db_may_write(const struct db *db);
/* Can a change be committed now? Writes an empty one. ERR_DB_BUSY at once while PostgreSQL is away. */
MUST_CHECK enum err db_health(struct db *db, struct fail *f);
/* The program ends: a change whose commit got no answer waits 10 s for PostgreSQL to come back, and no longer
 * for ever. */
void db_give_up(struct db *db);
/* Does the url name a PostgreSQL? */
bool db_is_postgresql(const char *url);

/* A value for a parameter. Text and bytes are borrowed until the statement has run (db_exec) or db_done. */
struct db_value {
    char type; /* 'i' 't' 'b' 'n' */
    int64_t number;
    struct str text;
};
static inline struct db_value db_int(int64_t v)
{
    return (struct db_value){'i', v, {NULL, 0}};
}
static inline struct db_value db_text(struct str v)
{
    return (struct db_value){'t', 0, v};
}
static inline struct db_value db_bytes(const void *p, size_t n)
{
    return (struct db_value){'b', 0, {p, n}};
}
static inline struct db_value db_null(void)
{
    return (struct db_value){'n', 0, {NULL, 0}};
}
#define DB(...)                                                                                              \
    (const struct db_value[]){__VA_ARGS__},                                                                  \
        sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)
#define DB_NONE NULL, 0

/* Runs a statement that gives no rows. changed (may be NULL) gets the number of rows written. A broken unique
 * or primary key gives ERR_EXISTS. */
MUST_CHECK enum err db_exec(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt,
                            const struct db_value *values, size_t count, int64_t *changed);

/* For a follower that keeps a change in memory until before_commit: counts as a db_exec, and fails where one
 * would. */
MUST_CHECK enum err db_tx_begin_change(struct db_tx *tx, struct fail *f);
/* The self of this database's follower with that function; NULL when there is none, and in a snapshot, which
 * sees nothing of what followers keep. */
void *db_tx_follower(const struct db_tx *tx, void (*committed)(void *self));

/* How many db_exec this transaction has begun: unchanged between two calls means that nothing was written, so
 * that a refusal between them needs no undoing. */
int64_t db_tx_changes(const struct db_tx *tx);

/* Rows:
 *     struct db_rows rows;
 *     db_query(tx, &rows, &sql_x, DB(db_int(5)));
 *     while (db_next(&rows))
 *         ... db_row_int(&rows, 0) ...
 *     e = db_done(&rows, f);            // the error of any step, and closes; always called
 * Text and bytes are valid until the next db_next or db_done. A column that is NULL reads as 0 or an empty
 * str. */
struct db_rows {
    struct db_tx *tx;
    void *handle; /* the backend's */
    int row;
    struct fail fail;
};
void db_query(struct db_tx *tx, struct db_rows *rows, const struct db_stmt *stmt,
              const struct db_value *values, size_t count);
bool db_next(struct db_rows *rows);
MUST_CHECK enum err db_done(struct db_rows *rows, struct fail *f);
bool db_row_null(const struct db_rows *rows, int column);
int64_t db_row_int(const struct db_rows *rows, int column);
struct str db_row_text(const struct db_rows *rows, int column);
struct str db_row_bytes(const struct db_rows *rows, int column);

/* For the status socket. */
struct db_stats {
    int64_t groups, changes, group_most; /* commits, changes in them, most changes in one */
    int64_t flush_micros[16]; /* histogram of commit time: bucket k counts 2^k..2^(k+1) µs times 16 */
    int64_t wal_bytes, wal_bytes_most, file_bytes; /* SQLite's files; 0 on PostgreSQL */
    int64_t memory_bytes; /* SQLite's in this process: page caches most of all; 0 on PostgreSQL */
};
void db_stats(struct db *db, struct db_stats *out);

#endif
