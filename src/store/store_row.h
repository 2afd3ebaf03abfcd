/* SPDX-License-Identifier: Apache-2.0 */
/* A store_version row and the struct: private to the store. */
#ifndef JUKI_STORE_STORE_ROW_H
#define JUKI_STORE_STORE_ROW_H

#include "store/store.h"

/* The row that db_next gave, in the columns of store_version_read.sql; text is borrowed until the next.
 * previous may be NULL. */
void store_row_get(const struct db_rows *rows, struct store_version *v, int64_t *previous);
/* The version with this id, text copied into the arena. ERR_NOT_FOUND when there is none. */
MUST_CHECK enum err store_row_read(struct db_tx *tx, struct fail *f, int64_t id, struct arena *a,
                                   struct store_version *v, int64_t *previous);
MUST_CHECK enum err store_row_add(struct db_tx *tx, struct fail *f, const struct store_version *v,
                                  int64_t previous);
/* Its id: no counter is needed because each version came with a ledger entry of its own. */
static inline int64_t store_row_id(const struct store_version *v)
{
    return (int64_t)v->entry + 1;
}

#endif
