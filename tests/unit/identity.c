/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/identity.h"
#include "base/random.h"
#include "test.h"

static const char whole[] =
    "{\"resident_code\":\"24727059608\",\"individual_number\":\"123456789018\",\"foreign\":false,"
    "\"name\":\"西宮　花子\",\"name_kana\":\"ニシノミヤ　ハナコ\",\"former_name\":\"芦屋\","
    "\"former_name_kana\":\"アシヤ\",\"birth_date\":\"1958-02-30\",\"sex\":\"female\","
    "\"area_code\":\"282049\",\"address\":\"兵庫県西宮市六湛寺町１０番３号\","
    "\"town_code\":\"0123000\",\"postal_code\":\"6620918\",\"change\":{"
    "\"change_reason\":\"move_in\",\"change_date\":\"2026-11-22\"}}";

static void a_written_record_reads_back_to_the_same_bytes(void **state)
{
    (void)state;
    static const char *const rows[] = {
        whole,
        "{\"resident_code\":\"24846016224\",\"foreign\":true,\"name\":\"DOE JOHN\",\"alias\":\"銅　次郎\","
        "\"alias_kana\":\"ドウ　ジロウ\",\"birth_date\":\"0000-00-00\",\"sex\":\"unknown\",\"area_code\":"
        "\"011011\","
        "\"address\":\"札幌市中央区北一条西\",\"change\":{\"change_reason\":\"move_out\",\"change_date\":"
        "\"2027-01-05\","
        "\"planned\":true}}",
        "{\"resident_code\":\"24846016224\",\"foreign\":false,\"name\":\"𠮷田　葛\xf3\xa0\x84\x80\",\"name_"
        "kana\":\"ヨシダ\","
        "\"kana_state\":\"surname_only\",\"birth_date\":\"1931-00-00\",\"sex\":\"male\",\"area_code\":"
        "\"131016\","
        "\"address\":\"東京都千代田区\",\"change\":{\"change_reason\":\"code_ex_officio_entry\","
        "\"change_date\":\"2027-01-05\",\"old_resident_code_not_recorded\":true}}",
        "{\"resident_code\":\"24846016224\",\"individual_number\":\"123456789018\",\"foreign\":false,"
        "\"name\":\"甲\","
        "\"birth_date\":\"1931-01-01\",\"sex\":\"male\",\"area_code\":\"131016\",\"address\":\"乙\","
        "\"change\":{"
        "\"change_reason\":\"number_change_request\",\"change_date\":\"2027-01-05\","
        "\"old_individual_number\":\"983205673214\"}}",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena a;
        struct buf b;
        struct identity identity;
        struct change change;
        struct fail f = {0};
        struct json *tree;
        arena_init(&a, 100000);
        buf_init(&b, 100000);
        assert_ok(json_read(&f, str_of(rows[i]), &tree));
        if (identity_json_read(&f, tree, &a, &identity, &change))
            fail_msg("row %zu: %s: %s %s", i, f.field, err_row(f.err)->name, f.detail);
        json_free(tree);
        identity_json_write(&b, NULL, &identity, &change);
        assert_string_equal(b.p, rows[i]);
        buf_release(&b);
        arena_release(&a);
    }
}

