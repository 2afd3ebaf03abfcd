/* SPDX-License-Identifier: Apache-2.0 */
/* The directory's form and signature. Read once into one arena and never changed afterwards; readers share it
 * by counting references. Nothing in it is believed before a trusted root's signature was checked. */
#include "link/directory.h"

#include "base/encode.h"
#include "base/json.h"
#include "keys/jws.h"
#include "link/link.h"

#include <stdatomic.h>

enum { DIRECTORY_MAX = 4 * 1024 * 1024, NODES_MAX = 4096, KEYS_MAX = 64, ROOTS_MAX = 8, PERMITS_MAX = 1024 };

struct permit {
    struct str kind;
    enum node_role from, to;
};

struct directory {
    atomic_int references;
    struct arena arena;
    int64_t version, issued, expires;
    struct str jws, ca;
    uint8_t (*roots)[ED25519_PUBLIC];
    size_t root_count;
    struct directory_node *nodes;
    size_t node_count;
    struct permit *permits;
    size_t permit_count;
};

static const struct permit all_permits[] = {
#define PERMIT(kind, from, to) {{"" kind, sizeof(kind) - 1}, from, to},
#include "link/kind.def"
};

static enum err bad(struct fail *f, const char *field)
{
    return fail_set(f, ERR_DIRECTORY, field, NULL);
}

static enum err key_decode(struct fail *f, struct str text, uint8_t out[static ED25519_PUBLIC])
{
    struct buf b;
    buf_init(&b, ED25519_PUBLIC);
    enum err e = decode_base64url(f, &b, text);
    if (!e && b.n != ED25519_PUBLIC)
        e = bad(f, "key");
    if (!e)
        memcpy(out, b.p, ED25519_PUBLIC);
    buf_release(&b);
    return e;
}

/* An array of the right size in the arena; ERR_DIRECTORY when the list is too long. */
static enum err list_alloc(struct fail *f, struct directory *d, const struct json *list, const char *field,
                           size_t most, size_t size, void **out)
{
    size_t n = json_count(list);
    if (n > most)
        return bad(f, field);
    *out = arena_alloc(&d->arena, n * size + 1);
    return *out ? ERR_OK : fail_set(f, ERR_MEMORY, field, NULL);
}

static enum err read_roots(struct fail *f, struct directory *d, const struct json *tree)
{
    const struct json *root, *keys, *item;
    void *space = NULL;
    size_t i;
    enum err e = json_member_object(f, tree, "root", &root);
    if (e || (e = json_member_array(f, root, "keys", &keys)) ||
        (e = list_alloc(f, d, keys, "root", ROOTS_MAX, ED25519_PUBLIC, &space)))
        return e;
    d->roots = space;
    JSON_EACH_AT(keys, i, item)
    {
        if (!json_is(item, JSON_STRING))
            return bad(f, "root");
        e = key_decode(f, json_str(item), d->roots[i]);
        if (e)
            return e;
    }
    d->root_count = json_count(keys);
    return d->root_count ? ERR_OK : bad(f, "root");
}

static enum err read_keys(struct fail *f, struct directory *d, const struct json *tree,
                          struct directory_node *node)
{
    const struct json *keys, *item;
    void *space = NULL;
    size_t i;
    enum err e = json_member_array(f, tree, "keys", &keys);
    if (e || (e = list_alloc(f, d, keys, "keys", KEYS_MAX, sizeof *node->keys, &space)))
        return e;
    node->keys = space;
    node->key_count = json_count(keys);
    JSON_EACH_AT(keys, i, item)
    {
        struct directory_key *k = &node->keys[i];
        struct str text = {NULL, 0};
        k->until = INT64_MAX;
        if ((e = json_member_text(f, item, "key", &d->arena, &text)) ||
            (e = key_decode(f, text, k->public_key)) ||
            (e = json_member_int(f, item, "from", 0, INT64_MAX, &k->from)) ||
            (e = json_member_int_maybe(f, item, "until", 0, INT64_MAX, &k->until)))
            return e;
    }
    return ERR_OK;
}

static enum err read_revocations(struct fail *f, struct directory *d, const struct json *tree,
                                 struct directory_node *node)
{
    const struct json *list, *item;
    void *space = NULL;
    size_t i;
    enum err e = json_member_bool_maybe(f, tree, "revoked", &node->revoked);
    if (e || !json_get(tree, "revoked_serials"))
        return e;
    if ((e = json_member_array(f, tree, "revoked_serials", &list)) ||
        (e = list_alloc(f, d, list, "revoked_serials", KEYS_MAX, sizeof *node->revoked_serials, &space)))
        return e;
    node->revoked_serials = space;
    JSON_EACH_AT(list, i, item)
    {
        if (!json_is(item, JSON_STRING) || json_str(item).n >= sizeof *node->revoked_serials)
            return bad(f, "revoked_serials");
        memcpy(node->revoked_serials[i], json_cstr(item), json_str(item).n);
    }
    node->revoked_serial_count = json_count(list);
    return ERR_OK;
}

