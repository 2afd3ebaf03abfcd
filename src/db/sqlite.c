/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite: connections and statements.
 *
 * Settings: WAL with synchronous=FULL (a commit is on disk when it returns), no checkpoint inside a commit
 * (see sqlite_store.c), foreign keys on, temporary tables in memory. A commit that finds the disk full is
 * undone by SQLite and refused: its last frame, without which the WAL has none of it, was not written, and
 * the next commit writes over the others. Page caches are small (64 MiB for the writer, 2 MiB for each of 8
 * readers) so that a server stays below 256 MiB. Each connection keeps its prepared statements; a statement
 * that is used again while its rows are still read gets a second, passing preparation. */
#include "db/sqlite.h"

#include "base/clock.h"

struct sqlite_stmt {
    sqlite3_stmt *handle;
    bool used;    /* its rows are being read */
    bool passing; /* not in the map; closed after use */
    struct sqlite_stmt *next;
};

static const char *const control_texts[DB_CONTROLS] = {
    [DB_BEGIN] = "BEGIN IMMEDIATE",  [DB_BEGIN_READ] = "BEGIN", [DB_SAVEPOINT] = "SAVEPOINT change",
    [DB_RELEASE] = "RELEASE change", [DB_COMMIT] = "COMMIT",    [DB_ROLLBACK] = "ROLLBACK",
};

enum { BUSY_MILLIS = 5000, PROGRESS_STEPS = 20000 };

static const struct {
    int rc;
    enum err err;
} rc_table[] = {
    {SQLITE_CONSTRAINT_UNIQUE, ERR_EXISTS},
    {SQLITE_CONSTRAINT_PRIMARYKEY, ERR_EXISTS},
    {SQLITE_CONSTRAINT_ROWID, ERR_EXISTS},
    {SQLITE_CONSTRAINT, ERR_DB_CONSTRAINT},
    {SQLITE_BUSY, ERR_DB_BUSY},
    {SQLITE_LOCKED, ERR_DB_BUSY},
    {SQLITE_PROTOCOL, ERR_DB_BUSY},
    {SQLITE_INTERRUPT, ERR_DB_SNAPSHOT_TIME},
    {SQLITE_READONLY, ERR_DB_READ_ONLY},
    {SQLITE_NOMEM, ERR_MEMORY},
    {SQLITE_FULL, ERR_DB_FULL},
    {SQLITE_IOERR, ERR_DB_BROKEN},
    {SQLITE_CORRUPT, ERR_DB_BROKEN},
    {SQLITE_NOTADB, ERR_DB_BROKEN},
    {SQLITE_CANTOPEN, ERR_DB_BROKEN},
};

enum err sqlite_fail(struct fail *f, sqlite3 *handle, int rc, const char *what)
{
    enum err e = ERR_DB;
    for (size_t i = 0; i < COUNT_OF(rc_table) && e == ERR_DB; i++)
        if (rc_table[i].rc == rc || rc_table[i].rc == (rc & 0xff))
            e = rc_table[i].err;
    return fail_set(f, e, NULL, "%s: %s (%d)", what, handle ? sqlite3_errmsg(handle) : sqlite3_errstr(rc),
                    rc);
}

