/* SPDX-License-Identifier: Apache-2.0 */
/* The asker's side. A question is signed once; its bytes stand in the log before they leave. It goes out a
 * second time, the same bytes, only when a connection that had been idle broke before anything of an answer
 * came: the peer had closed it. Whatever comes is read against this question; what is another's is an alarm
 * and is not used. */
#include "link/core.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"

#include <stdio.h>

enum { ASK_MEMORY = 8 * 1024 * 1024 };

struct asking {
    struct link *l;
    struct peer *peer;
    const struct question_kind *kind;
    struct question q;
    struct buf text;     /* the signed question */
    struct buf json;     /* the frame's payload */
    struct arena arena;  /* of what comes */
    int64_t deadline;    /* on the steady clock */
    struct str answered; /* the signed answer */
    struct answer answer;
};

/* Whatever the directory in force says against asking that node. */
static enum err check_permit(const struct asking *k, struct fail *f, const struct directory *d,
                             const struct directory_node **node)
{
    *node = directory_find(d, str_of(k->peer->node.text));
    if (!*node)
        return fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", k->peer->node.text);
    if ((*node)->revoked)
        return fail_set(f, ERR_NODE_REVOKED, NULL, "%s", k->peer->node.text);
    if (!directory_permits(d, str_of(k->kind->name), k->l->config.self.role, k->peer->node.role))
        return fail_set(f, ERR_KIND_FORBIDDEN, "kind", "%s to %s", k->kind->name, k->peer->node.text);
    return ERR_OK;
}

static enum err prepare(struct asking *k, struct fail *f, const struct link_ask *ask)
{
    k->q = (struct question){.version = k->kind->version,
                             .epoch = k->l->epoch,
                             .time = clock_now(),
                             .deadline_ms = ask->deadline_ms,
                             .body = ask->body};
    question_id_new(k->q.id);
    snprintf(k->q.origin, sizeof k->q.origin, "%s", k->l->config.self.text);
    snprintf(k->q.destination, sizeof k->q.destination, "%s", k->peer->node.text);
    snprintf(k->q.kind, sizeof k->q.kind, "%s", k->kind->name);
    enum err e = question_sign(f, k->l->config.signing_key, &k->q, &k->text);
    if (e)
        return e;
    json_begin(&k->json, NULL, '{');
    json_add_text(&k->json, "question", buf_str(&k->text));
    json_end(&k->json, '}');
    return buf_check(&k->json, f, "question");
}

struct logged {
    const struct asking *k;
    const char *what;
    struct str payload;
};

static enum err log_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct logged *g = arg;
    char what[192];
    snprintf(what, sizeof what, "%s %s %s %s/%lld", g->what, g->k->peer->node.text, g->k->q.id, g->k->q.kind,
             (long long)g->k->q.version);
    return ledger_append(g->k->l->config.ledger, tx, f, LEDGER_COMMUNICATION, str_of(what), g->payload, NULL);
}

static enum err log_text(const struct asking *k, struct fail *f, const char *what, struct str payload)
{
    struct logged g = {k, what, payload};
    return db_transaction(k->l->config.db, f, log_tx, &g);
}

/* What the acceptor said instead of an answer. */
static enum err refusal_read(struct asking *k, struct fail *f, const struct frame *frame)
{
    struct json *tree;
    int64_t error = 0;
    enum err e = json_read(f, frame->payload, &tree);
    if (e)
        return e;
    e = json_member_int(f, tree, "error", 0, INT32_MAX, &error);
    json_free(tree);
    if (e)
        return e;
    if (error == ERR_EPOCH_OLD) {
        LOG(LOG_ALARM, "question_of_an_old_life", LOG_TEXT("peer", k->peer->node.text));
        return fail_set(f, ERR_EPOCH_OLD, NULL, "the peer says so");
    }
    return fail_set(f, ERR_ANSWER_REFUSED, NULL, "the peer says %s", err_row((enum err)error)->name);
}

static enum err answer_text_read(struct asking *k, struct fail *f, const struct frame *frame)
{
    struct json *tree;
    enum err e = json_read(f, frame->payload, &tree);
    if (e)
        return e;
    e = json_member_text(f, tree, "answer", &k->arena, &k->answered);
    json_free(tree);
    return e;
}

