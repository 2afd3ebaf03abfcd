/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that leave: signed when they go, stored with their receipt. Whatever stands in the outbox above the
 * acknowledged sequence has not left yet, or not surely. A stored batch goes again with the same header and
 * bytes. */
#include "link/dial.h"

#include "base/clock.h"
#include "base/fault.h"

#include <stdio.h>

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

enum err outgoing_load(struct db_tx *tx, struct fail *f, void *arg)
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

/* From memory, as far as it is there from the first on. */
static enum err outgoing_recent(struct outgoing *o, struct fail *f)
{
    struct dial *d = o->d;
    size_t most = (size_t)(o->last - o->first + 1), bytes = 0;
    o->count = 0;
    o->frames = arena_alloc(&d->arena, most * sizeof *o->frames);
    if (!o->frames)
        return fail_set(f, ERR_MEMORY, "batch", NULL);
    while (o->count < most && recent_get(d->l->recent, d->peer->id, o->first + (int64_t)o->count, &d->arena,
                                         &o->frames[o->count])) {
        bytes += o->frames[o->count].payload.n + FRAME_HEADER;
        if (bytes > BATCH_TARGET_BYTES && o->count > 0)
            break;
        o->count++;
    }
    return ERR_OK;
}

struct sha256 outgoing_root(const struct frame *frames, size_t count)
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
    o->h = (struct batch_header){.epoch = l->epoch,
                                 .first = o->first,
                                 .count = (int64_t)o->count,
                                 .time = clock_now(),
                                 .root = outgoing_root(o->frames, o->count),
                                 .previous = o->d->peer->out_hash};
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
    const struct frame head = {
        .kind = kind, .version = 1, .correlation = ++o->d->correlation, .payload = buf_str(&json)};
    frame_write(&b, &head);
    notice_frames_add(&b, o->frames, o->count, o->d->correlation);
    enum err e = buf_check(&b, f, "batch");
    if (!e)
        e = buf_check(&json, f, "batch");
    FAULT_POINT("before_batch_send", .self = o->h.origin, .peer = o->h.destination, .number = o->last);
    if (!e)
        e = channel_send(f, o->d->channel, buf_str(&b));
    FAULT_POINT("after_batch_send", .self = o->h.origin, .peer = o->h.destination, .number = o->last);
    buf_release(&b);
    buf_release(&json);
    return e;
}

static enum err receipt_check(struct outgoing *o, struct fail *f, struct str payload)
{
    struct dial *d = o->d;
    struct json *tree;
    enum err e = json_read(f, payload, &tree);
    if (e)
        return e;
    e = json_member_text(f, tree, "receipt", &d->arena, &o->receipt_text);
    json_free(tree);
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
    struct json *tree;
    enum err e = channel_read(f, o->d->channel, &o->d->arena, &frame);
    if (e)
        return e;
    if (frame.correlation != o->d->correlation)
        return fail_set(f, ERR_FRAME, "correlation", NULL);
    if (frame.kind == LINK_FRAME_RECEIPT)
        return receipt_check(o, f, frame.payload);
    if (frame.kind == LINK_FRAME_REFUSED)
        return dial_refusal(o->d, f, &frame);
    if (frame.kind != LINK_FRAME_BUSY)
        return fail_set(f, ERR_FRAME_UNEXPECTED, "kind", "%u", frame.kind);
    e = json_read(f, frame.payload, &tree);
    if (e)
        return e;
    e = json_member_int(f, tree, "milliseconds", 1, 600000, busy_ms);
    json_free(tree);
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
        ranges[i] = (struct outcome_range){.peer = o->d->peer->id,
                                           .first = x->sequence,
                                           .last = x->sequence,
                                           .error = x->error,
                                           .state = 'r'};
        snprintf(ranges[i].field, sizeof ranges[i].field, "%s", x->field);
    }
    return n ? outcome_take(o->d->l, tx, f, o->d->peer, ranges, n) : ERR_OK;
}

enum err outgoing_store(struct db_tx *tx, struct fail *f, void *arg)
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

/* Nobody waits for a receipt that refuses nothing and is the last for now; HELLO gives back one that is lost.
 * Only after late notices it may hold up a word ahead. */
