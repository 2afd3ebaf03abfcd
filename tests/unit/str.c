/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "test.h"

static void utf8_is_checked_at_the_border(void **state)
{
    (void)state;
    static const struct {
        struct str s;
        enum err want;
    } rows[] = {
        {STR("西宮市𠮷"), ERR_OK},           {STR(""), ERR_OK},       {STR("\xc0\x80"), ERR_UTF8},
        {STR("\xed\xa0\x80"), ERR_UTF8},     {STR("a\0b"), ERR_UTF8}, {STR("\xe3\x81"), ERR_UTF8},
        {STR("\xf4\x90\x80\x80"), ERR_UTF8}, {STR("\xff"), ERR_UTF8}, {STR("\xe0\x9f\xbf"), ERR_UTF8},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_err(utf8_check(NULL, "t", rows[i].s), rows[i].want);
}

static void code_points_are_counted_and_walked(void **state)
{
    (void)state;
    struct str s = STR("a西𠮷");
    size_t at = 0;
    assert_int_equal(utf8_count(s), 3);
    assert_int_equal(utf8_next(s, &at), 'a');
    assert_int_equal(utf8_next(s, &at), 0x897f);
    assert_int_equal(utf8_next(s, &at), 0x20bb7);
    assert_int_equal(at, s.n);
}

static void a_cut_text_ends_with_a_whole_character(void **state)
{
    (void)state;
    static const char text[] = "a西𠮷b";
    static const size_t whole[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 9};
    for (size_t n = 0; n < COUNT_OF(whole); n++) {
        char z[16] = "";
        memcpy(z, text, n);
        utf8_drop_cut(z);
        assert_int_equal(strlen(z), whole[n]);
    }
    struct fail f = {0};
    char detail[300], shown[40];
    memset(detail, 0, sizeof detail);
    for (size_t i = 0; i + 3 < sizeof detail; i += 3)
        memcpy(detail + i, "西", 3);
    fail_set(&f, ERR_JSON, NULL, "x%s", detail);
    assert_ok(utf8_check(NULL, "detail", str_of(f.detail)));
    for (size_t size = 1; size <= sizeof shown; size++)
        assert_ok(utf8_check(NULL, "text", str_of(fail_text(&f, FAIL_JAPANESE, shown, size))));
}

static void cutting_ends_after_the_last_part(void **state)
{
    (void)state;
    struct str rest = STR("a,,b"), part;
    assert_true(str_cut(&rest, ',', &part));
    assert_str(part, "a");
    assert_true(str_cut(&rest, ',', &part));
    assert_str(part, "");
    assert_true(str_cut(&rest, ',', &part));
    assert_str(part, "b");
    assert_false(str_cut(&rest, ',', &part));
}

static void numbers_refuse_overflow_and_signs(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_true(str_to_uint(STR("18446744073709551615"), UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
    assert_false(str_to_uint(STR("18446744073709551616"), UINT64_MAX, &v));
    assert_false(str_to_uint(STR("-1"), 10, &v));
    assert_false(str_to_uint(STR(""), 10, &v));
    assert_false(str_to_uint(STR("11"), 10, &v));
    assert_true(v == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_checked_at_the_border),
        cmocka_unit_test(code_points_are_counted_and_walked),
        cmocka_unit_test(a_cut_text_ends_with_a_whole_character),
        cmocka_unit_test(cutting_ends_after_the_last_part),
        cmocka_unit_test(numbers_refuse_overflow_and_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
