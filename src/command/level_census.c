/* SPDX-License-Identifier: Apache-2.0 */
#include "command/level_census.h"

#include "command/node_process.h"
#include "identity/area_code.h"

#include <stdio.h>

enum { LEVELS_MAX = 4 };

static enum err read_area(struct fail *f, const struct json *row, struct arena *a, struct census_area *out)
{
    struct str digest = {NULL, 0};
    int64_t area = 0;
    enum err e;
    if ((e = json_member_int(f, row, "area", 0, 999999, &area)) ||
        (e = json_member_int(f, row, "current", 0, INT64_MAX, &out->current)) ||
        (e = json_member_int_maybe(f, row, "leaving", 0, INT64_MAX, &out->leaving)) ||
        (e = json_member_int(f, row, "removed", 0, INT64_MAX, &out->removed)) ||
        (e = json_member_text(f, row, "digest", a, &digest)))
        return e;
    out->area = (int32_t)area;
    snprintf(out->digest, sizeof out->digest, "%.*s", STR_ARG(digest));
    return ERR_OK;
}

enum err node_census(struct fail *f, const struct network_node *node, struct arena *a, struct census *out)
{
    const struct control_question q = {
        .socket = node->control.p, .text = STR("{\"do\":\"census\"}"), .wait_millis = CONTROL_LONG};
    struct json *answer = NULL;
    const struct json *list = NULL, *row;
    size_t i;
    enum err e = control_ask(f, &q, &answer); /* a digest over millions takes its time */
    if (!e)
        e = json_member_array(f, answer, "areas", &list);
    if (!e) {
        out->count = json_count(list);
        out->areas = arena_alloc(a, (out->count + 1) * sizeof *out->areas);
        if (!out->areas)
            e = fail_set(f, ERR_MEMORY, "census", NULL);
    }
    JSON_EACH_AT(list, i, row)
    {
        if (!e)
            e = read_area(f, row, a, &out->areas[i]);
    }
    json_free(answer);
    return e;
}

const struct census_area *census_find(const struct census *c, int32_t area)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->areas[i].area == area)
            return &c->areas[i];
    return NULL;
}

/* Is this server one of those that know about the area? */
static bool concerns(const struct node_name *node, int32_t area)
{
    if (node->role == NODE_AGENCY)
        return true;
    if (node->role == NODE_PREFECTURE)
        return node->area == area / 10000;
    return node->area == area_code_cs((struct area_code){area}).value;
}

static bool same(const struct census_area *a, const struct census_area *b)
{
    static const struct census_area nobody = {.area = 0};
    a = a ? a : &nobody; /* one level names an area where another says nothing: both hold nobody */
    b = b ? b : &nobody;
    if (a->current + a->leaving + a->removed + b->current + b->leaving + b->removed == 0)
        return true;
    return a->current == b->current && a->leaving == b->leaving && a->removed == b->removed &&
           strcmp(a->digest, b->digest) == 0;
}

static bool compare_area(const struct network *n, const struct census *all, int32_t area,
                         struct level levels[static LEVELS_MAX], size_t *count)
{
    static const enum node_role order[LEVELS_MAX] = {NODE_REGISTER, NODE_CS, NODE_PREFECTURE, NODE_AGENCY};
    const struct level *first = NULL;
    bool equal = true;
    *count = 0;
    for (size_t k = 0; k < LEVELS_MAX; k++) {
        for (size_t i = 0; i < n->count; i++) {
            if (n->nodes[i].name.role != order[k] || !concerns(&n->nodes[i].name, area))
                continue;
            struct level *level = &levels[(*count)++];
            *level = (struct level){n->nodes[i].name.text, census_find(&all[i], area), all[i].down};
            if (level->down)
                continue;
            first = first ? first : level;
            equal = equal && same(first->state, level->state);
        }
    }
    return equal;
}

static bool seen_before(const struct census *all, size_t node, int32_t area)
{
    for (size_t i = 0; i < node; i++)
        if (census_find(&all[i], area))
            return true;
    return false;
}

enum err network_compare(struct fail *f, const struct network *n, struct arena *a,
                         void (*each)(void *arg, int32_t area, const struct level *levels, size_t count,
                                      bool equal),
                         void *arg, bool *equal)
{
    struct census *all = arena_alloc(a, n->count * sizeof *all);
    struct level levels[LEVELS_MAX];
    size_t count = 0;
    bool every = true;
    enum err e = all ? ERR_OK : fail_set(f, ERR_MEMORY, "census", NULL);
    if (e)
        return e;
    for (size_t i = 0; i < n->count; i++) {
        struct fail why = {0};
        all[i] = (struct census){.areas = NULL};
        if (node_census(&why, &n->nodes[i], a, &all[i])) {
            all[i] = (struct census){.down = true};
            e = e ? e : fail_pass(f, &why);
        }
    }
    for (size_t i = 0; i < n->count; i++) {
        for (size_t k = 0; k < all[i].count; k++) {
            int32_t area = all[i].areas[k].area;
            if (seen_before(all, i, area))
                continue;
            bool agree = compare_area(n, all, area, levels, &count);
            every = every && agree;
            if (each)
                each(arg, area, levels, count, agree);
        }
    }
    if (!e)
        *equal = every;
    return e;
}
