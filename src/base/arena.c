/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_FIRST = 2 * 1024, BLOCK_SIZE = 16 * 1024 }; /* a small request touches little memory */

struct arena_block {
    struct arena_block *next;
    size_t size, used; /* of bytes[] */
    _Alignas(max_align_t) unsigned char bytes[];
};

static atomic_ulong fail_countdown, failures;

void memory_fail_at(unsigned long n)
{
    atomic_store(&fail_countdown, n);
}

unsigned long memory_failures(void)
{
    return atomic_load(&failures);
}

/* Of several threads one alone takes the last. */
static bool fails_now(void)
{
    unsigned long left = atomic_load(&fail_countdown);
    while (left && !atomic_compare_exchange_weak(&fail_countdown, &left, left - 1)) {
    }
    if (left == 1)
        atomic_fetch_add(&failures, 1);
    return left == 1;
}

void *memory_new(size_t size)
{
    if (fails_now())
        return NULL;
    return calloc(1, size ? size : 1);
}

void memory_free(void *p)
{
    free(p);
}

void arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){.limit = limit};
}

static struct arena_block *block_add(struct arena *a, size_t size)
{
    size_t total = sizeof(struct arena_block) + size;
    if (total < size || total > a->limit - a->used)
        return NULL;
    struct arena_block *b = memory_new(total);
    if (!b)
        return NULL;
    b->next = a->blocks;
    b->size = size;
    a->blocks = b;
    a->used += total;
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t unit = _Alignof(max_align_t);
    if (size > SIZE_MAX - BLOCK_SIZE)
        return NULL;
    size = (size + unit - 1) / unit * unit;
    struct arena_block *b = a->blocks;
    if (!b || b->size - b->used < size) {
        size_t left = a->limit - a->used, head = sizeof *b;
        size_t usual = b ? BLOCK_SIZE : BLOCK_FIRST, want = size > usual ? size : usual;
        if (want > size && (left < head || want > left - head))
            want = size;
        b = block_add(a, want);
    }
    if (!b)
        return NULL;
    void *p = b->bytes + b->used;
    b->used += size;
    return p;
}

struct str arena_copy(struct arena *a, struct str s)
{
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;
    if (!p)
        return (struct str){NULL, 0};
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

struct str arena_format(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (!p)
        return (struct str){NULL, 0};
    va_start(args, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, args);
    va_end(args);
    return (struct str){p, (size_t)n};
}

static void blocks_drop(struct arena *a, struct arena_block *keep)
{
    struct arena_block *next;
    for (struct arena_block *b = a->blocks; b; b = next) {
        next = b->next;
        explicit_bzero(b->bytes, b->used);
        if (b != keep)
            memory_free(b);
    }
    a->blocks = keep;
    a->used = 0;
    if (!keep)
        return;
    keep->next = NULL;
    keep->used = 0;
    a->used = sizeof *keep + keep->size;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = a->blocks;
    for (struct arena_block *b = a->blocks; b; b = b->next)
        if (b->size > keep->size)
            keep = b;
    blocks_drop(a, keep);
}

void arena_release(struct arena *a)
{
    blocks_drop(a, NULL);
}
