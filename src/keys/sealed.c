/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/sealed.h"

#include "base/encode.h"
#include "base/random.h"
#include "base/sha256.h"
#include "keys/secret.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <unistd.h>

enum {
    ID_BYTES = 4,
    SALT_BYTES = 32,
    TAG_BYTES = 16,
    LENGTH_BYTES = 4,
    NONCE_BYTES = 12,
    CHUNK_BYTES = 256 * 1024
};
static const struct str magic = {"juki-sealed 1\n", 14}, key_prefix = {"juki-key 1 ", 11};
static const uint32_t LAST = UINT32_C(1) << 31;

/* ---- keys */

static void name_key(struct sealed_key *key)
{
    struct sha256 hash = sha256_of((struct str){(const char *)key->bytes, sizeof key->bytes});
    for (size_t i = 0; i < ID_BYTES; i++)
        snprintf(key->id + 2 * i, 3, "%02x", hash.bytes[i]);
}

void sealed_key_wipe(struct sealed_key *key)
{
    gnutls_memset(key, 0, sizeof *key);
}

enum err sealed_key_create(struct fail *f, const char *path, struct sealed_key *out)
{
    struct buf line;
    random_bytes(out->bytes, sizeof out->bytes);
    name_key(out);
    buf_init(&line, 256);
    buf_add_str(&line, key_prefix);
    buf_add_str(&line, str_of(out->id));
    buf_add_char(&line, ' ');
    encode_base64url(&line, out->bytes, sizeof out->bytes);
    buf_add_char(&line, '\n');
    enum err e = buf_check(&line, f, "key");
    if (!e)
        e = secret_create(f, path, buf_str(&line));
    buf_release(&line);
    return e;
}

/* "ID BASE64URL" */
static bool parse_key(struct str text, struct sealed_key *out)
{
    struct str id, secret;
    struct buf bytes;
    buf_init(&bytes, SEALED_KEY_BYTES);
    bool good = str_cut(&text, ' ', &id) && str_cut(&text, ' ', &secret) && id.n == SEALED_ID_SIZE - 1 &&
                !decode_base64url(NULL, &bytes, secret) && bytes.n == SEALED_KEY_BYTES;
    if (good) {
        memcpy(out->bytes, bytes.p, SEALED_KEY_BYTES);
        name_key(out);
        good = str_equal(id, str_of(out->id)) && str_trim(text).n == 0;
    }
    buf_release(&bytes);
    return good;
}

enum err sealed_key_read(struct fail *f, const char *path, struct sealed_key *out)
{
    struct buf text;
    buf_init(&text, SECRET_MAX);
    enum err e = secret_read(f, path, &text);
    struct str line = str_trim(buf_str(&text));
    if (!e && (!str_starts(line, key_prefix) ||
               !parse_key((struct str){line.p + key_prefix.n, line.n - key_prefix.n}, out)))
        e = fail_set(f, ERR_KEY_KIND, "key", "%.120s is not a line that juki backup key wrote", path);
    buf_release(&text);
    return e;
}

/* ---- what both directions share */

struct sealed_end {
    int fd;
    gnutls_aead_cipher_hd_t cipher;
    uint64_t number; /* of the next chunk */
    size_t n;        /* bytes in plain */
    uint8_t plain[CHUNK_BYTES];
    uint8_t sealed[LENGTH_BYTES + CHUNK_BYTES + TAG_BYTES];
};

static enum err gnutls_failed(struct fail *f, int rc)
{
    return fail_set(f, ERR_SEALED, NULL, "%s", gnutls_strerror(rc));
}

