/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how one version of a record stands in its table: all columns of the 住民票 with each version
 * (住民記録システム標準仕様書: 全項目の履歴), one row of the table below for each column, in the order of the
 * statements. */
#include "register/register_inside.h"

#include "register/register_sql.h"

enum kind { LONG, INT, FLAG, DAY, TEXT, NUMBER };
enum owner {
    NETWORK,
    OURS,
    OURS_AT_ADDRESS
}; /* OURS: the network is not told; _AT_ADDRESS: nor holds it elsewhere */
struct column {
    enum kind kind;
    size_t offset;
    enum owner owner;
};
#define AT(kind, member)                                                                                     \
    {                                                                                                        \
        kind, offsetof(struct resident_version, member), NETWORK                                             \
    }
#define OWN(owner, kind, member)                                                                             \
    {                                                                                                        \
        kind, offsetof(struct resident_version, member), owner                                               \
    }
static const struct column columns[] = {
    AT(LONG, id),
    AT(LONG, person),
    AT(LONG, version),
    AT(LONG, previous),
    AT(INT, life),
    AT(LONG, sent),
    AT(INT, sent_reason),
    AT(DAY, sent_date),
    AT(INT, reason),
    AT(DAY, change_date),
    AT(FLAG, planned),
    AT(TEXT, event),
    AT(LONG, stamp),
    OWN(OURS, TEXT, row.record),
    OWN(OURS, TEXT, row.household_number),
    OWN(OURS, TEXT, row.relationship),
    AT(LONG, row.identity.resident_code.value),
    AT(NUMBER, row.identity),
    AT(FLAG, row.identity.foreign),
    AT(TEXT, row.identity.name.name),
    AT(TEXT, row.identity.name.kana),
    AT(INT, row.identity.name.kana_state),
    AT(TEXT, row.identity.name.former_name),
    AT(TEXT, row.identity.name.former_name_kana),
    AT(TEXT, row.identity.name.alias),
    AT(TEXT, row.identity.name.alias_kana),
    AT(DAY, row.identity.birth_date),
    AT(INT, row.identity.sex),
    OWN(OURS, TEXT, row.nationality),
    OWN(OURS, TEXT, row.residence_status),
    OWN(OURS, TEXT, row.residence_period),
    OWN(OURS, DAY, row.residence_until),
    AT(INT, row.identity.address.area_code.value),
    OWN(OURS_AT_ADDRESS, TEXT, row.town),
    AT(TEXT, row.identity.address.text),
    AT(TEXT, row.identity.address.postal_code),
    OWN(OURS, INT, row.honseki_area.value),
    OWN(OURS, TEXT, row.honseki),
    OWN(OURS, TEXT, row.honseki_head),
    OWN(OURS, DAY, row.resident_since),
    OWN(OURS_AT_ADDRESS, DAY, row.address_since),
    AT(DAY, row.notified_on),
    AT(INT, row.moved_from_area.value),
    AT(TEXT, row.moved_from_address),
    AT(DAY, planned_on),
    AT(DAY, confirmed_on),
    AT(INT, confirmed_area.value),
    AT(TEXT, confirmed_address),
    OWN(OURS, TEXT, row.residence_category),
    OWN(OURS, TEXT, row.residence_card_number),
    OWN(OURS, TEXT, row.health_insurance),
    OWN(OURS, TEXT, row.elderly_insurance),
    OWN(OURS, TEXT, row.care_insurance),
    OWN(OURS, TEXT, row.pension_category),
    OWN(OURS, TEXT, row.basic_pension_number),
    OWN(OURS, TEXT, row.child_allowance),
    AT(FLAG, special),
};
#undef AT
#undef OWN
_Static_assert(sizeof(enum register_life) == sizeof(int32_t), "enums are read as INT");

static struct db_value value_of(const struct resident_version *v, const struct column *c)
{
    const void *at = (const char *)v + c->offset;
    const struct identity *identity = at;

    switch (c->kind) {
    case LONG:
        return db_int(*(const int64_t *)at);
    case INT:
        return db_int(*(const int32_t *)at);
    case FLAG:
        return db_int(*(const bool *)at);
    case DAY:
        return db_int(date_to_int(*(const struct date *)at));
    case TEXT:
        return db_text(((const struct str *)at)->p ? *(const struct str *)at : STR(""));
    default:
        return identity->has_individual_number ? db_int(identity->individual_number.value) : db_null();
    }
}

enum err resident_version_add(struct db_tx *tx, struct fail *f, const struct resident_version *v)
{
    struct db_value values[COUNT_OF(columns)];

    for (size_t i = 0; i < COUNT_OF(columns); i++)
        values[i] = value_of(v, &columns[i]);
    return db_exec(tx, f, &sql_register_resident_add, values, COUNT_OF(columns), NULL);
}

