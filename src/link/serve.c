/* SPDX-License-Identifier: Apache-2.0 */
/* The acceptor's side: one thread a connection, which only answers.
 *
 * Before a peer is authenticated it costs at most one of 64 places for 5 seconds, and its refusals are
 * counted per source and minute in one ledger entry: nobody can fill the log from outside. After that the
 * order is: HELLO, then BATCH, RESEND, FETCH, HEAD_SIZE, HEAD or BYE, each with one answer. A connection that
 * begins with QUESTION needs no HELLO, takes nobody's place, and carries questions alone. A refusal is logged
 * before it is told. */
#include "link/core.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTION_MEMORY = 64 * 1024 * 1024, IDLE_SECONDS = 300, HELLO_SECONDS = 5, BUSY_MS = 1000 };

struct session {
    struct link *l;
    struct peer *peer;
    struct channel *channel;
    struct directory *directory;
    const struct directory_node *node;
    struct arena arena;
    int64_t epoch; /* the peer's life, as its HELLO said */
    bool greeted;
    bool asks; /* a connection of questions: nothing else comes on it */
};

static enum err answer(struct session *s, struct fail *f, uint16_t kind, const struct frame *question,
                       struct buf *b)
{
    enum err e = buf_check(b, f, "answer");
    return e ? e : frame_send(f, s->channel, kind, question->correlation, buf_str(b));
}

/* ---- HELLO ---- */

struct hello_state {
    struct session *s;
    int64_t peer_epoch;
    int64_t epoch, sequence;
    struct sha256 hash;
};

static enum err hello_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct hello_state *h = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_link_peer_find, DB(db_int(h->s->peer->id)));
    if (db_next(&rows)) {
        h->epoch = db_row_int(&rows, 0);
        h->sequence = db_row_int(&rows, 1);
        struct str bytes = db_row_bytes(&rows, 2);
        memcpy(h->hash.bytes, bytes.p, bytes.n < sizeof h->hash.bytes ? bytes.n : sizeof h->hash.bytes);
    }
    enum err e = db_done(&rows, f);
    if (e || h->peer_epoch == h->epoch)
        return e;
    if (h->peer_epoch < h->epoch)
        return fail_set(f, ERR_EPOCH_OLD, "epoch", "%lld after %lld", (long long)h->peer_epoch,
                        (long long)h->epoch);
    return db_exec(tx, f, &sql_link_peer_epoch, DB(db_int(h->s->peer->id), db_int(h->peer_epoch)), NULL);
}

static enum err hello_read(struct session *s, struct fail *f, const struct frame *frame, int64_t *epoch)
{
    int64_t least = 0, most = 0;
    struct str node = {NULL, 0};
    struct json *tree;
    const struct json *range;
    enum err e = json_read(f, frame->payload, &tree);
    if (e)
        return e;
    e = json_member_text(f, tree, "node", &s->arena, &node);
    if (!e && !str_equal(node, str_of(s->peer->node.text)))
        e = fail_set(f, ERR_ORIGIN, "node", NULL);
    if (!e && !(e = json_member_array(f, tree, "protocol", &range)) &&
        (json_count(range) != 2 || !json_is(json_at(range, 0), JSON_INTEGER) ||
         !json_is(json_at(range, 1), JSON_INTEGER)))
        e = fail_set(f, ERR_FRAME, "protocol", NULL);
    if (!e) {
        least = json_int(json_at(range, 0));
        most = json_int(json_at(range, 1));
        e = json_member_int(f, tree, "epoch", 1, INT64_MAX, epoch);
    }
    json_free(tree);
    return !e && (least > 1 || most < 1) ? fail_set(f, ERR_PROTOCOL, "protocol", NULL) : e;
}

/* A newer connection takes the place of one that may be half open; an older life takes nobody's. */
static enum err take_over(struct session *s, struct fail *f, int64_t epoch)
{
    struct peer *p = s->peer;
    pthread_mutex_lock(&p->lock);
    int64_t seen = p->epoch;
    if (epoch >= seen) {
        p->epoch = epoch;
        if (p->inbound)
            channel_interrupt(p->inbound);
        p->inbound = s->channel;
    }
    pthread_mutex_unlock(&p->lock);
    return epoch >= seen
               ? ERR_OK
               : fail_set(f, ERR_EPOCH_OLD, "epoch", "%lld after %lld", (long long)epoch, (long long)seen);
}

