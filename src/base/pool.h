/* SPDX-License-Identifier: Apache-2.0 */
/* When a pool runs low: said once at 30 % left and once at 10 %, long before anybody hears "try later".
 *
 * A level is left again only after the pool has stood clear of it (5 points above) for a minute, so that
 * nobody who takes and gives back in a rhythm fills a log. */
#ifndef JUKI_BASE_POOL_H
#define JUKI_BASE_POOL_H

#include "base/attr.h"

struct pool {
    const char *name;
    int64_t left, of; /* as it was looked at last; of 0: not yet */
    int level;        /* 0 fine, 1 at or below 30 %, 2 at or below 10 % */
    int64_t low;      /* when it last stood at its level, steady µs */
};
/* The percent that a level stands for. */
int pool_percent(int level);
/* Looks at the pool at `now` (steady µs). True when its level rose: to be said. */
bool pool_look(struct pool *p, int64_t left, int64_t of, int64_t now);

#endif
