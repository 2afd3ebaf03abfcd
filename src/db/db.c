/* SPDX-License-Identifier: Apache-2.0 */
/* What both stores share: opening and closing, the pool of snapshots, and the guard around each statement.
 *
 * The guard keeps both stores alike: parameters have the types the .sql file declares, a snapshot ends after
 * 5 s, and once a statement has failed the change is lost, whatever its function answers. (PostgreSQL refuses
 * all that follows in the transaction; SQLite would go on, and code tested on it alone would break on the
 * other.) */
#include "db/db.h"
#include "db/backend.h"

#include "base/clock.h"

#include <ctype.h>

static enum err locks_init(struct db *db)
{
    if (pthread_mutex_init(&db->queue_lock, NULL) || pthread_mutex_init(&db->pool_lock, NULL) ||
        pthread_cond_init(&db->queue_idle, NULL) || pthread_cond_init(&db->pool_free, NULL))
        return ERR_MEMORY;
    return ERR_OK;
}

bool db_is_postgresql(const char *url)
{
    struct str s = str_of(url);
    return str_starts(s, STR("postgresql://")) || str_starts(s, STR("postgres://"));
}

static enum err db_new(struct fail *f, const char *url, const struct db_module *const *modules, size_t count,
                       struct db **out)
{
    struct db *db = memory_new(sizeof *db);
    if (!db || locks_init(db)) {
        memory_free(db);
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    }
    db->backend = db_is_postgresql(url) ? &db_postgres : &db_sqlite;
    db->modules = modules;
    db->module_count = count;
    db->read_micros = DB_READ_MICROS;
    db->settle_micros = DB_SETTLE_MICROS;
    db->patience_micros = DB_PATIENCE_MILLIS * 1000;
    db->lease_micros = DB_LEASE_MICROS;
    *out = db;
    return ERR_OK;
}

enum err db_open(struct fail *f, const char *url, const struct db_module *const *modules, size_t count,
                 struct db **out)
{
    struct db *db;
    enum err e = db_new(f, url, modules, count, &db);
    if (e)
        return e;
    e = db->backend->open(f, db, url);
    if (!e)
        e = db->backend->connect(f, db, true, &db->writer);
    if (!e)
        e = db_migrate(f, db);
    if (!e) {
        db->serving = true;
        e = db->backend->serve ? db->backend->serve(f, db) : ERR_OK;
    }
    if (e) {
        db_close(db);
        return e;
    }
    *out = db;
    return ERR_OK;
}

enum err db_open_reader(struct fail *f, const char *url, const struct db_module *const *modules, size_t count,
                        struct db **out)
{
    struct db *db;
    enum err e = db_new(f, url, modules, count, &db);
    if (e)
        return e;
    db->reader = true;
    e = db->backend->open(f, db, url);
    if (!e)
        e = db_check_schema(f, db);
    if (e) {
        db_close(db);
        return e;
    }
    *out = db;
    return ERR_OK;
}

static void pool_drain(struct db *db)
{
    pthread_mutex_lock(&db->pool_lock);
    for (size_t i = 0; i < DB_READERS; i++) {
        while (db->taken[i])
            pthread_cond_wait(&db->pool_free, &db->pool_lock);
        db->backend->disconnect(db->readers[i]);
        db->readers[i] = NULL;
    }
    pthread_mutex_unlock(&db->pool_lock);
}

void db_close(struct db *db)
{
    if (!db)
        return;
    if (db->backend->stop)
        db->backend->stop(db);
    db_drain(db);
    pool_drain(db);
    db->backend->disconnect(db->writer);
    db->backend->close(db);
    pthread_cond_destroy(&db->pool_free);
    pthread_cond_destroy(&db->queue_idle);
    pthread_mutex_destroy(&db->pool_lock);
    pthread_mutex_destroy(&db->queue_lock);
    memory_free(db);
}

const char *db_backend(const struct db *db)
{
    return db->backend->name;
}

enum err db_reserve_log(struct db *db, struct fail *f, size_t bytes)
{
    return db->backend->reserve_log ? db->backend->reserve_log(f, db, bytes) : ERR_OK;
}

void db_hold_file(struct db *db)
{
    if (db->backend->hold)
        db->backend->hold(db, true);
}

