/* SPDX-License-Identifier: Apache-2.0 */
/* Notices and receipts as evidence.
 *
 * A notice: its bytes, the path from its leaf to the root of the batch it left in, and the batch's header, a
 * JWS of the sender. leaf = H(0x00 ‖ u16 kind ‖ u16 version ‖ payload). No other notice of the batch is
 * needed or shown. */
#include "ledger/evidence.h"

#include "base/encode.h"
#include "base/json.h"
#include "keys/jws.h"

enum { PATH_MAX_HASHES = 64 };

static enum err member_node(struct fail *f, const struct json *object, const char *field, struct arena *a,
                            char out[static EVIDENCE_NODE_SIZE])
{
    struct str text;
    enum err e = json_member_text(f, object, field, a, &text);
    if (!e && (!text.n || text.n >= EVIDENCE_NODE_SIZE))
        e = fail_set(f, ERR_FIELD_RANGE, field, "1 to 63 bytes");
    if (!e)
        snprintf(out, EVIDENCE_NODE_SIZE, "%.*s", STR_ARG(text));
    return e;
}

/* Decodes a value in base64 into the arena. */
static enum err value_bytes(struct fail *f, const struct json *value, const char *field, struct arena *a,
                            struct str *out)
{
    struct buf b;
    if (!json_is(value, JSON_STRING))
        return fail_set(f, value ? ERR_FIELD_TYPE : ERR_FIELD_MISSING, field, NULL);
    buf_init(&b, json_str(value).n);
    enum err e = decode_base64(NULL, &b, json_str(value));
    if (e)
        e = fail_set(f, e, field, "not base64");
    else
        *out = arena_copy(a, buf_str(&b));
    if (!e && !out->p)
        e = fail_set(f, ERR_MEMORY, field, NULL);
    buf_release(&b);
    return e;
}

static enum err to_hash(struct fail *f, const char *field, struct str bytes, struct sha256 *out)
{
    if (bytes.n != sizeof out->bytes)
        return fail_set(f, ERR_MALFORMED, field, "a hash is 32 bytes");
    memcpy(out->bytes, bytes.p, bytes.n);
    return ERR_OK;
}

static enum err member_path(struct fail *f, const struct json *object, struct arena *a,
                            struct merkle_proof *out)
{
    const struct json *list;
    enum err e = json_member_array(f, object, "path", &list);
    if (e)
        return e;
    if (json_count(list) > PATH_MAX_HASHES)
        return fail_set(f, ERR_LIMIT, "path", "%d hashes", PATH_MAX_HASHES);
    out->count = json_count(list);
    for (size_t i = 0; i < out->count; i++) {
        struct str bytes;
        e = value_bytes(f, json_at(list, i), "path", a, &bytes);
        if (!e)
            e = to_hash(f, "path", bytes, &out->hashes[i]);
        if (e)
            return e;
    }
    return ERR_OK;
}

struct notice {
    struct evidence_notice shown;
    int64_t index, count;
    struct str header;
    struct merkle_proof path;
    struct sha256 leaf;
};

static struct sha256 notice_leaf(const struct evidence_notice *n)
{
    const unsigned char prefix[5] = {0, (unsigned char)(n->kind >> 8), (unsigned char)n->kind,
                                     (unsigned char)(n->version >> 8), (unsigned char)n->version};
    return sha256_of_all((struct str[]){{(const char *)prefix, sizeof prefix}, n->payload}, 2);
}

static enum err read_notice(struct fail *f, const struct json *tree, struct arena *a, struct notice *n)
{
    const struct json *inner;
    enum err e = member_node(f, tree, "node", a, n->shown.node);
    if (!e)
        e = json_member_int(f, tree, "index", 0, INT64_MAX, &n->index);
    if (!e)
        e = json_member_int(f, tree, "count", 1, INT64_MAX, &n->count);
    if (!e)
        e = json_member_text(f, tree, "header", a, &n->header);
    if (!e)
        e = member_path(f, tree, a, &n->path);
    if (!e)
        e = json_member_object(f, tree, "notice", &inner);
    if (!e)
        e = json_member_int(f, inner, "kind", 0, UINT16_MAX, &n->shown.kind);
    if (!e)
        e = json_member_int(f, inner, "version", 0, UINT16_MAX, &n->shown.version);
    if (!e)
        e = value_bytes(f, json_get(inner, "payload"), "payload", a, &n->shown.payload);
    if (!e)
        n->leaf = notice_leaf(&n->shown);
    return e;
}