static enum err answer_read(struct asking *k, struct fail *f, const struct frame *frame)
{
    const struct directory_node *node;
    struct directory *d = link_directory(k->l);
    enum err e = answer_text_read(k, f, frame);
    if (!e)
        e = check_permit(k, f, d, &node);
    if (!e)
        e = answer_verify(f, k->answered, node, &k->q, buf_str(&k->text), &k->arena, &k->answer);
    directory_unref(d);
    return e;
}

/* One frame out, one in. */
static enum err exchange(struct asking *k, struct fail *f, struct channel *channel)
{
    struct frame frame = {.kind = 0};
    FAULT_POINT("before_question_send", .self = k->l->config.self.text, .peer = k->peer->node.text);
    channel_until(channel, k->deadline);
    enum err e = frame_send(f, channel, LINK_FRAME_QUESTION, 1, buf_str(&k->json));
    if (!e)
        e = channel_read(f, channel, &k->arena, &frame);
    if (e)
        return e;
    if (frame.kind == LINK_FRAME_BUSY)
        return fail_set(f, ERR_ANSWER_BUSY, NULL, "%s", k->peer->node.text);
    if (frame.kind == LINK_FRAME_REFUSED)
        return refusal_read(k, f, &frame);
    if (frame.kind != LINK_FRAME_ANSWER || frame.correlation != 1)
        return fail_set(f, ERR_FRAME_UNEXPECTED, "kind", "%u", frame.kind);
    return answer_read(k, f, &frame);
}

/* On the line, dialled anew when it had none; once more when it had one that was closed at the other end. */
static enum err ask_on(struct asking *k, struct fail *f, const struct directory *d, struct line *line)
{
    const struct directory_node *node;
    bool kept = line->channel && channel_check_peer(NULL, line->channel, d, &node) == ERR_OK;
    enum err e = kept ? ERR_OK : line_dial(k->peer, f, d, k->deadline, line);
    if (!e)
        e = exchange(k, f, line->channel);
    if (e != ERR_PEER_CLOSED || !kept || channel_heard(line->channel) || atomic_load(&k->l->stopping))
        return e;
    e = line_dial(k->peer, f, d, k->deadline, line);
    return e ? e : exchange(k, f, line->channel);
}

/* What went wrong on the way, as a clerk is told; the detail stays. */
static enum err way_error(const struct asking *k, struct fail *f, enum err e)
{
    bool way = e == ERR_CONNECT || e == ERR_TLS || e == ERR_PEER_CLOSED || e == ERR_TIMEOUT;
    if (!way)
        return e;
    if (atomic_load(&k->l->stopping))
        return fail_set(f, ERR_STOPPING, NULL, NULL);
    struct fail why = *f;
    return fail_set(f, clock_steady() >= k->deadline || e == ERR_TIMEOUT ? ERR_ANSWER_LATE : ERR_ANSWER_NONE,
                    NULL, "%s: %s", err_row(e)->name, why.detail);
}

static enum err ask_peer(struct asking *k, struct fail *f)
{
    const struct directory_node *node;
    struct line *line = NULL;
    enum err e = line_take(k->peer, f, k->deadline, &line);
    if (e)
        return e;
    struct directory *d = link_directory(k->l);
    e = check_permit(k, f, d, &node);
    if (!e)
        e = way_error(k, f, ask_on(k, f, d, line));
    directory_unref(d);
    line_give(k->peer, line, !e);
    return e;
}

/* The answer says why there is none. What is wrong with the other machine is not told as if it were ours. */
static enum err answer_error(const struct answer *r, struct fail *f)
{
    const struct err_row *row = err_row((enum err)r->error);
    if (row->err != (enum err)r->error)
        return fail_set(f, ERR_ANSWER_REFUSED, NULL, "%s says %lld", r->from, (long long)r->error);
    if (row->err == ERR_TIMEOUT)
        return fail_set(f, ERR_ANSWER_LATE, NULL, "%s", r->from);
    if (row->exit == 3 && (row->err < ERR_QUESTION_FORM || row->err > ERR_ANSWER_REFUSED))
        return fail_set(f, ERR_ANSWER_BUSY, NULL, "%s says %s", r->from, row->name);
    return fail_set(f, row->err, r->field, "%s", r->from);
}

