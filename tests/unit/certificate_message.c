/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/special_move_in/special_move_in_message.h"

#include "base/json.h"
#include "test.h"

#define PERSON(code, more)                                                                                   \
    "{\"resident_code\":\"" code                                                                             \
    "\",\"name\":\"西宮　太郎\",\"birth_date\":\"1980-01-02\",\"sex\":\"male\"" more "}"
#define CARD ",\"card_issued_on\":\"2024-05-01\",\"card_valid_until\":\"2034-01-02\""
#define HEAD                                                                                                           \
    "{\"certificate\":\"g-1\",\"area_code\":\"282049\",\"address\":\"兵庫県西宮市六湛寺町１０番３号\"," \
    "\"destination_area_code\":\"272035\",\"planned_on\":\"2026-03-31\""

static enum err read(const char *text, struct arena *a, struct move_out_certificate *m, struct fail *f)
{
    struct json *tree;
    assert_ok(json_read(NULL, str_of(text), &tree));
    enum err e = message_read(f, &move_out_certificate_form, tree, a, m);
    json_free(tree);
    return e;
}

static void what_is_written_is_read_again(void **state UNUSED)
{
    const char *said = HEAD ",\"persons\":[" PERSON("24727059608", CARD ",\"card_form\":\"１\"") "," PERSON(
        "24846016224", ",\"pension_category\":\"first\",\"basic_pension_number\":\"0123456789\"") "]}";
    struct move_out_certificate m;
    struct arena a;
    struct buf b;
    arena_init(&a, MESSAGE_BYTES_MAX);
    buf_init(&b, MESSAGE_BYTES_MAX);
    assert_ok(read(said, &a, &m, NULL));
    assert_int_equal(m.persons.count, 2);
    assert_true(certificate_has_card(certificate_person_at(&m, 0)));
    assert_false(certificate_has_card(certificate_person_at(&m, 1)));
    message_write(&b, NULL, &move_out_certificate_form, &m);
    assert_true(str_equal(buf_str(&b), str_of(said)));
    buf_release(&b);
    arena_release(&a);
}

static void what_cannot_be_is_refused(void **state UNUSED)
{
    static const struct {
        const char *text;
        enum err err;
        const char *field;
    } rows[] = {
        {HEAD "}", ERR_FIELD_MISSING, "card_issued_on"}, /* nobody goes */
        {HEAD ",\"withdrawn\":true}", ERR_OK, ""},
        {HEAD ",\"persons\":[" PERSON("24727059608", "") "]}", ERR_FIELD_MISSING, "card_issued_on"},
        {HEAD ",\"persons\":[" PERSON("24727059608", ",\"card_issued_on\":\"2024-05-01\"") "]}",
         ERR_FIELD_MISSING, "card_valid_until"},
        {HEAD ",\"persons\":[" PERSON("24727059608", CARD) "," PERSON("24727059608", "") "]}", ERR_EXISTS,
         "persons"},
        {HEAD ",\"persons\":[" PERSON("24727059608", CARD ",\"nationality\":\"中国\"") "]}",
         ERR_RESIDENT_NATIONALITY, "nationality"},
        {HEAD ",\"persons\":[" PERSON("24727059608", CARD ",\"foreign\":true") "]}", ERR_RESIDENT_NATIONALITY,
         "nationality"},
        {HEAD ",\"persons\":[" PERSON("24727059607", CARD) "]}", ERR_RESIDENT_CODE_CHECK, "resident_code"},
        {HEAD ",\"persons\":[1]}", ERR_FIELD_TYPE, "persons"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct move_out_certificate m;
        struct fail f = {0};
        struct arena a;
        arena_init(&a, MESSAGE_BYTES_MAX);
        assert_err(read(rows[i].text, &a, &m, &f), rows[i].err);
        assert_string_equal(f.field, rows[i].field);
        arena_release(&a);
    }
}

/* The longest that the rows allow fits what carries it. */
static void the_largest_household_fits(void **state UNUSED)
{
    static char longest[4 * 200 + 1];
    static struct certificate_alias aliases[CERTIFICATE_ALIASES_MOST];
    static struct certificate_person persons[CERTIFICATE_PERSONS_MOST + 1];
    struct move_out_certificate m = {.certificate = STR("g"),
                                     .area_code = {282049},
                                     .address = STR("兵庫県"),
                                     .destination_area_code = {272035},
                                     .planned_on = {2026, 3, 31},
                                     .persons = {persons, CERTIFICATE_PERSONS_MOST}};
    struct buf b;
    for (size_t i = 0; i < 200; i++)
        memcpy(longest + 4 * i, "𠮷", 4);
    const struct str text = {longest, 800}, word = {longest, 160};
    for (size_t i = 0; i < COUNT_OF(aliases); i++)
        aliases[i] =
            (struct certificate_alias){.alias = text, .area_code = {282049}, .entered_on = {2020, 1, 1}};
    for (size_t i = 0; i < COUNT_OF(persons); i++) {
        char code[16];
        uint64_t digits = 1000000000 + i;
        persons[i] = (struct certificate_person){.name = text,
                                                 .name_kana = text,
                                                 .former_name = text,
                                                 .former_name_kana = text,
                                                 .alias = text,
                                                 .alias_kana = text,
                                                 .aliases = {aliases, COUNT_OF(aliases)},
                                                 .relationship = text,
                                                 .honseki = text,
                                                 .honseki_head = text,
                                                 .residence_status = text,
                                                 .residence_period = text,
                                                 .health_insurance = word,
                                                 .card_form = word,
                                                 .birth_date = {1980, 1, 2},
                                                 .sex = {true, SEX_MALE},
                                                 .resident_code = {true, {0}},
                                                 .card_issued_on = {2024, 5, 1},
                                                 .card_valid_until = {2034, 1, 2}};
        for (int check = 0; check < 10; check++) { /* the one check digit that is right */
            snprintf(code, sizeof code, "%llu%d", (unsigned long long)digits, check);
            if (!resident_code_parse(NULL, str_of(code), &persons[i].resident_code.value))
                break;
        }
    }
    assert_ok(message_check(NULL, &move_out_certificate_form, &m));
    buf_init(&b, MESSAGE_BYTES_MAX - 4096); /* room for what stands around it */
    message_write(&b, NULL, &move_out_certificate_form, &m);
    assert_ok(buf_check(&b, NULL, "certificate"));
    assert_true(b.n > 200 << 10);
    buf_release(&b);
    m.persons.count++;
    assert_err(message_check(NULL, &move_out_certificate_form, &m), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(the_largest_household_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
