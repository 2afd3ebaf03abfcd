/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static void kernel_bytes(unsigned char *out, size_t n)
{
    while (n) {
        ssize_t got = getrandom(out, n, 0);
        assert(got > 0 || errno == EINTR);
        if (got > 0) {
            out += got;
            n -= (size_t)got;
        }
    }
}

void random_bytes(void *out, size_t n)
{
    static _Thread_local unsigned char pool[1024];
    static _Thread_local size_t left;
    if (n > sizeof pool) {
        kernel_bytes(out, n);
        return;
    }
    if (left < n) {
        kernel_bytes(pool, sizeof pool);
        left = sizeof pool;
    }
    unsigned char *at = pool + (sizeof pool - left);
    memcpy(out, at, n);
    explicit_bzero(at, n);
    left -= n;
}

uint64_t random_below(uint64_t bound)
{
    uint64_t value, ceiling = UINT64_MAX - UINT64_MAX % bound;
    do
        random_bytes(&value, sizeof value);
    while (value >= ceiling);
    return value % bound;
}

uint64_t random_seeded_next(struct random_seeded *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t random_seeded_below(struct random_seeded *r, uint64_t bound)
{
    return (uint64_t)(((unsigned __int128)random_seeded_next(r) * bound) >> 64);
}
