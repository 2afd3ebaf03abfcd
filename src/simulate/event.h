/* SPDX-License-Identifier: Apache-2.0 */
/* Invented events, collected as lines and given out by date. */
#ifndef JUKI_SIMULATE_EVENT_H
#define JUKI_SIMULATE_EVENT_H

#include "base/json.h"
#include "simulate/changes.h"
#include "simulate/household.h"

struct event_list {
    struct buf text, index;
};
void event_list_init(struct event_list *l);
void event_list_release(struct event_list *l);
/* By date, then in the order in which they were told. ERR_LIMIT, and what write gives. */
MUST_CHECK enum err event_list_write(struct event_list *l, struct fail *f, simulate_write write, void *arg);

/* One household's year. `random` is the changes' own: the household's members are drawn before. */
struct event_teller {
    const struct simulate_world *w;
    struct event_list *list;
    struct simulated_household *h;
    size_t present; /* members in the population: the last household of an area may be cut */
    bool gone[SHAPE_MEMBERS_MAX], recoded[SHAPE_MEMBERS_MAX]; /* recoded: known by record only */
    struct table_town town;                                   /* where they live now */
    struct str address;
    uint32_t first_ordinal; /* of the first member in the area */
    uint32_t *later, *told; /* codes given, events told in the area */
    uint32_t born;
    int32_t first, last;     /* day numbers of the period */
    int32_t day;             /* of the event being told */
    char last_event[48];     /* the newest event that can be cancelled, or "" */
    const char *last_cancel; /* the reason that cancels it */
    size_t last_member;
};
struct event_kind {
    uint32_t per_million; /* in a year, for each person it applies to */
    bool (*applies)(const struct event_teller *t, size_t member);
    void (*tell)(struct event_teller *t, size_t member);
};
const struct event_kind *event_kinds(size_t *count);
/* May cancel what was told just before, on a later day, which t->day then is. */
void event_cancel(struct event_teller *t);
/* Deaths in a year among a million of that age. */
uint32_t event_deaths(uint32_t age);
/* The kind whose per_million is event_deaths. */
bool event_is_death(const struct event_kind *kind);

#endif
