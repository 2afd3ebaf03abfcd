/* SPDX-License-Identifier: Apache-2.0 */
/* Agreeing on what both ends have on disk.
 *
 * HELLO compares. The same: go on. The neighbour has more: we were restored from a backup, or ended before
 * its receipt was kept; our own signed batches are fetched back, checked against what we still have, and
 * kept. The neighbour has less: it was restored and gets the stored batches again, unless it promised in this
 * very life that it has more: then it is a copy, and gets nothing. Any disagreement is a fork. */
#include "link/dial.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

/* ---- fetching back what we no longer have ---- */

/* Where a notice of ours came from: the register's change that its body names, or the neighbour that made it.
 */
static enum err recover_source(struct dial *d, struct fail *f, struct link_notice *n, int64_t *peer,
                               int64_t *sequence)
{
    struct str destination = {NULL, 0};
    uint64_t first_hop = 0;
    enum err e = notice_id_parse(f, n->id, &n->origin, &destination, &first_hop);
    if (e)
        return e;
    if (node_name_equal(&n->origin, &d->l->config.self))
        return json_member_int_maybe(f, n->body, "source", 0, INT64_MAX, sequence);
    struct peer *from = peer_find(d->l, n->origin.text);
    if (from && str_equal(destination, str_of(d->l->config.self.text))) {
        *peer = from->id;
        *sequence = (int64_t)first_hop;
    }
    return ERR_OK;
}

static const struct link_kind *own_kind(const struct link *l, uint16_t kind)
{
    for (size_t k = 0; k < l->config.kind_count; k++)
        if (l->config.kinds[k].kind == kind)
            return &l->config.kinds[k];
    return NULL;
}

/* One notice that went out before the restore: into the outbox again, and its kind's own state follows. */
static enum err recover_notice(struct outgoing *o, struct db_tx *tx, struct fail *f, size_t i)
{
    struct dial *d = o->d;
    const struct link_kind *kind = own_kind(d->l, o->frames[i].kind);
    struct link_notice n = {.kind = o->frames[i].kind,
                            .version = o->frames[i].version,
                            .payload = o->frames[i].payload,
                            .sender = d->l->config.self};
    char what[128];
    struct json *tree;
    const struct json *body = NULL;
    int64_t source_peer = 0, source = 0;
    enum err e = json_read(f, n.payload, &tree);
    if (e)
        return e;
    if (!(e = json_member_text(f, tree, "id", &d->arena, &n.id)) &&
        !(e = json_member_object(f, tree, "body", &body)) &&
        !(e = peer_assign(d->l, d->peer, f, &n.sender_sequence))) {
        n.body = body;
        e = recover_source(d, f, &n, &source_peer, &source);
    }
    if (!e && n.sender_sequence != o->first + (int64_t)i)
        e = fail_set(f, ERR_STREAM_FORK, "sequence", "%lld", (long long)n.sender_sequence);
    snprintf(what, sizeof what, "sent %s %lld %s/%u", d->peer->node.text, (long long)n.sender_sequence,
             kind_name(n.kind) ? kind_name(n.kind) : "0", n.version);
    if (!e)
        e = ledger_append(d->l->config.ledger, tx, f, LEDGER_COMMUNICATION, str_of(what), n.payload,
                          &n.entry);
    if (!e)
        e = peer_outbox_add(tx, f, d->peer, n.sender_sequence, n.entry, source_peer, source);
    if (!e && kind && kind->recover)
        e = kind->recover(d->l->config.app, tx, &n, f);
    json_free(tree);
    return e;
}

/* Are the first notices of a fetched batch the ones our outbox holds? */
static enum err compare_own(struct outgoing *fetched, struct fail *f, int64_t last)
{
    struct outgoing own = {.d = fetched->d, .first = fetched->first, .last = last, .stored = true};
    enum err e = db_read(fetched->d->l->config.db, f, outgoing_load, &own);
    size_t count = (size_t)(last - fetched->first + 1);
    if (!e && (own.count != count ||
               !sha256_equal(outgoing_root(own.frames, own.count), outgoing_root(fetched->frames, count))))
        e = fail_set(f, ERR_STREAM_FORK, "first", "%lld", (long long)fetched->first);
    return e;
}

static enum err recover_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct outgoing *o = arg;
    enum err e = ERR_OK;
    for (size_t i = o->known; i < o->count && !e; i++)
        e = recover_notice(o, tx, f, i);
    return e ? e : outgoing_store(tx, f, o);
}