static enum err check_header(struct fail *f, const struct json *header, struct arena *a, struct notice *n)
{
    char origin[EVIDENCE_NODE_SIZE];
    int64_t first = 0, count = 0;
    struct str bytes = STR("");
    struct sha256 root;
    enum err e = member_node(f, header, "origin", a, origin);
    if (!e && strcmp(origin, n->shown.node) != 0)
        e = fail_set(f, ERR_PROOF, "origin", "the header is another node's");
    if (!e)
        e = member_node(f, header, "destination", a, n->shown.destination);
    if (!e)
        e = json_member_int(f, header, "epoch", 0, INT64_MAX, &n->shown.epoch);
    if (!e)
        e = json_member_int(f, header, "first", 0, INT64_MAX / 2, &first);
    if (!e)
        e = json_member_int(f, header, "count", 1, INT64_MAX / 2, &count);
    if (!e && count != n->count)
        e = fail_set(f, ERR_PROOF, "count", "the header counts %lld notices", (long long)count);
    if (!e)
        e = value_bytes(f, json_get(header, "root"), "root", a, &bytes);
    if (!e)
        e = to_hash(f, "root", bytes, &root);
    if (!e)
        e = merkle_check_inclusion(f, n->leaf, (uint64_t)n->index, (uint64_t)n->count, &n->path, root);
    if (!e)
        n->shown.sequence = first + n->index;
    return e;
}

/* Reads the signed payload of a JWS as JSON. *tree is the caller's. */
static enum err read_signed(struct fail *f, struct str compact, const char *node, const uint8_t *public_key,
                            struct buf *payload, struct json **tree)
{
    enum err e = jws_verify(f, compact, str_of(node), public_key, payload);
    return e ? e : json_read(f, buf_str(payload), tree);
}

enum err evidence_check_notice(struct fail *f, struct str text,
                               const uint8_t public_key[static ED25519_PUBLIC], struct arena *a,
                               struct evidence_notice *out)
{
    struct notice n = {.index = 0};
    struct buf payload;
    struct json *tree = NULL, *header = NULL;
    if (text.n > EVIDENCE_MAX)
        return fail_set(f, ERR_LIMIT, NULL, "%d bytes", EVIDENCE_MAX);
    buf_init(&payload, EVIDENCE_MAX);
    enum err e = json_read(f, text, &tree);
    if (!e)
        e = read_notice(f, tree, a, &n);
    if (!e)
        e = read_signed(f, n.header, n.shown.node, public_key, &payload, &header);
    if (!e)
        e = check_header(f, header, a, &n);
    json_free(tree);
    json_free(header);
    buf_release(&payload);
    if (!e)
        *out = n.shown;
    return e;
}

enum err evidence_check_receipt(struct fail *f, struct str text,
                                const uint8_t public_key[static ED25519_PUBLIC], struct arena *a,
                                struct evidence_receipt *out)
{
    struct evidence_receipt r = {.node = ""};
    struct str compact = STR("");
    struct buf payload;
    struct json *tree = NULL, *receipt = NULL;
    if (text.n > EVIDENCE_MAX)
        return fail_set(f, ERR_LIMIT, NULL, "%d bytes", EVIDENCE_MAX);
    buf_init(&payload, EVIDENCE_MAX);
    enum err e = json_read(f, text, &tree);
    if (!e)
        e = member_node(f, tree, "node", a, r.node);
    if (!e)
        e = json_member_text(f, tree, "receipt", a, &compact);
    if (!e)
        e = read_signed(f, compact, r.node, public_key, &payload, &receipt);
    if (!e) {
        r.payload = arena_copy(a, buf_str(&payload));
        if (!r.payload.p)
            e = fail_set(f, ERR_MEMORY, NULL, NULL);
    }
    json_free(tree);
    json_free(receipt);
    buf_release(&payload);
    if (!e)
        *out = r;
    return e;
}
