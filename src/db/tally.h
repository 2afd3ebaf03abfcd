/* SPDX-License-Identifier: Apache-2.0 */
/* How many rows of a table are of which kind, kept in memory beside its changes: a nation is counted once
 * after a start, in pages between the changes, and not each time that somebody asks.
 *
 * The process that writes the database keeps it (db_follow), so it is exact. Until it has been read for the
 * first time nothing is counted. A row is counted up to where the counting has come in the order of the keys;
 * what lies behind is met later. */
#ifndef JUKI_DB_TALLY_H
#define JUKI_DB_TALLY_H

#include "db/db.h"

enum { TALLY_KINDS = 4, TALLY_PAGE = 2000 };
struct tally_row {
    int64_t a, b;   /* its key */
    int64_t kind;   /* 1 to 3; 0: there is no such row */
    int64_t weight; /* summed up over all kinds */
};
struct tally_counts {
    int64_t rows[TALLY_KINDS]; /* by kind */
    int64_t weight;
};
struct tally;

/* Before the first change; at most one in a database. page: the rows after key ($1, $2) in its order, $3 at
 * most, with the columns of tally_row. It outlives the db. */
MUST_CHECK enum err tally_new(struct fail *f, struct db *db, const struct db_stmt *page, struct tally **out);
/* When no change runs any more. Accepts NULL. */
void tally_free(struct tally *t);
/* Inside a change: a row takes the place of another. Nothing when the database keeps no tally. */
void tally_change(const struct db_tx *tx, const struct tally_row *before, const struct tally_row *after);
/* As of the last commit. Counts the table when it is asked for the first time: changes go on meanwhile. Not
 * called inside a transaction. */
MUST_CHECK enum err tally_read(struct tally *t, struct fail *f, struct tally_counts *out);

#endif
