/* SPDX-License-Identifier: Apache-2.0 */
/* What happens by the clock: signing heads, showing them upwards, writing down refusals, watching the disk.
 * Nothing here holds up an append. Once a second: what it finds is at most that old. */
#include "link/core.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <sys/statvfs.h>

void link_count_refusal(struct link *l, const char *source, enum err why)
{
    int64_t minute = clock_now() / 60000000;
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    struct refusal *r = NULL;
    for (size_t i = 0; i < l->refusal_count && !r; i++)
        if (l->refusals[i].minute == minute && strcmp(l->refusals[i].source, source) == 0)
            r = &l->refusals[i];
    if (!r && l->refusal_count < COUNT_OF(l->refusals)) {
        r = &l->refusals[l->refusal_count++];
        *r = (struct refusal){.minute = minute};
        snprintf(r->source, sizeof r->source, "%s", source);
    } else if (!r) { /* many sources at once share the last line */
        r = &l->refusals[COUNT_OF(l->refusals) - 1];
        snprintf(r->source, sizeof r->source, "others");
    }
    r->count++;
    r->last = why;
    pthread_mutex_unlock(&l->lock);
}

static bool refusal_pop(struct link *l, bool all, struct refusal *out)
{
    int64_t minute = clock_now() / 60000000;
    bool found = false;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->refusal_count && !found; i++) {
        if (!all && l->refusals[i].minute == minute)
            continue;
        *out = l->refusals[i];
        l->refusals[i] = l->refusals[--l->refusal_count];
        found = true;
    }
    pthread_mutex_unlock(&l->lock);
    return found;
}

static void write_refusals(struct link *l, bool all)
{
    struct refusal r;
    struct fail f;
    char what[160];
    while (refusal_pop(l, all, &r)) {
        snprintf(what, sizeof what, "refused before authentication source %s minute %lld count %lld last %s",
                 r.source, (long long)r.minute, (long long)r.count, err_row(r.last)->name);
        LOG(LOG_WARNING, "connections_refused", LOG_TEXT("source", r.source), LOG_NUMBER("count", r.count),
            LOG_TEXT("last", err_row(r.last)->name));
        if (operation_log(l, &f, str_of(what), STR("")))
            log_fail(LOG_ALARM, "refusals_not_logged", &f);
    }
}

/* ---- pools */

static void look(struct link *l, enum link_pool which, int64_t left, int64_t of)
{
    static const char *const names[] = {"disk", "connections", "handshakes", "readers"};
    struct pool *p = &l->pools[which];
    char what[96];
    struct fail f;
    pthread_mutex_lock(&l->lock);
    p->name = names[which];
    bool rose = pool_look(p, left, of, clock_steady());
    int percent = pool_percent(p->level);
    pthread_mutex_unlock(&l->lock);
    if (!rose)
        return;
    LOG(LOG_ALARM, "pool_low", LOG_TEXT("pool", names[which]), LOG_NUMBER("left", left), LOG_NUMBER("of", of),
        LOG_NUMBER("percent", percent));
    snprintf(what, sizeof what, "pool low %s %d percent", names[which], percent);
    if (operation_log(l, &f, str_of(what), STR("")))
        log_fail(LOG_ALARM, "pool_low_not_logged", &f);
}

static void watch_pools(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    int64_t connections = (int64_t)l->connection_count;
    pthread_mutex_unlock(&l->lock);
    look(l, POOL_CONNECTIONS, CONNECTIONS_MAX - connections, CONNECTIONS_MAX);
    look(l, POOL_HANDSHAKES,
         HANDSHAKES_MAX - atomic_exchange(&l->handshakes_most, atomic_load(&l->handshakes)), HANDSHAKES_MAX);
    look(l, POOL_READERS, DB_READERS - db_readers_busy(l->config.db), DB_READERS);
}

void link_pools(struct link *l, void (*each)(void *arg, const struct pool *), void *arg)
{
    for (size_t i = 0; i < LINK_POOLS; i++) {
        pthread_mutex_lock(&l->lock);
        struct pool p = l->pools[i];
        pthread_mutex_unlock(&l->lock);
        if (p.of)
            each(arg, &p);
    }
}

