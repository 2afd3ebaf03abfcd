/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys by GnuTLS, from a file or from a token; with Ed25519 keys from files libsodium signs, and it
 * checks the signatures of others.
 *
 * Decides: which files and URIs are accepted, where a PIN may come from, and that a token's two halves fit.
 * The kind of a key is settled when it is opened and never by what arrives later. A PIN is read when the
 * token asks for it, given once, and wiped; after a refusal it is not tried again, because tokens lock after
 * a few wrong ones. */
#include "keys/key.h"

#include "base/encode.h"
#include "keys/secret.h"

#include <gnutls/abstract.h>
#include <gnutls/pkcs11.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

struct key {
    gnutls_privkey_t private;
    gnutls_pubkey_t half; /* the public one */
    enum key_kind kind;
    bool token;
    uint8_t public_bytes[ED25519_PUBLIC]; /* of an Ed25519 key */
    bool in_memory;                       /* an Ed25519 key from a file: libsodium signs with it */
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    char pin_path[PATH_MAX];
    pthread_mutex_t lock; /* held while a token signs */
};

static const struct kind_row {
    gnutls_pk_algorithm_t algorithm;
    gnutls_ecc_curve_t curve;
    gnutls_sign_algorithm_t signing;
    gnutls_sign_algorithm_t tls; /* its name in TLS 1.3 */
} kinds[] = {
    [KEY_ED25519] = {GNUTLS_PK_EDDSA_ED25519, GNUTLS_ECC_CURVE_ED25519, GNUTLS_SIGN_EDDSA_ED25519,
                     GNUTLS_SIGN_EDDSA_ED25519},
    [KEY_P256] = {GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP256R1, GNUTLS_SIGN_ECDSA_SHA256,
                  GNUTLS_SIGN_ECDSA_SECP256R1_SHA256},
};

static gnutls_datum_t datum_of(struct str s)
{
    /* GnuTLS does not change what it is given; its type only forgets to say so. */
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)s.p, (unsigned)s.n};
}

static enum err fail_token(struct fail *f, int code)
{
    enum err e = code == GNUTLS_E_MEMORY_ERROR                   ? ERR_MEMORY
                 : code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ? ERR_NOT_FOUND
                                                                 : ERR_KEY_TOKEN;
    return fail_set(f, e, "key", "%s", gnutls_strerror(code));
}

static enum err key_new(struct fail *f, struct key **out)
{
    struct key *k = memory_new(sizeof *k);
    if (!k)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    pthread_mutex_init(&k->lock, NULL);
    if (gnutls_privkey_init(&k->private) < 0 || gnutls_pubkey_init(&k->half) < 0) {
        key_free(k);
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    }
    *out = k;
    return ERR_OK;
}

void key_free(struct key *k)
{
    if (!k)
        return;
    if (k->half)
        gnutls_pubkey_deinit(k->half);
    if (k->private)
        gnutls_privkey_deinit(k->private);
    pthread_mutex_destroy(&k->lock);
    explicit_bzero(k->secret, sizeof k->secret);
    memory_free(k);
}

static pthread_once_t sodium_once = PTHREAD_ONCE_INIT;

static void start_sodium(void)
{
    int bad = sodium_init();
    assert(bad >= 0); /* it fails without a source of randomness only */
}

/* Reads kind and public bytes out of the public half. */
static enum err settle_kind(struct fail *f, struct key *k)
{
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
    gnutls_datum_t x = {NULL, 0}, y = {NULL, 0};
    if (gnutls_pubkey_export_ecc_raw(k->half, &curve, &x, &y) < 0)
        return fail_set(f, ERR_KEY_KIND, "key", "neither Ed25519 nor P-256");
    enum err e = ERR_OK;
    if (curve == kinds[KEY_ED25519].curve && x.size == ED25519_PUBLIC) {
        k->kind = KEY_ED25519;
        memcpy(k->public_bytes, x.data, ED25519_PUBLIC);
    } else if (curve == kinds[KEY_P256].curve) {
        k->kind = KEY_P256;
    } else {
        e = fail_set(f, ERR_KEY_KIND, "key", "neither Ed25519 nor P-256");
    }
    gnutls_free(x.data);
    gnutls_free(y.data);
    return e;
}

