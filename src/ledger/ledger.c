/* SPDX-License-Identifier: Apache-2.0 */
/* Appending and reading.
 *
 * An append costs one SHA-256 and one INSERT: the leaf waits in memory until the group of changes is complete, and
 * goes with it or not at all (undo, rolled_back). Just before the commit the waiting leaves enter the tree, and each
 * tile that became complete is written in the same transaction; so on disk tiles and entries never disagree, and after
 * a crash the edge is computed again from them. Other threads see the tree only as it was at the last commit. */
#include "ledger/ledger.h"

#include "base/clock.h"
#include "base/random.h"
#include "ledger/ledger_inside.h"
#include "ledger/ledger_sql.h"

static void savepoint(void *self)
{
    struct ledger *l = self;
    l->mark = l->pending_count;
}

static void undo(void *self)
{
    struct ledger *l = self;
    l->pending_count = l->mark;
}

/* The hashes of an upper tile are the roots of the 256 tiles below it, all on disk by now. */
static enum err read_roots(struct fail *f, struct db_tx *tx, int64_t first, struct sha256 hashes[static TILE_WIDTH])
{
    struct db_rows rows;
    size_t count = 0;
    db_query(tx, &rows, &sql_ledger_tile_roots, DB(db_int(first), db_int(first + TILE_WIDTH - 1)));
    while (db_next(&rows) && count < TILE_WIDTH) {
        struct str root = db_row_bytes(&rows, 1);
        if (root.n != sizeof hashes[0])
            break;
        memcpy(&hashes[count++], root.p, root.n);
    }
    enum err e = db_done(&rows, f);
    if (!e && count != TILE_WIDTH)
        e = fail_set(f, ERR_LEDGER_DAMAGED, "tile", "a tile below %lld is missing", (long long)first);
    return e;
}

static enum err write_tile(struct ledger *l, struct db_tx *tx, struct fail *f, unsigned level, struct sha256 root)
{
    uint64_t index = (l->edge.tree.size >> TILE_BITS * (level + 1)) - 1;
    struct sha256 upper[TILE_WIDTH];
    const struct sha256 *hashes = l->edge.leaves;
    if (level) {
        enum err e = read_roots(f, tx, tile_id(level - 1, index * TILE_WIDTH), upper);
        if (e)
            return e;
        hashes = upper;
    }
    return db_exec(tx, f, &sql_ledger_tile_add,
                   DB(db_int(tile_id(level, index)), db_bytes(root.bytes, sizeof root.bytes),
                      db_bytes(hashes, TILE_WIDTH * sizeof *hashes)),
                   NULL);
}

static enum err before_commit(void *self, struct db_tx *tx, struct fail *f)
{
    struct ledger *l = self;
    struct sha256 roots[TILE_LEVELS];
    if (!l->pending_count)
        return ERR_OK;
    l->before = l->edge;
    l->writing = true;
    for (size_t i = 0; i < l->pending_count; i++) {
        unsigned tiles = edge_append(&l->edge, l->pending[i], roots);
        for (unsigned level = 0; level < tiles; level++) {
            enum err e = write_tile(l, tx, f, level, roots[level]);
            if (e)
                return e;
        }
    }
    return ERR_OK;
}

static void committed(void *self)
{
    struct ledger *l = self;
    if (!l->writing)
        return;
    l->writing = false;
    l->pending_count = l->mark = 0;
    pthread_mutex_lock(&l->lock);
    l->published = l->edge.tree;
    pthread_mutex_unlock(&l->lock);
}

static void rolled_back(void *self)
{
    struct ledger *l = self;
    if (l->writing)
        l->edge = l->before;
    l->writing = false;
    l->pending_count = l->mark = 0;
}

enum err ledger_origin(struct fail *f, const char *node, char out[static 72])
{
    if ((size_t)snprintf(out, 72, "juki/%s", node) >= 72)
        return fail_set(f, ERR_LIMIT, "node", "67 bytes");
    return ERR_OK;
}

static enum err read_last(struct db_tx *tx, struct fail *f, uint64_t *size)
{
    struct db_rows rows;
    int64_t last = 0;
    db_query(tx, &rows, &sql_ledger_entry_last, DB_NONE);
    if (db_next(&rows))
        last = db_row_int(&rows, 0);
    *size = (uint64_t)last;
    return db_done(&rows, f);
}

static enum err rebuild(struct db_tx *tx, struct fail *f, void *arg)
{
    struct ledger *l = arg;
    struct tile_reader *r = NULL;
    uint64_t size = 0;
    enum err e = read_last(tx, f, &size);
    if (!e)
        e = tile_reader_new(f, tx, size, &r);
    if (!e)
        e = tile_reader_edge(f, r, &l->edge);
    tile_reader_free(r);
    if (e)
        return e;
    l->published = l->edge.tree;
    e = ledger_head_read_newest(tx, f, NULL, NULL, &l->head_time);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err ledger_open(struct fail *f, struct db *db, const char *node, struct key *key, struct ledger **out)
{
    struct ledger *l = memory_new(sizeof *l);
    if (!l)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    l->db = db;
    l->key = key;
    buf_init(&l->body, LEDGER_BODY_MAX);
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_init(&l->signing, NULL);
    enum err e = ledger_origin(f, node, l->origin);
    if (!e && (size_t)snprintf(l->node, sizeof l->node, "%s", node) >= sizeof l->node)
        e = fail_set(f, ERR_LIMIT, "node", NULL);
    if (!e)
        e = body_packer_new(f, &l->packer);
    if (!e)
        e = db_read(db, f, rebuild, l);
    if (e) {
        ledger_free(l);
        return e;
    }
    db_follow(db, &(struct db_follower){l, savepoint, undo, before_commit, committed, rolled_back});
    *out = l;
    return ERR_OK;
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    body_packer_free(l->packer);
    memory_free(l->pending);
    buf_release(&l->body);
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->signing);
    memory_free(l);
}