static enum err read_node(struct fail *f, struct directory *d, const struct json *tree,
                          struct directory_node *node)
{
    struct str name = {NULL, 0}, address = {NULL, 0};
    enum err e;
    if ((e = json_member_text(f, tree, "name", &d->arena, &name)) ||
        (e = node_name_parse(f, name, &node->name)) ||
        (e = json_member_text(f, tree, "address", &d->arena, &address)))
        return e;
    if (address.n >= sizeof node->address)
        return bad(f, "address");
    memcpy(node->address, address.p, address.n);
    e = read_keys(f, d, tree, node);
    return e ? e : read_revocations(f, d, tree, node);
}

static int node_compare(const void *a, const void *b)
{
    const struct directory_node *x = a, *y = b;
    return strcmp(x->name.text, y->name.text);
}

static enum err read_nodes(struct fail *f, struct directory *d, const struct json *tree)
{
    const struct json *list, *item;
    void *space = NULL;
    size_t i;
    enum err e = json_member_array(f, tree, "nodes", &list);
    if (e || (e = list_alloc(f, d, list, "nodes", NODES_MAX, sizeof *d->nodes, &space)))
        return e;
    d->nodes = space;
    JSON_EACH_AT(list, i, item)
    {
        if ((e = read_node(f, d, item, &d->nodes[i])))
            return e;
    }
    d->node_count = json_count(list);
    qsort(d->nodes, d->node_count, sizeof *d->nodes, node_compare);
    for (i = 1; i < d->node_count; i++)
        if (node_name_equal(&d->nodes[i - 1].name, &d->nodes[i].name))
            return bad(f, "nodes");
    return ERR_OK;
}

static bool role_find(struct str name, enum node_role *out)
{
    for (int r = 0; r < NODE_ROLES; r++) {
        if (str_equal(name, str_of(node_role_name((enum node_role)r)))) {
            *out = (enum node_role)r;
            return true;
        }
    }
    return false;
}

static enum err read_permits(struct fail *f, struct directory *d, const struct json *tree)
{
    const struct json *list, *item;
    void *space = NULL;
    size_t i;
    enum err e = json_member_array(f, tree, "permits", &list);
    if (e || (e = list_alloc(f, d, list, "permits", PERMITS_MAX, sizeof *d->permits, &space)))
        return e;
    d->permits = space;
    JSON_EACH_AT(list, i, item)
    {
        struct str from = {NULL, 0}, to = {NULL, 0};
        struct permit *p = &d->permits[i];
        if ((e = json_member_text(f, item, "kind", &d->arena, &p->kind)) ||
            (e = json_member_text(f, item, "from", &d->arena, &from)) ||
            (e = json_member_text(f, item, "to", &d->arena, &to)))
            return e;
        if (!role_find(from, &p->from) || !role_find(to, &p->to))
            return bad(f, "permits");
    }
    d->permit_count = json_count(list);
    return ERR_OK;
}

static enum err read_all(struct fail *f, struct directory *d, const struct json *tree)
{
    enum err e;
    if ((e = json_member_int(f, tree, "version", 1, INT64_MAX, &d->version)) ||
        (e = json_member_int(f, tree, "issued", 0, INT64_MAX, &d->issued)) ||
        (e = json_member_int(f, tree, "expires", 0, INT64_MAX, &d->expires)) ||
        (e = json_member_text(f, tree, "ca", &d->arena, &d->ca)) || (e = read_roots(f, d, tree)) ||
        (e = read_nodes(f, d, tree)))
        return e;
    return read_permits(f, d, tree);
}

static enum err payload_of(struct fail *f, struct str jws, const uint8_t (*roots)[ED25519_PUBLIC],
                           size_t count, struct buf *payload)
{
    enum err e = fail_set(f, ERR_SIGNATURE, "directory", NULL);
    for (size_t i = 0; i < count && e; i++) {
        buf_clear(payload);
        e = jws_verify(f, jws, STR("directory"), roots[i], payload);
    }
    return e;
}

enum err directory_read(struct fail *f, struct str jws, const uint8_t (*roots)[ED25519_PUBLIC],
                        size_t root_count, int64_t now, struct directory **out)
{
    struct buf payload;
    struct json *tree = NULL;
    buf_init(&payload, DIRECTORY_MAX);
    jws = str_trim(jws);
    struct directory *d = memory_new(sizeof *d);
    enum err e =
        d ? payload_of(f, jws, roots, root_count, &payload) : fail_set(f, ERR_MEMORY, "directory", NULL);
    if (e)
        goto out;
    atomic_init(&d->references, 1);
    arena_init(&d->arena, 4 * DIRECTORY_MAX);
    d->jws = arena_copy(&d->arena, jws);
    if (!d->jws.p)
        e = fail_set(f, ERR_MEMORY, "directory", NULL);
    if (e || (e = json_read(f, buf_str(&payload), &tree)) || (e = read_all(f, d, tree)))
        goto out;
    if (now > d->expires)
        e = fail_set(f, ERR_DIRECTORY_EXPIRED, "expires", "version %lld", (long long)d->version);
out:
    json_free(tree);
    buf_release(&payload);
    if (e)
        directory_unref(d);
    else
        *out = d;
    return e;
}

