/* SPDX-License-Identifier: Apache-2.0 */
/* The signed network directory of a network on this machine: each version is the one before with what changed.
 *
 * A server's signing key is taken from its own folder; when it is another than the directory's newest, the former one
 * stays with the time until which it was good, so that what it signed can still be checked. */
#include "command/network.h"

#include "base/clock.h"
#include "base/file.h"

enum { DIRECTORY_BYTES = 8 * 1024 * 1024, MEMORY = 64 * 1024 * 1024, DIRECTORY_DAYS = 1826 };
static const int64_t DAY = INT64_C(86400) * 1000000, CLOCKS_DIFFER = INT64_C(300) * 1000000;

struct maker {
    const struct network *network;
    struct arena arena;
    struct directory *before; /* NULL for the first */
    struct directory_node *nodes;
    size_t count;
    int64_t now;
    struct key *root;
    uint8_t root_public[1][ED25519_PUBLIC];
    struct buf ca;
};

static enum err open_in(struct fail *f, struct arena *a, struct str folder, const char *name, struct key **out)
{
    struct str uri = arena_format(a, "file:%.*s/%s", STR_ARG(folder), name);
    return uri.p ? key_open(f, uri.p, out) : fail_set(f, ERR_MEMORY, "path", NULL);
}

static enum err read_root(struct fail *f, struct maker *m)
{
    enum err e = open_in(f, &m->arena, m->network->folder, "authority/root.key", &m->root);
    return e ? e : key_public(f, m->root, m->root_public[0]);
}

static enum err read_before(struct fail *f, struct maker *m)
{
    struct buf text;
    struct str path;
    buf_init(&text, DIRECTORY_BYTES);
    enum err e = network_path(f, &m->arena, m->network->folder, "agency/directory.jws", &path);
    if (!e)
        e = file_read(f, path.p, &text);
    if (!e) /* 0: an expired one is replaced, not refused */
        e = directory_read(f, buf_str(&text), (const uint8_t (*)[ED25519_PUBLIC])m->root_public, 1, 0, &m->before);
    buf_release(&text);
    return e;
}

static enum err copy_before(struct fail *f, struct maker *m)
{
    const struct directory_node *nodes = NULL;
    size_t count = m->before ? directory_nodes(m->before, &nodes) : 0;
    m->nodes = arena_alloc(&m->arena, (count + m->network->count) * sizeof *m->nodes);
    if (!m->nodes)
        return fail_set(f, ERR_MEMORY, "directory", NULL);
    for (size_t i = 0; i < count; i++)
        m->nodes[m->count++] = nodes[i]; /* keys and serials are borrowed from `before` */
    return ERR_OK;
}

static enum err own_public(struct fail *f, struct maker *m, const struct network_node *node,
                           uint8_t out[static ED25519_PUBLIC])
{
    struct key *key = NULL;
    enum err e = open_in(f, &m->arena, node->folder, "keys/signing.key", &key);
    if (!e)
        e = key_public(f, key, out);
    key_free(key);
    return e;
}

static enum err add_key(struct fail *f, struct maker *m, struct directory_node *to,
                        const uint8_t public_key[static ED25519_PUBLIC])
{
    if (to->key_count && memcmp(to->keys[to->key_count - 1].public_key, public_key, ED25519_PUBLIC) == 0)
        return ERR_OK;
    struct directory_key *keys = arena_alloc(&m->arena, (to->key_count + 1) * sizeof *keys);
    if (!keys)
        return fail_set(f, ERR_MEMORY, "directory", NULL);
    if (to->key_count) {
        memcpy(keys, to->keys, to->key_count * sizeof *keys);
        keys[to->key_count - 1].until = m->now - 1;
    }
    keys[to->key_count] =
        (struct directory_key){.from = to->key_count ? m->now : m->now - CLOCKS_DIFFER, .until = INT64_MAX};
    memcpy(keys[to->key_count].public_key, public_key, ED25519_PUBLIC);
    to->keys = keys;
    to->key_count++;
    return ERR_OK;
}

static struct directory_node *find_or_add(struct maker *m, const struct node_name *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (node_name_equal(&m->nodes[i].name, name))
            return &m->nodes[i];
    m->nodes[m->count] = (struct directory_node){.name = *name};
    return &m->nodes[m->count++];
}

