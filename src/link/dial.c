/* SPDX-License-Identifier: Apache-2.0 */
/* The dialler's side: one thread a neighbour. It asks; the neighbour answers.
 *
 * HELLO compares what both ends have on disk. The same: go on. The neighbour has more: we were restored from a backup,
 * or ended before its receipt was kept; our own signed batches are fetched back, checked against what we still have,
 * and kept. The neighbour has less: it was restored (its epoch must be higher) and gets the stored batches again. Any
 * disagreement is a fork: this stream stops, alarms and waits for a person. A batch is signed when it leaves and stored
 * with its receipt; whatever stands in the outbox above the acknowledged sequence has not left yet, or not surely. */
#include "link/core.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

#include <stdio.h>

enum {
    BATCH_TARGET_NOTICES = 1000,
    BATCH_TARGET_BYTES = 1024 * 1024,
    DIAL_MEMORY = 64 * 1024 * 1024,
    ANSWER_SECONDS = 60,
    IDLE_CLOSE_SECONDS = 120,
    BACKOFF_FIRST_MS = 50,
    BACKOFF_LAST_MS = 10000
};

struct dial {
    struct link *l;
    struct peer *peer;
    struct channel *channel;
    struct directory *directory;
    const struct directory_node *node;
    struct arena arena;
    uint64_t correlation;
};

/* One batch of ours, to be sent or compared. */
struct outgoing {
    struct dial *d;
    int64_t first, last; /* what is wanted; last becomes what was taken */
    int64_t stored;      /* 1 when header came from disk */
    struct frame *frames;
    size_t count, known; /* known: how many of a fetched batch our outbox holds */
    struct str header;
    struct batch_header h;
    struct receipt receipt;
    struct str receipt_text;
};

bool link_err_stops(enum err e)
{
    return e == ERR_STREAM_FORK || e == ERR_EPOCH_OLD;
}

/* What the peer refused. A fork that it sees is one for us too. */
static enum err refusal(struct dial *d, struct fail *f, const struct frame *frame)
{
    json_t *tree;
    int64_t error = 0;
    struct str name = {"", 0};
    enum err e = json_read(f, frame->payload, &tree);
    if (e)
        return e;
    e = json_member_int(f, tree, "error", 0, INT32_MAX, &error);
    if (!e)
        e = json_member_text(f, tree, "name", &d->arena, &name);
    json_decref(tree);
    if (e)
        return e;
    bool same = link_err_stops((enum err)error) || error == ERR_FORK || error == ERR_STREAM_GAP;
    return fail_set(f, same ? (enum err)error : ERR_PEER_REFUSED, NULL, "the peer says %.*s", STR_ARG(name));
}

static enum err exchange(struct dial *d, struct fail *f, uint16_t kind, struct str json, uint16_t expected,
                         struct frame *out)
{
    enum err e = frame_send(f, d->channel, kind, ++d->correlation, json);
    if (!e)
        e = channel_read(f, d->channel, &d->arena, out);
    if (e)
        return e;
    if (out->correlation != d->correlation)
        return fail_set(f, ERR_FRAME, "correlation", NULL);
    if (out->kind == expected || out->kind == LINK_FRAME_BUSY)
        return ERR_OK;
    return out->kind == LINK_FRAME_REFUSED ? refusal(d, f, out)
                                           : fail_set(f, ERR_FRAME_UNEXPECTED, "kind", "%u", out->kind);
}

/* ---- outgoing batches ---- */

static enum err load_rows(struct outgoing *o, struct db_tx *tx, struct fail *f, uint64_t **entries)
{
    struct db_rows rows;
    size_t most = (size_t)(o->last - o->first + 1);
    uint64_t *list = arena_alloc(&o->d->arena, most * sizeof *list);
    o->frames = arena_alloc(&o->d->arena, most * sizeof *o->frames);
    if (!list || !o->frames)
        return fail_set(f, ERR_MEMORY, "batch", NULL);
    o->count = 0;
    db_query(tx, &rows, &sql_link_out_range, DB(db_int(o->d->peer->id), db_int(o->first), db_int(o->last)));
    while (o->count < most && db_next(&rows) && db_row_int(&rows, 0) == o->first + (int64_t)o->count)
        list[o->count++] = (uint64_t)db_row_int(&rows, 1);
    *entries = list;
    return db_done(&rows, f);
}

