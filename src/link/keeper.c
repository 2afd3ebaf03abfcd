/* SPDX-License-Identifier: Apache-2.0 */
/* What happens by the clock: signing heads, showing them upwards, writing down refusals, watching the disk.
 * Nothing here holds up an append. */
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

static void watch_disk(struct link *l)
{
    struct statvfs v;
    if (!l->config.disk_path || statvfs(l->config.disk_path, &v) != 0 || v.f_blocks == 0)
        return;
    bool low = (uint64_t)v.f_bavail * 100 / v.f_blocks < (uint64_t)l->config.disk_least;
    if (atomic_exchange(&l->disk_low, low) == low)
        return;
    if (low)
        LOG(LOG_ALARM, "disk_low", LOG_NUMBER("least_percent", l->config.disk_least));
    else
        LOG(LOG_INFO, "disk_enough", LOG_NUMBER("least_percent", l->config.disk_least));
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
        write_refusals(l, false);
        meet_new_peers(l);
        if (clock_steady() >= next_head) {
            sign_head(l);
            next_head = clock_steady() + (int64_t)l->config.head_seconds * 1000000;
        }
        pause_second(l);
    }
    write_refusals(l, true);
    return NULL;
}
