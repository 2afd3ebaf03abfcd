/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what is read and written again reads the same; a reader that nobody here wrote takes the same texts
 * (but for those that are deeper, or numbers that its own type cannot hold), and nothing nests deeper than it
 * may. */
#include "fuzz.h"

#include "base/json.h"
#include "json_oracle.h"

#include <stdlib.h>

static int depth(const struct json *v)
{
    int most = 0;
    const struct json *item;
    if (!v || v->type < JSON_ARRAY)
        return 0;
    JSON_EACH(v, item)
    {
        int below = depth(item);
        most = below > most ? below : most;
    }
    return most + 1;
}

static size_t values(const struct json *v)
{
    size_t count = 1, items = 0;
    const struct json *item;
    JSON_EACH(v, item)
    {
        count += values(item);
        items++;
        assert(v->type != JSON_OBJECT || json_get(v, item->key.p) == item);
        assert(v->type != JSON_OBJECT || item->key.p[item->key.n] == 0);
    }
    assert(v->type < JSON_ARRAY || items == v->count);
    return count;
}

static bool has_real(const struct json *v)
{
    const struct json *item;
    bool found = v->type == JSON_REAL;
    JSON_EACH(v, item)
    found = found || has_real(item);
    return found;
}

static void check_written(const struct json *tree)
{
    struct buf once, twice;
    struct json *again = NULL;
    buf_init(&once, 64 << 20);
    buf_init(&twice, 64 << 20);
    json_add_canonical(&once, NULL, tree);
    assert(!once.broken && !json_read(NULL, buf_str(&once), &again));
    json_add_canonical(&twice, NULL, again);
    assert(str_equal(buf_str(&once), buf_str(&twice)));
    json_free(again);
    buf_clear(&once);
    buf_clear(&twice);
    json_add_tree(&once, NULL, tree);
    assert(!once.broken && !json_read(NULL, buf_str(&once), &again));
    json_add_tree(&twice, NULL, again);
    assert(str_equal(buf_str(&once), buf_str(&twice)));
    json_free(again);
    buf_release(&once);
    buf_release(&twice);
}

static void check_oracle(struct str in, const struct json *tree, const struct fail *why)
{
    if (in.n && memchr(in.p, 0, in.n)) { /* which Jansson 2.14 passes over behind a number or a word */
        assert(!tree);
        return;
    }
    size_t size = in.n * 8 + 64;
    char *theirs = malloc(size);
    assert(theirs);
    bool taken = json_oracle(in.p ? in.p : "", in.n, theirs, size);
    if (!tree)
        assert(!taken || why->err == ERR_JSON_DEPTH);
    else if (!has_real(
                 tree)) /* 1e999 is a number here and none there; how a real is written is its own affair */
        assert(taken);
    free(theirs);
}

void fuzz_target(struct str in)
{
    struct json *tree = NULL;
    struct fail f = {0};
    if (in.n > 1 << 16)
        return;
    enum err e = json_read(&f, in, &tree);
    assert(!e == (tree != NULL));
    if (e)
        assert(e == ERR_JSON || e == ERR_JSON_DEPTH || e == ERR_LIMIT);
    if (in.n < 4096)
        check_oracle(in, tree, &f);
    if (!tree)
        return;
    assert(tree->type == JSON_ARRAY || tree->type == JSON_OBJECT);
    assert(depth(tree) <= JSON_DEPTH_MAX);
    assert(values(tree) <= in.n);
    check_written(tree);
    json_free(tree);
}
