/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that no single field can answer: which change carries what (施行令 30 条の 5). */
#include "identity/identity.h"

struct old_value { /* what a change says of a number before it */
    bool recorded, not_recorded;
};

static bool carries(enum carry rule, struct old_value old)
{
    if (old.recorded && old.not_recorded)
        return false;
    switch (rule) {
    case MUST:
        return old.recorded;
    case MUST_OR_NOT_RECORDED:
        return old.recorded || old.not_recorded;
    default:
        return !old.recorded && !old.not_recorded;
    }
}

static enum err check_old_code(struct fail *f, const struct identity *i, const struct change *c,
                               enum carry rule)
{
    static const char field[] = "old_resident_code";
    char masked[RESIDENT_CODE_TEXT_SIZE];
    if (!carries(rule, (struct old_value){c->has_old_code, c->old_code_not_recorded}))
        return fail_set(f, ERR_CHANGE_OLD_CODE, field, NULL);
    if (!c->has_old_code)
        return ERR_OK;
    if (!resident_code_valid(c->old_code))
        return fail_set(f, ERR_RESIDENT_CODE_CHECK, field, "%s", resident_code_masked(c->old_code, masked));
    if (resident_code_equal(c->old_code, i->resident_code))
        return fail_set(f, ERR_CHANGE_SAME, field, NULL);
    return ERR_OK;
}

static enum err check_old_number(struct fail *f, const struct identity *i, const struct change *c,
                                 enum carry rule)
{
    static const char field[] = "old_individual_number";
    char masked[INDIVIDUAL_NUMBER_TEXT_SIZE];
    if (!carries(rule, (struct old_value){c->has_old_number, c->old_number_not_recorded}))
        return fail_set(f, ERR_CHANGE_OLD_NUMBER, field, NULL);
    if (rule != NEVER && !i->has_individual_number)
        return fail_set(f, ERR_FIELD_MISSING, "individual_number", NULL);
    if (!c->has_old_number)
        return ERR_OK;
    if (!individual_number_valid(c->old_number))
        return fail_set(f, ERR_INDIVIDUAL_NUMBER_CHECK, field, "%s",
                        individual_number_masked(c->old_number, masked));
    if (individual_number_equal(c->old_number, i->individual_number))
        return fail_set(f, ERR_CHANGE_SAME, field, NULL);
    return ERR_OK;
}

static enum err check_change(struct fail *f, const struct identity *i, const struct change *c)
{
    const struct change_row *row = change_row(c->reason);
    if (!row || row->group == CHANGE_CONFIRMATION)
        return fail_set(f, ERR_CHANGE_REASON, "change_reason", "%d", (int)c->reason);
    if (!date_real(c->date))
        return fail_set(f, ERR_DATE_REAL, "change_date", NULL);
    if (c->planned && row->planned == NEVER)
        return fail_set(f, ERR_CHANGE_PLANNED, "planned", "%s", row->name);
    if (date_compare(i->birth_date, c->date) > 0)
        return fail_set(f, ERR_BIRTH_LATE, "birth_date", NULL);
    enum err e = check_old_code(f, i, c, row->old_code);
    return e ? e : check_old_number(f, i, c, row->old_number);
}

static enum err check_numbers(struct fail *f, const struct identity *i)
{
    char masked[INDIVIDUAL_NUMBER_TEXT_SIZE];
    if (!resident_code_valid(i->resident_code))
        return fail_set(f, ERR_RESIDENT_CODE_CHECK, "resident_code", "%s",
                        resident_code_masked(i->resident_code, masked));
    if (i->has_individual_number && !individual_number_valid(i->individual_number))
        return fail_set(f, ERR_INDIVIDUAL_NUMBER_CHECK, "individual_number", "%s",
                        individual_number_masked(i->individual_number, masked));
    return ERR_OK;
}

enum err identity_check(struct fail *f, const struct identity *i, const struct change *change)
{
    enum err e = check_numbers(f, i);
    if (!e)
        e = person_name_check(f, &i->name, i->foreign);
    if (e)
        return e;
    if (!date_birth_possible(i->birth_date))
        return fail_set(f, ERR_DATE_REAL, "birth_date", NULL);
    enum sex sex;
    e = sex_from_int(f, i->sex, &sex);
    if (!e)
        e = address_check(f, &i->address);
    if (!e && change)
        e = check_change(f, i, change);
    return e;
}

const char *identity_difference(const struct identity *a, const struct identity *b)
{
    const struct {
        const char *field;
        bool same;
    } rows[] = {
        {"resident_code", resident_code_equal(a->resident_code, b->resident_code)},
        {"individual_number", a->has_individual_number == b->has_individual_number &&
                                  (!a->has_individual_number ||
                                   individual_number_equal(a->individual_number, b->individual_number))},
        {"foreign", a->foreign == b->foreign},
        {"name", str_equal(a->name.name, b->name.name)},
        {"name_kana", str_equal(a->name.kana, b->name.kana)},
        {"kana_state", a->name.kana_state == b->name.kana_state},
        {"former_name", str_equal(a->name.former_name, b->name.former_name)},
        {"former_name_kana", str_equal(a->name.former_name_kana, b->name.former_name_kana)},
        {"alias", str_equal(a->name.alias, b->name.alias)},
        {"alias_kana", str_equal(a->name.alias_kana, b->name.alias_kana)},
        {"birth_date", date_compare(a->birth_date, b->birth_date) == 0},
        {"sex", a->sex == b->sex},
        {"area_code", area_code_equal(a->address.area_code, b->address.area_code)},
        {"address", str_equal(a->address.text, b->address.text)},
        {"town_code", str_equal(a->address.town_code, b->address.town_code)},
        {"postal_code", str_equal(a->address.postal_code, b->address.postal_code)},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (!rows[i].same)
            return rows[i].field;
    return NULL;
}