static enum err on_hello(struct session *s, struct fail *f, const struct frame *frame)
{
    struct hello_state h = {.s = s};
    struct buf b;
    enum err e = hello_read(s, f, frame, &h.peer_epoch);
    if (!e)
        e = take_over(s, f, h.peer_epoch);
    if (e)
        return e;
    pthread_mutex_lock(&s->peer->receiving); /* a batch of the former connection ends first */
    e = db_transaction(s->l->config.db, f, hello_tx, &h);
    pthread_mutex_unlock(&s->peer->receiving);
    if (e)
        return e;
    s->epoch = h.peer_epoch;
    s->greeted = true;
    channel_patience(s->channel, IDLE_SECONDS);
    buf_init(&b, 4096);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "node", str_of(s->l->config.self.text));
    json_add_int(&b, "protocol", 1);
    json_add_int(&b, "epoch", s->l->epoch);
    json_add_int(&b, "sequence", h.sequence);
    json_add_hash(&b, "hash", h.hash);
    json_add_int(&b, "directory", directory_version(s->directory));
    json_add_bool(&b, "ahead", true);
    json_end(&b, '}');
    e = answer(s, f, LINK_FRAME_HELLO_ANSWER, frame, &b);
    buf_release(&b);
    return e;
}

/* ---- BATCH and RESEND ---- */

static enum err header_read(struct session *s, struct fail *f, const struct frame *frame, struct str *text,
                            struct batch_header *h)
{
    struct json *tree;
    enum err e = json_read(f, frame->payload, &tree);
    if (e)
        return e;
    e = json_member_text(f, tree, "header", &s->arena, text);
    json_free(tree);
    return e ? e : batch_header_verify(f, *text, s->node, h);
}

static enum err send_receipt(struct session *s, struct fail *f, const struct frame *frame, struct received *r)
{
    struct buf text, b;
    buf_init(&text, FRAME_PAYLOAD_MAX);
    buf_init(&b, FRAME_PAYLOAD_MAX);
    r->receipt.time = clock_now();
    enum err e = receipt_sign(f, s->l->config.signing_key, &r->receipt, r->refused_json, &text);
    if (!e) {
        json_begin(&b, NULL, '{');
        json_add_text(&b, "receipt", buf_str(&text));
        json_end(&b, '}');
        FAULT_POINT("before_receipt", .self = s->l->config.self.text, .peer = s->peer->node.text,
                    .number = r->receipt.sequence);
        e = answer(s, f, LINK_FRAME_RECEIPT, frame, &b);
        FAULT_POINT("after_receipt", .self = s->l->config.self.text, .peer = s->peer->node.text,
                    .number = r->receipt.sequence);
    }
    buf_release(&text);
    buf_release(&b);
    return e;
}

static enum err send_busy(struct session *s, struct fail *f, const struct frame *frame)
{
    struct buf b;
    buf_init(&b, 128);
    json_begin(&b, NULL, '{');
    json_add_int(&b, "milliseconds", BUSY_MS);
    json_end(&b, '}');
    enum err e = answer(s, f, LINK_FRAME_BUSY, frame, &b);
    buf_release(&b);
    return e;
}

/* Another connection of the same peer may have taken over, perhaps in a later life. */
static enum err still_in_place(struct session *s, struct fail *f, const struct batch_header *h)
{
    pthread_mutex_lock(&s->peer->lock);
    bool current = s->peer->inbound == s->channel;
    pthread_mutex_unlock(&s->peer->lock);
    if (!current)
        return fail_set(f, ERR_PEER_CLOSED, NULL, "a newer connection took its place");
    return h->epoch <= s->epoch ? ERR_OK : fail_set(f, ERR_BATCH, "epoch", "%lld", (long long)h->epoch);
}

static enum err on_batch(struct session *s, struct fail *f, const struct frame *frame)
{
    struct batch_header h;
    struct received received = {0};
    struct frame *notices = NULL;
    struct str text = {NULL, 0};
    enum err e = header_read(s, f, frame, &text, &h);
    if (!e)
        e = notice_frames_read(f, s->channel, &s->arena, &h, frame->correlation, &notices);
    if (e)
        return e;
    if (atomic_load(&s->l->disk_low))
        return send_busy(s, f, frame);
    if (frame->kind == LINK_FRAME_RESEND) {
        char what[160];
        snprintf(what, sizeof what, "resend received %s %lld %lld", s->peer->node.text, (long long)h.first,
                 (long long)(h.first + h.count - 1));
        e = operation_log(s->l, f, str_of(what), STR(""));
        if (e)
            return e;
    }
    pthread_mutex_lock(&s->peer->receiving);
    e = still_in_place(s, f, &h);
    if (!e)
        e = batch_receive(s->l, s->peer, f, &s->arena, text, &h, notices, &received);
    pthread_mutex_unlock(&s->peer->receiving);
    if (e == ERR_BUSY)
        return send_busy(s, f, frame);
    return e ? e : send_receipt(s, f, frame, &received);
}

