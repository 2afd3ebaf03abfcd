/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/person_name.h"
#include "test.h"

static char long_name[NAME_MAX_POINTS + 2];

static void each_part_of_a_name_has_its_rules(void **state)
{
    (void)state;
    memset(long_name, 'A', NAME_MAX_POINTS + 1);
    const struct {
        bool foreign;
        const char *name, *kana;
        enum kana_state kana_state;
        const char *former, *former_kana, *alias, *alias_kana;
        enum err want;
        const char *field;
    } rows[] = {
        {false, "西宮　花子", "ニシノミヤ　ハナコ", KANA_RECORDED, "", "", "", "", ERR_OK, ""},
        {false, "西宮　花子", "ニシノミヤ ハナコ", KANA_RECORDED, "芦屋", "アシヤ", "", "", ERR_OK, ""},
        {false, "西宮　花子", "", KANA_NOT_RECORDED, "芦屋", "", "", "", ERR_OK, ""},
        {false, "西宮　花子", "ニシノミヤ", KANA_SURNAME_ONLY, "", "", "", "", ERR_OK, ""},
        {false, "西宮　花子", "ハナコ", KANA_GIVEN_ONLY, "", "", "", "", ERR_OK, ""},
        {false, "甲", "ヴァーッヵヶヷヺ", KANA_RECORDED, "", "", "", "", ERR_OK, ""},
        {true, "DOE JOHN", "", KANA_NOT_RECORDED, "", "", "銅　次郎", "ドウ　ジロウ", ERR_OK, ""},
        {true, long_name + 1, "", KANA_NOT_RECORDED, "", "", "", "", ERR_OK, ""},
        {false, "", "", KANA_NOT_RECORDED, "", "", "", "", ERR_FIELD_MISSING, "name"},
        {true, long_name, "", KANA_NOT_RECORDED, "", "", "", "", ERR_TEXT_LONG, "name"},
        {false, "西宮\n花子", "", KANA_NOT_RECORDED, "", "", "", "", ERR_TEXT_CHARACTER, "name"},
        {false, "西宮　", "", KANA_NOT_RECORDED, "", "", "", "", ERR_TEXT_SPACE, "name"},
        {false, "西宮", "ニシノミヤ", KANA_NOT_RECORDED, "", "", "", "", ERR_KANA_STATE, "name_kana"},
        {false, "西宮", "", KANA_RECORDED, "", "", "", "", ERR_KANA_STATE, "name_kana"},
        {false, "西宮", "", KANA_GIVEN_ONLY, "", "", "", "", ERR_KANA_STATE, "name_kana"},
        {false, "西宮", "ニシ", (enum kana_state)9, "", "", "", "", ERR_KANA_STATE, "name_kana"},
        {false, "西宮", "にしのみや", KANA_RECORDED, "", "", "", "", ERR_KANA_CHARACTER, "name_kana"},
        {false, "西宮", "ﾆｼﾉﾐﾔ", KANA_RECORDED, "", "", "", "", ERR_KANA_CHARACTER, "name_kana"},
        {false, "西宮", "ニシノミヤ・ハナコ", KANA_RECORDED, "", "", "", "", ERR_KANA_CHARACTER, "name_kana"},
        {false, "西宮", "ニシ　ノミヤ　ハナコ", KANA_RECORDED, "", "", "", "", ERR_KANA_CHARACTER,
         "name_kana"},
        {false, "西宮", "ニシ　ノミヤ", KANA_SURNAME_ONLY, "", "", "", "", ERR_KANA_CHARACTER, "name_kana"},
        {false, "西宮", "******", KANA_RECORDED, "", "", "", "", ERR_KANA_CHARACTER, "name_kana"},
        {false, "西宮", "ニシノミヤ　", KANA_RECORDED, "", "", "", "", ERR_TEXT_SPACE, "name_kana"},
        {true, "DOE JOHN", "ドウ", KANA_RECORDED, "", "", "", "", ERR_NAME_PART_JAPANESE, "name_kana"},
        {true, "DOE JOHN", "", KANA_NOT_RECORDED, "芦屋", "", "", "", ERR_NAME_PART_JAPANESE, "former_name"},
        {false, "西宮", "", KANA_NOT_RECORDED, "", "アシヤ", "", "", ERR_KANA_ALONE, "former_name_kana"},
        {false, "西宮", "", KANA_NOT_RECORDED, "芦屋", "あしや", "", "", ERR_KANA_CHARACTER,
         "former_name_kana"},
        {false, "西宮", "", KANA_NOT_RECORDED, "", "", "銅", "", ERR_NAME_PART_FOREIGN, "alias"},
        {false, "西宮", "", KANA_NOT_RECORDED, "", "", "", "ドウ", ERR_NAME_PART_FOREIGN, "alias_kana"},
        {true, "DOE", "", KANA_NOT_RECORDED, "", "", "", "ドウ", ERR_KANA_ALONE, "alias_kana"},
        {true, "DOE", "", KANA_NOT_RECORDED, "", "", "銅\t", "", ERR_TEXT_CHARACTER, "alias"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fail f = {0};
        const struct person_name name = {
            .name = str_of(rows[i].name),
            .kana = str_of(rows[i].kana),
            .kana_state = rows[i].kana_state,
            .former_name = str_of(rows[i].former),
            .former_name_kana = str_of(rows[i].former_kana),
            .alias = str_of(rows[i].alias),
            .alias_kana = str_of(rows[i].alias_kana),
        };
        enum err e = person_name_check(&f, &name, rows[i].foreign);
        if (e != rows[i].want)
            fail_msg("row %zu: %s: %s", i, f.field, err_row(e)->name);
        assert_string_equal(f.field, rows[i].field);
    }
}

static void kana_is_shown_with_its_placeholders(void **state)
{
    (void)state;
    static const struct {
        enum kana_state state;
        const char *name, *kana, *shown;
    } rows[] = {
        {KANA_NOT_RECORDED, "not_recorded", "", "******"},
        {KANA_RECORDED, "recorded", "ニシノミヤ　ハナコ", "ニシノミヤ　ハナコ"},
        {KANA_SURNAME_ONLY, "surname_only", "ニシノミヤ", "ニシノミヤ　【名空欄】"},
        {KANA_GIVEN_ONLY, "given_only", "ハナコ", "【氏空欄】　ハナコ"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct person_name name = {.kana = str_of(rows[i].kana), .kana_state = rows[i].state};
        enum kana_state parsed;
        struct buf b;
        buf_init(&b, 200);
        person_name_kana_text(&name, &b);
        assert_string_equal(b.p, rows[i].shown);
        buf_release(&b);
        assert_string_equal(kana_state_name(rows[i].state), rows[i].name);
        assert_ok(kana_state_parse(NULL, str_of(rows[i].name), &parsed));
        assert_int_equal(parsed, rows[i].state);
        assert_err(kana_state_parse(NULL, str_of(rows[i].shown), &parsed), ERR_KANA_STATE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_of_a_name_has_its_rules),
        cmocka_unit_test(kana_is_shown_with_its_placeholders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
