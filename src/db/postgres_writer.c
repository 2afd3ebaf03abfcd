/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL: which process writes, and what becomes of a commit whose answer never came.
 *
 * What a server numbers (entries of the log, sequences of notices) it numbers in memory, so only one process
 * may write, and only while what it remembers is what the database holds. Three things keep that:
 *
 * 1. The lock. The writer's session holds an advisory lock of its schema. A session that says nothing for 30
 * s is ended by the PostgreSQL server (idle_session_timeout), and with it the lock: so a process that was
 * stopped, or whose machine is gone, does not keep the others waiting for ever. A thread says something when
 * nobody writes.
 * 2. The term. Whoever takes the lock puts its name into the one row of db_writer and raises `term`; it may
 * do so when it opens the database, or when the last name there is its own. A process that lost its session
 * and finds another name has been deposed (ERR_DB_DEPOSED): what it remembers is old, and it never writes
 * again.
 * 3. The fence. Each transaction begins by locking that row for sharing, if the term is still its own, and by
 * adding its number, one above that of the last commit, to db_commit. So nobody can become the writer between
 * a transaction's first number and its commit; and one that begins after another became the writer, or on a
 * database that is not as this process left it (a copy, a replica that had not got everything), changes
 * nothing. It holds even where the lock does not (a pooler between, a lock lost unnoticed).
 *
 * The same row settles a commit without an answer: on a new session, which has taken lock and term after the
 * old one ended, the transaction was committed if its number stands in db_commit. (The transaction's id would
 * not do: after a crash of the server, ids that never reached its disk are given out again. Nor would a
 * counter in one row: while somebody dumps the database, each of its versions stays, and is passed by each
 * next change.) As long as the server stays away nobody knows, so the change waits, until the program is told
 * to give up: then it is ERR_DB_UNCERTAIN. */
#include "db/postgres.h"

#include "base/clock.h"
#include "base/random.h"

enum {
    LOCK_SPACE = 0x6A756B69, /* "juki" */
    LOCK_TRIES_OPENING = 5,
    LOCK_TRIES = 50,
    TRY_MICROS = 20 * 1000,
    SETTLE_PAUSE_MICROS = 100 * 1000,
    PINGS_A_LEASE = 6,
    COMMITS_KEPT = 1024,
};

static const char *const tables_text =
    "CREATE TABLE IF NOT EXISTS db_writer (id BIGINT PRIMARY KEY CHECK (id = 1), holder TEXT NOT NULL,"
    " term BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS db_commit (number BIGINT PRIMARY KEY);"
    "INSERT INTO db_writer (id, holder, term) VALUES (1, '', 0) ON CONFLICT DO NOTHING";
/* $1: our term; $2: the number of the last commit, 0 before the first. */
static const char *const fence_text =
    "PREPARE fence (BIGINT, BIGINT) AS"
    " WITH writer AS (SELECT id FROM db_writer WHERE term = $1 FOR SHARE)"
    " INSERT INTO db_commit (number) SELECT $2 + 1 FROM writer"
    " WHERE $2 = 0 OR EXISTS (SELECT FROM db_commit WHERE number = $2) RETURNING number";

static void pause_micros(long micros)
{
    nanosleep(&(struct timespec){.tv_nsec = micros * 1000}, NULL);
}

static bool read_number(const char *text, int64_t *out)
{
    uint64_t number = 0;
    if (!str_to_uint(str_of(text), INT64_MAX, &number))
        return false;
    *out = (int64_t)number;
    return true;
}

/* ---- becoming the writer */

static enum err deposed(struct pg_conn *c, struct fail *f)
{
    fail_set(f, ERR_DB_DEPOSED, NULL, NULL);
    db_lose(c->conn.db, f);
    return ERR_DB_DEPOSED;
}

/* Somebody has the lock: our own session that was lost, until the server notices, or another process. */
static enum err ask_who(struct pg_conn *c, struct fail *f)
{
    struct pg_store *store = pg_store(c->conn.db);
    char answer[PG_ANSWER_SIZE];
    if (!store->held)
        return fail_set(f, ERR_DB_LOCKED, NULL, NULL);
    enum err e = pg_run(c, f, "SELECT holder FROM db_writer", answer);
    if (!e && strcmp(answer, store->holder) != 0)
        e = deposed(c, f);
    return e ? e : fail_set(f, ERR_DB_BUSY, NULL, "the lost session still holds the lock");
}

