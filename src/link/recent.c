/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of bytes, and a table in which each notice can stand in one place only. Bytes are counted from the
 * beginning without end: what lies more than a ring's length behind is written over. */
#include "link/recent.h"

#include <pthread.h>

enum { RING_BYTES = 8 * 1024 * 1024, PLACES = 16384, NOTICE_MOST = 64 * 1024 };

struct recent {
    pthread_mutex_t lock;
    uint64_t written; /* bytes, ever */
    struct {
        int64_t peer, sequence;
        struct recent_source source;
        uint64_t begin;
        size_t n; /* 0: nobody's */
        uint16_t kind, version;
    } places[PLACES];
    char ring[RING_BYTES];
};

struct recent *recent_new(void)
{
    struct recent *r = memory_new(sizeof *r);
    if (!r)
        return NULL;
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void recent_touch(struct recent *r)
{
    pthread_mutex_lock(&r->lock);
    if (r->written < RING_BYTES)
        explicit_bzero(r->ring + r->written, RING_BYTES - r->written);
    pthread_mutex_unlock(&r->lock);
}

void recent_free(struct recent *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    explicit_bzero(r->ring, r->written < RING_BYTES ? r->written : RING_BYTES);
    memory_free(r);
}

static size_t place_of(int64_t peer, int64_t sequence)
{
    return (size_t)((uint64_t)sequence + (uint64_t)peer * 7919) % PLACES;
}

void recent_put(struct recent *r, int64_t peer, int64_t sequence, struct recent_source source,
                const struct frame *frame)
{
    size_t n = frame->payload.n, at = place_of(peer, sequence);
    pthread_mutex_lock(&r->lock);
    if (r->written % RING_BYTES + n > RING_BYTES) /* a notice lies in one piece */
        r->written += RING_BYTES - r->written % RING_BYTES;
    r->places[at].n = 0;
    if (n && n <= NOTICE_MOST) {
        memcpy(r->ring + r->written % RING_BYTES, frame->payload.p, n);
        r->places[at].peer = peer;
        r->places[at].sequence = sequence;
        r->places[at].source = source;
        r->places[at].begin = r->written;
        r->places[at].n = n;
        r->places[at].kind = frame->kind;
        r->places[at].version = frame->version;
        r->written += n;
    }
    pthread_mutex_unlock(&r->lock);
}

bool recent_get(struct recent *r, int64_t peer, int64_t sequence, struct arena *a, struct frame *out)
{
    struct str copy = {NULL, 0};
    size_t at = place_of(peer, sequence);
    pthread_mutex_lock(&r->lock);
    size_t n = r->places[at].n;
    uint64_t begin = r->places[at].begin;
    if (n && r->places[at].peer == peer && r->places[at].sequence == sequence &&
        r->written - begin <= RING_BYTES)
        copy = arena_copy(a, (struct str){r->ring + begin % RING_BYTES, n});
    if (copy.p)
        *out = (struct frame){.kind = r->places[at].kind, .version = r->places[at].version, .payload = copy};
    pthread_mutex_unlock(&r->lock);
    return copy.p;
}

bool recent_source(struct recent *r, int64_t peer, int64_t sequence, struct recent_source *out)
{
    size_t at = place_of(peer, sequence);
    pthread_mutex_lock(&r->lock);
    bool here = r->places[at].n && r->places[at].peer == peer && r->places[at].sequence == sequence;
    if (here)
        *out = r->places[at].source;
    pthread_mutex_unlock(&r->lock);
    return here;
}

void recent_clear(struct recent *r)
{
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < PLACES; i++)
        r->places[i].n = 0;
    pthread_mutex_unlock(&r->lock);
}
