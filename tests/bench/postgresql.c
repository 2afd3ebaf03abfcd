/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs that a server on PostgreSQL numbers under a fence (src/db/postgres_writer.c), on a PostgreSQL
 * of the measurement's own, with fsync and whole pages, whose files stand in /tmp.
 *
 * append_per_s, append_waiting_per_s: as those of the group `ledger`. Baseline: the same bytes as plain rows
 * by a bare libpq session; in groups each transaction is sent in one go, waiting a commit a row.
 *
 * commit_*: a lone db_transaction that adds one small row: BEGIN with the fence and the row of db_commit; the
 * row; COMMIT. Baseline: the same row by a bare session, in one trip; and beside_begin, in three trips of
 * BEGIN, row, COMMIT, so that what lies above it is the fence. All three take turns.
 *
 * change_*: as those of the group `change`, every server and the register on PostgreSQL. */
#include "../unit/postgres.h"
#include "append.h"
#include "bare.h"
#include "bare_commit.h"
#include "bench.h"
#include "hops.h"
#include "sample_sql.h"
#include "single.h"

#include <unistd.h>

enum { ROW_APPEND, ROW_WAITING, ROW_COMMIT50, ROW_COMMIT99, ROW_FENCE50, ROW_CHANGE50, ROW_CHANGE99 };
static const char one_trip[] = "bare libpq, one row a commit",
                  hops_50[] = "4 SQLite commits and 4 TLS round trips", hops_99[] = "the same, its p99";
static const struct bench_row rows[] = {
    [ROW_APPEND] = {"postgresql.append_per_s", "entries/s", GOAL_NONE, 0,
                    "the same bytes as rows, pipelined"},
    [ROW_WAITING] = {"postgresql.append_waiting_per_s", "entries/s", GOAL_NONE, 0,
                     "bare libpq, a commit a row"},
    [ROW_COMMIT50] = {"postgresql.commit_p50_us", "us", GOAL_NONE, 0, one_trip},
    [ROW_COMMIT99] = {"postgresql.commit_p99_us", "us", GOAL_NONE, 0, "the same, its p99"},
    [ROW_FENCE50] = {"postgresql.commit_beside_begin", "us", GOAL_NONE, 0, "BEGIN, row, COMMIT, bare libpq"},
    [ROW_CHANGE50] = {"postgresql.change_p50_ms", "ms", GOAL_NONE, 0, hops_50},
    [ROW_CHANGE99] = {"postgresql.change_p99_ms", "ms", GOAL_NONE, 0, hops_99},
};

enum { ENTRIES_EACH = 20, WAITING_PART = 2, WARM_UP = 5 };

struct measured {
    struct bench *bench;
    struct arena arena;
    struct key *key;
    double *ours, *one, *three; /* seconds, of bench->size samples each */
};

/* ---- appending */

static int64_t entries(const struct measured *m)
{
    return ENTRIES_EACH * m->bench->size;
}

static int64_t each_caller(const struct measured *m)
{
    int64_t each = entries(m) / WAITING_PART / APPEND_CALLERS;
    return each ? each : 1;
}

static enum err append_work(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    struct append_log log;
    enum err e = append_open(f, postgres_fresh(), m->key, &log);
    if (!e)
        e = append_groups(&log, f, entries(m), seconds);
    append_close(&log);
    return e;
}

static enum err waiting_work(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    struct append_log log;
    enum err e = append_open(f, postgres_fresh(), m->key, &log);
    if (!e)
        e = append_waiting(&log, f, each_caller(m), seconds);
    append_close(&log);
    return e;
}

static enum err insert_bare(struct fail *f, int64_t count, int64_t per_commit, double *seconds)
{
    struct append_row row;
    const struct bare_table t = {
        .create = "CREATE TABLE entry (id BIGINT PRIMARY KEY, salt BYTEA, body BYTEA)",
        .insert = "INSERT INTO entry (id, salt, body) VALUES ($1, $2, $3)",
        .columns = 3,
        .rows = count,
        .per_commit = per_commit,
        .fill = append_fill,
        .arg = &row,
    };
    return bare_postgres(f, postgres_fresh(), &t, seconds);
}

static enum err append_baseline(void *arg, struct fail *f, double *seconds)
{
    return insert_bare(f, entries(arg), APPEND_PER_COMMIT, seconds);
}

static enum err waiting_baseline(void *arg, struct fail *f, double *seconds)
{
    return insert_bare(f, APPEND_CALLERS * each_caller(arg), 1, seconds);
}

static enum err measure_appends(struct measured *m, struct fail *f)
{
    struct bench_turns t;
    enum err e = bench_in_turn(f, append_work, append_baseline, m, &t);
    if (!e)
        bench_rate(m->bench, ROW_APPEND, &t, entries(m));
    if (!e)
        e = bench_in_turn(f, waiting_work, waiting_baseline, m, &t);
    if (!e)
        bench_rate(m->bench, ROW_WAITING, &t, APPEND_CALLERS * each_caller(m));
    return e;
}

/* ---- a lone transaction */

static enum err add_row(struct db_tx *tx, struct fail *f, void *arg)
{
    const int64_t *id = arg;
    return db_exec(tx, f, &sql_sample_row_add, DB(db_int(*id), db_text(STR("a note"))), NULL);
}

static enum err commit_once(struct db *db, struct fail *f, int64_t id, double *seconds)
{
    double start = bench_now();
    enum err e = db_transaction(db, f, add_row, &id);
    *seconds = bench_now() - start;
    return e;
}

