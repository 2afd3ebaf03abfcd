/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where an identity record becomes JSON and comes back (the form stands in identity.h). Members
 * are read by a table: a value is either taken by the parser of its type or copied as text; then the whole is
 * checked. */
#include "identity/identity.h"

/* ---- writing ---- */

static void add_maybe(struct buf *b, const char *key, struct str value)
{
    if (value.n)
        json_add_text(b, key, value);
}

static void add_digits(struct buf *b, const char *key, const char *digits, size_t count)
{
    json_add_text(b, key, (struct str){digits, count});
}

static void write_name(struct buf *b, const struct person_name *n)
{
    json_add_text(b, "name", n->name);
    add_maybe(b, "name_kana", n->kana);
    if (n->kana_state == KANA_SURNAME_ONLY || n->kana_state == KANA_GIVEN_ONLY)
        json_add_text(b, "kana_state", str_of(kana_state_name(n->kana_state)));
    add_maybe(b, "former_name", n->former_name);
    add_maybe(b, "former_name_kana", n->former_name_kana);
    add_maybe(b, "alias", n->alias);
    add_maybe(b, "alias_kana", n->alias_kana);
}

static void add_resident_code(struct buf *b, const char *key, struct resident_code code)
{
    char text[RESIDENT_CODE_TEXT_SIZE];
    add_digits(b, key, resident_code_REVEAL(code, text), RESIDENT_CODE_DIGITS);
}

static void add_individual_number(struct buf *b, const char *key, struct individual_number number)
{
    char text[INDIVIDUAL_NUMBER_TEXT_SIZE];
    add_digits(b, key, individual_number_REVEAL(number, text), INDIVIDUAL_NUMBER_DIGITS);
}

static void write_change(struct buf *b, const struct change *c)
{
    char date[DATE_TEXT_SIZE];
    const struct change_row *row = change_row(c->reason);
    assert(row);
    json_begin(b, "change", '{');
    json_add_text(b, "change_reason", str_of(row->name));
    add_digits(b, "change_date", date_text(c->date, date), DATE_TEXT_SIZE - 1);
    if (c->planned)
        json_add_bool(b, "planned", true);
    if (c->has_old_code)
        add_resident_code(b, "old_resident_code", c->old_code);
    if (c->old_code_not_recorded)
        json_add_bool(b, "old_resident_code_not_recorded", true);
    if (c->has_old_number)
        add_individual_number(b, "old_individual_number", c->old_number);
    if (c->old_number_not_recorded)
        json_add_bool(b, "old_individual_number_not_recorded", true);
    json_end(b, '}');
}

void identity_json_write(struct buf *b, const char *key, const struct identity *i,
                         const struct change *change)
{
    char date[DATE_TEXT_SIZE], area[AREA_CODE_TEXT_SIZE];
    json_begin(b, key, '{');
    add_resident_code(b, "resident_code", i->resident_code);
    if (i->has_individual_number)
        add_individual_number(b, "individual_number", i->individual_number);
    json_add_bool(b, "foreign", i->foreign);
    write_name(b, &i->name);
    add_digits(b, "birth_date", date_text(i->birth_date, date), DATE_TEXT_SIZE - 1);
    json_add_text(b, "sex", str_of(sex_name(i->sex)));
    add_digits(b, "area_code", area_code_text(i->address.area_code, area), AREA_CODE_DIGITS);
    json_add_text(b, "address", i->address.text);
    add_maybe(b, "town_code", i->address.town_code);
    add_maybe(b, "postal_code", i->address.postal_code);
    if (change)
        write_change(b, change);
    json_end(b, '}');
}

/* ---- reading ---- */

struct draft {
    struct identity identity;
    struct change change;
};
/* A parser that names its own field is told to name the member's by the caller. */
typedef enum err (*take_fn)(struct fail *f, struct str text, struct draft *d);

static enum err take_resident_code(struct fail *f, struct str text, struct draft *d)
{
    return resident_code_parse(f, text, &d->identity.resident_code);
}

static enum err take_individual_number(struct fail *f, struct str text, struct draft *d)
{
    d->identity.has_individual_number = true;
    return individual_number_parse(f, text, &d->identity.individual_number);
}

static enum err take_kana_state(struct fail *f, struct str text, struct draft *d)
{
    return kana_state_parse(f, text, &d->identity.name.kana_state);
}

static enum err take_birth_date(struct fail *f, struct str text, struct draft *d)
{
    return birth_date_parse(f, "birth_date", text, &d->identity.birth_date);
}

static enum err take_sex(struct fail *f, struct str text, struct draft *d)
{
    return sex_parse(f, text, &d->identity.sex);
}

static enum err take_area_code(struct fail *f, struct str text, struct draft *d)
{
    return area_code_parse(f, text, &d->identity.address.area_code);
}

static enum err take_reason(struct fail *f, struct str text, struct draft *d)
{
    return change_reason_parse(f, text, &d->change.reason);
}

