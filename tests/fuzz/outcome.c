/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an outcome, and of a word ahead of one: ranges in order and within bounds, and the same when
 * they are written and read again. */
#include "fuzz.h"

#include "link/core.h"

static enum err read(struct str text, struct arena *a, struct outcome_list *out)
{
    struct json *tree = NULL;
    enum err e = json_read(NULL, text, &tree);
    if (!e)
        e = outcome_ranges_read(NULL, tree, a, out);
    json_free(tree);
    return e;
}

static enum err read_ahead(struct str text, struct ahead_list *out)
{
    struct json *tree = NULL;
    enum err e = json_read(NULL, text, &tree);
    if (!e)
        e = ahead_read(NULL, tree, out);
    json_free(tree);
    return e;
}

static void ahead(struct str in)
{
    struct ahead_list list = {.count = 0}, again = {.count = 0};
    struct buf text;
    if (read_ahead(in, &list))
        return;
    buf_init(&text, 4096);
    ahead_write(&text, &list);
    assert(!read_ahead(buf_str(&text), &again) && again.count == list.count);
    for (size_t i = 0; i < list.count; i++) {
        const struct ahead_range *x = &list.ranges[i], *y = &again.ranges[i];
        assert(x->first >= 1 && x->first <= x->last && x->first == y->first && x->last == y->last);
    }
    buf_release(&text);
}

void fuzz_target(struct str in)
{
    ahead(in);
    struct outcome_list list = {NULL, 0, 0, NULL}, again = {NULL, 0, 0, NULL};
    struct arena a;
    struct buf text;
    arena_init(&a, 16 << 20);
    buf_init(&text, 4 << 20);
    if (!read(in, &a, &list)) {
        assert(list.count <= BATCH_NOTICES_MAX);
        outcome_ranges_write(&text, &list, 0);
        assert(!read(buf_str(&text), &a, &again) && again.count == list.count);
        for (size_t i = 0; i < list.count; i++) {
            const struct outcome_range *x = &list.ranges[i], *y = &again.ranges[i];
            assert(x->first >= 1 && x->first <= x->last && strchr("awr", x->state));
            assert(x->first == y->first && x->last == y->last && x->state == y->state &&
                   x->error == y->error);
            assert(!x->error || strcmp(x->field, y->field) == 0);
        }
    }
    buf_release(&text);
    arena_release(&a);
}
