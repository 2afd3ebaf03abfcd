/* SPDX-License-Identifier: Apache-2.0 */
/* Two municipalities report about one person, each in its own order; between them any order is possible.
 * Every interleaving must end in the same state: all of them are tried. */
#include "people.h"
#include "store/store.h"
#include "stores.h"
#include "test.h"

static const struct db_module *const modules[] = {&store_module};

struct event {
    int32_t area;
    int64_t code, old_code; /* by code_of; old_code 0: none */
    enum change_reason reason;
    struct date date;
    bool planned;
};
enum { EVENTS_MAX = 6 };
struct history {
    const char *name;
    struct event here[EVENTS_MAX], there[EVENTS_MAX]; /* reason 0 ends */
    int32_t current;                                  /* where the person is in the end */
};

static const struct history histories[] = {
    {"a move",
     {{NISHINOMIYA, 1, 0, CHANGE_BIRTH, {2000, 1, 1}, false},
      {NISHINOMIYA, 1, 0, CHANGE_MOVE_WITHIN, {2010, 1, 1}, false},
      {NISHINOMIYA, 1, 0, CHANGE_MOVE_OUT, {2020, 3, 31}, true}},
     {{CHIYODA, 1, 0, CHANGE_MOVE_IN, {2020, 4, 1}, false},
      {CHIYODA, 1, 0, CHANGE_MOVE_WITHIN, {2021, 1, 1}, false}},
     CHIYODA},
    {"a move and back",
     {{NISHINOMIYA, 1, 0, CHANGE_MOVE_IN, {2000, 1, 1}, false},
      {NISHINOMIYA, 1, 0, CHANGE_MOVE_OUT, {2020, 3, 31}, true},
      {NISHINOMIYA, 1, 0, CHANGE_MOVE_IN, {2022, 4, 1}, false},
      {NISHINOMIYA, 1, 0, CHANGE_MINOR_CORRECTION, {2022, 5, 1}, false}},
     {{CHIYODA, 1, 0, CHANGE_MOVE_IN, {2020, 4, 1}, false},
      {CHIYODA, 1, 0, CHANGE_EX_OFFICIO_AMENDMENT, {2021, 4, 1}, false},
      {CHIYODA, 1, 0, CHANGE_MOVE_OUT, {2022, 3, 31}, true}},
     NISHINOMIYA},
    {"a code change before a move",
     {{NISHINOMIYA, 1, 0, CHANGE_MOVE_IN, {2000, 1, 1}, false},
      {NISHINOMIYA, 2, 1, CHANGE_CODE_CHANGE_REQUEST, {2019, 1, 1}, false},
      {NISHINOMIYA, 2, 0, CHANGE_MOVE_WITHIN, {2019, 6, 1}, false},
      {NISHINOMIYA, 2, 0, CHANGE_MOVE_OUT, {2020, 3, 31}, true}},
     {{CHIYODA, 2, 0, CHANGE_MOVE_IN, {2020, 4, 1}, false},
      {CHIYODA, 2, 0, CHANGE_MOVE_WITHIN, {2021, 4, 1}, false}},
     CHIYODA},
    {"a code change after a move, then back under the new code",
     {{NISHINOMIYA, 1, 0, CHANGE_MOVE_IN, {2000, 1, 1}, false},
      {NISHINOMIYA, 1, 0, CHANGE_MOVE_OUT, {2020, 3, 31}, true},
      {NISHINOMIYA, 2, 0, CHANGE_MOVE_IN, {2022, 4, 1}, false}},
     {{CHIYODA, 1, 0, CHANGE_MOVE_IN, {2020, 4, 1}, false},
      {CHIYODA, 2, 1, CHANGE_CODE_CHANGE_REQUEST, {2021, 1, 1}, false},
      {CHIYODA, 2, 0, CHANGE_MOVE_OUT, {2022, 3, 31}, true}},
     NISHINOMIYA},
    {"a move within one day",
     {{NISHINOMIYA, 1, 0, CHANGE_MOVE_IN, {2020, 4, 1}, false},
      {NISHINOMIYA, 1, 0, CHANGE_EX_OFFICIO_REMOVAL, {2020, 4, 1}, false}},
     {{CHIYODA, 1, 0, CHANGE_MOVE_IN, {2020, 4, 1}, false},
      {CHIYODA, 1, 0, CHANGE_MINOR_CORRECTION, {2020, 4, 1}, false}},
     CHIYODA},
    {"a death in the new place, and nothing left open",
     {{NISHINOMIYA, 1, 0, CHANGE_MOVE_IN, {2000, 1, 1}, false},
      {NISHINOMIYA, 1, 0, CHANGE_MOVE_OUT, {2020, 3, 31}, true},
      {NISHINOMIYA, 1, 0, CHANGE_MOVE_OUT, {2020, 4, 1}, false}},
     {{CHIYODA, 1, 0, CHANGE_MOVE_IN, {2020, 4, 1}, false},
      {CHIYODA, 1, 0, CHANGE_DEATH, {2020, 4, 1}, false}},
     CHIYODA},
};

struct run {
    const struct history *history;
    bool order[2 * EVENTS_MAX]; /* true: the next of `there` */
    size_t count;
    struct buf *result; /* what the store says in the end, as digest lines */
    int32_t current;
};

