/* SPDX-License-Identifier: Apache-2.0 */
/* Appends like merkle_append, and catches the roots of tiles on the way up: the carry passes level 8, 16, ... exactly
 * when a tile of level 0, 1, ... is complete, and the hash in hand is then that tile's root. */
#include "ledger/edge.h"

unsigned edge_append(struct edge *e, struct sha256 leaf, struct sha256 roots[static TILE_LEVELS])
{
    struct merkle_frontier *t = &e->tree;
    unsigned level = 0, tiles = 0;
    e->leaves[t->size % TILE_WIDTH] = leaf;
    for (; t->size >> level & 1; level++) {
        leaf = merkle_node(t->nodes[level], leaf);
        if ((level + 1) % TILE_BITS == 0)
            roots[tiles++] = leaf;
    }
    t->nodes[level] = leaf;
    t->size++;
    return tiles;
}