/* The record `whole` with one member replaced by JSON text, or taken away (NULL). */
struct bad_row {
    const char *member; /* "change.planned" stands inside the change */
    const char *json;
    enum err want;
    const char *field;
};
static const struct bad_row bad_rows[] = {
    {"resident_code", NULL, ERR_FIELD_MISSING, "resident_code"},
    {"resident_code", "null", ERR_FIELD_MISSING, "resident_code"},
    {"resident_code", "24727059608", ERR_FIELD_TYPE, "resident_code"}, /* numbers of persons are text */
    {"resident_code", "\"24727059600\"", ERR_RESIDENT_CODE_CHECK, "resident_code"},
    {"resident_code", "\"2472705960\"", ERR_RESIDENT_CODE_FORM, "resident_code"},
    {"individual_number", "\"123456789012\"", ERR_INDIVIDUAL_NUMBER_CHECK, "individual_number"},
    {"individual_number", "\"\"", ERR_INDIVIDUAL_NUMBER_FORM, "individual_number"},
    {"individual_number", NULL, ERR_OK, ""},
    {"foreign", NULL, ERR_FIELD_MISSING, "foreign"},
    {"foreign", "null", ERR_FIELD_MISSING, "foreign"},
    {"foreign", "\"no\"", ERR_FIELD_TYPE, "foreign"},
    {"foreign", "true", ERR_NAME_PART_JAPANESE, "name_kana"},
    {"name", NULL, ERR_FIELD_MISSING, "name"},
    {"name", "\"\"", ERR_FIELD_MISSING, "name"},
    {"name", "\"西宮\\n花子\"", ERR_TEXT_CHARACTER, "name"},
    {"name_kana", NULL, ERR_OK, ""},
    {"name_kana", "\"にしのみや\"", ERR_KANA_CHARACTER, "name_kana"},
    {"name_kana", "7", ERR_FIELD_TYPE, "name_kana"},
    {"name_kana", "\"\"", ERR_KANA_STATE, "name_kana"},
    {"kana_state", "\"not_recorded\"", ERR_KANA_STATE, "name_kana"},
    {"kana_state", "\"guessed\"", ERR_KANA_STATE, "kana_state"},
    {"former_name", NULL, ERR_KANA_ALONE, "former_name_kana"},
    {"alias", "\"銅\"", ERR_NAME_PART_FOREIGN, "alias"},
    {"alias_kana", "\"ドウ\"", ERR_NAME_PART_FOREIGN, "alias_kana"},
    {"birth_date", NULL, ERR_FIELD_MISSING, "birth_date"},
    {"birth_date", "\"1958-13-01\"", ERR_DATE_REAL, "birth_date"},
    {"birth_date", "\"\"", ERR_DATE_FORM, "birth_date"},
    {"birth_date", "\"2026-11-23\"", ERR_BIRTH_LATE, "birth_date"},
    {"sex", NULL, ERR_FIELD_MISSING, "sex"},
    {"sex", "\"女\"", ERR_SEX, "sex"},
    {"area_code", NULL, ERR_FIELD_MISSING, "area_code"},
    {"area_code", "\"282048\"", ERR_AREA_CODE_CHECK, "area_code"},
    {"area_code", "\"28204\"", ERR_AREA_CODE_FORM, "area_code"},
    {"area_code", "\"280003\"", ERR_AREA_CODE_ADDRESS, "area_code"},
    {"area_code", "\"403059\"", ERR_AREA_CODE_UNKNOWN, "area_code"},
    {"address", NULL, ERR_FIELD_MISSING, "address"},
    {"address", "\"　\"", ERR_TEXT_SPACE, "address"},
    {"town_code", "\"x\"", ERR_TOWN_CODE, "town_code"},
    {"postal_code", "\"662-0918\"", ERR_POSTAL_CODE, "postal_code"},
    {"later_version", "[1]", ERR_OK, ""}, /* unknown members are left alone */
    {"change", NULL, ERR_FIELD_MISSING, "change"},
    {"change", "\"move_in\"", ERR_FIELD_TYPE, "change"},
    {"change.change_reason", NULL, ERR_FIELD_MISSING, "change_reason"},
    {"change.change_reason", "\"転入\"", ERR_CHANGE_REASON, "change_reason"},
    {"change.change_reason", "\"code_change_request\"", ERR_CHANGE_OLD_CODE, "old_resident_code"},
    {"change.change_reason", "\"number_change_request\"", ERR_CHANGE_OLD_NUMBER, "old_individual_number"},
    {"change.change_date", NULL, ERR_FIELD_MISSING, "change_date"},
    {"change.change_date", "\"2026-02-30\"", ERR_DATE_REAL, "change_date"},
    {"change.planned", "true", ERR_CHANGE_PLANNED, "planned"},
    {"change.planned", "false", ERR_OK, ""},
    {"change.planned", "\"yes\"", ERR_FIELD_TYPE, "planned"},
    {"change.old_resident_code", "\"24846016224\"", ERR_CHANGE_OLD_CODE, "old_resident_code"},
    {"change.old_resident_code", "\"24846016220\"", ERR_RESIDENT_CODE_CHECK, "old_resident_code"},
    {"change.old_resident_code_not_recorded", "true", ERR_CHANGE_OLD_CODE, "old_resident_code"},
    {"change.old_individual_number", "\"983205673214\"", ERR_CHANGE_OLD_NUMBER, "old_individual_number"},
    {"change.old_individual_number", "\"983205673210\"", ERR_INDIVIDUAL_NUMBER_CHECK,
     "old_individual_number"},
    {"change.old_individual_number_not_recorded", "true", ERR_CHANGE_OLD_NUMBER, "old_individual_number"},
};

