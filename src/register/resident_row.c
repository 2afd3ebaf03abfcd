/* SPDX-License-Identifier: Apache-2.0 */
/* Cells to values. Each column has one parser in the table below; what needs several columns is checked
 * after.
 *
 * Empty cells mean "none"; which may be empty is the column's affair (filled) or, for what depends on the
 * person, resident_row_check's: a Japanese resident has 本籍 and 筆頭者, a foreign one a nationality and a
 * residence status. */
#include "register/resident_row.h"

#include "identity/text_check.h"

struct cell_parser {
    bool filled; /* must not be empty */
    enum err (*parse)(struct fail *f, const char *field, struct str text, struct resident_row *out);
    size_t text; /* offset of a struct str that takes the text as it is, when parse is NULL */
};

#define PARSER(name)                                                                                         \
    static enum err parse_##name(struct fail *f, const char *field, struct str text, struct resident_row *out)

PARSER(birth_date)
{
    return birth_date_parse(f, field, text, &out->identity.birth_date);
}

PARSER(sex)
{
    static const struct {
        struct str text;
        enum sex sex;
    } words[] = {{{"男", 3}, SEX_MALE}, {{"女", 3}, SEX_FEMALE}, {{"不明", 6}, SEX_UNKNOWN}};
    (void)field;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_equal(text, words[i].text)) {
            out->identity.sex = words[i].sex;
            return ERR_OK;
        }
    return sex_parse(f, text, &out->identity.sex);
}

PARSER(nationality_kind)
{
    out->identity.foreign = str_equal(text, STR("foreign")) || str_equal(text, STR("外国人"));
    if (out->identity.foreign || str_equal(text, STR("japanese")) || str_equal(text, STR("日本人")))
        return ERR_OK;
    return fail_set(f, ERR_MALFORMED, field, "japanese or foreign");
}

PARSER(residence_until)
{
    return date_parse(f, field, text, &out->residence_until);
}

PARSER(area_code)
{
    (void)field;
    return area_code_parse(f, text, &out->identity.address.area_code);
}

PARSER(postal_code)
{
    (void)f, (void)field;
    out->identity.address.postal_code = text;
    return ERR_OK; /* address_check */
}

PARSER(honseki_area_code)
{
    (void)field;
    return area_code_parse(f, text, &out->honseki_area);
}

PARSER(resident_since)
{
    return date_parse(f, field, text, &out->resident_since);
}

PARSER(address_since)
{
    return date_parse(f, field, text, &out->address_since);
}

PARSER(entry_reason)
{
    enum municipal_reason reason;
    enum err err = municipal_reason_parse(f, text, &reason);
    if (err)
        return err;
    if (municipal_row(reason)->group != CHANGE_ENTRY)
        return fail_set(f, ERR_CHANGE_REASON, field, "not a reason for an entry");
    out->entry_reason = reason;
    return ERR_OK;
}

PARSER(notified_on)
{
    return date_parse(f, field, text, &out->notified_on);
}

PARSER(moved_from_area_code)
{
    (void)field;
    return area_code_parse(f, text, &out->moved_from_area);
}

PARSER(resident_code)
{
    (void)field;
    out->has_resident_code = true;
    return resident_code_parse(f, text, &out->identity.resident_code);
}

PARSER(individual_number)
{
    (void)field;
    out->identity.has_individual_number = true;
    return individual_number_parse(f, text, &out->identity.individual_number);
}

/* 「ニシノミヤ　【名空欄】」 and 「【氏空欄】　ハナコ」 say that only one part is known. */
PARSER(name_kana)
{
    static const struct str given_blank = {"【名空欄】", 15}, surname_blank = {"【氏空欄】", 15};
    struct person_name *name = &out->identity.name;
    (void)f, (void)field;
    name->kana_state = KANA_RECORDED;
    if (str_starts(text, surname_blank)) {
        name->kana_state = KANA_GIVEN_ONLY;
        text = (struct str){text.p + surname_blank.n, text.n - surname_blank.n};
    } else if (text.n > given_blank.n &&
               str_equal((struct str){text.p + text.n - given_blank.n, given_blank.n}, given_blank)) {
        name->kana_state = KANA_SURNAME_ONLY;
        text.n -= given_blank.n;
    }
    if (str_starts(text, STR("　")))
        text = (struct str){text.p + 3, text.n - 3};
    if (name->kana_state == KANA_SURNAME_ONLY && text.n >= 3 && !memcmp(text.p + text.n - 3, "　", 3))
        text.n -= 3;
    name->kana = text;
    return ERR_OK; /* person_name_check */
}