static enum err enter_name(struct pg_conn *c, struct fail *f)
{
    struct pg_store *store = pg_store(c->conn.db);
    char condition[64] = "", sql[200], answer[PG_ANSWER_SIZE];
    if (store->held)
        snprintf(condition, sizeof condition, " WHERE holder = '%s'", store->holder);
    snprintf(sql, sizeof sql, "UPDATE db_writer SET term = term + 1, holder = '%s'%s RETURNING term",
             store->holder, condition);
    enum err e = store->held ? ERR_OK : pg_run(c, f, tables_text, NULL);
    if (!e)
        e = pg_run(c, f, sql, answer);
    if (!e && !read_number(answer, &c->term))
        e = deposed(c, f);
    if (!e)
        e = pg_run(c, f, fence_text, NULL);
    return e;
}

/* Becomes the writer; when opening, learns where the last one ended. */
static enum err enter(struct pg_conn *c, struct fail *f)
{
    struct pg_store *store = pg_store(c->conn.db);
    char answer[PG_ANSWER_SIZE];
    enum err e = enter_name(c, f);
    if (e || store->held)
        return e;
    e = pg_run(c, f, "SELECT COALESCE(max(number), 0) FROM db_commit", answer);
    if (!e && !read_number(answer, &store->commits))
        e = fail_set(f, ERR_DB, NULL, "db_commit");
    store->held = !e;
    return e;
}

/* From here on the server ends the session when it hears nothing of it. */
static enum err limit_silence(struct pg_conn *c, struct fail *f)
{
    char sql[128];
    long long millis = c->conn.db->lease_micros / 1000;
    snprintf(sql, sizeof sql,
             "SET idle_session_timeout = %lld; SET idle_in_transaction_session_timeout = %lld", millis,
             millis);
    return pg_run(c, f, sql, NULL);
}

enum err pg_take_lock(struct pg_conn *c, struct fail *f)
{
    char sql[128], answer[PG_ANSWER_SIZE] = "";
    int tries = c->conn.db->serving ? LOCK_TRIES : LOCK_TRIES_OPENING;
    enum err e = ERR_OK;
    snprintf(sql, sizeof sql, "SELECT pg_try_advisory_lock(%d, hashtext(current_schema()))", LOCK_SPACE);
    for (int n = 0; !e && n < tries; n++) {
        if (n)
            pause_micros(TRY_MICROS);
        e = pg_run(c, f, sql, answer);
        if (!e && strcmp(answer, "t") == 0) {
            e = limit_silence(c, f);
            return e ? e : enter(c, f);
        }
    }
    return e ? e : ask_who(c, f);
}

/* ---- transactions */

enum err pg_begin_write(struct pg_conn *c, struct fail *f)
{
    char sql[200], old[100] = "", answer[PG_ANSWER_SIZE];
    long long last = pg_store(c->conn.db)->commits;
    if (last % COMMITS_KEPT == 0)
        snprintf(old, sizeof old, "DELETE FROM db_commit WHERE number BETWEEN %lld AND %lld;",
                 last - 2 * COMMITS_KEPT, last - COMMITS_KEPT);
    snprintf(sql, sizeof sql, "BEGIN ISOLATION LEVEL READ COMMITTED;%sEXECUTE fence (%lld, %lld)", old,
             (long long)c->term, last);
    atomic_store(&c->used, clock_steady());
    enum err e = pg_run(c, f, sql, answer);
    if (!e && answer[0] != 0)
        return ERR_OK;
    struct fail ignored;
    if (!c->lost) /* BEGIN was done: PostgreSQL would refuse everything until this */
        (void)!pg_run(c, &ignored, "ROLLBACK", NULL);
    return e && e != ERR_EXISTS ? e : deposed(c, f);
}

/* On a new session: was it written? ERR_OK, ERR_DB_BUSY (no: run it again), ERR_DB_UNCERTAIN (cannot be known
 * any more); anything else: ask again. */
