/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a test on both stores. A test opens `url` as often as it likes; each test finds an empty database. */
#ifndef JUKI_TESTS_UNIT_STORES_H
#define JUKI_TESTS_UNIT_STORES_H

#include "db/db.h"

/* One row of CMUnitTest each: cmocka_unit_test of a function that calls both_stores. test asserts with cmocka. */
void both_stores(void (*test)(const char *url));
/* A new empty SQLite file in a folder of its own; removed by stores_clean. */
const char *sqlite_fresh(void);
/* For the group teardown: removes files, stops PostgreSQL when this program started it. */
int stores_clean(void **state);

#endif
