/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/resident_code.h"
#include "base/random.h"
#include "test.h"

static void only_eleven_half_width_digits_with_their_check_digit_pass(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err want;
        const char *detail; /* a person's digits beyond the second never stand in it */
    } rows[] = {
        {"24727059608", ERR_OK, ""}, /* published specimens */
        {"24846016224", ERR_OK, ""},
        {"25208017643", ERR_OK, ""},
        {"00000000000", ERR_OK, ""}, /* a leading 0 is not excluded anywhere */
        {"25208017644", ERR_RESIDENT_CODE_CHECK,
         "25*********"}, /* the specimen that was counted up by hand */
        {"24727059600", ERR_RESIDENT_CODE_CHECK, "24*********"},
        {"2472705960", ERR_RESIDENT_CODE_FORM, "10 digits 桁 ≠ 11"},
        {"247270596080", ERR_RESIDENT_CODE_FORM, "12 digits 桁 ≠ 11"},
        {"", ERR_RESIDENT_CODE_FORM, "0 digits 桁 ≠ 11"},
        {"2472705960x", ERR_RESIDENT_CODE_FORM, "not only digits 数字以外の文字"},
        {"+4727059608", ERR_RESIDENT_CODE_FORM, "not only digits 数字以外の文字"},
        {" 24727059608", ERR_RESIDENT_CODE_FORM, "not only digits 数字以外の文字"},
        {"２４７２７０５９６０８", ERR_RESIDENT_CODE_FORM, "full-width digits 全角数字"},
        {"2472705960８", ERR_RESIDENT_CODE_FORM, "full-width digits 全角数字"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fail f = {0};
        struct resident_code code = {-7};
        assert_err(resident_code_parse(&f, str_of(rows[i].text), &code), rows[i].want);
        assert_string_equal(f.detail, rows[i].detail);
        if (rows[i].want) {
            assert_int_equal(code.value, -7);
            assert_string_equal(f.field, "resident_code");
            continue;
        }
        char shown[RESIDENT_CODE_TEXT_SIZE];
        assert_string_equal(resident_code_REVEAL(code, shown), rows[i].text);
        assert_int_equal(resident_code_from_payload(code.value / 10).value, code.value);
    }
}

static void masked_text_keeps_two_digits(void **state)
{
    (void)state;
    char shown[RESIDENT_CODE_TEXT_SIZE];
    assert_string_equal(resident_code_masked((struct resident_code){24727059608}, shown), "24*********");
    assert_string_equal(resident_code_masked((struct resident_code){0}, shown), "00*********");
}

static void values_outside_the_range_are_not_valid(void **state)
{
    (void)state;
    static const int64_t rows[] = {-1, RESIDENT_CODE_MAX + 1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_false(resident_code_valid((struct resident_code){rows[i]}));
}

/* The remainder that decides the check digit, counted anew from the digits (5,4,3,2,7,6,5,4,3,2 from the
 * left). */
static int remainder_of(const char *digits)
{
    static const int weights[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
    int sum = 0;
    for (int i = 0; i < 10; i++)
        sum += (digits[i] - '0') * weights[i];
    return sum % 11;
}

/* One wrong digit is seen unless it turns remainder 0 into 1 or back, which share the check digit 0. */
static void one_wrong_digit_is_detected_where_the_rule_can(void **state)
{
    (void)state;
    struct random_seeded random = {20261122};
    int unseen = 0;
    for (int round = 0; round < 2000; round++) {
        char digits[RESIDENT_CODE_TEXT_SIZE];
        int64_t payload = (int64_t)random_seeded_below(&random, RESIDENT_CODE_PAYLOAD_MAX + 1);
        resident_code_REVEAL(resident_code_from_payload(payload), digits);
        int before = remainder_of(digits);
        for (int place = 0; place < 11; place++) {
            char right = digits[place];
            for (char digit = '0'; digit <= '9'; digit++) {
                digits[place] = digit;
                bool blind = place < 10 && before <= 1 && remainder_of(digits) <= 1;
                struct resident_code code;
                bool passes = resident_code_parse(NULL, str_of(digits), &code) == ERR_OK;
                assert_int_equal(passes, digit == right || blind);
                unseen += passes && digit != right;
            }
            digits[place] = right;
        }
    }
    assert_in_range(unseen, 1, 2000 * 10); /* the blind spot is real, and small */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_eleven_half_width_digits_with_their_check_digit_pass),
        cmocka_unit_test(masked_text_keeps_two_digits),
        cmocka_unit_test(values_outside_the_range_are_not_valid),
        cmocka_unit_test(one_wrong_digit_is_detected_where_the_rule_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
