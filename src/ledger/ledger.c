/* SPDX-License-Identifier: Apache-2.0 */
/* Appending and reading.
 *
 * An append costs one SHA-256: leaf and body wait in memory until the group of changes is complete, and go
 * with it or not at all (undo, rolled_back). Just before the commit the waiting bodies are packed into rows
 * (ledger_block.h), the leaves enter the tree, and each tile that became complete is written, all in the same
 * transaction; so on disk tiles and entries never disagree, and after a crash the edge is computed again from
 * them. Other threads see the tree only as it was at the last commit; the change that appended an entry, and
 * those after it, can read it before.
 *
 * A long body does not wait: its row is written at once, so that what waits stays small. */
#include "ledger/ledger.h"

#include "base/clock.h"
#include "base/random.h"
#include "ledger/ledger_inside.h"
#include "ledger/ledger_sql.h"

enum { TEXT_MOST = 32 * 1024 * 1024, TEXT_KEPT = 4 * 1024 * 1024 };

static void savepoint(void *self)
{
    struct ledger *l = self;
    l->mark = l->pending_count;
}

/* Where the i-th waiting body begins. */
static size_t text_begin(const struct ledger *l, size_t i)
{
    return i ? l->pending[i - 1].end : 0;
}

static void cut_text(struct ledger *l, size_t n)
{
    l->text.n = n;
    l->text.broken = false;
    if (l->text.p)
        l->text.p[n] = 0;
}

static void undo(void *self)
{
    struct ledger *l = self;
    l->pending_count = l->mark;
    cut_text(l, text_begin(l, l->mark));
}

static void forget_pending(struct ledger *l)
{
    l->pending_count = l->mark = 0;
    if (l->text.size > TEXT_KEPT)
        buf_release(&l->text);
    else
        buf_clear(&l->text);
}

/* The hashes of an upper tile are the roots of the 256 tiles below it, all on disk by now. */
static enum err read_roots(struct fail *f, struct db_tx *tx, int64_t first,
                           struct sha256 hashes[static TILE_WIDTH])
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

static enum err write_tile(struct ledger *l, struct db_tx *tx, struct fail *f, unsigned level,
                           struct sha256 root)
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

static struct str pending_body(const struct ledger *l, size_t i)
{
    size_t begin = text_begin(l, i);
    return (struct str){l->text.p + begin, l->pending[i].end - begin};
}

static enum err write_row(struct ledger *l, struct db_tx *tx, struct fail *f, size_t first)
{
    struct block_row row;
    enum err e = block_pack(&l->block, l->packer, f, &row);
    if (e)
        return e;
    return db_exec(tx, f, &sql_ledger_entry_add,
                   DB(db_int((int64_t)(l->edge.tree.size + first) + 1), db_int(row.form),
                      db_bytes(row.salt.p, row.salt.n), db_bytes(row.body.p, row.body.n),
                      db_int((int64_t)l->block.count)),
                   NULL);
}

/* The waiting bodies, as few rows as hold them. */
static enum err write_rows(struct ledger *l, struct db_tx *tx, struct fail *f)
{
    for (size_t i = 0, first = 0; i < l->pending_count; first = i) {
        block_clear(&l->block);
        for (;
             i < l->pending_count && !l->pending[i].stored && block_has_room(&l->block, pending_body(l, i).n);
             i++)
            block_add(&l->block, l->pending[i].salt, pending_body(l, i));
        enum err e = i > first ? write_row(l, tx, f, first) : ERR_OK;
        if (e)
            return e;
        while (i < l->pending_count && l->pending[i].stored)
            i++;
    }
    return ERR_OK;
}

static enum err before_commit(void *self, struct db_tx *tx, struct fail *f)
{
    struct ledger *l = self;
    struct sha256 roots[TILE_LEVELS];
    if (!l->pending_count)
        return ERR_OK;
    enum err writing = write_rows(l, tx, f);
    if (writing)
        return writing;
    l->before = l->edge;
    l->writing = true;
    for (size_t i = 0; i < l->pending_count; i++) {
        unsigned tiles = edge_append(&l->edge, l->pending[i].leaf, roots);
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
    forget_pending(l);
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
    forget_pending(l);
}

enum err ledger_origin(struct fail *f, const char *node, char out[static 72])
{
    if ((size_t)snprintf(out, 72, "juki/%s", node) >= 72)
        return fail_set(f, ERR_LIMIT, "node", "67 bytes");
    return ERR_OK;
}

enum err ledger_last_id(struct db_tx *tx, struct fail *f, int64_t *row, int64_t *entry)
{
    struct db_rows rows;
    *row = *entry = 0;
    db_query(tx, &rows, &sql_ledger_entry_last, DB_NONE);
    if (db_next(&rows)) {
        int64_t entries = db_row_int(&rows, 1);
        *row = db_row_int(&rows, 0);
        *entry = *row + (entries > 1 && entries <= BLOCK_ENTRIES_MOST ? entries - 1 : 0);
    }
    return db_done(&rows, f);
}

static enum err rebuild(struct db_tx *tx, struct fail *f, void *arg)
{
    struct ledger *l = arg;
    struct tile_reader *r = NULL;
    int64_t row, size = 0;
    enum err e = ledger_last_id(tx, f, &row, &size);
    if (!e)
        e = tile_reader_new(f, tx, (uint64_t)size, &r);
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
    buf_init(&l->text, TEXT_MOST + LEDGER_BODY_MAX);
    block_init(&l->block);
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
    buf_release(&l->text);
    block_release(&l->block);
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->signing);
    memory_free(l);
}