static enum err open_cipher(struct fail *f, const struct sealed_key *key, struct str before,
                            const uint8_t salt[static SALT_BYTES], struct sealed_end *end)
{
    struct sha256 info = sha256_of(before);
    uint8_t extracted[SEALED_KEY_BYTES], own[SEALED_KEY_BYTES];
    union {
        const void *in;
        void *out;
    } secret = {.in = key->bytes}, random = {.in = salt};
    const gnutls_datum_t ikm = {secret.out, SEALED_KEY_BYTES}, salted = {random.out, SALT_BYTES},
                         prk = {extracted, sizeof extracted}, bound = {info.bytes, sizeof info.bytes},
                         file_key = {own, sizeof own};
    int rc = gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &ikm, &salted, extracted);
    if (!rc)
        rc = gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &prk, &bound, own, sizeof own);
    if (!rc)
        rc = gnutls_aead_cipher_init(&end->cipher, GNUTLS_CIPHER_AES_256_GCM, &file_key);
    gnutls_memset(extracted, 0, sizeof extracted);
    gnutls_memset(own, 0, sizeof own);
    return rc ? gnutls_failed(f, rc) : ERR_OK;
}

static void next_nonce(struct sealed_end *end, uint8_t out[static NONCE_BYTES])
{
    memset(out, 0, NONCE_BYTES);
    for (int i = 0; i < 8; i++)
        out[NONCE_BYTES - 1 - i] = (uint8_t)(end->number >> (8 * i));
    end->number++;
}

static void end_free(struct sealed_end *end)
{
    if (!end)
        return;
    if (end->cipher)
        gnutls_aead_cipher_deinit(end->cipher);
    gnutls_memset(end->plain, 0, sizeof end->plain);
    memory_free(end);
}

static enum err end_new(struct fail *f, int fd, struct sealed_end **out)
{
    struct sealed_end *end = memory_new(sizeof *end);
    if (!end)
        return fail_set(f, ERR_MEMORY, "sealed", NULL);
    end->fd = fd;
    *out = end;
    return ERR_OK;
}

/* ---- writing */

struct sealed_writer {
    struct sealed_end *end;
};

static enum err write_all(struct fail *f, int fd, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_errno(f, ERR_IO, "write");
        p += written;
        n -= (size_t)written;
    }
    return ERR_OK;
}

static enum err write_chunk(struct sealed_end *end, struct fail *f, bool last)
{
    uint8_t nonce[NONCE_BYTES];
    size_t sealed = CHUNK_BYTES + TAG_BYTES;
    uint32_t length = (uint32_t)end->n | (last ? LAST : 0);
    for (int i = 0; i < LENGTH_BYTES; i++)
        end->sealed[i] = (uint8_t)(length >> (24 - 8 * i));
    next_nonce(end, nonce);
    int rc = gnutls_aead_cipher_encrypt(end->cipher, nonce, sizeof nonce, end->sealed, LENGTH_BYTES,
                                        TAG_BYTES, end->plain, end->n, end->sealed + LENGTH_BYTES, &sealed);
    if (rc)
        return gnutls_failed(f, rc);
    end->n = 0;
    return write_all(f, end->fd, end->sealed, LENGTH_BYTES + sealed);
}

static enum err write_front(struct fail *f, const struct sealed_key *key, struct str header,
                            struct sealed_end *end)
{
    uint8_t salt[SALT_BYTES];
    struct buf front;
    buf_init(&front, SEALED_HEADER_MAX + 256);
    buf_add_str(&front, magic);
    enum err e = decode_hex(f, &front, str_of(key->id));
    buf_add_u32(&front, (uint32_t)header.n);
    buf_add_str(&front, header);
    random_bytes(salt, sizeof salt);
    if (!e)
        e = buf_check(&front, f, "header");
    if (!e)
        e = open_cipher(f, key, buf_str(&front), salt, end);
    buf_add(&front, salt, sizeof salt);
    if (!e)
        e = buf_check(&front, f, "header");
    if (!e)
        e = write_all(f, end->fd, front.p, front.n);
    buf_release(&front);
    return e ? e : write_chunk(end, f, false);
}

enum err sealed_writer_new(struct fail *f, int fd, const struct sealed_key *key, struct str header,
                           struct sealed_writer **out)
{
    struct sealed_writer *w = memory_new(sizeof *w);
    if (!w)
        return fail_set(f, ERR_MEMORY, "sealed", NULL);
    enum err e =
        header.n <= SEALED_HEADER_MAX ? end_new(f, fd, &w->end) : fail_set(f, ERR_LIMIT, "header", NULL);
    if (!e)
        e = write_front(f, key, header, w->end);
    if (e) {
        sealed_writer_free(w);
        return e;
    }
    *out = w;
    return ERR_OK;
}

