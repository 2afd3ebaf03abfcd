/* SPDX-License-Identifier: Apache-2.0 */
#include "link/batch.h"

#include "base/encode.h"
#include "keys/jws.h"
#include "link/node_signed.h"

#include <stdio.h>

void json_add_hash(struct buf *b, const char *key, struct sha256 hash)
{
    struct buf text;
    buf_init(&text, 64);
    encode_base64(&text, hash.bytes, sizeof hash.bytes);
    json_add_text(b, key, buf_str(&text));
    b->broken = b->broken || text.broken;
    b->starved = b->starved || text.starved;
    buf_release(&text);
}

enum err json_hash(struct fail *f, const struct json *v, const char *key, struct sha256 *out)
{
    struct buf bytes;
    if (!json_is(v, JSON_STRING))
        return fail_set(f, v ? ERR_FIELD_TYPE : ERR_FIELD_MISSING, key, "text is required");
    buf_init(&bytes, sizeof out->bytes);
    enum err e = decode_base64(f, &bytes, json_str(v));
    if (!e && bytes.n != sizeof out->bytes)
        e = fail_set(f, ERR_MALFORMED, key, "32 bytes are required");
    if (!e)
        memcpy(out->bytes, bytes.p, sizeof out->bytes);
    buf_release(&bytes);
    return e;
}

enum err batch_header_sign(struct fail *f, struct key *k, const struct batch_header *h, struct buf *out)
{
    struct buf b;
    buf_init(&b, HEADER_TEXT_MAX);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "origin", str_of(h->origin));
    json_add_text(&b, "destination", str_of(h->destination));
    json_add_int(&b, "epoch", h->epoch);
    json_add_int(&b, "first", h->first);
    json_add_int(&b, "count", h->count);
    json_add_hash(&b, "root", h->root);
    json_add_hash(&b, "previous", h->previous);
    json_add_int(&b, "time", h->time);
    json_end(&b, '}');
    enum err e = jws_sign(f, k, str_of(h->origin), buf_str(&b), out);
    buf_release(&b);
    return e;
}

static enum err header_parse(struct fail *f, const struct json *tree, struct arena *a, struct batch_header *h)
{
    enum err e;
    if ((e = json_member_node(f, tree, "origin", a, h->origin)) ||
        (e = json_member_node(f, tree, "destination", a, h->destination)) ||
        (e = json_member_int(f, tree, "epoch", 1, INT64_MAX, &h->epoch)) ||
        (e = json_member_int(f, tree, "first", 1, INT64_MAX - BATCH_NOTICES_MAX, &h->first)) ||
        (e = json_member_int(f, tree, "count", 1, BATCH_NOTICES_MAX, &h->count)) ||
        (e = json_member_int(f, tree, "time", 0, INT64_MAX, &h->time)) ||
        (e = json_hash(f, json_get(tree, "root"), "root", &h->root)))
        return e;
    return json_hash(f, json_get(tree, "previous"), "previous", &h->previous);
}

enum err batch_header_verify(struct fail *f, struct str text, const struct directory_node *node,
                             struct batch_header *out)
{
    const struct directory_key *key = NULL;
    struct batch_header h;
    struct arena a;
    struct json *tree = NULL;
    if (text.n > HEADER_TEXT_MAX)
        return fail_set(f, ERR_LIMIT, "header", "%d bytes at most", HEADER_TEXT_MAX);
    enum err e = node_signed_read(f, text, node, &tree, &key);
    if (e)
        return e;
    arena_init(&a, 64 * 1024);
    e = header_parse(f, tree, &a, &h);
    if (!e)
        e = node_signed_time(f, key, h.time);
    if (!e && strcmp(h.origin, node->name.text) != 0)
        e = fail_set(f, ERR_ORIGIN, "origin", "%s signed by %s", h.origin, node->name.text);
    json_free(tree);
    arena_release(&a);
    if (!e)
        *out = h;
    return e;
}

