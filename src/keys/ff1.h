/* SPDX-License-Identifier: Apache-2.0 */
/* FF1 format-preserving encryption over decimal digits (NIST SP 800-38G; limits of revision 1: 10^n >= 1,000,000).
 *
 * Only the Feistel rounds are ours; AES is Nettle's. Digits are values 0..9, not characters. Any length from 6 up to
 * FF1_LENGTH_MAX. */
#ifndef JUKI_KEYS_FF1_H
#define JUKI_KEYS_FF1_H

#include "base/buf.h"

enum { FF1_LENGTH_MIN = 6, FF1_LENGTH_MAX = 4096, FF1_TWEAK_MAX = 4096 };
struct ff1; /* an expanded AES key */

/* key: 16, 24 or 32 bytes, else ERR_KEY_KIND. */
MUST_CHECK enum err ff1_new(struct fail *f, struct str key, struct ff1 **out);
/* The key from a file (hexadecimal, mode 0600). */
MUST_CHECK enum err ff1_open(struct fail *f, const char *uri, struct ff1 **out);
void ff1_free(struct ff1 *c); /* wipes */
/* in and out may be the same. ERR_FIELD_RANGE for a bad digit or length. Thread-safe: the key is only read. */
MUST_CHECK enum err ff1_encrypt(struct fail *f, const struct ff1 *c, struct str tweak, const uint8_t *in, size_t n,
                                uint8_t *out);
MUST_CHECK enum err ff1_decrypt(struct fail *f, const struct ff1 *c, struct str tweak, const uint8_t *in, size_t n,
                                uint8_t *out);

#endif
