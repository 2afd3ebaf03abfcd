/* SPDX-License-Identifier: Apache-2.0 */
/* The name somebody probably meant: for "unknown option --lon; did you mean --long?". */
#ifndef JUKI_BASE_NEAREST_H
#define JUKI_BASE_NEAREST_H

#include "base/str.h"

enum { NEAREST_LENGTH_MAX = 64 }; /* longer words have no neighbour */

/* Insertions, deletions, replacements and swaps of neighbours (bytes) that turn a into b; UINT_MAX when one
 * is too long. */
unsigned nearest_distance(struct str a, struct str b);
/* A search over names offered one by one: begin, offer each, then best is NULL or the nearest one that is
 * near enough to be worth naming (at most a third of its letters differ, and at most 3). */
struct nearest {
    struct str word;
    const char *best;
    unsigned distance;
};
struct nearest nearest_begin(struct str word);
void nearest_offer(struct nearest *n, const char *name);

#endif
