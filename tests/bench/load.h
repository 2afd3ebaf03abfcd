/* SPDX-License-Identifier: Apache-2.0 */
/* A municipality taken in for the first time by a fresh town, and what that cost. */
#ifndef JUKI_TESTS_BENCH_LOAD_H
#define JUKI_TESTS_BENCH_LOAD_H

#include "bench.h"
#include "town.h"

struct load_result {
    double per_s; /* persons, from the order to load until the register knows that the agency has them all */
    double csv;   /* bytes of a person's row in the file that is loaded */
    struct town_use use;           /* of the four daemons */
    int64_t stored, stored_agency; /* bytes after an orderly end */
};
/* Invents the residents, starts a town, loads them, lets the agency count them, stops the town and removes
 * both. */
MUST_CHECK enum err load_once(struct bench *b, struct fail *f, int64_t count, bool with_codes,
                              struct load_result *out);

#endif
