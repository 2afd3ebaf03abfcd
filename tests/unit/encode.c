/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "test.h"

/* RFC 4648 §10 */
static const struct {
    struct str plain, base64, base64url;
} rows[] = {
    {STR(""), STR(""), STR("")},
    {STR("f"), STR("Zg=="), STR("Zg")},
    {STR("fo"), STR("Zm8="), STR("Zm8")},
    {STR("foo"), STR("Zm9v"), STR("Zm9v")},
    {STR("foobar"), STR("Zm9vYmFy"), STR("Zm9vYmFy")},
    {STR("\xfb\xff"), STR("+/8="), STR("-_8")},
};

static void published_values_both_ways(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&b);
        encode_base64(&b, rows[i].plain.p, rows[i].plain.n);
        assert_true(str_equal(buf_str(&b), rows[i].base64));
        buf_clear(&b);
        encode_base64url(&b, rows[i].plain.p, rows[i].plain.n);
        assert_true(str_equal(buf_str(&b), rows[i].base64url));
        buf_clear(&b);
        assert_ok(decode_base64(NULL, &b, rows[i].base64));
        assert_true(str_equal(buf_str(&b), rows[i].plain));
        buf_clear(&b);
        assert_ok(decode_base64url(NULL, &b, rows[i].base64url));
        assert_true(str_equal(buf_str(&b), rows[i].plain));
    }
    buf_release(&b);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_err(decode_base64(NULL, &b, STR("Zg")), ERR_MALFORMED);
    assert_err(decode_base64(NULL, &b, STR("Zh==")), ERR_MALFORMED);
    assert_err(decode_base64(NULL, &b, STR("Z===")), ERR_MALFORMED);
    assert_err(decode_base64url(NULL, &b, STR("Zg==")), ERR_MALFORMED);
    assert_err(decode_base64url(NULL, &b, STR("Z")), ERR_MALFORMED);
    assert_err(decode_hex(NULL, &b, STR("abc")), ERR_MALFORMED);
    assert_err(decode_hex(NULL, &b, STR("xz")), ERR_MALFORMED);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values_both_ways),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
