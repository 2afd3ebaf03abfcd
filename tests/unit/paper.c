/* SPDX-License-Identifier: Apache-2.0 */
#include "print/paper.h"

#include "print/paper_record.h"
#include "test.h"

enum { TEXT_MAX = 1 << 18, ARENA = 4 << 20 };

static char sample_text[TEXT_MAX];

/* The sample of a form, terminated. */
static struct str sample(enum paper_form form)
{
    struct buf b;
    buf_init(&b, TEXT_MAX - 1);
    assert_ok(paper_sample(NULL, form, &b));
    memcpy(sample_text, b.p, b.n + 1);
    struct str text = {sample_text, b.n};
    buf_release(&b);
    return text;
}

static void each_form_has_a_sample_that_is_read_and_written_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAPER_FORMS; i++) {
        struct arena a;
        struct paper first, second;
        struct buf once, twice;
        struct fail f = {0};
        arena_init(&a, ARENA);
        buf_init(&once, TEXT_MAX);
        buf_init(&twice, TEXT_MAX);
        if (paper_read(&f, sample((enum paper_form)i), &a, &first))
            fail_msg("%s: %s %s", paper_forms[i].name, err_row(f.err)->name, f.field);
        assert_int_equal(first.form, i);
        paper_write(&first, &once);
        assert_ok(buf_check(&once, NULL, ""));
        assert_ok(paper_read(&f, buf_str(&once), &a, &second));
        paper_write(&second, &twice);
        assert_true(str_equal(buf_str(&once), buf_str(&twice)));
        assert_true(once.n > 300);
        buf_release(&once);
        buf_release(&twice);
        arena_release(&a);
    }
}

static void a_certificate_is_what_its_json_says(void **state)
{
    (void)state;
    struct arena a;
    struct paper paper;
    arena_init(&a, ARENA);
    assert_ok(paper_read(NULL, sample(PAPER_WIDE_AREA_CERTIFICATE), &a, &paper));
    const struct paper_certificate *c = paper.content;
    assert_str(c->home_title, "大阪府豊中市長");
    assert_true(c->with_relationship && c->with_resident_code && !c->with_individual_number);
    assert_int_equal(c->persons_count, 3);
    assert_str(c->persons[1].former_name, "髙﨑");
    assert_int_equal(date_to_int(c->persons[1].birth_date), 19820000);
    assert_int_equal(c->persons[2].sex, SEX_FEMALE);
    assert_true(c->persons[2].foreign);
    arena_release(&a);
}

/* 広域交付 never has them (法12条の4第4項): there is no place for them. */
static void a_certificate_has_no_field_for_what_is_never_on_it(void **state)
{
    (void)state;
    static const char *const never[] = {"honseki",    "honseki_head",  "moved_from_address",  "old_address",
                                        "removed_on", "alias_history", "former_resident_code"};
    for (size_t i = 0; i < COUNT_OF(never); i++) {
        assert_null(paper_field_find(&paper_record_certificate, never[i]));
        assert_null(paper_field_find(&paper_record_certificate_person, never[i]));
    }
}

static void each_field_is_named_once_and_in_japanese(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAPER_FORMS; i++) {
        const struct paper_record *r = paper_forms[i].record;
        for (size_t k = 0; k < r->count; k++) {
            assert_ptr_equal(paper_field_find(r, r->fields[k].name), &r->fields[k]);
            assert_true(r->fields[k].label[0] & 0x80);
            assert_true(r->fields[k].kind != PAPER_KIND_TEXT || r->fields[k].most > 0);
        }
    }
}

