/* SPDX-License-Identifier: Apache-2.0 */
/* What a server does beside its work, done to every server of a town more often than in life, so that a good
 * part of all changes meets it: four times a second a checkpoint of the write-ahead log (passive, by SQLite,
 * from here) and a new signed head of the log (its verb sign_head); and, without a pause, one after the
 * other, a backup
 * (`juki backup make` at its standard rate), the register's too. */
#ifndef JUKI_TESTS_BENCH_BUSY_H
#define JUKI_TESTS_BENCH_BUSY_H

#include "town.h"

struct busy_count {
    int64_t checkpoints, heads, backups;
};
struct busy;
/* folder: where backups are written. Rests at first. */
MUST_CHECK enum err busy_new(struct fail *f, const char *folder, struct town *t, struct busy **out);
/* Goes on; returns when everything has begun. */
void busy_begin(struct busy *b);
/* Rests; returns when nothing runs any more. An error of what ran. */
MUST_CHECK enum err busy_rest(struct busy *b, struct fail *f);
struct busy_count busy_counts(const struct busy *b);
void busy_free(struct busy *b); /* accepts NULL */

#endif