enum err sealed_write(struct sealed_writer *w, struct fail *f, struct str bytes)
{
    struct sealed_end *end = w->end;
    enum err e = ERR_OK;
    while (!e && bytes.n) {
        size_t room = CHUNK_BYTES - end->n, n = bytes.n < room ? bytes.n : room;
        memcpy(end->plain + end->n, bytes.p, n);
        end->n += n;
        bytes = (struct str){bytes.p + n, bytes.n - n};
        if (end->n == CHUNK_BYTES)
            e = write_chunk(end, f, false);
    }
    return e;
}

enum err sealed_writer_end(struct sealed_writer *w, struct fail *f)
{
    return write_chunk(w->end, f, true);
}

void sealed_writer_free(struct sealed_writer *w)
{
    if (!w)
        return;
    end_free(w->end);
    memory_free(w);
}

/* ---- reading */

struct sealed_reader {
    struct sealed_end *end;
    size_t at; /* what was taken of end->plain */
    bool last;
};

/* Fewer than n only at the end of the file. */
static enum err read_up_to(struct fail *f, int fd, void *out, size_t n, size_t *got)
{
    *got = 0;
    while (*got < n) {
        ssize_t more = read(fd, (char *)out + *got, n - *got);
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return fail_errno(f, ERR_IO, "read");
        if (more == 0)
            break;
        *got += (size_t)more;
    }
    return ERR_OK;
}

static enum err read_exactly(struct fail *f, int fd, void *out, size_t n, enum err otherwise)
{
    size_t got = 0;
    enum err e = read_up_to(f, fd, out, n, &got);
    return e || got == n ? e : fail_set(f, otherwise, NULL, "it ends too early");
}

static uint32_t number_of(const uint8_t bytes[static LENGTH_BYTES])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* All up to the random bytes, into front. */
static enum err read_front(struct fail *f, int fd, struct buf *front, struct str *header,
                           char id[SEALED_ID_SIZE])
{
    size_t fixed = magic.n + ID_BYTES + LENGTH_BYTES;
    char *at = buf_reserve(front, fixed);
    if (!at)
        return fail_set(f, ERR_MEMORY, "header", NULL);
    enum err e = read_exactly(f, fd, at, fixed, ERR_SEALED_FORM);
    if (e)
        return e;
    if (memcmp(at, magic.p, magic.n) != 0)
        return fail_set(f, ERR_SEALED_FORM, NULL, NULL);
    const uint8_t *numbers = (const uint8_t *)at + magic.n;
    for (size_t i = 0; i < ID_BYTES; i++)
        snprintf(id + 2 * i, 3, "%02x", numbers[i]);
    uint32_t n = number_of(numbers + ID_BYTES);
    if (n > SEALED_HEADER_MAX)
        return fail_set(f, ERR_SEALED_FORM, "header", "%u bytes", n);
    at = buf_reserve(front, n);
    if (!at)
        return fail_set(f, ERR_MEMORY, "header", NULL);
    e = read_exactly(f, fd, at, n, ERR_SEALED_FORM);
    *header = (struct str){at, n};
    return e ? e : utf8_check(f, "header", *header);
}

enum err sealed_peek(struct fail *f, int fd, struct buf *header, char id[SEALED_ID_SIZE])
{
    char own[SEALED_ID_SIZE];
    struct str text = {NULL, 0};
    struct buf front;
    buf_init(&front, SEALED_HEADER_MAX + 256);
    enum err e = read_front(f, fd, &front, &text, id ? id : own);
    if (!e) {
        buf_add_str(header, text);
        e = buf_check(header, f, "header");
    }
    buf_release(&front);
    return e;
}