static enum err add_nodes(struct fail *f, struct maker *m)
{
    for (size_t i = 0; i < m->network->count; i++) {
        const struct network_node *node = &m->network->nodes[i];
        uint8_t public_key[ED25519_PUBLIC];
        if (node->name.role == NODE_REGISTER) /* outside the network: only its own CS knows it */
            continue;
        enum err e = own_public(f, m, node, public_key);
        if (e)
            return e;
        struct directory_node *to = find_or_add(m, &node->name);
        snprintf(to->address, sizeof to->address, "127.0.0.1:%d", (int)node->port);
        e = add_key(f, m, to, public_key);
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err revoke_serial(struct fail *f, struct maker *m, const struct network_revocation *r)
{
    struct node_name name;
    enum err e = node_name_parse(f, str_of(r->node), &name);
    if (e)
        return e;
    struct directory_node *node = find_or_add(m, &name);
    size_t count = node->revoked_serial_count;
    char(*serials)[48] = arena_alloc(&m->arena, (count + 1) * sizeof *serials);
    if (!serials)
        return fail_set(f, ERR_MEMORY, "directory", NULL);
    if (count)
        memcpy(serials, node->revoked_serials, count * sizeof *serials);
    snprintf(serials[count], sizeof serials[count], "%s", r->serial);
    node->revoked_serials = serials;
    node->revoked_serial_count = count + 1;
    return ERR_OK;
}

static enum err write_everywhere(struct fail *f, struct maker *m, struct str jws)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < m->network->count && !e; i++) {
        struct str path;
        e = network_path(f, &m->arena, m->network->nodes[i].folder, "directory.jws", &path);
        if (!e)
            e = file_write(f, path.p, jws, 0600);
    }
    return e;
}

static enum err sign_and_write(struct fail *f, struct maker *m, int64_t *version)
{
    struct str path;
    struct buf jws;
    buf_init(&jws, DIRECTORY_BYTES);
    enum err e = network_path(f, &m->arena, m->network->folder, "authority/ca.pem", &path);
    if (!e)
        e = file_read(f, path.p, &m->ca);
    const struct directory_draft draft = {
        .version = m->before ? directory_version(m->before) + 1 : 1,
        .issued = m->now,
        .expires = m->now + DIRECTORY_DAYS * DAY,
        .roots = (const uint8_t (*)[ED25519_PUBLIC])m->root_public,
        .root_count = 1,
        .ca = buf_str(&m->ca),
        .nodes = m->nodes,
        .node_count = m->count,
    };
    if (!e)
        e = directory_sign(f, m->root, &draft, &jws);
    if (!e)
        e = buf_check(&jws, f, "directory");
    if (!e)
        e = write_everywhere(f, m, buf_str(&jws));
    buf_release(&jws);
    if (!e)
        *version = draft.version;
    return e;
}

static void maker_init(struct maker *m, const struct network *n)
{
    *m = (struct maker){.network = n, .now = clock_now()};
    arena_init(&m->arena, MEMORY);
    buf_init(&m->ca, DIRECTORY_BYTES);
}

static void maker_release(struct maker *m)
{
    directory_unref(m->before);
    key_free(m->root);
    buf_release(&m->ca);
    arena_release(&m->arena);
}

enum err network_sign_directory(struct fail *f, const struct network *n, bool first,
                                const struct network_revocation *revoke, int64_t *version)
{
    struct maker m;
    maker_init(&m, n);
    enum err e = read_root(f, &m);
    if (!e && !first)
        e = read_before(f, &m);
    if (!e)
        e = copy_before(f, &m);
    if (!e)
        e = add_nodes(f, &m);
    if (!e && revoke)
        e = revoke_serial(f, &m, revoke);
    if (!e)
        e = sign_and_write(f, &m, version);
    maker_release(&m);
    return e;
}

enum err network_read_directory(struct fail *f, const struct network *n, struct directory **out)
{
    struct maker m;
    maker_init(&m, n);
    enum err e = read_root(f, &m);
    if (!e)
        e = read_before(f, &m);
    if (!e)
        *out = directory_ref(m.before);
    maker_release(&m);
    return e;
}