enum err sqlite_open_handle(struct fail *f, const char *path, sqlite3 **out)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(path, out, flags, sqlite_joined_vfs());
    if (!rc)
        rc = sqlite3_busy_timeout(*out, BUSY_MILLIS);
    if (!rc)
        rc = sqlite3_exec(*out,
                          "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                          "PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;",
                          NULL, NULL, NULL);
    if (!rc)
        rc = sqlite3_db_config(*out, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (!rc)
        rc = sqlite3_db_config(*out, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (!rc)
        return ERR_OK;
    sqlite_fail(f, *out, rc, path);
    if (f)
        f->err = ERR_DB_OPEN;
    return ERR_DB_OPEN;
}

static struct sqlite_conn *own(struct db_conn *c)
{
    return (struct sqlite_conn *)c;
}

/* Called by SQLite each PROGRESS_STEPS steps of a statement; nonzero interrupts it. */
static int over_time(void *arg)
{
    struct sqlite_conn *c = arg;
    return c->tx && c->tx->deadline && clock_steady() > c->tx->deadline;
}

static enum err prepare_controls(struct fail *f, struct sqlite_conn *c)
{
    for (size_t i = 0; i < DB_CONTROLS; i++) {
        if (!control_texts[i])
            continue;
        int rc = sqlite3_prepare_v3(c->handle, control_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &c->controls[i], NULL);
        if (rc)
            return sqlite_fail(f, c->handle, rc, control_texts[i]);
    }
    return ERR_OK;
}

static enum err set_up(struct fail *f, struct db *db, struct sqlite_conn *c)
{
    const struct sqlite_store *store = db->store;
    enum err e = sqlite_open_handle(f, store->path, &c->handle);
    if (e)
        return e;
    const char *kind =
        c->conn.writer ? "PRAGMA cache_size=-65536" : "PRAGMA cache_size=-2048; PRAGMA query_only=ON";
    int rc = sqlite3_exec(c->handle, kind, NULL, NULL, NULL);
    if (rc)
        return sqlite_fail(f, c->handle, rc, "settings");
    e = prepare_controls(f, c);
    if (e)
        return e;
    if (c->conn.writer)
        return sqlite_store_watch(f, db, c->handle);
    sqlite3_progress_handler(c->handle, PROGRESS_STEPS, over_time, c);
    return ERR_OK;
}

static void sqlite_disconnect(struct db_conn *conn);

static enum err sqlite_connect(struct fail *f, struct db *db, bool writer, struct db_conn **out)
{
    struct sqlite_conn *c = memory_new(sizeof *c);
    if (!c)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    c->conn = (struct db_conn){db, writer};
    enum err e = set_up(f, db, c);
    if (e) {
        sqlite_disconnect(&c->conn);
        return e;
    }
    *out = &c->conn;
    return ERR_OK;
}

static void sqlite_disconnect(struct db_conn *conn)
{
    if (!conn)
        return;
    struct sqlite_conn *c = own(conn);
    struct sqlite_stmt *next;
    for (struct sqlite_stmt *s = c->newest; s; s = next) {
        next = s->next;
        sqlite3_finalize(s->handle);
        memory_free(s);
    }
    for (size_t i = 0; i < DB_CONTROLS; i++)
        sqlite3_finalize(c->controls[i]);
    stmt_map_release(&c->stmts);
    int rc = sqlite3_close(c->handle);
    assert(!rc); /* nothing is left open */
    memory_free(c);
}

static enum err control_one(struct sqlite_conn *c, struct fail *f, sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? ERR_OK : sqlite_fail(f, c->handle, rc, sqlite3_sql(stmt));
}

static enum err undo(struct sqlite_conn *c, struct fail *f)
{
    int rc = sqlite3_exec(c->handle, "ROLLBACK TO change", NULL, NULL, NULL);
    if (rc)
        return sqlite_fail(f, c->handle, rc, "ROLLBACK TO");
    return control_one(c, f, c->controls[DB_RELEASE]);
}

static enum err sqlite_control(struct db_conn *conn, struct fail *f, enum db_control what)
{
    struct sqlite_conn *c = own(conn);
    c->tx = NULL; /* BEGIN and ROLLBACK count steps too, and the last transaction's limit is gone with it */
    enum err e = what == DB_UNDO ? undo(c, f) : control_one(c, f, c->controls[what]);
    if (e == ERR_MEMORY && what == DB_COMMIT) {
        /* It may be on disk: the index of the WAL takes memory after the sync. Only a restart can tell. */
        if (f)
            f->err = ERR_DB_BROKEN;
        return ERR_DB_BROKEN;
    }
    return e;
}

static bool sqlite_in_transaction(struct db_conn *conn)
{
    return !sqlite3_get_autocommit(own(conn)->handle);
}

static enum err sqlite_script(struct db_conn *conn, struct fail *f, const char *sql)
{
    struct sqlite_conn *c = own(conn);
    int rc = sqlite3_exec(c->handle, sql, NULL, NULL, NULL);
    return rc ? sqlite_fail(f, c->handle, rc, "migration") : ERR_OK;
}

/* ---- statements */

static enum err stmt_new(struct sqlite_conn *c, struct fail *f, const struct db_stmt *stmt,
                         struct sqlite_stmt **out)
{
    struct sqlite_stmt *s = memory_new(sizeof *s);
    if (!s)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    int rc = sqlite3_prepare_v3(c->handle, stmt->sqlite, -1, SQLITE_PREPARE_PERSISTENT, &s->handle, NULL);
    if (rc) {
        memory_free(s);
        return sqlite_fail(f, c->handle, rc, stmt->name);
    }
    assert((size_t)sqlite3_bind_parameter_count(s->handle) == strlen(stmt->params));
    *out = s;
    return ERR_OK;
}

static enum err stmt_get(struct sqlite_conn *c, struct fail *f, const struct db_stmt *stmt,
                         struct sqlite_stmt **out)
{
    struct sqlite_stmt *s = stmt_map_find(&c->stmts, stmt);
    if (s && !s->used) {
        *out = s;
        return ERR_OK;
    }
    bool passing = s;
    enum err e = stmt_new(c, f, stmt, &s);
    if (e)
        return e;
    s->passing = passing;
    if (!passing && stmt_map_add(&c->stmts, stmt, s)) {
        sqlite3_finalize(s->handle);
        memory_free(s);
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    }
    if (!passing) {
        s->next = c->newest;
        c->newest = s;
    }
    *out = s;
    return ERR_OK;
}

static void stmt_put(struct sqlite_stmt *s)
{
    sqlite3_reset(s->handle);
    s->used = false;
    if (s->passing) {
        sqlite3_finalize(s->handle);
        memory_free(s);
    }
}

static int bind_one(sqlite3_stmt *handle, int at, const struct db_value *v)
{
    const char *p = v->text.p ? v->text.p : ""; /* a NULL pointer would bind NULL */
    if (v->type == 'i')
        return sqlite3_bind_int64(handle, at, v->number);
    if (v->type == 't')
        return sqlite3_bind_text64(handle, at, p, v->text.n, SQLITE_STATIC, SQLITE_UTF8);
    if (v->type == 'b')
        return sqlite3_bind_blob64(handle, at, p, v->text.n, SQLITE_STATIC);
    return sqlite3_bind_null(handle, at);
}

/* A statement ready to step. */
static enum err start(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt,
                      const struct db_value *values, struct sqlite_stmt **out)
{
    struct sqlite_conn *c = own(tx->conn);
    enum err e = stmt_get(c, f, stmt, out);
    if (e)
        return e;
    c->tx = tx;
    (*out)->used = true;
    for (int i = 0; stmt->params[i]; i++) {
        int rc = bind_one((*out)->handle, i + 1, &values[i]);
        if (!rc)
            continue;
        e = rc == SQLITE_TOOBIG ? fail_set(f, ERR_LIMIT, NULL, "%s", stmt->name)
                                : sqlite_fail(f, c->handle, rc, stmt->name);
        stmt_put(*out);
        return e;
    }
    return ERR_OK;
}

static enum err sqlite_prepare(struct db_conn *conn, struct fail *f, const struct db_stmt *stmt)
{
    struct sqlite_stmt *s;
    enum err e = stmt_get(own(conn), f, stmt, &s);
    if (e)
        return e;
    if ((size_t)sqlite3_column_count(s->handle) != strlen(stmt->results))
        return fail_set(f, ERR_DB, NULL, "%s: gives %d columns, \"-- out:\" says %zu", stmt->name,
                        sqlite3_column_count(s->handle), strlen(stmt->results));
    return ERR_OK;
}

static enum err sqlite_exec(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt,
                            const struct db_value *values, int64_t *changed)
{
    struct sqlite_stmt *s;
    enum err e = start(tx, f, stmt, values, &s);
    if (e)
        return e;
    sqlite3 *handle = own(tx->conn)->handle;
    int rc = sqlite3_step(s->handle);
    while (rc == SQLITE_ROW)
        rc = sqlite3_step(s->handle);
    if (rc != SQLITE_DONE)
        e = sqlite_fail(f, handle, rc, stmt->name);
    else if (changed)
        *changed = sqlite3_stmt_readonly(s->handle) ? 0 : sqlite3_changes64(handle);
    stmt_put(s);
    return e;
}

static enum err sqlite_query(struct db_tx *tx, struct db_rows *rows, const struct db_stmt *stmt,
                             const struct db_value *values)
{
    struct sqlite_stmt *s;
    enum err e = start(tx, &rows->fail, stmt, values, &s);
    rows->handle = e ? NULL : s;
    return e;
}

static bool sqlite_next(struct db_rows *rows)
{
    struct sqlite_stmt *s = rows->handle;
    struct sqlite_conn *c = own(rows->tx->conn);
    if (rows->row == -2) /* stepping again would run it again */
        return false;
    c->tx = rows->tx;
    int rc = sqlite3_step(s->handle);
    if (rc == SQLITE_ROW) {
        rows->row++;
        return true;
    }
    rows->row = -2;
    if (rc != SQLITE_DONE)
        sqlite_fail(&rows->fail, c->handle, rc, "rows");
    return false;
}

static void sqlite_done(struct db_rows *rows)
{
    stmt_put(rows->handle);
}

static sqlite3_stmt *handle_of(const struct db_rows *rows, int column)
{
    const struct sqlite_stmt *s = rows->handle;
    assert(rows->row >= 0 && column >= 0 && column < sqlite3_column_count(s->handle));
    return s->handle;
}

static bool sqlite_row_null(const struct db_rows *rows, int column)
{
    return sqlite3_column_type(handle_of(rows, column), column) == SQLITE_NULL;
}

static int64_t sqlite_row_int(const struct db_rows *rows, int column)
{
    return sqlite3_column_int64(handle_of(rows, column), column);
}

static struct str sqlite_row_bytes(const struct db_rows *rows, int column)
{
    sqlite3_stmt *handle = handle_of(rows, column);
    const char *p = sqlite3_column_blob(handle, column);
    int n = sqlite3_column_bytes(handle, column);
    return (struct str){p ? p : "", n > 0 ? (size_t)n : 0};
}

const struct db_backend db_sqlite = {
    .name = "sqlite",
    .open = sqlite_store_open,
    .close = sqlite_store_close,
    .connect = sqlite_connect,
    .disconnect = sqlite_disconnect,
    .control = sqlite_control,
    .in_transaction = sqlite_in_transaction,
    .script = sqlite_script,
    .prepare = sqlite_prepare,
    .exec = sqlite_exec,
    .query = sqlite_query,
    .next = sqlite_next,
    .done = sqlite_done,
    .row_null = sqlite_row_null,
    .row_int = sqlite_row_int,
    .row_bytes = sqlite_row_bytes,
    .after_group = sqlite_store_after_group,
    .hold = sqlite_store_hold,
    .reserve_log = sqlite_reserve_log,
    .stats = sqlite_store_stats,
};
