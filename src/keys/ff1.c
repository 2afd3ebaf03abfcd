/* SPDX-License-Identifier: Apache-2.0 */
/* FF1, algorithms 7 and 8 of NIST SP 800-38G, in the names of that document.
 *
 * The n digits are cut into A (u = n/2 digits) and B (v = n - u). Ten rounds, i = 0..9:
 *     Q = T || 0...0 || [i]1 || [NUM(B)]b      filled with zeros so that its length is a multiple of 16
 *     R = CBC-MAC(P || Q);  S = the first d bytes of R || AES(R ^ [1]16) || AES(R ^ [2]16) ...
 *     C = (NUM(A) + NUM(S)) mod radix^m;  A = B;  B = C        m = u in even rounds, v in odd ones
 * with b the bytes that v digits need, d = 4*ceil(b/4) + 4, and
 *     P = [1][2][1] [radix]3 [10] [u mod 256] [n]4 [t]4.
 * Decryption subtracts, with i from 9 down to 0.
 *
 * Here A and B are not moved: round i changes half i%2 by the other half, which is the same. P and the whole blocks of
 * T are the same in all rounds, so their CBC-MAC is computed once. Halves up to 64 bits are machine numbers; longer
 * ones are limbs of 32 bits, and since sums are made digit by digit, only two conversions of big numbers are needed. */
#include "keys/ff1.h"

#include "base/encode.h"
#include "base/random.h"
#include "keys/secret.h"

#include <nettle/aes.h>
#include <nettle/nettle-meta.h>

enum { BLOCK = 16, ROUNDS = 10, HALF_MAX = FF1_LENGTH_MAX / 2 };
/* A digit is at most a byte. */
enum { NUMBER_MAX = HALF_MAX, STREAM_MAX = NUMBER_MAX + 8 + BLOCK, LIMBS = STREAM_MAX / 4 + 1 };
/* T's last part block, zeros, i, NUM(B): at most one block more than i and NUM(B) need. */
enum { TAIL_MAX = NUMBER_MAX + 1 + 2 * BLOCK };

struct ff1 {
    nettle_cipher_func *encrypt;
    union {
        struct aes128_ctx aes128;
        struct aes192_ctx aes192;
        struct aes256_ctx aes256;
    } context;
};

/* One call: what stays the same in its ten rounds. */
struct feistel {
    const struct ff1 *c;
    unsigned radix;
    size_t length[2];      /* digits of each half: u, v */
    size_t b, d;           /* bytes of NUM(B) and of S */
    uint8_t state[BLOCK];  /* CBC-MAC of P and the whole blocks of T */
    size_t tail_n;         /* bytes of Q after them */
    uint8_t tail[TAIL_MAX];
    uint8_t stream[STREAM_MAX]; /* S */
};

enum direction { ENCRYPT, DECRYPT };

/* Keys */

enum err ff1_new(struct fail *f, struct str key, struct ff1 **out)
{
    static const struct nettle_cipher *const ciphers[] = {&nettle_aes128, &nettle_aes192, &nettle_aes256};
    for (size_t i = 0; i < COUNT_OF(ciphers); i++) {
        if (ciphers[i]->key_size != key.n)
            continue;
        struct ff1 *c = memory_new(sizeof *c);
        if (!c)
            return fail_set(f, ERR_MEMORY, NULL, NULL);
        assert(ciphers[i]->context_size <= sizeof c->context);
        ciphers[i]->set_encrypt_key(&c->context, (const uint8_t *)key.p);
        c->encrypt = ciphers[i]->encrypt;
        *out = c;
        return ERR_OK;
    }
    return fail_set(f, ERR_KEY_KIND, "number_key", "%zu bytes instead of 16, 24 or 32", key.n);
}

enum err ff1_open(struct fail *f, const char *uri, struct ff1 **out)
{
    if (!secret_path(uri))
        return fail_set(f, ERR_MALFORMED, "number_key", "a number key's URI begins with file:");
    struct buf text, key;
    buf_init(&text, SECRET_MAX);
    buf_init(&key, FF1_KEY_MAX);
    enum err e = secret_read(f, secret_path(uri), &text);
    if (!e && decode_hex(NULL, &key, str_trim(buf_str(&text))) != ERR_OK)
        e = fail_set(f, ERR_KEY_KIND, "number_key", "not 16, 24 or 32 bytes in hexadecimal");
    if (!e)
        e = ff1_new(f, buf_str(&key), out);
    buf_release(&text);
    buf_release(&key);
    return e;
}