static enum err ask_fate(struct pg_conn *c, struct fail *f)
{
    char sql[100], answer[PG_ANSWER_SIZE];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM db_commit WHERE number = %lld",
             (long long)pg_store(c->conn.db)->commits + 1);
    enum err e = pg_link_up(c, f);
    if (e == ERR_DB_DEPOSED)
        return fail_set(f, ERR_DB_UNCERTAIN, NULL, "another process has taken over");
    if (!e)
        e = pg_run(c, f, sql, answer);
    if (e)
        return ERR_DB;
    return strcmp(answer, "1") == 0 ? ERR_OK : fail_set(f, ERR_DB_BUSY, NULL, "the connection was lost");
}

static enum err settle(struct pg_conn *c, struct fail *f)
{
    struct db *db = c->conn.db;
    int64_t start = clock_steady();
    while (!atomic_load(&db->giving_up) || clock_steady() - start < db->settle_micros) {
        enum err e = ask_fate(c, f);
        if (e == ERR_OK || e == ERR_DB_BUSY || e == ERR_DB_UNCERTAIN)
            return e;
        pause_micros(SETTLE_PAUSE_MICROS);
    }
    return fail_set(f, ERR_DB_UNCERTAIN, NULL, "the connection was lost during the commit");
}

static enum err commit(struct pg_conn *c, struct fail *f)
{
    char tag[PG_ANSWER_SIZE] = "";
    PGresult *result = libpq.exec(c->link, "COMMIT");
    enum err e = libpq.resultStatus(result) == PGRES_COMMAND_OK ? ERR_OK : pg_fail(f, c, result, "commit");
    if (!e)
        snprintf(tag, sizeof tag, "%s", libpq.cmdStatus(result));
    libpq.clear(result);
    if (e && c->lost)
        return settle(c, f);
    if (!e && strcmp(tag, "COMMIT") != 0)
        return fail_set(f, ERR_DB, NULL, "the server rolled back");
    return e;
}

enum err pg_commit(struct pg_conn *c, struct fail *f)
{
    enum err e = commit(c, f);
    if (!e)
        pg_store(c->conn.db)->commits++;
    return e;
}

/* ---- keeping the session */

static enum err say_nothing(struct db_tx *tx UNUSED, struct fail *f UNUSED, void *arg UNUSED)
{
    return ERR_OK;
}

/* Waits for a part of the lease; false when the database is being closed. */
static bool ping_pause(struct pg_store *store, int64_t micros)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += micros / 1000000;
    until.tv_nsec += micros % 1000000 * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&store->lock);
    int code = 0;
    while (!store->stopping && !code)
        code = pthread_cond_timedwait(&store->wake, &store->lock, &until);
    bool goes_on = !store->stopping;
    pthread_mutex_unlock(&store->lock);
    return goes_on;
}

/* It also finds out, when nobody else writes, that the server is back or another process has taken over. */
static void *ping_run(void *arg)
{
    struct db *db = arg;
    struct pg_conn *writer = (struct pg_conn *)db->writer;
    int64_t pause = db->lease_micros / PINGS_A_LEASE;
    while (ping_pause(pg_store(db), pause)) {
        bool quiet = clock_steady() - atomic_load(&writer->used) >= pause;
        if ((quiet || db_is_away(db)) && db_transaction(db, NULL, say_nothing, NULL))
            continue; /* whoever changes something next is told */
    }
    return NULL;
}

enum err pg_ping_start(struct fail *f, struct db *db)
{
    struct pg_store *store = pg_store(db);
    store->pinging = pthread_create(&store->thread, NULL, ping_run, db) == 0;
    return store->pinging ? ERR_OK : fail_set(f, ERR_MEMORY, "thread", NULL);
}

void pg_ping_stop(struct db *db)
{
    struct pg_store *store = pg_store(db);
    if (!store || !store->pinging)
        return;
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    pthread_cond_broadcast(&store->wake);
    pthread_mutex_unlock(&store->lock);
    pthread_join(store->thread, NULL);
    store->pinging = false;
}
