/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), by Nettle. */
#ifndef JUKI_BASE_SHA256_H
#define JUKI_BASE_SHA256_H

#include "base/str.h"

struct sha256 {
    uint8_t bytes[32];
};
struct sha256 sha256_of(struct str s);
/* The hash of the pieces one after the other. */
struct sha256 sha256_of_all(const struct str *pieces, size_t count);
static inline bool sha256_equal(struct sha256 a, struct sha256 b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

#endif
