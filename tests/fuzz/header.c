/* SPDX-License-Identifier: Apache-2.0 */
/* The signed header of a batch: nothing unsigned is taken, nothing over its limit; and what is taken, signed
 * again from its values, reads the same. */
#include "signed.h"

#include "link/batch.h"

static struct directory_node node(struct directory_key *key)
{
    struct directory_node n = {.keys = key, .key_count = 1};
    assert(!node_name_parse(NULL, STR("cs.282049"), &n.name));
    signed_key(key->public_key);
    key->from = 1000;
    key->until = INT64_MAX;
    return n;
}

static void check(const struct batch_header *h, const struct directory_node *n)
{
    uint8_t public_key[ED25519_PUBLIC];
    struct batch_header again;
    struct buf text;
    assert(strcmp(h->origin, "cs.282049") == 0);
    assert(h->count >= 1 && h->count <= BATCH_NOTICES_MAX && h->first >= 1 && h->epoch >= 1);
    assert(h->first + h->count > h->first && h->time >= 1000);
    buf_init(&text, HEADER_TEXT_MAX);
    assert(!batch_header_sign(NULL, signed_key(public_key), h, &text));
    assert(!batch_header_verify(NULL, buf_str(&text), n, &again));
    assert(again.epoch == h->epoch && again.first == h->first && again.count == h->count &&
           again.time == h->time);
    assert(sha256_equal(again.root, h->root) && sha256_equal(again.previous, h->previous));
    assert(strcmp(again.destination, h->destination) == 0);
    buf_release(&text);
}

void fuzz_target(struct str in)
{
    struct directory_key key;
    struct directory_node n = node(&key);
    struct batch_header h;
    struct buf text;
    buf_init(&text, 1 << 20);
    signed_text(&in, STR("cs.282049"), &text);
    if (!batch_header_verify(NULL, buf_str(&text), &n, &h)) {
        assert(text.n <= HEADER_TEXT_MAX);
        check(&h, &n);
        text.p[text.n / 2] ^= 1;
        assert(batch_header_verify(NULL, buf_str(&text), &n, &h));
    }
    buf_release(&text);
}