/* Before the entry is written, so that no entry stands there without its leaf. */
static enum err make_room(struct ledger *l, struct fail *f)
{
    if (l->pending_count == l->pending_size) {
        size_t size = l->pending_size ? 2 * l->pending_size : 4 * TILE_WIDTH;
        struct pending *grown = memory_new(size * sizeof *grown);
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

/* Writes the body behind those that wait; ERR_LIMIT when it is too long. */
static enum err write_body(struct ledger *l, struct fail *f, enum ledger_kind kind, struct str what,
                           struct str payload)
{
    size_t begin = l->text.n;
    enum err e = payload.n > LEDGER_BODY_MAX ? fail_set(f, ERR_LIMIT, "payload", NULL)
                                             : body_write_heading(f, kind, clock_now(), what, &l->text);
    buf_add_str(&l->text, payload);
    if (!e)
        e = buf_check(&l->text, f, "payload");
    if (!e && l->text.n - begin > LEDGER_BODY_MAX)
        e = fail_set(f, ERR_LIMIT, "payload", NULL);
    if (e)
        cut_text(l, begin);
    return e;
}

/* The last waiting entry's row, now, when it is long or when much waits already. */
static enum err write_long(struct ledger *l, struct db_tx *tx, struct fail *f, struct pending *p,
                           struct str body)
{
    int64_t form;
    struct str packed;
    size_t place = l->pending_count;
    if (body.n <= BLOCK_BODY_MOST && l->text.n <= TEXT_MOST)
        return ERR_OK;
    enum err e = body_pack(l->packer, f, body, &form, &packed);
    if (!e)
        e = db_exec(tx, f, &sql_ledger_entry_add,
                    DB(db_int((int64_t)(l->edge.tree.size + place) + 1), db_int(form),
                       db_bytes(p->salt, sizeof p->salt), db_bytes(packed.p, packed.n), db_int(1)),
                    NULL);
    p->stored = true;
    cut_text(l, text_begin(l, place));
    return e;
}

enum err ledger_append(struct ledger *l, struct db_tx *tx, struct fail *f, enum ledger_kind kind,
                       struct str what, struct str payload, uint64_t *index)
{
    assert(!l->writing); /* a follower's before_commit may not append: the group's leaves are in the tree
                            already */
    enum err e = db_tx_begin_change(tx, f);
    if (!e)
        e = make_room(l, f);
    if (!e)
        e = write_body(l, f, kind, what, payload);
    if (e)
        return e;
    struct pending *p = &l->pending[l->pending_count];
    size_t begin = text_begin(l, l->pending_count);
    struct str body = {l->text.p + begin, l->text.n - begin};
    *p = (struct pending){.stored = false};
    random_bytes(p->salt, sizeof p->salt);
    p->leaf = merkle_salted_leaf(p->salt, body);
    e = write_long(l, tx, f, p, body);
    if (e)
        return e;
    p->end = l->text.n;
    if (index)
        *index = l->edge.tree.size + l->pending_count;
    l->pending_count++;
    return ERR_OK;
}

static enum err copy_entry(struct fail *f, const struct row_entry *entry, struct arena *a,
                           struct ledger_entry *out)
{
    if (entry->gone)
        return ERR_OK;
    memcpy(out->salt, entry->salt, sizeof out->salt);
    out->body = arena_copy(a, entry->body);
    return out->body.p ? body_read_heading(f, out) : fail_set(f, ERR_MEMORY, NULL, NULL);
}

/* The entry of this place among a row's. */
static enum err read_from_row(struct fail *f, const struct db_rows *rows, struct arena *a,
                              struct ledger_entry *out, bool *found)
{
    struct body_packer *p = NULL;
    struct row_reader r;
    struct row_entry entry;
    enum err e = body_packer_of_thread(f, &p);
    if (!e)
        e = row_reader_init(&r, f, rows, p);
    while (!e && !*found && row_reader_next(&r, &entry)) {
        *found = entry.id == (int64_t)out->index + 1;
        if (*found)
            e = copy_entry(f, &entry, a, out);
    }
    return e;
}

static enum err read_stored(struct db_tx *tx, struct fail *f, struct arena *a, struct ledger_entry *out)
{
    struct db_rows rows;
    int64_t id = (int64_t)out->index + 1;
    bool found = false;
    enum err e = ERR_OK;
    db_query(tx, &rows, &sql_ledger_entry_range, DB(db_int(id), db_int(id)));
    if (db_next(&rows))
        e = read_from_row(f, &rows, a, out, &found);
    enum err closing = db_done(&rows, e ? NULL : f);
    if (!e)
        e = closing;
    if (!e && !found)
        e = fail_set(f, ERR_NOT_FOUND, "entry", "%llu", (unsigned long long)out->index);
    return e;
}

/* The waiting entry of this place, when tx is the change that appended it or one of its group. */
static const struct ledger *waiting(const struct db_tx *tx, uint64_t index, size_t *at)
{
    const struct ledger *l = db_tx_follower(tx, committed);
    if (!l || l->writing || index < l->edge.tree.size || index - l->edge.tree.size >= l->pending_count)
        return NULL;
    *at = (size_t)(index - l->edge.tree.size);
    return l->pending[*at].stored ? NULL : l;
}

enum err ledger_entry_read(struct db_tx *tx, struct fail *f, uint64_t index, struct arena *a,
                           struct ledger_entry *out)
{
    struct ledger_entry entry = {.index = index};
    size_t at = 0;
    const struct ledger *l = waiting(tx, index, &at);
    enum err e =
        l ? copy_entry(f, &(struct row_entry){.salt = l->pending[at].salt, .body = pending_body(l, at)}, a,
                       &entry)
          : read_stored(tx, f, a, &entry);
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
