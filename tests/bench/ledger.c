/* SPDX-License-Identifier: Apache-2.0 */
/* How fast the log that proves itself grows, and how fast it is proven.
 *
 * The entries are those of append.h.
 *
 * append_per_s: one caller, 1,000 entries a transaction, as a batch of notices is taken. Baseline: the same
 * bytes inserted as plain rows by a bare loop, 1,000 a transaction.
 *
 * append_waiting_per_s: 64 callers, each waiting for its own entry to be on disk before it appends the next.
 * Baseline: a bare loop with a commit for each row, which is what callers without group commit would share.
 *
 * verify_per_s: every hash, tile and head of that log. Baseline: SHA-256 over the same bytes in memory, as
 * leaves. */
#include "append.h"
#include "bare.h"
#include "bench.h"

#include "base/random.h"
#include "base/sha256.h"

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

enum { WAITING_PART = 20 };

struct measured {
    const struct bench *bench;
    struct arena arena;
    int64_t count;
    struct key *key;
    uint8_t public_key[ED25519_PUBLIC];
    struct append_log log;
};

static enum err insert_bare(struct measured *m, struct fail *f, int64_t count, int64_t per_commit,
                            double *seconds)
{
    struct append_row row;
    const struct bare_table t = {
        .create = "CREATE TABLE entry (id INTEGER PRIMARY KEY, salt BLOB, body BLOB) STRICT",
        .insert = "INSERT INTO entry (id, salt, body) VALUES ($1, $2, $3)",
        .columns = 3,
        .rows = count,
        .per_commit = per_commit,
        .fill = append_fill,
        .arg = &row,
    };
    return bare_sqlite(f, bench_path(m->bench, &m->arena, "bare.db"), &t, seconds);
}

static enum err open_log(struct measured *m, struct fail *f)
{
    const char *path = bench_path(m->bench, &m->arena, "ledger.db");
    unlink(path);
    return append_open(f, path, m->key, &m->log);
}

/* ---- appending in groups */

static enum err append_work(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    enum err e = open_log(m, f);
    if (!e)
        e = append_groups(&m->log, f, m->count, seconds);
    append_close(&m->log);
    return e;
}

static enum err append_baseline(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    return insert_bare(m, f, m->count, APPEND_PER_COMMIT, seconds);
}

/* ---- 64 callers, each waiting */

static int64_t each_caller(const struct measured *m)
{
    int64_t each = m->count / WAITING_PART / APPEND_CALLERS;
    return each ? each : 1;
}

static enum err waiting_work(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    enum err e = open_log(m, f);
    if (!e)
        e = append_waiting(&m->log, f, each_caller(m), seconds);
    append_close(&m->log);
    return e;
}

static enum err waiting_baseline(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    return insert_bare(m, f, APPEND_CALLERS * each_caller(m), 1, seconds);
}

/* ---- proving */

static enum err verify_work(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    struct ledger_verify_result result;
    const struct ledger_verify_options options = {.public_key = m->public_key};
    double start = bench_now();
    enum err e = ledger_verify(f, m->log.db, APPEND_NODE, &options, &result);
    *seconds = bench_now() - start;
    if (!e && (result.findings || result.entries != (uint64_t)m->count))
        return fail_set(f, ERR_STATE, "verify", "%llu findings", (unsigned long long)result.findings);
    return e;
}

/* All leaves as they are hashed: 0, salt, body. */
static enum err make_leaves(struct measured *m, struct fail *f, struct buf *leaves)
{
    char body[APPEND_BODY_MAX];
    for (int64_t i = 0; i < m->count; i++) {
        uint8_t salt[APPEND_SALT];
        struct str text = append_body(i, body);
        random_bytes(salt, sizeof salt);
        buf_add_u32(leaves, (uint32_t)(1 + APPEND_SALT + text.n));
        buf_add_u8(leaves, 0);
        buf_add(leaves, salt, APPEND_SALT);
        buf_add_str(leaves, text);
    }
    return buf_check(leaves, f, "leaves");
}

static enum err verify_baseline(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    struct buf leaves;
    uint8_t seen = 0;
    buf_init(&leaves, (size_t)m->count * (APPEND_BODY_MAX + 64));
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
        e = append_groups(&m->log, f, m->count, &seconds);
    if (!e)
        e = ledger_sign_head(m->log.ledger, f, NULL);
    if (!e)
        e = show(b, f, m, ROW_VERIFY, verify_work, verify_baseline, m->count);
    append_close(&m->log);
    return e;
}

static enum err make_key(struct measured *m, struct fail *f)
{
    enum err e = append_key(f, &m->key);
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
        e = show(b, f, &m, ROW_WAITING, waiting_work, waiting_baseline, APPEND_CALLERS * each_caller(&m));
    if (!e)
        e = verify_one_log(b, f, &m);
    key_free(m.key);
    arena_release(&m.arena);
    return e;
}

const struct bench_group bench_ledger = {"ledger", "entries", 200000, rows, COUNT_OF(rows), run, false};