static enum err fetch_check(struct outgoing *o, struct fail *f)
{
    struct dial *d = o->d;
    const struct directory_node *self = directory_find(d->directory, str_of(d->l->config.self.text));
    enum err e =
        self ? batch_header_verify(f, o->header, self, &o->h) : fail_set(f, ERR_NODE_UNKNOWN, NULL, NULL);
    if (link_err_passes(e)) /* of this machine: says nothing about the header */
        return e;
    if (e)
        return fail_set(f, ERR_STREAM_FORK, "header", "not signed by us");
    e = notice_frames_read(f, d->channel, &d->arena, &o->h, d->correlation, &o->frames);
    if (e)
        return e;
    o->count = (size_t)o->h.count;
    o->last = o->h.first + o->h.count - 1;
    if (o->h.first != o->first || strcmp(o->h.destination, d->peer->node.text) != 0 ||
        !sha256_equal(o->h.previous, d->peer->out_hash) ||
        !sha256_equal(o->h.root, outgoing_root(o->frames, o->count)))
        return fail_set(f, ERR_STREAM_FORK, "first", "%lld", (long long)o->first);
    return ERR_OK;
}

static enum err fetch_one(struct dial *d, struct fail *f)
{
    struct outgoing o = {.d = d, .first = d->peer->acknowledged + 1, .receipt_text = STR("")};
    struct frame answer;
    char json[64];
    struct json *tree;
    arena_reset(&d->arena);
    snprintf(json, sizeof json, "{\"sequence\":%lld}", (long long)o.first);
    enum err e = dial_exchange(d, f, LINK_FRAME_FETCH, str_of(json), LINK_FRAME_FETCHED, &answer);
    if (e || (e = json_read(f, answer.payload, &tree)))
        return e;
    e = json_member_text(f, tree, "header", &d->arena, &o.header);
    if (!e)
        e = receipt_exceptions_read(f, tree, &d->arena, &o.receipt);
    json_free(tree);
    if (!e)
        e = fetch_check(&o, f);
    if (e)
        return e;
    pthread_mutex_lock(&d->peer->lock);
    int64_t held = d->peer->committed < o.last ? d->peer->committed : o.last;
    pthread_mutex_unlock(&d->peer->lock);
    if (held < o.last && peer_settled(d->peer)) /* nothing of ours may be missing unless a restore says so */
        return fail_set(f, ERR_STREAM_FORK, "first", "%lld was sent in this life and is not here",
                        (long long)held + 1);
    if (held >= o.first)
        e = compare_own(&o, f, held);
    o.known = held >= o.first ? (size_t)(held - o.first + 1) : 0;
    if (!e)
        e = db_transaction(d->l->config.db, f, recover_tx, &o);
    if (!e)
        outgoing_acknowledged(&o);
    return e;
}

/* ---- HELLO ---- */

struct greeting {
    int64_t epoch, sequence;
    struct sha256 hash;
    bool ahead; /* it hears words ahead */
};

static enum err hello(struct dial *d, struct fail *f, struct greeting *g)
{
    struct frame answer;
    struct buf b;
    struct json *tree;
    buf_init(&b, 4096);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "node", str_of(d->l->config.self.text));
    json_begin(&b, "protocol", '[');
    json_add_int(&b, NULL, 1);
    json_add_int(&b, NULL, 1);
    json_end(&b, ']');
    json_add_int(&b, "epoch", d->l->epoch);
    json_add_int(&b, "sequence", d->peer->acknowledged);
    json_add_hash(&b, "hash", d->peer->out_hash);
    json_add_int(&b, "directory", directory_version(d->directory));
    json_end(&b, '}');
    enum err e = dial_exchange(d, f, LINK_FRAME_HELLO, buf_str(&b), LINK_FRAME_HELLO_ANSWER, &answer);
    buf_release(&b);
    if (e || (e = json_read(f, answer.payload, &tree)))
        return e;
    if (!(e = json_member_int(f, tree, "epoch", 1, INT64_MAX, &g->epoch)) &&
        !(e = json_member_int(f, tree, "sequence", 0, INT64_MAX, &g->sequence)))
        e = json_hash(f, json_get(tree, "hash"), "hash", &g->hash);
    g->ahead = json_is(json_get(tree, "ahead"), JSON_TRUE);
    json_free(tree);
    return e;
}

struct peer_epoch {
    int64_t peer, epoch;
};

static enum err epoch_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct peer_epoch *x = arg;
    return db_exec(tx, f, &sql_link_peer_epoch, DB(db_int(x->peer), db_int(x->epoch)), NULL);
}

static enum err check_epoch(struct dial *d, struct fail *f, const struct greeting *g)
{
    struct peer *p = d->peer;
    pthread_mutex_lock(&p->lock);
    int64_t seen = p->epoch;
    pthread_mutex_unlock(&p->lock);
    d->old_twin = g->epoch < seen;
    if (d->old_twin)
        return fail_set(f, ERR_EPOCH_OLD, "epoch", "%lld after %lld", (long long)g->epoch, (long long)seen);
    if (g->epoch == seen)
        return ERR_OK;
    struct peer_epoch x = {p->id, g->epoch};
    enum err e = db_transaction(d->l->config.db, f, epoch_tx, &x);
    pthread_mutex_lock(&p->lock);
    if (!e && p->epoch < g->epoch)
        p->epoch = g->epoch;
    pthread_mutex_unlock(&p->lock);
    return e;
}

