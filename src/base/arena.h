/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of one request: taken piece by piece, wiped and given back at once.
 *
 * An arena has a limit at birth. Allocation gives zeroed memory aligned for any type, or NULL when the limit
 * or the machine is at its end; a caller turns that into ERR_MEMORY. Handlers never free. */
#ifndef JUKI_BASE_ARENA_H
#define JUKI_BASE_ARENA_H

#include "base/str.h"

struct arena_block;
struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used, limit;         /* bytes taken from the machine, and their maximum */
};

void arena_init(struct arena *a, size_t limit);
MUST_CHECK void *arena_alloc(struct arena *a, size_t size);
/* A terminated copy (p[n] == 0). p is NULL on failure; an empty string is copied to a non-NULL p. */
MUST_CHECK struct str arena_copy(struct arena *a, struct str s);
/* printf into the arena; p is NULL on failure. */
MUST_CHECK struct str arena_format(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Wipes and forgets everything but keeps one block, for the next request of the same loop. */
void arena_reset(struct arena *a);
/* Wipes and frees. Accepts a zeroed arena and may be called twice. */
void arena_release(struct arena *a);

/* The only other allocator: for _new functions. Zeroed, or NULL. Tests make the n-th call fail here. */
MUST_CHECK void *memory_new(size_t size);
void memory_free(void *p);
/* Tests only: fail the n-th allocation from now (1 = the next); 0 switches it off. */
void memory_fail_at(unsigned long n);
/* Tests only: how many have failed so since the process began. */
unsigned long memory_failures(void);

#endif
