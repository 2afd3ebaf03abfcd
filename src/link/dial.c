/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of one neighbour: connects when there is work, asks, waits, and tries again when the line
 * breaks. What it cannot settle by itself (a fork, or being an old twin) stops the stream, alarms and waits
 * for a person. A neighbour that is an old twin gets nothing and is tried again, since the right one will
 * answer there. */
#include "link/dial.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

#include <stdio.h>

enum {
    DIAL_MEMORY = 64 * 1024 * 1024,
    ANSWER_SECONDS = 60,
    IDLE_CLOSE_SECONDS = 120,
    BACKOFF_FIRST_MS = 50,
    BACKOFF_LAST_MS = 10000
};

bool link_err_stops(enum err e)
{
    return e == ERR_STREAM_FORK || e == ERR_EPOCH_OLD;
}

/* What the peer refused. A fork that it sees is one for us too. */
enum err dial_refusal(struct dial *d, struct fail *f, const struct frame *frame)
{
    struct json *tree;
    int64_t error = 0;
    struct str name = {"", 0};
    enum err e = json_read(f, frame->payload, &tree);
    if (e)
        return e;
    e = json_member_int(f, tree, "error", 0, INT32_MAX, &error);
    if (!e)
        e = json_member_text(f, tree, "name", &d->arena, &name);
    json_free(tree);
    if (e)
        return e;
    bool same = link_err_stops((enum err)error) || error == ERR_FORK || error == ERR_STREAM_GAP;
    return fail_set(f, same ? (enum err)error : ERR_PEER_REFUSED, NULL, "the peer says %.*s", STR_ARG(name));
}

enum err dial_exchange(struct dial *d, struct fail *f, uint16_t kind, struct str json, uint16_t expected,
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
    return out->kind == LINK_FRAME_REFUSED ? dial_refusal(d, f, out)
                                           : fail_set(f, ERR_FRAME_UNEXPECTED, "kind", "%u", out->kind);
}

/* With the lock held: is there a notice to send now? */
static bool notices_due(const struct peer *p)
{
    return p->committed > p->acknowledged &&
           (p->urgent > p->acknowledged || (p->late_due && clock_steady() >= p->late_due));
}

/* With the lock held: until it is woken, late notices are due, or (ETIMEDOUT) the time is over. */
static int wait_until(struct peer *p, int64_t until, bool any_work)
{
    int64_t at = any_work && p->late_due && p->late_due < until && !p->stopped ? p->late_due : until;
    const struct timespec when = {at / 1000000, at % 1000000 * 1000};
    int code = pthread_cond_timedwait(&p->wake, &p->lock, &when);
    return code && at < until ? 0 : code;
}

/* Waits for work or `ms` milliseconds. After a restore, and when a greeting is due, comparing is work. True
 * when there may be work. */
bool dial_wait(struct peer *p, int64_t ms, bool any_work)
{
    int64_t until = clock_steady() + ms * 1000;
    bool work = false, unsettled = !peer_settled(p);
    int code = 0;
    pthread_mutex_lock(&p->lock);
    while (!atomic_load(&p->link->stopping) && code == 0) {
        work = any_work && !p->stopped &&
               (notices_due(p) || (p->head_due && !p->head_forked) || p->resends.count || p->ahead.count ||
                (p->greet_due && !p->connected) || unsettled);
        if (work)
            break;
        code = wait_until(p, until, any_work);
    }
    pthread_mutex_unlock(&p->lock);
    return work;
}

static enum err tell_ahead(struct dial *d, struct fail *f)
{
    const struct ahead_list list = ahead_take(d->peer);
    struct buf b;
    if (!list.count)
        return ERR_OK;
    buf_init(&b, 4096);
    ahead_write(&b, &list);
    enum err e = buf_check(&b, f, "ahead");
    if (!e)
        e = frame_send(f, d->channel, LINK_FRAME_AHEAD, ++d->correlation, buf_str(&b));
    buf_release(&b);
    return e;
}

static enum err work(struct dial *d, struct fail *f)
{
    struct peer *p = d->peer;
    pthread_mutex_lock(&p->lock);
    bool head = p->head_due && !p->head_forked, notices = notices_due(p);
    p->head_due = false;
    pthread_mutex_unlock(&p->lock);
    enum err e = tell_ahead(d, f);
    if (!e && notices)
        e = dial_send_pending(d, f);
    if (!e)
        e = dial_resend(d, f);
    arena_reset(&d->arena);
    return e || !head ? e : dial_present_head(d, f);
}