/* Those before the first sample warm up. */
static enum err commit_in_turn(struct measured *m, struct fail *f, struct db *db, struct bare_commit *bare)
{
    double warm;
    enum err e = ERR_OK;
    for (int64_t i = -WARM_UP; i < m->bench->size && !e; i++) {
        e = commit_once(db, f, i, i < 0 ? &warm : &m->ours[i]);
        if (!e)
            e = bare_commit_once(bare, f, BARE_ONE_TRIP, i < 0 ? &warm : &m->one[i]);
        if (!e)
            e = bare_commit_once(bare, f, BARE_THREE_TRIPS, i < 0 ? &warm : &m->three[i]);
    }
    return e;
}

static void show(struct measured *m, size_t row, double part, double scale, double *baseline)
{
    const size_t n = (size_t)m->bench->size;
    struct bench_value v = bench_percentile(m->ours, n, part, scale);
    v.baseline = bench_percentile(baseline, n, part, scale).value;
    bench_show(m->bench, row, &v);
}

static enum err measure_commits(struct measured *m, struct fail *f)
{
    static const struct db_module *const modules[] = {&sample_module};
    struct bare_commit *bare = NULL;
    struct db *db = NULL;
    enum err e = db_open(f, postgres_fresh(), modules, COUNT_OF(modules), &db);
    if (!e)
        e = bare_commit_new(f, postgres_fresh(), &bare);
    if (!e)
        e = commit_in_turn(m, f, db, bare);
    if (!e) {
        show(m, ROW_COMMIT50, 0.5, 1e6, m->one);
        show(m, ROW_COMMIT99, 0.99, 1e6, m->one);
        show(m, ROW_FENCE50, 0.5, 1e6, m->three);
    }
    bare_commit_free(bare);
    db_close(db);
    return e;
}

/* ---- one change through the network */

/* One line more in its configuration. */
static enum err put_on_postgresql(struct fail *f, const struct network_node *node)
{
    char path[TOWN_PATH_SIZE];
    snprintf(path, sizeof path, "%.*s/juki.yaml", STR_ARG(node->folder));
    FILE *file = fopen(path, "ae");
    bool good = file && fprintf(file, "database: \"%s\"\n", postgres_fresh()) > 0;
    if (file && fclose(file) != 0)
        good = false;
    return good ? ERR_OK : fail_errno(f, ERR_IO, path);
}

static enum err start_town(struct measured *m, struct fail *f, struct town **out)
{
    enum err e = town_make(f, bench_path(m->bench, &m->arena, "town"), out);
    if (e)
        return e;
    const struct network *n = town_network(*out);
    for (size_t i = 0; i < n->count && !e; i++)
        e = put_on_postgresql(f, &n->nodes[i]);
    return e ? e : town_up(*out, f);
}

static enum err change_in_turn(struct measured *m, struct fail *f, struct single *single, struct hops *hops)
{
    double warm[WARM_UP];
    enum err e = single_many(single, f, warm, WARM_UP);
    for (int64_t i = 0; i < m->bench->size && !e; i++) {
        e = single_once(single, f, &m->ours[i], NULL);
        if (!e)
            e = hops_once(hops, f, &m->one[i]);
    }
    return e;
}

static enum err measure_changes(struct measured *m, struct fail *f)
{
    struct town *town = NULL;
    struct single *single = NULL;
    struct hops *hops = NULL;
    enum err e = hops_new(f, m->bench->folder, &hops);
    if (!e)
        e = start_town(m, f, &town);
    if (!e)
        e = single_new(f, m->bench->folder, town, m->bench->size + WARM_UP, &single);
    if (!e)
        e = change_in_turn(m, f, single, hops);
    if (!e) {
        show(m, ROW_CHANGE50, 0.5, 1e3, m->one);
        show(m, ROW_CHANGE99, 0.99, 1e3, m->one);
    }
    single_free(single);
    town_free(town);
    hops_free(hops);
    return e;
}

/* ---- */

static enum err prepare(struct measured *m, struct fail *f)
{
    const size_t bytes = (size_t)m->bench->size * sizeof(double);
    m->ours = arena_alloc(&m->arena, bytes);
    m->one = arena_alloc(&m->arena, bytes);
    m->three = arena_alloc(&m->arena, bytes);
    return m->ours && m->one && m->three ? append_key(f, &m->key) : fail_set(f, ERR_MEMORY, "samples", NULL);
}

static enum err measure(struct measured *m, struct fail *f)
{
    enum err e = prepare(m, f);
    if (!e)
        e = measure_appends(m, f);
    if (!e)
        e = measure_commits(m, f);
    return e ? e : measure_changes(m, f);
}

static enum err run(struct bench *b, struct fail *f)
{
    struct measured m = {.bench = b};
    if (!postgres_start_durable()) {
        bench_note(b, "left out: JUKI_TEST_NO_POSTGRES is set");
        b->figures = b->group->count;
        return ERR_OK;
    }
    arena_init(&m.arena, (size_t)b->size * 3 * sizeof(double) + (1 << 20));
    enum err e = measure(&m, f);
    key_free(m.key);
    arena_release(&m.arena);
    postgres_stop();
    return e;
}

const struct bench_group bench_postgresql = {
    "postgresql",   "changes, as many lone commits, and twenty entries for each",
    1000,           rows,
    COUNT_OF(rows), run,
    false};
