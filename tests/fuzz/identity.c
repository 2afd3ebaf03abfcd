/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of notices about persons: what is taken keeps every rule, and written and read again it is the same.
 */
#include "fuzz.h"

#include "flow/identity_notice/notice_body.h"
#include "flow/resident_code_stock/stock_body.h"

static void check_version(const struct store_version *v)
{
    struct store_version again = {.version = 0};
    struct json *tree = NULL;
    struct buf text;
    struct arena a;
    arena_init(&a, NOTICE_ARENA);
    buf_init(&text, NOTICE_BODY_MAX);
    assert(v->version >= 1 && v->state >= STORE_CURRENT && v->state <= STORE_REMOVED && date_real(v->opened));
    assert(!identity_check(NULL, &v->identity, &v->change));
    notice_body_write(&text, v);
    assert(!text.broken && !json_read(NULL, buf_str(&text), &tree));
    assert(!notice_body_read(NULL, tree, &a, &again));
    assert(!identity_difference(&v->identity, &again.identity));
    assert(again.version == v->version && again.replaces == v->replaces && again.source == v->source &&
           again.state == v->state && date_compare(again.opened, v->opened) == 0);
    assert(again.change.reason == v->change.reason && date_compare(again.change.date, v->change.date) == 0);
    json_free(tree);
    buf_release(&text);
    arena_release(&a);
}

static void check_stock(const struct json *tree)
{
    static struct stock_body body, again;
    struct json *second = NULL;
    struct buf text;
    if (stock_body_read(NULL, tree, &body)) {
        assert(body.count == 0);
        return;
    }
    assert(body.count >= 1 && body.count <= STOCK_NOTICE_CODES);
    buf_init(&text, STOCK_BODY_MAX);
    stock_body_write(&text, &body, body.codes, body.count);
    assert(!text.broken && !json_read(NULL, buf_str(&text), &second) &&
           !stock_body_read(NULL, second, &again));
    assert(again.count == body.count && again.filling == body.filling &&
           area_code_equal(again.area, body.area));
    for (size_t i = 0; i < body.count; i++)
        assert(resident_code_equal(body.codes[i], again.codes[i]));
    json_free(second);
    buf_release(&text);
}

void fuzz_target(struct str in)
{
    struct json *tree = NULL;
    struct store_version v = {.version = 0};
    struct arena a;
    if (json_read(NULL, in, &tree))
        return;
    arena_init(&a, NOTICE_ARENA);
    if (!notice_body_read(NULL, tree, &a, &v))
        check_version(&v);
    check_stock(tree);
    arena_release(&a);
    json_free(tree);
}
