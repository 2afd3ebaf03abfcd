/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include "bench.h"

#include <unistd.h>

static enum err refuse(struct fail *f, sqlite3 *db)
{
    return fail_set(f, ERR_DB, "baseline", "%s", sqlite3_errmsg(db));
}

static enum err run(struct fail *f, sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : refuse(f, db);
}

static enum err insert_rows(struct fail *f, sqlite3 *db, sqlite3_stmt *insert, const struct bare_sqlite *b)
{
    enum err e = ERR_OK;
    for (int64_t row = 0; row < b->rows && !e; row++) {
        if (row % b->per_commit == 0)
            e = run(f, db, "BEGIN IMMEDIATE");
        b->bind(b->arg, insert, row);
        if (!e && sqlite3_step(insert) != SQLITE_DONE)
            e = refuse(f, db);
        sqlite3_reset(insert);
        if (!e && (row % b->per_commit == b->per_commit - 1 || row == b->rows - 1))
            e = run(f, db, "COMMIT");
    }
    return e;
}

static enum err insert_timed(struct fail *f, sqlite3 *db, const struct bare_sqlite *b, double *seconds)
{
    sqlite3_stmt *insert = NULL;
    enum err e =
        run(f, db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384");
    if (!e)
        e = run(f, db, b->create);
    if (!e && sqlite3_prepare_v2(db, b->insert, -1, &insert, NULL) != SQLITE_OK)
        e = refuse(f, db);
    double start = bench_now();
    if (!e)
        e = insert_rows(f, db, insert, b);
    *seconds = bench_now() - start;
    sqlite3_finalize(insert);
    return e;
}

enum err bare_sqlite(struct fail *f, const struct bare_sqlite *b, double *seconds)
{
    sqlite3 *db = NULL;
    unlink(b->path);
    enum err e = sqlite3_open(b->path, &db) == SQLITE_OK ? insert_timed(f, db, b, seconds) : refuse(f, db);
    sqlite3_close(db);
    unlink(b->path);
    return e;
}