/* The sample with its first `what` made `with`. */
static struct str changed(struct buf *out, enum paper_form form, const char *what, const char *with)
{
    struct str text = sample(form);
    const char *at = strstr(text.p, what);
    if (!at)
        fail_msg("%s is not in the sample", what);
    buf_clear(out);
    buf_add(out, text.p, (size_t)(at - text.p));
    buf_add_str(out, str_of(with));
    buf_add_str(out, str_of(at + strlen(what)));
    return buf_str(out);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        enum paper_form form;
        const char *what, *with;
        enum err err;
        const char *field;
    } rows[] = {
        {PAPER_WIDE_AREA_CERTIFICATE, "\"form\":\"wide_area_certificate\"", "\"form\":\"certificate\"",
         ERR_PAPER_FORM, "form"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"form\":\"wide_area_certificate\",", "", ERR_FIELD_MISSING, "form"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"number\"", "\"nunber\"", ERR_PAPER_UNKNOWN, ""},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"name\":\"𠮷田　一郎\"", "\"honseki\":\"西宮市\"", ERR_PAPER_UNKNOWN,
         "persons.1."},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"name\":\"𠮷田　一郎\"", "\"name\":\"\"", ERR_FIELD_MISSING,
         "persons.1.name"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"name\":\"𠮷田　花子\"", "\"name\":\"　花子\"", ERR_TEXT_SPACE,
         "persons.2.name"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"1979-04-29\"", "\"1979-13-29\"", ERR_DATE_REAL,
         "persons.1.birth_date"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"2026-11-27\"", "\"2026-11-00\"", ERR_DATE_REAL, "issued_on"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"male\"", "\"man\"", ERR_SEX, "persons.1.sex"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"male\"", "1", ERR_FIELD_TYPE, "persons.1.sex"},
        {PAPER_WIDE_AREA_CERTIFICATE, "20041819309", "20041819308", ERR_RESIDENT_CODE_CHECK,
         "persons.1.resident_code"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"with_relationship\":true,", "", ERR_PAPER_UNASKED, "householder"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"with_resident_code\":true,", "", ERR_PAPER_UNASKED,
         "persons.1.resident_code"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"with_resident_code\":true,",
         "\"with_resident_code\":true,\"with_individual_number\":true,", ERR_FIELD_MISSING,
         "persons.1.individual_number"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"with_relationship\":true", "\"with_relationship\":\"true\"",
         ERR_FIELD_TYPE, "with_relationship"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"former_name\":\"髙﨑\"", "\"alias\":\"髙﨑\"", ERR_NAME_PART_FOREIGN,
         "persons.2.alias"},
        {PAPER_WIDE_AREA_CERTIFICATE, "\"persons\":[", "\"persons\":[7,", ERR_FIELD_TYPE, "persons.1."},
        {PAPER_MOVE_OUT_CERTIFICATE, "120406081015", "120406081016", ERR_INDIVIDUAL_NUMBER_CHECK,
         "persons.1.individual_number"},
        {PAPER_MOVE_OUT_CERTIFICATE, "\"alias\":\"渡邉󠄙　凛\"", "\"honseki\":\"西宮市\"",
         ERR_NAME_PART_JAPANESE, "persons.2.honseki"},
        {PAPER_MOVE_IN_NOTICE, "\"label\":\"氏名\"", "\"label\":\"\"", ERR_FIELD_MISSING,
         "sections.1.rows.1.label"},
        {PAPER_MOVE_IN_NOTICE, "\"sections\":[", "\"sections\":[],\"remarks\":[", ERR_JSON, ""},
        {PAPER_MOVE_OUT_CONFIRMATION, "\"remarks\":[]", "\"remarks\":{}", ERR_FIELD_TYPE, "remarks"},
    };
    struct buf text;
    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena a;
        struct paper paper = {PAPER_FORMS, NULL};
        struct fail f = {0};
        arena_init(&a, ARENA);
        enum err e = paper_read(&f, changed(&text, rows[i].form, rows[i].what, rows[i].with), &a, &paper);
        if (e != rows[i].err || (rows[i].field[0] && strcmp(f.field, rows[i].field) != 0))
            fail_msg("%s -> %s: %s at %s", rows[i].what, rows[i].with, err_row(e)->name, f.field);
        assert_null(paper.content);
        arena_release(&a);
    }
    buf_release(&text);
}

static void no_person_at_all_is_refused(void **state)
{
    (void)state;
    struct arena a;
    struct fail f = {0};
    struct paper paper;
    arena_init(&a, ARENA);
    assert_err(
        paper_read(
            &f,
            STR("{\"form\":\"wide_area_certificate\",\"number\":\"1\",\"issued_on\":\"2026-11-27\","
                "\"issuer_title\":\"西宮市長\",\"issuer_name\":\"架空　太郎\",\"issuer_seal\":\"西宮市長\","
                "\"home_title\":\"豊中市長\",\"address\":\"豊中市\",\"persons\":[]}"),
            &a, &paper),
        ERR_FIELD_RANGE);
    assert_string_equal(f.field, "persons");
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_has_a_sample_that_is_read_and_written_the_same),
        cmocka_unit_test(a_certificate_is_what_its_json_says),
        cmocka_unit_test(a_certificate_has_no_field_for_what_is_never_on_it),
        cmocka_unit_test(each_field_is_named_once_and_in_japanese),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(no_person_at_all_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
