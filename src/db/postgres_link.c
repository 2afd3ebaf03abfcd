/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL: connections and transactions. A connection that is lost before COMMIT loses the transaction
 * (ERR_DB_BUSY: run again, on a new connection). Snapshots are REPEATABLE READ READ ONLY with a statement
 * timeout. What is particular to the one connection that writes stands in postgres_writer.c. */
#include "db/postgres.h"

#include "base/clock.h"
#include "base/random.h"

static const char *const control_texts[DB_CONTROLS] = {
    [DB_SAVEPOINT] = "SAVEPOINT change",
    [DB_RELEASE] = "RELEASE SAVEPOINT change",
    [DB_UNDO] = "ROLLBACK TO SAVEPOINT change; RELEASE SAVEPOINT change",
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

/* An error without a state was not said by the server but found by libpq, which may still call the connection
 * good. */
enum err pg_fail(struct fail *f, struct pg_conn *c, const PGresult *result, const char *what)
{
    const char *state = result ? libpq.resultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? libpq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    c->lost = c->lost || !state || libpq.status(c->link) == CONNECTION_BAD;
    enum err e = c->lost ? ERR_DB_BUSY : state_error(state);
    if (!text)
        text = libpq.errorMessage(c->link);
    return fail_set(f, e, NULL, "%s: %.*s", what, (int)strcspn(text, "\n"), text);
}

enum err pg_run(struct pg_conn *c, struct fail *f, const char *sql, char answer[PG_ANSWER_SIZE])
{
    PGresult *result = libpq.exec(c->link, sql);
    ExecStatusType status = libpq.resultStatus(result);
    enum err e = ERR_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        e = pg_fail(f, c, result, c->conn.writer ? "change" : "snapshot");
    else if (answer)
        snprintf(answer, PG_ANSWER_SIZE, "%s", libpq.ntuples(result) ? libpq.getvalue(result, 0, 0) : "");
    libpq.clear(result);
    return e;
}

/* ---- connecting */

struct pg_store *pg_store(const struct db *db)
{
    return db->store;
}

static void draw_name(char name[static PG_HOLDER_SIZE])
{
    uint64_t random[2];
    random_bytes(random, sizeof random);
    snprintf(name, PG_HOLDER_SIZE, "%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
}

enum err pg_open(struct fail *f, struct db *db, const char *url)
{
    enum err e = libpq_load(f);
    struct pg_store *store = e ? NULL : memory_new(sizeof *store);
    if (!store)
        return e ? e : fail_set(f, ERR_MEMORY, NULL, NULL);
    db->store = store;
    draw_name(store->holder);
    pthread_mutex_init(&store->lock, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wake, &steady);
    pthread_condattr_destroy(&steady);
    store->url = strdup(url);
    return store->url ? ERR_OK : fail_set(f, ERR_MEMORY, NULL, NULL);
}

void pg_close(struct db *db)
{
    struct pg_store *store = pg_store(db);
    if (!store)
        return;
    pthread_mutex_destroy(&store->lock);
    pthread_cond_destroy(&store->wake);
    free(store->url);
    memory_free(store);
}

static void quiet(void *arg UNUSED, const PGresult *notice UNUSED)
{
}

static enum err set_up(struct fail *f, struct pg_conn *c)
{
    const char *encoding = libpq.parameterStatus(c->link, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return fail_set(f, ERR_DB_OPEN, NULL, "the database's encoding must be UTF8");
    libpq.setNoticeReceiver(c->link, quiet, NULL);
    if (!c->conn.writer)
        return ERR_OK;
    enum err e = pg_run(c, f, "SET synchronous_commit = on", NULL);
    return e ? e : pg_take_lock(c, f);
}

static enum err connect_new(struct pg_conn *c, struct fail *f)
{
    static const char *const names[] = {"connect_timeout",     "tcp_user_timeout", "keepalives_idle",
                                        "keepalives_interval", "keepalives_count", "application_name",
                                        "client_encoding",     "dbname",           NULL};
    const char *values[] = {"10", "30000", "10", "5", "3", "juki", "UTF8", pg_store(c->conn.db)->url, NULL};
    libpq.finish(c->link);
    stmt_map_release(&c->stmts);
    c->prepared = 0;
    c->lost = false;
    c->link = libpq.connectdbParams(names, values, 1);
    if (libpq.status(c->link) == CONNECTION_OK) {
        enum err e = set_up(f, c);
        if (e) { /* a writer without the lock must not be taken for a good one by the next BEGIN */
            libpq.finish(c->link);
            c->link = NULL;
            c->lost = true;
        }
        return e;
    }
    const char *text = libpq.errorMessage(c->link);
    c->lost = true;
    return fail_set(f, c->conn.db->serving ? ERR_DB_BUSY : ERR_DB_OPEN, NULL, "%.*s",
                    (int)strcspn(text, "\n"), text);
}

enum err pg_link_up(struct pg_conn *c, struct fail *f)
{
    if (c->conn.writer)
        db_away(c->conn.db, true);
    enum err e = connect_new(c, f);
    if (!e && c->conn.writer)
        db_away(c->conn.db, false);
    return e;
}

enum err pg_connect(struct fail *f, struct db *db, bool writer, struct db_conn **out)
{
    struct pg_conn *c = memory_new(sizeof *c);
    if (!c)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    c->conn = (struct db_conn){db, writer};
    enum err e = pg_link_up(c, f);
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
    libpq.finish(c->link);
    stmt_map_release(&c->stmts);
    memory_free(c);
}

/* ---- transactions */

static enum err begin_read(struct pg_conn *c, struct fail *f)
{
    char sql[160];
    long long millis = c->conn.db->read_micros / 1000 + 1;
    snprintf(sql, sizeof sql,
             "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = %lld", millis);
    return pg_run(c, f, sql, NULL);
}

enum err pg_control(struct db_conn *conn, struct fail *f, enum db_control what)
{
    struct pg_conn *c = (struct pg_conn *)conn;
    bool begins = what == DB_BEGIN || what == DB_BEGIN_READ;
    if (begins && c->lost) {
        enum err e = pg_link_up(c, f);
        if (e)
            return e;
    }
    if (what == DB_BEGIN)
        return pg_begin_write(c, f);
    if (what == DB_BEGIN_READ)
        return begin_read(c, f);
    if (what == DB_COMMIT)
        return c->conn.writer ? pg_commit(c, f) : pg_run(c, f, "COMMIT", NULL);
    return pg_run(c, f, control_texts[what], NULL);
}
