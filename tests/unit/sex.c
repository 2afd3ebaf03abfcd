/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/sex.h"
#include "test.h"

static void each_sex_has_a_word_a_number_and_a_text(void **state)
{
    (void)state;
    static const struct {
        int number;
        const char *name, *text;
    } rows[] = {{0, "unknown", "不明"}, {1, "male", "男"}, {2, "female", "女"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enum sex parsed, stored;
        assert_ok(sex_parse(NULL, str_of(rows[i].name), &parsed));
        assert_ok(sex_from_int(NULL, rows[i].number, &stored));
        assert_int_equal(parsed, rows[i].number);
        assert_int_equal(stored, rows[i].number);
        assert_string_equal(sex_name(parsed), rows[i].name);
        assert_string_equal(sex_text(parsed), rows[i].text);
    }
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const words[] = {"", "Male", "男", "m", "male "};
    static const int64_t numbers[] = {-1, 3, INT64_MAX, INT64_MIN};
    enum sex sex = SEX_FEMALE;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        assert_err(sex_parse(NULL, str_of(words[i]), &sex), ERR_SEX);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_err(sex_from_int(NULL, numbers[i], &sex), ERR_SEX);
    assert_int_equal(sex, SEX_FEMALE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sex_has_a_word_a_number_and_a_text),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
