/* SPDX-License-Identifier: Apache-2.0 */
/* Baselines: the same rows written by a bare loop on one connection, which does nothing else and keeps no
 * promise but that of the commit (WAL, synchronous=FULL, as ours). */
#ifndef JUKI_TESTS_BENCH_BARE_H
#define JUKI_TESTS_BENCH_BARE_H

#include "base/str.h"

#include <sqlite3.h>

struct bare_sqlite {
    const char *path; /* made anew */
    const char *create, *insert;
    int64_t rows, per_commit;
    void (*bind)(void *arg, sqlite3_stmt *insert, int64_t row); /* row 0 .. rows - 1 */
    void *arg;
};
/* *seconds: from the first row to the last commit. */
MUST_CHECK enum err bare_sqlite(struct fail *f, const struct bare_sqlite *b, double *seconds);

#endif
