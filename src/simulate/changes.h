/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to an invented population in a period: events for its register (docs/REGISTER-CSV.md), in the
 * order of their dates.
 *
 * Births, deaths, moves within the municipality, names changed by marriage, 旧氏 and 通称, requests to change
 * the resident code or the Individual Number, minor and other corrections, and cancellations; all concern
 * people that simulate_residents made from the same world and counts. Moves between municipalities are not
 * among them: they need both ends (simulate/journeys.h). Reproducible as the population is. */
#ifndef JUKI_SIMULATE_CHANGES_H
#define JUKI_SIMULATE_CHANGES_H

#include "simulate/residents.h"

enum { SIMULATE_PERIOD_DAYS_MAX = 366 };
struct simulate_period {
    struct date first, last; /* first: on or after the world's day */
    uint32_t percent; /* how much happens: 100 as in life (some 9 events a year for 100 people); 0: 100; at
                         most 10,000 */
};
/* ERR_DATE_REAL, ERR_FIELD_RANGE: what the comments above say does not hold. */
MUST_CHECK enum err simulate_check_period(struct fail *f, const struct simulate_world *w,
                                          const struct simulate_period *period);
/* JSON lines to write; events are kept in memory until all are drawn (some 350 bytes each, 1 GiB at most:
 * ERR_LIMIT). ERR_DATE_REAL, ERR_FIELD_RANGE, and those of simulate_residents. */
MUST_CHECK enum err simulate_changes(struct fail *f, const struct simulate_world *w,
                                     const struct simulate_count *counts, size_t count,
                                     const struct simulate_period *period, simulate_write write, void *arg);

#endif
