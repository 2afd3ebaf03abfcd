/* SPDX-License-Identifier: Apache-2.0 */
/* Merkle trees of RFC 6962 §2.1 and the checking of their proofs as RFC 9162 §2.1.3.2 and §2.1.4.2 write it.
 *
 * A tree of n > 1 leaves splits at the largest power of two smaller than n. So every subtree begins at a multiple of
 * its width rounded up to a power of two, and every incomplete one ends at the tree's right edge; both facts are
 * used below without being checked again. Checking never trusts a length: a proof with a hash too few or too many
 * is refused even when the hashes that were looked at fit. */
#include "ledger/merkle.h"

struct sha256 merkle_leaf(struct str body)
{
    return sha256_of_all((struct str[]){{"\0", 1}, body}, 2);
}

struct sha256 merkle_salted_leaf(const uint8_t salt[static 16], struct str body)
{
    char prefix[17] = {0};
    memcpy(prefix + 1, salt, 16);
    return sha256_of_all((struct str[]){{prefix, sizeof prefix}, body}, 2);
}

struct sha256 merkle_node(struct sha256 left, struct sha256 right)
{
    char both[1 + 2 * sizeof left.bytes];
    both[0] = 1;
    memcpy(both + 1, left.bytes, sizeof left.bytes);
    memcpy(both + 1 + sizeof left.bytes, right.bytes, sizeof right.bytes);
    return sha256_of((struct str){both, sizeof both});
}

void merkle_append(struct merkle_frontier *t, struct sha256 leaf)
{
    unsigned level = 0;
    for (; t->size >> level & 1; level++)
        leaf = merkle_node(t->nodes[level], leaf);
    t->nodes[level] = leaf;
    t->size++;
}

struct sha256 merkle_root(const struct merkle_frontier *t)
{
    if (!t->size)
        return sha256_of(STR(""));
    unsigned level = (unsigned)__builtin_ctzll(t->size);
    struct sha256 root = t->nodes[level];
    while (++level < MERKLE_DEPTH_MAX)
        if (t->size >> level & 1)
            root = merkle_node(t->nodes[level], root);
    return root;
}

struct sha256 merkle_root_of(const struct sha256 *leaves, size_t count)
{
    struct merkle_frontier t = {0};
    for (size_t i = 0; i < count; i++)
        merkle_append(&t, leaves[i]);
    return merkle_root(&t);
}

/* The level of the largest power of two that is smaller than width; width > 1. */
static unsigned split_level(uint64_t width)
{
    return 63 - (unsigned)__builtin_clzll(width - 1);
}

/* The root of leaves [from, to), a subtree of some RFC 6962 tree: its complete parts lie from left to right in
 * falling width, one for each bit of the width. */
static enum err subtree_root(struct fail *f, const struct merkle_source *s, uint64_t from, uint64_t to,
                             struct sha256 *out)
{
    uint64_t width = to - from;
    struct sha256 root = {{0}};
    bool first = true;
    for (unsigned level = 0; level < 64 && width >> level; level++) {
        if (!(width >> level & 1))
            continue;
        struct sha256 part;
        to -= (uint64_t)1 << level;
        enum err e = s->node(s->self, f, level, to >> level, &part);
        if (e)
            return e;
        root = first ? part : merkle_node(part, root);
        first = false;
    }
    *out = root;
    return ERR_OK;
}

static void reverse(struct merkle_proof *p)
{
    for (size_t i = 0; i < p->count / 2; i++) {
        struct sha256 h = p->hashes[i];
        p->hashes[i] = p->hashes[p->count - 1 - i];
        p->hashes[p->count - 1 - i] = h;
    }
}

/* Walks from the root towards a place, collecting the other half at each split. */
struct descent {
    const struct merkle_source *source;
    uint64_t from, to; /* the subtree in hand */
    struct merkle_proof proof;
};

static enum err collect(struct fail *f, struct descent *d, uint64_t from, uint64_t to)
{
    enum err e = subtree_root(f, d->source, from, to, &d->proof.hashes[d->proof.count]);
    if (!e)
        d->proof.count++;
    return e;
}

static enum err step_left(struct fail *f, struct descent *d, uint64_t middle)
{
    enum err e = collect(f, d, middle, d->to);
    d->to = middle;
    return e;
}

static enum err step_right(struct fail *f, struct descent *d, uint64_t middle)
{
    enum err e = collect(f, d, d->from, middle);
    d->from = middle;
    return e;
}

