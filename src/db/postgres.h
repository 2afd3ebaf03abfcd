/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the PostgreSQL backend share: postgres.c (statements), postgres_link.c (connections and
 * transactions), postgres_writer.c (which process writes).
 */
#ifndef JUKI_DB_POSTGRES_H
#define JUKI_DB_POSTGRES_H

#include "db/backend.h"
#include "db/libpq.h"
#include "db/stmt_map.h"

enum { PG_HOLDER_SIZE = 33 };

/* One for each opened database. */
struct pg_store {
    char *url;
    char holder[PG_HOLDER_SIZE]; /* this process's name in db_writer, new with each opening */
    bool held;                   /* that name stood there once */
    int64_t commits;             /* number of our last commit, or of the last before us */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool pinging, stopping;
    pthread_t thread;
};

struct pg_conn {
    struct db_conn conn;
    PGconn *link;
    struct stmt_map stmts; /* the number of each prepared statement, which is named s1, s2 ... */
    size_t prepared;
    bool lost;         /* the connection: to be made anew */
    int64_t term;      /* the writer's: what db_writer said when this session took the lock */
    atomic_llong used; /* steady microseconds of the last transaction's beginning */
};

/* Object identifiers of the types we speak, from pg_type.dat. */
enum {
    PG_BOOL = 16,
    PG_BYTES = 17,
    PG_INT64 = 20,
    PG_INT16 = 21,
    PG_INT32 = 23,
    PG_TEXT = 25,
    PG_VARCHAR = 1043
};

enum { PG_ANSWER_SIZE = 40 };

/* The error of a result (NULL: of the connection), without the server's DETAIL, which holds values; notes a
 * lost connection. */
enum err pg_fail(struct fail *f, struct pg_conn *c, const PGresult *result, const char *what);
/* Runs one text, possibly of many statements; the last result's first value, if any, goes to answer (may be
 * NULL), which is empty when there is none. */
enum err pg_run(struct pg_conn *c, struct fail *f, const char *sql, char answer[PG_ANSWER_SIZE]);
struct pg_store *pg_store(const struct db *db);

enum err pg_open(struct fail *f, struct db *db, const char *url);
void pg_close(struct db *db);
enum err pg_connect(struct fail *f, struct db *db, bool writer, struct db_conn **out);
void pg_disconnect(struct db_conn *conn);
enum err pg_control(struct db_conn *conn, struct fail *f, enum db_control what);

/* postgres_writer.c */
/* The session becomes the only one that writes. ERR_DB_LOCKED when opening: another process writes.
 * ERR_DB_DEPOSED when serving: another process has written since. ERR_DB_BUSY: not yet known. */
enum err pg_take_lock(struct pg_conn *c, struct fail *f);
/* Begins a transaction that can only be committed while nobody else has become the writer. */
enum err pg_begin_write(struct pg_conn *c, struct fail *f);
/* Commits; when the answer stays away, finds out what became of it. */
enum err pg_commit(struct pg_conn *c, struct fail *f);
/* Makes the connection, or makes it anew (postgres_link.c). */
enum err pg_link_up(struct pg_conn *c, struct fail *f);
/* The thread that keeps the writer's session alive. */
enum err pg_ping_start(struct fail *f, struct db *db);
void pg_ping_stop(struct db *db);

#endif