static enum err load_frames(struct db_tx *tx, struct fail *f, void *arg)
{
    struct outgoing *o = arg;
    uint64_t *entries = NULL;
    size_t bytes = 0, n = 0;
    enum err e = load_rows(o, tx, f, &entries);
    for (; !e && n < o->count; n++) {
        e = notice_load(tx, f, entries[n], &o->d->arena, &o->frames[n]);
        bytes += e ? 0 : o->frames[n].payload.n + FRAME_HEADER;
        if (bytes > BATCH_TARGET_BYTES && n > 0 && !o->stored)
            break;
    }
    o->count = n;
    return !e && n == 0 ? fail_set(f, ERR_RESEND_MISSING, "sequence", "%lld", (long long)o->first) : e;
}

static struct sha256 root_of(const struct frame *frames, size_t count)
{
    struct merkle_frontier tree = {0};
    for (size_t i = 0; i < count; i++)
        merkle_append(&tree, batch_leaf(&frames[i]));
    return merkle_root(&tree);
}

static enum err sign_batch(struct outgoing *o, struct fail *f)
{
    struct link *l = o->d->l;
    struct buf text;
    o->last = o->first + (int64_t)o->count - 1;
    o->h = (struct batch_header){.epoch = l->epoch, .first = o->first, .count = (int64_t)o->count, .time = clock_now(),
                                 .root = root_of(o->frames, o->count), .previous = o->d->peer->out_hash};
    snprintf(o->h.origin, sizeof o->h.origin, "%s", l->config.self.text);
    snprintf(o->h.destination, sizeof o->h.destination, "%s", o->d->peer->node.text);
    buf_init(&text, HEADER_TEXT_MAX);
    enum err e = batch_header_sign(f, l->config.signing_key, &o->h, &text);
    if (!e)
        o->header = arena_copy(&o->d->arena, buf_str(&text));
    buf_release(&text);
    return !e && !o->header.p ? fail_set(f, ERR_MEMORY, "batch", NULL) : e;
}

static enum err send_batch(struct outgoing *o, struct fail *f, uint16_t kind)
{
    struct buf b, json;
    buf_init(&b, 2 * BATCH_BYTES_MAX + HEADER_TEXT_MAX);
    buf_init(&json, HEADER_TEXT_MAX);
    json_begin(&json, NULL, '{');
    json_add_text(&json, "header", o->header);
    json_end(&json, '}');
    const struct frame head = {.kind = kind, .version = 1, .correlation = ++o->d->correlation,
                               .payload = buf_str(&json)};
    frame_write(&b, &head);
    notice_frames_add(&b, o->frames, o->count, o->d->correlation);
    enum err e = buf_check(&b, f, "batch");
    if (!e)
        e = channel_send(f, o->d->channel, buf_str(&b));
    buf_release(&b);
    buf_release(&json);
    return e;
}

static enum err receipt_check(struct outgoing *o, struct fail *f, struct str payload)
{
    struct dial *d = o->d;
    json_t *tree;
    enum err e = json_read(f, payload, &tree);
    if (e)
        return e;
    e = json_member_text(f, tree, "receipt", &d->arena, &o->receipt_text);
    json_decref(tree);
    if (!e)
        e = receipt_verify(f, o->receipt_text, d->node, &d->arena, &o->receipt);
    if (e)
        return e;
    if (strcmp(o->receipt.to, d->l->config.self.text) != 0 || o->receipt.sequence < o->last ||
        !sha256_equal(o->receipt.header, sha256_of(o->header)))
        return fail_set(f, ERR_BATCH, "receipt", "does not answer the batch at %lld", (long long)o->first);
    return ERR_OK;
}

