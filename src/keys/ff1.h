/* SPDX-License-Identifier: Apache-2.0 */
/* FF1 format-preserving encryption (NIST SP 800-38G; limits of revision 1: radix^n >= 1,000,000).
 *
 * Only the Feistel rounds are ours; AES is Nettle's. Digits are values 0..radix-1, not characters. The network uses
 * decimal digits; the other radices are there for NIST's published samples. */
#ifndef JUKI_KEYS_FF1_H
#define JUKI_KEYS_FF1_H

#include "base/buf.h"

enum { FF1_LENGTH_MIN = 6, FF1_LENGTH_MAX = 4096, FF1_TWEAK_MAX = 4096, FF1_RADIX_MAX = 256, FF1_KEY_MAX = 32 };
struct ff1; /* an expanded AES key */

/* key: 16, 24 or 32 bytes, else ERR_KEY_KIND. */
MUST_CHECK enum err ff1_new(struct fail *f, struct str key, struct ff1 **out);
/* The key from "file:PATH" (hexadecimal, mode 0600). ERR_KEY_PERMISSION, ERR_NOT_FOUND, ERR_KEY_KIND. */
MUST_CHECK enum err ff1_open(struct fail *f, const char *uri, struct ff1 **out);
/* Makes such a file with 32 random bytes (ERR_EXISTS rather than overwrite). */
MUST_CHECK enum err ff1_create_file(struct fail *f, const char *path);
void ff1_free(struct ff1 *c); /* wipes */
/* Decimal. in and out may be the same. ERR_FIELD_RANGE for a bad digit, a length outside FF1_LENGTH_MIN..MAX or a
 * tweak over FF1_TWEAK_MAX bytes; out is then untouched. Thread-safe: the key is only read. */
MUST_CHECK enum err ff1_encrypt(struct fail *f, const struct ff1 *c, struct str tweak, const uint8_t *in, size_t n,
                                uint8_t *out);
MUST_CHECK enum err ff1_decrypt(struct fail *f, const struct ff1 *c, struct str tweak, const uint8_t *in, size_t n,
                                uint8_t *out);

/* The same in any radix from 2 to FF1_RADIX_MAX and with the first edition's limit, radix^n >= 100, n >= 2: what
 * published samples need. Never for numbers in use: a million messages is the least that may hide one. */
struct ff1_text {
    unsigned radix;
    struct str tweak;
    const uint8_t *digits;
    size_t n;
};
MUST_CHECK enum err ff1_encrypt_radix(struct fail *f, const struct ff1 *c, const struct ff1_text *in, uint8_t *out);
MUST_CHECK enum err ff1_decrypt_radix(struct fail *f, const struct ff1 *c, const struct ff1_text *in, uint8_t *out);

#endif
