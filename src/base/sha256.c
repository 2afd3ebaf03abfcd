/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

struct sha256 sha256_of(struct str s)
{
    struct sha256_stream stream;
    sha256_stream_init(&stream);
    sha256_stream_add(&stream, s);
    return sha256_stream_end(&stream);
}

struct sha256 sha256_of_all(const struct str *pieces, size_t count)
{
    struct sha256_stream s;
    sha256_stream_init(&s);
    for (size_t i = 0; i < count; i++)
        sha256_stream_add(&s, pieces[i]);
    return sha256_stream_end(&s);
}

void sha256_stream_init(struct sha256_stream *s)
{
    sha256_init(&s->ctx);
}

void sha256_stream_add(struct sha256_stream *s, struct str piece)
{
    if (piece.n)
        sha256_update(&s->ctx, piece.n, (const uint8_t *)piece.p);
}

struct sha256 sha256_stream_end(struct sha256_stream *s)
{
    struct sha256 out;
    sha256_digest(&s->ctx, sizeof out.bytes, out.bytes);
    return out;
}
