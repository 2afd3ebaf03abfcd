/* SPDX-License-Identifier: Apache-2.0 */
#include "failing_memory.h"

#include "base/arena.h"
#include "db/sqlite.h"

#include <gnutls/gnutls.h>

static struct source {
    atomic_ulong asked, failed, first, end; /* numbers first to end - 1 fail */
} sources[MEMORIES];

static _Thread_local bool spared;

void memory_spares(bool spare)
{
    spared = spare;
}

static bool fails(enum memory kind)
{
    if (spared)
        return false;
    struct source *s = &sources[kind];
    unsigned long number = atomic_fetch_add(&s->asked, 1) + 1;
    bool now = number >= atomic_load(&s->first) && number < atomic_load(&s->end);
    if (now)
        atomic_fetch_add(&s->failed, 1);
    return now;
}

void memory_fails(enum memory kind, unsigned long nth, unsigned long times)
{
    struct source *s = &sources[kind];
    if (kind == MEMORY_OWN) {
        memory_fail_at(nth);
        return;
    }
    atomic_store(&s->end, 0);
    atomic_store(&s->first, atomic_load(&s->asked) + nth);
    atomic_store(&s->end, nth ? atomic_load(&s->first) + times : 0);
}

struct memory_counts memory_counts(enum memory kind)
{
    if (kind == MEMORY_OWN)
        return (struct memory_counts){0, memory_failures()};
    return (struct memory_counts){atomic_load(&sources[kind].asked), atomic_load(&sources[kind].failed)};
}

/* ---- SQLite */

static sqlite3_mem_methods sqlite_below;

static void *sqlite_allocate(int bytes)
{
    return fails(MEMORY_SQLITE) ? NULL : sqlite_below.xMalloc(bytes);
}

static void *sqlite_resize(void *p, int bytes)
{
    return fails(MEMORY_SQLITE) ? NULL : sqlite_below.xRealloc(p, bytes);
}

static void sqlite_install(void)
{
    sqlite_pages_apart();
    int rc = sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    if (!rc)
        rc = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_below);
    sqlite3_mem_methods methods = sqlite_below;
    methods.xMalloc = sqlite_allocate;
    methods.xRealloc = sqlite_resize;
    if (!rc)
        rc = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    if (!rc)
        rc = sqlite3_initialize(); /* the product's own setting comes too late now */
    assert(!rc);
}

/* ---- GnuTLS */

static void *tls_allocate(size_t n)
{
    return fails(MEMORY_TLS) ? NULL : malloc(n);
}

static void *tls_allocate_many(size_t count, size_t n)
{
    return fails(MEMORY_TLS) ? NULL : calloc(count, n);
}

static void *tls_resize(void *p, size_t n)
{
    return fails(MEMORY_TLS) ? NULL : realloc(p, n);
}

void failing_memory_install(void)
{
    sqlite_install();
    gnutls_malloc = tls_allocate;
    gnutls_calloc = tls_allocate_many;
    gnutls_realloc = tls_resize;
}
