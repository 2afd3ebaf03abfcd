/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL: statements. Parameters and results travel in binary (int8 big-endian, text, bytea); each
 * connection prepares a statement when it first needs it. A query's rows are all fetched at once, so long
 * lists are paged by key, as on SQLite, where they would hold a snapshot too long. */
#include "db/postgres.h"

#include <ctype.h>
#include <endian.h>

enum { PARAMS_MOST = 64 };

static struct pg_conn *own(struct db_conn *c)
{
    return (struct pg_conn *)c;
}

static bool pg_in_transaction(struct db_conn *conn)
{
    PGTransactionStatusType status = libpq.transactionStatus(own(conn)->link);
    return !own(conn)->lost && (status == PQTRANS_INTRANS || status == PQTRANS_INERROR);
}

static enum err pg_script(struct db_conn *conn, struct fail *f, const char *sql)
{
    return pg_run(own(conn), f, sql, NULL);
}

static unsigned type_of(char letter)
{
    letter = (char)tolower(letter);
    return letter == 'i' ? PG_INT64 : letter == 't' ? PG_TEXT : PG_BYTES;
}

static enum err prepare_new(struct pg_conn *c, struct fail *f, const struct db_stmt *stmt, const char *name)
{
    Oid types[PARAMS_MOST];
    size_t count = strlen(stmt->params);
    assert(count <= PARAMS_MOST);
    for (size_t i = 0; i < count; i++)
        types[i] = type_of(stmt->params[i]);
    PGresult *result = libpq.prepare(c->link, name, stmt->postgres, (int)count, types);
    enum err e = libpq.resultStatus(result) == PGRES_COMMAND_OK ? ERR_OK : pg_fail(f, c, result, stmt->name);
    libpq.clear(result);
    return e;
}

enum { NAME_SIZE = 24 };

/* Writes the name under which the statement is prepared. */
static enum err prepared_name(struct pg_conn *c, struct fail *f, const struct db_stmt *stmt,
                              char name[static NAME_SIZE])
{
    size_t number = (size_t)(uintptr_t)stmt_map_find(&c->stmts, stmt);
    bool is_new = !number;
    if (is_new)
        number = c->prepared + 1;
    snprintf(name, NAME_SIZE, "s%zu", number);
    if (!is_new)
        return ERR_OK;
    enum err e = prepare_new(c, f, stmt, name);
    if (e)
        return e;
    c->prepared = number;
    if (stmt_map_add(&c->stmts, stmt, (void *)(uintptr_t)number))
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    return ERR_OK;
}

static bool column_fits(Oid type, char letter)
{
    static const struct {
        char letter;
        Oid type;
    } table[] = {{'i', PG_INT64}, {'i', PG_INT32}, {'i', PG_INT16},  {'i', PG_BOOL},
                 {'t', PG_TEXT},  {'b', PG_BYTES}, {'t', PG_VARCHAR}};
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].letter == tolower(letter) && table[i].type == type)
            return true;
    return false;
}

static enum err check_columns(struct fail *f, const PGresult *result, const struct db_stmt *stmt)
{
    if (libpq.nfields(result) != (int)strlen(stmt->results))
        return fail_set(f, ERR_DB, NULL, "%s: gives %d columns, \"-- out:\" says %zu", stmt->name,
                        libpq.nfields(result), strlen(stmt->results));
    for (int i = 0; i < libpq.nfields(result); i++)
        if (!column_fits(libpq.ftype(result, i), stmt->results[i]))
            return fail_set(f, ERR_DB, NULL, "%s: column %d has another type (%u) than \"-- out:\" says",
                            stmt->name, i + 1, libpq.ftype(result, i));
    return ERR_OK;
}

static enum err pg_prepare(struct db_conn *conn, struct fail *f, const struct db_stmt *stmt)
{
    struct pg_conn *c = own(conn);
    char name[NAME_SIZE];
    enum err e = prepared_name(c, f, stmt, name);
    if (e)
        return e;
    PGresult *result = libpq.describePrepared(c->link, name);
    e = libpq.resultStatus(result) == PGRES_COMMAND_OK ? check_columns(f, result, stmt)
                                                       : pg_fail(f, c, result, stmt->name);
    libpq.clear(result);
    return e;
}

