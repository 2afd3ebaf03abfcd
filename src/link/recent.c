/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of bytes, and a table in which each notice can stand in one place only. Bytes are counted from the
 * beginning without end: what lies more than a ring's length behind is written over. */
#include "link/recent.h"

#include <pthread.h>

enum { NOTICE_MOST = 64 * 1024, BYTES_A_PLACE = 512 /* most notices are longer */ };

struct place {
    int64_t peer, sequence;
    struct recent_source source;
    uint64_t begin;
    size_t n; /* 0: nobody's */
    uint16_t kind, version;
};

struct recent {
    pthread_mutex_t lock;
    uint64_t written; /* bytes, ever */
    size_t bytes, place_count;
    char *ring; /* after the places */
    struct place places[];
};

struct recent *recent_new(size_t bytes)
{
    size_t places = bytes / BYTES_A_PLACE;
    assert(bytes >= NOTICE_MOST);
    struct recent *r = memory_new(sizeof *r + places * sizeof r->places[0] + bytes);
    if (!r)
        return NULL;
    r->bytes = bytes;
    r->place_count = places;
    r->ring = (char *)&r->places[places];
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void recent_touch(struct recent *r)
{
    pthread_mutex_lock(&r->lock);
    if (r->written < r->bytes)
        explicit_bzero(r->ring + r->written, r->bytes - r->written);
    pthread_mutex_unlock(&r->lock);
}

void recent_free(struct recent *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    explicit_bzero(r->ring, r->written < r->bytes ? r->written : r->bytes);
    memory_free(r);
}

static struct place *place_of(struct recent *r, int64_t peer, int64_t sequence)
{
    return &r->places[((uint64_t)sequence + (uint64_t)peer * 7919) % r->place_count];
}

void recent_put(struct recent *r, int64_t peer, int64_t sequence, struct recent_source source,
                const struct frame *frame)
{
    size_t n = frame->payload.n;
    struct place *place = place_of(r, peer, sequence);
    pthread_mutex_lock(&r->lock);
    if (r->written % r->bytes + n > r->bytes) /* a notice lies in one piece */
        r->written += r->bytes - r->written % r->bytes;
    place->n = 0;
    if (n && n <= NOTICE_MOST) {
        memcpy(r->ring + r->written % r->bytes, frame->payload.p, n);
        *place = (struct place){peer, sequence, source, r->written, n, frame->kind, frame->version};
        r->written += n;
    }
    pthread_mutex_unlock(&r->lock);
}

bool recent_get(struct recent *r, int64_t peer, int64_t sequence, struct arena *a, struct frame *out)
{
    struct str copy = {NULL, 0};
    const struct place *place = place_of(r, peer, sequence);
    pthread_mutex_lock(&r->lock);
    size_t n = place->n;
    uint64_t begin = place->begin;
    if (n && place->peer == peer && place->sequence == sequence && r->written - begin <= r->bytes)
        copy = arena_copy(a, (struct str){r->ring + begin % r->bytes, n});
    if (copy.p)
        *out = (struct frame){.kind = place->kind, .version = place->version, .payload = copy};
    pthread_mutex_unlock(&r->lock);
    return copy.p;
}

bool recent_source(struct recent *r, int64_t peer, int64_t sequence, struct recent_source *out)
{
    const struct place *place = place_of(r, peer, sequence);
    pthread_mutex_lock(&r->lock);
    bool here = place->n && place->peer == peer && place->sequence == sequence;
    if (here)
        *out = place->source;
    pthread_mutex_unlock(&r->lock);
    return here;
}

void recent_clear(struct recent *r)
{
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->place_count; i++)
        r->places[i].n = 0;
    pthread_mutex_unlock(&r->lock);
}
