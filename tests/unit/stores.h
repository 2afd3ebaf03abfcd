/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a test on both stores; each run finds an empty database.
 *
 *     static void rows_stay(const char *url) { ... db_open(&f, url, ...) ... }
 *     BOTH(rows_stay)                                  // makes the function both_rows_stay
 *     ... cmocka_unit_test(both_rows_stay) ...
 *     return cmocka_run_group_tests(tests, NULL, stores_clean); */
#ifndef JUKI_TESTS_UNIT_STORES_H
#define JUKI_TESTS_UNIT_STORES_H

#include "db/db.h"

void both_stores(void (*test)(const char *url));
#define BOTH(test)                                                                                           \
    static void both_##test(void **state UNUSED)                                                             \
    {                                                                                                        \
        both_stores(test);                                                                                   \
    }
/* The path of a new SQLite file, not made yet; valid until the next call. */
const char *sqlite_fresh(void);
/* The same in the store that JUKI_TEST_STORE names: "postgresql", or SQLite without it. So a whole program is
 * run on either. Ends the program as skipped when PostgreSQL was left out. */
const char *store_fresh(void);
bool store_is_postgresql(void);
/* For the group's teardown: removes the files and stops PostgreSQL when this program started it. */
int stores_clean(void **state);
/* Copies a file of some megabytes, or fails the test. */
void file_copy(const char *from, const char *to);
/* rm -r */
void folder_remove(const char *path);
/* Opens it or fails the test with the reason. */
struct db *stores_open(const char *url, const struct db_module *const *modules, size_t count);

#endif