/* The whole record with one member changed, or taken away. */
static struct json *with_member(const struct bad_row *row)
{
    char text[2048];
    struct json *tree = NULL;
    const char *member = row->member, *inner = strstr(whole, "\"change\":{");
    bool of_change = str_starts(str_of(member), STR("change."));
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", of_change ? member + strlen("change.") : member);
    const char *from = of_change ? inner + strlen("\"change\":{") : whole + 1, *at = strstr(from, key);
    if (at && strncmp(key, "\"change\":", 9) != 0) { /* leave it out: up to the next comma or bracket */
        const char *end = at + strcspn(at, ",}");
        if (*end == ',')
            end++;
        else if (at[-1] == ',')
            at--;
        snprintf(text, sizeof text, "%.*s%s", (int)(at - whole), whole, end);
    } else if (at) {
        snprintf(text, sizeof text, "%.*s}", (int)(at - 1 - whole), whole);
    } else {
        snprintf(text, sizeof text, "%s", whole);
    }
    if (row->json) {
        char rest[2048];
        size_t place = of_change ? (size_t)(strstr(text, "\"change\":{") - text) + strlen("\"change\":{") : 1;
        snprintf(rest, sizeof rest, "%s", text + place);
        snprintf(text + place, sizeof text - place, "%s%s%s%s", key, row->json, rest[0] == '}' ? "" : ",",
                 rest);
    }
    assert_ok(json_read(NULL, str_of(text), &tree));
    return tree;
}

static void each_bad_member_is_named_and_its_number_masked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_rows); i++) {
        struct arena a;
        struct fail f = {0};
        struct identity identity = {.sex = (enum sex)77};
        struct change change = {.reason = (enum change_reason)77};
        struct json *tree = with_member(&bad_rows[i]);
        arena_init(&a, 100000);
        enum err e = identity_json_read(&f, tree, &a, &identity, &change);
        if (e != bad_rows[i].want || strcmp(f.field, bad_rows[i].field) != 0)
            fail_msg("row %zu, %s: %s in %s", i, bad_rows[i].member, err_row(e)->name, f.field);
        assert_int_equal(identity.sex == 77 && change.reason == 77, e != ERR_OK); /* untouched on failure */
        size_t run = 0;
        for (const char *c = f.detail; *c; c++) { /* never more than an area code's six digits in a row */
            run = *c >= '0' && *c <= '9' ? run + 1 : 0;
            assert_true(run <= 6);
        }
        json_free(tree);
        arena_release(&a);
    }
}

static const struct identity resident = {
    .resident_code = {24727059608},
    .has_individual_number = true,
    .individual_number = {123456789018},
    .name = {.name = {"甲", 3}},
    .birth_date = {1958, 2, 30},
    .sex = SEX_MALE,
    .address = {.area_code = {282049}, .text = {"乙", 3}},
};
static const struct date day = {2026, 11, 22};