static enum err connect_peer(struct dial *d, struct fail *f)
{
    struct link *l = d->l;
    pthread_mutex_lock(&l->lock);
    struct credentials *credentials = credentials_ref(l->credentials);
    pthread_mutex_unlock(&l->lock);
    d->directory = link_directory(l);
    d->node = directory_find(d->directory, str_of(d->peer->node.text));
    enum err e = d->node && d->node->address[0]
                     ? ERR_OK
                     : fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", d->peer->node.text);
    if (!e)
        e = channel_dial(f, credentials, d->directory, d->node->address, &d->peer->node, &d->channel);
    credentials_unref(credentials);
    if (e)
        return e;
    channel_patience(d->channel, ANSWER_SECONDS);
    pthread_mutex_lock(&d->peer->lock);
    d->peer->channel = d->channel;
    pthread_mutex_unlock(&d->peer->lock);
    return dial_settle(d, f);
}

/* Why the stream stops, so that the neighbour of a twin alarms too. */
static void say_bye(struct dial *d, enum err why)
{
    char json[32] = "{}";
    struct fail f;
    if (link_err_stops(why) && !d->old_twin)
        snprintf(json, sizeof json, "{\"error\":%d}", why);
    if (frame_send(&f, d->channel, LINK_FRAME_BYE, 0, str_of(json)))
        log_fail(LOG_DEBUG, "bye_not_told", &f);
}

static void disconnect(struct dial *d, enum err why)
{
    pthread_mutex_lock(&d->peer->lock);
    d->peer->channel = NULL;
    d->peer->connected = d->peer->hears_ahead = false;
    d->peer->ahead.count = 0;
    pthread_mutex_unlock(&d->peer->lock);
    if (d->channel)
        say_bye(d, why);
    channel_close(d->channel);
    d->channel = NULL;
    directory_unref(d->directory);
    d->directory = NULL;
}

static bool same_failure(const struct fail *a, const struct fail *b)
{
    return a->err == b->err && strcmp(a->field, b->field) == 0 && strcmp(a->detail, b->detail) == 0;
}

static void note_failure(struct dial *d, const struct fail *f)
{
    char what[200];
    struct fail logged;
    bool stop = link_err_stops(f->err) && !d->old_twin;
    pthread_mutex_lock(&d->peer->lock);
    bool said = same_failure(&d->peer->trouble, f);
    d->peer->trouble = *f;
    pthread_mutex_unlock(&d->peer->lock);
    if ((said && !stop) || atomic_load(&d->l->stopping))
        return; /* said once */
    LOG(stop || d->old_twin ? LOG_ALARM : LOG_WARNING,
        stop          ? "stream_stopped"
        : d->old_twin ? "old_twin"
                      : "peer_unreachable",
        LOG_TEXT("peer", d->peer->node.text), LOG_TEXT("error", err_row(f->err)->name),
        LOG_TEXT("detail", f->detail));
    if (!stop && !d->old_twin)
        return;
    pthread_mutex_lock(&d->peer->lock);
    d->peer->stopped = stop;
    pthread_mutex_unlock(&d->peer->lock);
    snprintf(what, sizeof what, "%s %s %s", stop ? "stream stopped" : "old twin", d->peer->node.text,
             err_row(f->err)->name);
    if (operation_log(d->l, &logged, str_of(what), str_of(f->detail)))
        log_fail(LOG_ALARM, "stop_not_logged", &logged);
}

/* A directory that came into force since the connection began: its keys, and whom it revoked. */
static enum err follow_directory(struct dial *d, struct fail *f)
{
    struct directory *now = link_directory(d->l);
    directory_unref(d->directory);
    d->directory = now;
    return channel_check_peer(f, d->channel, now, &d->node);
}

/* One connection, as long as there is work for it. */
static enum err converse(struct dial *d, struct fail *f)
{
    enum err e = connect_peer(d, f);
    if (!e) {
        pthread_mutex_lock(&d->peer->lock);
        d->peer->connected = true;
        d->peer->trouble.err = ERR_OK;
        pthread_mutex_unlock(&d->peer->lock);
    }
    while (!e && !atomic_load(&d->l->stopping)) {
        e = follow_directory(d, f);
        if (!e)
            e = work(d, f);
        d->worked |= !e;
        if (!e && !dial_wait(d->peer, IDLE_CLOSE_SECONDS * 1000, true))
            break;
    }
    disconnect(d, e);
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
        d.old_twin = d.worked = false;
        if (!dial_wait(p, 3600 * 1000, true))
            continue;
        int64_t before = p->acknowledged; /* only this thread changes it */
        enum err e = converse(&d, &f);
        if (!e || p->acknowledged > before) /* the line was good for something */
            backoff = BACKOFF_FIRST_MS;
        if (!e)
            continue;
        f.err = e;
        note_failure(&d, &f);
        if (d.worked) /* it broke while it was good: what was waited before says nothing about it */
            backoff = BACKOFF_FIRST_MS;
        dial_wait(p, backoff + (int64_t)random_below((uint64_t)backoff), false);
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