/* Before the entry is written, so that no entry stands there without its leaf. */
static enum err make_room(struct ledger *l, struct fail *f)
{
    if (l->pending_count == l->pending_size) {
        size_t size = l->pending_size ? 2 * l->pending_size : 4 * TILE_WIDTH;
        struct sha256 *grown = memory_new(size * sizeof *grown);
        if (!grown)
            return fail_set(f, ERR_MEMORY, NULL, NULL);
        if (l->pending_count)
            memcpy(grown, l->pending, l->pending_count * sizeof *grown);
        memory_free(l->pending);
        l->pending = grown;
        l->pending_size = size;
    }
    return ERR_OK;
}

enum err ledger_append(struct ledger *l, struct db_tx *tx, struct fail *f, enum ledger_kind kind, struct str what,
                       struct str payload, uint64_t *index)
{
    uint64_t place = l->edge.tree.size + l->pending_count;
    uint8_t salt[16];
    int64_t form = 0;
    struct str packed;
    assert(!l->writing); /* a follower's before_commit may not append: the group's leaves are in the tree already */
    buf_clear(&l->body);
    enum err e = body_write_heading(f, kind, clock_now(), what, &l->body);
    if (e)
        return e;
    buf_add_str(&l->body, payload);
    e = buf_check(&l->body, f, "payload");
    if (!e)
        e = body_pack(l->packer, f, buf_str(&l->body), &form, &packed);
    if (!e)
        e = make_room(l, f);
    if (e)
        return e;
    random_bytes(salt, sizeof salt);
    e = db_exec(tx, f, &sql_ledger_entry_add,
                DB(db_int((int64_t)place + 1), db_int(form), db_bytes(salt, sizeof salt), db_bytes(packed.p, packed.n)),
                NULL);
    if (!e)
        l->pending[l->pending_count++] = merkle_salted_leaf(salt, buf_str(&l->body));
    if (!e && index)
        *index = place;
    return e;
}

static enum err read_entry_row(struct fail *f, const struct db_rows *rows, struct body_packer *p, struct arena *a,
                               struct ledger_entry *out)
{
    struct str salt = db_row_bytes(rows, 2), body;
    if (db_row_null(rows, 3))
        return ERR_OK;
    if (salt.n != sizeof out->salt)
        return fail_set(f, ERR_LEDGER_DAMAGED, "salt", "entry %llu", (unsigned long long)out->index);
    memcpy(out->salt, salt.p, salt.n);
    enum err e = body_unpack(p, f, db_row_int(rows, 1), db_row_bytes(rows, 3), &body);
    if (e)
        return e;
    out->body = arena_copy(a, body);
    return out->body.p ? body_read_heading(f, out) : fail_set(f, ERR_MEMORY, NULL, NULL);
}

enum err ledger_entry_read(struct db_tx *tx, struct fail *f, uint64_t index, struct arena *a,
                           struct ledger_entry *out)
{
    struct ledger_entry entry = {.index = index};
    struct body_packer *p = NULL;
    struct db_rows rows;
    int64_t id = (int64_t)index + 1;
    bool found = false;
    enum err e = body_packer_of_thread(f, &p);
    if (e)
        return e;
    db_query(tx, &rows, &sql_ledger_entry_range, DB(db_int(id), db_int(id)));
    if (db_next(&rows)) {
        found = true;
        e = read_entry_row(f, &rows, p, a, &entry);
    }
    enum err closing = db_done(&rows, e ? NULL : f);
    if (!e)
        e = closing;
    if (!e && !found)
        e = fail_set(f, ERR_NOT_FOUND, "entry", "%llu", (unsigned long long)index);
    if (!e)
        *out = entry;
    return e;
}

uint64_t ledger_size(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    uint64_t size = l->published.size;
    pthread_mutex_unlock(&l->lock);
    return size;
}

int64_t ledger_head_age(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    int64_t time = l->head_time;
    pthread_mutex_unlock(&l->lock);
    return time ? clock_now() - time : -1;
}

enum err ledger_prove_inclusion(struct db_tx *tx, struct fail *f, uint64_t index, uint64_t size,
                                struct merkle_proof *out)
{
    struct tile_reader *r = NULL;
    enum err e = tile_reader_new(f, tx, size, &r);
    if (e)
        return e;
    struct merkle_source s = tile_reader_source(r);
    e = merkle_prove_inclusion(f, &s, index, size, out);
    tile_reader_free(r);
    return e;
}

enum err ledger_prove_consistency(struct db_tx *tx, struct fail *f, uint64_t old_size, uint64_t new_size,
                                  struct merkle_proof *out)
{
    struct tile_reader *r = NULL;
    enum err e = tile_reader_new(f, tx, new_size, &r);
    if (e)
        return e;
    struct merkle_source s = tile_reader_source(r);
    e = merkle_prove_consistency(f, &s, old_size, new_size, out);
    tile_reader_free(r);
    return e;
}
