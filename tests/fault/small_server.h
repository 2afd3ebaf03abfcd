/* SPDX-License-Identifier: Apache-2.0 */
/* A server without lines: each change writes a row and some entries of its log, in one transaction. Where it
 * would abort because its disk failed, its process ends with SMALL_SERVER_ENDED. */
#ifndef JUKI_TESTS_FAULT_SMALL_SERVER_H
#define JUKI_TESTS_FAULT_SMALL_SERVER_H

#include "ledger/ledger.h"

enum { SMALL_SERVER_ENDED = 7 };

struct small_server {
    struct db *db;
    struct ledger *ledger;
};
struct small_change {
    struct small_server *server;
    int64_t number, entries;
};

/* Makes the key that all of them sign with: before a process is forked that runs one. */
void small_server_install(void);
void small_server_uninstall(void);

/* Its database stands in the folder. Whatever it answers, small_server_finish is called. */
MUST_CHECK enum err small_server_begin(struct small_server *s, struct fail *f, const char *folder);
void small_server_finish(struct small_server *s);
/* For db_transaction: makes a struct small_change. ERR_EXISTS: it was made. */
enum err small_change_fn(struct db_tx *tx, struct fail *f, void *arg);
/* How many changes there are. */
MUST_CHECK enum err small_server_count(struct small_server *s, struct fail *f, int64_t *out);
/* Opens what is in the folder: so many changes and so many entries, and a log that proves itself. What is
 * wrong with it goes to `wrong`; false. */
bool small_server_look(const char *folder, int64_t changes, int64_t entries, char wrong[static 200]);

#endif