/* ---- words ---- */

static const struct resident_word {
    enum resident_column column;
    struct str name, ja;
} resident_words[] = {
#define RESIDENT_WORD(column, name, ja)                                                                      \
    {RESIDENT_COLUMN_##column, {name, sizeof name - 1}, {ja, sizeof ja - 1}},
#include "register/resident_word.def"
#undef RESIDENT_WORD
};

static enum err find_word(struct fail *f, enum resident_column column, struct str text, struct str *out)
{
    for (size_t i = 0; i < COUNT_OF(resident_words); i++) {
        const struct resident_word *w = &resident_words[i];
        if (w->column != column || (!str_equal(text, w->name) && !str_equal(text, w->ja)))
            continue;
        *out = w->name;
        return ERR_OK;
    }
    return fail_set(f, ERR_RESIDENT_WORD, resident_columns[column].name, NULL);
}

const char *resident_word_ja(enum resident_column column, const char *word)
{
    for (size_t i = 0; i < COUNT_OF(resident_words); i++)
        if (resident_words[i].column == column && str_equal(resident_words[i].name, str_of(word)))
            return resident_words[i].ja.p;
    return word;
}

#define WORD_PARSER(name, COLUMN)                                                                            \
    PARSER(name)                                                                                             \
    {                                                                                                        \
        (void)field;                                                                                         \
        return find_word(f, RESIDENT_COLUMN_##COLUMN, text, &out->name);                                     \
    }
WORD_PARSER(residence_category, RESIDENCE_CATEGORY)
WORD_PARSER(health_insurance, HEALTH_INSURANCE)
WORD_PARSER(elderly_insurance, ELDERLY_INSURANCE)
WORD_PARSER(care_insurance, CARE_INSURANCE)
WORD_PARSER(pension_category, PENSION_CATEGORY)
WORD_PARSER(child_allowance, CHILD_ALLOWANCE)

/* Does the text have the form, in which A stands for a capital and 9 for a digit? */
static bool has_form(struct str text, const char *form)
{
    bool fits = text.n == strlen(form);

    for (size_t i = 0; fits && i < text.n; i++)
        fits = form[i] == 'A' ? text.p[i] >= 'A' && text.p[i] <= 'Z' : text.p[i] >= '0' && text.p[i] <= '9';
    return fits;
}

PARSER(basic_pension_number)
{
    if (!has_form(text, "9999999999"))
        return fail_set(f, ERR_PENSION_NUMBER, field, NULL);
    out->basic_pension_number = text;
    return ERR_OK;
}

PARSER(residence_card_number)
{
    if (!has_form(text, "AA99999999AA"))
        return fail_set(f, ERR_RESIDENCE_CARD_NUMBER, field, NULL);
    out->residence_card_number = text;
    return ERR_OK;
}

#define TEXT(member)                                                                                         \
    {                                                                                                        \
        false, NULL, offsetof(struct resident_row, member)                                                   \
    }
#define FILLED(member)                                                                                       \
    {                                                                                                        \
        true, NULL, offsetof(struct resident_row, member)                                                    \
    }
static const struct cell_parser parsers[RESIDENT_COLUMNS] = {
    [RESIDENT_COLUMN_RECORD] = FILLED(record),
    [RESIDENT_COLUMN_HOUSEHOLD_NUMBER] = FILLED(household_number),
    [RESIDENT_COLUMN_RELATIONSHIP] = FILLED(relationship),
    [RESIDENT_COLUMN_NAME] = FILLED(identity.name.name),
    [RESIDENT_COLUMN_NAME_KANA] = {false, parse_name_kana, 0},
    [RESIDENT_COLUMN_FORMER_NAME] = TEXT(identity.name.former_name),
    [RESIDENT_COLUMN_FORMER_NAME_KANA] = TEXT(identity.name.former_name_kana),
    [RESIDENT_COLUMN_ALIAS] = TEXT(identity.name.alias),
    [RESIDENT_COLUMN_ALIAS_KANA] = TEXT(identity.name.alias_kana),
    [RESIDENT_COLUMN_BIRTH_DATE] = {true, parse_birth_date, 0},
    [RESIDENT_COLUMN_SEX] = {true, parse_sex, 0},
    [RESIDENT_COLUMN_NATIONALITY_KIND] = {false, parse_nationality_kind, 0},
    [RESIDENT_COLUMN_NATIONALITY] = TEXT(nationality),
    [RESIDENT_COLUMN_RESIDENCE_STATUS] = TEXT(residence_status),
    [RESIDENT_COLUMN_RESIDENCE_PERIOD] = TEXT(residence_period),
    [RESIDENT_COLUMN_RESIDENCE_UNTIL] = {false, parse_residence_until, 0},
    [RESIDENT_COLUMN_RESIDENCE_CATEGORY] = {false, parse_residence_category, 0},
    [RESIDENT_COLUMN_RESIDENCE_CARD_NUMBER] = {false, parse_residence_card_number, 0},
    [RESIDENT_COLUMN_AREA_CODE] = {true, parse_area_code, 0},
    [RESIDENT_COLUMN_TOWN] = TEXT(town),
    [RESIDENT_COLUMN_ADDRESS] = FILLED(identity.address.text),
    [RESIDENT_COLUMN_POSTAL_CODE] = {false, parse_postal_code, 0},
    [RESIDENT_COLUMN_HONSEKI_AREA_CODE] = {false, parse_honseki_area_code, 0},
    [RESIDENT_COLUMN_HONSEKI] = TEXT(honseki),
    [RESIDENT_COLUMN_HONSEKI_HEAD] = TEXT(honseki_head),
    [RESIDENT_COLUMN_RESIDENT_SINCE] = {true, parse_resident_since, 0},
    [RESIDENT_COLUMN_ADDRESS_SINCE] = {false, parse_address_since, 0},
    [RESIDENT_COLUMN_ENTRY_REASON] = {false, parse_entry_reason, 0},
    [RESIDENT_COLUMN_NOTIFIED_ON] = {false, parse_notified_on, 0},
    [RESIDENT_COLUMN_MOVED_FROM_AREA_CODE] = {false, parse_moved_from_area_code, 0},
    [RESIDENT_COLUMN_MOVED_FROM_ADDRESS] = TEXT(moved_from_address),
    [RESIDENT_COLUMN_HEALTH_INSURANCE] = {false, parse_health_insurance, 0},
    [RESIDENT_COLUMN_ELDERLY_INSURANCE] = {false, parse_elderly_insurance, 0},
    [RESIDENT_COLUMN_CARE_INSURANCE] = {false, parse_care_insurance, 0},
    [RESIDENT_COLUMN_PENSION_CATEGORY] = {false, parse_pension_category, 0},
    [RESIDENT_COLUMN_BASIC_PENSION_NUMBER] = {false, parse_basic_pension_number, 0},
    [RESIDENT_COLUMN_CHILD_ALLOWANCE] = {false, parse_child_allowance, 0},
    [RESIDENT_COLUMN_RESIDENT_CODE] = {false, parse_resident_code, 0},
    [RESIDENT_COLUMN_INDIVIDUAL_NUMBER] = {false, parse_individual_number, 0},
};

static struct str *text_of(struct resident_row *row, size_t column)
{
    return (struct str *)(void *)((char *)row + parsers[column].text);
}

static enum err parse_cell(struct fail *f, size_t column, struct str text, struct resident_row *out)
{
    const struct cell_parser *parser = &parsers[column];
    const char *field = resident_columns[column].name;
    if (!text.n && parser->filled)
        return fail_set(f, ERR_FIELD_MISSING, field, "empty");
    if (!text.n)
        return ERR_OK;
    if (parser->parse)
        return parser->parse(f, field, text, out);
    *text_of(out, column) = text;
    return text_check(f, field, text, RESIDENT_TEXT_MAX);
}

enum err resident_row_check(struct fail *f, const struct resident_row *row)
{
    bool koseki = row->honseki_area.value || row->honseki.n || row->honseki_head.n;
    bool abroad = row->nationality.n || row->residence_status.n || row->residence_period.n ||
                  row->residence_category.n || row->residence_card_number.n;
    if (row->identity.foreign ? koseki || !row->nationality.n : abroad)
        return fail_set(f, ERR_RESIDENT_NATIONALITY, "nationality_kind", "%s",
                        row->identity.foreign ? "foreign" : "japanese");
    enum err err = person_name_check(f, &row->identity.name, row->identity.foreign);
    return err ? err : address_check(f, &row->identity.address);
}

/* An empty text: what each column's parser fills, made empty again. */
static void empty_cell(enum resident_column column, struct resident_row *row)
{
    if (!parsers[column].parse) {
        *text_of(row, column) = (struct str){0};
        return;
    }
    static const struct {
        enum resident_column column;
        size_t offset, size;
    } members[] = {
#define MEMBER(column, member)                                                                               \
    {RESIDENT_COLUMN_##column, offsetof(struct resident_row, member),                                        \
     sizeof((struct resident_row *)0)->member}
        MEMBER(NAME_KANA, identity.name.kana),
        MEMBER(NAME_KANA, identity.name.kana_state),
        MEMBER(NATIONALITY_KIND, identity.foreign),
        MEMBER(RESIDENCE_UNTIL, residence_until),
        MEMBER(POSTAL_CODE, identity.address.postal_code),
        MEMBER(HONSEKI_AREA_CODE, honseki_area),
        MEMBER(ADDRESS_SINCE, address_since),
        MEMBER(NOTIFIED_ON, notified_on),
        MEMBER(MOVED_FROM_AREA_CODE, moved_from_area),
        MEMBER(RESIDENCE_CATEGORY, residence_category),
        MEMBER(RESIDENCE_CARD_NUMBER, residence_card_number),
        MEMBER(HEALTH_INSURANCE, health_insurance),
        MEMBER(ELDERLY_INSURANCE, elderly_insurance),
        MEMBER(CARE_INSURANCE, care_insurance),
        MEMBER(PENSION_CATEGORY, pension_category),
        MEMBER(BASIC_PENSION_NUMBER, basic_pension_number),
        MEMBER(CHILD_ALLOWANCE, child_allowance),
        MEMBER(RESIDENT_CODE, has_resident_code),
        MEMBER(INDIVIDUAL_NUMBER, identity.has_individual_number),
    };
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (members[i].column == column)
            memset((char *)row + members[i].offset, 0, members[i].size);
}

enum err resident_row_set(struct fail *f, enum resident_column column, struct str text,
                          struct resident_row *row)
{
    if (!text.n && !parsers[column].filled)
        empty_cell(column, row);
    return parse_cell(f, column, text, row);
}

enum err resident_row_parse(struct fail *f, const struct csv_row *row, struct resident_row *out)
{
    struct resident_row parsed = {.entry_reason = MUNICIPAL_EX_OFFICIO_ENTRY};
    struct fail own = {0};
    for (size_t i = 0; i < RESIDENT_COLUMNS; i++) {
        enum err err = parse_cell(&own, i, row->cell[i], &parsed);
        if (err) {
            *own.field = 0; /* a code's own parser says "area_code" for each of three columns */
            if (f)
                *f = own;
            return csv_blame(f, err, row, &resident_columns[i]);
        }
    }
    if (!date_to_int(parsed.address_since))
        parsed.address_since = parsed.resident_since;
    enum err err = resident_row_check(&own, &parsed);
    if (err) {
        if (f)
            *f = own;
        return csv_blame(f, err, row, NULL);
    }
    *out = parsed;
    return ERR_OK;
}