static enum err read_chunk(struct sealed_reader *r, struct fail *f)
{
    struct sealed_end *end = r->end;
    uint8_t nonce[NONCE_BYTES];
    size_t plain = CHUNK_BYTES;
    if (r->last)
        return fail_set(f, ERR_SEALED, NULL, "it holds less than it says");
    enum err e = read_exactly(f, end->fd, end->sealed, LENGTH_BYTES, ERR_SEALED);
    uint32_t length = e ? 0 : number_of(end->sealed), n = length & ~LAST;
    if (!e && n > CHUNK_BYTES)
        e = fail_set(f, ERR_SEALED, NULL, "a length was changed");
    if (!e)
        e = read_exactly(f, end->fd, end->sealed + LENGTH_BYTES, n + TAG_BYTES, ERR_SEALED);
    if (e)
        return e;
    unsigned long long number = end->number;
    next_nonce(end, nonce);
    if (gnutls_aead_cipher_decrypt(end->cipher, nonce, sizeof nonce, end->sealed, LENGTH_BYTES, TAG_BYTES,
                                   end->sealed + LENGTH_BYTES, n + TAG_BYTES, end->plain, &plain))
        return number ? fail_set(f, ERR_SEALED, NULL, "part %llu", number)
                      : fail_set(f, ERR_SEALED, NULL, "what it says of itself");
    end->n = plain;
    r->at = 0;
    r->last = (length & LAST) != 0;
    return ERR_OK;
}

static enum err open_front(struct fail *f, const struct sealed_key *key, struct buf *header,
                           struct sealed_reader *r)
{
    uint8_t salt[SALT_BYTES];
    char id[SEALED_ID_SIZE] = "";
    struct str text = {NULL, 0};
    struct buf front;
    buf_init(&front, SEALED_HEADER_MAX + 256);
    enum err e = read_front(f, r->end->fd, &front, &text, id);
    if (!e)
        e = read_exactly(f, r->end->fd, salt, sizeof salt, ERR_SEALED);
    if (!e && strcmp(id, key->id) != 0)
        e = fail_set(f, ERR_SEALED_KEY, "key", "%s, not %s", id, key->id);
    if (!e)
        e = open_cipher(f, key, buf_str(&front), salt, r->end);
    if (!e)
        e = read_chunk(r, f);
    if (!e) {
        buf_add_str(header, text);
        e = buf_check(header, f, "header");
    }
    buf_release(&front);
    return e;
}

enum err sealed_reader_new(struct fail *f, int fd, const struct sealed_key *key, struct buf *header,
                           struct sealed_reader **out)
{
    struct sealed_reader *r = memory_new(sizeof *r);
    if (!r)
        return fail_set(f, ERR_MEMORY, "sealed", NULL);
    enum err e = end_new(f, fd, &r->end);
    if (!e)
        e = open_front(f, key, header, r);
    if (e) {
        sealed_reader_free(r);
        return e;
    }
    *out = r;
    return ERR_OK;
}

enum err sealed_read(struct sealed_reader *r, struct fail *f, void *out, size_t n)
{
    char *to = out;
    enum err e = ERR_OK;
    while (!e && n) {
        size_t left = r->end->n - r->at, part = n < left ? n : left;
        memcpy(to, r->end->plain + r->at, part);
        r->at += part;
        to += part;
        n -= part;
        if (n)
            e = read_chunk(r, f);
    }
    return e;
}

enum err sealed_reader_end(struct sealed_reader *r, struct fail *f)
{
    char spare;
    size_t got = 0;
    enum err e = r->last || r->at < r->end->n ? ERR_OK : read_chunk(r, f); /* the last one may be empty */
    if (!e && (!r->last || r->at < r->end->n))
        return fail_set(f, ERR_SEALED, NULL, "it holds more than it says");
    if (!e)
        e = read_up_to(f, r->end->fd, &spare, 1, &got);
    return !e && got ? fail_set(f, ERR_SEALED, NULL, "something stands behind its end") : e;
}

void sealed_reader_free(struct sealed_reader *r)
{
    if (!r)
        return;
    end_free(r->end);
    memory_free(r);
}