static enum err read_answer(struct outgoing *o, struct fail *f, int64_t *busy_ms)
{
    struct frame frame;
    json_t *tree;
    enum err e = channel_read(f, o->d->channel, &o->d->arena, &frame);
    if (e)
        return e;
    if (frame.correlation != o->d->correlation)
        return fail_set(f, ERR_FRAME, "correlation", NULL);
    if (frame.kind == LINK_FRAME_RECEIPT)
        return receipt_check(o, f, frame.payload);
    if (frame.kind == LINK_FRAME_REFUSED)
        return refusal(o->d, f, &frame);
    if (frame.kind != LINK_FRAME_BUSY)
        return fail_set(f, ERR_FRAME_UNEXPECTED, "kind", "%u", frame.kind);
    e = json_read(f, frame.payload, &tree);
    if (e)
        return e;
    e = json_member_int(f, tree, "milliseconds", 1, 600000, busy_ms);
    json_decref(tree);
    return e;
}

/* What the receipt says was refused at the door of the peer, as outcomes. */
static enum err take_exceptions(struct outgoing *o, struct db_tx *tx, struct fail *f)
{
    size_t n = o->receipt.refused_count;
    struct outcome_range *ranges = arena_alloc(&o->d->arena, sizeof *ranges * (n + 1));
    if (!ranges)
        return fail_set(f, ERR_MEMORY, "receipt", NULL);
    for (size_t i = 0; i < n; i++) {
        const struct receipt_exception *x = &o->receipt.refused[i];
        ranges[i] = (struct outcome_range){.peer = o->d->peer->id, .first = x->sequence, .last = x->sequence,
                                           .error = x->error, .state = 'r'};
        snprintf(ranges[i].field, sizeof ranges[i].field, "%s", x->field);
    }
    return n ? outcome_take(o->d->l, tx, f, o->d->peer, ranges, n) : ERR_OK;
}

static enum err store_batch(struct db_tx *tx, struct fail *f, void *arg)
{
    struct outgoing *o = arg;
    struct sha256 hash = sha256_of(o->header);
    int64_t peer = o->d->peer->id;
    enum err e = db_exec(tx, f, &sql_link_batch_out_add,
                         DB(db_int(peer), db_int(o->first), db_int((int64_t)o->count), db_int(clock_now()),
                            db_text(o->header), db_text(o->receipt_text)),
                         NULL);
    if (!e)
        e = db_exec(tx, f, &sql_link_peer_out,
                    DB(db_int(peer), db_int(o->last), db_bytes(hash.bytes, sizeof hash.bytes)), NULL);
    return e ? e : take_exceptions(o, tx, f);
}

static void acknowledged(struct outgoing *o)
{
    struct peer *p = o->d->peer;
    pthread_mutex_lock(&p->lock);
    p->acknowledged = o->last;
    p->out_hash = sha256_of(o->header);
    p->trouble[0] = 0;
    pthread_mutex_unlock(&p->lock);
}

/* Waits for work or `ms` milliseconds. After a restore, comparing is work. True when there may be work. */
static bool wait_for_work(struct peer *p, int64_t ms, bool any_work)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    bool work = false, unsettled = !peer_settled(p);
    int code = 0;
    pthread_mutex_lock(&p->lock);
    while (!atomic_load(&p->link->stopping) && code == 0) {
        work = any_work && !p->stopped &&
               (p->committed > p->acknowledged || (p->head_due && !p->head_forked) || p->resend_first || unsettled);
        if (work)
            break;
        code = pthread_cond_timedwait(&p->wake, &p->lock, &until);
    }
    pthread_mutex_unlock(&p->lock);
    return work;
}

