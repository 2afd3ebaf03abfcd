/* SPDX-License-Identifier: Apache-2.0 */
/* Known answers, each with the document it stands in. A row is a function, so that a wrong answer can say which part
 * of it was wrong. */
#include "keys/selftest.h"

#include "base/encode.h"
#include "base/sha256.h"
#include "keys/ff1.h"
#include "keys/jws.h"

void selftest_run(const char *suite, const struct selftest_answer *rows, size_t count, selftest_report *report,
                  void *arg, struct selftest_count *out)
{
    for (size_t i = 0; i < count; i++) {
        struct fail f = {0};
        enum err e = rows[i].run(&f);
        struct selftest_line line = {suite, rows[i].name, e == ERR_OK, e ? f.detail : ""};
        *(e ? &out->failed : &out->passed) += 1;
        if (report)
            report(arg, &line);
    }
}

static enum err expect(struct fail *f, struct str got, struct str want, const char *what)
{
    return str_equal(got, want) ? ERR_OK : fail_set(f, ERR_SELFTEST, "selftest", "%s differs", what);
}

/* Bytes of a constant below; the buffer's maximum is known to fit. */
static void from_hex(struct buf *out, const char *hex)
{
    buf_init(out, 128);
    enum err e = decode_hex(NULL, out, str_of(hex));
    assert(e == ERR_OK);
}

static enum err both_ways(struct fail *f, struct str plain, struct str text,
                          void (*encode)(struct buf *, const void *, size_t),
                          enum err (*decode)(struct fail *, struct buf *, struct str))
{
    struct buf b;
    buf_init(&b, 128);
    encode(&b, plain.p, plain.n);
    enum err e = expect(f, buf_str(&b), text, "encoding");
    buf_clear(&b);
    if (!e)
        e = decode(f, &b, text);
    if (!e)
        e = expect(f, buf_str(&b), plain, "decoding");
    buf_release(&b);
    return e;
}

static enum err base64_rfc4648(struct fail *f)
{
    enum err e = both_ways(f, STR("fooba"), STR("Zm9vYmE="), encode_base64, decode_base64);
    return e ? e : both_ways(f, STR("foob"), STR("Zm9vYg=="), encode_base64, decode_base64);
}

static enum err base64url_rfc7515(struct fail *f) /* appendix C */
{
    return both_ways(f, STR("\x03\xec\xff\xe0\xc1"), STR("A-z_4ME"), encode_base64url, decode_base64url);
}

static enum err expect_hash(struct fail *f, struct sha256 got, const char *hex, const char *what)
{
    struct buf want;
    from_hex(&want, hex);
    enum err e = expect(f, (struct str){(const char *)got.bytes, sizeof got.bytes}, buf_str(&want), what);
    buf_release(&want);
    return e;
}

static enum err sha256_fips180(struct fail *f)
{
    enum err e = expect_hash(f, sha256_of(STR("abc")),
                             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "SHA-256 of abc");
    if (e)
        return e;
    return expect_hash(f, sha256_of(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
                       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "SHA-256 of two blocks");
}

static struct sha256 leaf_of(struct str body)
{
    return sha256_of_all((struct str[]){STR("\0"), body}, 2);
}

/* RFC 6962 §2.1, with the leaves of the Certificate Transparency reference tests: "" and one zero byte. */
static enum err merkle_rfc6962(struct fail *f)
{
    struct sha256 left = leaf_of(STR("")), right = leaf_of(STR("\0"));
    enum err e =
        expect_hash(f, left, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "leaf hash");
    if (e)
        return e;
    struct sha256 node = sha256_of_all((struct str[]){STR("\1"),
                                                      {(const char *)left.bytes, sizeof left.bytes},
                                                      {(const char *)right.bytes, sizeof right.bytes}},
                                       3);
    return expect_hash(f, node, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125", "node hash");
}

struct ed25519_answer {
    const char *seed, *public_key, *message, *signature;
};
static const struct ed25519_answer rfc8032[] = {
    /* §7.1, tests 1 and 3 */
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
     "24655141438e7a100b"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
     "c027beceea1ec40a"},
};

static enum err ed25519_signs(struct fail *f, struct key *k, const struct buf want[4])
{
    uint8_t public_key[ED25519_PUBLIC], signature[ED25519_SIGNATURE] = {0};
    enum err e = key_public(f, k, public_key);
    if (!e)
        e = expect(f, (struct str){(const char *)public_key, sizeof public_key}, buf_str(&want[1]), "public half");
    if (!e)
        e = key_sign(f, k, buf_str(&want[2]), signature);
    if (!e)
        e = expect(f, (struct str){(const char *)signature, sizeof signature}, buf_str(&want[3]), "signature");
    if (!e)
        e = key_verify(f, public_key, buf_str(&want[2]), signature);
    signature[0] ^= 1;
    if (!e && key_verify(NULL, public_key, buf_str(&want[2]), signature) != ERR_SIGNATURE)
        e = fail_set(f, ERR_SELFTEST, "selftest", "an altered signature was accepted");
    return e;
}

static enum err ed25519_rfc8032(struct fail *f)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < COUNT_OF(rfc8032) && !e; i++) {
        const struct ed25519_answer *row = &rfc8032[i];
        const char *const texts[4] = {row->seed, row->public_key, row->message, row->signature};
        struct buf bytes[4];
        for (size_t j = 0; j < COUNT_OF(texts); j++)
            from_hex(&bytes[j], texts[j]);
        struct key *k = NULL;
        e = key_from_seed(f, (const uint8_t *)bytes[0].p, &k);
        if (!e)
            e = ed25519_signs(f, k, bytes);
        key_free(k);
        for (size_t j = 0; j < COUNT_OF(texts); j++)
            buf_release(&bytes[j]);
    }
    return e;
}

