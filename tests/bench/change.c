/* SPDX-License-Identifier: Apache-2.0 */
/* How long one change takes (single.h): alone, and while checkpoints, head signing and a backup run (busy.h).
 *
 * Quiet and busy rounds of 100 changes take turns (quiet, busy, busy, quiet ...), so that the size of the
 * databases and a neighbour on the machine meet both alike; the percentiles are those of all rounds together.
 *
 * recorded: until the register's own record of the outcome is on its disk as well.
 *
 * Baseline (hops.h): four commits and four TLS round trips, taken in turn with the quiet changes; our changes
 * make the way back as well. */
#include "busy.h"
#include "hops.h"
#include "single.h"

#include "bench.h"

enum { ROW_P50, ROW_P99, ROW_RECORDED_P50, ROW_RECORDED_P99, ROW_BUSY_P50, ROW_BUSY_P99, ROW_BUSY_RATIO };
static const char baseline_p50[] = "4 commits and 4 TLS round trips", baseline_p99[] = "the same, its p99";
static const struct bench_row rows[] = {
    [ROW_P50] = {"change.p50_ms", "ms", GOAL_VALUE_MOST, 5, baseline_p50},
    [ROW_P99] = {"change.p99_ms", "ms", GOAL_VALUE_MOST, 20, baseline_p99},
    [ROW_RECORDED_P50] = {"change.recorded_p50_ms", "ms", GOAL_NONE, 0, "change.p50_ms"},
    [ROW_RECORDED_P99] = {"change.recorded_p99_ms", "ms", GOAL_NONE, 0, "change.p99_ms"},
    [ROW_BUSY_P50] = {"change.busy_p50_ms", "ms", GOAL_NONE, 0, "change.p50_ms"},
    [ROW_BUSY_P99] = {"change.busy_p99_ms", "ms", GOAL_VALUE_MOST, 20, "change.p99_ms"},
    [ROW_BUSY_RATIO] = {"change.busy_p99_ratio", "", GOAL_VALUE_MOST, 1.2, ""},
};

enum { WARM_UP = 5, ROUND = 100, RESIDENTS_EACH = 20 };

struct measured {
    struct town *town;
    struct single *single;
    struct hops *hops;
    struct busy *busy;
    double *quiet, *recorded, *loud, *baseline;
};

static enum err quiet_round(struct measured *m, struct fail *f, int64_t from, int64_t count)
{
    enum err e = ERR_OK;
    for (int64_t i = from; i < from + count && !e; i++) {
        e = single_once(m->single, f, &m->quiet[i], &m->recorded[i]);
        if (!e)
            e = hops_once(m->hops, f, &m->baseline[i]);
    }
    return e;
}

static enum err busy_round(struct measured *m, struct fail *f, int64_t from, int64_t count)
{
    busy_begin(m->busy);
    enum err e = single_many(m->single, f, m->loud + from, count), rested = busy_rest(m->busy, e ? NULL : f);
    return e ? e : rested;
}

static enum err change_all(struct measured *m, struct fail *f, int64_t count)
{
    double warm[WARM_UP];
    enum err e = single_many(m->single, f, warm, WARM_UP);
    for (int64_t from = 0, round = 0; from < count && !e; from += ROUND, round++) {
        int64_t n = count - from < ROUND ? count - from : ROUND;
        e = round % 2 ? busy_round(m, f, from, n) : quiet_round(m, f, from, n);
        if (!e)
            e = round % 2 ? quiet_round(m, f, from, n) : busy_round(m, f, from, n);
    }
    return e;
}

static void show_pair(struct bench *b, size_t row, struct bench_value v, double baseline)
{
    v.baseline = baseline;
    bench_show(b, row, &v);
}

static void show(struct bench *b, struct measured *m)
{
    const size_t n = (size_t)b->size;
    struct bench_value p50 = bench_percentile(m->quiet, n, 0.5, 1e3),
                       p99 = bench_percentile(m->quiet, n, 0.99, 1e3),
                       recorded50 = bench_percentile(m->recorded, n, 0.5, 1e3),
                       recorded99 = bench_percentile(m->recorded, n, 0.99, 1e3),
                       busy50 = bench_percentile(m->loud, n, 0.5, 1e3),
                       busy99 = bench_percentile(m->loud, n, 0.99, 1e3),
                       base50 = bench_percentile(m->baseline, n, 0.5, 1e3),
                       base99 = bench_percentile(m->baseline, n, 0.99, 1e3);
    show_pair(b, ROW_P50, p50, base50.value);
    show_pair(b, ROW_P99, p99, base99.value);
    show_pair(b, ROW_RECORDED_P50, recorded50, p50.value);
    show_pair(b, ROW_RECORDED_P99, recorded99, p99.value);
    show_pair(b, ROW_BUSY_P50, busy50, p50.value);
    show_pair(b, ROW_BUSY_P99, busy99, p99.value);
    bench_show(b, ROW_BUSY_RATIO,
               &(struct bench_value){.value = busy99.value / p99.value,
                                     .least = busy99.least / p99.most,
                                     .most = busy99.most / p99.least,
                                     .samples = busy99.samples});
}

static void say_how_busy(struct bench *b, const struct measured *m)
{
    struct busy_count c = busy_counts(m->busy);
    bench_note(b, "during the busy rounds: %lld checkpoints, %lld heads, %lld backups",
               (long long)c.checkpoints, (long long)c.heads, (long long)c.backups);
}

static enum err prepare(struct bench *b, struct fail *f, struct arena *a, struct measured *m)
{
    const size_t bytes = (size_t)b->size * sizeof(double);
    m->quiet = arena_alloc(a, bytes);
    m->recorded = arena_alloc(a, bytes);
    m->loud = arena_alloc(a, bytes);
    m->baseline = arena_alloc(a, bytes);
    if (!m->quiet || !m->recorded || !m->loud || !m->baseline)
        return fail_set(f, ERR_MEMORY, "change", NULL);
    enum err e = hops_new(f, b->folder, &m->hops);
    if (!e)
        e = town_start(f, bench_path(b, a, "town"), &m->town);
    if (!e)
        e = single_new(f, b->folder, m->town, RESIDENTS_EACH * b->size + WARM_UP, &m->single);
    return e ? e : busy_new(f, b->folder, m->town, &m->busy);
}

static enum err run(struct bench *b, struct fail *f)
{
    struct arena a;
    struct measured m = {0};
    arena_init(&a, (size_t)b->size * 4 * sizeof(double) + (1 << 20));
    enum err e = prepare(b, f, &a, &m);
    if (!e)
        e = change_all(&m, f, b->size);
    if (!e)
        show(b, &m);
    if (!e)
        say_how_busy(b, &m);
    busy_free(m.busy);
    single_free(m.single);
    town_free(m.town);
    hops_free(m.hops);
    arena_release(&a);
    return e;
}

const struct bench_group bench_change = {
    "change", "changes, and as many while the servers are busy", 2000, rows, COUNT_OF(rows), run, false};
