/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/area_code.h"
#include "test.h"

static void six_digits_with_their_check_digit_pass(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err want;
    } rows[] = {
        {"282049", ERR_OK}, /* 西宮市, remainder 2 */
        {"280003", ERR_OK}, /* 兵庫県 */
        {"281000", ERR_OK}, /* 神戸市, remainder 1 gives 0 */
        {"131016", ERR_OK},
        {"011002", ERR_OK},
        {"130001", ERR_OK},
        {"271004", ERR_OK},
        {"141003", ERR_OK},
        {"204072", ERR_OK},
        {"203611", ERR_OK},
        {"282219", ERR_OK},
        {"221317", ERR_OK}, /* ended, but well formed */
        {"282048", ERR_AREA_CODE_CHECK},
        {"282040", ERR_AREA_CODE_CHECK},
        {"228049", ERR_AREA_CODE_CHECK},
        {"480001", ERR_AREA_CODE_FORM},
        {"000000", ERR_AREA_CODE_FORM},
        {"28204", ERR_AREA_CODE_FORM},
        {"2820490", ERR_AREA_CODE_FORM},
        {"28204x", ERR_AREA_CODE_FORM},
        {"", ERR_AREA_CODE_FORM},
        {"２８２０４９", ERR_AREA_CODE_FORM},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct area_code code = {-7};
        char shown[AREA_CODE_TEXT_SIZE];
        struct fail f = {0};
        assert_err(area_code_parse(&f, str_of(rows[i].text), &code), rows[i].want);
        if (rows[i].want) {
            assert_int_equal(code.value, -7);
            assert_string_equal(f.field, "area_code");
        } else {
            assert_string_equal(area_code_text(code, shown), rows[i].text);
        }
    }
}

static void the_five_digit_form_gets_its_check_digit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err want;
        int32_t value;
    } rows[] = {
        {"28204", ERR_OK, 282049},         {"01100", ERR_OK, 11002},
        {"13000", ERR_OK, 130001},         {"282049", ERR_AREA_CODE_FORM, -7},
        {"48000", ERR_AREA_CODE_FORM, -7}, {"00999", ERR_AREA_CODE_FORM, -7},
        {"2820a", ERR_AREA_CODE_FORM, -7},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct area_code code = {-7};
        assert_err(area_code_parse5(NULL, str_of(rows[i].text), &code), rows[i].want);
        assert_int_equal(code.value, rows[i].value);
    }
}

