/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of the stored tree: a merkle_source over the tiles of a database, and leaves of entries that have no
 * tile yet. */
#ifndef JUKI_LEDGER_LEDGER_TILE_H
#define JUKI_LEDGER_LEDGER_TILE_H

#include "ledger/edge.h"
#include "ledger/ledger_block.h"

static inline int64_t tile_id(unsigned level, uint64_t index)
{
    return (int64_t)((uint64_t)level << 56 | index);
}

/* Nodes are given only when they lie inside the first `size` leaves. */
struct tile_reader;
MUST_CHECK enum err tile_reader_new(struct fail *f, struct db_tx *tx, uint64_t size,
                                    struct tile_reader **out);
void tile_reader_free(struct tile_reader *r);
struct merkle_source tile_reader_source(struct tile_reader *r);
/* The edge of the tree of `size` leaves: log2(size) node reads and at most one tile. */
MUST_CHECK enum err tile_reader_edge(struct fail *f, struct tile_reader *r, struct edge *out);

#endif
