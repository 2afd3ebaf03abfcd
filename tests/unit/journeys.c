/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate/journeys.h"

#include "base/arena.h"
#include "base/str.h"
#include "simulate/shape.h"
#include "test.h"

enum { TOWNS = 4, COUNT = 12000, JOURNEYS_MAX = 40000 };
static const struct simulate_count towns[TOWNS] = {
    {{282049}, COUNT}, {{282022}, COUNT}, {{272035}, COUNT}, {{281026}, COUNT}};
static const struct simulate_period year = {{2026, 1, 1}, {2026, 12, 31}, 0};

struct told {
    struct simulate_journey journey[JOURNEYS_MAX];
    size_t count;
};

static enum err keep(void *arg, struct fail *f, const struct simulate_journey *j)
{
    struct told *t = arg;
    (void)f;
    assert_true(t->count < JOURNEYS_MAX);
    t->journey[t->count++] = *j;
    return ERR_OK;
}

static struct simulate_world *world(uint64_t seed)
{
    struct simulate_options options = {.seed = seed};
    struct simulate_world *w = NULL;
    assert_ok(simulate_world_new(NULL, &options, &w));
    return w;
}

static struct told *tell(uint64_t seed, const struct simulate_count *counts,
                         const struct simulate_period *period)
{
    struct simulate_world *w = world(seed);
    struct told *t = memory_new(sizeof *t);
    assert_non_null(t);
    t->count = 0;
    assert_ok(simulate_journeys(NULL, w, counts, TOWNS, period, keep, t));
    simulate_world_free(w);
    return t;
}

static bool stays(const struct simulate_journey *j)
{
    return j->kind == JOURNEY_CALLED_OFF || j->kind == JOURNEY_ENTRY_CANCELLED;
}

static int end_of(const struct simulate_journey *j)
{
    return date_to_int(stays(j) ? j->undone : j->entered);
}

static void check_days(const struct simulate_journey *j)
{
    int filed = date_to_int(j->filed), planned = date_to_int(j->planned);
    int arrived = date_to_int(j->arrived), entered = date_to_int(j->entered), undone = date_to_int(j->undone);
    bool announced = j->kind != JOURNEY_UNANNOUNCED;
    assert_int_equal(announced, filed && planned);
    assert_true(filed <= planned);
    assert_int_equal(j->kind == JOURNEY_CALLED_OFF, !arrived && !entered);
    assert_int_equal(stays(j), undone != 0);
    assert_true(arrived <= entered && (arrived || undone >= planned));
    assert_true(!arrived || arrived >= planned);
    if (j->kind == JOURNEY_LATE)
        assert_true(date_day_number(j->arrived) - date_day_number(j->planned) >= 15);
    if (j->kind == JOURNEY_ENTRY_CANCELLED)
        assert_true(undone > entered);
}

static void check_places(const struct simulate_journey *j)
{
    assert_true(j->from < TOWNS && j->reached < TOWNS && j->planned_to < TOWNS);
    assert_true(j->from != j->planned_to && j->from != j->reached);
    assert_int_equal(j->kind == JOURNEY_ELSEWHERE, j->reached != j->planned_to);
    assert_in_range(j->members, 1, SHAPE_MEMBERS_MAX);
}

/* Where each household is, and how far its days are told. */
struct home {
    size_t at;
    uint32_t journeys;
    int busy_until;
};

static void every_journey_goes_on_from_the_one_before(void **state)
{
    (void)state;
    struct simulate_period busy = year;
    size_t kinds[JOURNEY_KINDS] = {0}, again = 0;
    struct home(*homes)[COUNT] = memory_new(TOWNS * sizeof *homes);
    assert_non_null(homes);
    for (size_t i = 0; i < TOWNS; i++)
        for (size_t k = 0; k < COUNT; k++)
            homes[i][k] = (struct home){.at = i};
    busy.percent = 300;
    struct told *t = tell(7, towns, &busy);
    for (size_t i = 0; i < t->count; i++) {
        const struct simulate_journey *j = &t->journey[i];
        check_days(j);
        check_places(j);
        if (i)
            assert_true(date_to_int(journey_begins(j)) >= date_to_int(journey_begins(j - 1)));
        struct home *h = &homes[j->home][j->household];
        assert_int_equal(j->from, h->at);
        assert_int_equal(j->order, h->journeys);
        assert_true(date_to_int(journey_begins(j)) > h->busy_until);
        h->journeys++;
        h->busy_until = end_of(j);
        h->at = stays(j) ? h->at : j->reached;
        kinds[j->kind]++;
        again += j->order > 0;
    }
    for (size_t i = 0; i < JOURNEY_KINDS; i++)
        assert_true(kinds[i] > 0);
    assert_true(again > 10);
    memory_free(homes);
    memory_free(t);
}

