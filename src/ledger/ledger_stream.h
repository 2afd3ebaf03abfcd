/* SPDX-License-Identifier: Apache-2.0 */
/* A whole log read from front to back for verification: the entries as they are, the hashes that the tiles
 * promise, and the signed heads, each with some lookahead.
 *
 * Everything is bounded by what one first snapshot showed, so that a log that grows meanwhile does no harm;
 * then pages are read in snapshots of their own, each far below the time limit. */
#ifndef JUKI_LEDGER_LEDGER_STREAM_H
#define JUKI_LEDGER_LEDGER_STREAM_H

#include "ledger/ledger_tile.h"

enum { STREAM_LOOKAHEAD = 2 * TILE_WIDTH, STREAM_ROWS = 4096, STREAM_TILES = 16 };

enum stream_says { SAYS_OTHER, SAYS_STARTED, SAYS_STOPPED, SAYS_DELETED };
struct stream_row {
    int64_t id;
    struct sha256 leaf;
    bool gone;                            /* the body was deleted: no leaf */
    enum stream_says says;                /* what an operation entry says about the log itself */
    uint64_t deleted_first, deleted_last; /* SAYS_DELETED: the entries whose bodies retention deleted */
};
struct stream_want { /* what the tiles promise at one place */
    struct sha256 hash;
    bool known;
};

struct ledger_stream {
    struct db *db;
    struct body_packer *packer;
    int64_t last_id, last_tile; /* bounds of the first snapshot: the last row, the last tile (-1: none) */
    uint64_t entries;           /* that the last row says there are */
    uint64_t upper_tiles[TILE_LEVELS]; /* of each level above 0: the last tile's index + 1 */
    int64_t newest_head;               /* size, -1: none */

    /* What the newest head counts behind the last complete tile: promised like a tile. */
    struct sha256 edge_root, edge[TILE_WIDTH];
    uint64_t edge_first;
    size_t edge_count; /* 0: no such leaves, or a tile has taken them */
    uint64_t edge_end; /* entries that the row says there are, whether it is used or not */

    struct stream_row *rows; /* those from row_at to row_count are ahead */
    size_t row_at, row_count;
    int64_t row_id; /* id of the last row read */
    bool rows_ended;

    struct stream_want *wants; /* of the places from want_base, a multiple of 256 */
    uint64_t want_base, place; /* place: the next to be judged */
    size_t want_count;
    struct sha256
        roots[STREAM_TILES + STREAM_LOOKAHEAD / TILE_WIDTH + 2]; /* root columns of the tiles in wants */
};

MUST_CHECK enum err ledger_stream_new(struct fail *f, struct db *db, struct ledger_stream **out);
void ledger_stream_free(struct ledger_stream *s);
/* Reads on until the lookahead is full or the end is reached. */
MUST_CHECK enum err ledger_stream_fill(struct ledger_stream *s, struct fail *f);
/* The k-th row ahead, k < STREAM_LOOKAHEAD; NULL past the end. */
const struct stream_row *ledger_stream_row(const struct ledger_stream *s, size_t k);
/* The promise for place + k; unknown past the last tile and the edge, or in a missing tile. Never NULL. */
const struct stream_want *ledger_stream_want(const struct ledger_stream *s, size_t k);
/* The first place without a tile; the first that neither a tile nor the edge promises. */
uint64_t ledger_stream_tiled(const struct ledger_stream *s);
uint64_t ledger_stream_promised(const struct ledger_stream *s);
/* The root column of a level-0 tile near the present place; NULL when there is no such tile, or it is
 * distrusted. */
const struct sha256 *ledger_stream_root(const struct ledger_stream *s, uint64_t tile);
/* Does the tile (or the edge) of the present place give its own root column? True when there is none. *count:
 * its leaves. */
bool ledger_stream_tile_is_whole(const struct ledger_stream *s, size_t *count);
/* Forgets the promises of the present tile: it was tampered with. */
void ledger_stream_distrust_tile(struct ledger_stream *s);

#endif