/* libsodium signs in half of GnuTLS's time. */
static enum err keep_secret(struct fail *f, struct key *k)
{
    gnutls_datum_t seed = {NULL, 0};
    uint8_t public_half[ED25519_PUBLIC];
    if (gnutls_privkey_export_ecc_raw2(k->private, NULL, NULL, NULL, &seed, 0) < 0)
        return fail_set(f, ERR_KEY_KIND, "key", "cannot be read");
    bool whole = seed.size == ED25519_SEED;
    if (whole) {
        pthread_once(&sodium_once, start_sodium);
        crypto_sign_seed_keypair(public_half, k->secret, seed.data);
        k->in_memory = memcmp(public_half, k->public_bytes, sizeof public_half) == 0;
    }
    explicit_bzero(seed.data, seed.size);
    gnutls_free(seed.data);
    return k->in_memory ? ERR_OK : fail_set(f, ERR_KEY_KIND, "key", "its halves do not fit");
}

static enum err import_bytes(struct fail *f, struct key *k, struct str bytes, gnutls_x509_crt_fmt_t format)
{
    gnutls_datum_t d = datum_of(bytes);
    int code = gnutls_privkey_import_x509_raw(k->private, &d, format, NULL, GNUTLS_PKCS_PLAIN);
    if (code < 0)
        return fail_set(f, ERR_KEY_KIND, "key", "%s", gnutls_strerror(code));
    if (gnutls_pubkey_import_privkey(k->half, k->private, 0, 0) < 0)
        return fail_set(f, ERR_KEY_KIND, "key", "no public half");
    enum err e = settle_kind(f, k);
    return e || k->kind != KEY_ED25519 ? e : keep_secret(f, k);
}

static enum err open_file(struct fail *f, struct key *k, const char *path)
{
    struct buf bytes;
    buf_init(&bytes, SECRET_MAX);
    enum err e = secret_read(f, path, &bytes);
    if (!e)
        e = import_bytes(f, k, buf_str(&bytes), GNUTLS_X509_FMT_PEM);
    buf_release(&bytes);
    return e;
}

/* GnuTLS asks for the PIN here, at login; 0 gives it, anything else refuses. */
static int give_pin(void *arg, int attempt, const char *url, const char *label, unsigned flags, char *pin,
                    size_t max)
{
    (void)url, (void)label;
    const struct key *k = arg;
    if (attempt > 0 || (flags & (GNUTLS_PIN_WRONG | GNUTLS_PIN_FINAL_TRY)) || !k->pin_path[0])
        return GNUTLS_E_PKCS11_PIN_ERROR;
    struct buf bytes;
    buf_init(&bytes, SECRET_MAX);
    int code = GNUTLS_E_PKCS11_PIN_ERROR;
    if (secret_read(NULL, k->pin_path, &bytes) == ERR_OK) {
        struct str text = str_trim(buf_str(&bytes));
        if (text.n && text.n < max) {
            memcpy(pin, text.p, text.n);
            pin[text.n] = 0;
            code = 0;
        }
    }
    buf_release(&bytes);
    return code;
}

static enum err set_pin_path(struct fail *f, struct key *k, struct str path)
{
    int n = snprintf(k->pin_path, sizeof k->pin_path, "%.*s", STR_ARG(path));
    return n < 0 || (size_t)n >= sizeof k->pin_path ? fail_set(f, ERR_LIMIT, "pin-source", NULL) : ERR_OK;
}

