/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of our own log: signed notes that say "so many entries, this root".
 *
 * Only a committed tree is ever signed, so no signed head can be taken back by a crash. Signing works on a
 * copy of the frontier, a slow token holds up nobody but the next head, and the head's row is a small change
 * of its own. With the head goes the row of the leaves that no tile holds yet: whatever a head counts, its
 * hash stands on disk. */
#include "ledger/ledger_inside.h"

#include "base/clock.h"
#include "base/fault.h"
#include "ledger/ledger_sql.h"

enum { HEAD_NOTE_MAX = 64 * 1024 };

enum err ledger_head_read_newest(struct db_tx *tx, struct fail *f, struct buf *out, int64_t *size,
                                 int64_t *time)
{
    struct db_rows rows;
    bool found = false;
    db_query(tx, &rows, &sql_ledger_head_newest, DB_NONE);
    if (db_next(&rows)) {
        found = true;
        if (size)
            *size = db_row_int(&rows, 0);
        if (time)
            *time = db_row_int(&rows, 1);
        if (out)
            buf_add_str(out, db_row_text(&rows, 2));
    }
    enum err e = db_done(&rows, f);
    if (!e && !found)
        e = fail_set(f, ERR_NOT_FOUND, "head", "none was signed yet");
    return e;
}

struct newest {
    struct buf *out;
    int64_t size, time;
};

static enum err read_newest(struct db_tx *tx, struct fail *f, void *arg)
{
    struct newest *n = arg;
    if (n->out)
        buf_clear(n->out);
    return ledger_head_read_newest(tx, f, n->out, &n->size, &n->time);
}

enum err ledger_newest_head(struct ledger *l, struct fail *f, struct buf *out)
{
    struct buf note;
    buf_init(&note, HEAD_NOTE_MAX);
    enum err e = db_read(l->db, f, read_newest, &(struct newest){.out = &note});
    if (!e) {
        buf_add_str(out, buf_str(&note));
        e = buf_check(out, f, "head");
    }
    buf_release(&note);
    return e;
}

struct new_head {
    struct ledger *ledger;
    int64_t size, time;
    struct str note;
};

/* Inside a transaction, so the edge is that of the tree on disk. It may have grown beyond the head, even by a
 * tile, which then holds what the row would. */
static enum err set_edge(struct db_tx *tx, struct fail *f, const struct edge *edge, uint64_t size)
{
    uint64_t first = size / TILE_WIDTH * TILE_WIDTH, count = size - first;
    if (!count || edge->tree.size / TILE_WIDTH != size / TILE_WIDTH)
        return ERR_OK;
    struct sha256 root = merkle_root_of(edge->leaves, count);
    return db_exec(tx, f, &sql_ledger_edge_set,
                   DB(db_int((int64_t)first), db_bytes(root.bytes, sizeof root.bytes),
                      db_bytes(edge->leaves, count * sizeof edge->leaves[0])),
                   NULL);
}

static enum err add_head(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct new_head *h = arg;
    enum err e =
        db_exec(tx, f, &sql_ledger_head_add, DB(db_int(h->size), db_int(h->time), db_text(h->note)), NULL);
    return e ? e : set_edge(tx, f, &h->ledger->edge, (uint64_t)h->size);
}

static enum err sign(struct ledger *l, struct fail *f, const struct merkle_frontier *tree, struct buf *note)
{
    struct head h = {.size = tree->size, .root = merkle_root(tree), .time = clock_now()};
    struct buf body;
    memcpy(h.origin, l->origin, sizeof h.origin);
    buf_init(&body, 1024);
    head_write(&h, &body);
    enum err e = buf_check(&body, f, "head");
    if (!e)
        e = note_sign(f, l->key, str_of(l->origin), buf_str(&body), note);
    FAULT_POINT("after_head_sign", .self = l->node, .number = (int64_t)h.size);
    buf_release(&body);
    if (!e)
        e = db_transaction(l->db, f, add_head, &(struct new_head){l, (int64_t)h.size, h.time, buf_str(note)});
    if (e)
        return e;
    pthread_mutex_lock(&l->lock);
    l->head_time = h.time;
    pthread_mutex_unlock(&l->lock);
    return ERR_OK;
}

/* With l->signing held. */
static enum err sign_when_grown(struct ledger *l, struct fail *f, struct buf *note)
{
    struct merkle_frontier tree;
    struct newest newest = {.out = note, .size = -1};
    pthread_mutex_lock(&l->lock);
    tree = l->published;
    pthread_mutex_unlock(&l->lock);
    enum err e = db_read(l->db, f, read_newest, &newest);
    if (e && e != ERR_NOT_FOUND)
        return e;
    if (newest.size >= (int64_t)tree.size)
        return ERR_OK;
    buf_clear(note);
    return sign(l, f, &tree, note);
}