/* The hash of the stored header that ends at `sequence` (zero hash for 0). */
static enum err hash_at(struct dial *d, struct fail *f, int64_t sequence, struct sha256 *out)
{
    *out = (struct sha256){{0}};
    if (sequence == 0)
        return ERR_OK;
    struct outgoing o = {.d = d, .first = sequence};
    arena_reset(&d->arena);
    enum err e = db_read(d->l->config.db, f, outgoing_load_stored, &o);
    if (!e && o.last != sequence)
        e = fail_set(f, ERR_STREAM_FORK, "sequence", "%lld is inside a batch", (long long)sequence);
    if (!e)
        *out = sha256_of(o.header);
    return e;
}

struct promise {
    struct dial *d;
    struct str receipt; /* the newest; empty when it was lost */
};

static enum err promise_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct promise *p = arg;
    struct db_rows rows;
    bool copied = true;
    db_query(tx, &rows, &sql_link_batch_out_from,
             DB(db_int(p->d->peer->id), db_int(p->d->peer->acknowledged)));
    if (db_next(&rows)) {
        p->receipt = arena_copy(&p->d->arena, db_row_text(&rows, 4));
        copied = p->receipt.p;
    }
    enum err e = db_done(&rows, f);
    return e || copied ? e : fail_set(f, ERR_MEMORY, "receipt", NULL);
}

/* The peer has less than we sent. Did it say in the life it has now that it has all of that? Then it is a
 * copy that was started without a new epoch. */
static enum err check_promise(struct dial *d, struct fail *f, const struct greeting *g)
{
    struct promise p = {.d = d, .receipt = STR("")};
    struct receipt last;
    arena_reset(&d->arena);
    enum err e = db_read(d->l->config.db, f, promise_tx, &p);
    if (e || !p.receipt.n)
        return e;
    e = receipt_verify(f, p.receipt, d->node, &d->arena, &last);
    if (link_err_passes(e)) /* of this machine: says nothing about the receipt */
        return e;
    d->old_twin = !e && last.epoch == g->epoch && last.sequence > g->sequence;
    return d->old_twin ? fail_set(f, ERR_STREAM_FORK, "sequence", "it has %lld and took %lld in this life",
                                  (long long)g->sequence, (long long)last.sequence)
                       : ERR_OK;
}

static enum err settle(struct dial *d, struct fail *f, const struct greeting *g)
{
    struct sha256 hash;
    enum err e = ERR_OK;
    int64_t lost = d->peer->acknowledged;
    if (g->sequence < lost) {
        LOG(LOG_WARNING, "peer_lost_notices", LOG_TEXT("peer", d->peer->node.text),
            LOG_NUMBER("it_has", g->sequence), LOG_NUMBER("we_sent", lost));
        e = check_promise(d, f, g);
        if (!e)
            e = hash_at(d, f, g->sequence, &hash);
        if (!e && !sha256_equal(hash, g->hash))
            e = fail_set(f, ERR_STREAM_FORK, "hash", "at %lld", (long long)g->sequence);
        return e ? e : dial_send_stored(d, f, g->sequence + 1, lost, LINK_FRAME_BATCH);
    }
    while (!e && d->peer->acknowledged < g->sequence && !atomic_load(&d->l->stopping))
        e = fetch_one(d, f);
    if (!e && d->peer->acknowledged < g->sequence)
        return fail_set(f, ERR_STOPPING, NULL, NULL);
    if (!e && !sha256_equal(d->peer->out_hash, g->hash))
        e = fail_set(f, ERR_STREAM_FORK, "hash", "at %lld", (long long)g->sequence);
    return e;
}

static enum err settled_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct dial *d = arg;
    enum err e = db_exec(tx, f, &sql_link_peer_settled, DB(db_int(d->peer->id), db_int(d->l->epoch)), NULL);
    return e;
}

/* What a restore lost is back: the stream may grow again. */
static enum err mark_settled(struct dial *d, struct fail *f)
{
    enum err e = peer_settled(d->peer) ? ERR_OK : db_transaction(d->l->config.db, f, settled_tx, d);
    pthread_mutex_lock(&d->peer->lock);
    if (!e)
        d->peer->settled = d->l->epoch;
    pthread_mutex_unlock(&d->peer->lock);
    return e;
}

enum err dial_settle(struct dial *d, struct fail *f)
{
    struct greeting g = {0};
    enum err e = hello(d, f, &g);
    if (!e)
        e = check_epoch(d, f, &g);
    if (!e)
        e = settle(d, f, &g);
    if (!e)
        e = mark_settled(d, f);
    pthread_mutex_lock(&d->peer->lock);
    d->peer->hears_ahead = !e && g.ahead;
    d->peer->greet_due &= e != ERR_OK;
    pthread_mutex_unlock(&d->peer->lock);
    return e;
}