/* juki-public: the half the token cannot give. */
static enum err import_public(struct fail *f, struct key *k, struct str text)
{
    struct buf bytes;
    buf_init(&bytes, ED25519_PUBLIC);
    enum err e = decode_base64url(f, &bytes, text);
    if (!e && bytes.n != ED25519_PUBLIC)
        e = fail_set(f, ERR_MALFORMED, "juki-public", "%zu bytes instead of 32", bytes.n);
    gnutls_datum_t x = datum_of(buf_str(&bytes));
    if (!e && gnutls_pubkey_import_ecc_raw(k->half, GNUTLS_ECC_CURVE_ED25519, &x, NULL) < 0)
        e = fail_set(f, ERR_KEY_KIND, "juki-public", NULL);
    buf_release(&bytes);
    return e;
}

struct token_uri {
    struct str path;   /* "pkcs11:token=...;object=..." */
    struct str pin;    /* path of the PIN file, or none */
    struct str public; /* base64url, or none */
};

static enum err split_uri(struct fail *f, struct str uri, struct token_uri *out)
{
    struct str rest = uri, part;
    *out = (struct token_uri){{NULL, 0}, {NULL, 0}, {NULL, 0}};
    if (!str_cut(&rest, '?', &out->path))
        return fail_set(f, ERR_MALFORMED, "key", "empty URI");
    while (str_cut(&rest, '&', &part)) {
        const struct str pin = STR("pin-source=file:"), public = STR("juki-public=");
        if (str_starts(part, STR("pin-value=")))
            return fail_set(f, ERR_KEY_PERMISSION, "pin-value",
                            "a PIN stands in a file of its own: pin-source=file:");
        if (str_starts(part, pin))
            out->pin = (struct str){part.p + pin.n, part.n - pin.n};
        else if (str_starts(part, public))
            out->public = (struct str){part.p + public.n, part.n - public.n};
        else
            return fail_set(f, ERR_MALFORMED, "key",
                            "%.*s: only pin-source=file: and juki-public=", STR_ARG(part));
    }
    return ERR_OK;
}

/* The public half: the URI's, or what the private object tells, or the public object of the same name. */
static enum err find_public(struct fail *f, struct key *k, const struct token_uri *uri)
{
    if (uri->public.p)
        return import_public(f, k, uri->public);
    if (gnutls_pubkey_import_privkey(k->half, k->private, 0, 0) >= 0 && settle_kind(NULL, k) == ERR_OK)
        return ERR_OK;
    gnutls_pubkey_deinit(k->half);
    k->half = NULL;
    if (gnutls_pubkey_init(&k->half) < 0)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    char object[1024];
    int n = snprintf(object, sizeof object, "%.*s;type=public", STR_ARG(uri->path));
    if (n < 0 || (size_t)n >= sizeof object)
        return fail_set(f, ERR_LIMIT, "key", NULL);
    gnutls_pubkey_set_pin_function(k->half, give_pin, k);
    if (gnutls_pubkey_import_url(k->half, object, 0) < 0)
        return fail_set(f, ERR_KEY_TOKEN, "key",
                        "the token gives no public half; add &juki-public=BASE64URL");
    return ERR_OK;
}

/* A signature made by the one half and checked with the other. */
static enum err check_halves(struct fail *f, struct key *k)
{
    gnutls_datum_t challenge = datum_of(STR("juki: do both halves of this key fit?")), signature = {NULL, 0};
    int code = gnutls_privkey_sign_data2(k->private, kinds[k->kind].signing, 0, &challenge, &signature);
    if (code < 0)
        return fail_token(f, code);
    code = gnutls_pubkey_verify_data2(k->half, kinds[k->kind].signing, 0, &challenge, &signature);
    gnutls_free(signature.data);
    return code < 0 ? fail_set(f, ERR_KEY_TOKEN, "key", "the public half is not this key's") : ERR_OK;
}

