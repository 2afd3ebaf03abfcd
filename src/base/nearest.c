/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which known name is near enough to an unknown word: Damerau's distance in its restricted form (no
 * part is edited twice), kept in three rows. */
#include "base/nearest.h"

#include <limits.h>

static unsigned least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool swapped(struct str a, struct str b, size_t i, size_t j)
{
    return i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
}

unsigned nearest_distance(struct str a, struct str b)
{
    unsigned rows[3][NEAREST_LENGTH_MAX + 1] = {{0}};
    if (a.n > NEAREST_LENGTH_MAX || b.n > NEAREST_LENGTH_MAX)
        return UINT_MAX;
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *two_before = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned replaced = before[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            now[j] = least_of(replaced, least_of(before[j], now[j - 1]) + 1);
            if (swapped(a, b, i, j))
                now[j] = least_of(now[j], two_before[j - 2] + 1);
        }
    }
    return rows[a.n % 3][b.n];
}

struct nearest nearest_begin(struct str word)
{
    return (struct nearest){.word = word, .distance = UINT_MAX};
}

void nearest_offer(struct nearest *n, const char *name)
{
    unsigned distance = nearest_distance(n->word, str_of(name));
    unsigned enough = least_of(3, (unsigned)((strlen(name) + 2) / 3));
    if (distance > enough || distance >= n->distance)
        return;
    n->best = name;
    n->distance = distance;
}
