/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6962 Merkle trees, pure: hashes in, hashes out.
 *
 * Leaf hash: SHA-256(0x00 ‖ ...); node hash: SHA-256(0x01 ‖ left ‖ right); the empty tree hashes to SHA-256(""). */
#ifndef JUKI_LEDGER_MERKLE_H
#define JUKI_LEDGER_MERKLE_H

#include "base/buf.h"
#include "base/sha256.h"

enum { MERKLE_DEPTH_MAX = 64, MERKLE_PROOF_MAX = 128 };
struct merkle_proof {
    struct sha256 hashes[MERKLE_PROOF_MAX];
    size_t count;
};

struct sha256 merkle_leaf(struct str body);                        /* H(0x00 ‖ body) */
struct sha256 merkle_salted_leaf(const uint8_t salt[static 16], struct str body); /* H(0x00 ‖ salt ‖ body) */
struct sha256 merkle_node(struct sha256 left, struct sha256 right);

/* The right edge of a growing tree: O(log n) memory, append in O(1) amortised. A zeroed one is the empty tree.
 * Copying the struct copies the tree's state. */
struct merkle_frontier {
    uint64_t size;
    struct sha256 nodes[MERKLE_DEPTH_MAX]; /* nodes[k]: root of the complete subtree of 2^k leaves, where bit k of size is set */
};
void merkle_append(struct merkle_frontier *t, struct sha256 leaf);
struct sha256 merkle_root(const struct merkle_frontier *t);
/* The root of leaves in memory. */
struct sha256 merkle_root_of(const struct sha256 *leaves, size_t count);

/* Where proofs take subtree hashes from: the root of leaves [from, from + 2^level), wholly inside the tree. */
struct merkle_source {
    enum err (*node)(void *self, struct fail *f, unsigned level, uint64_t index, struct sha256 *out);
    void *self;
};
/* index < size, else ERR_FIELD_RANGE. The source is asked for nodes inside the first `size` leaves only. */
MUST_CHECK enum err merkle_prove_inclusion(struct fail *f, const struct merkle_source *s, uint64_t index,
                                           uint64_t size, struct merkle_proof *out);
/* 1 <= old_size <= new_size, or both 0, else ERR_FIELD_RANGE; equal sizes give the empty proof. */
MUST_CHECK enum err merkle_prove_consistency(struct fail *f, const struct merkle_source *s, uint64_t old_size,
                                             uint64_t new_size, struct merkle_proof *out);
/* ERR_PROOF unless the proof is exactly right (no missing, no spare hash). Consistency: equal sizes need equal roots
 * and the empty proof; from size 0 to a greater one nothing can be proved, and it is refused. */
MUST_CHECK enum err merkle_check_inclusion(struct fail *f, struct sha256 leaf, uint64_t index, uint64_t size,
                                           const struct merkle_proof *proof, struct sha256 root);
MUST_CHECK enum err merkle_check_consistency(struct fail *f, uint64_t old_size, struct sha256 old_root,
                                             uint64_t new_size, struct sha256 new_root,
                                             const struct merkle_proof *proof);

#endif
