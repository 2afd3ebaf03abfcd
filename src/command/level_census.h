/* SPDX-License-Identifier: Apache-2.0 */
/* What the servers of a network hold, area by area, and whether all levels hold the same. */
#ifndef JUKI_COMMAND_LEVEL_CENSUS_H
#define JUKI_COMMAND_LEVEL_CENSUS_H

#include "command/network.h"

struct census_area {
    int32_t area;
    int64_t current, leaving, removed;
    char digest[65];
};
struct census {
    struct census_area *areas; /* in order of area code, in the arena */
    size_t count;
    bool down; /* the server did not answer */
};
MUST_CHECK enum err node_census(struct fail *f, const struct network_node *node, struct arena *a, struct census *out);
const struct census_area *census_find(const struct census *c, int32_t area); /* NULL when there is nobody */

/* A level of the network as one area sees it. */
struct level {
    const char *node;
    const struct census_area *state; /* NULL: nobody */
    bool down;                       /* the server did not answer: not compared */
};
/* Compares every area at its register, CS, prefecture and agency. each() is told the area, its levels and whether they
 * agree; *equal whether all do. When a server does not answer the others are
 * compared all the same, and ERR_CONTROL_DOWN (or why else) names the first that did not. */
MUST_CHECK enum err network_compare(struct fail *f, const struct network *n, struct arena *a,
                                    void (*each)(void *arg, int32_t area, const struct level *levels, size_t count,
                                                 bool equal),
                                    void *arg, bool *equal);

#endif
