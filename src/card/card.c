/* SPDX-License-Identifier: Apache-2.0 */
/* The file: {"left":N,"salt":HEX,"hash":HEX,"face":{...}}. The digit behind "left" always stands at the same
 * place, and is written alone where it stands: a byte is written or it is not. hash: SHA-256 over salt and
 * PIN, again and again. */
#include "card/card.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/random.h"
#include "base/sha256.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

enum { CARD_BYTES_MAX = 4096, SALT_SIZE = 16, ROUNDS = 20000, LEFT_AT = 8 };

struct card {
    int fd;
    int left;
    bool verified;
    uint8_t salt[SALT_SIZE];
    struct sha256 hash;
    struct json *tree;
    struct buf text;
};

static struct sha256 hash_pin(const uint8_t salt[static SALT_SIZE], struct str pin)
{
    const struct str salted = {(const char *)salt, SALT_SIZE};
    struct sha256 h = sha256_of_all((const struct str[]){salted, pin}, 2);
    for (int i = 0; i < ROUNDS; i++)
        h = sha256_of_all((const struct str[]){salted, {(const char *)h.bytes, sizeof h.bytes}}, 2);
    return h;
}

/* ---- making ---- */

static bool four_digits(struct str pin)
{
    bool digits = pin.n == 4;
    for (size_t i = 0; digits && i < pin.n; i++)
        digits = pin.p[i] >= '0' && pin.p[i] <= '9';
    return digits;
}

static void write_pin(struct buf *b, struct str pin)
{
    uint8_t salt[SALT_SIZE];
    struct buf hex;
    random_bytes(salt, sizeof salt);
    const struct sha256 h = hash_pin(salt, pin);
    buf_init(&hex, 2 * sizeof h.bytes);
    encode_hex(&hex, salt, sizeof salt);
    json_add_text(b, "salt", buf_str(&hex));
    buf_clear(&hex);
    encode_hex(&hex, h.bytes, sizeof h.bytes);
    json_add_text(b, "hash", buf_str(&hex));
    buf_release(&hex);
}

static void write_face(struct buf *b, const struct card_face *face)
{
    json_begin(b, "face", '{');
    json_add_text(b, "resident_code", face->resident_code);
    json_add_text(b, "issued_on", face->issued_on);
    json_add_text(b, "valid_until", face->valid_until);
    json_add_text(b, "form", face->form);
    json_add_text(b, "authenticity_code", face->authenticity_code);
    json_end(b, '}');
}

static enum err read_face(struct fail *f, const struct json *object, struct arena *a, struct card_face *face)
{
    enum err e;
    *face = (struct card_face){.form = STR(""), .authenticity_code = STR("")};
    if ((e = json_member_text(f, object, "resident_code", a, &face->resident_code)) ||
        (e = json_member_text(f, object, "issued_on", a, &face->issued_on)) ||
        (e = json_member_text(f, object, "valid_until", a, &face->valid_until)) ||
        (e = json_member_text_maybe(f, object, "form", a, &face->form)))
        return e;
    return json_member_text_maybe(f, object, "authenticity_code", a, &face->authenticity_code);
}

enum err card_make(struct fail *f, const char *path, const struct json *description)
{
    struct card_face face;
    struct str pin = {NULL, 0};
    struct arena a;
    struct buf b;
    if (file_exists(path))
        return fail_set(f, ERR_EXISTS, "card", NULL);
    arena_init(&a, 16 << 10);
    buf_init(&b, CARD_BYTES_MAX);
    enum err e = read_face(f, description, &a, &face);
    if (!e)
        e = json_member_text(f, description, "pin", &a, &pin);
    if (!e && !four_digits(pin))
        e = fail_set(f, ERR_MALFORMED, "pin", "four digits");
    if (!e) {
        json_begin(&b, NULL, '{');
        json_add_int(&b, "left", CARD_TRIES);
        write_pin(&b, pin);
        write_face(&b, &face);
        json_end(&b, '}');
        e = buf_check(&b, f, "card");
    }
    if (!e)
        e = file_write(f, path, buf_str(&b), 0600);
    buf_release(&b);
    arena_release(&a);
    return e;
}

/* ---- reading ---- */

