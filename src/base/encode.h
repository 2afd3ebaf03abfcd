/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text: hexadecimal, base64 (RFC 4648 §4, padded) and base64url (§5, unpadded). */
#ifndef JUKI_BASE_ENCODE_H
#define JUKI_BASE_ENCODE_H

#include "base/buf.h"

void encode_hex(struct buf *out, const void *p, size_t n); /* lower case */
void encode_base64(struct buf *out, const void *p, size_t n);
void encode_base64url(struct buf *out, const void *p, size_t n);
/* Decode all of s, appending to out; ERR_MALFORMED on any other character, bad length or non-zero spare bits. */
MUST_CHECK enum err decode_hex(struct fail *f, struct buf *out, struct str s);
MUST_CHECK enum err decode_base64(struct fail *f, struct buf *out, struct str s);
MUST_CHECK enum err decode_base64url(struct fail *f, struct buf *out, struct str s);

#endif
