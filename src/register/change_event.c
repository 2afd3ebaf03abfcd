/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of JSON to events, held to the rule of their reason. Unknown members are refused: unlike a message
 * between servers, a file of changes is written for this program, and a misspelt member would be a lost
 * value. */
#include "register/change_event.h"

#include "base/json.h"
#include "identity/text_check.h"

enum form {
    WHOLE,
    NOTHING,
    CANCEL,
    MOVE_OUT,
    MOVE_WITHIN,
    MINOR,
    AMENDMENT,
    NUMBER,
    CODE,
    HOUSEHOLD,
    FORMER_NAME,
    ALIAS,
    FORMS
};
#define BIT(column) (UINT64_C(1) << RESIDENT_COLUMN_##column)
#define ALL ((UINT64_C(1) << RESIDENT_COLUMNS) - 1)
#define KEPT (BIT(RECORD) | BIT(RESIDENT_CODE) | BIT(INDIVIDUAL_NUMBER))
#define PLACE (BIT(AREA_CODE) | BIT(TOWN) | BIT(ADDRESS) | BIT(POSTAL_CODE))
#define IN_HOUSE (BIT(HOUSEHOLD_NUMBER) | BIT(RELATIONSHIP))
static const struct {
    uint64_t may, must; /* must: all of these */
    bool any;           /* at least one of may */
} forms[FORMS] = {
    [WHOLE] = {ALL & ~(BIT(RECORD) | BIT(ENTRY_REASON)),
               IN_HOUSE | BIT(NAME) | BIT(BIRTH_DATE) | BIT(SEX) | BIT(AREA_CODE) | BIT(ADDRESS), true},
    [MOVE_WITHIN] = {PLACE | IN_HOUSE | BIT(ADDRESS_SINCE), BIT(ADDRESS), true},
    [MINOR] = {PLACE | BIT(NAME), 0, true},
    [AMENDMENT] = {ALL & ~KEPT, 0, true},
    [NUMBER] = {BIT(INDIVIDUAL_NUMBER), 0, false},
    [CODE] = {BIT(RESIDENT_CODE), 0, false},
    [HOUSEHOLD] = {IN_HOUSE, 0, true},
    [FORMER_NAME] = {BIT(FORMER_NAME) | BIT(FORMER_NAME_KANA), BIT(FORMER_NAME), true},
    [ALIAS] = {BIT(ALIAS) | BIT(ALIAS_KANA), BIT(ALIAS), true},
};
static const struct {
    enum municipal_reason reason;
    enum form form;
} rules[] = {
#define RULE(reason, form) {MUNICIPAL_##reason, form},
#include "register/change_rule.def"
#undef RULE
};

static enum form form_of(enum municipal_reason reason)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        if (rules[i].reason == reason)
            return rules[i].form;
    return NOTHING;
}

static enum err read_text(struct fail *f, const struct json *object, const char *field, struct arena *a,
                          struct str *out)
{
    return json_member_text_maybe(f, object, field, a, out);
}

static enum err read_dates(struct fail *f, const struct json *object, struct arena *a, struct change_event *e)
{
    struct str date = {0}, notified = {0};
    enum err err = json_member_text(f, object, "change_date", a, &date);
    if (!err)
        err = date_parse(f, "change_date", date, &e->date);
    if (!err)
        err = read_text(f, object, "notified_on", a, &notified);
    if (!err && notified.n)
        err = date_parse(f, "notified_on", notified, &e->notified_on);
    return err ? err : json_member_bool_maybe(f, object, "planned", &e->planned);
}

static enum err read_special(struct fail *f, const struct json *object, struct arena *a,
                             struct change_event *e)
{
    enum err err = json_member_bool_maybe(f, object, "special", &e->special);
    return err ? err : read_text(f, object, "group", a, &e->group);
}

