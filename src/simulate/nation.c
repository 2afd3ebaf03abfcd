/* SPDX-License-Identifier: Apache-2.0 */
/* Shares a number of residents among all municipalities as in the census: each gets the whole part of its
 * share, and what is left goes one by one to the largest remainders (Hamilton's method). */
#include "simulate/household.h"

struct remainder {
    uint64_t rest;
    size_t row;
};

static int by_rest(const void *a, const void *b)
{
    const struct remainder *x = a, *y = b;
    if (x->rest != y->rest)
        return x->rest > y->rest ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

static int64_t share_whole(const struct simulate_world *w, uint64_t total, struct simulate_count *counts,
                           struct remainder *rests)
{
    const struct simulate_tables *t = &w->tables;
    uint64_t people = t->area_choice.upto[t->area_count - 1], given = 0;
    for (size_t i = 0; i < t->area_count; i++) {
        uint64_t product = total * t->areas[i].population, code = 0;
        bool digits = str_to_uint(t->areas[i].code, 999999, &code);
        assert(digits);
        counts[i] = (struct simulate_count){{(int32_t)code}, (int64_t)(product / people)};
        rests[i] = (struct remainder){product % people, i};
        given += product / people;
    }
    return (int64_t)(total - given);
}

enum err simulate_nation(struct fail *f, const struct simulate_world *w, int64_t total,
                         struct simulate_count *counts)
{
    if (total < 0 || total > INT64_C(500000000))
        return fail_set(f, ERR_FIELD_RANGE, "nation", "0 to 500,000,000 residents");
    struct remainder *rests = memory_new(w->tables.area_count * sizeof *rests);
    if (!rests)
        return fail_set(f, ERR_MEMORY, NULL, "sharing residents");
    int64_t left = share_whole(w, (uint64_t)total, counts, rests);
    qsort(rests, w->tables.area_count, sizeof *rests, by_rest);
    for (int64_t i = 0; i < left; i++)
        counts[rests[i].row].count++;
    memory_free(rests);
    return ERR_OK;
}
