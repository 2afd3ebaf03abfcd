/* SPDX-License-Identifier: Apache-2.0 */
/* How fast the log that proves itself grows, and how fast it is proven.
 *
 * Entries have the size and the alphabet of an identity notice, every one different, so that compression has
 * the work it has in use.
 *
 * append_per_s: one caller, 1,000 entries a transaction, as a batch of notices is taken. Baseline: the same
 * bytes inserted as plain rows by a bare loop, 1,000 a transaction.
 *
 * append_waiting_per_s: 64 callers, each waiting for its own entry to be on disk before it appends the next.
 * Baseline: a bare loop with a commit for each row, which is what callers without group commit would share.
 *
 * verify_per_s: every hash, tile and head of that log. Baseline: SHA-256 over the same bytes in memory, as
 * leaves. */
#include "bench.h"

#include "bare.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/sha256.h"
#include "ledger/ledger.h"

#include <pthread.h>
#include <unistd.h>

enum { ROW_APPEND, ROW_WAITING, ROW_VERIFY };
static const struct bench_row rows[] = {
    [ROW_APPEND] = {"ledger.append_per_s", "entries/s", GOAL_VALUE_LEAST, 200000,
                    "the same bytes as bare SQLite rows"},
    [ROW_WAITING] = {"ledger.append_waiting_per_s", "entries/s", GOAL_VALUE_LEAST, 20000,
                     "bare SQLite, a commit a row"},
    [ROW_VERIFY] = {"ledger.verify_per_s", "entries/s", GOAL_VALUE_LEAST, 1000000,
                    "SHA-256 of the same bytes"},
};

enum { PER_COMMIT = 1000, CALLERS = 64, SALT = 16, BODY_MAX = 1024, WAITING_PART = 2 };
static const char node[] = "cs.282049";

struct measured {
    const struct bench *bench;
    struct arena arena;
    int64_t count;
    struct key *key;
    uint8_t public_key[ED25519_PUBLIC];
    struct db *db;
    struct ledger *ledger;
};

/* ---- what is written */

static struct str make_body(int64_t row, char out[static BODY_MAX])
{
    struct random_seeded r = {(uint64_t)row};
    unsigned a = (unsigned)random_seeded_below(&r, 100000000), b = (unsigned)random_seeded_below(&r, 1000);
    int n = snprintf(
        out, BODY_MAX,
        "{\"id\":\"cs.282049/prefecture.28/%lld\",\"time\":\"2026-11-22T09:00:%02u.%06uZ\",\"body\":{"
        "\"resident_code\":\"%011u\",\"area_code\":\"282049\",\"name\":\"試験%u 太郎%u\",\"kana\":\"シケン "
        "タロウ\","
        "\"kana_state\":\"confirmed\",\"birth_date\":\"19%02u-%02u-%02u\",\"sex\":\"male\",\"address\":"
        "\"兵庫県西宮市六湛寺町%u番%u号\",\"town_code\":\"%06u\",\"postal_code\":\"66%05u\",\"individual_"
        "number\":"
        "\"%012u\",\"change\":{\"reason\":\"move_in\",\"date\":\"2026-%02u-%02u\",\"version\":1}}}",
        (long long)row, a % 60, a % 1000000, a, b, a % 97, a % 100, b % 12 + 1, a % 28 + 1, b, a % 30,
        a % 1000000, a % 100000, a * 7U, b % 12 + 1, a % 28 + 1);
    assert(n > 0 && n < BODY_MAX);
    return (struct str){out, (size_t)n};
}

struct append {
    struct measured *m;
    int64_t first, count;
};

static enum err append_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct append *a = arg;
    char body[BODY_MAX];
    enum err e = ERR_OK;
    for (int64_t i = a->first; i < a->first + a->count && !e; i++) {
        uint64_t index;
        e = ledger_append(a->m->ledger, tx, f, LEDGER_COMMUNICATION, STR("received identity_notice"),
                          make_body(i, body), &index);
    }
    return e;
}

/* One row's values live until the next row's. */
struct bare_row {
    char body[BODY_MAX];
    uint8_t salt[SALT];
};

static void fill_row(void *arg, int64_t row, struct db_value *values)
{
    struct bare_row *r = arg;
    random_bytes(r->salt, SALT);
    values[0] = db_int(row + 1);
    values[1] = db_bytes(r->salt, SALT);
    values[2] = (struct db_value){'b', 0, make_body(row, r->body)};
}

static enum err insert_bare(struct measured *m, struct fail *f, int64_t count, int64_t per_commit,
                            double *seconds)
{
    struct bare_row row;
    const struct bare_table t = {
        .create = "CREATE TABLE entry (id INTEGER PRIMARY KEY, salt BLOB, body BLOB) STRICT",
        .insert = "INSERT INTO entry (id, salt, body) VALUES ($1, $2, $3)",
        .columns = 3,
        .rows = count,
        .per_commit = per_commit,
        .fill = fill_row,
        .arg = &row,
    };
    return bare_sqlite(f, bench_path(m->bench, &m->arena, "bare.db"), &t, seconds);
}

/* ---- a log of our own */

static enum err open_log(struct measured *m, struct fail *f)
{
    static const struct db_module *const modules[] = {&ledger_module};
    const char *path = bench_path(m->bench, &m->arena, "ledger.db");
    unlink(path);
    enum err e = db_open(f, path, modules, COUNT_OF(modules), &m->db);
    return e ? e : ledger_open(f, m->db, node, m->key, &m->ledger);
}

static void close_log(struct measured *m)
{
    db_close(m->db);
    ledger_free(m->ledger);
    m->db = NULL;
    m->ledger = NULL;
}