static enum err take_date(struct fail *f, struct str text, struct draft *d)
{
    return date_parse(f, "change_date", text, &d->change.date);
}

static enum err take_old_code(struct fail *f, struct str text, struct draft *d)
{
    d->change.has_old_code = true;
    return resident_code_parse(f, text, &d->change.old_code);
}

static enum err take_old_number(struct fail *f, struct str text, struct draft *d)
{
    d->change.has_old_number = true;
    return individual_number_parse(f, text, &d->change.old_number);
}

struct member {
    const char *name;
    bool required;
    take_fn take; /* or NULL: copy into the struct str at `text` */
    size_t text;
};
#define TEXT_AT(member) NULL, offsetof(struct draft, identity.member)
static const struct member identity_members[] = {
    {"resident_code", true, take_resident_code, 0},
    {"individual_number", false, take_individual_number, 0},
    {"name", true, TEXT_AT(name.name)},
    {"name_kana", false, TEXT_AT(name.kana)},
    {"kana_state", false, take_kana_state, 0},
    {"former_name", false, TEXT_AT(name.former_name)},
    {"former_name_kana", false, TEXT_AT(name.former_name_kana)},
    {"alias", false, TEXT_AT(name.alias)},
    {"alias_kana", false, TEXT_AT(name.alias_kana)},
    {"birth_date", true, take_birth_date, 0},
    {"sex", true, take_sex, 0},
    {"area_code", true, take_area_code, 0},
    {"address", true, TEXT_AT(address.text)},
    {"town_code", false, TEXT_AT(address.town_code)},
    {"postal_code", false, TEXT_AT(address.postal_code)},
};
static const struct member change_members[] = {
    {"change_reason", true, take_reason, 0},
    {"change_date", true, take_date, 0},
    {"old_resident_code", false, take_old_code, 0},
    {"old_individual_number", false, take_old_number, 0},
};

static enum err read_member(struct fail *f, const struct json *object, const struct member *m,
                            struct arena *a, struct draft *d)
{
    const struct json *value = json_get(object, m->name);
    if (!value || json_is(value, JSON_NULL))
        return m->required ? fail_set(f, ERR_FIELD_MISSING, m->name, NULL) : ERR_OK;
    if (!json_is(value, JSON_STRING))
        return fail_set(f, ERR_FIELD_TYPE, m->name, "text is required");
    struct str text = json_str(value);
    if (m->take) {
        enum err e = m->take(f, text, d);
        if (e && f)
            snprintf(f->field, sizeof f->field, "%s", m->name);
        return e;
    }
    struct str copy = arena_copy(a, text);
    if (!copy.p)
        return fail_set(f, ERR_MEMORY, m->name, NULL);
    *(struct str *)(void *)((char *)d + m->text) = copy;
    return ERR_OK;
}

static enum err read_members(struct fail *f, const struct json *object, const struct member *members,
                             size_t count, struct arena *a, struct draft *d)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < count && !e; i++)
        e = read_member(f, object, &members[i], a, d);
    return e;
}

static enum err read_foreign(struct fail *f, const struct json *object, bool *out)
{
    const struct json *value = json_get(object, "foreign");
    if (!value || json_is(value, JSON_NULL))
        return fail_set(f, ERR_FIELD_MISSING, "foreign", NULL);
    if (!(json_is(value, JSON_TRUE) || json_is(value, JSON_FALSE)))
        return fail_set(f, ERR_FIELD_TYPE, "foreign", "true or false is required");
    *out = json_is(value, JSON_TRUE);
    return ERR_OK;
}

static enum err read_change(struct fail *f, const struct json *object, struct arena *a, struct draft *d)
{
    const struct json *change = NULL;
    enum err e = json_member_object(f, object, "change", &change);
    if (!e)
        e = read_members(f, change, change_members, COUNT_OF(change_members), a, d);
    if (!e)
        e = json_member_bool_maybe(f, change, "planned", &d->change.planned);
    if (!e)
        e = json_member_bool_maybe(f, change, "old_resident_code_not_recorded",
                                   &d->change.old_code_not_recorded);
    if (!e)
        e = json_member_bool_maybe(f, change, "old_individual_number_not_recorded",
                                   &d->change.old_number_not_recorded);
    return e;
}

enum err identity_json_read(struct fail *f, const struct json *object, struct arena *a,
                            struct identity *identity, struct change *change)
{
    struct draft d = {0};
    if (json_is(json_get(object, "name_kana"), JSON_STRING))
        d.identity.name.kana_state = KANA_RECORDED; /* kana without a kana_state is the whole reading */
    enum err e = read_foreign(f, object, &d.identity.foreign);
    if (!e)
        e = read_members(f, object, identity_members, COUNT_OF(identity_members), a, &d);
    if (!e && change)
        e = read_change(f, object, a, &d);
    if (!e)
        e = identity_check(f, &d.identity, change ? &d.change : NULL);
    if (e)
        return e;
    *identity = d.identity;
    if (change)
        *change = d.change;
    return ERR_OK;
}