static enum err send_pending(struct dial *d, struct fail *f)
{
    int64_t busy_ms = 0;
    struct outgoing o = {.d = d, .first = d->peer->acknowledged + 1};
    pthread_mutex_lock(&d->peer->lock);
    o.last = d->peer->committed;
    pthread_mutex_unlock(&d->peer->lock);
    if (o.last < o.first)
        return ERR_OK;
    if (o.last > o.first + BATCH_TARGET_NOTICES - 1)
        o.last = o.first + BATCH_TARGET_NOTICES - 1;
    arena_reset(&d->arena);
    enum err e = db_read(d->l->config.db, f, load_frames, &o);
    if (!e)
        e = sign_batch(&o, f);
    if (!e)
        e = send_batch(&o, f, LINK_FRAME_BATCH);
    if (!e)
        e = read_answer(&o, f, &busy_ms);
    if (e)
        return e;
    if (busy_ms) {
        fail_set(f, ERR_BUSY, NULL, "%s", d->peer->node.text);
        peer_trouble(d->peer, f);
        wait_for_work(d->peer, busy_ms, false);
        return ERR_OK;
    }
    e = db_transaction(d->l->config.db, f, store_batch, &o);
    if (!e)
        acknowledged(&o);
    return e;
}

/* ---- stored batches: resend ---- */

static enum err load_stored(struct db_tx *tx, struct fail *f, void *arg)
{
    struct outgoing *o = arg;
    struct db_rows rows;
    int64_t wanted = o->first, count = 0;
    db_query(tx, &rows, &sql_link_batch_out_from, DB(db_int(o->d->peer->id), db_int(wanted)));
    if (db_next(&rows)) {
        o->first = db_row_int(&rows, 0);
        count = db_row_int(&rows, 1);
        o->header = arena_copy(&o->d->arena, db_row_text(&rows, 3));
    }
    enum err e = db_done(&rows, f);
    if (e)
        return e;
    if (count == 0 || !o->header.p)
        return fail_set(f, ERR_RESEND_MISSING, "sequence", "%lld", (long long)wanted);
    o->stored = 1;
    o->last = o->first + count - 1;
    e = load_frames(tx, f, o);
    return !e && (int64_t)o->count != count ? fail_set(f, ERR_RESEND_MISSING, "sequence", "%lld", (long long)wanted)
                                             : e;
}

/* Sends stored batches that hold first..last: the same headers, the same bytes. */
static enum err send_stored(struct dial *d, struct fail *f, int64_t first, int64_t last, uint16_t kind)
{
    enum err e = ERR_OK;
    while (!e && first <= last && !atomic_load(&d->l->stopping)) {
        int64_t busy_ms = 0;
        struct outgoing o = {.d = d, .first = first};
        arena_reset(&d->arena);
        e = db_read(d->l->config.db, f, load_stored, &o);
        if (!e)
            e = send_batch(&o, f, kind);
        if (!e)
            e = read_answer(&o, f, &busy_ms);
        if (!e && busy_ms)
            wait_for_work(d->peer, busy_ms, false);
        else
            first = o.last + 1;
    }
    return e;
}

static enum err do_resend(struct dial *d, struct fail *f)
{
    struct peer *p = d->peer;
    pthread_mutex_lock(&p->lock);
    int64_t first = p->resend_first, last = p->resend_last;
    pthread_mutex_unlock(&p->lock);
    if (!first)
        return ERR_OK;
    enum err e = send_stored(d, f, first, last, LINK_FRAME_RESEND);
    if (e && e != ERR_RESEND_MISSING)
        return e; /* the line broke: again when it is back */
    pthread_mutex_lock(&p->lock);
    p->resend_first = p->resend_last = 0;
    pthread_mutex_unlock(&p->lock);
    return e == ERR_RESEND_MISSING ? ERR_OK : e;
}

/* ---- fetching back what we no longer have ---- */

