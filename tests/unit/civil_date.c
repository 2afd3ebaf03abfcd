/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/civil_date.h"
#include "test.h"

static void a_business_date_is_a_real_day_in_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err want;
        struct date date;
    } rows[] = {
        {"2026-11-22", ERR_OK, {2026, 11, 22}},  {"2024-02-29", ERR_OK, {2024, 2, 29}},
        {"2000-02-29", ERR_OK, {2000, 2, 29}},   {"0001-01-01", ERR_OK, {1, 1, 1}},
        {"9999-12-31", ERR_OK, {9999, 12, 31}},  {"1800-02-29", ERR_DATE_REAL, {0}},
        {"1900-02-29", ERR_DATE_REAL, {0}},      {"2023-02-29", ERR_DATE_REAL, {0}},
        {"2026-02-30", ERR_DATE_REAL, {0}},      {"2026-04-31", ERR_DATE_REAL, {0}},
        {"2026-13-01", ERR_DATE_REAL, {0}},      {"2026-00-01", ERR_DATE_REAL, {0}},
        {"2026-01-00", ERR_DATE_REAL, {0}},      {"0000-01-01", ERR_DATE_REAL, {0}},
        {"2026-1-1", ERR_DATE_FORM, {0}},        {"2026/11/22", ERR_DATE_FORM, {0}},
        {"20261122", ERR_DATE_FORM, {0}},        {"2026-11-22 ", ERR_DATE_FORM, {0}},
        {"-026-11-22", ERR_DATE_FORM, {0}},      {"", ERR_DATE_FORM, {0}},
        {"令和8年11月22日", ERR_DATE_FORM, {0}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct date d = {0};
        struct fail f = {0};
        char shown[DATE_TEXT_SIZE];
        assert_err(date_parse(&f, "change_date", str_of(rows[i].text), &d), rows[i].want);
        assert_int_equal(date_compare(d, rows[i].date), 0);
        if (rows[i].want)
            assert_string_equal(f.field, "change_date");
        else
            assert_string_equal(date_text(d, shown), rows[i].text);
    }
}

static void a_birth_date_may_be_impossible_or_partly_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err want;
        const char *iso;
    } rows[] = {
        {"1958-02-30", ERR_OK, "1958-02-30"},   {"1931-00-00", ERR_OK, "1931-00-00"},
        {"0000-00-00", ERR_OK, "0000-00-00"},   {"1931-03-00", ERR_OK, "1931-03-00"},
        {"0000-03-05", ERR_OK, "0000-03-05"},   {"1931-00-05", ERR_OK, "1931-00-05"},
        {"1999-02-29", ERR_OK, "1999-02-29"},   {"昭和33年2月30日", ERR_OK, "1958-02-30"},
        {"S33.02.30", ERR_OK, "1958-02-30"},    {"昭和6年月日不詳", ERR_OK, "1931-00-00"},
        {"1931-13-00", ERR_DATE_REAL, ""},      {"1931-00-32", ERR_DATE_REAL, ""},
        {"昭和33年2月32日", ERR_DATE_REAL, ""}, {"1931", ERR_DATE_FORM, ""},
        {"昭和64年1月8日", ERR_DATE_ERA, ""},   {"", ERR_DATE_FORM, ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct date d;
        char shown[DATE_TEXT_SIZE];
        enum err e = birth_date_parse(NULL, "birth_date", str_of(rows[i].text), &d);
        if (e != rows[i].want)
            fail_msg("%s: %s", rows[i].text, err_row(e)->name);
        if (!e)
            assert_string_equal(date_text(d, shown), rows[i].iso);
    }
}

