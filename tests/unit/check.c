/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/check.h"
#include "base/random.h"
#include "test.h"

static void each_kind_explains_a_good_value(void **state)
{
    (void)state;
    static const struct {
        enum fail_language language;
        const char *kind, *text, *want;
    } rows[] = {
        {FAIL_ENGLISH, "resident-code", "24727059608", "24*********: a well-formed resident code"},
        {FAIL_JAPANESE, "resident-code", "24727059608",
         "24*********：住民票コードの形式として正しい番号です"},
        {FAIL_ENGLISH, "individual-number", "123456789018", "12**********: a well-formed Individual Number"},
        {FAIL_JAPANESE, "individual-number", "123456789018",
         "12**********：個人番号の形式として正しい番号です"},
        {FAIL_ENGLISH, "area-code", "282049",
         "282049 兵庫県西宮市 (ニシノミヤシ) city; holds addresses; runs a CS"},
        {FAIL_ENGLISH, "area-code", "28204",
         "282049 兵庫県西宮市 (ニシノミヤシ) city; holds addresses; runs a CS"},
        {FAIL_ENGLISH, "area-code", "011011",
         "011011 北海道札幌市中央区 (サッポロシチュウオウク) designated_ward; holds addresses; served by the "
         "CS of "
         "011002 札幌市"},
        {FAIL_JAPANESE, "area-code", "011011",
         "011011 北海道札幌市中央区 (サッポロシチュウオウク) 政令指定都市の区；住所に使える；011002 "
         "札幌市のCSが受け持つ"},
        {FAIL_ENGLISH, "area-code", "280003",
         "280003 兵庫県 (ヒョウゴケン) prefecture; holds no addresses; no CS"},
        {FAIL_ENGLISH, "area-code", "281000",
         "281000 兵庫県神戸市 (コウベシ) designated_city; holds no addresses; runs a CS"},
        {FAIL_ENGLISH, "date", "2026-11-22", "2026-11-22 令和8年11月22日 (R08.11.22) a day of the calendar"},
        {FAIL_ENGLISH, "date", "令和8年11月22日",
         "2026-11-22 令和8年11月22日 (R08.11.22) a day of the calendar"},
        {FAIL_ENGLISH, "date", "1958-02-30",
         "1958-02-30 昭和33年2月30日 (S33.02.30) not a day of the calendar: allowed only as a date of birth"},
        {FAIL_JAPANESE, "date", "1931-00-00",
         "1931-00-00 昭和6年月日不詳 (S06.00.00) 一部不詳です（生年月日に限り使えます）"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf b;
        buf_init(&b, 400);
        assert_ok(check_value(NULL, rows[i].language, str_of(rows[i].kind), str_of(rows[i].text), &b));
        assert_string_equal(b.p, rows[i].want);
        buf_release(&b);
    }
}

static void a_bad_value_is_refused_by_field_and_rule_and_stays_masked(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *text;
        enum err want;
        const char *english, *japanese;
    } rows[] = {
        {"resident-code", "24727059600", ERR_RESIDENT_CODE_CHECK,
         "resident_code: the check digit of the resident code is wrong (24*********)",
         "resident_code: 住民票コードの検査数字が正しくありません（24*********）"},
        {"individual-number", "123456789012", ERR_INDIVIDUAL_NUMBER_CHECK,
         "individual_number: the check digit of the Individual Number is wrong (12**********)",
         "individual_number: 個人番号の検査用数字が正しくありません（12**********）"},
        {"individual-number", "12345678901８", ERR_INDIVIDUAL_NUMBER_FORM,
         "individual_number: an Individual Number has 12 half-width digits (full-width digits 全角数字)",
         "individual_number: 個人番号は半角数字12桁です（full-width digits 全角数字）"},
        {"area-code", "282048", ERR_AREA_CODE_CHECK,
         "area_code: the check digit of the area code is wrong (282048)",
         "area_code: 全国地方公共団体コードの検査数字が正しくありません（282048）"},
        {"area-code", "403059", ERR_AREA_CODE_UNKNOWN,
         "area_code: no municipality or prefecture has this area code (403059 → 福岡県那珂川市)",
         "area_code: この全国地方公共団体コードの団体はありません（403059 → 福岡県那珂川市）"},
        {"date", "昭和64年1月8日", ERR_DATE_ERA, "date: the day does not lie in this era (昭和)",
         "date: その元号の期間にない日付です（昭和）"},
        {"date", "tomorrow", ERR_DATE_FORM, "date: not a date in a form that is read here (2026-11-22)",
         "date: 日付の形式が正しくありません（例 2026-11-22）"},
        {"postal-code", "6620918", ERR_NOT_FOUND,
         "kind: no such thing (resident-code, individual-number, area-code, date)",
         "kind: 見つかりません（resident-code, individual-number, area-code, date）"},
        {"date", "\xff", ERR_UTF8, "value: not valid UTF-8 (byte 0)",
         "value: UTF-8として正しくありません（byte 0）"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf b;
        struct fail f = {0};
        char text[400];
        buf_init(&b, 400);
        assert_err(check_value(&f, FAIL_ENGLISH, str_of(rows[i].kind), str_of(rows[i].text), &b),
                   rows[i].want);
        assert_string_equal(fail_text(&f, FAIL_ENGLISH, text, sizeof text), rows[i].english);
        assert_string_equal(fail_text(&f, FAIL_JAPANESE, text, sizeof text), rows[i].japanese);
        assert_int_equal(b.n, 0);
        buf_release(&b);
    }
}

static void kinds_are_listed_for_help_and_all_work(void **state)
{
    (void)state;
    size_t count;
    const char *const *kinds = check_kinds(&count);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        struct buf b;
        struct fail f = {0};
        buf_init(&b, 400);
        enum err e = check_value(&f, FAIL_ENGLISH, str_of(kinds[i]), STR("x"), &b);
        assert_true(e && e != ERR_NOT_FOUND);
        buf_release(&b);
    }
}

