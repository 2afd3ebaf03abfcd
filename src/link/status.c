/* SPDX-License-Identifier: Apache-2.0 */
/* What a person asks the link: how each neighbour stands, where a notice is, and to send some again. */
#include "link/core.h"

#include "base/clock.h"

#include <stdio.h>

struct status_query {
    struct link *l;
    struct peer *peer;
    struct link_peer_status *status;
    struct arena arena;
};

static enum err entry_time(struct db_tx *tx, struct fail *f, struct arena *a, int64_t entry, int64_t *out)
{
    struct ledger_entry e;
    enum err code = ledger_entry_read(tx, f, (uint64_t)entry, a, &e);
    if (!code)
        *out = e.time;
    return code;
}

static enum err status_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct status_query *q = arg;
    struct db_rows rows;
    int64_t entry = -1;
    db_query(tx, &rows, &sql_link_peer_received, DB(db_int(q->peer->id)));
    if (db_next(&rows)) {
        q->status->received = db_row_int(&rows, 0);
        q->status->applied = db_row_int(&rows, 1);
        q->status->refused = db_row_int(&rows, 2);
    }
    enum err e = db_done(&rows, f);
    if (e || !q->status->waiting)
        return e;
    db_query(
        tx, &rows, &sql_link_out_range,
        DB(db_int(q->peer->id), db_int(q->status->acknowledged + 1), db_int(q->status->acknowledged + 1)));
    if (db_next(&rows))
        entry = db_row_int(&rows, 1);
    e = db_done(&rows, f);
    return e || entry < 0 ? e : entry_time(tx, f, &q->arena, entry, &q->status->oldest_waiting);
}

static void peer_snapshot(struct peer *p, struct link_peer_status *s)
{
    *s = (struct link_peer_status){.node = p->node};
    pthread_mutex_lock(&p->lock);
    s->sent = p->committed;
    s->acknowledged = p->acknowledged;
    s->waiting = p->committed - p->acknowledged;
    s->connected = p->connected;
    s->stopped = p->stopped;
    s->head_forked = p->head_forked;
    s->epoch = p->epoch;
    s->trouble = p->trouble;
    pthread_mutex_unlock(&p->lock);
}

enum err link_status(struct link *l, struct fail *f, void (*each)(void *arg, const struct link_peer_status *),
                     void *arg)
{
    struct link_peer_status s;
    struct status_query q = {.l = l, .status = &s};
    enum err e = ERR_OK;
    arena_init(&q.arena, 4 * 1024 * 1024);
    for (size_t i = 0; !e && (q.peer = peer_at(l, i)); i++) {
        peer_snapshot(q.peer, &s);
        arena_reset(&q.arena);
        e = db_read(l->config.db, f, status_tx, &q);
        if (!e && (s.sent || s.received || s.connected || s.trouble.err))
            each(arg, &s);
    }
    arena_release(&q.arena);
    return e;
}

/* ---- resend ---- */

/* When there is no place left the last range grows: more than was asked for goes again, which changes
 * nothing. */
static void resend_add(struct resends *s, int64_t first, int64_t last)
{
    if (s->count < RESENDS_MOST) {
        s->ranges[s->count++] = (struct resend){first, last};
        return;
    }
    struct resend *r = &s->ranges[s->count - 1];
    r->first = first < r->first ? first : r->first;
    r->last = last > r->last ? last : r->last;
}

enum err link_resend(struct link *l, struct fail *f, const char *name, int64_t first, int64_t last)
{
    struct peer *p = peer_find(l, name);
    char what[160];
    if (!p)
        return fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", name);
    pthread_mutex_lock(&p->lock);
    bool there = first >= 1 && first <= last && last <= p->acknowledged;
    pthread_mutex_unlock(&p->lock);
    if (!there)
        return fail_set(f, ERR_RESEND_MISSING, NULL, "%lld to %lld", (long long)first, (long long)last);
    snprintf(what, sizeof what, "resend asked %s %lld %lld", name, (long long)first, (long long)last);
    enum err e = operation_log(l, f, str_of(what), STR(""));
    if (e)
        return e;
    pthread_mutex_lock(&p->lock);
    resend_add(&p->resends, first, last);
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    return link_thread_for(p, f);
}

/* ---- trace ---- */

struct trace_query {
    struct link *l;
    int64_t source;      /* the register's change, or */
    struct peer *sender; /* a neighbour's sequence */
    int64_t sequence;
    struct link_trace *out;
    struct arena arena;
};

static enum err batch_time(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt, int64_t peer,
                           int64_t sequence, int64_t *time)
{
    struct db_rows rows;
    db_query(tx, &rows, stmt, DB(db_int(peer), db_int(sequence)));
    if (db_next(&rows) && sequence < db_row_int(&rows, 0) + db_row_int(&rows, 1))
        *time = db_row_int(&rows, 2);
    return db_done(&rows, f);
}