/* Runs it; *out is a result of COMMAND_OK or TUPLES_OK, the caller's to clear. */
static enum err run(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt,
                    const struct db_value *values, PGresult **out)
{
    struct pg_conn *c = own(tx->conn);
    char name[NAME_SIZE];
    enum err e = prepared_name(c, f, stmt, name);
    if (e)
        return e;
    uint64_t numbers[PARAMS_MOST];
    const char *pointers[PARAMS_MOST];
    int lengths[PARAMS_MOST], formats[PARAMS_MOST], count = (int)strlen(stmt->params);
    for (int i = 0; i < count; i++) {
        const struct db_value *v = &values[i];
        if (v->text.n > INT32_MAX)
            return fail_set(f, ERR_LIMIT, NULL, "%s", stmt->name);
        numbers[i] = htobe64((uint64_t)v->number);
        const char *bytes = v->text.p ? v->text.p : ""; /* a NULL pointer would be NULL */
        pointers[i] = v->type == 'n' ? NULL : v->type == 'i' ? (const char *)&numbers[i] : bytes;
        lengths[i] = v->type == 'i' ? (int)sizeof numbers[i] : (int)v->text.n;
        formats[i] = 1;
    }
    PGresult *result = libpq.execPrepared(c->link, name, count, pointers, lengths, formats, 1);
    ExecStatusType status = libpq.resultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        *out = result;
        return ERR_OK;
    }
    e = pg_fail(f, c, result, stmt->name);
    libpq.clear(result);
    return e;
}

static enum err pg_exec(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt,
                        const struct db_value *values, int64_t *changed)
{
    PGresult *result = NULL;
    enum err e = run(tx, f, stmt, values, &result);
    if (e)
        return e;
    uint64_t tuples = 0;
    if (changed) {
        bool selects = str_starts(str_of(libpq.cmdStatus(result)), STR("SELECT"));
        *changed = !selects && str_to_uint(str_of(libpq.cmdTuples(result)), INT64_MAX, &tuples)
                       ? (int64_t)tuples
                       : 0;
    }
    libpq.clear(result);
    return ERR_OK;
}

static enum err pg_query(struct db_tx *tx, struct db_rows *rows, const struct db_stmt *stmt,
                         const struct db_value *values)
{
    PGresult *result = NULL;
    enum err e = run(tx, &rows->fail, stmt, values, &result);
    rows->handle = result;
    return e;
}

static bool pg_next(struct db_rows *rows)
{
    int count = libpq.ntuples(rows->handle);
    if (rows->row < count)
        rows->row++;
    return rows->row < count;
}

static void pg_done(struct db_rows *rows)
{
    libpq.clear(rows->handle);
}

static const PGresult *result_of(const struct db_rows *rows, int column)
{
    assert(rows->row >= 0 && column >= 0 && column < libpq.nfields(rows->handle));
    return rows->handle;
}

static bool pg_row_null(const struct db_rows *rows, int column)
{
    return libpq.getisnull(result_of(rows, column), rows->row, column);
}

/* Big-endian, sign-extended from its length: 1 (bool), 2, 4 or 8 bytes. */
static int64_t pg_row_int(const struct db_rows *rows, int column)
{
    const PGresult *result = result_of(rows, column);
    if (libpq.getisnull(result, rows->row, column))
        return 0;
    assert(column_fits(libpq.ftype(result, column), 'i')); /* the .sql file needs CAST(... AS INT64) */
    const unsigned char *p = (const unsigned char *)libpq.getvalue(result, rows->row, column);
    int n = libpq.getlength(result, rows->row, column);
    uint64_t number = n > 1 && p[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < n; i++)
        number = number << 8 | p[i];
    return (int64_t)number;
}

static struct str pg_row_bytes(const struct db_rows *rows, int column)
{
    const PGresult *result = result_of(rows, column);
    return (struct str){libpq.getvalue(result, rows->row, column),
                        (size_t)libpq.getlength(result, rows->row, column)};
}

static void pg_after_group(struct db *db UNUSED)
{
}

static void pg_stats(struct db *db UNUSED, struct db_stats *out)
{
    out->wal_bytes = out->wal_bytes_most = out->file_bytes = 0; /* the server's matter */
}

const struct db_backend db_postgres = {
    .name = "postgresql",
    .open = pg_open,
    .close = pg_close,
    .serve = pg_ping_start,
    .stop = pg_ping_stop,
    .connect = pg_connect,
    .disconnect = pg_disconnect,
    .control = pg_control,
    .in_transaction = pg_in_transaction,
    .script = pg_script,
    .prepare = pg_prepare,
    .exec = pg_exec,
    .query = pg_query,
    .next = pg_next,
    .done = pg_done,
    .row_null = pg_row_null,
    .row_int = pg_row_int,
    .row_bytes = pg_row_bytes,
    .after_group = pg_after_group,
    .stats = pg_stats,
};
