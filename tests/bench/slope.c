/* SPDX-License-Identifier: Apache-2.0 */
/* How the cost of a load grows with the municipality: the same load at three sizes, one after the other, each
 * into a fresh network. Standard: 100,000 (a small city), 484,000 (Nishinomiya) and 2,000,000 persons; with
 * --size the third, the others in the same proportion. Each figure's baseline is that of the first size, so
 * that the ratio is the slope: 1.0 when a person costs the same in a city of any size. */
#include "load.h"

enum { SIZES = 3, MEASURES = 8 };
static const double parts[SIZES] = {0.05, 0.242, 1};
static const char first_size[] = "the first size";

#define SIDE_BY_SIDE(name, unit)                                                                             \
    {name ".1", unit, GOAL_NONE, 0, ""}, {name ".2", unit, GOAL_NONE, 0, first_size},                        \
    {                                                                                                        \
        name ".3", unit, GOAL_NONE, 0, first_size                                                            \
    }
static const struct bench_row rows[SIZES * MEASURES] = {
    SIDE_BY_SIDE("slope.persons_per_s", "persons/s"),
    SIDE_BY_SIDE("slope.cpu_us_per_person", "us"),
    SIDE_BY_SIDE("slope.cpu_us_busiest_daemon", "us"),
    SIDE_BY_SIDE("slope.bytes_written_per_person", "bytes"),
    SIDE_BY_SIDE("slope.bytes_stored_per_person", "bytes"),
    SIDE_BY_SIDE("slope.bytes_stored_at_agency", "bytes"),
    SIDE_BY_SIDE("slope.wal_bytes_most", "bytes"),
    SIDE_BY_SIDE("slope.rss_max_mib", "MiB"),
};

struct measures {
    double of[MEASURES]; /* in the order of the rows */
};

static struct measures measures_of(const struct load_result *l, int64_t count)
{
    const double n = (double)count;
    return (struct measures){{
        l->per_s,
        l->use.cpu / n * 1e6,
        l->use.cpu_most / n * 1e6,
        (double)l->use.written / n,
        (double)l->stored / n,
        (double)l->stored_agency / n,
        (double)l->use.wal_most,
        (double)l->use.rss_most / (1 << 20),
    }};
}

static void show(struct bench *b, const struct measures m[static SIZES])
{
    for (size_t at = 0; at < MEASURES; at++)
        for (size_t size = 0; size < SIZES; size++)
            bench_figure(b, at * SIZES + size, m[size].of[at], size ? m[0].of[at] : 0);
}

static enum err run(struct bench *b, struct fail *f)
{
    struct measures m[SIZES];
    enum err e = ERR_OK;
    for (size_t i = 0; i < SIZES && !e; i++) {
        struct load_result l = {0};
        int64_t count = (int64_t)((double)b->size * parts[i] + 0.5);
        count = count ? count : 1;
        e = load_once(b, f, count, true, &l);
        if (!e)
            m[i] = measures_of(&l, count);
        if (!e)
            bench_note(b, "slope .%zu is a load of %lld persons", i + 1, (long long)count);
    }
    if (!e)
        show(b, m);
    return e;
}

const struct bench_group bench_slope = {
    "slope", "persons in the largest of three loads", 2000000, rows, COUNT_OF(rows), run, true};