enum err ff1_create_file(struct fail *f, const char *path)
{
    uint8_t key[FF1_KEY_MAX];
    random_bytes(key, sizeof key);
    struct buf text;
    buf_init(&text, 2 * sizeof key + 1);
    encode_hex(&text, key, sizeof key);
    buf_add_char(&text, '\n');
    explicit_bzero(key, sizeof key);
    enum err e = buf_check(&text, f, "number_key");
    if (!e)
        e = secret_create(f, path, buf_str(&text));
    buf_release(&text);
    return e;
}

void ff1_free(struct ff1 *c)
{
    if (c)
        explicit_bzero(c, sizeof *c);
    memory_free(c);
}

/* The round function */

static void absorb(const struct ff1 *c, uint8_t state[static BLOCK], const uint8_t *p, size_t n)
{
    for (; n; p += BLOCK, n -= BLOCK) {
        for (size_t i = 0; i < BLOCK; i++)
            state[i] ^= p[i];
        c->encrypt(&c->context, BLOCK, state, state);
    }
}

/* S for round i, from the tail whose last b bytes are NUM of the other half. */
static void make_stream(struct feistel *w, unsigned i)
{
    w->tail[w->tail_n - w->b - 1] = (uint8_t)i;
    memcpy(w->stream, w->state, BLOCK);
    absorb(w->c, w->stream, w->tail, w->tail_n);
    for (size_t at = BLOCK, j = 1; at < w->d; at += BLOCK, j++) {
        memcpy(w->stream + at, w->stream, BLOCK);
        for (size_t k = 0; k < sizeof j; k++)
            w->stream[at + BLOCK - 1 - k] ^= (uint8_t)(j >> (8 * k));
        w->c->encrypt(&w->c->context, BLOCK, w->stream + at, w->stream + at);
    }
}

static void put_u32(uint8_t out[static 4], uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void prepare(struct feistel *w, struct str tweak)
{
    size_t n = w->length[0] + w->length[1], whole = tweak.n - tweak.n % BLOCK;
    uint8_t p[BLOCK] = {1, 2, 1, 0, (uint8_t)(w->radix >> 8), (uint8_t)w->radix, ROUNDS, (uint8_t)w->length[0]};
    put_u32(p + 8, (uint32_t)n);
    put_u32(p + 12, (uint32_t)tweak.n);
    w->d = (w->b + 3) / 4 * 4 + 4;
    memset(w->state, 0, BLOCK);
    absorb(w->c, w->state, p, BLOCK);
    absorb(w->c, w->state, (const uint8_t *)tweak.p, whole);
    w->tail_n = (tweak.n - whole + 1 + w->b + BLOCK - 1) / BLOCK * BLOCK;
    memset(w->tail, 0, w->tail_n);
    if (tweak.n > whole)
        memcpy(w->tail, tweak.p + whole, tweak.n - whole);
}

/* Halves up to 64 bits */

/* radix^n, or 0 when it does not fit 64 bits. */
static uint64_t power(unsigned radix, size_t n)
{
    uint64_t p = 1;
    while (n--) {
        if (__builtin_mul_overflow(p, (uint64_t)radix, &p))
            return 0;
    }
    return p;
}

static uint64_t number(unsigned radix, const uint8_t *digits, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v * radix + digits[i];
    return v;
}

static void write_digits(unsigned radix, uint64_t v, uint8_t *digits, size_t n)
{
    while (n--) {
        digits[n] = (uint8_t)(v % radix);
        v /= radix;
    }
}

static size_t bytes_of(uint64_t v)
{
    return (size_t)(64 - __builtin_clzll(v | 1) + 7) / 8;
}

static void small_round(struct feistel *w, unsigned i, enum direction way, const uint64_t limit[2], uint64_t half[2])
{
    uint64_t other = half[1 - i % 2], m = limit[i % 2];
    uint8_t *end = w->tail + w->tail_n;
    for (size_t k = 0; k < w->b; k++)
        *--end = (uint8_t)(other >> (8 * k));
    make_stream(w, i);
    unsigned __int128 s = 0; /* d is at most 12 */
    for (size_t k = 0; k < w->d; k++)
        s = s << 8 | w->stream[k];
    uint64_t y = (uint64_t)(s % m), back = way == ENCRYPT ? m - y : y; /* subtract this, modulo m */
    uint64_t x = half[i % 2];
    half[i % 2] = x >= back ? x - back : x + (m - back);
}

static void small_rounds(struct feistel *w, struct str tweak, enum direction way, const uint8_t *in, uint8_t *out)
{
    const uint64_t limit[2] = {power(w->radix, w->length[0]), power(w->radix, w->length[1])};
    uint64_t half[2] = {number(w->radix, in, w->length[0]), number(w->radix, in + w->length[0], w->length[1])};
    w->b = bytes_of(limit[1] - 1);
    prepare(w, tweak);
    for (unsigned i = 0; i < ROUNDS; i++)
        small_round(w, way == ENCRYPT ? i : ROUNDS - 1 - i, way, limit, half);
    write_digits(w->radix, half[0], out, w->length[0]);
    write_digits(w->radix, half[1], out + w->length[0], w->length[1]);
}

/* Longer halves */

struct big {
    uint32_t limb[LIMBS]; /* least first */
    size_t n;
};

/* x = x * factor + add */
static void big_multiply(struct big *x, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < x->n; i++) {
        carry += (uint64_t)x->limb[i] * factor;
        x->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) {
        assert(x->n < LIMBS);
        x->limb[x->n++] = (uint32_t)carry;
    }
}