struct sha256 batch_leaf(const struct frame *notice)
{
    const char prefix[5] = {0, (char)(notice->kind >> 8), (char)notice->kind, (char)(notice->version >> 8),
                            (char)notice->version};
    const struct str pieces[] = {{prefix, sizeof prefix}, notice->payload};
    return sha256_of_all(pieces, COUNT_OF(pieces));
}

void receipt_exceptions_write(struct buf *out, const char *key, const struct receipt_exception *refused,
                              size_t count)
{
    json_begin(out, key, '[');
    for (size_t i = 0; i < count; i++) {
        json_begin(out, NULL, '{');
        json_add_int(out, "sequence", refused[i].sequence);
        json_add_int(out, "error", refused[i].error);
        json_add_text(out, "field", str_of(refused[i].field));
        json_end(out, '}');
    }
    json_end(out, ']');
}

enum err receipt_sign(struct fail *f, struct key *k, const struct receipt *r, struct str refused_json,
                      struct buf *out)
{
    struct buf b;
    buf_init(&b, FRAME_PAYLOAD_MAX / 2);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "from", str_of(r->from));
    json_add_text(&b, "to", str_of(r->to));
    json_add_int(&b, "epoch", r->epoch);
    json_add_int(&b, "sequence", r->sequence);
    json_add_hash(&b, "header", r->header);
    json_add_raw(&b, "refused", refused_json);
    json_add_int(&b, "time", r->time);
    json_end(&b, '}');
    enum err e = buf_check(&b, f, "receipt");
    if (!e)
        e = jws_sign(f, k, str_of(r->from), buf_str(&b), out);
    buf_release(&b);
    return e;
}

enum err receipt_exceptions_read(struct fail *f, const struct json *tree, struct arena *a, struct receipt *r)
{
    const struct json *list, *item;
    size_t i;
    enum err e = json_member_array(f, tree, "refused", &list);
    if (e)
        return e;
    if (json_count(list) > BATCH_NOTICES_MAX)
        return fail_set(f, ERR_LIMIT, "refused", NULL);
    r->refused_count = json_count(list);
    r->refused = arena_alloc(a, sizeof *r->refused * (r->refused_count + 1));
    if (!r->refused)
        return fail_set(f, ERR_MEMORY, "refused", NULL);
    JSON_EACH_AT(list, i, item)
    {
        struct receipt_exception *x = &r->refused[i];
        struct str field = {NULL, 0};
        if ((e = json_member_int(f, item, "sequence", 1, INT64_MAX, &x->sequence)) ||
            (e = json_member_int(f, item, "error", 0, INT32_MAX, &x->error)) ||
            (e = json_member_text(f, item, "field", a, &field)))
            return e;
        snprintf(x->field, sizeof x->field, "%.*s", STR_ARG(field));
        utf8_drop_cut(x->field);
    }
    return ERR_OK;
}

static enum err receipt_parse(struct fail *f, const struct json *tree, struct arena *a, struct receipt *r)
{
    enum err e;
    if ((e = json_member_node(f, tree, "from", a, r->from)) ||
        (e = json_member_node(f, tree, "to", a, r->to)) ||
        (e = json_member_int(f, tree, "epoch", 1, INT64_MAX, &r->epoch)) ||
        (e = json_member_int(f, tree, "sequence", 0, INT64_MAX, &r->sequence)) ||
        (e = json_member_int(f, tree, "time", 0, INT64_MAX, &r->time)) ||
        (e = json_hash(f, json_get(tree, "header"), "header", &r->header)))
        return e;
    return receipt_exceptions_read(f, tree, a, r);
}

enum err receipt_verify(struct fail *f, struct str text, const struct directory_node *node, struct arena *a,
                        struct receipt *out)
{
    const struct directory_key *key = NULL;
    struct receipt r;
    struct json *tree = NULL;
    enum err e = node_signed_read(f, text, node, &tree, &key);
    if (e)
        return e;
    e = receipt_parse(f, tree, a, &r);
    if (!e)
        e = node_signed_time(f, key, r.time);
    if (!e && strcmp(r.from, node->name.text) != 0)
        e = fail_set(f, ERR_ORIGIN, "from", NULL);
    json_free(tree);
    if (!e)
        *out = r;
    return e;
}
