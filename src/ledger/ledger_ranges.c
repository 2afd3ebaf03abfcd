/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_ranges.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 64 };

static enum err make_room(struct fail *f, struct ranges *r)
{
    size_t room = r->room ? 2 * r->room : ROOM_FIRST;
    if (r->count < r->room)
        return ERR_OK;
    struct range *grown = memory_new(room * sizeof *grown);
    if (!grown)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    if (r->count)
        memcpy(grown, r->items, r->count * sizeof *grown);
    memory_free(r->items);
    r->items = grown;
    r->room = room;
    return ERR_OK;
}

enum err ranges_add(struct fail *f, struct ranges *r, uint64_t first, uint64_t last)
{
    if (r->count && r->items[r->count - 1].last + 1 == first) {
        r->items[r->count - 1].last = last;
        return ERR_OK;
    }
    enum err e = make_room(f, r);
    if (!e)
        r->items[r->count++] = (struct range){first, last};
    return e;
}

static int compare(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

void ranges_sort(struct ranges *r)
{
    size_t kept = 0;
    if (r->count)
        qsort(r->items, r->count, sizeof *r->items, compare);
    for (size_t i = 1; i < r->count; i++) {
        struct range *into = &r->items[kept];
        if (r->items[i].first > into->last + 1)
            r->items[++kept] = r->items[i];
        else if (r->items[i].last > into->last)
            into->last = r->items[i].last;
    }
    r->count = r->count ? kept + 1 : 0;
}
