/* SPDX-License-Identifier: Apache-2.0 */
#include "register/change_event.h"

#include "test.h"

static enum err parse(struct arena *a, struct fail *f, const char *text, struct change_event *e)
{
    arena_reset(a);
    return change_event_parse(f, 7, str_of(text), a, e);
}

#define HEAD "\"event\":\"e1\",\"change_date\":\"2026-04-03\",\"record\":\"r1\""
#define PERSON                                                                                               \
    "\"household_number\":\"1\",\"relationship\":\"子\",\"name\":\"西宮　一\",\"name_kana\":"           \
    "\"ニシノミヤ　ハジメ\","                                                                       \
    "\"birth_date\":\"2026-04-01\",\"sex\":\"male\",\"area_code\":\"282049\",\"address\":"                   \
    "\"兵庫県西宮市六湛寺町１０番３号\""

static void an_entry_is_a_whole_row(void **state)
{
    (void)state;
    struct arena a;
    struct change_event e;
    struct resident_row row;
    arena_init(&a, 1 << 20);
    assert_ok(parse(&a, NULL, "{" HEAD ",\"reason\":\"birth\",\"set\":{" PERSON "}}", &e));
    assert_ok(resident_row_parse(NULL, &e.value, &row));
    assert_str(row.record, "r1");
    assert_int_equal(date_to_int(row.resident_since), 20260403);
    assert_int_equal(row.entry_reason, MUNICIPAL_BIRTH);
    assert_false(row.has_resident_code);
    assert_int_equal(row.identity.name.kana_state, KANA_RECORDED);
    arena_release(&a);
}

static void an_amendment_changes_only_what_it_names(void **state)
{
    (void)state;
    struct arena a;
    struct change_event e;
    struct resident_row row = {.relationship = STR("妻"), .town = STR("本町")};
    row.identity.address.postal_code = STR("6620918");
    arena_init(&a, 1 << 20);
    assert_ok(parse(&a, NULL,
                    "{" HEAD
                    ",\"reason\":\"move_within\",\"notified_on\":\"2026-04-05\",\"set\":{\"address\":"
                    "\"兵庫県西宮市甲子園町１番\",\"postal_code\":\"\"}}",
                    &e));
    assert_ok(change_event_amend(NULL, &e, &row));
    assert_str(row.identity.address.text, "兵庫県西宮市甲子園町１番");
    assert_int_equal(row.identity.address.postal_code.n, 0);
    assert_str(row.relationship, "妻");
    assert_str(row.town, "本町");
    assert_true(change_event_sets(&e, RESIDENT_COLUMN_ADDRESS));
    assert_false(change_event_sets(&e, RESIDENT_COLUMN_TOWN));
    arena_release(&a);
}

