/* SPDX-License-Identifier: Apache-2.0 */
#include "register/resident_row.h"

#include "test.h"

static void good_row(struct csv_row *row, bool foreign)
{
    *row = (struct csv_row){.line = 17};
    for (size_t i = 0; i < RESIDENT_COLUMNS; i++)
        row->cell[i] = STR("");
    row->cell[RESIDENT_COLUMN_RECORD] = STR("r1");
    row->cell[RESIDENT_COLUMN_HOUSEHOLD_NUMBER] = STR("1");
    row->cell[RESIDENT_COLUMN_RELATIONSHIP] = STR("世帯主");
    row->cell[RESIDENT_COLUMN_NAME] = foreign ? STR("WANG LI") : STR("西宮　花子");
    row->cell[RESIDENT_COLUMN_BIRTH_DATE] = STR("1931-00-00");
    row->cell[RESIDENT_COLUMN_SEX] = STR("女");
    row->cell[RESIDENT_COLUMN_AREA_CODE] = STR("282049");
    row->cell[RESIDENT_COLUMN_ADDRESS] = STR("兵庫県西宮市六湛寺町１０番３号");
    row->cell[RESIDENT_COLUMN_RESIDENT_SINCE] = STR("1990-04-01");
    if (foreign) {
        row->cell[RESIDENT_COLUMN_NATIONALITY_KIND] = STR("外国人");
        row->cell[RESIDENT_COLUMN_NATIONALITY] = STR("中国");
    }
}

static void empty_cells_have_their_meaning(void **state)
{
    (void)state;
    struct csv_row row;
    struct resident_row resident;
    good_row(&row, false);
    assert_ok(resident_row_parse(NULL, &row, &resident));
    assert_false(resident.identity.foreign);
    assert_false(resident.has_resident_code || resident.identity.has_individual_number);
    assert_int_equal(resident.identity.sex, SEX_FEMALE);
    assert_int_equal(resident.identity.name.kana_state, KANA_NOT_RECORDED);
    assert_int_equal(date_to_int(resident.identity.birth_date), 19310000);
    assert_int_equal(date_to_int(resident.address_since), 19900401);
    assert_int_equal(resident.entry_reason, MUNICIPAL_EX_OFFICIO_ENTRY);
    good_row(&row, true);
    assert_ok(resident_row_parse(NULL, &row, &resident));
    assert_true(resident.identity.foreign);
}