/* ---- FETCH: a restored peer asks for its own batches ---- */

struct fetch {
    struct session *s;
    int64_t sequence, first, count, entry;
    struct str header, refused;
    struct frame *frames;
};

static enum err fetch_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct fetch *q = arg;
    struct arena *a = &q->s->arena;
    struct db_rows rows;
    db_query(tx, &rows, &sql_link_batch_in_at, DB(db_int(q->s->peer->id), db_int(q->sequence)));
    if (db_next(&rows)) {
        q->first = db_row_int(&rows, 0);
        q->count = db_row_int(&rows, 1);
        q->entry = db_row_int(&rows, 3);
        q->header = arena_copy(a, db_row_text(&rows, 4));
        q->refused = arena_copy(a, db_row_text(&rows, 5));
    }
    enum err e = db_done(&rows, f);
    if (!e && (q->first == 0 || q->sequence >= q->first + q->count))
        e = fail_set(f, ERR_NOT_FOUND, "sequence", "%lld", (long long)q->sequence);
    if (e)
        return e;
    q->frames = arena_alloc(a, sizeof *q->frames * (size_t)q->count);
    if (!q->frames || !q->header.p || !q->refused.p)
        return fail_set(f, ERR_MEMORY, "fetch", NULL);
    for (int64_t i = 0; i < q->count && !e; i++)
        e = notice_load(tx, f, (uint64_t)(q->entry + i), a, &q->frames[i]);
    return e;
}

static enum err on_fetch(struct session *s, struct fail *f, const struct frame *frame)
{
    struct fetch q = {.s = s};
    struct buf b;
    struct json *tree;
    enum err e = json_read(f, frame->payload, &tree);
    if (e)
        return e;
    e = json_member_int(f, tree, "sequence", 1, INT64_MAX, &q.sequence);
    json_free(tree);
    if (!e)
        e = db_read(s->l->config.db, f, fetch_tx, &q);
    if (e)
        return e;
    buf_init(&b, FRAME_PAYLOAD_MAX);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "header", q.header);
    json_add_raw(&b, "refused", q.refused);
    json_end(&b, '}');
    e = answer(s, f, LINK_FRAME_FETCHED, frame, &b);
    buf_release(&b);
    buf_init(&b, 2 * BATCH_BYTES_MAX);
    notice_frames_add(&b, q.frames, (size_t)q.count, frame->correlation);
    if (!e)
        e = buf_check(&b, f, "fetch");
    if (!e)
        e = channel_send(f, s->channel, buf_str(&b));
    buf_release(&b);
    return e;
}

/* ---- HEAD: this server keeps and co-signs the heads of those below it ---- */

static enum err on_head_size(struct session *s, struct fail *f, const struct frame *frame)
{
    struct buf b;
    uint64_t size = 0;
    int64_t epoch = 0;
    struct json *tree = NULL;
    enum err e = json_read(f, frame->payload, &tree);
    json_free(tree);
    if (!e)
        e = ledger_kept_size(s->l->config.ledger, f, s->peer->node.text, &size, &epoch);
    if (e)
        return e;
    buf_init(&b, 128);
    json_begin(&b, NULL, '{');
    json_add_int(&b, "size", (int64_t)size);
    json_add_int(&b, "epoch", epoch);
    json_end(&b, '}');
    e = answer(s, f, LINK_FRAME_HEAD_ANSWER, frame, &b);
    buf_release(&b);
    return e;
}

static enum err proof_read(struct fail *f, const struct json *tree, struct merkle_proof *proof)
{
    const struct json *list, *item;
    size_t i;
    enum err e = json_member_array(f, tree, "proof", &list);
    if (e)
        return e;
    if (json_count(list) > MERKLE_PROOF_MAX)
        return fail_set(f, ERR_LIMIT, "proof", NULL);
    proof->count = json_count(list);
    JSON_EACH_AT(list, i, item)
    {
        if ((e = json_hash(f, item, "proof", &proof->hashes[i])))
            return e;
    }
    return ERR_OK;
}

/* A new life of the peer, whose log does not continue what was signed in the one before: on record, and said.
 */
