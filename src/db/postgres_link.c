/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL: connections, the lock, and what becomes of a commit whose answer never came.
 *
 * One process writes: the writer's connection holds an advisory lock of its schema as long as it lives. A
 * connection that is lost before COMMIT loses the transaction (ERR_DB_BUSY: run again, on a new connection).
 * Lost during COMMIT, its fate is asked for by its transaction id once the lock is ours again, because then
 * the old session has ended; only when the server stays away is the answer ERR_DB_UNCERTAIN. Snapshots are
 * REPEATABLE READ READ ONLY with a statement timeout. */
#include "db/postgres.h"

#include "base/clock.h"

enum { LOCK_SPACE = 0x6A756B69 /* "juki" */, LOCK_TRIES = 50 };

static const char *const control_texts[DB_CONTROLS] = {
    [DB_BEGIN] = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_current_xact_id()::text",
    [DB_SAVEPOINT] = "SAVEPOINT change",
    [DB_RELEASE] = "RELEASE SAVEPOINT change",
    [DB_UNDO] = "ROLLBACK TO SAVEPOINT change; RELEASE SAVEPOINT change",
    [DB_COMMIT] = "COMMIT",
    [DB_ROLLBACK] = "ROLLBACK",
};

/* SQLSTATE by its beginning; the first that fits. */
static const struct {
    const char *state;
    enum err err;
} state_table[] = {
    {"23505", ERR_EXISTS},           /* unique_violation */
    {"23", ERR_DB_CONSTRAINT},       /* integrity constraint violation */
    {"25006", ERR_DB_READ_ONLY},     /* read_only_sql_transaction */
    {"57014", ERR_DB_SNAPSHOT_TIME}, /* query_canceled: the statement timeout */
    {"40", ERR_DB_BUSY},             /* transaction rollback: serialization, deadlock */
    {"55P03", ERR_DB_BUSY},          /* lock_not_available */
    {"57P", ERR_DB_BUSY},            /* the server stops or starts */
    {"08", ERR_DB_BUSY},             /* connection */
    {"53100", ERR_DB_FULL},          /* disk_full */
    {"53", ERR_DB_BUSY},             /* insufficient resources */
    {"58030", ERR_DB_BROKEN},        /* io_error */
    {"XX001", ERR_DB_BROKEN},        /* data_corrupted */
    {"XX002", ERR_DB_BROKEN},        /* index_corrupted */
};

static enum err state_error(const char *state)
{
    for (size_t i = 0; i < COUNT_OF(state_table); i++)
        if (strncmp(state, state_table[i].state, strlen(state_table[i].state)) == 0)
            return state_table[i].err;
    return ERR_DB;
}

enum err pg_fail(struct fail *f, PGconn *link, const PGresult *result, const char *what)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    enum err e = state ? state_error(state) : ERR_DB;
    if (PQstatus(link) == CONNECTION_BAD)
        e = ERR_DB_BUSY;
    if (!text)
        text = PQerrorMessage(link);
    return fail_set(f, e, NULL, "%s: %.*s", what, (int)strcspn(text, "\n"), text);
}

enum err pg_run(struct pg_conn *c, struct fail *f, const char *sql, char *out, size_t size)
{
    PGresult *result = PQexec(c->link, sql);
    ExecStatusType status = PQresultStatus(result);
    enum err e = ERR_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        e = pg_fail(f, c->link, result, c->conn.writer ? "change" : "snapshot");
    else if (out)
        snprintf(out, size, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : PQcmdStatus(result));
    PQclear(result);
    return e;
}

/* ---- connecting */

enum err pg_open(struct fail *f, struct db *db, const char *url)
{
    db->store = strdup(url);
    return db->store ? ERR_OK : fail_set(f, ERR_MEMORY, NULL, NULL);
}

void pg_close(struct db *db)
{
    free(db->store);
}

static void quiet(void *arg UNUSED, const PGresult *notice UNUSED)
{
}

static void pause_micros(long micros)
{
    nanosleep(&(struct timespec){.tv_nsec = micros * 1000}, NULL);
}

/* A session that was lost may hold the lock for a moment, until the server notices. */
static enum err take_lock(struct fail *f, struct pg_conn *c)
{
    char sql[128], answer[8] = "";
    snprintf(sql, sizeof sql, "SELECT pg_try_advisory_lock(%d, hashtext(current_schema()))", LOCK_SPACE);
    int tries = c->conn.db->serving ? LOCK_TRIES : 5;
    for (int n = 0; n < tries; n++) {
        if (n)
            pause_micros(20 * 1000);
        enum err e = pg_run(c, f, sql, answer, sizeof answer);
        if (e || strcmp(answer, "t") == 0)
            return e;
    }
    return fail_set(f, ERR_DB_LOCKED, NULL, NULL);
}

