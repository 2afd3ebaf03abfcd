/* SPDX-License-Identifier: Apache-2.0 */
/* How long one change takes when nothing else happens: the time a clerk waits until the nation knows.
 *
 * One event at a time goes to the register through its control socket ("apply", one file an event). The clock
 * runs from that question until the register's status counts one more change as applied at the agency. Asking
 * takes processor time from the daemons, so the first question comes only when 0.8 of the shortest time seen
 * so far has passed; from then on it is put again 0.2 ms after each answer. What is measured can therefore
 * only be too long. Stamps of `juki trace` would leave out both ends, the register's own commits.
 *
 * Baseline (hops.h): four commits and four TLS round trips, taken in turn with the changes; our changes make
 * the way back as well, each outcome being committed at every hop. */
#include "bench.h"

#include "base/file.h"
#include "hops.h"
#include "register/resident_row.h"
#include "town.h"

enum { ROW_P50, ROW_P99 };
static const struct bench_row rows[] = {
    [ROW_P50] = {"change.p50_ms", "ms", GOAL_RATIO_MOST, 3, "4 commits and 4 TLS round trips"},
    [ROW_P99] = {"change.p99_ms", "ms", GOAL_RATIO_MOST, 3, "the same, its p99"},
};

enum { WARM_UP = 5, EVENT_MAX = 4096, PATH_SIZE = 300 };

static const double QUIET_PART = 0.8;

struct measured {
    const char *folder;
    struct town *town;
    struct hops *hops;
    struct csv_reader *residents;
    struct csv_row row;
    double shortest;
    int64_t applied; /* changes so far, the first load included */
};

/* A minor correction of the next resident's address, in a file of its own. */
static enum err write_event(struct measured *m, struct fail *f, const char *path)
{
    struct buf b, address;
    bool more = true;
    enum err e = csv_next(m->residents, f, &m->row, &more);
    if (!e && !more)
        return fail_set(f, ERR_STATE, "residents", "fewer than changes");
    if (e)
        return e;
    buf_init(&b, EVENT_MAX);
    buf_init(&address, EVENT_MAX);
    buf_add_str(&address, m->row.cell[RESIDENT_COLUMN_ADDRESS]);
    buf_add_str(&address, STR("Ａ"));
    json_begin(&b, NULL, '{');
    json_add_text(&b, "event", m->row.cell[RESIDENT_COLUMN_RECORD]);
    json_add_text(&b, "reason", STR("minor_correction"));
    json_add_text(&b, "change_date", STR("2026-11-20"));
    json_add_text(&b, "record", m->row.cell[RESIDENT_COLUMN_RECORD]);
    json_begin(&b, "set", '{');
    json_add_text(&b, "address", buf_str(&address));
    json_end(&b, '}');
    json_end(&b, '}');
    buf_add_char(&b, '\n');
    e = buf_check(&b, f, "event");
    if (!e)
        e = file_write(f, path, buf_str(&b), 0600);
    buf_release(&address);
    buf_release(&b);
    return e;
}

static void sleep_until(double when)
{
    double left = when - bench_now();
    if (left > 0)
        nanosleep(&(struct timespec){(time_t)left, (long)((left - (double)(time_t)left) * 1e9)}, NULL);
}

static enum err change_once(struct measured *m, struct fail *f, double *seconds)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/event.jsonl", m->folder);
    enum err e = write_event(m, f, path);
    double start = bench_now();
    if (!e)
        e = town_take(m->town, f, "apply", path);
    sleep_until(start + QUIET_PART * m->shortest);
    if (!e)
        e = town_wait(m->town, f, ++m->applied);
    *seconds = bench_now() - start;
    m->shortest = m->shortest > 0 && m->shortest < *seconds ? m->shortest : *seconds;
    return e;
}

static enum err change_all(struct bench *b, struct fail *f, struct measured *m, double *work,
                           double *baseline)
{
    enum err e = ERR_OK;
    for (int64_t i = -WARM_UP; i < b->size && !e; i++) {
        double taken[2];
        e = change_once(m, f, &taken[0]);
        if (!e)
            e = hops_once(m->hops, f, &taken[1]);
        if (i >= 0) {
            work[i] = taken[0];
            baseline[i] = taken[1];
        }
    }
    return e;
}

static void show(struct bench *b, double *work, double *baseline)
{
    const size_t n = (size_t)b->size;
    double p50 = bench_median(work, n), p50_baseline = bench_median(baseline, n); /* and sorts them */
    bench_figure(b, ROW_P50, p50 * 1e3, p50_baseline * 1e3);
    bench_figure(b, ROW_P99, bench_quantile(work, n, 0.99) * 1e3, bench_quantile(baseline, n, 0.99) * 1e3);
}

static enum err prepare(struct bench *b, struct fail *f, struct arena *a, struct measured *m)
{
    const char *path = bench_path(b, a, "residents.csv");
    m->applied = b->size + WARM_UP;
    enum err e = town_write_residents(f, path, m->applied, true);
    if (!e)
        e = csv_open(f, path, resident_columns, RESIDENT_COLUMNS, &m->residents);
    if (!e)
        e = hops_new(f, b->folder, &m->hops);
    if (!e)
        e = town_start(f, bench_path(b, a, "town"), &m->town);
    if (!e)
        e = town_take(m->town, f, "load", path);
    return e ? e : town_wait(m->town, f, m->applied);
}

static enum err run(struct bench *b, struct fail *f)
{
    struct arena a;
    arena_init(&a, (size_t)b->size * 2 * sizeof(double) + (1 << 20));
    struct measured *m = arena_alloc(&a, sizeof *m);
    double *work = arena_alloc(&a, (size_t)b->size * sizeof *work);
    double *baseline = arena_alloc(&a, (size_t)b->size * sizeof *baseline);
    enum err e = ERR_MEMORY;
    if (m && work && baseline) {
        m->folder = b->folder;
        e = prepare(b, f, &a, m);
        if (!e)
            e = change_all(b, f, m, work, baseline);
        if (!e)
            show(b, work, baseline);
        town_free(m->town);
        hops_free(m->hops);
        csv_close(m->residents);
    }
    arena_release(&a);
    return e;
}

const struct bench_group bench_change = {"change", "changes", 300, rows, COUNT_OF(rows), run};