static void head_forked(struct session *s, struct str kept)
{
    char what[160];
    struct fail f;
    LOG(LOG_ALARM, "head_forked", LOG_TEXT("peer", s->peer->node.text), LOG_NUMBER("epoch", s->epoch));
    snprintf(what, sizeof what, "head forked %s epoch %lld", s->peer->node.text, (long long)s->epoch);
    if (operation_log(s->l, &f, str_of(what), kept))
        log_fail(LOG_ALARM, "fork_not_logged", &f);
}

static enum err head_answer(struct session *s, struct fail *f, const struct frame *frame, struct str note,
                            struct str forked)
{
    struct buf b;
    buf_init(&b, 256 * 1024);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "note", note);
    if (forked.n)
        json_add_text(&b, "forked", forked);
    json_end(&b, '}');
    enum err e = answer(s, f, LINK_FRAME_HEAD_ANSWER, frame, &b);
    buf_release(&b);
    return e;
}

static enum err head_read(struct session *s, struct fail *f, const struct frame *frame,
                          struct ledger_presented *out, struct merkle_proof *proof)
{
    struct json *tree;
    enum err e = json_read(f, frame->payload, &tree);
    if (e)
        return e;
    e = json_member_text(f, tree, "note", &s->arena, &out->note);
    if (!e)
        e = json_member_text_maybe(f, tree, "base", &s->arena, &out->base);
    if (!e)
        e = proof_read(f, tree, proof);
    json_free(tree);
    out->proof = proof->count ? proof : NULL;
    return e;
}

static enum err on_head(struct session *s, struct fail *f, const struct frame *frame)
{
    struct merkle_proof *proof = arena_alloc(&s->arena, sizeof *proof);
    const struct directory_key *key = directory_key_at(s->node, clock_now());
    struct ledger_presented head = {.node = s->peer->node.text, .epoch = s->epoch};
    struct buf cosigned, forked;
    if (!proof || !key)
        return fail_set(f, ERR_SIGNATURE, NULL, NULL);
    head.public_key = key->public_key;
    enum err e = head_read(s, f, frame, &head, proof);
    if (e)
        return e;
    buf_init(&cosigned, 64 * 1024);
    buf_init(&forked, 64 * 1024);
    e = ledger_keep_head(s->l->config.ledger, f, &head, &cosigned, &forked);
    if (!e && forked.n)
        head_forked(s, buf_str(&forked));
    if (!e)
        e = head_answer(s, f, frame, buf_str(&cosigned), buf_str(&forked));
    buf_release(&cosigned);
    buf_release(&forked);
    return e;
}

/* ---- AHEAD: not answered ---- */

static enum err on_ahead(struct session *s, struct fail *f, const struct frame *frame)
{
    struct ahead_list told = {.count = 0};
    struct json *tree;
    enum err e = json_read(f, frame->payload, &tree);
    if (e)
        return e;
    e = ahead_read(f, tree, &told);
    json_free(tree);
    if (!e)
        ahead_pass(s->l, s->peer, &told);
    return e;
}

/* ---- QUESTION: on a connection of its own ---- */

static enum err on_question(struct session *s, struct fail *f, const struct frame *frame)
{
    struct answering g = {.l = s->l,
                          .peer = s->peer,
                          .channel = s->channel,
                          .directory = s->directory,
                          .node = s->node,
                          .arena = &s->arena,
                          .frame = frame};
    if (!s->asks && answering_enter(s->peer, f, s->channel))
        return send_busy(s, f, frame);
    s->asks = true;
    channel_patience(s->channel, IDLE_SECONDS);
    return question_answer(&g, f);
}

/* ---- BYE ---- */

/* A peer that stops its stream says why: it may be the twin of the one that goes on. Whatever else it says is
 * passed over. */
static void on_bye(struct session *s, const struct frame *frame)
{
    struct fail f;
    struct json *tree;
    char what[160];
    int64_t error = 0;
    if (!s->greeted || json_read(NULL, frame->payload, &tree))
        return;
    enum err e = json_member_int_maybe(NULL, tree, "error", 0, INT32_MAX, &error);
    json_free(tree);
    if (e || error != ERR_STREAM_FORK)
        return;
    LOG(LOG_ALARM, "peer_stopped", LOG_TEXT("peer", s->peer->node.text),
        LOG_TEXT("error", err_row(ERR_STREAM_FORK)->name));
    snprintf(what, sizeof what, "peer stopped %s %s", s->peer->node.text, err_row(ERR_STREAM_FORK)->name);
    if (operation_log(s->l, &f, str_of(what), STR("")))
        log_fail(LOG_ALARM, "stop_not_logged", &f);
}