static enum err append_all(struct measured *m, struct fail *f, int64_t count, double *seconds)
{
    enum err e = ERR_OK;
    double start = bench_now();
    for (int64_t done = 0; done < count && !e; done += PER_COMMIT) {
        struct append a = {m, done, count - done < PER_COMMIT ? count - done : PER_COMMIT};
        e = db_transaction(m->db, f, append_tx, &a);
    }
    *seconds = bench_now() - start;
    return e;
}

/* ---- appending in groups */

static enum err append_work(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    enum err e = open_log(m, f);
    if (!e)
        e = append_all(m, f, m->count, seconds);
    close_log(m);
    return e;
}

static enum err append_baseline(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    return insert_bare(m, f, m->count, PER_COMMIT, seconds);
}

/* ---- 64 callers, each waiting */

struct caller {
    pthread_t thread;
    struct append append;
    struct fail fail;
    enum err err;
    bool started;
};

static void *call_run(void *arg)
{
    struct caller *c = arg;
    const int64_t last = c->append.first + c->append.count;
    c->append.count = 1;
    for (; c->append.first < last && !c->err; c->append.first++)
        c->err = db_transaction(c->append.m->db, &c->fail, append_tx, &c->append);
    return NULL;
}

static enum err call_all(struct measured *m, struct fail *f, int64_t each)
{
    static struct caller callers[CALLERS];
    enum err e = ERR_OK;
    for (int64_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.append = {m, i * each, each}};
        callers[i].started = pthread_create(&callers[i].thread, NULL, call_run, &callers[i]) == 0;
        if (!callers[i].started)
            e = fail_set(f, ERR_MEMORY, "thread", NULL);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        if (callers[i].started)
            pthread_join(callers[i].thread, NULL);
        if (!e && callers[i].err)
            e = fail_set(f, callers[i].err, "append", "%s", callers[i].fail.detail);
    }
    return e;
}

static int64_t each_caller(const struct measured *m)
{
    int64_t each = m->count / WAITING_PART / CALLERS;
    return each ? each : 1;
}

static enum err waiting_work(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    enum err e = open_log(m, f);
    double start = bench_now();
    if (!e)
        e = call_all(m, f, each_caller(m));
    *seconds = bench_now() - start;
    close_log(m);
    return e;
}

static enum err waiting_baseline(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    return insert_bare(m, f, CALLERS * each_caller(m), 1, seconds);
}

/* ---- proving */

static enum err verify_work(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    struct ledger_verify_result result;
    const struct ledger_verify_options options = {.public_key = m->public_key};
    double start = bench_now();
    enum err e = ledger_verify(f, m->db, node, &options, &result);
    *seconds = bench_now() - start;
    if (!e && (result.findings || result.entries != (uint64_t)m->count))
        return fail_set(f, ERR_STATE, "verify", "%llu findings", (unsigned long long)result.findings);
    return e;
}

/* All leaves as they are hashed: 0, salt, body. */
static enum err make_leaves(struct measured *m, struct fail *f, struct buf *leaves)
{
    char body[BODY_MAX];
    for (int64_t i = 0; i < m->count; i++) {
        uint8_t salt[SALT];
        struct str text = make_body(i, body);
        random_bytes(salt, sizeof salt);
        buf_add_u32(leaves, (uint32_t)(1 + SALT + text.n));
        buf_add_u8(leaves, 0);
        buf_add(leaves, salt, SALT);
        buf_add_str(leaves, text);
    }
    return buf_check(leaves, f, "leaves");
}

static enum err verify_baseline(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    struct buf leaves;
    uint8_t seen = 0;
    buf_init(&leaves, (size_t)m->count * (BODY_MAX + 64));
    enum err e = make_leaves(m, f, &leaves);
    double start = bench_now();
    for (size_t at = 0; at < leaves.n;) {
        const uint8_t *p = (const uint8_t *)leaves.p + at;
        size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
        seen ^= sha256_of((struct str){leaves.p + at + 4, n}).bytes[0];
        at += 4 + n;
    }
    *seconds = bench_now() - start;
    leaves.p[0] = (char)seen;
    buf_release(&leaves);
    return e;
}

/* ---- */

static enum err show(struct bench *b, struct fail *f, struct measured *m, size_t row, bench_work work,
                     bench_work baseline, int64_t count)
{
    struct bench_turns t;
    enum err e = bench_in_turn(f, work, baseline, m, &t);
    if (!e)
        bench_rate(b, row, &t, count);
    return e;
}

static enum err verify_one_log(struct bench *b, struct fail *f, struct measured *m)
{
    double seconds;
    enum err e = open_log(m, f);
    if (!e)
        e = append_all(m, f, m->count, &seconds);
    if (!e)
        e = ledger_sign_head(m->ledger, f, NULL);
    if (!e)
        e = show(b, f, m, ROW_VERIFY, verify_work, verify_baseline, m->count);
    close_log(m);
    return e;
}

static enum err make_key(struct measured *m, struct fail *f)
{
    const uint8_t seed[ED25519_SEED] = {1};
    enum err e = key_from_seed(f, seed, &m->key);
    return e ? e : key_public(f, m->key, m->public_key);
}

static enum err run(struct bench *b, struct fail *f)
{
    struct measured m = {.bench = b, .count = b->size};
    arena_init(&m.arena, 1024 * 1024);
    enum err e = make_key(&m, f);
    if (!e)
        e = show(b, f, &m, ROW_APPEND, append_work, append_baseline, m.count);
    if (!e)
        e = show(b, f, &m, ROW_WAITING, waiting_work, waiting_baseline, CALLERS * each_caller(&m));
    if (!e)
        e = verify_one_log(b, f, &m);
    key_free(m.key);
    arena_release(&m.arena);
    return e;
}

const struct bench_group bench_ledger = {"ledger", "entries", 20000, rows, COUNT_OF(rows), run, false};