/* 5.2 million of 124.3 million in 2024; a third of them in March and April. */
static void a_usual_year(void **state)
{
    (void)state;
    size_t moved = 0, spring = 0;
    struct told *t = tell(7, towns, &year);
    for (size_t i = 0; i < t->count; i++) {
        struct date day = journey_begins(&t->journey[i]);
        moved += t->journey[i].members;
        spring += day.month == 3 || day.month == 4 ? t->journey[i].members : 0;
    }
    assert_in_range(moved, TOWNS * COUNT * 36 / 1000, TOWNS * COUNT * 48 / 1000);
    assert_in_range(spring * 100, moved * 28, moved * 42);
    memory_free(t);
}

static bool same(const struct told *a, const struct told *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct simulate_journey *x = &a->journey[i], *y = &b->journey[i];
        if (x->kind != y->kind || x->home != y->home || x->household != y->household ||
            x->reached != y->reached || date_to_int(x->entered) != date_to_int(y->entered))
            return false;
    }
    return true;
}

static void the_same_seed_gives_the_same_journeys(void **state)
{
    (void)state;
    struct told *a = tell(7, towns, &year), *b = tell(7, towns, &year), *c = tell(8, towns, &year);
    assert_true(a->count > 100 && same(a, b));
    assert_false(same(a, c));
    memory_free(a);
    memory_free(b);
    memory_free(c);
}

static void what_others_do_changes_nothing(void **state)
{
    (void)state;
    struct simulate_count fewer[TOWNS];
    struct told *all = tell(7, towns, &year);
    size_t kept = 0;
    memcpy(fewer, towns, sizeof fewer);
    fewer[1].count = fewer[3].count = 0;
    struct told *some = tell(7, fewer, &year);
    for (size_t i = 0; i < all->count; i++)
        if (fewer[all->journey[i].home].count)
            all->journey[kept++] = all->journey[i];
    all->count = kept;
    assert_true(kept > 50 && same(all, some));
    memory_free(all);
    memory_free(some);
}

static enum err refuse(void *arg, struct fail *f, const struct simulate_journey *j)
{
    (void)j;
    ++*(int *)arg;
    return fail_set(f, ERR_LIMIT, "test", NULL);
}

static void what_cannot_be(void **state)
{
    (void)state;
    static const struct simulate_period before = {{2025, 12, 31}, {2026, 3, 31}, 0};
    static const struct simulate_count unknown[2] = {{{282049}, 10}, {{281000}, 10}};
    int calls = 0;
    struct simulate_world *w = world(7);
    assert_err(simulate_journeys(NULL, w, towns, 1, &year, refuse, &calls), ERR_FIELD_RANGE);
    assert_err(simulate_journeys(NULL, w, towns, TOWNS, &before, refuse, &calls), ERR_FIELD_RANGE);
    assert_true(simulate_journeys(NULL, w, unknown, 2, &year, refuse, &calls) != ERR_OK);
    assert_int_equal(calls, 0);
    assert_err(simulate_journeys(NULL, w, towns, TOWNS, &year, refuse, &calls), ERR_LIMIT);
    assert_int_equal(calls, 1);
    simulate_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_journey_goes_on_from_the_one_before),
        cmocka_unit_test(a_usual_year),
        cmocka_unit_test(the_same_seed_gives_the_same_journeys),
        cmocka_unit_test(what_others_do_changes_nothing),
        cmocka_unit_test(what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