static void each_reason_carries_what_the_law_says(void **state)
{
    (void)state;
    static const struct resident_code code = {24846016224}, same_code = {24727059608},
                                      bad_code = {24846016220};
    static const struct individual_number number = {983205673214}, same_number = {123456789018},
                                          bad_number = {1};
    const struct {
        struct change change;
        enum err want;
    } rows[] = {
        {{.reason = CHANGE_MOVE_OUT, .planned = true}, ERR_OK},
        {{.reason = CHANGE_MOVE_OUT}, ERR_OK},
        {{.reason = CHANGE_DEATH, .planned = true}, ERR_CHANGE_PLANNED},
        {{.reason = CHANGE_NONE}, ERR_CHANGE_REASON},
        {{.reason = CHANGE_MOVE_OUT_CONFIRMED}, ERR_CHANGE_REASON},
        {{.reason = CHANGE_MOVE_OUT_UNCONFIRMED}, ERR_CHANGE_REASON},
        {{.reason = (enum change_reason)99}, ERR_CHANGE_REASON},
        {{.reason = CHANGE_CODE_CHANGE_REQUEST, .has_old_code = true, .old_code = code}, ERR_OK},
        {{.reason = CHANGE_CODE_CHANGE_REQUEST}, ERR_CHANGE_OLD_CODE},
        {{.reason = CHANGE_CODE_CHANGE_REQUEST, .old_code_not_recorded = true}, ERR_CHANGE_OLD_CODE},
        {{.reason = CHANGE_CODE_CHANGE_REQUEST, .has_old_code = true, .old_code = same_code},
         ERR_CHANGE_SAME},
        {{.reason = CHANGE_CODE_CHANGE_REQUEST, .has_old_code = true, .old_code = bad_code},
         ERR_RESIDENT_CODE_CHECK},
        {{.reason = CHANGE_CODE_EX_OFFICIO_ENTRY, .has_old_code = true, .old_code = code}, ERR_OK},
        {{.reason = CHANGE_CODE_EX_OFFICIO_ENTRY, .old_code_not_recorded = true}, ERR_OK},
        {{.reason = CHANGE_CODE_EX_OFFICIO_ENTRY}, ERR_CHANGE_OLD_CODE},
        {{.reason = CHANGE_CODE_EX_OFFICIO_ENTRY,
          .has_old_code = true,
          .old_code = code,
          .old_code_not_recorded = true},
         ERR_CHANGE_OLD_CODE},
        {{.reason = CHANGE_NUMBER_CHANGE_REQUEST, .has_old_number = true, .old_number = number}, ERR_OK},
        {{.reason = CHANGE_NUMBER_CHANGE_REQUEST, .old_number_not_recorded = true}, ERR_CHANGE_OLD_NUMBER},
        {{.reason = CHANGE_NUMBER_EX_OFFICIO_CORRECTION, .has_old_number = true, .old_number = number},
         ERR_OK},
        {{.reason = CHANGE_NUMBER_EX_OFFICIO_CORRECTION, .has_old_number = true, .old_number = same_number},
         ERR_CHANGE_SAME},
        {{.reason = CHANGE_NUMBER_EX_OFFICIO_CORRECTION, .has_old_number = true, .old_number = bad_number},
         ERR_INDIVIDUAL_NUMBER_CHECK},
        {{.reason = CHANGE_NUMBER_EX_OFFICIO_ENTRY, .old_number_not_recorded = true}, ERR_OK},
        {{.reason = CHANGE_NUMBER_EX_OFFICIO_ENTRY}, ERR_CHANGE_OLD_NUMBER},
        {{.reason = CHANGE_MOVE_WITHIN, .has_old_number = true, .old_number = number}, ERR_CHANGE_OLD_NUMBER},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct change change = rows[i].change;
        struct identity unnumbered = resident;
        change.date = day;
        enum err e = identity_check(NULL, &resident, &change);
        if (e != rows[i].want)
            fail_msg("row %zu: %s", i, err_row(e)->name);
        unnumbered.has_individual_number = false;
        bool of_number = change_row(change.reason) && change_row(change.reason)->old_number != NEVER;
        if (!e) /* a change of the number without the new number says nothing */
            assert_int_equal(identity_check(NULL, &unnumbered, &change),
                             of_number ? ERR_FIELD_MISSING : ERR_OK);
    }
}

static void values_that_no_parser_made_are_refused_too(void **state)
{
    (void)state;
    struct identity rows[] = {resident, resident, resident, resident, resident};
    static const enum err want[] = {ERR_RESIDENT_CODE_CHECK, ERR_INDIVIDUAL_NUMBER_CHECK, ERR_DATE_REAL,
                                    ERR_SEX, ERR_OK};
    rows[0].resident_code.value = -1;
    rows[1].individual_number.value = INDIVIDUAL_NUMBER_MAX + 1;
    rows[2].birth_date.month = -3;
    rows[3].sex = (enum sex)3;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_err(identity_check(NULL, &rows[i], NULL), want[i]);
}

