/* SPDX-License-Identifier: Apache-2.0 */
/* Draws what happens to each household, one after the other, and gives all of it out by date.
 *
 * Candidates are drawn for each kind of event and each member, with their days; then they are told in the
 * order of their days, and each is dropped if it no longer applies: nobody dies twice, or moves after it. A
 * cancellation comes right behind the event that it cancels, some days later, and nothing else of that
 * household between. */
#include "simulate/changes.h"

#include "simulate/event.h"

enum { CANDIDATES_MAX = 128, PERCENT_MAX = 10000 };
struct candidate {
    int32_t day;
    uint16_t kind, member;
};

static int by_day(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->member > y->member) - (x->member < y->member);
}

/* Chance in a million within the period. */
static uint64_t chance_of(const struct event_teller *t, const struct event_kind *kind, size_t member,
                          uint32_t percent)
{
    uint64_t yearly = event_is_death(kind) ? event_deaths(t->h->shape.member[member].age) : kind->per_million;
    return yearly * percent * (uint64_t)(t->last - t->first + 1) / (100 * 365);
}

static size_t draw_candidates(struct event_teller *t, uint32_t percent, struct candidate *out)
{
    size_t kinds, count = 0;
    const struct event_kind *kind = event_kinds(&kinds);
    uint32_t days = (uint32_t)(t->last - t->first + 1);
    for (size_t k = 0; k < kinds; k++)
        for (size_t i = 0; i < t->present; i++) {
            uint64_t drawn = random_seeded_below(&t->h->random, 1000000);
            int32_t day = t->first + (int32_t)random_seeded_below(&t->h->random, days);
            if (drawn < chance_of(t, &kind[k], i, percent) && count < CANDIDATES_MAX)
                out[count++] = (struct candidate){day, (uint16_t)k, (uint16_t)i};
        }
    qsort(out, count, sizeof *out, by_day);
    return count;
}

static void tell_household(struct event_teller *t, uint32_t percent)
{
    struct candidate candidates[CANDIDATES_MAX];
    size_t kinds, count = draw_candidates(t, percent, candidates);
    const struct event_kind *kind = event_kinds(&kinds);
    for (size_t i = 0; i < count; i++) {
        if (candidates[i].day < t->day) /* before a cancellation that has been told */
            continue;
        t->day = candidates[i].day;
        t->last_event[0] = 0;
        if (t->h->used >= HOUSEHOLD_TEXT - 1024 || !kind[candidates[i].kind].applies(t, candidates[i].member))
            continue;
        kind[candidates[i].kind].tell(t, candidates[i].member);
        event_cancel(t);
    }
}

static void tell_area(const struct simulate_world *w, const struct table_area *area, uint32_t count,
                      const struct simulate_period *period, struct event_list *list)
{
    struct simulated_household h;
    uint32_t ordinal = 0, later = 0, told = 0;
    for (uint32_t number = 0; ordinal < count; number++) {
        household_draw(w, area, number, &h);
        h.random.state ^= (uint64_t)date_to_int(period->first) * UINT64_C(0x9E3779B97F4A7C15);
        struct event_teller t = {.w = w,
                                 .list = list,
                                 .h = &h,
                                 .town = h.town,
                                 .address = h.address,
                                 .first_ordinal = ordinal,
                                 .later = &later,
                                 .told = &told,
                                 .first = date_day_number(period->first),
                                 .last = date_day_number(period->last)};
        t.present = h.shape.count < count - ordinal ? h.shape.count : count - ordinal;
        tell_household(&t, period->percent ? period->percent : 100);
        ordinal += h.shape.count;
        if (ordinal >= count)
            return;
    }
}

enum err simulate_check_period(struct fail *f, const struct simulate_world *w,
                               const struct simulate_period *period)
{
    if (!date_real(period->first) || !date_real(period->last))
        return fail_set(f, ERR_DATE_REAL, "period", "first and last are real days");
    int32_t first = date_day_number(period->first), last = date_day_number(period->last);
    if (first < w->day || last < first || last - first >= SIMULATE_PERIOD_DAYS_MAX)
        return fail_set(f, ERR_FIELD_RANGE, "period", "1 to 366 days from the population's day on");
    if (period->percent > PERCENT_MAX)
        return fail_set(f, ERR_FIELD_RANGE, "percent", "at most 10,000");
    return ERR_OK;
}

enum err simulate_changes(struct fail *f, const struct simulate_world *w, const struct simulate_count *counts,
                          size_t count, const struct simulate_period *period, simulate_write write, void *arg)
{
    struct event_list list;
    const struct table_area *area = NULL;
    enum err err = simulate_check_period(f, w, period);
    event_list_init(&list);
    for (size_t i = 0; i < count && !err; i++) {
        err = simulate_check_count(f, w, &counts[i], &area);
        if (!err)
            tell_area(w, area, (uint32_t)counts[i].count, period, &list);
        if (!err)
            err = buf_check(&list.text, f, "changes");
    }
    if (!err)
        err = event_list_write(&list, f, write, arg);
    event_list_release(&list);
    return err;
}