static void an_explanation_that_does_not_fit_is_an_error(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_err(check_value(NULL, FAIL_ENGLISH, STR("date"), STR("2026-11-22"), &b), ERR_LIMIT);
    buf_release(&b);
}

/* Pieces of what the parsers know, in any order: never a crash, and no refusal shows seven digits in a row.
 */
static void any_mixture_is_explained_or_refused(void **state)
{
    (void)state;
    enum { SEED = 20261122 };
    static const char *const pieces[] = {
        "0",    "1", "9", "２",   "-",      ".",           "年",         "月", "日",   "元",   "不詳",
        "令和", "S", "h", "2026", "282049", "24727059608", "1234567890", " ",  "\xef", "\xbc", "西"};
    struct random_seeded r = {SEED};
    size_t count, good = 0;
    const char *const *kinds = check_kinds(&count);
    for (int round = 0; round < 100000; round++) {
        struct buf text, out;
        struct fail f = {0};
        buf_init(&text, 200);
        buf_init(&out, 400);
        for (uint64_t n = random_seeded_below(&r, 8); n > 0; n--)
            buf_add_str(&text, str_of(pieces[random_seeded_below(&r, COUNT_OF(pieces))]));
        enum err e = check_value(&f, FAIL_ENGLISH, str_of(kinds[random_seeded_below(&r, count)]),
                                 buf_str(&text), &out);
        good += e == ERR_OK;
        assert_true((e == ERR_OK) == (out.n > 0));
        size_t run = 0;
        for (const char *c = e ? f.detail : out.p; *c; c++) {
            run = *c >= '0' && *c <= '9' ? run + 1 : 0;
            if (run > 6)
                fail_msg("seed %d, round %d: %s", SEED, round, f.detail);
        }
        buf_release(&text);
        buf_release(&out);
    }
    assert_in_range(good, 100, 50000); /* some of it is right */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_explains_a_good_value),
        cmocka_unit_test(a_bad_value_is_refused_by_field_and_rule_and_stays_masked),
        cmocka_unit_test(kinds_are_listed_for_help_and_all_work),
        cmocka_unit_test(an_explanation_that_does_not_fit_is_an_error),
        cmocka_unit_test(any_mixture_is_explained_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