static enum err set_up(struct fail *f, struct pg_conn *c)
{
    const char *encoding = PQparameterStatus(c->link, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return fail_set(f, ERR_DB_OPEN, NULL, "the database's encoding must be UTF8");
    PQsetNoticeReceiver(c->link, quiet, NULL);
    if (!c->conn.writer)
        return ERR_OK;
    enum err e = pg_run(c, f, "SET synchronous_commit = on", NULL, 0);
    return e ? e : take_lock(f, c);
}

/* Makes the connection, or makes it anew. */
static enum err link_up(struct fail *f, struct pg_conn *c)
{
    static const char *const names[] = {"connect_timeout", "tcp_user_timeout", "application_name",
                                        "client_encoding", "dbname",           NULL};
    const char *values[] = {"10", "30000", "juki", "UTF8", c->conn.db->store, NULL};
    PQfinish(c->link);
    stmt_map_release(&c->stmts);
    c->prepared = 0;
    c->link = PQconnectdbParams(names, values, 1);
    if (PQstatus(c->link) == CONNECTION_OK) {
        enum err e = set_up(f, c);
        if (e) { /* a writer without the lock must not be taken for a good one by the next BEGIN */
            PQfinish(c->link);
            c->link = NULL;
        }
        return e;
    }
    const char *text = PQerrorMessage(c->link);
    return fail_set(f, c->conn.db->serving ? ERR_DB_BUSY : ERR_DB_OPEN, NULL, "%.*s",
                    (int)strcspn(text, "\n"), text);
}

enum err pg_connect(struct fail *f, struct db *db, bool writer, struct db_conn **out)
{
    struct pg_conn *c = memory_new(sizeof *c);
    if (!c)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    c->conn = (struct db_conn){db, writer};
    enum err e = link_up(f, c);
    if (e) {
        pg_disconnect(&c->conn);
        return e;
    }
    *out = &c->conn;
    return ERR_OK;
}

void pg_disconnect(struct db_conn *conn)
{
    struct pg_conn *c = (struct pg_conn *)conn;
    if (!c)
        return;
    PQfinish(c->link);
    stmt_map_release(&c->stmts);
    memory_free(c);
}

/* ---- transactions */

/* The answer to COMMIT is missing: was it written? */
static enum err settle(struct pg_conn *c, struct fail *f)
{
    char sql[128], answer[32] = "";
    snprintf(sql, sizeof sql, "SELECT pg_xact_status('%s'::xid8)", c->transaction);
    int64_t until = clock_steady() + c->conn.db->settle_micros;
    while (clock_steady() < until) {
        struct fail ignored;
        if (!link_up(&ignored, c) && !pg_run(c, &ignored, sql, answer, sizeof answer)) {
            if (strcmp(answer, "committed") == 0)
                return ERR_OK;
            if (strcmp(answer, "aborted") == 0)
                return fail_set(f, ERR_DB_BUSY, NULL, "the connection was lost");
        }
        pause_micros(100 * 1000);
    }
    return fail_set(f, ERR_DB_UNCERTAIN, NULL, "the connection was lost during the commit");
}

static enum err commit(struct pg_conn *c, struct fail *f)
{
    char tag[32] = "";
    enum err e = pg_run(c, f, control_texts[DB_COMMIT], tag, sizeof tag);
    if (e && PQstatus(c->link) == CONNECTION_BAD)
        return settle(c, f);
    if (!e && strcmp(tag, "COMMIT") != 0)
        return fail_set(f, ERR_DB, NULL, "the server rolled back");
    return e;
}

static enum err begin_read(struct pg_conn *c, struct fail *f)
{
    char sql[160];
    long long millis = c->conn.db->read_micros / 1000 + 1;
    snprintf(sql, sizeof sql,
             "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = %lld", millis);
    return pg_run(c, f, sql, NULL, 0);
}

enum err pg_control(struct db_conn *conn, struct fail *f, enum db_control what)
{
    struct pg_conn *c = (struct pg_conn *)conn;
    bool begins = what == DB_BEGIN || what == DB_BEGIN_READ;
    if (begins && PQstatus(c->link) == CONNECTION_BAD) {
        enum err e = link_up(f, c);
        if (e)
            return e;
    }
    if (what == DB_BEGIN_READ)
        return begin_read(c, f);
    if (what == DB_COMMIT)
        return commit(c, f);
    return pg_run(c, f, control_texts[what], begins ? c->transaction : NULL, sizeof c->transaction);
}
