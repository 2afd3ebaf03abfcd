/* SPDX-License-Identifier: Apache-2.0 */
/* Signed texts for targets: a reader believes nothing before the signature, so what is behind it is signed
 * with a key of our own first. The first byte of an input chooses: the text as it came, or its payload
 * signed. */
#ifndef JUKI_TESTS_FUZZ_SIGNED_H
#define JUKI_TESTS_FUZZ_SIGNED_H

#include "fuzz.h"
#include "keys/jws.h"

static inline struct key *signed_key(uint8_t public_key[static ED25519_PUBLIC])
{
    static struct key *key;
    static uint8_t own[ED25519_PUBLIC];
    const uint8_t seed[ED25519_SEED] = {1, 2, 3};
    if (!key)
        assert(!key_from_seed(NULL, seed, &key) && !key_public(NULL, key, own));
    memcpy(public_key, own, ED25519_PUBLIC);
    return key;
}

/* Takes the choice off *in; text gets a JWS of what is left, or what is left as it stands. */
static inline void signed_text(struct str *in, struct str kid, struct buf *text)
{
    uint8_t public_key[ED25519_PUBLIC];
    if (fuzz_choose(in, 8) == 0)
        buf_add_str(text, *in);
    else
        assert(!jws_sign(NULL, signed_key(public_key), kid, *in, text));
}

#endif