static enum err apply_event(struct db_tx *tx, struct fail *f, const struct event *event, int64_t version,
                            uint64_t entry)
{
    struct store_version v = {.identity = resident(1, event->area), .version = version, .entry = entry};
    v.identity.resident_code = code_of(event->code);
    v.change = (struct change){.reason = event->reason, .date = event->date, .planned = event->planned};
    v.change.has_old_code = event->old_code != 0;
    v.change.old_code = code_of(event->old_code);
    return store_apply(tx, f, &v);
}

static enum err say_episodes(struct db_tx *tx, struct fail *f, struct run *run, struct arena *a)
{
    static const int32_t areas[] = {NISHINOMIYA, CHIYODA};
    struct store_version v;
    enum err e = ERR_OK;
    for (int64_t code = 1; code <= 2; code++) {
        for (size_t i = 0; i < COUNT_OF(areas); i++) {
            e = store_latest(tx, f, code_of(code), (struct area_code){areas[i]}, a, &v);
            if (!e)
                store_digest_line(run->result, &v);
            else if (e != ERR_EPISODE_UNKNOWN)
                return e;
        }
        e = store_current(tx, f, code_of(code), a, &v);
        if (!e) {
            store_digest_line(run->result, &v);
            run->current = v.identity.address.area_code.value;
        } else if (e != ERR_NOT_FOUND)
            return e;
    }
    return ERR_OK;
}

/* Its place in the chain of its episode. A person who comes back under a code that this municipality never
 * had is a new episode. */
static int64_t version_of(const struct event *events, size_t at)
{
    int64_t version = 1;
    for (size_t i = 1; i <= at; i++)
        version = events[i].code == events[i - 1].code || events[i].old_code ? version + 1 : 1;
    return version;
}

/* Plays one interleaving, asks, and lets the change be rolled back so that the next one starts from nothing.
 */
static enum err play(struct db_tx *tx, struct fail *f, void *arg)
{
    struct run *run = arg;
    size_t at[2] = {0, 0};
    enum err e = ERR_OK;
    buf_clear(run->result);
    for (size_t i = 0; i < run->count && !e; i++) {
        const struct event *events = run->order[i] ? run->history->there : run->history->here;
        size_t n = at[run->order[i]]++;
        e = apply_event(tx, f, &events[n], version_of(events, n), i);
    }
    struct arena a;
    arena_init(&a, 1024 * 1024);
    if (!e)
        e = say_episodes(tx, f, run, &a);
    arena_release(&a);
    return e ? e : ERR_STOPPING;
}

static size_t length(const struct event *events)
{
    size_t n = 0;
    while (n < EVENTS_MAX && events[n].reason)
        n++;
    return n;
}

struct tried {
    struct db *db;
    struct buf first;
    int count;
};

static void try_one(struct tried *tried, struct run *run)
{
    struct fail f = {0};
    enum err e = db_transaction(tried->db, &f, play, run);
    if (e != ERR_STOPPING)
        fail_msg("%s: %s", run->history->name, err_row(e)->name);
    if (run->current != run->history->current)
        fail_msg("%s: ends in %d", run->history->name, run->current);
    if (!tried->count++)
        buf_add_str(&tried->first, buf_str(run->result));
    else if (!str_equal(buf_str(&tried->first), buf_str(run->result)))
        fail_msg("%s: interleaving %d ends otherwise", run->history->name, tried->count);
}

static void try_all(struct tried *tried, struct run *run, size_t here, size_t there)
{
    if (!here && !there) {
        try_one(tried, run);
        return;
    }
    for (int side = 0; side < 2; side++) {
        if (!(side ? there : here))
            continue;
        run->order[run->count++] = side;
        try_all(tried, run, here - !side, there - (size_t)side);
        run->count--;
    }
}

static int choose(size_t n, size_t k)
{
    int result = 1;
    for (size_t i = 1; i <= k; i++)
        result = result * (int)(n - k + i) / (int)i;
    return result;
}

static void every_interleaving_ends_alike(const char *url)
{
    struct tried tried = {.db = stores_open(url, modules, COUNT_OF(modules))};
    struct tally *tally = NULL;
    const struct tally_counts nothing = {0};
    struct tally_counts left;
    assert_ok(store_tally(NULL, tried.db, &tally));
    assert_ok(tally_read(tally, NULL, &left));
    buf_init(&tried.first, 100000);
    for (size_t i = 0; i < COUNT_OF(histories); i++) {
        struct buf result;
        buf_init(&result, 100000);
        struct run run = {.history = &histories[i], .result = &result};
        size_t here = length(histories[i].here), there = length(histories[i].there);
        tried.count = 0;
        buf_clear(&tried.first);
        try_all(&tried, &run, here, there);
        assert_int_equal(tried.count, choose(here + there, here));
        assert_true(tried.first.n > 0);
        buf_release(&result);
    }
    buf_release(&tried.first);
    assert_ok(tally_read(tally, NULL, &left)); /* every interleaving was rolled back */
    assert_memory_equal(&left, &nothing, sizeof nothing);
    db_close(tried.db);
    tally_free(tally);
}

BOTH(every_interleaving_ends_alike)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_every_interleaving_ends_alike)};
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
