/* SPDX-License-Identifier: Apache-2.0 */
/* The answerer's side: one question that came in, all the way to its signed answer.
 *
 * What is no question of this peer to this node in its present life is refused, and the connection closes.
 * Every other one has a signed answer, even when that says only why there is none; question and answer are on
 * disk before the answer leaves. A question that comes again is answered again, as long as it is the same
 * bytes. */
#include "link/core.h"

#include "base/clock.h"
#include "base/fault.h"

#include <stdio.h>

static const struct question_kind kinds[] = {
#define QUESTION_KIND(name, number, text, version) {number, version, text},
#include "link/kind.def"
};

const struct question_kind *question_kind_find(uint16_t kind, struct str name)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].kind == kind || str_equal(str_of(kinds[i].name), name))
            return &kinds[i];
    return NULL;
}

enum err answering_enter(struct peer *p, struct fail *f, struct channel *channel)
{
    bool entered = false;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < ANSWERING_MOST && !entered; i++)
        if (!p->answering[i]) {
            p->answering[i] = channel;
            entered = true;
        }
    pthread_mutex_unlock(&p->lock);
    return entered ? ERR_OK
                   : fail_set(f, ERR_BUSY, NULL, "%s asks on %d lines", p->node.text, ANSWERING_MOST);
}

void answering_leave(struct peer *p, const struct channel *channel)
{
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < ANSWERING_MOST; i++)
        if (p->answering[i] == channel)
            p->answering[i] = NULL;
    pthread_mutex_unlock(&p->lock);
}

static enum err read_question(struct answering *g, struct fail *f)
{
    struct json *tree;
    enum err e = json_read(f, g->frame->payload, &tree);
    if (e)
        return e;
    e = json_member_text(f, tree, "question", g->arena, &g->text);
    json_free(tree);
    if (!e)
        e = question_verify(f, g->text, g->node, &g->q, &g->tree, &g->body);
    if (!e && strcmp(g->q.destination, g->l->config.self.text) != 0)
        e = fail_set(f, ERR_ORIGIN, "destination", "%s", g->q.destination);
    return e;
}

/* An older life is refused; a newer one ends what the older still has open here. */
static enum err check_life(const struct answering *g, struct fail *f)
{
    struct peer *p = g->peer;
    pthread_mutex_lock(&p->lock);
    int64_t seen = p->epoch;
    if (g->q.epoch > seen) {
        p->epoch = g->q.epoch;
        if (p->inbound)
            channel_interrupt(p->inbound);
    }
    pthread_mutex_unlock(&p->lock);
    return g->q.epoch >= seen ? ERR_OK
                              : fail_set(f, ERR_EPOCH_OLD, "epoch", "%lld after %lld", (long long)g->q.epoch,
                                         (long long)seen);
}

/* Was the id used for other bytes? It is remembered from now on. */
static enum err check_repeated(const struct answering *g, struct fail *f)
{
    struct link *l = g->l;
    bool other = false, known = false;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < QUESTIONS_REMEMBERED && !known; i++) {
        const struct remembered_question *r = &l->remembered[i];
        known = r->peer == g->peer->id && strcmp(r->id, g->q.id) == 0;
        other = known && !sha256_equal(r->hash, g->hash);
    }
    if (!known) {
        struct remembered_question *r = &l->remembered[l->remembered_next++ % QUESTIONS_REMEMBERED];
        *r = (struct remembered_question){.peer = g->peer->id, .hash = g->hash};
        memcpy(r->id, g->q.id, sizeof r->id);
    }
    pthread_mutex_unlock(&l->lock);
    return other ? fail_set(f, ERR_QUESTION_REPEATED, "id", "%s", g->q.id) : ERR_OK;
}

static enum err append(const struct answering *g, struct db_tx *tx, struct fail *f, const char *what,
                       struct str payload)
{
    char line[192];
    snprintf(line, sizeof line, "%s %s %s %s/%lld", what, g->peer->node.text, g->q.id, g->q.kind,
             (long long)g->q.version);
    return ledger_append(g->l->config.ledger, tx, f, LEDGER_COMMUNICATION, str_of(line), payload, NULL);
}

static enum err question_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct answering *g = arg;
    struct db_rows rows;
    int64_t epoch = 0;
    db_query(tx, &rows, &sql_link_peer_find, DB(db_int(g->peer->id)));
    if (db_next(&rows))
        epoch = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    if (!e && g->q.epoch > epoch)
        e = db_exec(tx, f, &sql_link_peer_epoch, DB(db_int(g->peer->id), db_int(g->q.epoch)), NULL);
    return e ? e : append(g, tx, f, "question received", g->text);
}

