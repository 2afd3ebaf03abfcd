/* SPDX-License-Identifier: Apache-2.0 */
/* A wire between a program and the tests' PostgreSQL that can be cut, at any piece of what goes over it too,
 * and that can swallow the answer to a COMMIT. */
#ifndef JUKI_TESTS_UNIT_POSTGRES_PROXY_H
#define JUKI_TESTS_UNIT_POSTGRES_PROXY_H

#include <stdbool.h>

enum proxy_mode {
    PROXY_PASSES,
    PROXY_CUT,      /* connections end; new ones end at once */
    PROXY_SWALLOWS, /* the next answer to COMMIT is swallowed and its connection ends; then it passes again */
};
/* The url of the database through the wire; NULL when the server is not this program's own. One wire a
 * program; valid until the next call. */
const char *postgres_proxy_start(const char *url);
void postgres_proxy(enum proxy_mode mode);
/* How many answers were swallowed. */
int postgres_proxy_swallowed(void);
/* The nth piece of what is said from now on, by whichever end on whichever connection, is the last on its
 * connection; arrives: it still comes to the other end. 0: none. */
void postgres_proxy_cut_at(unsigned long nth, bool arrives);
/* Has that happened? */
bool postgres_proxy_was_cut(void);
void postgres_proxy_stop(void);

#endif