/* A question without an answer stands in the log with the reason; another's answer is an alarm. */
static void note_failure(const struct asking *k, const struct fail *why)
{
    char what[192];
    struct fail f;
    bool other = why->err == ERR_ANSWER_OTHER;
    LOG(other ? LOG_ALARM : LOG_WARNING, other ? "answer_other" : "question_unanswered",
        LOG_TEXT("peer", k->peer->node.text), LOG_TEXT("id", k->q.id),
        LOG_TEXT("error", err_row(why->err)->name), LOG_TEXT("field", why->field),
        LOG_TEXT("detail", why->detail));
    snprintf(what, sizeof what, "question unanswered %s %s %s", k->peer->node.text, k->q.id,
             err_row(why->err)->name);
    if (operation_log(k->l, &f, str_of(what), other ? k->answered : STR("")))
        log_fail(LOG_ALARM, "question_not_logged", &f);
}

static enum err hand_over(const struct asking *k, struct fail *f, struct arena *a, struct link_answer *out)
{
    struct link_answer r = {.id = arena_copy(a, str_of(k->q.id)),
                            .body = arena_copy(a, k->answer.body),
                            .question = sha256_of(buf_str(&k->text)),
                            .answer = sha256_of(k->answered),
                            .time = k->answer.time};
    if (!r.id.p || !r.body.p)
        return fail_set(f, ERR_MEMORY, "answer", NULL);
    *out = r;
    return ERR_OK;
}

static enum err ask_and_log(struct asking *k, struct fail *f, struct arena *a, struct link_answer *out)
{
    enum err e = log_text(k, f, "question sent", buf_str(&k->text));
    if (e)
        return e;
    struct fail why = {.err = ERR_OK};
    e = ask_peer(k, &why);
    why.err = e;
    if (e) {
        note_failure(k, &why);
        return fail_pass(f, &why);
    }
    e = log_text(k, f, "answer received", k->answered);
    if (!e)
        e = k->answer.error ? answer_error(&k->answer, f) : hand_over(k, f, a, out);
    return e;
}

static enum err check(struct asking *k, struct fail *f, const struct link_ask *ask)
{
    const struct directory_node *node;
    enum err e = link_takes_work(k->l, f);
    if (e)
        return e;
    if (ask->deadline_ms < 1 || ask->deadline_ms > QUESTION_DEADLINE_MAX_MS)
        return fail_set(f, ERR_FIELD_RANGE, "deadline", "%lld", (long long)ask->deadline_ms);
    if (!(k->peer = peer_find(k->l, ask->destination)))
        return fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", ask->destination);
    struct directory *d = link_directory(k->l);
    e = check_permit(k, f, d, &node);
    directory_unref(d);
    return e;
}

static bool enter(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    bool open = !atomic_load(&l->stopping);
    l->asking += open;
    pthread_mutex_unlock(&l->lock);
    return open;
}

static void leave(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    l->asking--;
    pthread_cond_broadcast(&l->wake);
    pthread_mutex_unlock(&l->lock);
}

void ask_ended(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    while (l->asking)
        pthread_cond_wait(&l->wake, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

enum err link_ask(struct link *l, struct fail *f, const struct link_ask *ask, struct arena *a,
                  struct link_answer *out)
{
    struct asking k = {.l = l,
                       .kind = question_kind_find(ask->kind, STR("")),
                       .deadline = clock_steady() + ask->deadline_ms * 1000};
    struct fail own;
    if (!f)
        f = &own;
    if (!k.kind)
        return fail_set(f, ERR_QUESTION_UNKNOWN, "kind", "%u", ask->kind);
    if (!enter(l))
        return fail_set(f, ERR_STOPPING, NULL, NULL);
    buf_init(&k.text, QUESTION_TEXT_MAX);
    buf_init(&k.json, FRAME_PAYLOAD_MAX);
    arena_init(&k.arena, ASK_MEMORY);
    enum err e = check(&k, f, ask);
    if (!e)
        e = prepare(&k, f, ask);
    if (!e)
        e = ask_and_log(&k, f, a, out);
    arena_release(&k.arena);
    buf_release(&k.json);
    buf_release(&k.text);
    leave(l);
    return e;
}
