/* SPDX-License-Identifier: Apache-2.0 */
/* Walks each household through the period day by day; a journey that begins is told whole, and the walk goes
 * on behind its last day from where the household then lives. */
#include "simulate/journeys.h"

#include "base/buf.h"
#include "simulate/household.h"

enum {
    JOURNEYS_TEXT = 1 << 30,
    PER_DAY = 1000000000,
    MOVES_PER_MILLION = 41900,
    SAME_PREFECTURE_PER_MILLE = 515
};
/* 5,207,746 moves of 124.3 million residents in 2024, 2,684,497 of them inside a prefecture
 * (住民基本台帳人口移動 報告). By month, of the year's: April as in 2021; March is said to be 2.5 times the
 * average and not published to the day [P]; the others share the rest. */
static const uint32_t month_weight[12] = {66, 66, 208, 135, 66, 66, 66, 66, 66, 66, 66, 66};
/* How often each kind is drawn, of 1,000: invented, so that a year of a small town has each. */
static const uint32_t kind_weight[JOURNEY_KINDS] = {
    [JOURNEY_AS_PLANNED] = 880, [JOURNEY_LATE] = 40,       [JOURNEY_ELSEWHERE] = 30,
    [JOURNEY_UNANNOUNCED] = 20, [JOURNEY_CALLED_OFF] = 20, [JOURNEY_ENTRY_CANCELLED] = 10};

struct walk {
    const struct table_area **areas; /* one for each row of counts */
    size_t area_count;
    uint32_t chance[SIMULATE_PERIOD_DAYS_MAX]; /* that a journey begins, of PER_DAY */
    int32_t first, last;
    struct random_seeded random;
    struct buf journeys;
};

static uint32_t below(struct walk *k, uint32_t bound)
{
    return (uint32_t)random_seeded_below(&k->random, bound);
}

static int32_t days(struct walk *k, int32_t least, int32_t most)
{
    return least + (int32_t)below(k, (uint32_t)(most - least + 1));
}

static size_t weighted(struct walk *k, const uint32_t *weights, size_t count)
{
    uint32_t sum = 0, drawn;
    for (size_t i = 0; i < count; i++)
        sum += weights[i];
    drawn = below(k, sum);
    for (size_t i = 0; i < count; i++) {
        if (drawn < weights[i])
            return i;
        drawn -= weights[i];
    }
    return 0;
}

static bool is_goal(const struct walk *k, size_t area, size_t from, size_t other, bool near)
{
    return area != from && area != other &&
           (!near || str_equal(k->areas[area]->prefecture, k->areas[from]->prefecture));
}

/* By population among the goals; k->area_count when there is none. */
static size_t goal_among(struct walk *k, size_t from, size_t other, bool near)
{
    uint64_t sum = 0, drawn;
    for (size_t i = 0; i < k->area_count; i++)
        if (is_goal(k, i, from, other, near))
            sum += (uint64_t)k->areas[i]->population + 1;
    if (!sum)
        return k->area_count;
    drawn = random_seeded_below(&k->random, sum);
    for (size_t i = 0; i < k->area_count; i++) {
        if (!is_goal(k, i, from, other, near))
            continue;
        if (drawn <= k->areas[i]->population)
            return i;
        drawn -= (uint64_t)k->areas[i]->population + 1;
    }
    return k->area_count;
}

static size_t draw_goal(struct walk *k, size_t from, size_t other)
{
    bool near = below(k, 1000) < SAME_PREFECTURE_PER_MILLE;
    size_t goal = goal_among(k, from, other, near);
    return goal < k->area_count || !near ? goal : goal_among(k, from, other, false);
}

/* The journey's days from `day` on; gives its last. */
static int32_t draw_days(struct walk *k, struct simulate_journey *j, int32_t day)
{
    int32_t planned = day + days(k, 0, 20), arrived, entered, undone;
    if (j->kind != JOURNEY_UNANNOUNCED) {
        j->filed = date_from_day_number(day);
        j->planned = date_from_day_number(planned);
    }
    if (j->kind == JOURNEY_CALLED_OFF) {
        undone = planned + days(k, 0, 5);
        j->undone = date_from_day_number(undone);
        return undone;
    }
    arrived = j->kind == JOURNEY_UNANNOUNCED
                  ? day
                  : planned + (j->kind == JOURNEY_LATE ? days(k, 15, 45) : days(k, 0, 3));
    entered = arrived + days(k, 0, 13);
    j->arrived = date_from_day_number(arrived);
    j->entered = date_from_day_number(entered);
    if (j->kind != JOURNEY_ENTRY_CANCELLED)
        return entered;
    undone = entered + days(k, 1, 10);
    j->undone = date_from_day_number(undone);
    return undone;
}