static void refusals_name_line_and_field(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
        const char *field;
    } rows[] = {
        {"", ERR_JSON, ""},
        {"[]", ERR_JSON, ""},
        {"{" HEAD ",\"reason\":\"death\",\"date\":\"2026-04-03\"}", ERR_MALFORMED, ""},
        {"{" HEAD ",\"reason\":\"died\"}", ERR_CHANGE_REASON, NULL},
        {"{" HEAD "}", ERR_FIELD_MISSING, "reason"},
        {"{\"event\":\"e\",\"reason\":\"death\",\"change_date\":\"2026-04-31\",\"record\":\"r\"}",
         ERR_DATE_REAL, "change_date"},
        {"{\"event\":\"e\",\"reason\":\"death\",\"change_date\":\"2026-04-03\"}", ERR_CHANGE_SUBJECT,
         "record"},
        {"{" HEAD ",\"reason\":\"death\",\"resident_code\":\"12345678901\"}", ERR_RESIDENT_CODE_CHECK, NULL},
        {"{" HEAD ",\"reason\":\"death\",\"set\":{\"sex\":\"male\"}}", ERR_CHANGE_VALUE, "sex"},
        {"{" HEAD ",\"reason\":\"birth\",\"set\":{\"sex\":\"male\"}}", ERR_CHANGE_VALUE, "household_number"},
        {"{" HEAD ",\"reason\":\"birth\",\"set\":{" PERSON ",\"nationality\":\"中国\"}}",
         ERR_RESIDENT_NATIONALITY, NULL},
        {"{" HEAD ",\"reason\":\"move_within\",\"set\":{\"address\":\"\"}}", ERR_CHANGE_VALUE, "address"},
        {"{" HEAD ",\"reason\":\"move_within\",\"set\":{\"adress\":\"x\"}}", ERR_CHANGE_VALUE, "set"},
        {"{" HEAD ",\"reason\":\"clerical_correction\"}", ERR_CHANGE_VALUE, "set"},
        {"{" HEAD ",\"reason\":\"clerical_correction\",\"set\":{\"birth_date\":\"1980-13-01\"}}",
         ERR_DATE_REAL, "birth_date"},
        {"{" HEAD ",\"reason\":\"clerical_correction\",\"set\":{\"sex\":\"\"}}", ERR_FIELD_MISSING, "sex"},
        {"{" HEAD ",\"reason\":\"cancelled_entry\"}", ERR_CHANGE_VALUE, "cancels"},
        {"{" HEAD ",\"reason\":\"death\",\"cancels\":\"e0\"}", ERR_CHANGE_VALUE, "cancels"},
        {"{" HEAD ",\"reason\":\"death\",\"moved_to_address\":\"x\"}", ERR_CHANGE_VALUE, "moved_to_address"},
        {"{" HEAD ",\"reason\":\"domestic_move_out\",\"moved_to_area_code\":\"999999\"}", ERR_AREA_CODE_FORM,
         NULL},
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fail f = {0};
        struct change_event e;
        assert_err(parse(&a, &f, rows[i].text, &e), rows[i].err);
        assert_true(str_starts(str_of(f.detail), STR("line 7")));
        if (rows[i].field)
            assert_string_equal(f.field, rows[i].field);
    }
    arena_release(&a);
}

static void every_municipal_reason_has_one_rule(void **state)
{
    (void)state;
    static const enum municipal_reason ruled[] = {
#define RULE(reason, form) MUNICIPAL_##reason,
#include "register/change_rule.def"
#undef RULE
    };
    size_t count;
    const struct municipal_row *rows = municipal_rows(&count);
    assert_int_equal(COUNT_OF(ruled), count);
    for (size_t i = 0; i < count; i++) {
        size_t found = 0;
        for (size_t j = 0; j < COUNT_OF(ruled); j++)
            found += ruled[j] == rows[i].reason;
        assert_int_equal(found, 1);
    }
}

static void kana_known_in_part(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum kana_state kana_state;
        struct str kana;
    } rows[] = {{"ニシノミヤ　ハナコ", KANA_RECORDED, STR("ニシノミヤ　ハナコ")},
                {"ニシノミヤ　【名空欄】", KANA_SURNAME_ONLY, STR("ニシノミヤ")},
                {"【氏空欄】　ハナコ", KANA_GIVEN_ONLY, STR("ハナコ")}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct resident_row row = {0};
        assert_ok(resident_row_set(NULL, RESIDENT_COLUMN_NAME_KANA, str_of(rows[i].text), &row));
        assert_int_equal(row.identity.name.kana_state, rows[i].kana_state);
        assert_true(str_equal(row.identity.name.kana, rows[i].kana));
        assert_ok(resident_row_set(NULL, RESIDENT_COLUMN_NAME_KANA, STR(""), &row));
        assert_int_equal(row.identity.name.kana_state, KANA_NOT_RECORDED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_a_whole_row),
        cmocka_unit_test(an_amendment_changes_only_what_it_names),
        cmocka_unit_test(refusals_name_line_and_field),
        cmocka_unit_test(every_municipal_reason_has_one_rule),
        cmocka_unit_test(kana_known_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
