/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the PostgreSQL backend share: postgres.c (statements), postgres_link.c (connections).
 */
#ifndef JUKI_DB_POSTGRES_H
#define JUKI_DB_POSTGRES_H

#include "db/backend.h"
#include "db/stmt_map.h"

#include <libpq-fe.h>

struct pg_conn {
    struct db_conn conn;
    PGconn *link;
    struct stmt_map stmts; /* the number of each prepared statement, which is named s1, s2 ... */
    size_t prepared;
    char transaction[32]; /* the running transaction's id, in decimal; to ask for its fate */
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

/* The error of a result (NULL: of the connection), without the server's DETAIL, which holds values. */
enum err pg_fail(struct fail *f, PGconn *link, const PGresult *result, const char *what);
/* Runs one text, possibly of many statements; the last result's first value, if any, goes to out. */
enum err pg_run(struct pg_conn *c, struct fail *f, const char *sql, char *out, size_t size);

enum err pg_open(struct fail *f, struct db *db, const char *url);
void pg_close(struct db *db);
enum err pg_connect(struct fail *f, struct db *db, bool writer, struct db_conn **out);
void pg_disconnect(struct db_conn *conn);
enum err pg_control(struct db_conn *conn, struct fail *f, enum db_control what);

#endif
