/* SPDX-License-Identifier: Apache-2.0 */
/* What a 転出証明書情報 says of one person, out of a record and into an entry: one row below for each column
 * that both know, so that nothing is said that is not taken over, nor taken over that is not said. Cards have
 * their own table. */
#include "register/register_certificate_inside.h"
#include "register/register_sql.h"

enum kind { TEXT, AREA, DAY };
static const struct shared {
    enum resident_column column;
    enum kind kind;
    size_t said, kept; /* in struct certificate_person, in struct resident_row */
} shared[] = {
#define SHARED(column, kind, said, kept)                                                                     \
    {                                                                                                        \
        RESIDENT_COLUMN_##column, kind, offsetof(struct certificate_person, said),                           \
            offsetof(struct resident_row, kept)                                                              \
    }
    SHARED(NAME, TEXT, name, identity.name.name),
    SHARED(FORMER_NAME, TEXT, former_name, identity.name.former_name),
    SHARED(FORMER_NAME_KANA, TEXT, former_name_kana, identity.name.former_name_kana),
    SHARED(ALIAS, TEXT, alias, identity.name.alias),
    SHARED(ALIAS_KANA, TEXT, alias_kana, identity.name.alias_kana),
    SHARED(BIRTH_DATE, DAY, birth_date, identity.birth_date),
    SHARED(RELATIONSHIP, TEXT, relationship, relationship),
    SHARED(HONSEKI_AREA_CODE, AREA, honseki_area_code, honseki_area),
    SHARED(HONSEKI, TEXT, honseki, honseki),
    SHARED(HONSEKI_HEAD, TEXT, honseki_head, honseki_head),
    SHARED(NATIONALITY, TEXT, nationality, nationality),
    SHARED(RESIDENCE_CATEGORY, TEXT, residence_category, residence_category),
    SHARED(RESIDENCE_CARD_NUMBER, TEXT, residence_card_number, residence_card_number),
    SHARED(RESIDENCE_STATUS, TEXT, residence_status, residence_status),
    SHARED(RESIDENCE_PERIOD, TEXT, residence_period, residence_period),
    SHARED(RESIDENCE_UNTIL, DAY, residence_until, residence_until),
    SHARED(HEALTH_INSURANCE, TEXT, health_insurance, health_insurance),
    SHARED(ELDERLY_INSURANCE, TEXT, elderly_insurance, elderly_insurance),
    SHARED(CARE_INSURANCE, TEXT, care_insurance, care_insurance),
    SHARED(PENSION_CATEGORY, TEXT, pension_category, pension_category),
    SHARED(BASIC_PENSION_NUMBER, TEXT, basic_pension_number, basic_pension_number),
    SHARED(CHILD_ALLOWANCE, TEXT, child_allowance, child_allowance),
#undef SHARED
};
static const size_t sizes[] = {
    [TEXT] = sizeof(struct str), [AREA] = sizeof(struct area_code), [DAY] = sizeof(struct date)};

/* ---- out of a record ---- */

/* As a cell of the CSV says it: of a name that is known in part, which part. */
static enum err kana_text(struct fail *f, struct arena *a, const struct person_name *name, struct str *out)
{
    *out = name->kana;
    if (name->kana_state == KANA_SURNAME_ONLY)
        *out = arena_format(a, "%.*s　【名空欄】", STR_ARG(name->kana));
    else if (name->kana_state == KANA_GIVEN_ONLY)
        *out = arena_format(a, "【氏空欄】　%.*s", STR_ARG(name->kana));
    return !name->kana.n || out->p ? ERR_OK : fail_set(f, ERR_MEMORY, "name_kana", NULL);
}

enum err certificate_person_make(struct db_tx *tx, struct fail *f, struct arena *a,
                                 const struct resident_version *v, struct certificate_person *out)
{
    const struct identity *i = &v->row.identity;
    struct certificate_person p = {.resident_code = {true, i->resident_code},
                                   .individual_number = {i->has_individual_number, i->individual_number},
                                   .sex = {true, i->sex},
                                   .foreign = i->foreign};
    struct card_items card;
    bool found;
    enum err e = kana_text(f, a, &i->name, &p.name_kana);

    for (size_t j = 0; j < COUNT_OF(shared); j++)
        memcpy((char *)&p + shared[j].said, (const char *)&v->row + shared[j].kept, sizes[shared[j].kind]);
    if (!e && i->foreign)
        e = alias_history_make(tx, f, a, v, &p.aliases);
    if (e || (e = card_items_get(tx, f, a, v->person, &card, &found)))
        return e;
    if (found && date_compare(card.valid_until, date_today()) >= 0) {
        p.card_issued_on = card.issued_on;
        p.card_valid_until = card.valid_until;
        p.card_form = card.form;
        p.card_authenticity_code = card.authenticity_code;
    }
    *out = p;
    return ERR_OK;
}

enum err register_householder(struct db_tx *tx, struct fail *f, struct arena *a, struct str household,
                              struct str *name)
{
    struct db_rows rows;

    *name = STR("");
    db_query(tx, &rows, &sql_register_householder_name, DB(db_text(household)));
    if (db_next(&rows))
        *name = arena_copy(a, db_row_text(&rows, 0));
    return db_done(&rows, f);
}

/* ---- into an entry ---- */

static struct str value_text(struct arena *a, const struct certificate_person *p, const struct shared *s)
{
    const void *at = (const char *)p + s->said;
    char text[DATE_TEXT_SIZE + AREA_CODE_TEXT_SIZE];

    if (s->kind == TEXT)
        return *(const struct str *)at;
    if (s->kind == AREA)
        return ((const struct area_code *)at)->value
                   ? arena_copy(a, str_of(area_code_text(*(const struct area_code *)at, text)))
                   : STR("");
    return date_to_int(*(const struct date *)at)
               ? arena_copy(a, str_of(date_text(*(const struct date *)at, text)))
               : STR("");
}

static enum err fill_numbers(struct fail *f, struct arena *a, const struct certificate_person *p,
                             struct change_event *event)
{
    char code[RESIDENT_CODE_TEXT_SIZE], number[INDIVIDUAL_NUMBER_TEXT_SIZE];
    struct str text = arena_copy(a, str_of(resident_code_REVEAL(p->resident_code.value, code)));

    change_event_put(event, RESIDENT_COLUMN_RESIDENT_CODE, text);
    if (text.p && p->individual_number.has) {
        text = arena_copy(a, str_of(individual_number_REVEAL(p->individual_number.value, number)));
        change_event_put(event, RESIDENT_COLUMN_INDIVIDUAL_NUMBER, text);
    }
    return text.p ? ERR_OK : fail_set(f, ERR_MEMORY, "resident_code", NULL);
}

enum err certificate_person_fill(struct fail *f, struct arena *a, const struct certificate_person *p,
                                 struct change_event *event)
{
    for (size_t i = 0; i < COUNT_OF(shared); i++) {
        const struct str text = value_text(a, p, &shared[i]);
        if (text.n)
            change_event_put(event, shared[i].column, text);
    }
    if (p->name_kana.n)
        change_event_put(event, RESIDENT_COLUMN_NAME_KANA, p->name_kana);
    change_event_put(event, RESIDENT_COLUMN_SEX, str_of(sex_name(p->sex.value)));
    change_event_put(event, RESIDENT_COLUMN_NATIONALITY_KIND, p->foreign ? STR("foreign") : STR("japanese"));
    return fill_numbers(f, a, p, event);
}