static void watch_disk(struct link *l)
{
    enum { MIB_SHIFT = 20 };
    struct statvfs v;
    if (!l->config.disk_path || !l->config.disk_least || statvfs(l->config.disk_path, &v) != 0 ||
        v.f_blocks == 0)
        return;
    look(l, POOL_DISK, (int64_t)(v.f_bavail * v.f_frsize >> MIB_SHIFT),
         (int64_t)(v.f_blocks * v.f_frsize >> MIB_SHIFT));
    bool low = (uint64_t)v.f_bavail * 100 / v.f_blocks < (uint64_t)l->config.disk_least;
    if (atomic_exchange(&l->disk_low, low) == low)
        return;
    if (low)
        LOG(LOG_ALARM, "disk_low", LOG_NUMBER("least_percent", l->config.disk_least));
    else
        LOG(LOG_INFO, "disk_enough", LOG_NUMBER("least_percent", l->config.disk_least));
}

enum err link_takes_work(struct link *l, struct fail *f)
{
    return l && atomic_load(&l->disk_low) ? fail_set(f, ERR_DISK_LOW, NULL, NULL) : ERR_OK;
}

/* ---- whom the directory revoked */

/* Neither waited for nor heard any more. Its threads find their line closed, and no longer theirs. */
static bool part_from(struct peer *p, const struct directory *d, struct fail *f)
{
    const struct directory_node *node;
    bool parted = false;
    pthread_mutex_lock(&p->lock);
    if (p->inbound && channel_check_peer(f, p->inbound, d, &node)) {
        channel_interrupt(p->inbound);
        p->inbound = NULL;
        parted = true;
    }
    if (p->channel && channel_check_peer(f, p->channel, d, &node)) {
        channel_interrupt(p->channel);
        p->channel = NULL;
        p->connected = false;
        parted = true;
    }
    for (size_t i = 0; i < ANSWERING_MOST; i++)
        if (p->answering[i] && channel_check_peer(f, p->answering[i], d, &node)) {
            channel_interrupt(p->answering[i]);
            p->answering[i] = NULL;
            parted = true;
        }
    pthread_mutex_unlock(&p->lock);
    return parted;
}

static void part_from_revoked(struct link *l)
{
    struct directory *d = link_directory(l);
    struct fail why, f;
    struct peer *p;
    char what[160];
    for (size_t i = 0; (p = peer_at(l, i)); i++) {
        lines_tidy(p, d);
        if (!part_from(p, d, &why))
            continue;
        LOG(LOG_WARNING, "disconnected", LOG_TEXT("peer", p->node.text),
            LOG_TEXT("error", err_row(why.err)->name));
        snprintf(what, sizeof what, "disconnected %s %s", p->node.text, err_row(why.err)->name);
        if (operation_log(l, &f, str_of(what), STR("")))
            log_fail(LOG_ALARM, "disconnection_not_logged", &f);
    }
    directory_unref(d);
}

static void sign_head(struct link *l)
{
    struct fail f;
    if (link_sign_head(l, &f)) {
        log_fail(LOG_ALARM, "head_not_signed", &f);
        return;
    }
    struct peer *upper = l->upper.text[0] ? peer_find(l, l->upper.text) : NULL;
    if (!upper)
        return;
    pthread_mutex_lock(&upper->lock);
    upper->head_due = true;
    pthread_cond_signal(&upper->wake);
    pthread_mutex_unlock(&upper->lock);
}

/* A directory that came as a notice may name new neighbours. */
static void meet_new_peers(struct link *l)
{
    struct fail f;
    struct directory *d = link_directory(l);
    pthread_mutex_lock(&l->loading);
    bool newer = directory_version(d) != l->peers_version;
    pthread_mutex_unlock(&l->loading);
    directory_unref(d);
    if (newer && peers_load(l, &f))
        log_fail(LOG_ALARM, "peers_not_loaded", &f);
}

/* Waits one second or until the link stops. */
static void pause_second(struct link *l)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pthread_mutex_lock(&l->lock);
    if (!atomic_load(&l->stopping))
        pthread_cond_timedwait(&l->wake, &l->lock, &until);
    pthread_mutex_unlock(&l->lock);
}

void *keeper_run(void *arg)
{
    struct link *l = arg;
    int64_t next_head = 0;
    while (!atomic_load(&l->stopping)) {
        watch_disk(l);
        watch_pools(l);
        write_refusals(l, false);
        meet_new_peers(l);
        part_from_revoked(l);
        if (clock_steady() >= next_head) {
            sign_head(l);
            next_head = clock_steady() + (int64_t)l->config.head_seconds * 1000000;
        }
        pause_second(l);
    }
    write_refusals(l, true);
    return NULL;
}
