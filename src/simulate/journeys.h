/* SPDX-License-Identifier: Apache-2.0 */
/* Which invented households move between municipalities in a period, when, and what the registers of both
 * ends are told: the plan for the 転出届, and what came of it.
 *
 * Reproducible as the population is: a household's journeys depend on the seed, the day, the list of areas,
 * the period, its area and its number there, and on nothing that happens to others. Whole households move, as
 * simulate_residents made them; who died or was born meanwhile is for the caller to know. */
#ifndef JUKI_SIMULATE_JOURNEYS_H
#define JUKI_SIMULATE_JOURNEYS_H

#include "simulate/changes.h"

enum journey_kind {
    JOURNEY_AS_PLANNED,
    JOURNEY_LATE,            /* arrives weeks after the planned day */
    JOURNEY_ELSEWHERE,       /* arrives in another municipality than planned */
    JOURNEY_UNANNOUNCED,     /* arrives without 転出届 */
    JOURNEY_CALLED_OFF,      /* 転出取りやめ: stays */
    JOURNEY_ENTRY_CANCELLED, /* the entry is cancelled after it was made: was never away */
    JOURNEY_KINDS
};
/* Days may lie behind the period's last: the journey is then under way when it ends. A zeroed day: never. */
struct simulate_journey {
    enum journey_kind kind;
    size_t home;                        /* the row of counts the household was made in */
    uint32_t household, members, order; /* number there; 1..SHAPE_MEMBERS_MAX; its journeys, from 0 */
    size_t from, planned_to, reached;   /* rows of counts; never from == planned_to or from == reached */
    struct date filed, planned;         /* 転出届, 転出予定日; zeroed when unannounced */
    struct date arrived, entered;       /* 転入をした日, day of the 転入届; zeroed when called off */
    struct date undone;                 /* of the two kinds that end where they began */
};
/* The first day on which a register hears of it. */
struct date journey_begins(const struct simulate_journey *j);

typedef enum err (*simulate_tell)(void *arg, struct fail *f, const struct simulate_journey *j);
/* Told in the order of their first days. Some 4 households of 100 move in a year, most in March and April
 * (percent: as for changes). They are kept in memory until all are drawn (some 80 bytes each, 1 GiB at most:
 * ERR_LIMIT). ERR_FIELD_RANGE when counts has fewer than two rows; ERR_DATE_REAL, and those of
 * simulate_residents; what tell gives. */
MUST_CHECK enum err simulate_journeys(struct fail *f, const struct simulate_world *w,
                                      const struct simulate_count *counts, size_t count,
                                      const struct simulate_period *period, simulate_tell tell, void *arg);

#endif
