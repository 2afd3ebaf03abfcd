/* SPDX-License-Identifier: Apache-2.0 */
/* Dates, codes, numbers, names and the other values of a record: what is taken, written again, reads the
 * same. The input is one value, tried as each of them; three lines are a name, its reading and an alias. */
#include "fuzz.h"

#include "identity/address.h"
#include "identity/change_reason.h"
#include "identity/check.h"
#include "identity/civil_date.h"
#include "identity/era.h"
#include "identity/individual_number.h"
#include "identity/person_name.h"
#include "identity/resident_code.h"
#include "identity/sex.h"
#include "identity/text_check.h"

static bool same(struct date a, struct date b)
{
    return a.year == b.year && a.month == b.month && a.day == b.day;
}

static void check_date(struct str in)
{
    struct date d, again;
    char text[DATE_TEXT_SIZE], era[ERA_TEXT_SIZE];
    if (!date_parse(NULL, "date", in, &d)) {
        assert(date_real(d) && str_equal(str_of(date_text(d, text)), in));
        assert(same(date_from_day_number(date_day_number(d)), d) && same(date_from_int(date_to_int(d)), d));
        assert(date_age(d, d) == 0);
    }
    if (!birth_date_parse(NULL, "birth_date", in, &d)) {
        assert(date_birth_possible(d));
        assert(!birth_date_parse(NULL, "birth_date", str_of(date_text(d, text)), &again) && same(d, again));
        assert(!era_parse(NULL, "birth_date", str_of(era_text(d, era)), &again) && same(d, again));
        assert(!era_parse(NULL, "birth_date", str_of(era_short(d, era)), &again) && same(d, again));
        (void)date_age(d, (struct date){2026, 11, 22});
    }
}

static void check_codes(struct str in)
{
    struct resident_code code;
    struct individual_number number;
    struct area_code area;
    char text[32];
    if (!resident_code_parse(NULL, in, &code))
        assert(str_equal(str_of(resident_code_REVEAL(code, text)), in));
    if (!individual_number_parse(NULL, in, &number))
        assert(str_equal(str_of(individual_number_REVEAL(number, text)), in));
    if (!area_code_parse(NULL, in, &area))
        assert(in.n == 6);
    if (!area_code_parse5(NULL, in, &area))
        assert(in.n == 5);
}

static void check_words(struct str in)
{
    enum sex sex;
    enum change_reason reason;
    enum municipal_reason municipal;
    enum kana_state state;
    if (!change_reason_parse(NULL, in, &reason))
        assert(str_equal(str_of(change_row(reason)->name), in));
    if (!municipal_reason_parse(NULL, in, &municipal))
        assert(municipal_row(municipal));
    (void)!sex_parse(NULL, in, &sex);
    if (!kana_state_parse(NULL, in, &state))
        assert(str_equal(str_of(kana_state_name(state)), in));
}

static void check_name(struct str in)
{
    struct person_name n = {.kana_state = KANA_NOT_RECORDED};
    struct str rest = in;
    struct buf shown;
    (void)str_cut(&rest, '\n', &n.name);
    if (rest.p && str_cut(&rest, '\n', &n.kana) && n.kana.n)
        n.kana_state = KANA_RECORDED;
    if (rest.p)
        n.alias = rest;
    buf_init(&shown, 4096);
    for (int foreign = 0; foreign < 2; foreign++)
        if (!person_name_check(NULL, &n, foreign)) {
            assert(utf8_count(n.name) <= NAME_MAX_POINTS && utf8_count(n.kana) <= KANA_MAX_POINTS);
            buf_clear(&shown);
            person_name_kana_text(&n, &shown);
            assert(!shown.broken && !utf8_check(NULL, "kana", buf_str(&shown)));
        }
    buf_release(&shown);
}

void fuzz_target(struct str in)
{
    struct fail f;
    struct address address = {.text = in, .town_code = in, .postal_code = in};
    struct buf out;
    if (in.n > 4096 || utf8_check(&f, "value", in)) /* the border: nothing else is let in */
        return;
    check_date(in);
    check_codes(in);
    check_words(in);
    check_name(in);
    (void)!text_check(NULL, "text", in, 200);
    (void)!address_check(NULL, &address);
    buf_init(&out, 65536);
    (void)!check_value(&f, FAIL_JAPANESE, STR("date"), in, &out);
    buf_release(&out);
}
