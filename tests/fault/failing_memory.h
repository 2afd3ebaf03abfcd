/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that fails where a test wants it: the product's own, SQLite's, GnuTLS's.
 *
 * SQLite's includes what it otherwise takes from places that cannot fail before they are used up (lookaside,
 * the slots of db/sqlite_pages.c). GnuTLS's is what it takes by gnutls_malloc and its like, which is all but
 * some calls of the libraries below it. */
#ifndef JUKI_TESTS_FAULT_FAILING_MEMORY_H
#define JUKI_TESTS_FAULT_FAILING_MEMORY_H

#include <stdbool.h>

enum memory { MEMORY_OWN, MEMORY_SQLITE, MEMORY_TLS, MEMORIES };

/* At the beginning of main, before either library is used. */
void failing_memory_install(void);
/* The nth allocation of its kind from now fails (1: the next), and `times` - 1 after it; nth 0: none any
 * more. The product's own: once. */
enum { FOR_GOOD = 1 << 30 };
void memory_fails(enum memory kind, unsigned long nth, unsigned long times);
/* Nothing fails on this thread, and nothing is counted. */
void memory_spares(bool spared);
/* Since the process began: how many allocations there were (not of the product's own), how many failed. */
struct memory_counts {
    unsigned long asked, failed;
};
struct memory_counts memory_counts(enum memory kind);

#endif
