/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/era.h"
#include "test.h"

static void each_date_has_its_era_text_and_reads_back(void **state)
{
    (void)state;
    static const struct {
        int32_t date;
        const char *text, *brief;
    } rows[] = {
        {20261122, "令和8年11月22日", "R08.11.22"},
        {20190501, "令和元年5月1日", "R01.05.01"},
        {20190430, "平成31年4月30日", "H31.04.30"},
        {19890108, "平成元年1月8日", "H01.01.08"},
        {19890107, "昭和64年1月7日", "S64.01.07"},
        {19261225, "昭和元年12月25日", "S01.12.25"},
        {19261224, "大正15年12月24日", "T15.12.24"},
        {19120730, "大正元年7月30日", "T01.07.30"},
        {19120729, "明治45年7月29日", "M45.07.29"},
        {18680125, "明治元年1月25日", "M01.01.25"},
        {18680124, "1868年1月24日", "1868.01.24"},
        {19580230, "昭和33年2月30日", "S33.02.30"},
        {19310000, "昭和6年月日不詳", "S06.00.00"},
        {19310300, "昭和6年3月日不詳", "S06.03.00"},
        {19310005, "昭和6年月不詳5日", "S06.00.05"},
        {19890000, "1989年月日不詳", "1989.00.00"},
        {19890100, "1989年1月日不詳", "1989.01.00"},
        {19890200, "平成元年2月日不詳", "H01.02.00"},
        {19890005, "1989年月不詳5日", "1989.00.05"},
        {0, "年月日不詳", "0000.00.00"},
        {300, "年不詳3月日不詳", "0000.03.00"},
        {305, "年不詳3月5日", "0000.03.05"},
        {5, "年月不詳5日", "0000.00.05"},
        {99991231, "令和7981年12月31日", "R7981.12.31"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct date d = date_from_int(rows[i].date), back;
        char text[ERA_TEXT_SIZE];
        assert_string_equal(era_text(d, text), rows[i].text);
        assert_ok(era_parse(NULL, "birth_date", str_of(text), &back));
        assert_int_equal(date_to_int(back), rows[i].date);
        assert_string_equal(era_short(d, text), rows[i].brief);
        assert_ok(era_parse(NULL, "birth_date", str_of(text), &back));
        assert_int_equal(date_to_int(back), rows[i].date);
    }
}

static void a_western_year_is_written_whatever_is_unknown(void **state)
{
    (void)state;
    char text[ERA_TEXT_SIZE];
    assert_string_equal(era_western_text((struct date){1990, 5, 3}, text), "1990年5月3日");
    assert_string_equal(era_western_text((struct date){2019, 5, 0}, text), "2019年5月日不詳");
    assert_string_equal(era_western_text((struct date){1990, 0, 0}, text), "1990年月日不詳");
    assert_string_equal(era_western_text((struct date){0, 0, 0}, text), "年月日不詳");
}

static void other_ways_of_writing_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t date;
    } rows[] = {
        {"明治45年7月30日", 19120730},  {"大正元年7月30日", 19120730},
        {"大正15年12月25日", 19261225}, {"M45.7.30", 19120730},
        {"t15.12.25", 19261225},        {"r8.11.22", 20261122},
        {"令和1年5月1日", 20190501},    {"令和８年１１月２２日", 20261122},
        {"令和08年11月02日", 20261102}, {"2026年11月22日", 20261122},
        {"昭和64年月日不詳", 19890000}, {"平成元年月日不詳", 19890000},
        {"S64.00.00", 19890000},        {"昭和6年月不詳日不詳", 19310000},
        {"年不詳月不詳日不詳", 0},      {"2026.11.22", 20261122},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct date d = {0};
        enum err e = era_parse(NULL, "birth_date", str_of(rows[i].text), &d);
        if (e)
            fail_msg("%s: %s", rows[i].text, err_row(e)->name);
        assert_int_equal(date_to_int(d), rows[i].date);
    }
}

static void what_is_no_date_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err want;
    } rows[] = {
        {"明治45年7月31日", ERR_DATE_ERA},
        {"大正元年7月29日", ERR_DATE_ERA},
        {"大正15年12月26日", ERR_DATE_ERA},
        {"昭和元年12月24日", ERR_DATE_ERA},
        {"昭和64年1月8日", ERR_DATE_ERA},
        {"平成元年1月7日", ERR_DATE_ERA},
        {"平成31年5月1日", ERR_DATE_ERA},
        {"令和元年4月30日", ERR_DATE_ERA},
        {"昭和65年月日不詳", ERR_DATE_ERA},
        {"明治元年1月24日", ERR_DATE_ERA},
        {"令和8年13月1日", ERR_DATE_REAL},
        {"令和8年1月32日", ERR_DATE_REAL},
        {"令和9999年1月1日", ERR_DATE_REAL},
        {"令和8年11月22", ERR_DATE_FORM},
        {"令和8年11月22日 ", ERR_DATE_FORM},
        {"令和年月日不詳", ERR_DATE_FORM},
        {"令和0年1月1日", ERR_DATE_FORM},
        {"R00.01.01", ERR_DATE_FORM},
        {"昭和6年月日", ERR_DATE_FORM},
        {"昭和6年月5日", ERR_DATE_FORM},
        {"元年1月1日", ERR_DATE_FORM},
        {"X08.11.22", ERR_DATE_FORM},
        {"R8.11", ERR_DATE_FORM},
        {"R8..11", ERR_DATE_FORM},
        {"8年11月22日外", ERR_DATE_FORM},
        {"10000年1月1日", ERR_DATE_FORM},
        {"令和", ERR_DATE_FORM},
        {"", ERR_DATE_FORM},
        {"不詳", ERR_DATE_FORM},
        {"\xef\xbc", ERR_DATE_FORM},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct date d = {7, 7, 7};
        struct fail f = {0};
        enum err e = era_parse(&f, "birth_date", str_of(rows[i].text), &d);
        if (e != rows[i].want)
            fail_msg("%s: %s", rows[i].text, err_row(e)->name);
        assert_string_equal(f.field, "birth_date");
        assert_int_equal(date_to_int(d), 70707);
    }
}

static void every_day_since_meiji_goes_there_and_back(void **state)
{
    (void)state;
    for (struct date d = {1868, 1, 25}; d.year < 2101; d = date_add_days(d, 1)) {
        char text[ERA_TEXT_SIZE];
        struct date back = {0};
        int year;
        assert_non_null(era_of(d, &year));
        assert_ok(era_parse(NULL, "birth_date", str_of(era_text(d, text)), &back));
        assert_int_equal(date_compare(d, back), 0);
        assert_ok(era_parse(NULL, "birth_date", str_of(era_short(d, text)), &back));
        assert_int_equal(date_compare(d, back), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_date_has_its_era_text_and_reads_back),
        cmocka_unit_test(a_western_year_is_written_whatever_is_unknown),
        cmocka_unit_test(other_ways_of_writing_are_read),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(every_day_since_meiji_goes_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
