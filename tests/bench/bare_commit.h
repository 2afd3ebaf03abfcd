/* SPDX-License-Identifier: Apache-2.0 */
/* Baseline of a lone transaction on PostgreSQL: a bare session that commits one row at a time, the row of the
 * tests' module `sample` with its index. */
#ifndef JUKI_TESTS_BENCH_BARE_COMMIT_H
#define JUKI_TESTS_BENCH_BARE_COMMIT_H

#include "base/err.h"

struct bare_commit;
/* url: an empty database. */
MUST_CHECK enum err bare_commit_new(struct fail *f, const char *url, struct bare_commit **out);
enum bare_commit_trips {
    BARE_ONE_TRIP,    /* the row alone, which commits itself */
    BARE_THREE_TRIPS, /* BEGIN, the row, COMMIT, each answered before the next */
};
MUST_CHECK enum err bare_commit_once(struct bare_commit *b, struct fail *f, enum bare_commit_trips trips,
                                     double *seconds);
void bare_commit_free(struct bare_commit *b); /* accepts NULL */

#endif