static enum err read_subject(struct fail *f, const struct json *object, struct arena *a,
                             struct change_event *e)
{
    struct str code = {0};
    enum err err = read_text(f, object, "record", a, &e->record);
    if (!err)
        err = read_text(f, object, "resident_code", a, &code);
    if (err)
        return err;
    e->has_resident_code = code.n;
    if (!code.n && !e->record.n)
        return fail_set(f, ERR_CHANGE_SUBJECT, "record", "neither is given");
    return code.n ? resident_code_parse(f, code, &e->resident_code) : ERR_OK;
}

static enum err read_destination(struct fail *f, const struct json *object, struct arena *a,
                                 struct change_event *e)
{
    struct str area = {0};
    enum err err = read_text(f, object, "moved_to_address", a, &e->moved_to_address);
    if (!err)
        err = read_text(f, object, "moved_to_area_code", a, &area);
    return !err && area.n ? area_code_parse(f, area, &e->moved_to_area) : err;
}

static enum err read_value(struct fail *f, const struct json *set, size_t column, struct arena *a,
                           struct change_event *e)
{
    const char *name = resident_columns[column].name;
    if (!json_get(set, name))
        return ERR_OK;
    e->set |= UINT64_C(1) << column;
    return json_member_text(f, set, name, a, &e->value.cell[column]);
}

static enum err read_set(struct fail *f, const struct json *object, struct arena *a, struct change_event *e)
{
    const struct json *set = NULL;
    if (!json_get(object, "set"))
        return ERR_OK;
    enum err err = json_member_object(f, object, "set", &set);
    for (size_t i = 0; i < RESIDENT_COLUMNS && !err; i++)
        err = read_value(f, set, i, a, e);
    if (!err && json_count(set) != (size_t)__builtin_popcountll(e->set))
        return fail_set(f, ERR_CHANGE_VALUE, "set", "a name that is no column");
    return err;
}

static enum err refuse_unknown(struct fail *f, const struct json *object)
{
    static const char *const known[] = {
        "event",         "reason",  "change_date", "notified_on",        "planned",          "record",
        "resident_code", "cancels", "corrects",    "moved_to_area_code", "moved_to_address", "set",
        "special",       "group"};
    size_t found = 0;
    for (size_t i = 0; i < COUNT_OF(known); i++)
        found += json_get(object, known[i]) != NULL;
    return found == json_count(object) ? ERR_OK
                                       : fail_set(f, ERR_MALFORMED, NULL, "a member that nobody knows");
}

static enum err read_members(struct fail *f, const struct json *object, struct arena *a,
                             struct change_event *e)
{
    struct str reason = {0};
    enum err err = refuse_unknown(f, object);
    if (!err)
        err = json_member_text(f, object, "event", a, &e->event);
    if (!err)
        err = json_member_text(f, object, "reason", a, &reason);
    if (!err)
        err = municipal_reason_parse(f, reason, &e->reason);
    if (!err)
        err = read_dates(f, object, a, e);
    if (!err)
        err = read_subject(f, object, a, e);
    if (!err)
        err = read_text(f, object, "cancels", a, &e->cancels);
    if (!err)
        err = read_text(f, object, "corrects", a, &e->corrects);
    if (!err)
        err = read_destination(f, object, a, e);
    if (!err)
        err = read_special(f, object, a, e);
    return err ? err : read_set(f, object, a, e);
}

static const char *lowest_name(uint64_t columns)
{
    return resident_columns[__builtin_ctzll(columns)].name;
}

/* A 転出届 by card says when and whereto, so that the place can be told (法24条の2第3項). */
static enum err check_special(struct fail *f, const struct change_event *e)
{
    enum { GROUP_MOST = 100 }; /* the name goes to the other municipality */
    if (e->group.n && !e->special)
        return fail_set(f, ERR_CHANGE_VALUE, "group", "only with special");
    if (!e->special)
        return ERR_OK;
    if (e->reason != MUNICIPAL_DOMESTIC_MOVE_OUT || !e->planned)
        return fail_set(f, ERR_CHANGE_VALUE, "special", "only a move out that is planned");
    if (!e->moved_to_area.value)
        return fail_set(f, ERR_CHANGE_VALUE, "moved_to_area_code", "needed");
    return text_check(f, "group", e->group.n ? e->group : e->event, GROUP_MOST);
}

