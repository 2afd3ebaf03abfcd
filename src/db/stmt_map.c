/* SPDX-License-Identifier: Apache-2.0 */
#include "db/stmt_map.h"

enum { SMALLEST = 64 };

static size_t place(const struct stmt_map *m, const struct db_stmt *stmt)
{
    uint64_t mixed = (uint64_t)(uintptr_t)stmt * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(mixed >> 32) & (m->size - 1);
    while (m->slots[at].stmt && m->slots[at].stmt != stmt)
        at = (at + 1) & (m->size - 1);
    return at;
}

void *stmt_map_find(const struct stmt_map *m, const struct db_stmt *stmt)
{
    return m->size ? m->slots[place(m, stmt)].value : NULL;
}

static enum err grow(struct stmt_map *m)
{
    struct stmt_map bigger = {.size = m->size ? 2 * m->size : SMALLEST, .count = m->count};
    bigger.slots = memory_new(bigger.size * sizeof *bigger.slots);
    if (!bigger.slots)
        return ERR_MEMORY;
    for (size_t i = 0; i < m->size; i++)
        if (m->slots[i].stmt)
            bigger.slots[place(&bigger, m->slots[i].stmt)] = m->slots[i];
    memory_free(m->slots);
    *m = bigger;
    return ERR_OK;
}

enum err stmt_map_add(struct stmt_map *m, const struct db_stmt *stmt, void *value)
{
    if (2 * (m->count + 1) > m->size && grow(m))
        return ERR_MEMORY;
    m->slots[place(m, stmt)] = (struct stmt_map_slot){stmt, value};
    m->count++;
    return ERR_OK;
}

void stmt_map_release(struct stmt_map *m)
{
    memory_free(m->slots);
    *m = (struct stmt_map){0};
}