void db_release_file(struct db *db)
{
    if (db->backend->hold)
        db->backend->hold(db, false);
}

void db_follow(struct db *db, const struct db_follower *follower)
{
    assert(db->follower_count < DB_FOLLOWERS);
    db->followers[db->follower_count++] = *follower;
}

void db_on_broken(struct db *db, void (*broken)(void *arg, const struct fail *f), void *arg)
{
    db->broken = broken;
    db->broken_arg = arg;
}

void db_break(struct db *db, const struct fail *f)
{
    if (!db->serving)
        return;
    if (!atomic_exchange(&db->is_broken, true) && db->broken)
        db->broken(db->broken_arg, f);
    abort();
}

void db_on_lost(struct db *db, void (*lost)(void *arg, const struct fail *f), void *arg)
{
    db->lost = lost;
    db->lost_arg = arg;
}

void db_lose(struct db *db, const struct fail *why)
{
    if (atomic_load(&db->is_lost) || !db->serving)
        return;
    db->lost_why = *why;
    atomic_store(&db->is_lost, true);
    if (db->lost)
        db->lost(db->lost_arg, why);
}

bool db_may_write(const struct db *db)
{
    return !atomic_load(&db->is_lost);
}

void db_give_up(struct db *db)
{
    atomic_store(&db->giving_up, true);
}

void db_away(struct db *db, bool away)
{
    atomic_store(&db->is_away, away);
}

bool db_is_away(const struct db *db)
{
    return atomic_load(&db->is_away);
}

static enum err nothing(struct db_tx *tx UNUSED, struct fail *f UNUSED, void *arg UNUSED)
{
    return ERR_OK;
}

enum err db_health(struct db *db, struct fail *f)
{
    if (db_is_away(db) && db_may_write(db))
        return fail_set(f, ERR_DB_BUSY, NULL, "PostgreSQL does not answer");
    return db_transaction(db, f, nothing, NULL);
}

/* ---- snapshots */

static size_t pool_take(struct db *db)
{
    pthread_mutex_lock(&db->pool_lock);
    for (;;) {
        for (size_t i = 0; i < DB_READERS; i++)
            if (!db->taken[i]) {
                db->taken[i] = true;
                db->owners[i] = pthread_self();
                db->taken_count++;
                pthread_mutex_unlock(&db->pool_lock);
                return i;
            }
        pthread_cond_wait(&db->pool_free, &db->pool_lock);
    }
}

static void pool_give(struct db *db, size_t i)
{
    pthread_mutex_lock(&db->pool_lock);
    db->taken[i] = false;
    if (--db->taken_count < db->taken_least)
        db->taken_least = db->taken_count;
    pthread_cond_broadcast(&db->pool_free);
    pthread_mutex_unlock(&db->pool_lock);
}

int db_readers_busy(struct db *db)
{
    pthread_mutex_lock(&db->pool_lock);
    int busy = db->taken_least;
    db->taken_least = db->taken_count;
    pthread_mutex_unlock(&db->pool_lock);
    return busy;
}

bool db_reads_here(struct db *db)
{
    bool found = false;
    pthread_mutex_lock(&db->pool_lock);
    for (size_t i = 0; i < DB_READERS; i++)
        found = found || (db->taken[i] && pthread_equal(db->owners[i], pthread_self()));
    pthread_mutex_unlock(&db->pool_lock);
    return found;
}

static enum err read_once(struct db *db, struct fail *f, struct db_conn **conn, db_fn fn, void *arg)
{
    if (!*conn) {
        enum err e = db->backend->connect(f, db, false, conn);
        if (e)
            return e;
    }
    enum err e = db->backend->control(*conn, f, DB_BEGIN_READ);
    if (e)
        return e;
    struct db_tx tx = {.db = db, .conn = *conn, .deadline = clock_steady() + db->read_micros};
    e = fn(&tx, f, arg);
    assert(!tx.open_rows);
    if (!e && tx.doom.err) {
        e = tx.doom.err;
        if (f)
            *f = tx.doom;
    }
    struct fail ignored;
    if (db->backend->control(*conn, &ignored, DB_ROLLBACK)) {
        db->backend->disconnect(*conn);
        *conn = NULL;
    }
    return e;
}