struct directory *directory_ref(struct directory *d)
{
    atomic_fetch_add(&d->references, 1);
    return d;
}

void directory_unref(struct directory *d)
{
    if (!d || atomic_fetch_sub(&d->references, 1) > 1)
        return;
    arena_release(&d->arena);
    memory_free(d);
}

int64_t directory_version(const struct directory *d)
{
    return d->version;
}

int64_t directory_expires(const struct directory *d)
{
    return d->expires;
}

struct str directory_jws(const struct directory *d)
{
    return d->jws;
}

struct str directory_ca(const struct directory *d)
{
    return d->ca;
}

size_t directory_roots(const struct directory *d, const uint8_t (**keys)[ED25519_PUBLIC])
{
    *keys = (const uint8_t(*)[ED25519_PUBLIC])d->roots;
    return d->root_count;
}

size_t directory_nodes(const struct directory *d, const struct directory_node **nodes)
{
    *nodes = d->nodes;
    return d->node_count;
}

const struct directory_node *directory_find(const struct directory *d, struct str name)
{
    struct directory_node wanted = {.name = {""}};
    if (node_name_parse(NULL, name, &wanted.name))
        return NULL;
    return bsearch(&wanted, d->nodes, d->node_count, sizeof wanted, node_compare);
}

const struct directory_key *directory_key_at(const struct directory_node *node, int64_t stamp)
{
    for (size_t i = node->key_count; i > 0; i--)
        if (stamp >= node->keys[i - 1].from && stamp <= node->keys[i - 1].until)
            return &node->keys[i - 1];
    return NULL;
}

bool directory_permits(const struct directory *d, struct str kind, enum node_role from, enum node_role to)
{
    for (size_t i = 0; i < d->permit_count; i++)
        if (d->permits[i].from == from && d->permits[i].to == to && str_equal(d->permits[i].kind, kind))
            return true;
    return false;
}

static void write_key(struct buf *b, const char *name, const uint8_t key[static ED25519_PUBLIC])
{
    char text[64];
    struct buf t;
    buf_init(&t, sizeof text);
    encode_base64url(&t, key, ED25519_PUBLIC);
    json_add_text(b, name, buf_str(&t));
    buf_release(&t);
}

static void write_node(struct buf *b, const struct directory_node *node)
{
    json_begin(b, NULL, '{');
    json_add_text(b, "name", str_of(node->name.text));
    json_add_text(b, "address", str_of(node->address));
    json_begin(b, "keys", '[');
    for (size_t i = 0; i < node->key_count; i++) {
        json_begin(b, NULL, '{');
        write_key(b, "key", node->keys[i].public_key);
        json_add_int(b, "from", node->keys[i].from);
        if (node->keys[i].until != INT64_MAX)
            json_add_int(b, "until", node->keys[i].until);
        json_end(b, '}');
    }
    json_end(b, ']');
    json_add_bool(b, "revoked", node->revoked);
    json_begin(b, "revoked_serials", '[');
    for (size_t i = 0; i < node->revoked_serial_count; i++)
        json_add_text(b, NULL, str_of(node->revoked_serials[i]));
    json_end(b, ']');
    json_end(b, '}');
}

static void write_permits(struct buf *b)
{
    json_begin(b, "permits", '[');
    for (size_t i = 0; i < COUNT_OF(all_permits); i++) {
        json_begin(b, NULL, '{');
        json_add_text(b, "kind", all_permits[i].kind);
        json_add_text(b, "from", str_of(node_role_name(all_permits[i].from)));
        json_add_text(b, "to", str_of(node_role_name(all_permits[i].to)));
        json_end(b, '}');
    }
    json_end(b, ']');
}

enum err directory_sign(struct fail *f, struct key *root, const struct directory_draft *draft,
                        struct buf *out)
{
    struct buf b;
    buf_init(&b, DIRECTORY_MAX);
    json_begin(&b, NULL, '{');
    json_add_int(&b, "version", draft->version);
    json_add_int(&b, "issued", draft->issued);
    json_add_int(&b, "expires", draft->expires);
    json_begin(&b, "root", '{');
    json_begin(&b, "keys", '[');
    for (size_t i = 0; i < draft->root_count; i++)
        write_key(&b, NULL, draft->roots[i]);
    json_end(&b, ']');
    json_end(&b, '}');
    json_add_text(&b, "ca", draft->ca);
    json_begin(&b, "nodes", '[');
    for (size_t i = 0; i < draft->node_count; i++)
        write_node(&b, &draft->nodes[i]);
    json_end(&b, ']');
    write_permits(&b);
    json_end(&b, '}');
    enum err e = buf_check(&b, f, "directory");
    if (!e)
        e = jws_sign(f, root, STR("directory"), buf_str(&b), out);
    buf_release(&b);
    return e;
}
