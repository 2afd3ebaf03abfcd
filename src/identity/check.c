/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/check.h"

#include "identity/area_code.h"
#include "identity/era.h"
#include "identity/individual_number.h"
#include "identity/resident_code.h"

typedef enum err (*check_fn)(struct fail *f, enum fail_language language, struct str text, struct buf *out);

static void say(struct buf *out, enum fail_language language, const char *english, const char *japanese)
{
    buf_add_str(out, str_of(language == FAIL_JAPANESE ? japanese : english));
}

static enum err check_resident_code(struct fail *f, enum fail_language language, struct str text,
                                    struct buf *out)
{
    struct resident_code code;
    char masked[RESIDENT_CODE_TEXT_SIZE];
    enum err e = resident_code_parse(f, text, &code);
    if (e)
        return e;
    buf_add_str(out, str_of(resident_code_masked(code, masked)));
    say(out, language, ": a well-formed resident code", "：住民票コードの形式として正しい番号です");
    return ERR_OK;
}

static enum err check_individual_number(struct fail *f, enum fail_language language, struct str text,
                                        struct buf *out)
{
    struct individual_number number;
    char masked[INDIVIDUAL_NUMBER_TEXT_SIZE];
    enum err e = individual_number_parse(f, text, &number);
    if (e)
        return e;
    buf_add_str(out, str_of(individual_number_masked(number, masked)));
    say(out, language, ": a well-formed Individual Number", "：個人番号の形式として正しい番号です");
    return ERR_OK;
}

static void describe_area(struct buf *out, enum fail_language language, const struct area_row *row)
{
    const struct area_row *cs = area_code_find(area_code_cs(row->code));
    bool prefixed = row->type != AREA_PREFECTURE; /* a prefecture's own row carries its name already */
    buf_add_format(out, "%06d %s%s (%s) ", (int)row->code.value, prefixed ? row->prefecture : "", row->name,
                   row->kana);
    buf_add_str(out, str_of(area_type_name(row->type, language)));
    if (row->holds_addresses)
        say(out, language, "; holds addresses", "；住所に使える");
    else
        say(out, language, "; holds no addresses", "；住所には使えない");
    if (cs == row)
        say(out, language, "; runs a CS", "；CSを置く");
    else if (cs && language == FAIL_JAPANESE)
        buf_add_format(out, "；%06d %sのCSが受け持つ", (int)cs->code.value, cs->name);
    else if (cs)
        buf_add_format(out, "; served by the CS of %06d %s", (int)cs->code.value, cs->name);
    else
        say(out, language, "; no CS", "；CSなし");
}

static enum err check_area_code(struct fail *f, enum fail_language language, struct str text, struct buf *out)
{
    struct area_code code;
    enum err e =
        text.n == AREA_CODE_DIGITS - 1 ? area_code_parse5(f, text, &code) : area_code_parse(f, text, &code);
    if (e)
        return e;
    const struct area_row *row = area_code_find(code);
    if (!row) /* no row holds addresses: this says who took the code's place */
        return area_code_check_address(f, "area_code", code);
    describe_area(out, language, row);
    return ERR_OK;
}

static enum err check_date(struct fail *f, enum fail_language language, struct str text, struct buf *out)
{
    struct date d;
    char iso[DATE_TEXT_SIZE], era[ERA_TEXT_SIZE], brief[ERA_TEXT_SIZE];
    enum err e = birth_date_parse(f, "date", text, &d);
    if (e)
        return e;
    buf_add_format(out, "%s %s (%s) ", date_text(d, iso), era_text(d, era), era_short(d, brief));
    if (date_real(d))
        say(out, language, "a day of the calendar", "暦にある日付です");
    else if (date_known(d))
        say(out, language, "not a day of the calendar: allowed only as a date of birth",
            "暦にない日付です（生年月日に限り使えます）");
    else
        say(out, language, "partly unknown: allowed only as a date of birth",
            "一部不詳です（生年月日に限り使えます）");
    return ERR_OK;
}

static const char *const kinds[] = {"resident-code", "individual-number", "area-code", "date"};
static const check_fn checks[] = {check_resident_code, check_individual_number, check_area_code, check_date};
static_assert(COUNT_OF(kinds) == COUNT_OF(checks), "a check for each kind");

enum err check_value(struct fail *f, enum fail_language language, struct str kind, struct str text,
                     struct buf *explanation)
{
    enum err e = utf8_check(f, "value", text);
    for (size_t i = 0; i < COUNT_OF(kinds) && !e; i++) {
        if (!str_equal(kind, str_of(kinds[i])))
            continue;
        e = checks[i](f, language, text, explanation);
        return e ? e : buf_check(explanation, f, "explanation");
    }
    return e ? e : fail_set(f, ERR_NOT_FOUND, "kind", "resident-code, individual-number, area-code, date");
}

const char *const *check_kinds(size_t *count)
{
    *count = COUNT_OF(kinds);
    return kinds;
}
