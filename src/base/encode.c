/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void encode_hex(struct buf *out, const void *p, size_t n)
{
    const unsigned char *bytes = p;
    char *at = buf_reserve(out, n * 2);
    for (size_t i = 0; at && i < n; i++) {
        *at++ = "0123456789abcdef"[bytes[i] >> 4];
        *at++ = "0123456789abcdef"[bytes[i] & 15];
    }
}

static void encode64(struct buf *out, const unsigned char *p, size_t n, const char *alphabet, bool pad)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i < 3 ? n - i : 3;
        uint32_t v = (uint32_t)p[i] << 16;
        v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        v |= left > 2 ? p[i + 2] : 0;
        char quad[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], left > 1 ? alphabet[v >> 6 & 63] : '=',
                        left > 2 ? alphabet[v & 63] : '='};
        buf_add(out, quad, pad ? 4 : left + 1);
    }
}

void encode_base64(struct buf *out, const void *p, size_t n)
{
    encode64(out, p, n, standard, true);
}

void encode_base64url(struct buf *out, const void *p, size_t n)
{
    encode64(out, p, n, url, false);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum err decode_hex(struct fail *f, struct buf *out, struct str s)
{
    if (s.n % 2)
        return fail_set(f, ERR_MALFORMED, "hex", "odd length");
    for (size_t i = 0; i < s.n; i += 2) {
        int high = hex_value(s.p[i]), low = hex_value(s.p[i + 1]);
        if (high < 0 || low < 0)
            return fail_set(f, ERR_MALFORMED, "hex", "character %zu", i);
        buf_add_u8(out, (uint8_t)(high << 4 | low));
    }
    return buf_check(out, f, "hex");
}

static enum err decode64(struct fail *f, struct buf *out, struct str s, const char *alphabet)
{
    uint32_t v = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char *at = s.p[i] ? strchr(alphabet, s.p[i]) : NULL;
        if (!at)
            return fail_set(f, ERR_MALFORMED, "base64", "character %zu", i);
        v = v << 6 | (uint32_t)(at - alphabet);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_add_u8(out, (uint8_t)(v >> bits));
            v &= (1u << bits) - 1;
        }
    }
    if (bits == 6 || v)
        return fail_set(f, ERR_MALFORMED, "base64", "bad end");
    return buf_check(out, f, "base64");
}

enum err decode_base64(struct fail *f, struct buf *out, struct str s)
{
    if (s.n % 4)
        return fail_set(f, ERR_MALFORMED, "base64", "bad length");
    for (int i = 0; i < 2 && s.n && s.p[s.n - 1] == '='; i++)
        s.n--;
    return decode64(f, out, s, standard);
}

enum err decode_base64url(struct fail *f, struct buf *out, struct str s)
{
    return decode64(f, out, s, url);
}
