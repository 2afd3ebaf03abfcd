/* SPDX-License-Identifier: Apache-2.0 */
/* JWS compact serialization (RFC 7515) with Ed25519 only (RFC 8037): the protected header is compared byte for byte
 * with the one form we write, {"alg":"EdDSA","kid":"NODE"}; the algorithm is never chosen by what arrives. */
#ifndef JUKI_KEYS_JWS_H
#define JUKI_KEYS_JWS_H

#include "keys/key.h"

/* Appends "header.payload.signature" to out. kid: the signing node's name. */
MUST_CHECK enum err jws_sign(struct fail *f, struct key *k, struct str kid, struct str payload, struct buf *out);
/* Checks that compact was signed by kid with public_key; appends the payload's bytes. ERR_SIGNATURE,
 * ERR_SIGNATURE_FORM (another algorithm, another header, not three parts). */
MUST_CHECK enum err jws_verify(struct fail *f, struct str compact, struct str kid,
                               const uint8_t public_key[static ED25519_PUBLIC], struct buf *payload);

#endif
