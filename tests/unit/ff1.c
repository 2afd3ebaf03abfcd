/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/ff1.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/random.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

static struct ff1 *some_key(size_t n)
{
    struct ff1 *c = NULL;
    assert_ok(ff1_new(NULL, (struct str){"0123456789abcdef0123456789abcdef", n}, &c));
    return c;
}

static void decrypting_undoes_encrypting(void **state)
{
    (void)state;
    struct random_seeded r = {20261122};
    static const size_t key_sizes[] = {16, 24, 32};
    char tweak[64];
    uint8_t in[300], out[300];
    for (int round = 0; round < 3000; round++) {
        struct ff1 *c = some_key(key_sizes[round % 3]);
        unsigned radix = 2 + (unsigned)random_seeded_below(&r, 255);
        size_t n = 20 + random_seeded_below(&r, sizeof in - 20), t = random_seeded_below(&r, sizeof tweak);
        if (round % 2) {
            radix = 10;
            n = FF1_LENGTH_MIN + random_seeded_below(&r, 50);
        }
        for (size_t i = 0; i < t; i++)
            tweak[i] = (char)random_seeded_next(&r);
        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)random_seeded_below(&r, radix);
        struct ff1_text text = {radix, {tweak, t}, in, n};
        assert_ok(ff1_encrypt_radix(NULL, c, &text, out));
        for (size_t i = 0; i < n; i++)
            assert_in_range(out[i], 0, radix - 1);
        assert_memory_not_equal(out, in, n);
        text.digits = out; /* in place */
        assert_ok(ff1_decrypt_radix(NULL, c, &text, out));
        assert_memory_equal(out, in, n);
        ff1_free(c);
    }
}

static void every_six_digits_become_another_six(void **state)
{
    (void)state;
    struct ff1 *c = some_key(32);
    static bool seen[1000000];
    for (unsigned v = 0; v < 1000000; v++) {
        uint8_t d[6];
        unsigned rest = v, got = 0;
        for (size_t i = 6; i-- > 0; rest /= 10)
            d[i] = (uint8_t)(rest % 10);
        assert_ok(ff1_encrypt(NULL, c, STR("one"), d, 6, d));
        for (size_t i = 0; i < 6; i++)
            got = got * 10 + d[i];
        if (seen[got])
            fail_msg("%u twice", got);
        seen[got] = true;
    }
    ff1_free(c);
}

static void the_longest_and_what_is_longer(void **state)
{
    (void)state;
    struct ff1 *c = some_key(16);
    static uint8_t in[FF1_LENGTH_MAX + 1], out[FF1_LENGTH_MAX + 1];
    static char tweak[FF1_TWEAK_MAX + 1];
    static const unsigned radices[] = {2, 10, 36, 256};
    for (size_t i = 0; i < COUNT_OF(radices); i++) {
        memset(in, (int)radices[i] - 1, sizeof in);
        struct ff1_text text = {radices[i], {tweak, FF1_TWEAK_MAX}, in, FF1_LENGTH_MAX};
        assert_ok(ff1_encrypt_radix(NULL, c, &text, out));
        text.digits = out;
        assert_ok(ff1_decrypt_radix(NULL, c, &text, out));
        assert_memory_equal(out, in, FF1_LENGTH_MAX);
    }
    memset(in, 1, sizeof in);
    assert_err(ff1_encrypt(NULL, c, STR(""), in, FF1_LENGTH_MAX + 1, out), ERR_FIELD_RANGE);
    assert_err(ff1_encrypt(NULL, c, (struct str){tweak, sizeof tweak}, in, 10, out), ERR_FIELD_RANGE);
    ff1_free(c);
}

static void short_and_bad_input_is_refused(void **state)
{
    (void)state;
    struct ff1 *c = some_key(16);
    uint8_t in[20] = {1, 2, 3, 4, 5, 6}, out[20] = {99};
    for (size_t n = 0; n < FF1_LENGTH_MIN; n++)
        assert_err(ff1_encrypt(NULL, c, STR(""), in, n, out), ERR_FIELD_RANGE);
    struct ff1_text bits = {2, STR(""), (const uint8_t[20]){0}, 6}; /* 2^6 < 100 < 2^7 */
    assert_err(ff1_encrypt_radix(NULL, c, &bits, out), ERR_FIELD_RANGE);
    struct ff1_text bytes = {256, STR(""), (const uint8_t[2]){200, 255}, 1}; /* one digit has no two halves */
    assert_err(ff1_encrypt_radix(NULL, c, &bytes, out), ERR_FIELD_RANGE);
    bytes.n = 2;
    bytes.radix = 257;
    assert_err(ff1_encrypt_radix(NULL, c, &bytes, out), ERR_FIELD_RANGE);
    bytes.radix = 1;
    assert_err(ff1_encrypt_radix(NULL, c, &bytes, out), ERR_FIELD_RANGE);
    out[0] = 99;
    in[3] = 10;
    assert_err(ff1_encrypt(NULL, c, STR(""), in, 6, out), ERR_FIELD_RANGE);
    assert_err(ff1_decrypt(NULL, c, STR(""), in, 6, out), ERR_FIELD_RANGE);
    assert_int_equal(out[0], 99);
    bits.n = 7;
    assert_ok(ff1_encrypt_radix(NULL, c, &bits, out));
    ff1_free(c);
    for (size_t n = 0; n <= 33; n++) {
        if (n != 16 && n != 24 && n != 32)
            assert_err(ff1_new(NULL, (struct str){"0123456789abcdef0123456789abcdefX", n}, &c), ERR_KEY_KIND);
    }
}

static void a_key_file_is_made_and_read(void **state)
{
    (void)state;
    char folder[] = "/tmp/juki-ff1-XXXXXX", path[64], uri[80];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/number", folder);
    snprintf(uri, sizeof uri, "file:%s", path);
    struct ff1 *a = NULL, *b = NULL;
    uint8_t in[11] = {1, 2, 3}, one[11], two[11];
    assert_err(ff1_open(NULL, uri, &a), ERR_NOT_FOUND);
    assert_ok(ff1_create_file(NULL, path));
    assert_err(ff1_create_file(NULL, path), ERR_EXISTS);
    assert_ok(ff1_open(NULL, uri, &a));
    assert_ok(ff1_open(NULL, uri, &b));
    assert_ok(ff1_encrypt(NULL, a, STR("t"), in, 11, one));
    assert_ok(ff1_encrypt(NULL, b, STR("t"), in, 11, two));
    assert_memory_equal(one, two, 11);
    ff1_free(a);
    ff1_free(b);
    assert_int_equal(chmod(path, 0640), 0);
    assert_err(ff1_open(NULL, uri, &a), ERR_KEY_PERMISSION);
    assert_ok(file_write(NULL, path, STR("00112233"), 0600));
    assert_err(ff1_open(NULL, uri, &a), ERR_KEY_KIND);
    assert_ok(file_write(NULL, path, STR("what?"), 0600));
    assert_err(ff1_open(NULL, uri, &a), ERR_KEY_KIND);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decrypting_undoes_encrypting),
        cmocka_unit_test(every_six_digits_become_another_six),
        cmocka_unit_test(the_longest_and_what_is_longer),
        cmocka_unit_test(short_and_bad_input_is_refused),
        cmocka_unit_test(a_key_file_is_made_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