static void each_code_says_who_it_is_and_whose_cs_serves_it(void **state)
{
    (void)state;
    static const struct {
        int32_t code;
        enum area_type type;
        const char *name, *kana, *prefecture;
        bool holds_addresses, runs_cs;
        int32_t city, cs;
    } rows[] = {
        {282049, AREA_CITY, "西宮市", "ニシノミヤシ", "兵庫県", true, true, 0, 282049},
        {280003, AREA_PREFECTURE, "兵庫県", "ヒョウゴケン", "兵庫県", false, false, 0, 0},
        {11002, AREA_DESIGNATED_CITY, "札幌市", "サッポロシ", "北海道", false, true, 0, 11002},
        {11011, AREA_DESIGNATED_WARD, "札幌市中央区", "サッポロシチュウオウク", "北海道", true, false, 11002,
         11002},
        {131016, AREA_SPECIAL_WARD, "千代田区", "チヨダク", "東京都", true, true, 0, 131016},
        {203611, AREA_TOWN, "下諏訪町", "シモスワマチ", "長野県", true, true, 0, 203611},
        {204072, AREA_VILLAGE, "阿智村", "アチムラ", "長野県", true, true, 0, 204072},
        {16951, AREA_NORTHERN_VILLAGE, "色丹村", "シコタンムラ", "北海道", false, false, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct area_row *row = area_code_find((struct area_code){rows[i].code});
        assert_non_null(row);
        assert_int_equal(row->type, rows[i].type);
        assert_string_equal(row->name, rows[i].name);
        assert_string_equal(row->kana, rows[i].kana);
        assert_string_equal(row->prefecture, rows[i].prefecture);
        assert_int_equal(row->holds_addresses, rows[i].holds_addresses);
        assert_int_equal(row->runs_cs, rows[i].runs_cs);
        assert_int_equal(row->city.value, rows[i].city);
        assert_int_equal(area_code_cs(row->code).value, rows[i].cs);
    }
}

static void the_table_is_whole_and_agrees_with_itself(void **state)
{
    (void)state;
    size_t count, cs = 0, types[AREA_NORTHERN_VILLAGE + 1] = {0};
    const struct area_row *rows = area_rows(&count);
    assert_int_equal(count, 1965);
    for (size_t i = 0; i < count; i++) {
        struct area_code code = rows[i].code;
        assert_true(area_code_valid(code));
        assert_true(i == 0 || rows[i - 1].code.value < code.value);
        assert_ptr_equal(area_code_find(code), &rows[i]);
        const struct area_row *prefecture =
            area_code_find(area_code_of_prefecture(area_code_prefecture(code)));
        assert_string_equal(prefecture->name, rows[i].prefecture);
        const struct area_row *serving = area_code_find(area_code_cs(code));
        assert_true(!rows[i].holds_addresses || (serving && serving->runs_cs));
        types[rows[i].type]++;
        cs += rows[i].runs_cs;
    }
    assert_int_equal(cs, 1741); /* the municipalities of the country */
    static const size_t want[] = {47, 20, 171, 23, 772, 743, 183, 6};
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_int_equal(types[i], want[i]);
}

static void who_may_be_lived_under(void **state)
{
    (void)state;
    static const struct {
        int32_t code;
        enum err want;
        const char *detail;
    } rows[] = {
        {282049, ERR_OK, ""},
        {11011, ERR_OK, ""},
        {280003, ERR_AREA_CODE_ADDRESS, "280003 兵庫県"},
        {11002, ERR_AREA_CODE_ADDRESS, "011002 札幌市"},
        {16951, ERR_AREA_CODE_ADDRESS, "016951 色丹村"},
        {403059, ERR_AREA_CODE_UNKNOWN, "403059 → 福岡県那珂川市"},
        {289991, ERR_AREA_CODE_CHECK, "289991"},
        {289990, ERR_AREA_CODE_UNKNOWN, "289990"},
        {0, ERR_AREA_CODE_CHECK, "000000"},
        {-1, ERR_AREA_CODE_CHECK, "-00001"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fail f = {0};
        assert_err(area_code_check_address(&f, "area_code", (struct area_code){rows[i].code}), rows[i].want);
        assert_string_equal(f.detail, rows[i].detail);
    }
}

static void codes_that_ended_know_their_successor(void **state)
{
    (void)state;
    static const struct {
        int32_t old_code, new_code;
    } rows[] = {
        {403059, 402311}, {44237, 42161}, {282219, 282219}, {221317, 221384}, {221376, 221406}, {221350, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct area_change *change = area_code_successor((struct area_code){rows[i].old_code});
        assert_non_null(change);
        assert_int_equal(change->new_code.value, rows[i].new_code);
    }
    assert_null(area_code_successor((struct area_code){282049}));
    size_t count;
    const struct area_change *changes = area_changes(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(area_code_valid(changes[i].old_code));
        assert_true(changes[i].new_code.value == 0 || area_code_find(changes[i].new_code));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_digits_with_their_check_digit_pass),
        cmocka_unit_test(the_five_digit_form_gets_its_check_digit),
        cmocka_unit_test(each_code_says_who_it_is_and_whose_cs_serves_it),
        cmocka_unit_test(the_table_is_whole_and_agrees_with_itself),
        cmocka_unit_test(who_may_be_lived_under),
        cmocka_unit_test(codes_that_ended_know_their_successor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