/* Where a notice of ours came from: the register's change that its body names, or the neighbour that made it. */
static enum err recover_source(struct dial *d, struct fail *f, struct link_notice *n, int64_t *peer, int64_t *sequence)
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
    struct link_notice n = {.kind = o->frames[i].kind, .version = o->frames[i].version,
                            .payload = o->frames[i].payload, .sender = d->l->config.self};
    char what[128];
    json_t *tree, *body = NULL;
    int64_t source_peer = 0, source = 0;
    enum err e = json_read(f, n.payload, &tree);
    if (e)
        return e;
    if (!(e = json_member_text(f, tree, "id", &d->arena, &n.id)) && !(e = json_member_object(f, tree, "body", &body)) &&
        !(e = peer_assign(d->l, d->peer, f, &n.sender_sequence))) {
        n.body = body;
        e = recover_source(d, f, &n, &source_peer, &source);
    }
    if (!e && n.sender_sequence != o->first + (int64_t)i)
        e = fail_set(f, ERR_STREAM_FORK, "sequence", "%lld", (long long)n.sender_sequence);
    snprintf(what, sizeof what, "sent %s %lld %s/%u", d->peer->node.text, (long long)n.sender_sequence,
             kind_name(n.kind) ? kind_name(n.kind) : "0", n.version);
    if (!e)
        e = ledger_append(d->l->config.ledger, tx, f, LEDGER_COMMUNICATION, str_of(what), n.payload, &n.entry);
    if (!e)
        e = peer_outbox_add(tx, f, d->peer, n.sender_sequence, n.entry, source_peer, source);
    if (!e && kind && kind->recover)
        e = kind->recover(d->l->config.app, tx, &n, f);
    json_decref(tree);
    return e;
}

/* Are the first notices of a fetched batch the ones our outbox holds? */
static enum err compare_own(struct outgoing *fetched, struct fail *f, int64_t last)
{
    struct outgoing own = {.d = fetched->d, .first = fetched->first, .last = last, .stored = 1};
    enum err e = db_read(fetched->d->l->config.db, f, load_frames, &own);
    size_t count = (size_t)(last - fetched->first + 1);
    if (!e && (own.count != count ||
               !sha256_equal(root_of(own.frames, own.count), root_of(fetched->frames, count))))
        e = fail_set(f, ERR_STREAM_FORK, "first", "%lld", (long long)fetched->first);
    return e;
}

static enum err recover_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct outgoing *o = arg;
    enum err e = ERR_OK;
    for (size_t i = o->known; i < o->count && !e; i++)
        e = recover_notice(o, tx, f, i);
    return e ? e : store_batch(tx, f, o);
}

static enum err fetch_check(struct outgoing *o, struct fail *f)
{
    struct dial *d = o->d;
    const struct directory_node *self = directory_find(d->directory, str_of(d->l->config.self.text));
    enum err e = self ? batch_header_verify(f, o->header, self, &o->h) : fail_set(f, ERR_NODE_UNKNOWN, NULL, NULL);
    if (e)
        return fail_set(f, ERR_STREAM_FORK, "header", "not signed by us");
    e = notice_frames_read(f, d->channel, &d->arena, &o->h, &o->frames);
    if (e)
        return e;
    o->count = (size_t)o->h.count;
    o->last = o->h.first + o->h.count - 1;
    if (o->h.first != o->first || strcmp(o->h.destination, d->peer->node.text) != 0 ||
        !sha256_equal(o->h.previous, d->peer->out_hash) || !sha256_equal(o->h.root, root_of(o->frames, o->count)))
        return fail_set(f, ERR_STREAM_FORK, "first", "%lld", (long long)o->first);
    return ERR_OK;
}

static enum err fetch_one(struct dial *d, struct fail *f)
{
    struct outgoing o = {.d = d, .first = d->peer->acknowledged + 1, .receipt_text = STR("")};
    struct frame answer;
    char json[64];
    json_t *tree;
    arena_reset(&d->arena);
    snprintf(json, sizeof json, "{\"sequence\":%lld}", (long long)o.first);
    enum err e = exchange(d, f, LINK_FRAME_FETCH, str_of(json), LINK_FRAME_FETCHED, &answer);
    if (e || (e = json_read(f, answer.payload, &tree)))
        return e;
    e = json_member_text(f, tree, "header", &d->arena, &o.header);
    if (!e)
        e = receipt_exceptions_read(f, tree, &d->arena, &o.receipt);
    json_decref(tree);
    if (!e)
        e = fetch_check(&o, f);
    if (e)
        return e;
    pthread_mutex_lock(&d->peer->lock);
    int64_t held = d->peer->committed < o.last ? d->peer->committed : o.last;
    pthread_mutex_unlock(&d->peer->lock);
    if (held < o.last && peer_settled(d->peer)) /* nothing of ours may be missing unless a restore says so */
        return fail_set(f, ERR_STREAM_FORK, "first", "%lld was sent in this life and is not here", (long long)held + 1);
    if (held >= o.first)
        e = compare_own(&o, f, held);
    o.known = held >= o.first ? (size_t)(held - o.first + 1) : 0;
    if (!e)
        e = db_transaction(d->l->config.db, f, recover_tx, &o);
    if (!e)
        acknowledged(&o);
    return e;
}

