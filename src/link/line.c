/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of questions to one neighbour: dialled when none is idle, kept for two minutes, never more than
 * eight. One question at a time is on each, so that no answer can meet another's question; a connection whose
 * question did not end well is closed with whatever may still come on it. */
#include "link/core.h"

#include "base/clock.h"

enum { LINE_IDLE_SECONDS = 120 };

/* With the lock held: an idle connection, the one used last, else a free place. */
static struct line *find(struct peer *p)
{
    struct line *best = NULL;
    for (size_t i = 0; i < LINES_MOST; i++) {
        struct line *line = &p->lines[i];
        if (!line->used &&
            (!best || (line->channel && (!best->channel || line->idle_since > best->idle_since))))
            best = line;
    }
    return best;
}

enum err line_take(struct peer *p, struct fail *f, int64_t deadline, struct line **out)
{
    const struct timespec when = {deadline / 1000000, deadline % 1000000 * 1000};
    struct line *line = NULL;
    int code = 0;
    pthread_mutex_lock(&p->lock);
    while (!atomic_load(&p->link->stopping) && !(line = find(p)) && code == 0)
        code = pthread_cond_timedwait(&p->line_free, &p->lock, &when);
    if (line)
        line->used = true;
    pthread_mutex_unlock(&p->lock);
    if (line) {
        *out = line;
        return ERR_OK;
    }
    return atomic_load(&p->link->stopping)
               ? fail_set(f, ERR_STOPPING, NULL, NULL)
               : fail_set(f, ERR_ANSWER_BUSY, NULL, "%d questions to %s", LINES_MOST, p->node.text);
}

static struct channel *replace(struct peer *p, struct line *line, struct channel *with)
{
    pthread_mutex_lock(&p->lock);
    struct channel *had = line->channel;
    line->channel = with;
    if (with && atomic_load(&p->link->stopping)) /* lines_end did not see it */
        channel_interrupt(with);
    pthread_mutex_unlock(&p->lock);
    return had;
}

enum err line_dial(struct peer *p, struct fail *f, const struct directory *d, int64_t deadline,
                   struct line *line)
{
    const struct directory_node *node = directory_find(d, str_of(p->node.text));
    struct link *l = p->link;
    struct channel *channel = NULL;
    channel_close(replace(p, line, NULL));
    if (!node || !node->address[0])
        return fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", p->node.text);
    pthread_mutex_lock(&l->lock);
    struct credentials *credentials = credentials_ref(l->credentials);
    pthread_mutex_unlock(&l->lock);
    enum err e = channel_dial_until(f, credentials, d, node->address, &p->node, deadline, &channel);
    credentials_unref(credentials);
    if (!e)
        channel_close(replace(p, line, channel));
    return e;
}

void line_give(struct peer *p, struct line *line, bool good)
{
    if (!good || atomic_load(&p->link->stopping))
        channel_close(replace(p, line, NULL));
    pthread_mutex_lock(&p->lock);
    line->idle_since = clock_steady();
    line->used = false;
    pthread_cond_broadcast(&p->line_free);
    pthread_mutex_unlock(&p->lock);
}

void lines_tidy(struct peer *p, const struct directory *d)
{
    const struct directory_node *node;
    int64_t before = clock_steady() - (int64_t)LINE_IDLE_SECONDS * 1000000;
    for (size_t i = 0; i < LINES_MOST; i++) {
        struct line *line = &p->lines[i];
        struct channel *ended = NULL;
        pthread_mutex_lock(&p->lock);
        bool unwelcome = line->channel && channel_check_peer(NULL, line->channel, d, &node);
        if (unwelcome && line->used) {
            channel_interrupt(line->channel);
        } else if (!line->used && (unwelcome || line->idle_since < before)) {
            ended = line->channel;
            line->channel = NULL;
        }
        pthread_mutex_unlock(&p->lock);
        channel_close(ended);
    }
}

void lines_end(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->line_free);
    for (size_t i = 0; i < LINES_MOST; i++)
        if (p->lines[i].used && p->lines[i].channel)
            channel_interrupt(p->lines[i].channel);
    for (size_t i = 0; i < LINES_MOST; i++) {
        struct line *line = &p->lines[i];
        while (line->used)
            pthread_cond_wait(&p->line_free, &p->lock);
        channel_close(line->channel);
        line->channel = NULL;
    }
    pthread_mutex_unlock(&p->lock);
}