/* ---- the loop ---- */

static const struct {
    uint16_t kind;
    enum err (*handle)(struct session *s, struct fail *f, const struct frame *frame);
} handlers[] = {
    {LINK_FRAME_HELLO, on_hello}, {LINK_FRAME_BATCH, on_batch},         {LINK_FRAME_RESEND, on_batch},
    {LINK_FRAME_FETCH, on_fetch}, {LINK_FRAME_HEAD_SIZE, on_head_size}, {LINK_FRAME_HEAD, on_head},
    {LINK_FRAME_AHEAD, on_ahead}, {LINK_FRAME_QUESTION, on_question},
};

static enum err handle(struct session *s, struct fail *f, const struct frame *frame)
{
    if (frame->version != 1)
        return fail_set(f, ERR_FRAME, "version", "%u", frame->version);
    if (frame->kind == LINK_FRAME_QUESTION ? s->greeted
                                           : s->asks || s->greeted != (frame->kind != LINK_FRAME_HELLO))
        return fail_set(f, ERR_FRAME_UNEXPECTED, "kind", "%u", frame->kind);
    for (size_t i = 0; i < COUNT_OF(handlers); i++)
        if (handlers[i].kind == frame->kind)
            return handlers[i].handle(s, f, frame);
    return fail_set(f, ERR_FRAME_UNEXPECTED, "kind", "%u", frame->kind);
}

static bool is_refusal(enum err e)
{
    return e != ERR_PEER_CLOSED && e != ERR_TIMEOUT && e != ERR_STOPPING;
}

/* Logged first, told then. */
static void refuse(struct session *s, const struct frame *frame, const struct fail *why)
{
    struct buf b;
    struct fail f;
    char text[300];
    LOG(link_err_stops(why->err) || why->err == ERR_FORK ? LOG_ALARM : LOG_WARNING, "refused",
        LOG_TEXT("peer", s->peer->node.text), LOG_TEXT("error", err_row(why->err)->name),
        LOG_TEXT("field", why->field), LOG_TEXT("detail", why->detail));
    buf_init(&b, 1024);
    json_begin(&b, NULL, '{');
    json_add_int(&b, "error", why->err);
    json_add_text(&b, "name", str_of(err_row(why->err)->name));
    json_add_text(&b, "field", str_of(why->field));
    json_add_text(&b, "text", str_of(fail_text(why, FAIL_ENGLISH, text, sizeof text)));
    json_end(&b, '}');
    snprintf(text, sizeof text, "refused %s %s", s->peer->node.text, err_row(why->err)->name);
    if (operation_log(s->l, &f, str_of(text), buf_str(&b)))
        log_fail(LOG_ALARM, "refusal_not_logged", &f);
    else if (frame_send(&f, s->channel, LINK_FRAME_REFUSED, frame->correlation, buf_str(&b)))
        log_fail(LOG_DEBUG, "refusal_not_told", &f);
    buf_release(&b);
}

static void session_run(struct session *s)
{
    struct fail f = {0};
    struct frame frame = {0};
    enum err e = ERR_OK;
    while (!e && !atomic_load(&s->l->stopping)) {
        arena_release(&s->arena);          /* a quiet peer keeps no memory of what it once sent */
        frame = (struct frame){.kind = 0}; /* when its header is refused: correlation 0 */
        e = channel_read(&f, s->channel, &s->arena, &frame);
        if (!e && frame.kind == LINK_FRAME_BYE) {
            on_bye(s, &frame);
            return;
        }
        struct directory *now = link_directory(s->l);
        directory_unref(s->directory);
        s->directory = now;
        if (!e)
            e = channel_check_peer(&f, s->channel, now, &s->node);
        if (!e)
            e = handle(s, &f, &frame);
    }
    f.err = e ? e : f.err;
    if (e && is_refusal(e))
        refuse(s, &frame, &f);
}

static void leave(struct session *s)
{
    pthread_mutex_lock(&s->peer->lock);
    if (s->peer->inbound == s->channel)
        s->peer->inbound = NULL;
    pthread_mutex_unlock(&s->peer->lock);
    answering_leave(s->peer, s->channel);
    channel_close(s->channel);
    arena_release(&s->arena);
}