/* ---- HELLO ---- */

struct greeting {
    int64_t epoch, sequence;
    struct sha256 hash;
};

static enum err hello(struct dial *d, struct fail *f, struct greeting *g)
{
    struct frame answer;
    struct buf b;
    json_t *tree;
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
    enum err e = exchange(d, f, LINK_FRAME_HELLO, buf_str(&b), LINK_FRAME_HELLO_ANSWER, &answer);
    buf_release(&b);
    if (e || (e = json_read(f, answer.payload, &tree)))
        return e;
    if (!(e = json_member_int(f, tree, "epoch", 1, INT64_MAX, &g->epoch)) &&
        !(e = json_member_int(f, tree, "sequence", 0, INT64_MAX, &g->sequence)))
        e = json_member_hash(f, tree, "hash", &d->arena, &g->hash);
    json_decref(tree);
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
    if (g->epoch < seen)
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
    enum err e = db_read(d->l->config.db, f, load_stored, &o);
    if (!e && o.last != sequence)
        e = fail_set(f, ERR_STREAM_FORK, "sequence", "%lld is inside a batch", (long long)sequence);
    if (!e)
        *out = sha256_of(o.header);
    return e;
}

static enum err settle(struct dial *d, struct fail *f, const struct greeting *g)
{
    struct sha256 hash;
    enum err e = ERR_OK;
    int64_t lost = d->peer->acknowledged;
    if (g->sequence < lost) {
        LOG(LOG_WARNING, "peer_lost_notices", LOG_TEXT("peer", d->peer->node.text), LOG_NUMBER("it_has", g->sequence),
            LOG_NUMBER("we_sent", lost));
        e = hash_at(d, f, g->sequence, &hash);
        if (!e && !sha256_equal(hash, g->hash))
            e = fail_set(f, ERR_STREAM_FORK, "hash", "at %lld", (long long)g->sequence);
        return e ? e : send_stored(d, f, g->sequence + 1, lost, LINK_FRAME_BATCH);
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

/* ---- heads ---- */

struct head_proof {
    struct dial *d;
    uint64_t from, to;
    struct merkle_proof proof;
};

static enum err prove_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct head_proof *p = arg;
    return ledger_prove_consistency(tx, f, p->from, p->to, &p->proof);
}

static enum err kept_size(struct dial *d, struct fail *f, uint64_t *size)
{
    struct frame answer;
    json_t *tree;
    int64_t kept = 0;
    enum err e = exchange(d, f, LINK_FRAME_HEAD_SIZE, STR("{}"), LINK_FRAME_HEAD_ANSWER, &answer);
    if (e || (e = json_read(f, answer.payload, &tree)))
        return e;
    e = json_member_int(f, tree, "size", 0, INT64_MAX, &kept);
    json_decref(tree);
    *size = (uint64_t)kept;
    return e;
}

static enum err present(struct dial *d, struct fail *f, struct str note, const struct merkle_proof *proof)
{
    struct frame answer;
    struct str cosigned = {NULL, 0};
    struct buf b;
    json_t *tree;
    buf_init(&b, 128 * 1024);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "note", note);
    json_begin(&b, "proof", '[');
    for (size_t i = 0; i < proof->count; i++)
        json_add_hash(&b, NULL, proof->hashes[i]);
    json_end(&b, ']');
    json_end(&b, '}');
    enum err e = exchange(d, f, LINK_FRAME_HEAD, buf_str(&b), LINK_FRAME_HEAD_ANSWER, &answer);
    buf_release(&b);
    if (e || (e = json_read(f, answer.payload, &tree)))
        return e;
    e = json_member_text(f, tree, "note", &d->arena, &cosigned);
    json_decref(tree);
    return e ? e : ledger_add_cosignature(d->l->config.ledger, f, cosigned);
}

