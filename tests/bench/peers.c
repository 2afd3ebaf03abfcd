/* SPDX-License-Identifier: Apache-2.0 */
/* What quiet peers cost: the network has 47 prefectures and 1,741 municipalities, nearly all of them silent
 * at any time.
 *
 * rss_mib: the agency's memory at its largest, with all of them connected (TLS with certificates both ways,
 * HELLO answered). connected_kib: what one of them adds to it.
 *
 * change_p99_ratio: a single change (single.h) among them over the same without them. Rounds take turns in
 * one network: with, without, without, with ...; the directory names all peers in both. After each round
 * among them every one is asked whether it is still there. */
#include "quiet_peers.h"
#include "single.h"

#include "bench.h"

enum { ROW_RSS, ROW_EACH, ROW_P99, ROW_P99_RATIO, ROW_P50_RATIO, ROW_CONNECT };
static const struct bench_row rows[] = {
    [ROW_RSS] = {"peers.rss_mib", "MiB", GOAL_VALUE_MOST, 256, ""},
    [ROW_EACH] = {"peers.kib_each", "KiB", GOAL_NONE, 0, ""},
    [ROW_P99] = {"peers.change_p99_ms", "ms", GOAL_NONE, 0, "without the peers"},
    [ROW_P99_RATIO] = {"peers.change_p99_ratio", "", GOAL_VALUE_MOST, 1.2, ""},
    [ROW_P50_RATIO] = {"peers.change_p50_ratio", "", GOAL_NONE, 0, ""},
    [ROW_CONNECT] = {"peers.connected_per_s", "peers/s", GOAL_NONE, 0, ""},
};

/* Each side has CHANGES_MOST samples, fewer when there are fewer peers. */
enum { ROUNDS = 4, WARM_UP = 5, CHANGES_MOST = 1000 };

struct measured {
    struct town *town;
    struct single *single;
    struct quiet_peers *peers;
    int64_t changes; /* of one round */
    size_t done[2];
    double *taken[2]; /* without, with */
    double connecting;
    int64_t rss_alone, rss_most;
};

static enum err among(struct measured *m, struct fail *f)
{
    int64_t now = 0;
    double start = bench_now();
    enum err e = quiet_peers_connect(m->peers, f);
    m->connecting = bench_now() - start;
    return e ? e : town_memory(m->town, f, "agency", &now, &m->rss_most);
}

static enum err round_of(struct measured *m, struct fail *f, bool with)
{
    enum err e = single_many(m->single, f, m->taken[with] + m->done[with], m->changes);
    m->done[with] += (size_t)m->changes;
    if (!e && with)
        e = quiet_peers_touch(m->peers, f);
    return e;
}

/* Two rounds with, two without: with each pair the first of the two changes sides, so that nobody is always
 * first. */
static enum err measure(struct measured *m, struct fail *f)
{
    int64_t most = 0;
    bool with = false;
    double warm[WARM_UP];
    enum err e = single_many(m->single, f, warm, WARM_UP);
    if (!e)
        e = town_memory(m->town, f, "agency", &m->rss_alone, &most);
    for (size_t i = 0; i < ROUNDS && !e; i++) {
        e = round_of(m, f, with);
        with = !with;
        if (!e && with)
            e = among(m, f);
        if (!with)
            quiet_peers_leave(m->peers);
        if (!e)
            e = round_of(m, f, with);
    }
    return e ? e : town_memory(m->town, f, "agency", &most, &m->rss_most);
}

static struct bench_value ratio(struct measured *m, double part)
{
    struct bench_value with = bench_percentile(m->taken[1], m->done[1], part, 1e3),
                       without = bench_percentile(m->taken[0], m->done[0], part, 1e3);
    return (struct bench_value){.value = with.value / without.value,
                                .least = with.least / without.most,
                                .most = with.most / without.least,
                                .samples = with.samples};
}

static void show(struct bench *b, struct measured *m)
{
    struct bench_value p99 = bench_percentile(m->taken[1], m->done[1], 0.99, 1e3), ratio_p99 = ratio(m, 0.99),
                       ratio_p50 = ratio(m, 0.5);
    p99.baseline = p99.value / ratio_p99.value;
    bench_figure(b, ROW_RSS, (double)m->rss_most / (1 << 20), 0);
    bench_figure(b, ROW_EACH, (double)(m->rss_most - m->rss_alone) / 1024 / (double)b->size, 0);
    bench_show(b, ROW_P99, &p99);
    bench_show(b, ROW_P99_RATIO, &ratio_p99);
    bench_show(b, ROW_P50_RATIO, &ratio_p50);
    bench_figure(b, ROW_CONNECT, (double)b->size / m->connecting, 0);
}

static enum err prepare(struct bench *b, struct fail *f, struct arena *a, struct measured *m)
{
    int64_t samples = b->size < CHANGES_MOST ? b->size : CHANGES_MOST;
    m->changes = samples / ROUNDS ? samples / ROUNDS : 1;
    for (size_t i = 0; i < COUNT_OF(m->taken); i++)
        if (!(m->taken[i] = arena_alloc(a, (size_t)m->changes * ROUNDS * sizeof(double))))
            return fail_set(f, ERR_MEMORY, "peers", NULL);
    enum err e = town_make(f, bench_path(b, a, "town"), &m->town);
    if (!e)
        e = quiet_peers_new(f, b->folder, m->town, (size_t)b->size, &m->peers);
    if (!e)
        e = town_up(m->town, f);
    return e ? e : single_new(f, b->folder, m->town, 2 * ROUNDS * m->changes + WARM_UP, &m->single);
}

static enum err run(struct bench *b, struct fail *f)
{
    struct arena a;
    struct measured m = {0};
    arena_init(&a, 4 << 20);
    enum err e = prepare(b, f, &a, &m);
    if (!e)
        e = measure(&m, f);
    if (!e)
        show(b, &m);
    single_free(m.single);
    quiet_peers_free(m.peers);
    town_free(m.town);
    arena_release(&a);
    return e;
}

const struct bench_group bench_peers = {"peers", "quiet peers", 2000, rows, COUNT_OF(rows), run, false};