static enum err answer_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct answering *g = arg;
    return append(g, tx, f, "answer sent", g->answer_text);
}

static const struct link_question_kind *answered_here(const struct link *l, uint16_t kind)
{
    for (size_t i = 0; i < l->config.question_count; i++)
        if (l->config.questions[i].kind == kind)
            return &l->config.questions[i];
    return NULL;
}

/* May it be asked at all, now, by this node? */
static enum err check_kind(const struct answering *g, struct fail *f, const struct link_question_kind **out)
{
    const struct question_kind *kind = question_kind_find(0, str_of(g->q.kind));
    bool spoken = kind && g->q.version <= kind->version && g->q.version + 1 >= kind->version;
    if (spoken &&
        !directory_permits(g->directory, str_of(kind->name), g->peer->node.role, g->l->config.self.role))
        return fail_set(f, ERR_KIND_FORBIDDEN, "kind", "%s from %s", kind->name, g->peer->node.text);
    *out = spoken ? answered_here(g->l, kind->kind) : NULL;
    return *out ? ERR_OK
                : fail_set(f, ERR_QUESTION_UNKNOWN, "kind", "%s/%lld", g->q.kind, (long long)g->q.version);
}

static enum err find_answer(const struct answering *g, struct fail *f, struct buf *body)
{
    const struct link_question_kind *kind = NULL;
    enum err e = check_repeated(g, f);
    if (!e)
        e = link_takes_work(g->l, f);
    if (!e)
        e = check_kind(g, f, &kind);
    if (e)
        return e;
    assert(kind);
    const struct link_question question = {.id = str_of(g->q.id),
                                           .origin = g->peer->node,
                                           .kind = kind->kind,
                                           .version = (uint16_t)g->q.version,
                                           .hash = g->hash,
                                           .time = g->q.time,
                                           .deadline = g->deadline,
                                           .body = g->body};
    if (kind->scope)
        e = kind->scope(g->l->config.app, &question, f);
    if (!e)
        e = kind->answer(g->l->config.app, &question, g->arena, body, f);
    return e ? e : buf_check(body, f, "answer");
}

/* The signed answer: the body, or the error and the field that stand for it. */
static enum err sign(const struct answering *g, struct fail *f, struct str body, const struct fail *why,
                     struct buf *out)
{
    struct answer r = {
        .question = g->hash, .epoch = g->l->epoch, .time = clock_now(), .error = why->err, .body = body};
    memcpy(r.id, g->q.id, sizeof r.id);
    snprintf(r.from, sizeof r.from, "%s", g->l->config.self.text);
    snprintf(r.to, sizeof r.to, "%s", g->peer->node.text);
    snprintf(r.field, sizeof r.field, "%s", why->err ? why->field : "");
    return answer_sign(f, g->l->config.signing_key, &r, out);
}

static enum err send_answer(const struct answering *g, struct fail *f)
{
    struct buf b;
    buf_init(&b, FRAME_PAYLOAD_MAX);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "answer", g->answer_text);
    json_end(&b, '}');
    enum err e = buf_check(&b, f, "answer");
    FAULT_POINT("before_answer", .self = g->l->config.self.text, .peer = g->peer->node.text);
    if (!e)
        e = frame_send(f, g->channel, LINK_FRAME_ANSWER, g->frame->correlation, buf_str(&b));
    buf_release(&b);
    return e;
}

static enum err answer_and_send(struct answering *g, struct fail *f)
{
    struct fail why = {.err = ERR_OK};
    struct buf body, text;
    buf_init(&body, ANSWER_BODY_MAX);
    buf_init(&text, ANSWER_TEXT_MAX);
    why.err = find_answer(g, &why, &body);
    enum err e = sign(g, f, buf_str(&body), &why, &text);
    g->answer_text = buf_str(&text);
    if (!e)
        e = db_transaction(g->l->config.db, f, answer_tx, g);
    if (!e)
        e = send_answer(g, f);
    buf_release(&body);
    buf_release(&text);
    return e;
}

enum err question_answer(struct answering *g, struct fail *f)
{
    int64_t came = clock_steady();
    enum err e = read_question(g, f);
    if (!e)
        e = check_life(g, f);
    g->deadline = came + g->q.deadline_ms * 1000;
    g->hash = sha256_of(g->text);
    if (!e)
        e = db_transaction(g->l->config.db, f, question_tx, g);
    if (!e)
        e = answer_and_send(g, f);
    json_free(g->tree);
    return e;
}
