/* SPDX-License-Identifier: Apache-2.0 */
/* A real PostgreSQL server of the test's own, on a Unix socket in a temporary folder.
 *
 * JUKI_TEST_POSTGRES=url uses one that runs already; JUKI_TEST_NO_POSTGRES=1 leaves it out (both_stores says
 * so). The server runs without fsync: no test of durability may use it; measurements start a durable one. */
#ifndef JUKI_TESTS_UNIT_POSTGRES_H
#define JUKI_TESTS_UNIT_POSTGRES_H

#include <stdbool.h>

/* Starts it at the first call. The url of its database "postgres"; NULL when it was left out. */
const char *postgres_start(void);
/* The same with fsync, whole pages in its log and more memory, as an operator would run it. */
const char *postgres_start_durable(void);
/* A new empty database on it; valid until the next call. */
const char *postgres_fresh(void);
/* Keeps a copy of such a database under a name, and makes it that copy again, as a backup would. Nobody may
 * be connected to it. */
void postgres_save(const char *url, const char *saved);
void postgres_restore(const char *url, const char *saved);
/* Runs SQL outside of any connection of ours; the first value is returned, valid until the next call. */
const char *postgres_run(const char *url, const char *sql);
/* The server crashes: SIGQUIT, as `pg_ctl stop -m immediate`. False when it is not this program's own. */
bool postgres_crash(void);
/* And comes back on the same data; returns when it answers. */
void postgres_return(void);
/* Stops what postgres_start started, and removes its folder. */
void postgres_stop(void);

#endif