/* Where a notice went from here: an outbox row with that source. */
static enum err trace_onward(struct trace_query *q, struct db_tx *tx, struct fail *f, int64_t source_peer,
                             int64_t source_sequence)
{
    struct db_rows rows;
    int64_t peer = 0, sequence = 0, entry = 0;
    db_query(tx, &rows, &sql_link_out_source, DB(db_int(source_peer), db_int(source_sequence)));
    while (db_next(
        &rows)) { /* the last one: a change that asked for a number first became an identity notice later */
        peer = db_row_int(&rows, 0);
        sequence = db_row_int(&rows, 1);
        entry = db_row_int(&rows, 2);
        const struct peer *p = peer_by_id(q->l, peer);
        if (p && strcmp(p->node.text, q->l->upper.text) == 0)
            break;
    }
    enum err e = db_done(&rows, f);
    const struct peer *p = peer_by_id(q->l, peer);
    if (e || !p)
        return e;
    snprintf(q->out->next, sizeof q->out->next, "%s", p->node.text);
    q->out->next_sequence = sequence;
    if (source_peer == 0) {
        e = entry_time(tx, f, &q->arena, entry, &q->out->received);
        snprintf(q->out->notice_id, sizeof q->out->notice_id, "%s/%s/%lld", q->l->config.self.text,
                 p->node.text, (long long)sequence);
    }
    if (!e)
        e = batch_time(tx, f, &sql_link_batch_out_from, peer, sequence, &q->out->acknowledged);
    if (e)
        return e;
    q->out->state = ' ';
    db_query(tx, &rows, &sql_link_outcome_at, DB(db_int(peer), db_int(sequence)));
    if (db_next(&rows) && sequence <= db_row_int(&rows, 1)) {
        q->out->state = (char)db_row_int(&rows, 2);
        q->out->outcome = db_row_int(&rows, 5);
    }
    return db_done(&rows, f);
}

static enum err trace_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct trace_query *q = arg;
    struct db_rows rows;
    int64_t first = 0, entry = 0;
    struct ledger_entry read;
    if (!q->sender)
        return trace_onward(q, tx, f, 0, q->source);
    db_query(tx, &rows, &sql_link_batch_in_at, DB(db_int(q->sender->id), db_int(q->sequence)));
    if (db_next(&rows) && q->sequence < db_row_int(&rows, 0) + db_row_int(&rows, 1)) {
        first = db_row_int(&rows, 0);
        entry = db_row_int(&rows, 3) + q->sequence - first;
    }
    enum err e = db_done(&rows, f);
    if (!e && !first)
        return fail_set(f, ERR_NOT_FOUND, "sequence", "%lld", (long long)q->sequence);
    if (!e)
        e = ledger_entry_read(tx, f, (uint64_t)entry, &q->arena, &read);
    if (e)
        return e;
    q->out->received = read.time;
    return trace_onward(q, tx, f, q->sender->id, q->sequence);
}

static enum err trace(struct trace_query *q, struct fail *f)
{
    arena_init(&q->arena, 4 * 1024 * 1024);
    *q->out = (struct link_trace){.state = ' '};
    enum err e = db_read(q->l->config.db, f, trace_tx, q);
    arena_release(&q->arena);
    return e;
}

enum err link_trace_source(struct link *l, struct fail *f, int64_t source, struct link_trace *out)
{
    struct trace_query q = {.l = l, .source = source, .out = out};
    enum err e = trace(&q, f);
    return !e && !out->next[0] ? fail_set(f, ERR_NOT_FOUND, "change", "%lld", (long long)source) : e;
}

enum err link_trace_received(struct link *l, struct fail *f, const char *sender, int64_t sequence,
                             struct link_trace *out)
{
    struct trace_query q = {.l = l, .sender = peer_find(l, sender), .sequence = sequence, .out = out};
    return q.sender ? trace(&q, f) : fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", sender);
}

enum err link_source_entries(struct db_tx *tx, struct fail *f, int64_t first, int64_t last,
                             void (*each)(void *arg, int64_t source, uint64_t entry), void *arg)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_link_out_sources, DB(db_int(first), db_int(last)));
    while (db_next(&rows))
        each(arg, db_row_int(&rows, 0), (uint64_t)db_row_int(&rows, 1));
    return db_done(&rows, f);
}

static enum err entry_most(struct db_tx *tx, struct fail *f, void *arg)
{
    uint64_t *entries = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_link_entry_most, DB_NONE);
    if (db_next(&rows))
        *entries = (uint64_t)(db_row_int(&rows, 0) + 1);
    return db_done(&rows, f);
}

enum err link_entries_referenced(struct fail *f, struct db *db, uint64_t *out)
{
    return db_read(db, f, entry_most, out);
}
