/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: nothing unsigned is taken, and what is taken, signed again from its values, reads the same. */
#include "signed.h"

#include "link/batch.h"

static void check(const struct receipt *r, const struct directory_node *n)
{
    uint8_t public_key[ED25519_PUBLIC];
    struct receipt again;
    struct buf json, text;
    struct arena a;
    arena_init(&a, 16 << 20);
    buf_init(&json, 1 << 20);
    buf_init(&text, 2 << 20);
    assert(strcmp(r->from, "prefecture.28") == 0 && r->refused_count <= BATCH_NOTICES_MAX);
    receipt_exceptions_write(&json, NULL, r->refused, r->refused_count);
    enum err e = receipt_sign(NULL, signed_key(public_key), r, buf_str(&json), &text);
    assert(!e || e == ERR_LIMIT);
    if (!e) {
        assert(!receipt_verify(NULL, buf_str(&text), n, &a, &again));
        assert(again.sequence == r->sequence && again.epoch == r->epoch && again.time == r->time);
        assert(again.refused_count == r->refused_count && sha256_equal(again.header, r->header));
        for (size_t i = 0; i < r->refused_count; i++)
            assert(again.refused[i].sequence == r->refused[i].sequence &&
                   again.refused[i].error == r->refused[i].error &&
                   strcmp(again.refused[i].field, r->refused[i].field) == 0);
    }
    buf_release(&json);
    buf_release(&text);
    arena_release(&a);
}

void fuzz_target(struct str in)
{
    struct directory_key key = {.from = 1000, .until = INT64_MAX};
    struct directory_node n = {.keys = &key, .key_count = 1};
    struct receipt r;
    struct buf text;
    struct arena a;
    signed_key(key.public_key);
    assert(!node_name_parse(NULL, STR("prefecture.28"), &n.name));
    buf_init(&text, 2 << 20);
    arena_init(&a, 16 << 20);
    signed_text(&in, STR("prefecture.28"), &text);
    if (!receipt_verify(NULL, buf_str(&text), &n, &a, &r)) {
        check(&r, &n);
        text.p[text.n / 2] ^= 1;
        assert(receipt_verify(NULL, buf_str(&text), &n, &a, &r));
    }
    buf_release(&text);
    arena_release(&a);
}
