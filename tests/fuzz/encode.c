/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text: a text that is taken is the one spelling of its bytes, and a refused one left nothing
 * behind. */
#include "fuzz.h"

#include "base/encode.h"

static void try(struct str in, enum err (*decode)(struct fail *, struct buf *, struct str),
                void (*encode)(struct buf *, const void *, size_t))
{
    struct buf bytes, text;
    buf_init(&bytes, in.n + 16);
    buf_init(&text, in.n * 2 + 16);
    encode(&text, in.p, in.n);
    assert(!text.broken && !decode(NULL, &bytes, buf_str(&text)) && bytes.n == in.n);
    assert(!in.n || memcmp(bytes.p, in.p, in.n) == 0);
    buf_clear(&bytes);
    buf_clear(&text);
    if (!decode(NULL, &bytes, in)) {
        encode(&text, bytes.p, bytes.n);
        assert(text.n == in.n);
    }
    buf_release(&bytes);
    buf_release(&text);
}

void fuzz_target(struct str in)
{
    try(in, decode_hex, encode_hex);
    try(in, decode_base64, encode_base64);
    try(in, decode_base64url, encode_base64url);
    uint64_t number = 0;
    if (str_to_uint(in, 1000, &number))
        assert(number <= 1000 && str_is_digits(in));
}