static void days_are_counted_by_the_calendar(void **state)
{
    (void)state;
    static const struct {
        struct date from;
        int32_t days;
        struct date to;
    } rows[] = {
        {{2026, 11, 22}, 14, {2026, 12, 6}},   {{2024, 2, 28}, 1, {2024, 2, 29}},
        {{2023, 2, 28}, 1, {2023, 3, 1}},      {{1900, 2, 28}, 1, {1900, 3, 1}},
        {{2000, 2, 28}, 2, {2000, 3, 1}},      {{2026, 1, 1}, -1, {2025, 12, 31}},
        {{1970, 1, 1}, 20779, {2026, 11, 22}}, {{2000, 1, 1}, 54788, {2150, 1, 2}},
        {{1, 1, 1}, 3652058, {9999, 12, 31}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(date_to_int(date_add_days(rows[i].from, rows[i].days)), date_to_int(rows[i].to));
        assert_int_equal(date_to_int(date_add_days(rows[i].to, -rows[i].days)), date_to_int(rows[i].from));
        assert_int_equal(date_days_between(rows[i].from, rows[i].to), rows[i].days);
    }
    assert_int_equal(date_to_int(date_add_days((struct date){9999, 12, 31}, INT32_MAX)), 99991231);
    assert_int_equal(date_to_int(date_add_days((struct date){1, 1, 1}, INT32_MIN)), 10101);
    assert_int_equal(date_day_number((struct date){2026, 11, 22}) % 7, 0); /* a Sunday */
}

static void every_day_number_is_one_day(void **state)
{
    (void)state;
    int32_t before = 0;
    for (int32_t n = 1; n <= 3652059; n += 1 + n % 3) {
        struct date d = date_from_day_number(n);
        assert_true(date_real(d));
        assert_true(date_to_int(d) > before);
        assert_int_equal(date_day_number(d), n);
        before = date_to_int(d);
    }
}

static void years_are_added_and_ages_counted(void **state)
{
    (void)state;
    static const struct {
        struct date from;
        int32_t years;
        int32_t want;
    } rows[] = {
        {{2026, 11, 22}, 150, 21761122}, {{2024, 2, 29}, 1, 20250228},   {{2024, 2, 29}, 4, 20280229},
        {{2024, 2, 29}, -1, 20230228},   {{9000, 1, 1}, 5000, 99991231}, {{100, 1, 1}, -100, 10101},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(date_to_int(date_add_years(rows[i].from, rows[i].years)), rows[i].want);
    static const struct {
        struct date birth, on;
        int age;
    } ages[] = {
        {{2000, 11, 22}, {2026, 11, 22}, 26}, {{2000, 11, 23}, {2026, 11, 22}, 25},
        {{2004, 2, 29}, {2023, 2, 28}, 18},   {{2004, 2, 29}, {2023, 3, 1}, 19},
        {{1958, 2, 30}, {2026, 3, 1}, 68},    {{1931, 0, 0}, {2026, 11, 22}, 94},
        {{1931, 0, 0}, {2026, 12, 31}, 95},   {{1931, 3, 0}, {2026, 3, 30}, 94},
        {{1931, 3, 0}, {2026, 3, 31}, 95},    {{0, 0, 0}, {2026, 11, 22}, -1},
        {{2026, 11, 23}, {2026, 11, 22}, -1}, {{2026, 11, 22}, {2026, 11, 22}, 0},
    };
    for (size_t i = 0; i < COUNT_OF(ages); i++)
        assert_int_equal(date_age(ages[i].birth, ages[i].on), ages[i].age);
}

static void numbers_and_order(void **state)
{
    (void)state;
    static const int32_t rows[] = {0, 305, 19310000, 19310300, 19580230, 20261122, 99991231}; /* ascending */
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct date d = date_from_int(rows[i]);
        assert_int_equal(date_to_int(d), rows[i]);
        assert_true(date_birth_possible(d));
        assert_true(i == 0 || date_compare(date_from_int(rows[i - 1]), d) < 0);
        assert_int_equal(date_compare(d, d), 0);
    }
    assert_int_equal(date_to_int(date_from_int(-20261122)), 0);
    assert_int_equal(date_to_int(date_from_int(100000101)), 0);
    assert_false(date_birth_possible(date_from_int(20261399)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_business_date_is_a_real_day_in_one_form),
        cmocka_unit_test(a_birth_date_may_be_impossible_or_partly_unknown),
        cmocka_unit_test(days_are_counted_by_the_calendar),
        cmocka_unit_test(every_day_number_is_one_day),
        cmocka_unit_test(years_are_added_and_ages_counted),
        cmocka_unit_test(numbers_and_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