void link_serve(struct link *l, struct peer *peer, struct channel *channel)
{
    struct session s = {.l = l, .peer = peer, .channel = channel};
    arena_init(&s.arena, CONNECTION_MEMORY);
    channel_patience(channel, HELLO_SECONDS);
    session_run(&s);
    leave(&s);
    directory_unref(s.directory);
}

static enum err authenticate(struct link *l, struct connection *c, struct fail *f, struct peer **peer,
                             struct channel **channel)
{
    pthread_mutex_lock(&l->lock);
    struct credentials *credentials = credentials_ref(l->credentials);
    pthread_mutex_unlock(&l->lock);
    struct directory *directory = link_directory(l);
    enum err e = channel_accept(f, credentials, directory, c->fd, channel);
    c->fd = -1;
    directory_unref(directory);
    credentials_unref(credentials);
    if (e)
        return e;
    *peer = peer_find(l, channel_peer(*channel)->text);
    if (!*peer) {
        e = fail_set(f, ERR_KIND_FORBIDDEN, NULL, "%s has no business here", channel_peer(*channel)->text);
        channel_close(*channel);
    }
    return e;
}

static void *connection_run(void *arg)
{
    struct connection *c = arg;
    struct link *l = c->link;
    struct peer *peer = NULL;
    struct channel *channel = NULL;
    struct fail f = {0};
    enum err e = authenticate(l, c, &f, &peer, &channel);
    atomic_fetch_sub(&l->handshakes, 1);
    if (e)
        link_count_refusal(l, c->source, e);
    else
        link_serve(l, peer, channel);
    pthread_mutex_lock(&l->lock);
    c->done = true;
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* Joins the threads that have ended. */
static void reap(struct link *l, bool all)
{
    struct connection *ended = NULL, **at;
    pthread_mutex_lock(&l->lock);
    for (at = &l->connections; *at;) {
        struct connection *c = *at;
        if (!c->done && !all) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        c->next = ended;
        ended = c;
        l->connection_count--;
    }
    pthread_mutex_unlock(&l->lock);
    while (ended) {
        struct connection *next = ended->next;
        pthread_join(ended->thread, NULL);
        memory_free(ended);
        ended = next;
    }
}

static void take_connection(struct link *l, int fd, const struct sockaddr_in *from)
{
    struct fail f;
    char source[48];
    if (!inet_ntop(AF_INET, &from->sin_addr, source, sizeof source))
        snprintf(source, sizeof source, "unknown");
    bool full = atomic_load(&l->handshakes) >= HANDSHAKES_MAX || l->connection_count >= CONNECTIONS_MAX;
    struct connection *c = full ? NULL : memory_new(sizeof *c);
    if (!c) {
        close(fd);
        link_count_refusal(l, source, ERR_BUSY);
        return;
    }
    *c = (struct connection){.link = l, .fd = fd};
    snprintf(c->source, sizeof c->source, "%s", source);
    int open = atomic_fetch_add(&l->handshakes, 1) + 1;
    if (open > atomic_load(&l->handshakes_most)) /* only the keeper lowers it */
        atomic_store(&l->handshakes_most, open);
    pthread_mutex_lock(&l->lock);
    enum err e = thread_start(&f, &c->thread, connection_run, c);
    if (!e) {
        c->next = l->connections;
        l->connections = c;
        l->connection_count++;
    }
    pthread_mutex_unlock(&l->lock);
    if (e) {
        atomic_fetch_sub(&l->handshakes, 1);
        close(fd);
        memory_free(c);
    }
}

/* Interrupts what still runs, then joins it. */
static void end_connections(struct link *l)
{
    struct peer *p;
    for (size_t i = 0; (p = peer_at(l, i)); i++) {
        pthread_mutex_lock(&p->lock);
        if (p->inbound)
            channel_interrupt(p->inbound);
        for (size_t k = 0; k < ANSWERING_MOST; k++)
            if (p->answering[k])
                channel_interrupt(p->answering[k]);
        pthread_mutex_unlock(&p->lock);
    }
    reap(l, true);
}

void *accept_run(void *arg)
{
    struct link *l = arg;
    while (!atomic_load(&l->stopping)) {
        struct sockaddr_in from;
        socklen_t n = sizeof from;
        int fd = accept4(l->listen_fd, (struct sockaddr *)&from, &n, SOCK_CLOEXEC);
        if (fd >= 0)
            take_connection(l, fd, &from);
        else if (errno == EMFILE || errno == ENFILE)
            usleep(100000);
        reap(l, false);
    }
    end_connections(l);
    return NULL;
}
