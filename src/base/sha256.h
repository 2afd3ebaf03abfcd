/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), by Nettle. */
#ifndef JUKI_BASE_SHA256_H
#define JUKI_BASE_SHA256_H

#include "base/str.h"

#include <nettle/sha2.h>

struct sha256 {
    uint8_t bytes[32];
};
struct sha256 sha256_of(struct str s);
/* The hash of the pieces one after the other. */
struct sha256 sha256_of_all(const struct str *pieces, size_t count);
/* Piece by piece, for what is never in memory at once. */
struct sha256_stream {
    struct sha256_ctx ctx;
};
void sha256_stream_init(struct sha256_stream *s);
void sha256_stream_add(struct sha256_stream *s, struct str piece);
struct sha256 sha256_stream_end(struct sha256_stream *s); /* and ready for the next */
static inline bool sha256_equal(struct sha256 a, struct sha256 b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

#endif
