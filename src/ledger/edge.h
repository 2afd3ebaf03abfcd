/* SPDX-License-Identifier: Apache-2.0 */
/* The right edge of the log's tree in memory: the frontier, and the leaves of the tile that is not complete yet.
 *
 * 10 KiB whatever the log's size; copying the struct copies the state. */
#ifndef JUKI_LEDGER_EDGE_H
#define JUKI_LEDGER_EDGE_H

#include "ledger/merkle.h"

enum { TILE_BITS = 8, TILE_WIDTH = 1 << TILE_BITS, TILE_LEVELS = 64 / TILE_BITS };

struct edge {
    struct merkle_frontier tree;
    struct sha256 leaves[TILE_WIDTH]; /* the first tree.size % 256 of them; all of them when a tile was just completed */
};
/* Appends a leaf. Returns how many tiles it completed, of the levels 0, 1, ...; roots[k] is the root of that of level k.
 * The leaves of the level-0 tile stand in e->leaves until the next call. */
unsigned edge_append(struct edge *e, struct sha256 leaf, struct sha256 roots[static TILE_LEVELS]);

#endif