static enum err store_receipt(struct outgoing *o, struct fail *f)
{
    struct peer *p = o->d->peer;
    pthread_mutex_lock(&p->lock);
    bool more = p->committed > o->last;
    pthread_mutex_unlock(&p->lock);
    return more || o->late || o->receipt.refused_count
               ? db_transaction(o->d->l->config.db, f, outgoing_store, o)
               : db_transaction_patient(o->d->l->config.db, f, outgoing_store, o);
}

void outgoing_acknowledged(struct outgoing *o)
{
    struct peer *p = o->d->peer;
    pthread_mutex_lock(&p->lock);
    p->acknowledged = o->last;
    p->out_hash = sha256_of(o->header);
    p->trouble.err = ERR_OK;
    pthread_mutex_unlock(&p->lock);
}

enum err dial_send_pending(struct dial *d, struct fail *f)
{
    int64_t busy_ms = 0;
    struct outgoing o = {.d = d, .first = d->peer->acknowledged + 1};
    pthread_mutex_lock(&d->peer->lock);
    o.last = d->peer->committed;
    o.late = d->peer->urgent < o.first;
    d->peer->urgent = o.last; /* all that is committed leaves, now or when the line is back */
    d->peer->late_due = 0;
    pthread_mutex_unlock(&d->peer->lock);
    if (o.last < o.first)
        return ERR_OK;
    if (o.last > o.first + BATCH_TARGET_NOTICES - 1)
        o.last = o.first + BATCH_TARGET_NOTICES - 1;
    arena_reset(&d->arena);
    enum err e = outgoing_recent(&o, f);
    if (!e && !o.count)
        e = db_read(d->l->config.db, f, outgoing_load, &o);
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
        dial_wait(d->peer, busy_ms, false);
        return ERR_OK;
    }
    e = store_receipt(&o, f);
    if (e)
        return e;
    FAULT_POINT("receipt_kept", .self = o.h.origin, .peer = o.h.destination, .number = o.last);
    outgoing_acknowledged(&o);
    return ERR_OK;
}

/* ---- stored batches: resend ---- */

enum err outgoing_load_stored(struct db_tx *tx, struct fail *f, void *arg)
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
    o->stored = true;
    o->last = o->first + count - 1;
    e = outgoing_load(tx, f, o);
    return !e && (int64_t)o->count != count
               ? fail_set(f, ERR_RESEND_MISSING, "sequence", "%lld", (long long)wanted)
               : e;
}

/* Sends stored batches that hold first..last: the same headers, the same bytes. */
enum err dial_send_stored(struct dial *d, struct fail *f, int64_t first, int64_t last, uint16_t kind)
{
    enum err e = ERR_OK;
    while (!e && first <= last && !atomic_load(&d->l->stopping)) {
        int64_t busy_ms = 0;
        struct outgoing o = {.d = d, .first = first};
        arena_reset(&d->arena);
        e = db_read(d->l->config.db, f, outgoing_load_stored, &o);
        if (!e)
            e = send_batch(&o, f, kind);
        if (!e)
            e = read_answer(&o, f, &busy_ms);
        if (!e && busy_ms)
            dial_wait(d->peer, busy_ms, false);
        else
            first = o.last + 1;
    }
    return e;
}

enum err dial_resend(struct dial *d, struct fail *f)
{
    struct peer *p = d->peer;
    pthread_mutex_lock(&p->lock);
    const bool any = p->resends.count > 0;
    const struct resend r = p->resends.ranges[0];
    pthread_mutex_unlock(&p->lock);
    if (!any)
        return ERR_OK;
    enum err e = dial_send_stored(d, f, r.first, r.last, LINK_FRAME_RESEND);
    if (e && e != ERR_RESEND_MISSING)
        return e; /* the line broke: again when it is back */
    pthread_mutex_lock(&p->lock);
    p->resends.count--;
    memmove(p->resends.ranges, p->resends.ranges + 1, p->resends.count * sizeof p->resends.ranges[0]);
    pthread_mutex_unlock(&p->lock);
    return ERR_OK;
}
