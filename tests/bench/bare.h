/* SPDX-License-Identifier: Apache-2.0 */
/* Baselines: the same rows written by a bare loop on one connection, which does nothing else and keeps no
 * promise but that of the commit: on disk when it returns (SQLite: WAL, synchronous=FULL, as ours;
 * PostgreSQL: fsync). */
#ifndef JUKI_TESTS_BENCH_BARE_H
#define JUKI_TESTS_BENCH_BARE_H

#include "db/db.h"

enum { BARE_COLUMNS_MAX = 40 };
struct bare_table {
    const char *create, *insert; /* both databases must understand them; parameters $1, $2 ... */
    size_t columns;
    int64_t rows, per_commit;
    /* Values of row 0 .. rows - 1; they are borrowed until the next call. */
    void (*fill)(void *arg, int64_t row, struct db_value *values);
    void *arg;
    bool kept;      /* SQLite: the file stays; one that is there gets more rows, and create may be NULL */
    bool unflushed; /* SQLite: for preparing what is measured: no log, no flush; on disk at the end all the
                       same */
};
/* path: a file, made anew and removed unless t says otherwise. *seconds: from the first row to the last
 * commit. */
MUST_CHECK enum err bare_sqlite(struct fail *f, const char *path, const struct bare_table *t,
                                double *seconds);
/* url: an empty database. Whole transactions are sent in one go (pipeline), as a loader in a hurry does. */
MUST_CHECK enum err bare_postgres(struct fail *f, const char *url, const struct bare_table *t,
                                  double *seconds);

#endif
