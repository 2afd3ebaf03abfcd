/* SPDX-License-Identifier: Apache-2.0 */
/* A tile holds 256 hashes of one level: level 0 leaves, level 1 the roots of level-0 tiles, and so on. A node
 * of the tree on level 8a + b is the root of 2^b neighbours inside one tile of level a. Complete tiles are
 * rows; one that is not complete yet is put together from what lies below it: leaves from their entries,
 * upper hashes from the root column of the tiles one level down. So a proof reads a handful of tiles, and the
 * edge needs no row of its own. */
#include "ledger/ledger_tile.h"

#include "ledger/ledger_sql.h"

enum { SLOTS = 2 * TILE_LEVELS };

struct tile {
    bool used;
    int64_t id;
    unsigned count;
    struct sha256 hashes[TILE_WIDTH];
};

struct tile_reader {
    struct db_tx *tx;
    uint64_t size;
    struct body_packer *packer;
    unsigned next; /* slot to give away */
    struct tile slots[SLOTS];
};

enum err tile_reader_new(struct fail *f, struct db_tx *tx, uint64_t size, struct tile_reader **out)
{
    struct tile_reader *r = memory_new(sizeof *r);
    if (!r)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    r->tx = tx;
    r->size = size;
    enum err e = body_packer_new(f, &r->packer);
    if (e)
        memory_free(r);
    else
        *out = r;
    return e;
}

void tile_reader_free(struct tile_reader *r)
{
    if (r)
        body_packer_free(r->packer);
    memory_free(r);
}

static enum err damaged(struct fail *f, const char *what, unsigned level, uint64_t index)
{
    return fail_set(f, ERR_LEDGER_DAMAGED, what, "level %u, index %llu", level, (unsigned long long)index);
}

/* The leaves of a row that lie from the tile's next place on; *more: the next row may follow. */
static enum err take_leaves(struct fail *f, struct tile_reader *r, const struct db_rows *rows, int64_t first,
                            struct tile *t, bool *more)
{
    struct row_reader row;
    struct row_entry entry;
    enum err e = row_reader_init(&row, f, rows, r->packer);
    if (e)
        return e;
    while (t->count < TILE_WIDTH && row_reader_next(&row, &entry)) {
        if (entry.id < first + t->count)
            continue;
        *more = entry.id == first + t->count && !entry.gone;
        if (!*more)
            break;
        t->hashes[t->count++] = merkle_salted_leaf(entry.salt, entry.body);
    }
    return ERR_OK;
}

static enum err load_leaves(struct fail *f, struct tile_reader *r, uint64_t index, struct tile *t)
{
    struct db_rows rows;
    int64_t first = (int64_t)(index * TILE_WIDTH + 1);
    enum err e = ERR_OK;
    bool more = true;
    db_query(r->tx, &rows, &sql_ledger_entry_range, DB(db_int(first), db_int(first + TILE_WIDTH - 1)));
    while (!e && more && db_next(&rows))
        e = take_leaves(f, r, &rows, first, t, &more);
    enum err closing = db_done(&rows, e ? NULL : f);
    return e ? e : closing;
}

static enum err load_roots(struct fail *f, struct tile_reader *r, unsigned level, uint64_t index,
                           struct tile *t)
{
    struct db_rows rows;
    int64_t first = tile_id(level - 1, index * TILE_WIDTH);
    db_query(r->tx, &rows, &sql_ledger_tile_roots, DB(db_int(first), db_int(first + TILE_WIDTH - 1)));
    while (db_next(&rows) && db_row_int(&rows, 0) == first + t->count) {
        struct str root = db_row_bytes(&rows, 1);
        if (root.n != sizeof t->hashes[0])
            break;
        memcpy(&t->hashes[t->count++], root.p, root.n);
    }
    return db_done(&rows, f);
}

static enum err load_complete(struct fail *f, struct tile_reader *r, struct tile *t)
{
    struct db_rows rows;
    db_query(r->tx, &rows, &sql_ledger_tile_get, DB(db_int(t->id)));
    if (db_next(&rows)) {
        struct str hashes = db_row_bytes(&rows, 1);
        if (hashes.n == sizeof t->hashes) {
            memcpy(t->hashes, hashes.p, hashes.n);
            t->count = TILE_WIDTH;
        }
    }
    return db_done(&rows, f);
}

static enum err load(struct fail *f, struct tile_reader *r, unsigned level, uint64_t index, struct tile **out)
{
    int64_t id = tile_id(level, index);
    for (size_t i = 0; i < SLOTS; i++)
        if (r->slots[i].used && r->slots[i].id == id) {
            *out = &r->slots[i];
            return ERR_OK;
        }
    struct tile *t = &r->slots[r->next++ % SLOTS];
    *t = (struct tile){.id = id};
    enum err e = load_complete(f, r, t);
    if (!e && !t->count)
        e = level ? load_roots(f, r, level, index, t) : load_leaves(f, r, index, t);
    t->used = !e;
    if (!e)
        *out = t;
    return e;
}

static enum err reader_node(void *self, struct fail *f, unsigned level, uint64_t index, struct sha256 *out)
{
    struct tile_reader *r = self;
    unsigned tile_level = level / TILE_BITS;
    uint64_t width = (uint64_t)1 << level % TILE_BITS, first = index * width;
    struct tile *t;
    if (level >= 64 || r->size >> level <= index)
        return damaged(f, "node", level, index);
    enum err e = load(f, r, tile_level, first / TILE_WIDTH, &t);
    if (e)
        return e;
    if (first % TILE_WIDTH + width > t->count)
        return damaged(f, "node", level, index);
    *out = merkle_root_of(t->hashes + first % TILE_WIDTH, width);
    return ERR_OK;
}

struct merkle_source tile_reader_source(struct tile_reader *r)
{
    return (struct merkle_source){reader_node, r};
}

enum err tile_reader_edge(struct fail *f, struct tile_reader *r, struct edge *out)
{
    struct edge edge = {.tree.size = r->size};
    for (unsigned level = 0; level < 64 && r->size >> level; level++) {
        enum err e = r->size >> level & 1
                         ? reader_node(r, f, level, (r->size >> level) - 1, &edge.tree.nodes[level])
                         : ERR_OK;
        if (e)
            return e;
    }
    if (r->size % TILE_WIDTH) {
        struct tile *t;
        enum err e = load(f, r, 0, r->size / TILE_WIDTH, &t);
        if (e)
            return e;
        if (t->count < r->size % TILE_WIDTH)
            return damaged(f, "entry", 0, r->size / TILE_WIDTH * TILE_WIDTH + t->count);
        memcpy(edge.leaves, t->hashes, r->size % TILE_WIDTH * sizeof edge.leaves[0]);
    }
    *out = edge;
    return ERR_OK;
}