static enum err check_rule(struct fail *f, const struct change_event *e, enum form form)
{
    uint64_t over = e->set & ~forms[form].may, lacking = forms[form].must & ~e->set;
    for (size_t i = 0; i < RESIDENT_COLUMNS; i++)
        if ((forms[form].must >> i & 1) && !e->value.cell[i].n)
            lacking |= UINT64_C(1) << i;
    if (over)
        return fail_set(f, ERR_CHANGE_VALUE, lowest_name(over), "not with this reason");
    if (lacking)
        return fail_set(f, ERR_CHANGE_VALUE, lowest_name(lacking), "needed");
    if (forms[form].any && !e->set)
        return fail_set(f, ERR_CHANGE_VALUE, "set", "nothing is changed");
    if ((form == CANCEL) != (e->cancels.n > 0))
        return fail_set(f, ERR_CHANGE_VALUE, "cancels", form == CANCEL ? "needed" : "not with this reason");
    if (form != CODE && e->corrects.n)
        return fail_set(f, ERR_CHANGE_VALUE, "corrects", "not with this reason");
    if (form != MOVE_OUT && (e->moved_to_address.n || e->moved_to_area.value))
        return fail_set(f, ERR_CHANGE_VALUE, "moved_to_address", "not with this reason");
    return check_special(f, e);
}

/* What the event says itself stands in the row too, so that an entry's row is whole. */
static enum err complete(struct fail *f, struct arena *a, struct change_event *e)
{
    char day[DATE_TEXT_SIZE];
    struct str *cell = e->value.cell;
    cell[RESIDENT_COLUMN_RECORD] = e->record;
    cell[RESIDENT_COLUMN_ENTRY_REASON] = str_of(municipal_row(e->reason)->name);
    struct str date = arena_copy(a, str_of(date_text(e->date, day)));
    if (!date.p)
        return fail_set(f, ERR_MEMORY, NULL, "a change");
    if (!cell[RESIDENT_COLUMN_RESIDENT_SINCE].n)
        cell[RESIDENT_COLUMN_RESIDENT_SINCE] = date;
    struct resident_row row;
    return resident_row_parse(f, &e->value, &row);
}

static enum err check_values(struct fail *f, struct arena *a, struct change_event *e)
{
    enum form form = form_of(e->reason);
    enum err err = check_rule(f, e, form);
    if (err)
        return csv_blame(f, err, &e->value, NULL);
    if (form == WHOLE)
        return complete(f, a, e);
    struct resident_row row = {0};
    return change_event_amend(f, e, &row);
}

enum err change_event_parse(struct fail *f, int64_t line, struct str text, struct arena *a,
                            struct change_event *out)
{
    struct change_event e = {.value.line = line};
    for (size_t i = 0; i < RESIDENT_COLUMNS; i++)
        e.value.cell[i] = STR("");
    struct json *object = NULL;
    enum err err = text.n > CHANGE_LINE_MAX ? fail_set(f, ERR_LIMIT, NULL, "64 KiB a line")
                                            : json_read(f, text, &object);
    if (!err && !json_is(object, JSON_OBJECT))
        err = fail_set(f, ERR_JSON, NULL, "not an object");
    if (!err)
        err = read_members(f, object, a, &e);
    json_free(object);
    if (err)
        return csv_blame(f, err, &e.value, NULL);
    err = check_values(f, a, &e);
    if (!err)
        *out = e;
    return err;
}

enum err change_event_amend(struct fail *f, const struct change_event *event, struct resident_row *row)
{
    for (size_t i = 0; i < RESIDENT_COLUMNS; i++) {
        if (!change_event_sets(event, (enum resident_column)i))
            continue;
        enum err err = resident_row_set(f, (enum resident_column)i, event->value.cell[i], row);
        if (err)
            return csv_blame(f, err, &event->value, &resident_columns[i]);
    }
    return ERR_OK;
}
