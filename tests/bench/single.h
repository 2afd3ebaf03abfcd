/* SPDX-License-Identifier: Apache-2.0 */
/* One change at a time through a town: the time a clerk waits until the nation knows.
 *
 * The clock runs from the question "apply" at the register's control socket (a corrected address, one event
 * in a file) until the register, asked to say when it has the outcome, says that the change was applied at
 * the agency. The next change begins when the register's own record of that is on its disk too. Each change
 * is of the next resident. */
#ifndef JUKI_TESTS_BENCH_SINGLE_H
#define JUKI_TESTS_BENCH_SINGLE_H

#include "town.h"

struct single;
/* Loads so many residents into the running town. folder: for files of its own. */
MUST_CHECK enum err single_new(struct fail *f, const char *folder, struct town *t, int64_t residents,
                               struct single **out);
/* recorded, which may be NULL: the same until the record is on disk. */
MUST_CHECK enum err single_once(struct single *s, struct fail *f, double *seconds, double *recorded);
/* Fills taken[0..count). */
MUST_CHECK enum err single_many(struct single *s, struct fail *f, double *taken, int64_t count);
void single_free(struct single *s); /* accepts NULL */

#endif
