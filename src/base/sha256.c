/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <nettle/sha2.h>

struct sha256 sha256_of(struct str s)
{
    return sha256_of_all(&s, 1);
}

struct sha256 sha256_of_all(const struct str *pieces, size_t count)
{
    struct sha256_ctx ctx;
    struct sha256 out;
    sha256_init(&ctx);
    for (size_t i = 0; i < count; i++)
        if (pieces[i].n)
            sha256_update(&ctx, pieces[i].n, (const uint8_t *)pieces[i].p);
    sha256_digest(&ctx, sizeof out.bytes, out.bytes);
    return out;
}
