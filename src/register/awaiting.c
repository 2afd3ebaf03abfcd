/* SPDX-License-Identifier: Apache-2.0 */
/* Who awaits outcomes hears them as soon as they are here.
 *
 * That a change was applied stands on the agency's disk before anybody says so; the register's own record of
 * it is written while those who wait are told already. Broken off between the two, the register knows nothing
 * of it until the CS says it again. */
#include "register/register_inside.h"

#include "base/clock.h"

/* ---- telling ---- */

static void add_range(struct register_told *told, const struct json *item)
{
    const struct json *first = json_get(item, "first"), *last = json_get(item, "last");

    if (told->count < REGISTER_TOLD_MOST && str_equal(json_str(json_get(item, "state")), STR("applied")) &&
        json_is(first, JSON_INTEGER) && json_is(last, JSON_INTEGER)) {
        told->ranges[told->count].first = json_int(first);
        told->ranges[told->count++].last = json_int(last);
    }
}

/* told: NULL leaves what was told ahead. */
static void tell(struct resident_register *r, const struct register_told *told)
{
    pthread_mutex_lock(&r->lock);
    if (told)
        r->told = *told;
    r->hearings++;
    pthread_cond_broadcast(&r->heard);
    pthread_mutex_unlock(&r->lock);
}

void register_tell_ahead(struct resident_register *r, const struct json *answer)
{
    static const char *const lists[] = {"outcomes", "ahead"};
    struct register_told told = {0};

    for (size_t i = 0; i < COUNT_OF(lists); i++)
        for (const struct json *item = json_first(json_get(answer, lists[i])); item; item = item->next)
            add_range(&told, item);
    if (told.count)
        tell(r, &told);
}

void register_tell_written(struct resident_register *r)
{
    tell(r, &(struct register_told){0});
}

void register_tell(struct resident_register *r)
{
    tell(r, NULL);
}

/* ---- awaiting ---- */

struct awaited {
    int64_t first, last;
    struct register_told told;
    struct register_outcome outcome;
};

/* What was told of a part that is not recorded yet. */
static enum err add_told(struct awaited *a, struct db_tx *tx, struct fail *f, int64_t first, int64_t last)
{
    struct register_outcome recorded;

    if (first > last)
        return ERR_OK;
    enum err e = change_range_count(tx, f, first, last, &recorded);
    if (e)
        return e;
    a->outcome.applied += last - first + 1 - recorded.applied;
    a->outcome.waiting -= recorded.waiting;
    a->outcome.refused -= recorded.refused;
    a->outcome.replaced -= recorded.replaced;
    a->outcome.unknown -= recorded.unknown;
    return ERR_OK;
}

static enum err read_outcome(struct db_tx *tx, struct fail *f, void *arg)
{
    struct awaited *a = arg;
    enum err e = change_range_count(tx, f, a->first, a->last, &a->outcome);

    for (size_t i = 0; !e && i < a->told.count; i++) {
        int64_t first = a->told.ranges[i].first, last = a->told.ranges[i].last;
        e = add_told(a, tx, f, first > a->first ? first : a->first, last < a->last ? last : a->last);
    }
    return e;
}

static uint64_t hearings(struct resident_register *r, struct register_told *told)
{
    pthread_mutex_lock(&r->lock);
    uint64_t seen = r->hearings;
    *told = r->told;
    pthread_mutex_unlock(&r->lock);
    return seen;
}

/* True when outcomes came since `seen`; false at the deadline or the end. */
static bool wait_to_hear(struct resident_register *r, uint64_t seen, int64_t deadline)
{
    const struct timespec until = {deadline / 1000000, deadline % 1000000 * 1000};
    int late = 0;

    pthread_mutex_lock(&r->lock);
    while (!atomic_load(&r->stopping) && r->hearings == seen && !late)
        late = pthread_cond_timedwait(&r->heard, &r->lock, &until);
    bool more = !atomic_load(&r->stopping) && r->hearings != seen;
    pthread_mutex_unlock(&r->lock);
    return more;
}

enum err register_await(struct resident_register *r, struct fail *f, int64_t first, int64_t last, int seconds,
                        bool recorded, struct register_outcome *out)
{
    int64_t deadline = clock_steady() + (int64_t)seconds * 1000000;
    struct awaited a = {.first = first, .last = last};
    uint64_t seen;

    if (first < 1 || last < first)
        return fail_set(f, ERR_FIELD_RANGE, "last", NULL);
    do {
        seen = hearings(r, &a.told);
        if (recorded)
            a.told.count = 0;
        enum err e = db_read(r->db, f, read_outcome, &a);
        if (e)
            return e;
    } while (a.outcome.unknown && seconds && wait_to_hear(r, seen, deadline));
    *out = a.outcome;
    return ERR_OK;
}
