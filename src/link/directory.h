/* SPDX-License-Identifier: Apache-2.0 */
/* The network directory: which nodes exist, where they listen, which keys are theirs and who may send which kind to
 * whom. Signed by the agency's root key (JWS, kid "directory"), monotonic version, expiry; distributed as a notice.
 *
 * JSON: {"version","issued","expires","root":{"keys":[base64url,...]},"ca":PEM,
 *   "nodes":[{"name","address":"127.0.0.1:7001","keys":[{"key":base64url,"from":stamp,"until":stamp|null}],
 *             "revoked":bool,"revoked_serials":[hex,...]}],
 *   "permits":[{"kind":"identity_notice","from":"cs","to":"prefecture"},...]}
 * A new root is accepted when a directory signed by a present root names it (root rotation). */
#ifndef JUKI_LINK_DIRECTORY_H
#define JUKI_LINK_DIRECTORY_H

#include "base/buf.h"
#include "keys/key.h"
#include "link/node_name.h"

struct directory_key {
    uint8_t public_key[ED25519_PUBLIC];
    int64_t from, until; /* stamps, µs; until INT64_MAX while current. Former keys stay. */
};
struct directory_node {
    struct node_name name;
    char address[64]; /* host:port; "" when it only dials */
    struct directory_key *keys;
    size_t key_count; /* newest last */
    bool revoked;
    char (*revoked_serials)[48];
    size_t revoked_serial_count;
};
struct directory; /* immutable once made; counted references, so that a new one can be put in while the old is read */

/* Parses and checks a signed directory. roots: public keys trusted beforehand (count ≥ 1). ERR_SIGNATURE,
 * ERR_DIRECTORY (form), ERR_DIRECTORY_EXPIRED. */
MUST_CHECK enum err directory_read(struct fail *f, struct str jws, const uint8_t (*roots)[ED25519_PUBLIC],
                                   size_t root_count, int64_t now, struct directory **out);
struct directory *directory_ref(struct directory *d);
void directory_unref(struct directory *d);

int64_t directory_version(const struct directory *d);
int64_t directory_expires(const struct directory *d);
struct str directory_jws(const struct directory *d);
struct str directory_ca(const struct directory *d); /* PEM */
size_t directory_roots(const struct directory *d, const uint8_t (**keys)[ED25519_PUBLIC]);
size_t directory_nodes(const struct directory *d, const struct directory_node **nodes);
const struct directory_node *directory_find(const struct directory *d, struct str name); /* NULL when unknown */
/* The key of node valid at a stamp; NULL when none. */
const struct directory_key *directory_key_at(const struct directory_node *node, int64_t stamp);
bool directory_permits(const struct directory *d, struct str kind, enum node_role from, enum node_role to);

/* Building one (juki network): the same members as values; signs with the root key. */
struct directory_draft {
    int64_t version, issued, expires;
    const uint8_t (*roots)[ED25519_PUBLIC];
    size_t root_count;
    struct str ca;
    const struct directory_node *nodes;
    size_t node_count;
};
/* Permits come from the table of kinds (link/kind.def). Appends the JWS to out. */
MUST_CHECK enum err directory_sign(struct fail *f, struct key *root, const struct directory_draft *draft,
                                   struct buf *out);

#endif