static struct db_value text_value(struct str text)
{
    return db_text(text.p ? text : STR(""));
}

enum err resident_version_complete(struct db_tx *tx, struct fail *f, const struct resident_version *v)
{
    const struct resident_row *r = &v->row;

    return db_exec(tx, f, &sql_register_resident_complete,
                   DB(db_int(v->id), db_int(v->reason), text_value(v->event), text_value(r->record),
                      text_value(r->household_number), text_value(r->relationship),
                      text_value(r->nationality), text_value(r->residence_status),
                      text_value(r->residence_period), db_int(date_to_int(r->residence_until)),
                      text_value(r->town), db_int(r->honseki_area.value), text_value(r->honseki),
                      text_value(r->honseki_head), db_int(date_to_int(r->resident_since)),
                      db_int(date_to_int(r->address_since)), db_int(date_to_int(r->notified_on)),
                      db_int(r->moved_from_area.value), text_value(r->moved_from_address),
                      text_value(r->residence_category), text_value(r->residence_card_number),
                      text_value(r->health_insurance), text_value(r->elderly_insurance),
                      text_value(r->care_insurance), text_value(r->pension_category),
                      text_value(r->basic_pension_number), text_value(r->child_allowance)),
                   NULL);
}

static bool same_value(const struct resident_version *a, const struct resident_version *b,
                       const struct column *c)
{
    const struct db_value x = value_of(a, c), y = value_of(b, c);

    return x.number == y.number && str_equal(x.text, y.text);
}

void resident_version_follow(const struct resident_version *was, const struct resident_version *is,
                             struct resident_version *v, bool *changed)
{
    static const size_t sizes[] = {
        [INT] = sizeof(int32_t), [DAY] = sizeof(struct date), [TEXT] = sizeof(struct str)};
    bool elsewhere = !str_equal(was->row.identity.address.text, v->row.identity.address.text);

    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        const struct column *c = &columns[i];
        if (c->owner == NETWORK || (c->owner == OURS_AT_ADDRESS && elsewhere) || !same_value(was, v, c) ||
            same_value(is, v, c))
            continue;
        memcpy((char *)v + c->offset, (const char *)is + c->offset, sizes[c->kind]);
        *changed = true;
    }
}

static void read_number(const struct db_rows *rows, int column, struct identity *identity)
{
    identity->has_individual_number = !db_row_null(rows, column);
    identity->individual_number.value = db_row_int(rows, column);
}

/* False when memory ended. */
static bool read_column(const struct db_rows *rows, int i, struct arena *a, struct resident_version *v)
{
    void *at = (char *)v + columns[i].offset;
    struct str text;

    switch (columns[i].kind) {
    case LONG:
        *(int64_t *)at = db_row_int(rows, i);
        return true;
    case INT:
        *(int32_t *)at = (int32_t)db_row_int(rows, i);
        return true;
    case FLAG:
        *(bool *)at = db_row_int(rows, i) != 0;
        return true;
    case DAY:
        *(struct date *)at = date_from_int((int32_t)db_row_int(rows, i));
        return true;
    case TEXT:
        text = db_row_text(rows, i);
        *(struct str *)at = a ? arena_copy(a, text) : text;
        return ((struct str *)at)->p || !text.n;
    default:
        read_number(rows, i, at);
        return true;
    }
}

enum err resident_version_read(const struct db_rows *rows, struct fail *f, struct arena *a,
                               struct resident_version *out)
{
    *out = (struct resident_version){0};
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        if (!read_column(rows, (int)i, a, out))
            return fail_set(f, ERR_MEMORY, "resident", NULL);
    out->row.has_resident_code = true;
    return ERR_OK;
}

enum err resident_version_get(struct db_tx *tx, struct fail *f, int64_t id, struct arena *a,
                              struct resident_version *out)
{
    struct db_rows rows;
    enum err e = ERR_NOT_FOUND;

    db_query(tx, &rows, &sql_register_resident_get, DB(db_int(id)));
    if (db_next(&rows))
        e = resident_version_read(&rows, f, a, out);
    enum err done = db_done(&rows, f);
    if (done)
        return done;
    return e == ERR_NOT_FOUND ? fail_set(f, e, "resident", NULL) : e;
}

enum err resident_version_latest(struct db_tx *tx, struct fail *f, int64_t person, struct arena *a,
                                 struct resident_version *out)
{
    struct db_rows rows;
    int64_t latest = 0;

    db_query(tx, &rows, &sql_register_person_latest, DB(db_int(person)));
    if (db_next(&rows))
        latest = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    return e ? e : resident_version_get(tx, f, latest, a, out);
}