static bool decode_exact(const struct json *object, const char *key, void *out, size_t n)
{
    const struct str hex = json_str(json_get(object, key));
    struct buf bytes;
    buf_init(&bytes, 64);
    const bool right = hex.p && !decode_hex(NULL, &bytes, hex) && bytes.n == n;
    if (right)
        memcpy(out, bytes.p, n);
    buf_release(&bytes);
    return right;
}

static enum err parse(struct card *c, struct fail *f)
{
    const struct str text = buf_str(&c->text);
    const struct json *left;
    struct fail none;
    if (!str_starts(text, STR("{\"left\":")) || json_read(&none, text, &c->tree))
        return fail_set(f, ERR_CARD_FILE, "card", NULL);
    left = json_get(c->tree, "left");
    if (!json_is(left, JSON_INTEGER) || left->integer < 0 || left->integer > CARD_TRIES ||
        !decode_exact(c->tree, "salt", c->salt, sizeof c->salt) ||
        !decode_exact(c->tree, "hash", c->hash.bytes, sizeof c->hash.bytes) ||
        !json_is(json_get(c->tree, "face"), JSON_OBJECT))
        return fail_set(f, ERR_CARD_FILE, "card", NULL);
    c->left = (int)left->integer;
    return ERR_OK;
}

enum err card_open(struct fail *f, const char *path, struct card **out)
{
    struct card *c = memory_new(sizeof *c);
    enum err e = c ? ERR_OK : fail_set(f, ERR_MEMORY, "card", NULL);
    if (e)
        return e;
    buf_init(&c->text, CARD_BYTES_MAX);
    if ((c->fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
        e = fail_errno(f, ERR_NOT_FOUND, "card");
    if (!e && flock(c->fd, LOCK_EX | LOCK_NB))
        e = fail_set(f, ERR_BUSY, "card", "it is in another reader");
    if (!e && (e = file_read(f, path, &c->text)) == ERR_LIMIT)
        e = fail_set(f, ERR_CARD_FILE, "card", NULL);
    if (!e)
        e = parse(c, f);
    if (e)
        card_close(c);
    else
        *out = c;
    return e;
}

int card_tries_left(const struct card *c)
{
    return c->left;
}

static enum err keep_left(struct card *c, struct fail *f, int left)
{
    const char digit = (char)('0' + left);
    if (pwrite(c->fd, &digit, 1, LEFT_AT) != 1 || fdatasync(c->fd))
        return fail_errno(f, ERR_IO, "card");
    c->left = left;
    return ERR_OK;
}

enum err card_verify_pin(struct card *c, struct fail *f, struct str pin)
{
    c->verified = false;
    if (c->left == 0)
        return fail_set(f, ERR_CARD_LOCKED, "pin", NULL);
    enum err e = keep_left(c, f, c->left - 1);
    if (e)
        return e;
    if (sha256_equal(hash_pin(c->salt, pin), c->hash)) {
        c->verified = true;
        return keep_left(c, f, CARD_TRIES);
    }
    return c->left ? fail_set(f, ERR_CARD_PIN, "pin", "%d left", c->left)
                   : fail_set(f, ERR_CARD_LOCKED, "pin", NULL);
}

enum err card_read(const struct card *c, struct fail *f, struct card_face *out)
{
    const struct json *face = json_get(c->tree, "face");
    static const char *const must[] = {"resident_code", "issued_on", "valid_until"};
    if (!c->verified)
        return fail_set(f, ERR_CARD_NEEDED, "pin", NULL);
    for (size_t i = 0; i < COUNT_OF(must); i++)
        if (!json_str(json_get(face, must[i])).p)
            return fail_set(f, ERR_CARD_FILE, must[i], NULL);
    *out = (struct card_face){.resident_code = json_str(json_get(face, "resident_code")),
                              .issued_on = json_str(json_get(face, "issued_on")),
                              .valid_until = json_str(json_get(face, "valid_until")),
                              .form = json_str(json_get(face, "form")),
                              .authenticity_code = json_str(json_get(face, "authenticity_code"))};
    return ERR_OK;
}

void card_close(struct card *c)
{
    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
    json_free(c->tree);
    buf_release(&c->text);
    memory_free(c);
}
