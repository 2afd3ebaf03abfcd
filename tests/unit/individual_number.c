/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/individual_number.h"
#include "base/random.h"
#include "test.h"

static void only_twelve_half_width_digits_with_their_check_digit_pass(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err want;
        const char *detail;
    } rows[] = {
        {"123456789018", ERR_OK, ""}, /* the worked example of the ordinance's formula */
        {"983205673214", ERR_OK, ""}, /* published specimens */
        {"379474484458", ERR_OK, ""},
        {"454972364860", ERR_OK, ""}, /* remainder 0 */
        {"507957100721", ERR_OK, ""},
        {"000000000000", ERR_OK, ""},
        {"123456789012", ERR_INDIVIDUAL_NUMBER_CHECK, "12**********"},
        {"983205673215", ERR_INDIVIDUAL_NUMBER_CHECK, "98**********"},
        {"454972364861", ERR_INDIVIDUAL_NUMBER_CHECK, "45**********"},
        {"12345678901", ERR_INDIVIDUAL_NUMBER_FORM, "11 digits 桁 ≠ 12"},
        {"1234567890180", ERR_INDIVIDUAL_NUMBER_FORM, "13 digits 桁 ≠ 12"},
        {"", ERR_INDIVIDUAL_NUMBER_FORM, "0 digits 桁 ≠ 12"},
        {"1234-5678-9018", ERR_INDIVIDUAL_NUMBER_FORM, "not only digits 数字以外の文字"},
        {"１２３４５６７８９０１８", ERR_INDIVIDUAL_NUMBER_FORM, "full-width digits 全角数字"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fail f = {0};
        struct individual_number number = {-7};
        assert_err(individual_number_parse(&f, str_of(rows[i].text), &number), rows[i].want);
        assert_string_equal(f.detail, rows[i].detail);
        if (rows[i].want) {
            assert_int_equal(number.value, -7);
            assert_string_equal(f.field, "individual_number");
            continue;
        }
        char shown[INDIVIDUAL_NUMBER_TEXT_SIZE];
        assert_string_equal(individual_number_REVEAL(number, shown), rows[i].text);
        assert_int_equal(individual_number_from_payload(number.value / 10).value, number.value);
    }
}

static void masked_text_keeps_two_digits(void **state)
{
    (void)state;
    char shown[INDIVIDUAL_NUMBER_TEXT_SIZE];
    assert_string_equal(individual_number_masked((struct individual_number){123456789018}, shown),
                        "12**********");
    assert_string_equal(individual_number_masked((struct individual_number){18}, shown), "00**********");
}

static void values_outside_the_range_are_not_valid(void **state)
{
    (void)state;
    static const int64_t rows[] = {-1, INDIVIDUAL_NUMBER_MAX + 1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_false(individual_number_valid((struct individual_number){rows[i]}));
}

/* The remainder by the ordinance's own words: Pn from the last digit, Qn = n+1 up to 6, n-5 above. */
static int remainder_of(const char *digits)
{
    int sum = 0;
    for (int n = 1; n <= 11; n++)
        sum += (digits[11 - n] - '0') * (n <= 6 ? n + 1 : n - 5);
    return sum % 11;
}

static void one_wrong_digit_is_detected_where_the_rule_can(void **state)
{
    (void)state;
    struct random_seeded random = {20261122};
    int unseen = 0;
    for (int round = 0; round < 2000; round++) {
        char digits[INDIVIDUAL_NUMBER_TEXT_SIZE];
        int64_t payload = (int64_t)random_seeded_below(&random, INDIVIDUAL_NUMBER_PAYLOAD_MAX + 1);
        individual_number_REVEAL(individual_number_from_payload(payload), digits);
        int before = remainder_of(digits);
        assert_int_equal(digits[11] - '0', before <= 1 ? 0 : 11 - before);
        for (int place = 0; place < 12; place++) {
            char right = digits[place];
            for (char digit = '0'; digit <= '9'; digit++) {
                digits[place] = digit;
                bool blind = place < 11 && before <= 1 && remainder_of(digits) <= 1;
                struct individual_number number;
                bool passes = individual_number_parse(NULL, str_of(digits), &number) == ERR_OK;
                assert_int_equal(passes, digit == right || blind);
                unseen += passes && digit != right;
            }
            digits[place] = right;
        }
    }
    assert_in_range(unseen, 1, 2000 * 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_twelve_half_width_digits_with_their_check_digit_pass),
        cmocka_unit_test(masked_text_keeps_two_digits),
        cmocka_unit_test(values_outside_the_range_are_not_valid),
        cmocka_unit_test(one_wrong_digit_is_detected_where_the_rule_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