static enum err open_token(struct fail *f, struct key *k, const char *text)
{
    struct token_uri uri;
    enum err e = split_uri(f, str_of(text), &uri);
    if (e)
        return e;
    const char *named = getenv("JUKI_PIN_FILE");
    e = set_pin_path(f, k, uri.pin.p ? uri.pin : str_of(named ? named : ""));
    if (e)
        return e;
    char object[1024];
    int n = snprintf(object, sizeof object, "%.*s;type=private", STR_ARG(uri.path));
    if (n < 0 || (size_t)n >= sizeof object)
        return fail_set(f, ERR_LIMIT, "key", NULL);
    k->token = true;
    gnutls_privkey_set_pin_function(k->private, give_pin, k);
    int code = gnutls_privkey_import_url(k->private, object, GNUTLS_PKCS11_OBJ_FLAG_LOGIN);
    if (code < 0)
        return fail_token(f, code);
    e = find_public(f, k, &uri);
    if (!e)
        e = settle_kind(f, k);
    return e ? e : check_halves(f, k);
}

enum err key_open(struct fail *f, const char *uri, struct key **out)
{
    struct key *k = NULL;
    enum err e = key_new(f, &k);
    if (e)
        return e;
    if (secret_path(uri))
        e = open_file(f, k, secret_path(uri));
    else if (str_starts(str_of(uri), STR("pkcs11:")))
        e = open_token(f, k, uri);
    else
        e = fail_set(f, ERR_MALFORMED, "key", "a key's URI begins with file: or pkcs11:");
    if (e)
        key_free(k);
    else
        *out = k;
    return e;
}

enum err key_from_seed(struct fail *f, const uint8_t seed[static ED25519_SEED], struct key **out)
{
    /* RFC 8410 §7: PKCS#8 of an Ed25519 key is these sixteen bytes and the seed. */
    uint8_t der[16 + ED25519_SEED] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                      0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
    memcpy(der + 16, seed, ED25519_SEED);
    struct key *k = NULL;
    enum err e = key_new(f, &k);
    if (!e)
        e = import_bytes(f, k, (struct str){(const char *)der, sizeof der}, GNUTLS_X509_FMT_DER);
    explicit_bzero(der, sizeof der);
    if (e)
        key_free(k);
    else
        *out = k;
    return e;
}

enum key_kind key_kind(const struct key *k)
{
    return k->kind;
}

