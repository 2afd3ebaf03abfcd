/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what a connection has prepared for a statement: a hash table keyed by the statement's address.
 *
 * Statements are constants that outlive the connection, so the address is their identity. */
#ifndef JUKI_DB_STMT_MAP_H
#define JUKI_DB_STMT_MAP_H

#include "db/db.h"

struct stmt_map_slot {
    const struct db_stmt *stmt; /* NULL: free */
    void *value;
};
struct stmt_map {
    struct stmt_map_slot *slots;
    size_t size, count; /* size is 0 or a power of two, at least twice count */
};

/* NULL when it is not there. */
void *stmt_map_find(const struct stmt_map *m, const struct db_stmt *stmt);
/* stmt must not be there yet. ERR_MEMORY changes nothing. */
MUST_CHECK enum err stmt_map_add(struct stmt_map *m, const struct db_stmt *stmt, void *value);
/* Forgets all; the values are the caller's to close first. */
void stmt_map_release(struct stmt_map *m);

#endif