static enum err present_head(struct dial *d, struct fail *f)
{
    struct head_proof *p = arena_alloc(&d->arena, sizeof *p);
    struct buf note;
    struct str body = STR("");
    struct head head = {.size = 0};
    uint8_t own[ED25519_PUBLIC];
    char origin[sizeof head.origin];
    snprintf(origin, sizeof origin, "juki/%s", d->l->config.self.text); /* how heads name their log */
    buf_init(&note, 64 * 1024);
    enum err e = p ? ledger_newest_head(d->l->config.ledger, f, &note) : fail_set(f, ERR_MEMORY, "head", NULL);
    if (!e)
        e = key_public(f, d->l->config.signing_key, own);
    if (!e)
        e = note_verify(f, buf_str(&note), str_of(origin), own, &body);
    if (!e)
        e = head_parse(f, body, &head);
    if (!e) {
        *p = (struct head_proof){.d = d, .to = head.size};
        e = kept_size(d, f, &p->from);
    }
    if (!e && p->from != head.size) {
        if (p->from && p->from < head.size) /* a longer one is presented too, so that the fork goes on record above */
            e = db_read(d->l->config.db, f, prove_tx, p);
        if (!e)
            e = present(d, f, buf_str(&note), &p->proof);
    }
    buf_release(&note);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The log was cut or rewritten, or restored: both notes are on record above. Heads are not shown again before the next
 * start; notices go on, because they have a chain of their own. */
static void head_forked(struct dial *d, const struct fail *f)
{
    struct fail logged;
    pthread_mutex_lock(&d->peer->lock);
    d->peer->head_forked = true;
    pthread_mutex_unlock(&d->peer->lock);
    LOG(LOG_ALARM, "head_forked", LOG_TEXT("upper", d->peer->node.text), LOG_TEXT("detail", f->detail));
    if (operation_log(d->l, &logged, STR("head forked"), str_of(f->detail)))
        log_fail(LOG_ALARM, "fork_not_logged", &logged);
}

/* ---- the thread ---- */

static enum err work(struct dial *d, struct fail *f)
{
    struct peer *p = d->peer;
    pthread_mutex_lock(&p->lock);
    bool head = p->head_due && !p->head_forked;
    p->head_due = false;
    pthread_mutex_unlock(&p->lock);
    enum err e = send_pending(d, f);
    if (!e)
        e = do_resend(d, f);
    arena_reset(&d->arena);
    if (e || !head)
        return e;
    e = present_head(d, f);
    if (e == ERR_FORK)
        head_forked(d, f);
    return e;
}

static enum err connect_peer(struct dial *d, struct fail *f)
{
    struct link *l = d->l;
    struct greeting g = {0};
    pthread_mutex_lock(&l->lock);
    struct credentials *credentials = credentials_ref(l->credentials);
    pthread_mutex_unlock(&l->lock);
    d->directory = link_directory(l);
    d->node = directory_find(d->directory, str_of(d->peer->node.text));
    enum err e = d->node && d->node->address[0] ? ERR_OK : fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", d->peer->node.text);
    if (!e)
        e = channel_dial(f, credentials, d->directory, d->node->address, &d->peer->node, &d->channel);
    credentials_unref(credentials);
    if (e)
        return e;
    channel_patience(d->channel, ANSWER_SECONDS);
    pthread_mutex_lock(&d->peer->lock);
    d->peer->channel = d->channel;
    pthread_mutex_unlock(&d->peer->lock);
    if (!(e = hello(d, f, &g)) && !(e = check_epoch(d, f, &g)))
        e = settle(d, f, &g);
    return e ? e : mark_settled(d, f);
}

static void disconnect(struct dial *d)
{
    struct fail f;
    pthread_mutex_lock(&d->peer->lock);
    d->peer->channel = NULL;
    d->peer->connected = false;
    pthread_mutex_unlock(&d->peer->lock);
    if (d->channel && frame_send(&f, d->channel, LINK_FRAME_BYE, 0, STR("{}")))
        log_fail(LOG_DEBUG, "bye_not_told", &f);
    channel_close(d->channel);
    d->channel = NULL;
    directory_unref(d->directory);
    d->directory = NULL;
}

static void note_failure(struct dial *d, const struct fail *f)
{
    char before[sizeof d->peer->trouble], what[200];
    struct fail logged;
    bool stop = link_err_stops(f->err);
    pthread_mutex_lock(&d->peer->lock);
    snprintf(before, sizeof before, "%s", d->peer->trouble);
    fail_text(f, FAIL_ENGLISH, d->peer->trouble, sizeof d->peer->trouble);
    bool said = strcmp(before, d->peer->trouble) == 0;
    pthread_mutex_unlock(&d->peer->lock);
    if ((said && !stop) || atomic_load(&d->l->stopping))
        return; /* said once */
    LOG(stop ? LOG_ALARM : LOG_WARNING, stop ? "stream_stopped" : "peer_unreachable",
        LOG_TEXT("peer", d->peer->node.text), LOG_TEXT("error", err_row(f->err)->name), LOG_TEXT("detail", f->detail));
    if (!stop)
        return;
    pthread_mutex_lock(&d->peer->lock);
    d->peer->stopped = true;
    pthread_mutex_unlock(&d->peer->lock);
    snprintf(what, sizeof what, "stream stopped %s %s", d->peer->node.text, err_row(f->err)->name);
    if (operation_log(d->l, &logged, str_of(what), str_of(f->detail)))
        log_fail(LOG_ALARM, "stop_not_logged", &logged);
}

/* One connection, as long as there is work for it. */
static enum err converse(struct dial *d, struct fail *f)
{
    enum err e = connect_peer(d, f);
    if (!e) {
        pthread_mutex_lock(&d->peer->lock);
        d->peer->connected = true;
        d->peer->trouble[0] = 0;
        pthread_mutex_unlock(&d->peer->lock);
    }
    while (!e && !atomic_load(&d->l->stopping)) {
        e = work(d, f);
        if (!e && !wait_for_work(d->peer, IDLE_CLOSE_SECONDS * 1000, true))
            break;
    }
    disconnect(d);
    return e;
}

void *dial_run(void *arg)
{
    struct peer *p = arg;
    struct dial d = {.l = p->link, .peer = p};
    int64_t backoff = BACKOFF_FIRST_MS;
    arena_init(&d.arena, DIAL_MEMORY);
    while (!atomic_load(&p->link->stopping)) {
        struct fail f = {0};
        if (!wait_for_work(p, 3600 * 1000, true))
            continue;
        enum err e = converse(&d, &f);
        if (!e) {
            backoff = BACKOFF_FIRST_MS;
            continue;
        }
        f.err = e;
        note_failure(&d, &f);
        wait_for_work(p, backoff + (int64_t)random_below((uint64_t)backoff), false);
        backoff = backoff * 2 > BACKOFF_LAST_MS ? BACKOFF_LAST_MS : backoff * 2;
    }
    arena_release(&d.arena);
    return NULL;
}

enum err link_thread_for(struct peer *p, struct fail *f)
{
    enum err e = ERR_OK;
    pthread_mutex_lock(&p->lock);
    if (!p->dialling && !atomic_load(&p->link->stopping)) {
        e = thread_start(f, &p->thread, dial_run, p);
        p->dialling = !e;
    }
    pthread_mutex_unlock(&p->lock);
    return e;
}
