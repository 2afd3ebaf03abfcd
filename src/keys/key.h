/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys behind one narrow interface: sign, public half, and (for number keys, ff1.h) encrypt. Nobody above
 * this line sees key bytes, so that keys can live in a device of their own (article 31 of the guideline).
 *
 * A key is named by a URI:
 *   file:PATH      PEM, PKCS#8, mode 0600; refused when others may read it, or through a symbolic link.
 *   pkcs11:PATH?pin-source=file:FILE&juki-public=BASE64URL      (RFC 7512)
 *     The PIN comes from pin-source or from the file that JUKI_PIN_FILE names (also mode 0600); a pin-value in the
 *     text is refused. The module is one that p11-kit knows. For an Ed25519 key whose public object the token cannot
 *     give, juki-public is its public half (32 bytes, base64url): opening signs a challenge and checks it against
 *     that half, so a wrong one is refused at once. Always without juki-public: P-256 keys, and tokens that hold
 *     the public object under the same label.
 * All functions are safe to call from many threads; one token key signs one message at a time. */
#ifndef JUKI_KEYS_KEY_H
#define JUKI_KEYS_KEY_H

#include "base/buf.h"

struct key;
enum { ED25519_PUBLIC = 32, ED25519_SIGNATURE = 64 };
enum key_kind { KEY_ED25519, KEY_P256 };

/* Opens a private key. ERR_KEY_PERMISSION, ERR_KEY_KIND (another algorithm, not a key), ERR_NOT_FOUND,
 * ERR_KEY_TOKEN. The caller frees. */
MUST_CHECK enum err key_open(struct fail *f, const char *uri, struct key **out);
void key_free(struct key *k);
enum key_kind key_kind(const struct key *k);
/* Makes a new key file (mode 0600; ERR_EXISTS rather than overwrite). */
MUST_CHECK enum err key_create_file(struct fail *f, const char *path, enum key_kind kind);
/* An Ed25519 key from its published seed: known-answer tests only. */
enum { ED25519_SEED = 32 };
MUST_CHECK enum err key_from_seed(struct fail *f, const uint8_t seed[static ED25519_SEED], struct key **out);

/* Ed25519 (RFC 8032), pure. ERR_KEY_KIND for a key of another kind. */
MUST_CHECK enum err key_sign(struct fail *f, struct key *k, struct str message, uint8_t out[static ED25519_SIGNATURE]);
MUST_CHECK enum err key_public(struct fail *f, struct key *k, uint8_t out[static ED25519_PUBLIC]);
/* ERR_SIGNATURE unless the signature is right. Any bytes may be given. */
MUST_CHECK enum err key_verify(struct fail *f, const uint8_t public_key[static ED25519_PUBLIC], struct str message,
                               const uint8_t signature[static ED25519_SIGNATURE]);

/* For TLS and certificates: the gnutls_privkey_t and gnutls_pubkey_t inside (borrowed). Only certificate.c,
 * credentials.c and a door's TLS callback call these; GnuTLS functions that take a key over must get a forwarder. */
void *key_gnutls(struct key *k);
void *key_gnutls_public(struct key *k);
/* A new gnutls_privkey_t that signs by asking k (one at a time when k lies in a token), for functions that take a key
 * over. k must outlive it; gnutls_privkey_deinit frees it. */
MUST_CHECK enum err key_gnutls_forward(struct fail *f, struct key *k, void **out);

#endif