enum err ledger_sign_head(struct ledger *l, struct fail *f, struct buf *out)
{
    struct buf note;
    if (!l->key)
        return fail_set(f, ERR_LEDGER_KEY, NULL, NULL);
    buf_init(&note, HEAD_NOTE_MAX);
    pthread_mutex_lock(&l->signing);
    enum err e = sign_when_grown(l, f, &note);
    pthread_mutex_unlock(&l->signing);
    if (!e && out) {
        buf_add_str(out, buf_str(&note));
        e = buf_check(out, f, "head");
    }
    buf_release(&note);
    return e;
}

struct cosigned {
    struct str note, origin;
    uint8_t public_key[ED25519_PUBLIC];
    int64_t size;
};

static enum err merge_with_stored(struct db_tx *tx, struct fail *f, const struct cosigned *c, struct buf *out)
{
    struct db_rows rows;
    enum err merged = ERR_NOT_FOUND;
    struct fail why = {0};
    db_query(tx, &rows, &sql_ledger_head_get, DB(db_int(c->size)));
    if (db_next(&rows))
        merged = note_merge(&why, db_row_text(&rows, 0), c->note, out);
    enum err e = db_done(&rows, f);
    if (e)
        return e;
    if (merged == ERR_NOT_FOUND)
        return fail_set(f, ERR_NOT_FOUND, "head", "size %lld", (long long)c->size);
    return merged ? fail_set(f, merged, "head", "%s", why.detail) : ERR_OK;
}

/* Only a note that signs the very same text adds to the stored one, and no line of that is lost: another
 * upper server's cosignature may have come meanwhile. What is stored is a note that still verifies as ours.
 */
static enum err add_lines(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct cosigned *c = arg;
    struct str body;
    struct buf merged;
    buf_init(&merged, HEAD_NOTE_MAX);
    enum err e = merge_with_stored(tx, f, c, &merged);
    if (!e)
        e = note_verify(f, buf_str(&merged), c->origin, c->public_key, &body);
    if (!e)
        e = db_exec(tx, f, &sql_ledger_head_set_note, DB(db_int(c->size), db_text(buf_str(&merged))), NULL);
    buf_release(&merged);
    return e;
}

enum err ledger_add_cosignature(struct ledger *l, struct fail *f, struct str note)
{
    struct cosigned c = {.note = note, .origin = str_of(l->origin)};
    struct str body = STR("");
    struct head h;
    if (!l->key)
        return fail_set(f, ERR_LEDGER_KEY, NULL, NULL);
    enum err e = key_public(f, l->key, c.public_key);
    if (!e)
        e = note_verify(f, note, c.origin, c.public_key, &body);
    if (!e)
        e = head_parse(f, body, &h);
    if (e)
        return e;
    if (h.size > INT64_MAX)
        return fail_set(f, ERR_FIELD_RANGE, "size", NULL);
    c.size = (int64_t)h.size;
    return db_transaction(l->db, f, add_lines, &c);
}

struct cosigned_search {
    int64_t below, at;
    struct str origin;
    const uint8_t *key;
    struct buf *out;
};

static enum err find_cosigned(struct db_tx *tx, struct fail *f, void *arg)
{
    struct cosigned_search *s = arg;
    struct db_rows rows;
    struct str body;
    s->at = 0;
    db_query(tx, &rows, &sql_ledger_head_below, DB(db_int(s->below)));
    while (!s->at && db_next(&rows)) {
        if (note_verify(NULL, db_row_text(&rows, 1), s->origin, s->key, &body))
            continue;
        s->at = db_row_int(&rows, 0);
        buf_add_str(s->out, db_row_text(&rows, 1));
    }
    return db_done(&rows, f);
}

enum err ledger_cosigned_head(struct fail *f, struct db *db, uint64_t size, const char *upper_node,
                              const uint8_t upper_key[static ED25519_PUBLIC], struct buf *out, uint64_t *at)
{
    char origin[72];
    struct cosigned_search s = {
        .below = size < INT64_MAX ? (int64_t)size : INT64_MAX, .key = upper_key, .out = out};
    enum err e = ledger_origin(f, upper_node, origin);
    s.origin = str_of(origin);
    if (!e)
        e = db_read(db, f, find_cosigned, &s);
    if (!e)
        e = buf_check(out, f, "head");
    if (!e && !s.at)
        return fail_set(f, ERR_NOT_FOUND, "head", "none co-signed by %s", upper_node);
    if (!e)
        *at = (uint64_t)s.at;
    return e;
}
