/* SPDX-License-Identifier: Apache-2.0 */
/* header "." payload "." signature, each base64url without padding; the signature is over the first two with their
 * dot (RFC 7515 §5). Nothing of a header is ever parsed: it is the one we would write, or it is refused, so there is
 * no "none", no "crit", no second algorithm and no room for a parser's mistakes. A payload is given out only after
 * its signature was found right. */
#include "keys/jws.h"

#include "base/encode.h"
#include "keys/certificate.h"

enum { HEADER_MAX = 160 };

static enum err add_header(struct fail *f, struct str kid, struct buf *out)
{
    if (!certificate_is_node_name(kid))
        return fail_set(f, ERR_FIELD_RANGE, "kid", "not a node's name");
    char text[HEADER_MAX];
    int n = snprintf(text, sizeof text, "{\"alg\":\"EdDSA\",\"kid\":\"%.*s\"}", STR_ARG(kid));
    encode_base64url(out, text, (size_t)n);
    return ERR_OK;
}

enum err jws_sign(struct fail *f, struct key *k, struct str kid, struct str payload, struct buf *out)
{
    size_t start = out->n;
    enum err e = add_header(f, kid, out);
    if (e)
        return e;
    buf_add_char(out, '.');
    encode_base64url(out, payload.p, payload.n);
    e = buf_check(out, f, "jws");
    if (e)
        return e;
    uint8_t signature[ED25519_SIGNATURE];
    e = key_sign(f, k, (struct str){out->p + start, out->n - start}, signature);
    if (e)
        return e;
    buf_add_char(out, '.');
    encode_base64url(out, signature, sizeof signature);
    return buf_check(out, f, "jws");
}

static enum err check_header(struct fail *f, struct str header, struct str kid)
{
    struct buf want;
    buf_init(&want, HEADER_MAX * 2);
    enum err e = add_header(f, kid, &want);
    if (!e)
        e = buf_check(&want, f, "kid");
    if (!e && !str_equal(header, buf_str(&want)))
        e = fail_set(f, ERR_SIGNATURE_FORM, "jws", "header is not {\"alg\":\"EdDSA\",\"kid\":\"%.*s\"}", STR_ARG(kid));
    buf_release(&want);
    return e;
}

static enum err decode_signature(struct fail *f, struct str text, uint8_t out[static ED25519_SIGNATURE])
{
    struct buf bytes;
    buf_init(&bytes, ED25519_SIGNATURE);
    enum err e = decode_base64url(NULL, &bytes, text);
    if (e == ERR_MEMORY)
        return fail_set(f, ERR_MEMORY, "jws", NULL);
    if (e || bytes.n != ED25519_SIGNATURE) {
        buf_release(&bytes);
        return fail_set(f, ERR_SIGNATURE_FORM, "jws", "signature is not 64 bytes in base64url");
    }
    memcpy(out, bytes.p, ED25519_SIGNATURE);
    buf_release(&bytes);
    return ERR_OK;
}

enum err jws_verify(struct fail *f, struct str compact, struct str kid,
                    const uint8_t public_key[static ED25519_PUBLIC], struct buf *payload)
{
    struct str rest = compact, header, body, tail, more;
    if (!str_cut(&rest, '.', &header) || !str_cut(&rest, '.', &body) || !str_cut(&rest, '.', &tail) ||
        str_cut(&rest, '.', &more))
        return fail_set(f, ERR_SIGNATURE_FORM, "jws", "not three parts");
    enum err e = check_header(f, header, kid);
    if (e)
        return e;
    uint8_t signature[ED25519_SIGNATURE];
    e = decode_signature(f, tail, signature);
    if (e)
        return e;
    e = key_verify(f, public_key, (struct str){compact.p, header.n + 1 + body.n}, signature);
    if (e)
        return e;
    size_t before = payload->n;
    e = decode_base64url(f, payload, body);
    if (e == ERR_MALFORMED) {
        payload->n = before;
        return fail_set(f, ERR_SIGNATURE_FORM, "jws", "payload is not base64url");
    }
    return e;
}
