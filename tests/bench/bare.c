/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include "bench.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <unistd.h>

static bool ends_commit(const struct bare_table *t, int64_t row)
{
    return row % t->per_commit == t->per_commit - 1 || row == t->rows - 1;
}

/* ---- SQLite */

static enum err refuse(struct fail *f, sqlite3 *db)
{
    return fail_set(f, ERR_DB, "baseline", "%s", sqlite3_errmsg(db));
}

static enum err run(struct fail *f, sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : refuse(f, db);
}

static void bind(sqlite3_stmt *insert, int at, const struct db_value *v)
{
    if (v->type == 'i')
        sqlite3_bind_int64(insert, at, v->number);
    else if (v->type == 't')
        sqlite3_bind_text(insert, at, v->text.p, (int)v->text.n, SQLITE_STATIC);
    else if (v->type == 'b')
        sqlite3_bind_blob(insert, at, v->text.p, (int)v->text.n, SQLITE_STATIC);
    else
        sqlite3_bind_null(insert, at);
}

static enum err insert_rows(struct fail *f, sqlite3 *db, sqlite3_stmt *insert, const struct bare_table *t)
{
    struct db_value values[BARE_COLUMNS_MAX];
    enum err e = ERR_OK;
    for (int64_t row = 0; row < t->rows && !e; row++) {
        if (row % t->per_commit == 0)
            e = run(f, db, "BEGIN IMMEDIATE");
        t->fill(t->arg, row, values);
        for (size_t i = 0; i < t->columns; i++)
            bind(insert, (int)i + 1, &values[i]);
        if (!e && sqlite3_step(insert) != SQLITE_DONE)
            e = refuse(f, db);
        sqlite3_reset(insert);
        if (!e && ends_commit(t, row))
            e = run(f, db, "COMMIT");
    }
    return e;
}

static enum err set_up(struct fail *f, sqlite3 *db, const struct bare_table *t)
{
    static const char safe[] =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384";
    static const char fast[] =
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384";
    enum err e = run(f, db, t->unflushed ? fast : safe);
    return e || !t->create ? e : run(f, db, t->create);
}

static enum err insert_timed(struct fail *f, sqlite3 *db, const struct bare_table *t, double *seconds)
{
    sqlite3_stmt *insert = NULL;
    enum err e = set_up(f, db, t);
    if (!e && sqlite3_prepare_v2(db, t->insert, -1, &insert, NULL) != SQLITE_OK)
        e = refuse(f, db);
    double start = bench_now();
    if (!e)
        e = insert_rows(f, db, insert, t);
    *seconds = bench_now() - start;
    sqlite3_finalize(insert);
    return e;
}

static enum err flush(struct fail *f, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum err e = fd >= 0 && fsync(fd) == 0 ? ERR_OK : fail_errno(f, ERR_IO, "flush");
    if (fd >= 0)
        close(fd);
    return e;
}

enum err bare_sqlite(struct fail *f, const char *path, const struct bare_table *t, double *seconds)
{
    sqlite3 *db = NULL;
    assert(t->columns <= BARE_COLUMNS_MAX);
    if (!t->kept)
        unlink(path);
    enum err e = sqlite3_open(path, &db) == SQLITE_OK ? insert_timed(f, db, t, seconds) : refuse(f, db);
    sqlite3_close(db);
    if (!t->kept)
        unlink(path);
    return e || !t->unflushed ? e : flush(f, path);
}

/* ---- PostgreSQL */

enum { NUMBER_SIZE = 24 };

static enum err pg_refuse(struct fail *f, PGconn *link)
{
    return fail_set(f, ERR_DB, "baseline", "%s", PQerrorMessage(link));
}

static enum err pg_run(struct fail *f, PGconn *link, const char *sql)
{
    PGresult *r = PQexec(link, sql);
    bool good = PQresultStatus(r) == PGRES_COMMAND_OK;
    PQclear(r);
    return good ? ERR_OK : pg_refuse(f, link);
}

static enum err pg_prepare(struct fail *f, PGconn *link, const struct bare_table *t)
{
    PGresult *r = PQprepare(link, "row", t->insert, 0, NULL);
    bool good = PQresultStatus(r) == PGRES_COMMAND_OK;
    PQclear(r);
    return good ? ERR_OK : pg_refuse(f, link);
}

/* Texts are told by length but sent as text, so they end with a zero of their own. */
static bool pg_send_row(PGconn *link, const struct bare_table *t, const struct db_value *values)
{
    static const int binary = 1;
    const char *p[BARE_COLUMNS_MAX];
    char numbers[BARE_COLUMNS_MAX][NUMBER_SIZE];
    int lengths[BARE_COLUMNS_MAX], formats[BARE_COLUMNS_MAX];
    for (size_t i = 0; i < t->columns; i++) {
        const struct db_value *v = &values[i];
        snprintf(numbers[i], NUMBER_SIZE, "%lld", (long long)v->number);
        p[i] = v->type == 'n' ? NULL : v->type == 'i' ? numbers[i] : v->text.p;
        lengths[i] = (int)v->text.n;
        formats[i] = v->type == 't' || v->type == 'b' ? binary : 0; /* the binary form is the bytes */
    }
    return PQsendQueryPrepared(link, "row", (int)t->columns, p, lengths, formats, 0);
}

/* Takes answers up to the next synchronisation. */
static enum err pg_take_answers(struct fail *f, PGconn *link)
{
    enum err e = ERR_OK;
    for (bool synced = false; !synced;) {
        PGresult *r = PQgetResult(link);
        if (!r)
            continue; /* the end of one statement's results */
        ExecStatusType status = PQresultStatus(r);
        synced = status == PGRES_PIPELINE_SYNC || PQstatus(link) != CONNECTION_OK;
        if (!e && status != PGRES_PIPELINE_SYNC && status != PGRES_COMMAND_OK)
            e = pg_refuse(f, link);
        PQclear(r);
    }
    return e;
}

/* What stands between two synchronisations of a pipeline is one transaction. */
static enum err pg_insert_rows(struct fail *f, PGconn *link, const struct bare_table *t)
{
    struct db_value values[BARE_COLUMNS_MAX];
    enum err e = ERR_OK;
    for (int64_t row = 0; row < t->rows && !e; row++) {
        t->fill(t->arg, row, values);
        if (!pg_send_row(link, t, values))
            e = pg_refuse(f, link);
        if (!e && ends_commit(t, row))
            e = PQpipelineSync(link) ? pg_take_answers(f, link) : pg_refuse(f, link);
    }
    return e;
}

enum err bare_postgres(struct fail *f, const char *url, const struct bare_table *t, double *seconds)
{
    assert(t->columns <= BARE_COLUMNS_MAX);
    PGconn *link = PQconnectdb(url);
    enum err e = PQstatus(link) == CONNECTION_OK ? pg_run(f, link, t->create) : pg_refuse(f, link);
    if (!e)
        e = pg_prepare(f, link, t);
    double start = bench_now();
    if (!e)
        e = PQenterPipelineMode(link) ? pg_insert_rows(f, link, t) : pg_refuse(f, link);
    *seconds = bench_now() - start;
    PQfinish(link);
    return e;
}