/* RFC 8037 A.4: the key of A.1 (RFC 8032's test 1) signs a header without kid, so our jws_verify must refuse it. */
static enum err jws_rfc8037(struct fail *f)
{
    const struct str input = STR("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    const struct str want = STR("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    struct buf seed, text;
    from_hex(&seed, rfc8032[0].seed);
    buf_init(&text, 256);
    struct key *k = NULL;
    uint8_t signature[ED25519_SIGNATURE];
    enum err e = key_from_seed(f, (const uint8_t *)seed.p, &k);
    if (!e)
        e = key_sign(f, k, input, signature);
    if (!e) {
        encode_base64url(&text, signature, sizeof signature);
        e = expect(f, buf_str(&text), want, "signature");
    }
    key_free(k);
    buf_release(&seed);
    buf_release(&text);
    return e;
}

static enum err jws_own_form(struct fail *f)
{
    struct buf seed, compact, payload;
    from_hex(&seed, rfc8032[0].seed);
    buf_init(&compact, 512);
    buf_init(&payload, 64);
    struct key *k = NULL;
    uint8_t public_key[ED25519_PUBLIC];
    enum err e = key_from_seed(f, (const uint8_t *)seed.p, &k);
    if (!e)
        e = key_public(f, k, public_key);
    if (!e)
        e = jws_sign(f, k, STR("cs.282049"), STR("{}"), &compact);
    if (!e)
        e = jws_verify(f, buf_str(&compact), STR("cs.282049"), public_key, &payload);
    if (!e)
        e = expect(f, buf_str(&payload), STR("{}"), "payload");
    if (!e && jws_verify(NULL, buf_str(&compact), STR("cs.282014"), public_key, &payload) != ERR_SIGNATURE_FORM)
        e = fail_set(f, ERR_SELFTEST, "selftest", "another signer's name was accepted");
    key_free(k);
    buf_release(&seed);
    buf_release(&compact);
    buf_release(&payload);
    return e;
}

/* NIST's FF1 samples 2, 5 and 8 (one a key size): the same ten digits and tweak. */
static const struct {
    const char *key;
    uint8_t want[10];
} ff1_samples[] = {
    {"2b7e151628aed2a6abf7158809cf4f3c", {6, 1, 2, 4, 2, 0, 0, 7, 7, 3}},
    {"2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f", {2, 4, 9, 6, 6, 5, 5, 5, 4, 9}},
    {"2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94", {1, 0, 0, 1, 6, 2, 3, 4, 6, 3}},
};

static enum err ff1_nist(struct fail *f)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < COUNT_OF(ff1_samples) && !e; i++) {
        static const uint8_t digits[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
        uint8_t out[10] = {0};
        struct buf key;
        struct ff1 *c = NULL;
        from_hex(&key, ff1_samples[i].key);
        e = ff1_new(f, buf_str(&key), &c);
        if (!e)
            e = ff1_encrypt(f, c, STR("9876543210"), digits, sizeof digits, out);
        if (!e && memcmp(out, ff1_samples[i].want, sizeof out) != 0)
            e = fail_set(f, ERR_SELFTEST, "selftest", "encryption differs with a key of %zu bytes", key.n);
        if (!e)
            e = ff1_decrypt(f, c, STR("9876543210"), out, sizeof out, out);
        if (!e && memcmp(out, digits, sizeof out) != 0)
            e = fail_set(f, ERR_SELFTEST, "selftest", "decryption differs with a key of %zu bytes", key.n);
        ff1_free(c);
        buf_release(&key);
    }
    return e;
}

void selftest_known_answers(selftest_report *report, void *arg, struct selftest_count *out)
{
    static const struct selftest_answer rows[] = {
        {"base64 (RFC 4648 section 10)", base64_rfc4648},
        {"base64url (RFC 7515 appendix C)", base64url_rfc7515},
        {"SHA-256 (FIPS 180-4)", sha256_fips180},
        {"Merkle leaf and node (RFC 6962 section 2.1)", merkle_rfc6962},
        {"Ed25519 (RFC 8032 section 7.1)", ed25519_rfc8032},
        {"JWS with Ed25519 (RFC 8037 appendix A.4)", jws_rfc8037},
        {"JWS in the one form accepted", jws_own_form},
        {"FF1 (NIST SP 800-38G samples 2, 5, 8)", ff1_nist},
    };
    selftest_run("known answers", rows, COUNT_OF(rows), report, arg, out);
}