enum err db_read(struct db *db, struct fail *f, db_fn fn, void *arg)
{
    enum { ATTEMPTS = 3 };
    assert(!db_reads_here(db));
    size_t i = pool_take(db);
    enum err e = ERR_DB_BUSY;
    for (int n = 0; n < ATTEMPTS && e == ERR_DB_BUSY; n++)
        e = read_once(db, f, &db->readers[i], fn, arg);
    pool_give(db, i);
    return e;
}

/* ---- statements */

static void check_values(const struct db_stmt *stmt, const struct db_value *values, size_t count)
{
    assert(strlen(stmt->params) == count);
    for (size_t i = 0; i < count; i++) {
        char want = stmt->params[i];
        assert(values[i].type == tolower(want) || (values[i].type == 'n' && isupper(want)));
    }
}

static enum err may_run(struct db_tx *tx, struct fail *f)
{
    if (tx->doom.err) {
        if (f)
            *f = tx->doom;
        return tx->doom.err;
    }
    if (tx->deadline && clock_steady() > tx->deadline) {
        fail_set(&tx->doom, ERR_DB_SNAPSHOT_TIME, NULL, NULL);
        return fail_set(f, ERR_DB_SNAPSHOT_TIME, NULL, NULL);
    }
    return ERR_OK;
}

static void doom(struct db_tx *tx, const struct fail *why)
{
    if (!tx->doom.err)
        tx->doom = *why;
    if (why->err == ERR_DB_BROKEN && !tx->deadline)
        db_break(tx->db, why);
}

enum err db_exec(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt, const struct db_value *values,
                 size_t count, int64_t *changed)
{
    check_values(stmt, values, count);
    enum err e = may_run(tx, f);
    if (e)
        return e;
    struct fail own;
    tx->changes++;
    e = tx->db->backend->exec(tx, &own, stmt, values, changed);
    if (!e)
        return ERR_OK;
    doom(tx, &own);
    if (f)
        *f = own;
    return e;
}

enum err db_tx_begin_change(struct db_tx *tx, struct fail *f)
{
    enum err e = may_run(tx, f);
    if (!e)
        tx->changes++;
    return e;
}

void *db_tx_follower(const struct db_tx *tx, void (*committed)(void *self))
{
    for (size_t i = 0; i < tx->db->follower_count && !tx->deadline; i++)
        if (tx->db->followers[i].committed == committed)
            return tx->db->followers[i].self;
    return NULL;
}

int64_t db_tx_changes(const struct db_tx *tx)
{
    return tx->changes;
}

void db_query(struct db_tx *tx, struct db_rows *rows, const struct db_stmt *stmt,
              const struct db_value *values, size_t count)
{
    check_values(stmt, values, count);
    rows->tx = tx;
    rows->handle = NULL;
    rows->row = -1;
    rows->fail.err = ERR_OK;
    tx->open_rows++;
    if (may_run(tx, &rows->fail))
        return;
    if (tx->db->backend->query(tx, rows, stmt, values))
        doom(tx, &rows->fail);
}

bool db_next(struct db_rows *rows)
{
    if (rows->fail.err || !rows->handle || may_run(rows->tx, &rows->fail))
        return false;
    bool found = rows->tx->db->backend->next(rows);
    if (!found && rows->fail.err)
        doom(rows->tx, &rows->fail);
    return found;
}

enum err db_done(struct db_rows *rows, struct fail *f)
{
    if (rows->handle)
        rows->tx->db->backend->done(rows);
    rows->handle = NULL;
    rows->tx->open_rows--;
    if (rows->fail.err && f)
        *f = rows->fail;
    return rows->fail.err;
}

bool db_row_null(const struct db_rows *rows, int column)
{
    return rows->tx->db->backend->row_null(rows, column);
}

int64_t db_row_int(const struct db_rows *rows, int column)
{
    return rows->tx->db->backend->row_int(rows, column);
}

struct str db_row_text(const struct db_rows *rows, int column)
{
    return rows->tx->db->backend->row_bytes(rows, column);
}

struct str db_row_bytes(const struct db_rows *rows, int column)
{
    return rows->tx->db->backend->row_bytes(rows, column);
}

void db_stats(struct db *db, struct db_stats *out)
{
    pthread_mutex_lock(&db->queue_lock);
    *out = db->counts;
    pthread_mutex_unlock(&db->queue_lock);
    db->backend->stats(db, out);
}