enum err merkle_prove_inclusion(struct fail *f, const struct merkle_source *s, uint64_t index, uint64_t size,
                                struct merkle_proof *out)
{
    if (index >= size)
        return fail_set(f, ERR_FIELD_RANGE, "index", "the tree has %llu leaves", (unsigned long long)size);
    struct descent d = {.source = s, .to = size};
    while (d.to - d.from > 1) {
        uint64_t middle = d.from + ((uint64_t)1 << split_level(d.to - d.from));
        enum err e = index < middle ? step_left(f, &d, middle) : step_right(f, &d, middle);
        if (e)
            return e;
    }
    reverse(&d.proof);
    *out = d.proof;
    return ERR_OK;
}

enum err merkle_prove_consistency(struct fail *f, const struct merkle_source *s, uint64_t old_size,
                                  uint64_t new_size, struct merkle_proof *out)
{
    if (old_size > new_size || (!old_size && new_size))
        return fail_set(f, ERR_FIELD_RANGE, "old_size", "1 to %llu", (unsigned long long)new_size);
    struct descent d = {.source = s, .to = new_size};
    enum err e = ERR_OK;
    while (!e && d.to != old_size) {
        uint64_t middle = d.from + ((uint64_t)1 << split_level(d.to - d.from));
        e = old_size <= middle ? step_left(f, &d, middle) : step_right(f, &d, middle);
    }
    /* A subtree that is the whole old tree is known to the checker; any other must be shown. */
    if (!e && d.from)
        e = collect(f, &d, d.from, d.to);
    if (e)
        return e;
    reverse(&d.proof);
    *out = d.proof;
    return ERR_OK;
}

static enum err refuse(struct fail *f, const char *why)
{
    return fail_set(f, ERR_PROOF, NULL, "%s", why);
}

/* The walk of RFC 9162: the place, the last leaf's place, both on the level in hand. */
struct climb {
    uint64_t place, last;
};

/* True when the next hash of the proof stands on the left. */
static bool next_is_left(struct climb *c)
{
    bool left = (c->place & 1) || c->place == c->last;
    while (left && !(c->place & 1) && c->place) {
        c->place >>= 1;
        c->last >>= 1;
    }
    c->place >>= 1;
    c->last >>= 1;
    return left;
}

enum err merkle_check_inclusion(struct fail *f, struct sha256 leaf, uint64_t index, uint64_t size,
                                const struct merkle_proof *proof, struct sha256 root)
{
    if (index >= size)
        return refuse(f, "the index is outside the tree");
    if (proof->count > MERKLE_PROOF_MAX)
        return refuse(f, "too many hashes");
    struct climb c = {index, size - 1};
    for (size_t i = 0; i < proof->count; i++) {
        if (!c.last)
            return refuse(f, "too many hashes");
        leaf = next_is_left(&c) ? merkle_node(proof->hashes[i], leaf) : merkle_node(leaf, proof->hashes[i]);
    }
    if (c.last)
        return refuse(f, "too few hashes");
    return sha256_equal(leaf, root) ? ERR_OK : refuse(f, "the path does not lead to the root");
}

static enum err check_grown(struct fail *f, uint64_t old_size, struct sha256 old_root, uint64_t new_size,
                            struct sha256 new_root, const struct merkle_proof *proof)
{
    struct climb c = {old_size - 1, new_size - 1};
    for (; c.place & 1; c.place >>= 1)
        c.last >>= 1;
    /* The old tree is one complete subtree: the proof does not repeat its root. */
    bool whole = (old_size & (old_size - 1)) == 0;
    struct sha256 before = whole ? old_root : proof->hashes[0], after = before;
    for (size_t i = whole ? 0 : 1; i < proof->count; i++) {
        const struct sha256 *h = &proof->hashes[i];
        if (!c.last)
            return refuse(f, "too many hashes");
        if (next_is_left(&c)) {
            before = merkle_node(*h, before);
            after = merkle_node(*h, after);
        } else {
            after = merkle_node(after, *h);
        }
    }
    if (c.last)
        return refuse(f, "too few hashes");
    if (!sha256_equal(before, old_root))
        return refuse(f, "the proof does not lead to the old root");
    return sha256_equal(after, new_root) ? ERR_OK : refuse(f, "the proof does not lead to the new root");
}

enum err merkle_check_consistency(struct fail *f, uint64_t old_size, struct sha256 old_root, uint64_t new_size,
                                  struct sha256 new_root, const struct merkle_proof *proof)
{
    if (old_size > new_size)
        return refuse(f, "the tree became smaller");
    if (proof->count > MERKLE_PROOF_MAX)
        return refuse(f, "too many hashes");
    if (old_size == new_size) {
        if (proof->count)
            return refuse(f, "too many hashes");
        return sha256_equal(old_root, new_root) ? ERR_OK : refuse(f, "two roots for one size");
    }
    if (!old_size) /* everything follows from nothing: such a proof shows nothing */
        return refuse(f, "the old tree is empty");
    if (!proof->count)
        return refuse(f, "too few hashes");
    return check_grown(f, old_size, old_root, new_size, new_root, proof);
}