/* Gives the journey's last day, and in *at where the household lives then. */
static int32_t draw_journey(struct walk *k, struct simulate_journey *j, size_t *at, int32_t day)
{
    j->kind = (enum journey_kind)weighted(k, kind_weight, JOURNEY_KINDS);
    j->from = *at;
    j->planned_to = j->reached = draw_goal(k, *at, *at);
    if (j->kind == JOURNEY_ELSEWHERE && (j->reached = draw_goal(k, *at, j->planned_to)) == k->area_count) {
        j->reached = j->planned_to;
        j->kind = JOURNEY_AS_PLANNED;
    }
    int32_t end = draw_days(k, j, day);
    if (j->kind != JOURNEY_CALLED_OFF && j->kind != JOURNEY_ENTRY_CANCELLED)
        *at = j->reached;
    buf_add(&k->journeys, j, sizeof *j);
    return end;
}

static void walk_household(struct walk *k, size_t home, uint32_t number, uint32_t members)
{
    size_t at = home;
    uint32_t order = 0;
    for (int32_t day = k->first; day <= k->last; day++) {
        if (below(k, PER_DAY) >= k->chance[day - k->first])
            continue;
        struct simulate_journey j = {.home = home, .household = number, .members = members, .order = order};
        day = draw_journey(k, &j, &at, day);
        order++;
    }
}

static void walk_area(const struct simulate_world *w, struct walk *k, size_t home, uint32_t count)
{
    struct simulated_household h;
    uint32_t ordinal = 0;
    for (uint32_t number = 0; ordinal < count; number++) {
        household_draw(w, k->areas[home], number, &h);
        k->random = h.random;
        k->random.state ^= (uint64_t)k->first * UINT64_C(0xD1B54A32D192ED03);
        uint32_t members = h.shape.count < count - ordinal ? h.shape.count : count - ordinal;
        walk_household(k, home, number, members);
        ordinal += members;
    }
}

static void set_chances(struct walk *k, uint32_t percent)
{
    uint64_t sum = 0;
    for (size_t m = 0; m < COUNT_OF(month_weight); m++)
        sum += month_weight[m];
    for (int32_t day = k->first; day <= k->last; day++) {
        uint32_t weight = month_weight[date_from_day_number(day).month - 1];
        uint64_t yearly = (uint64_t)MOVES_PER_MILLION * (PER_DAY / 1000000) * percent / 100;
        uint64_t chance = yearly * weight * 12 / (sum * 365);
        k->chance[day - k->first] = chance < PER_DAY ? (uint32_t)chance : PER_DAY;
    }
}

struct date journey_begins(const struct simulate_journey *j)
{
    return j->kind == JOURNEY_UNANNOUNCED ? j->entered : j->filed;
}

static int by_day(const void *a, const void *b)
{
    const struct simulate_journey *x = a, *y = b;
    int dx = date_to_int(journey_begins(x)), dy = date_to_int(journey_begins(y));
    if (dx != dy)
        return dx < dy ? -1 : 1;
    if (x->home != y->home)
        return x->home < y->home ? -1 : 1;
    if (x->household != y->household)
        return x->household < y->household ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static enum err tell_all(struct walk *k, struct fail *f, simulate_tell tell, void *arg)
{
    struct simulate_journey *journeys = (struct simulate_journey *)(void *)k->journeys.p;
    size_t count = k->journeys.n / sizeof *journeys;
    enum err err = buf_check(&k->journeys, f, "journeys");
    if (!err && count)
        qsort(journeys, count, sizeof *journeys, by_day);
    for (size_t i = 0; i < count && !err; i++)
        err = tell(arg, f, &journeys[i]);
    return err;
}

static enum err walk_all(struct walk *k, struct fail *f, const struct simulate_world *w,
                         const struct simulate_count *counts)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < k->area_count && !err; i++)
        err = simulate_check_count(f, w, &counts[i], &k->areas[i]);
    for (size_t i = 0; i < k->area_count && !err; i++) {
        walk_area(w, k, i, (uint32_t)counts[i].count);
        err = buf_check(&k->journeys, f, "journeys");
    }
    return err;
}

enum err simulate_journeys(struct fail *f, const struct simulate_world *w,
                           const struct simulate_count *counts, size_t count,
                           const struct simulate_period *period, simulate_tell tell, void *arg)
{
    struct walk k = {.area_count = count};
    enum err err = simulate_check_period(f, w, period);
    if (err)
        return err;
    if (count < 2)
        return fail_set(f, ERR_FIELD_RANGE, "counts", "nobody moves between fewer than two municipalities");
    k.first = date_day_number(period->first);
    k.last = date_day_number(period->last);
    set_chances(&k, period->percent ? period->percent : 100);
    if (!(k.areas = memory_new(count * sizeof(const struct table_area *))))
        return fail_set(f, ERR_MEMORY, "journeys", NULL);
    buf_init(&k.journeys, JOURNEYS_TEXT);
    err = walk_all(&k, f, w, counts);
    if (!err)
        err = tell_all(&k, f, tell, arg);
    buf_release(&k.journeys);
    memory_free(k.areas);
    return err;
}
