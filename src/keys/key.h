/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys behind one narrow interface: sign, public half, and (for number keys) FF1. Nobody above this line
 * sees key bytes, so that keys can later live in a process or device of their own (article 31).
 *
 * A key is named by a URI: "file:PATH" (PEM, mode 0600, refused when others may read it) or "pkcs11:..." (RFC 7512;
 * the PIN comes from pin-source=file:... or from JUKI_PIN_FILE, never from the configuration's text).
 * All functions are safe to call from many threads. */
#ifndef JUKI_KEYS_KEY_H
#define JUKI_KEYS_KEY_H

#include "base/buf.h"

struct key;
enum { ED25519_PUBLIC = 32, ED25519_SIGNATURE = 64 };

/* Opens a private key. ERR_KEY_PERMISSION, ERR_KEY_KIND, ERR_NOT_FOUND, ERR_KEY_TOKEN. */
MUST_CHECK enum err key_open(struct fail *f, const char *uri, struct key **out);
void key_free(struct key *k);
/* Makes a new key file (mode 0600; refuses to overwrite). */
enum key_kind { KEY_ED25519, KEY_P256 };
MUST_CHECK enum err key_create_file(struct fail *f, const char *path, enum key_kind kind);

/* Ed25519 (RFC 8032), pure. */
MUST_CHECK enum err key_sign(struct fail *f, struct key *k, struct str message, uint8_t out[static ED25519_SIGNATURE]);
MUST_CHECK enum err key_public(struct fail *f, struct key *k, uint8_t out[static ED25519_PUBLIC]);
/* ERR_SIGNATURE unless the signature is right. Any bytes may be given. */
MUST_CHECK enum err key_verify(struct fail *f, const uint8_t public_key[static ED25519_PUBLIC], struct str message,
                               const uint8_t signature[static ED25519_SIGNATURE]);

/* For TLS: the gnutls_privkey_t inside (borrowed). Only src/link and src/door call this. */
void *key_gnutls(struct key *k);

#endif