/* Everything random that a valid record may be. */
static struct str pick(struct random_seeded *r, const struct str *from, size_t count)
{
    return from[random_seeded_below(r, count)];
}

static void random_name(struct random_seeded *r, struct identity *i)
{
    static const struct str names[] = {{"西宮　花子", 15}, {"𠮷田", 7}, {"DOE \"J\" \\ /", 11}, {"é", 2}};
    static const struct str kana[] = {{"ニシノミヤ", 15}, {"ヴ", 3}, {"ハナ　コ", 12}};
    i->name = (struct person_name){.name = pick(r, names, COUNT_OF(names))};
    if (i->foreign) {
        if (random_seeded_below(r, 2))
            i->name.alias = pick(r, names, COUNT_OF(names));
        if (i->name.alias.n && random_seeded_below(r, 2))
            i->name.alias_kana = pick(r, kana, COUNT_OF(kana));
        return;
    }
    i->name.kana_state = (enum kana_state)random_seeded_below(r, 4);
    if (i->name.kana_state != KANA_NOT_RECORDED)
        i->name.kana = pick(r, kana, i->name.kana_state == KANA_RECORDED ? 3 : 2);
    if (random_seeded_below(r, 2))
        i->name.former_name = pick(r, names, COUNT_OF(names));
}

static void random_identity(struct random_seeded *r, struct identity *i)
{
    static const struct str towns[] = {{"", 0}, {"0123000", 7}}, postals[] = {{"", 0}, {"6620918", 7}};
    size_t areas;
    const struct area_row *rows = area_rows(&areas), *row;
    do
        row = &rows[random_seeded_below(r, areas)];
    while (!row->holds_addresses);
    *i = (struct identity){.foreign = random_seeded_below(r, 2),
                           .has_individual_number = random_seeded_below(r, 2)};
    i->resident_code = resident_code_from_payload((int64_t)random_seeded_below(r, RESIDENT_CODE_PAYLOAD_MAX));
    if (i->has_individual_number)
        i->individual_number =
            individual_number_from_payload((int64_t)random_seeded_below(r, INDIVIDUAL_NUMBER_PAYLOAD_MAX));
    random_name(r, i);
    i->birth_date = (struct date){(int16_t)random_seeded_below(r, 2000), (int8_t)random_seeded_below(r, 13),
                                  (int8_t)random_seeded_below(r, 32)};
    i->sex = (enum sex)random_seeded_below(r, 3);
    i->address = (struct address){row->code, str_of(row->name), pick(r, towns, 2), pick(r, postals, 2)};
}

static void random_change(struct random_seeded *r, struct identity *i, struct change *c)
{
    size_t count;
    const struct change_row *rows = change_rows(&count), *row;
    do
        row = &rows[random_seeded_below(r, count)];
    while (row->group == CHANGE_CONFIRMATION); /* no identity record carries it */
    *c = (struct change){
        .reason = row->reason,
        .date = date_add_days((struct date){2000, 1, 1}, (int32_t)random_seeded_below(r, 55000))};
    c->planned = row->planned != NEVER && random_seeded_below(r, 2);
    bool unrecorded = random_seeded_below(r, 2);
    c->old_code_not_recorded = row->old_code == MUST_OR_NOT_RECORDED && unrecorded;
    c->has_old_code = row->old_code != NEVER && !c->old_code_not_recorded;
    if (c->has_old_code)
        c->old_code = resident_code_from_payload(RESIDENT_CODE_PAYLOAD_MAX);
    c->old_number_not_recorded = row->old_number == MUST_OR_NOT_RECORDED && unrecorded;
    c->has_old_number = row->old_number != NEVER && !c->old_number_not_recorded;
    if (c->has_old_number)
        c->old_number = individual_number_from_payload(INDIVIDUAL_NUMBER_PAYLOAD_MAX);
    if (row->old_number != NEVER && !i->has_individual_number) {
        i->has_individual_number = true;
        i->individual_number = (struct individual_number){123456789018};
    }
}

