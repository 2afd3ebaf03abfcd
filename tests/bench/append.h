/* SPDX-License-Identifier: Apache-2.0 */
/* A log that grows as it is measured, on either store.
 *
 * Entries have the size and the alphabet of an identity notice, every one different, so that compression has
 * the work it has in use. */
#ifndef JUKI_TESTS_BENCH_APPEND_H
#define JUKI_TESTS_BENCH_APPEND_H

#include "ledger/ledger.h"

enum { APPEND_PER_COMMIT = 1000, APPEND_CALLERS = 64, APPEND_SALT = 16, APPEND_BODY_MAX = 1024 };
#define APPEND_NODE "cs.282049"

struct append_log {
    struct db *db;
    struct ledger *ledger;
};
/* url: an empty database. The key is borrowed. What was opened stays for append_close, also after an error.
 */
MUST_CHECK enum err append_open(struct fail *f, const char *url, struct key *key, struct append_log *out);
void append_close(struct append_log *log);
/* One caller, APPEND_PER_COMMIT entries a transaction. */
MUST_CHECK enum err append_groups(struct append_log *log, struct fail *f, int64_t count, double *seconds);
/* APPEND_CALLERS callers, each of whom waits for its own entry to be on disk before it appends the next. */
MUST_CHECK enum err append_waiting(struct append_log *log, struct fail *f, int64_t each, double *seconds);
/* The signing key of such a log. */
MUST_CHECK enum err append_key(struct fail *f, struct key **out);

/* The baseline's rows: id, salt, body. One row's values live until the next row's. */
struct append_row {
    char body[APPEND_BODY_MAX];
    uint8_t salt[APPEND_SALT];
};
void append_fill(void *row, int64_t number, struct db_value *values);
struct str append_body(int64_t number, char out[static APPEND_BODY_MAX]);

#endif