/* x = x / divisor; returns the remainder */
static uint32_t big_divide(struct big *x, uint32_t divisor)
{
    uint64_t rest = 0;
    for (size_t i = x->n; i-- > 0;) {
        rest = rest << 32 | x->limb[i];
        x->limb[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    while (x->n && x->limb[x->n - 1] == 0)
        x->n--;
    return (uint32_t)rest;
}

/* How many digits fit one 32-bit factor. */
static size_t digits_at_once(unsigned radix)
{
    size_t n = 1;
    for (uint64_t p = radix; p * radix <= UINT32_MAX; p *= radix)
        n++;
    return n;
}

static void big_from_digits(struct big *x, unsigned radix, const uint8_t *digits, size_t n)
{
    size_t step = digits_at_once(radix);
    x->n = 0;
    for (size_t i = 0; i < n; i += step) {
        size_t k = n - i < step ? n - i : step;
        big_multiply(x, (uint32_t)power(radix, k), (uint32_t)number(radix, digits + i, k));
    }
}

/* The lowest n digits of x, which is used up. */
static void big_to_digits(struct big *x, unsigned radix, uint8_t *digits, size_t n)
{
    size_t step = digits_at_once(radix);
    while (n) {
        size_t k = n < step ? n : step;
        write_digits(radix, big_divide(x, (uint32_t)power(radix, k)), digits + n - k, k);
        n -= k;
    }
}

static void big_to_bytes(const struct big *x, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[n - 1 - i] = i / 4 < x->n ? (uint8_t)(x->limb[i / 4] >> (8 * (i % 4))) : 0;
}

static void big_from_bytes(struct big *x, const uint8_t *p, size_t n)
{
    x->n = (n + 3) / 4;
    memset(x->limb, 0, x->n * sizeof x->limb[0]);
    for (size_t i = 0; i < n; i++)
        x->limb[i / 4] |= (uint32_t)p[n - 1 - i] << (8 * (i % 4));
}

/* Bytes of radix^n - 1, the largest number of n digits. */
static size_t big_bytes(struct big *x, unsigned radix, size_t n)
{
    uint8_t digits[HALF_MAX];
    memset(digits, (int)radix - 1, n);
    big_from_digits(x, radix, digits, n);
    return (x->n - 1) * 4 + bytes_of(x->limb[x->n - 1]);
}

/* a = a + y or a - y, digit by digit; what is carried out of the highest is dropped (that is the modulus). */
static void add_digits(unsigned radix, uint8_t *a, const uint8_t *y, size_t n, enum direction way)
{
    int carry = 0, base = (int)radix;
    for (size_t i = n; i-- > 0;) {
        int v = way == ENCRYPT ? a[i] + y[i] + carry : a[i] - y[i] - carry;
        carry = v >= base || v < 0;
        a[i] = (uint8_t)(v >= base ? v - base : v < 0 ? v + base : v);
    }
}

static void big_rounds(struct feistel *w, struct str tweak, enum direction way, const uint8_t *in, uint8_t *out)
{
    struct big x;
    uint8_t y[HALF_MAX];
    memmove(out, in, w->length[0] + w->length[1]);
    uint8_t *half[2] = {out, out + w->length[0]};
    w->b = big_bytes(&x, w->radix, w->length[1]);
    prepare(w, tweak);
    for (unsigned k = 0; k < ROUNDS; k++) {
        unsigned i = way == ENCRYPT ? k : ROUNDS - 1 - k, here = i % 2, other = 1 - here;
        big_from_digits(&x, w->radix, half[other], w->length[other]);
        big_to_bytes(&x, w->tail + w->tail_n - w->b, w->b);
        make_stream(w, i);
        big_from_bytes(&x, w->stream, w->d);
        big_to_digits(&x, w->radix, y, w->length[here]);
        add_digits(w->radix, half[here], y, w->length[here], way);
    }
    explicit_bzero(y, sizeof y);
    explicit_bzero(&x, sizeof x);
}

/* Both ways in */

enum { LEAST_FIRST_EDITION = 100, LEAST_REVISION_1 = 1000000 }; /* of radix^n */

static enum err check(struct fail *f, const struct ff1_text *in, uint64_t least)
{
    if (in->radix < 2 || in->radix > FF1_RADIX_MAX)
        return fail_set(f, ERR_FIELD_RANGE, "radix", "%u", in->radix);
    uint64_t messages = power(in->radix, in->n); /* 0: more than 64 bits */
    if (in->n < 2 || in->n > FF1_LENGTH_MAX || (messages && messages < least))
        return fail_set(f, ERR_FIELD_RANGE, "digits", "%zu digits in radix %u", in->n, in->radix);
    if (in->tweak.n > FF1_TWEAK_MAX)
        return fail_set(f, ERR_FIELD_RANGE, "tweak", "%zu bytes", in->tweak.n);
    for (size_t i = 0; i < in->n; i++) {
        if (in->digits[i] >= in->radix)
            return fail_set(f, ERR_FIELD_RANGE, "digits", "digit %zu", i);
    }
    return ERR_OK;
}

static void run(const struct ff1 *c, const struct ff1_text *in, enum direction way, uint8_t *out)
{
    struct feistel w;
    w.c = c;
    w.radix = in->radix;
    w.length[0] = in->n / 2;
    w.length[1] = in->n - in->n / 2;
    if (power(in->radix, w.length[1]))
        small_rounds(&w, in->tweak, way, in->digits, out);
    else
        big_rounds(&w, in->tweak, way, in->digits, out);
    explicit_bzero(w.tail, w.tail_n);
    explicit_bzero(w.stream, w.d);
}

static enum err checked(struct fail *f, const struct ff1 *c, const struct ff1_text *in, uint64_t least,
                        enum direction way, uint8_t *out)
{
    enum err e = check(f, in, least);
    if (!e)
        run(c, in, way, out);
    return e;
}

enum err ff1_encrypt(struct fail *f, const struct ff1 *c, struct str tweak, const uint8_t *in, size_t n, uint8_t *out)
{
    return checked(f, c, &(struct ff1_text){10, tweak, in, n}, LEAST_REVISION_1, ENCRYPT, out);
}

enum err ff1_decrypt(struct fail *f, const struct ff1 *c, struct str tweak, const uint8_t *in, size_t n, uint8_t *out)
{
    return checked(f, c, &(struct ff1_text){10, tweak, in, n}, LEAST_REVISION_1, DECRYPT, out);
}

enum err ff1_encrypt_radix(struct fail *f, const struct ff1 *c, const struct ff1_text *in, uint8_t *out)
{
    return checked(f, c, in, LEAST_FIRST_EDITION, ENCRYPT, out);
}

enum err ff1_decrypt_radix(struct fail *f, const struct ff1 *c, const struct ff1_text *in, uint8_t *out)
{
    return checked(f, c, in, LEAST_FIRST_EDITION, DECRYPT, out);
}
