/* SPDX-License-Identifier: Apache-2.0 */
/* The network directory: nothing that no root signed is taken; what is taken can be looked up, and signed
 * again from its values it says the same of every node. */
#include "signed.h"

#include "link/directory.h"

enum { NOW = 1000 };

static void check_same(const struct directory *one, const struct directory *two)
{
    const struct directory_node *a, *b;
    size_t count = directory_nodes(one, &a);
    assert(directory_nodes(two, &b) == count);
    assert(directory_version(one) == directory_version(two) &&
           directory_expires(one) == directory_expires(two));
    for (size_t i = 0; i < count; i++) {
        assert(node_name_equal(&a[i].name, &b[i].name) && strcmp(a[i].address, b[i].address) == 0);
        assert(a[i].revoked == b[i].revoked && a[i].key_count == b[i].key_count);
        assert(a[i].revoked_serial_count == b[i].revoked_serial_count);
        for (size_t k = 0; k < a[i].key_count; k++)
            assert(memcmp(&a[i].keys[k], &b[i].keys[k], sizeof a[i].keys[k]) == 0);
        assert(directory_find(one, str_of(a[i].name.text)) == &a[i]);
        (void)directory_key_at(&a[i], NOW);
    }
}

static void check(const struct directory *d)
{
    uint8_t public_key[ED25519_PUBLIC];
    const uint8_t(*roots)[ED25519_PUBLIC];
    const struct directory_node *nodes;
    struct directory *again = NULL;
    struct buf jws;
    struct key *key = signed_key(public_key);
    struct directory_draft draft = {
        .version = directory_version(d), .expires = directory_expires(d), .ca = directory_ca(d)};
    draft.root_count = directory_roots(d, &roots);
    draft.roots = roots;
    draft.node_count = directory_nodes(d, &nodes);
    draft.nodes = nodes;
    assert(draft.root_count >= 1 && draft.version >= 1 && draft.expires >= NOW);
    buf_init(&jws, 8 << 20);
    assert(!directory_sign(NULL, key, &draft, &jws));
    assert(!directory_read(NULL, buf_str(&jws), (const uint8_t(*)[ED25519_PUBLIC]) & public_key, 1, NOW,
                           &again));
    check_same(d, again);
    assert(directory_permits(again, STR("identity_notice"), NODE_CS, NODE_PREFECTURE));
    (void)directory_permits(d, STR("identity_notice"), NODE_CS, NODE_PREFECTURE);
    directory_unref(again);
    buf_release(&jws);
}

void fuzz_target(struct str in)
{
    uint8_t root[1][ED25519_PUBLIC];
    struct directory *d = NULL;
    struct buf text;
    buf_init(&text, 2 << 20);
    signed_key(root[0]);
    signed_text(&in, STR("directory"), &text);
    enum err e = directory_read(NULL, buf_str(&text), (const uint8_t(*)[ED25519_PUBLIC])root, 1, NOW, &d);
    assert(!e == (d != NULL));
    if (d) {
        check(d);
        directory_unref(d);
        text.p[text.n / 2] ^= 1;
        assert(directory_read(NULL, buf_str(&text), (const uint8_t(*)[ED25519_PUBLIC])root, 1, NOW, &d));
    }
    buf_release(&text);
}
