/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

enum { CLEAR_POINTS = 5, CLEAR_MICROS = 60 * 1000 * 1000 };

int pool_percent(int level)
{
    static const int percent[] = {100, 30, 10};
    return percent[level];
}

/* Above the limits by so many points. */
static int level_of(const struct pool *p, int points)
{
    int level = 0;
    while (level < 2 && p->left * 100 <= p->of * (pool_percent(level + 1) + points))
        level++;
    return level;
}

bool pool_look(struct pool *p, int64_t left, int64_t of, int64_t now)
{
    p->left = left;
    p->of = of;
    int level = level_of(p, 0), clear = level_of(p, CLEAR_POINTS);
    bool rose = level > p->level;
    if (rose || clear >= p->level)
        p->low = now;
    if (rose)
        p->level = level;
    else if (now - p->low >= CLEAR_MICROS)
        p->level = clear;
    return rose;
}