enum err key_create_file(struct fail *f, const char *path, enum key_kind kind)
{
    gnutls_x509_privkey_t made = NULL;
    gnutls_datum_t pem = {NULL, 0};
    enum err e = ERR_OK;
    int code = gnutls_x509_privkey_init(&made);
    if (code >= 0)
        code = gnutls_x509_privkey_generate(made, kinds[kind].algorithm,
                                            GNUTLS_CURVE_TO_BITS(kinds[kind].curve), 0);
    if (code >= 0)
        code = gnutls_x509_privkey_export2_pkcs8(made, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    if (code < 0)
        e = fail_set(f, ERR_KEY_KIND, "key", "%s", gnutls_strerror(code));
    if (!e)
        e = secret_create(f, path, (struct str){(const char *)pem.data, pem.size});
    if (pem.data)
        explicit_bzero(pem.data, pem.size);
    gnutls_free(pem.data);
    gnutls_x509_privkey_deinit(made);
    return e;
}

static int sign_data(struct key *k, gnutls_sign_algorithm_t algorithm, const gnutls_datum_t *data,
                     gnutls_datum_t *out)
{
    if (k->token)
        pthread_mutex_lock(&k->lock);
    int code = gnutls_privkey_sign_data2(k->private, algorithm, 0, data, out);
    if (k->token)
        pthread_mutex_unlock(&k->lock);
    return code;
}

enum err key_sign(struct fail *f, struct key *k, struct str message, uint8_t out[static ED25519_SIGNATURE])
{
    if (k->kind != KEY_ED25519)
        return fail_set(f, ERR_KEY_KIND, "key", "an Ed25519 key signs");
    if (message.n > UINT_MAX)
        return fail_set(f, ERR_LIMIT, "message", NULL);
    if (k->in_memory) {
        const unsigned char *bytes = (const unsigned char *)(message.p ? message.p : "");
        crypto_sign_detached(out, NULL, bytes, message.n, k->secret);
        return ERR_OK;
    }
    gnutls_datum_t data = datum_of(message), signature = {NULL, 0};
    int code = sign_data(k, GNUTLS_SIGN_EDDSA_ED25519, &data, &signature);
    if (code < 0)
        return fail_token(f, code);
    bool whole = signature.size == ED25519_SIGNATURE;
    if (whole)
        memcpy(out, signature.data, ED25519_SIGNATURE);
    gnutls_free(signature.data);
    return whole ? ERR_OK : fail_set(f, ERR_KEY_TOKEN, "key", "a signature of another length");
}

enum err key_public(struct fail *f, struct key *k, uint8_t out[static ED25519_PUBLIC])
{
    if (k->kind != KEY_ED25519)
        return fail_set(f, ERR_KEY_KIND, "key", "not an Ed25519 key");
    memcpy(out, k->public_bytes, ED25519_PUBLIC);
    return ERR_OK;
}

enum err key_verify(struct fail *f, const uint8_t public_key[static ED25519_PUBLIC], struct str message,
                    const uint8_t signature[static ED25519_SIGNATURE])
{
    const unsigned char *bytes = (const unsigned char *)(message.p ? message.p : "");
    pthread_once(&sodium_once, start_sodium);
    return crypto_sign_verify_detached(signature, bytes, message.n, public_key)
               ? fail_set(f, ERR_SIGNATURE, "signature", NULL)
               : ERR_OK;
}

void *key_gnutls(struct key *k)
{
    return k->private;
}

void *key_gnutls_public(struct key *k)
{
    return k->half;
}

/* The forwarder: GnuTLS asks it what it can do, and has it sign; for P-256 it hashes first (3.7.9 calls only
 * that, and SoftHSM has no ECDSA with a hash of its own). */

static int forward_sign(gnutls_privkey_t forwarder, gnutls_sign_algorithm_t algorithm, void *arg,
                        unsigned flags, const gnutls_datum_t *data, gnutls_datum_t *out)
{
    (void)forwarder, (void)flags;
    return sign_data(arg, algorithm, data, out);
}

static int forward_sign_hash(gnutls_privkey_t forwarder, gnutls_sign_algorithm_t algorithm, void *arg,
                             unsigned flags, const gnutls_datum_t *hash, gnutls_datum_t *out)
{
    (void)forwarder, (void)flags;
    struct key *k = arg;
    if (k->token)
        pthread_mutex_lock(&k->lock);
    int code = gnutls_privkey_sign_hash2(k->private, algorithm, 0, hash, out);
    if (k->token)
        pthread_mutex_unlock(&k->lock);
    return code;
}

static int forward_info(gnutls_privkey_t forwarder, unsigned flags, void *arg)
{
    (void)forwarder;
    const struct kind_row *row = &kinds[((const struct key *)arg)->kind];
    if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
        return (int)row->algorithm;
    if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
        return 256;
    if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
        return GNUTLS_FLAGS_TO_SIGN_ALGO(flags) == row->signing ||
               GNUTLS_FLAGS_TO_SIGN_ALGO(flags) == row->tls;
    return -1;
}

enum err key_gnutls_forward(struct fail *f, struct key *k, void **out)
{
    gnutls_privkey_t forwarder;
    if (gnutls_privkey_init(&forwarder) < 0)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    int code = gnutls_privkey_import_ext4(forwarder, k, forward_sign, forward_sign_hash, NULL, NULL,
                                          forward_info, 0);
    if (code < 0) {
        gnutls_privkey_deinit(forwarder);
        return fail_token(f, code);
    }
    *out = forwarder;
    return ERR_OK;
}