static void any_valid_record_survives_the_journey(void **state)
{
    (void)state;
    enum { SEED = 20261122 };
    struct random_seeded r = {SEED};
    struct arena a;
    struct buf b, again;
    arena_init(&a, 1000000);
    buf_init(&b, 10000);
    buf_init(&again, 10000);
    for (int round = 0; round < 20000; round++) {
        struct identity out, back;
        struct change change, change_back;
        struct fail f = {0};
        struct json *tree;
        random_identity(&r, &out);
        random_change(&r, &out, &change);
        buf_clear(&b);
        buf_clear(&again);
        arena_reset(&a);
        identity_json_write(&b, NULL, &out, &change);
        assert_ok(json_read(&f, buf_str(&b), &tree));
        if (identity_json_read(&f, tree, &a, &back, &change_back))
            fail_msg("seed %d, round %d: %s %s", SEED, round, f.field, err_row(f.err)->name);
        json_free(tree);
        assert_null(identity_difference(&out, &back));
        identity_json_write(&again, NULL, &back, &change_back); /* the change too: same bytes */
        assert_true(str_equal(buf_str(&b), buf_str(&again)));
    }
    buf_release(&b);
    buf_release(&again);
    arena_release(&a);
}

static void a_record_without_its_change_is_read_alone(void **state)
{
    (void)state;
    struct arena a;
    struct buf b;
    struct identity identity;
    struct json *tree;
    arena_init(&a, 100000);
    buf_init(&b, 10000);
    json_begin(&b, NULL, '{');
    identity_json_write(&b, "identity", &resident, NULL);
    json_end(&b, '}');
    assert_ok(json_read(NULL, buf_str(&b), &tree));
    assert_ok(identity_json_read(NULL, json_get(tree, "identity"), &a, &identity, NULL));
    assert_null(identity_difference(&identity, &resident));
    json_free(tree);
    buf_release(&b);
    arena_release(&a);
}

static void a_difference_is_named(void **state)
{
    (void)state;
    struct identity rows[] = {resident, resident, resident, resident, resident, resident};
    static const char *const want[] = {"individual_number", "foreign", "name", "birth_date", "address", NULL};
    rows[0].has_individual_number = false;
    rows[1].foreign = true;
    rows[2].name.name = STR("丙");
    rows[3].birth_date.day = 28;
    rows[4].address.text = STR("丁");
    char other_place[] = "甲";
    rows[5].name.name = (struct str){other_place, 3}; /* by value, not by place */
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *seen = identity_difference(&resident, &rows[i]);
        assert_true(seen == want[i] || (seen && want[i] && strcmp(seen, want[i]) == 0));
    }
}

static void a_full_arena_is_an_error_and_nothing_else(void **state)
{
    (void)state;
    struct identity identity;
    struct change change;
    struct json *tree;
    size_t failures = 0;
    enum err e = ERR_MEMORY;
    assert_ok(json_read(NULL, str_of(whole), &tree));
    for (size_t limit = 0; e && limit < 4000; limit += 16) {
        struct arena a;
        arena_init(&a, limit);
        e = identity_json_read(NULL, tree, &a, &identity, &change);
        assert_true(e == ERR_OK || e == ERR_MEMORY);
        failures += e == ERR_MEMORY;
        arena_release(&a);
    }
    assert_int_equal(e, ERR_OK); /* it does fit at last */
    assert_in_range(failures, 10, 200);
    json_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_record_reads_back_to_the_same_bytes),
        cmocka_unit_test(each_bad_member_is_named_and_its_number_masked),
        cmocka_unit_test(each_reason_carries_what_the_law_says),
        cmocka_unit_test(values_that_no_parser_made_are_refused_too),
        cmocka_unit_test(any_valid_record_survives_the_journey),
        cmocka_unit_test(a_record_without_its_change_is_read_alone),
        cmocka_unit_test(a_difference_is_named),
        cmocka_unit_test(a_full_arena_is_an_error_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