static void each_bad_cell_is_named(void **state)
{
    (void)state;
    static const struct {
        enum resident_column column;
        const char *text;
        enum err err;
        bool foreign;
    } rows[] = {
        {RESIDENT_COLUMN_RECORD, "", ERR_FIELD_MISSING, false},
        {RESIDENT_COLUMN_NAME, "", ERR_FIELD_MISSING, false},
        {RESIDENT_COLUMN_BIRTH_DATE, "1985-13-01", ERR_DATE_REAL, false},
        {RESIDENT_COLUMN_SEX, "f", ERR_SEX, false},
        {RESIDENT_COLUMN_NATIONALITY_KIND, "martian", ERR_MALFORMED, false},
        {RESIDENT_COLUMN_AREA_CODE, "282048", ERR_AREA_CODE_CHECK, false},
        {RESIDENT_COLUMN_AREA_CODE, "280003", ERR_AREA_CODE_ADDRESS, false},
        {RESIDENT_COLUMN_POSTAL_CODE, "662-0918", ERR_POSTAL_CODE, false},
        {RESIDENT_COLUMN_HONSEKI_AREA_CODE, "1", ERR_AREA_CODE_FORM, false},
        {RESIDENT_COLUMN_RESIDENT_SINCE, "2026-02-30", ERR_DATE_REAL, false},
        {RESIDENT_COLUMN_ENTRY_REASON, "death", ERR_CHANGE_REASON, false},
        {RESIDENT_COLUMN_MOVED_FROM_AREA_CODE, "999", ERR_AREA_CODE_FORM, false},
        {RESIDENT_COLUMN_HEALTH_INSURANCE, "受給", ERR_RESIDENT_WORD, false},
        {RESIDENT_COLUMN_PENSION_CATEGORY, "1", ERR_RESIDENT_WORD, false},
        {RESIDENT_COLUMN_BASIC_PENSION_NUMBER, "123456789", ERR_PENSION_NUMBER, false},
        {RESIDENT_COLUMN_BASIC_PENSION_NUMBER, "1234-567890", ERR_PENSION_NUMBER, false},
        {RESIDENT_COLUMN_RESIDENCE_CATEGORY, "insured", ERR_RESIDENT_WORD, true},
        {RESIDENT_COLUMN_RESIDENCE_CARD_NUMBER, "AB12345678cd", ERR_RESIDENCE_CARD_NUMBER, true},
        {RESIDENT_COLUMN_RESIDENT_CODE, "12345678901", ERR_RESIDENT_CODE_CHECK, false},
        {RESIDENT_COLUMN_INDIVIDUAL_NUMBER, "12345678901", ERR_INDIVIDUAL_NUMBER_FORM, false},
        {RESIDENT_COLUMN_ALIAS, "西宮　花子", ERR_NAME_PART_FOREIGN, false},
        {RESIDENT_COLUMN_FORMER_NAME, "西宮", ERR_NAME_PART_JAPANESE, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct csv_row row;
        struct resident_row resident;
        struct fail f = {0};
        good_row(&row, rows[i].foreign);
        row.cell[rows[i].column] = str_of(rows[i].text);
        assert_err(resident_row_parse(&f, &row, &resident), rows[i].err);
        assert_string_equal(f.field, resident_columns[rows[i].column].name);
        assert_true(str_starts(str_of(f.detail), STR("line 17")));
        assert_null(strstr(f.detail, "12345678901"));
    }
}

static void kind_and_papers_must_agree(void **state)
{
    (void)state;
    static const struct {
        bool foreign;
        enum resident_column column;
        const char *text;
    } rows[] = {{false, RESIDENT_COLUMN_NATIONALITY, "中国"},
                {false, RESIDENT_COLUMN_RESIDENCE_STATUS, "永住者"},
                {false, RESIDENT_COLUMN_RESIDENCE_CATEGORY, "特別永住者"},
                {false, RESIDENT_COLUMN_RESIDENCE_CARD_NUMBER, "AB12345678CD"},
                {true, RESIDENT_COLUMN_NATIONALITY, ""},
                {true, RESIDENT_COLUMN_HONSEKI, "兵庫県西宮市六湛寺町１０番地"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct csv_row row;
        struct resident_row resident;
        good_row(&row, rows[i].foreign);
        row.cell[rows[i].column] = str_of(rows[i].text);
        assert_err(resident_row_parse(NULL, &row, &resident), ERR_RESIDENT_NATIONALITY);
    }
}

static void words_are_taken_in_either_language(void **state)
{
    (void)state;
    struct csv_row row;
    struct resident_row resident;
    good_row(&row, true);
    row.cell[RESIDENT_COLUMN_RESIDENCE_CATEGORY] = STR("特別永住者");
    row.cell[RESIDENT_COLUMN_RESIDENCE_CARD_NUMBER] = STR("AB12345678CD");
    row.cell[RESIDENT_COLUMN_HEALTH_INSURANCE] = STR("insured");
    row.cell[RESIDENT_COLUMN_PENSION_CATEGORY] = STR("任意加入被保険者");
    row.cell[RESIDENT_COLUMN_BASIC_PENSION_NUMBER] = STR("0123456789");
    assert_ok(resident_row_parse(NULL, &row, &resident));
    assert_true(str_equal(resident.residence_category, STR("special_permanent")));
    assert_true(str_equal(resident.health_insurance, STR("insured")));
    assert_true(str_equal(resident.pension_category, STR("voluntary")));
    assert_true(str_equal(resident.basic_pension_number, STR("0123456789")));
    assert_string_equal(resident_word_ja(RESIDENT_COLUMN_CARE_INSURANCE, "first"), "第１号被保険者");
    assert_string_equal(resident_word_ja(RESIDENT_COLUMN_CARE_INSURANCE, "insured"), "insured");
    assert_ok(resident_row_set(NULL, RESIDENT_COLUMN_PENSION_CATEGORY, STR(""), &resident));
    assert_int_equal(resident.pension_category.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_cells_have_their_meaning),
        cmocka_unit_test(each_bad_cell_is_named),
        cmocka_unit_test(words_are_taken_in_either_language),
        cmocka_unit_test(kind_and_papers_must_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
