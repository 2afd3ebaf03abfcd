/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which rows prove a notice: its batch (link_batch_out for what we sent, link_batch_in for what came), the log
 * entries of every notice in it, whose leaves give the path, and the header as its sender signed it. A receipt stands
 * as it came. Whoever signed is named as the evidence's node: we for what we sent, the peer for the rest. */
#include "link/link_evidence.h"

#include "base/encode.h"
#include "ledger/merkle.h"
#include "link/core.h"

enum { EVIDENCE_MEMORY = 64 * 1024 * 1024 };

struct gathering {
    const struct link_place *place;
    struct arena arena;
    struct buf *out;
    bool receipt_alone;
    int64_t peer, first, count;
    struct str header, receipt;
    struct frame notice; /* the one that is shown */
    struct sha256 *leaves;
    int64_t entry; /* of the first, for what came in: the others follow it */
};

static enum err find_peer(struct gathering *g, struct db_tx *tx, struct fail *f)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_link_peer_list, DB_NONE);
    while (db_next(&rows))
        if (str_equal(db_row_text(&rows, 1), str_of(g->place->peer)))
            g->peer = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    return e || g->peer ? e : fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", g->place->peer);
}

static enum err find_batch(struct gathering *g, struct db_tx *tx, struct fail *f)
{
    struct db_rows rows;
    bool in = g->place->received && !g->receipt_alone;
    db_query(tx, &rows, in ? &sql_link_batch_in_at : &sql_link_batch_out_from,
             DB(db_int(g->peer), db_int(g->place->sequence)));
    if (db_next(&rows)) {
        g->first = db_row_int(&rows, 0);
        g->count = db_row_int(&rows, 1);
        g->entry = in ? db_row_int(&rows, 3) : 0;
        g->header = arena_copy(&g->arena, db_row_text(&rows, in ? 4 : 3));
        g->receipt = in ? STR("") : arena_copy(&g->arena, db_row_text(&rows, 4));
    }
    enum err e = db_done(&rows, f);
    if (!e && (g->count == 0 || g->place->sequence >= g->first + g->count))
        e = fail_set(f, ERR_NOT_FOUND, "sequence", "no acknowledged batch holds %lld", (long long)g->place->sequence);
    if (!e && (!g->header.p || !g->receipt.p))
        e = fail_set(f, ERR_MEMORY, "batch", NULL);
    return e;
}

/* The leaf of one notice; the shown one is kept whole. */
static enum err take_notice(struct gathering *g, struct db_tx *tx, struct fail *f, int64_t sequence, int64_t entry)
{
    struct frame frame;
    struct arena a;
    bool shown = sequence == g->place->sequence;
    arena_init(&a, EVIDENCE_MEMORY);
    enum err e = notice_load(tx, f, (uint64_t)entry, shown ? &g->arena : &a, &frame);
    if (e == ERR_NOTICE_FORM) /* its body is gone, and with it the leaf that the path needs */
        e = fail_set(f, ERR_NOT_FOUND, "sequence", "retention has deleted notice %lld of its batch", (long long)sequence);
    if (!e) {
        g->leaves[sequence - g->first] = batch_leaf(&frame);
        if (shown)
            g->notice = frame;
    }
    arena_release(&a);
    return e;
}

static enum err entries_out(struct gathering *g, struct db_tx *tx, struct fail *f, int64_t *entries)
{
    struct db_rows rows;
    int64_t seen = 0;
    db_query(tx, &rows, &sql_link_out_range,
             DB(db_int(g->peer), db_int(g->first), db_int(g->first + g->count - 1)));
    while (seen < g->count && db_next(&rows))
        entries[seen++] = db_row_int(&rows, 1);
    enum err e = db_done(&rows, f);
    return e || seen == g->count ? e : fail_set(f, ERR_NOT_FOUND, "sequence", "its batch is not whole any more");
}

static enum err take_notices(struct gathering *g, struct db_tx *tx, struct fail *f)
{
    int64_t *entries = arena_alloc(&g->arena, (size_t)g->count * sizeof *entries);
    g->leaves = arena_alloc(&g->arena, (size_t)g->count * sizeof *g->leaves);
    enum err e = entries && g->leaves ? ERR_OK : fail_set(f, ERR_MEMORY, "batch", NULL);
    if (!e && !g->place->received)
        e = entries_out(g, tx, f, entries);
    for (int64_t i = 0; i < g->count && !e; i++)
        e = take_notice(g, tx, f, g->first + i, g->place->received ? g->entry + i : entries[i]);
    return e;
}

static enum err tree_node(void *self, struct fail *f UNUSED, unsigned level, uint64_t index, struct sha256 *out)
{
    const struct gathering *g = self;
    *out = merkle_root_of(g->leaves + (index << level), (size_t)1 << level);
    return ERR_OK;
}

static void add_base64(struct buf *out, const char *key, struct str bytes)
{
    struct buf text;
    buf_init(&text, LINK_EVIDENCE_MAX);
    encode_base64(&text, bytes.p, bytes.n);
    json_add_text(out, key, buf_str(&text));
    buf_release(&text);
}

static enum err write_notice(struct gathering *g, struct fail *f)
{
    const struct merkle_source source = {tree_node, g};
    struct merkle_proof path;
    int64_t index = g->place->sequence - g->first;
    enum err e = merkle_prove_inclusion(f, &source, (uint64_t)index, (uint64_t)g->count, &path);
    if (e)
        return e;
    json_begin(g->out, NULL, '{');
    json_add_text(g->out, "node", str_of(g->place->received ? g->place->peer : g->place->self));
    json_begin(g->out, "notice", '{');
    json_add_int(g->out, "kind", g->notice.kind);
    json_add_int(g->out, "version", g->notice.version);
    add_base64(g->out, "payload", g->notice.payload);
    json_end(g->out, '}');
    json_add_int(g->out, "index", index);
    json_add_int(g->out, "count", g->count);
    json_begin(g->out, "path", '[');
    for (size_t i = 0; i < path.count; i++)
        json_add_hash(g->out, NULL, path.hashes[i]);
    json_end(g->out, ']');
    json_add_text(g->out, "header", g->header);
    json_end(g->out, '}');
    return buf_check(g->out, f, "evidence");
}

static enum err write_receipt(struct gathering *g, struct fail *f)
{
    json_begin(g->out, NULL, '{');
    json_add_text(g->out, "node", str_of(g->place->peer));
    json_add_text(g->out, "receipt", g->receipt);
    json_end(g->out, '}');
    return buf_check(g->out, f, "evidence");
}

static enum err gather_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct gathering *g = arg;
    enum err e = find_peer(g, tx, f);
    if (!e)
        e = find_batch(g, tx, f);
    return e || g->receipt_alone ? e : take_notices(g, tx, f);
}

static enum err gather(struct fail *f, struct db *db, struct gathering *g)
{
    arena_init(&g->arena, EVIDENCE_MEMORY);
    enum err e = db_read(db, f, gather_tx, g);
    if (!e)
        e = g->receipt_alone ? write_receipt(g, f) : write_notice(g, f);
    arena_release(&g->arena);
    return e;
}

enum err link_evidence_notice(struct fail *f, struct db *db, const struct link_place *place, struct buf *out)
{
    struct gathering g = {.place = place, .out = out};
    return gather(f, db, &g);
}

enum err link_evidence_receipt(struct fail *f, struct db *db, const struct link_place *place, struct buf *out)
{
    struct gathering g = {.place = place, .out = out, .receipt_alone = true};
    return gather(f, db, &g);
}
