/* SPDX-License-Identifier: Apache-2.0 */
/* Word ahead: "this notice of yours was applied at the top" travels down before the outcome that says so is
 * on each hop's disk, so that whoever waits at the register does not wait for those disks too.
 *
 * It is a courtesy about what already stands on the disk above: it is not numbered, not answered, not stored
 * and changes nothing at a server; the outcome notice follows all the same. So it may be lost, come twice, or
 * be left out: for many notices at once it is, since nobody waits for one of them. */
#include "link/core.h"

#include <stdio.h>

enum { NOTICES_MOST = 64 }; /* that one word tells of */

/* ---- down to the next neighbour ---- */

bool ahead_matters(const struct outcome_range *r)
{
    return r->state == 'a' && r->last - r->first < NOTICES_MOST;
}

bool ahead_post(struct peer *p, const struct ahead_range *range)
{
    if (!p->connected || !p->hears_ahead || p->ahead.count == AHEAD_RANGES)
        return false;
    p->ahead.ranges[p->ahead.count++] = *range;
    pthread_cond_signal(&p->wake);
    return true;
}

struct ahead_list ahead_take(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    struct ahead_list list = p->ahead;
    p->ahead.count = 0;
    pthread_mutex_unlock(&p->lock);
    return list;
}

void ahead_write(struct buf *b, const struct ahead_list *list)
{
    json_begin(b, NULL, '{');
    json_begin(b, "applied", '[');
    for (size_t i = 0; i < list->count; i++) {
        json_begin(b, NULL, '{');
        json_add_int(b, "first", list->ranges[i].first);
        json_add_int(b, "last", list->ranges[i].last);
        json_end(b, '}');
    }
    json_end(b, ']');
    json_end(b, '}');
}

/* ---- from above ---- */

enum err ahead_read(struct fail *f, const struct json *tree, struct ahead_list *out)
{
    const struct json *list, *item;
    size_t i;
    enum err e = json_member_array(f, tree, "applied", &list);
    if (e)
        return e;
    if (json_count(list) > AHEAD_RANGES)
        return fail_set(f, ERR_LIMIT, "applied", NULL);
    JSON_EACH_AT(list, i, item)
    {
        struct ahead_range *r = &out->ranges[i];
        if ((e = json_member_int(f, item, "first", 1, INT64_MAX - NOTICES_MOST, &r->first)) ||
            (e = json_member_int(f, item, "last", r->first, r->first + NOTICES_MOST, &r->last)))
            return e;
        out->count = i + 1;
    }
    return ERR_OK;
}

static void tell_app(struct link *l, const struct ahead_range *range)
{
    for (size_t i = 0; i < l->config.kind_count; i++)
        if (l->config.kinds[i].ahead)
            l->config.kinds[i].ahead(l->config.app, range->first, range->last);
}

static void tell(struct link *l, int64_t to, const struct ahead_range *range)
{
    struct peer *p = to ? peer_by_id(l, to) : NULL;
    if (!to)
        tell_app(l, range);
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    (void)ahead_post(p, range);
    pthread_mutex_unlock(&p->lock);
}

static void pass(struct link *l, const struct peer *from, const struct ahead_range *told)
{
    struct ahead_range range = {0, 0};
    int64_t to = 0;
    struct recent_source s;
    for (int64_t sequence = told->first; sequence <= told->last; sequence++) {
        if (!recent_source(l->recent, from->id, sequence, &s) || !s.sequence)
            continue;
        if (range.first && to == s.peer && range.last + 1 == s.sequence) {
            range.last = s.sequence;
            continue;
        }
        if (range.first)
            tell(l, to, &range);
        to = s.peer;
        range = (struct ahead_range){s.sequence, s.sequence};
    }
    if (range.first)
        tell(l, to, &range);
}

void ahead_pass(struct link *l, const struct peer *from, const struct ahead_list *told)
{
    for (size_t i = 0; i < told->count; i++)
        pass(l, from, &told->ranges[i]);
}
