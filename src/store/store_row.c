/* SPDX-License-Identifier: Apache-2.0 */
/* One version as a row. The order of columns is that of store_version_read.sql, here once as an enum. */
#include "store/store_row.h"

#include "store/store_sql.h"

enum column {
    COLUMN_ID,
    COLUMN_PREVIOUS,
    COLUMN_CODE,
    COLUMN_AREA,
    COLUMN_VERSION,
    COLUMN_REPLACES,
    COLUMN_STATE,
    COLUMN_OPENED,
    COLUMN_SOURCE,
    COLUMN_NOTICED,
    COLUMN_REASON,
    COLUMN_CHANGE_DATE,
    COLUMN_PLANNED,
    COLUMN_OLD_CODE,
    COLUMN_OLD_CODE_NOT_RECORDED,
    COLUMN_OLD_NUMBER,
    COLUMN_OLD_NUMBER_NOT_RECORDED,
    COLUMN_NUMBER,
    COLUMN_FOREIGN,
    COLUMN_NAME,
    COLUMN_KANA,
    COLUMN_KANA_STATE,
    COLUMN_FORMER_NAME,
    COLUMN_FORMER_NAME_KANA,
    COLUMN_ALIAS,
    COLUMN_ALIAS_KANA,
    COLUMN_BIRTH_DATE,
    COLUMN_SEX,
    COLUMN_ADDRESS,
    COLUMN_TOWN_CODE,
    COLUMN_POSTAL_CODE
};

static struct date date_at(const struct db_rows *rows, int column)
{
    return date_from_int((int32_t)db_row_int(rows, column));
}

static void get_identity(const struct db_rows *r, struct identity *i)
{
    i->resident_code.value = db_row_int(r, COLUMN_CODE);
    i->has_individual_number = !db_row_null(r, COLUMN_NUMBER);
    i->individual_number.value = db_row_int(r, COLUMN_NUMBER);
    i->foreign = db_row_int(r, COLUMN_FOREIGN) != 0;
    i->name.name = db_row_text(r, COLUMN_NAME);
    i->name.kana = db_row_text(r, COLUMN_KANA);
    i->name.kana_state = (enum kana_state)db_row_int(r, COLUMN_KANA_STATE);
    i->name.former_name = db_row_text(r, COLUMN_FORMER_NAME);
    i->name.former_name_kana = db_row_text(r, COLUMN_FORMER_NAME_KANA);
    i->name.alias = db_row_text(r, COLUMN_ALIAS);
    i->name.alias_kana = db_row_text(r, COLUMN_ALIAS_KANA);
    i->birth_date = date_at(r, COLUMN_BIRTH_DATE);
    i->sex = (enum sex)db_row_int(r, COLUMN_SEX);
    i->address.area_code.value = (int32_t)db_row_int(r, COLUMN_AREA);
    i->address.text = db_row_text(r, COLUMN_ADDRESS);
    i->address.town_code = db_row_text(r, COLUMN_TOWN_CODE);
    i->address.postal_code = db_row_text(r, COLUMN_POSTAL_CODE);
}

static void get_change(const struct db_rows *r, struct change *c)
{
    c->reason = (enum change_reason)db_row_int(r, COLUMN_REASON);
    c->date = date_at(r, COLUMN_CHANGE_DATE);
    c->planned = db_row_int(r, COLUMN_PLANNED) != 0;
    c->has_old_code = !db_row_null(r, COLUMN_OLD_CODE);
    c->old_code.value = db_row_int(r, COLUMN_OLD_CODE);
    c->old_code_not_recorded = db_row_int(r, COLUMN_OLD_CODE_NOT_RECORDED) != 0;
    c->has_old_number = !db_row_null(r, COLUMN_OLD_NUMBER);
    c->old_number.value = db_row_int(r, COLUMN_OLD_NUMBER);
    c->old_number_not_recorded = db_row_int(r, COLUMN_OLD_NUMBER_NOT_RECORDED) != 0;
}

void store_row_get(const struct db_rows *r, struct store_version *v, int64_t *previous)
{
    *v = (struct store_version){0};
    get_identity(r, &v->identity);
    get_change(r, &v->change);
    v->version = db_row_int(r, COLUMN_VERSION);
    v->replaces = db_row_int(r, COLUMN_REPLACES);
    v->state = (enum store_state)db_row_int(r, COLUMN_STATE);
    v->opened = date_at(r, COLUMN_OPENED);
    v->source = db_row_int(r, COLUMN_SOURCE);
    v->entry = (uint64_t)db_row_int(r, COLUMN_ID) - 1;
    v->noticed = db_row_int(r, COLUMN_NOTICED);
    if (previous)
        *previous = db_row_int(r, COLUMN_PREVIOUS);
}

/* Copies what the row lent. */
static enum err keep_text(struct fail *f, struct arena *a, struct store_version *v)
{
    struct person_name *n = &v->identity.name;
    struct address *d = &v->identity.address;
    struct str *texts[] = {&n->name,       &n->kana, &n->former_name, &n->former_name_kana, &n->alias,
                           &n->alias_kana, &d->text, &d->town_code,   &d->postal_code};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_copy(a, *texts[i]);
        if (!texts[i]->p)
            return fail_set(f, ERR_MEMORY, NULL, NULL);
    }
    return ERR_OK;
}

enum err store_row_read(struct db_tx *tx, struct fail *f, int64_t id, struct arena *a,
                        struct store_version *v, int64_t *previous)
{
    struct db_rows rows;
    enum err kept = fail_set(f, ERR_NOT_FOUND, "version", NULL);
    db_query(tx, &rows, &sql_store_version_read, DB(db_int(id)));
    while (db_next(&rows)) {
        store_row_get(&rows, v, previous);
        kept = keep_text(f, a, v);
    }
    enum err e = db_done(&rows, f);
    return e ? e : kept;
}

static struct db_value int_or_null(bool has, int64_t value)
{
    return has ? db_int(value) : db_null();
}

enum err store_row_add(struct db_tx *tx, struct fail *f, const struct store_version *v, int64_t previous)
{
    const struct identity *i = &v->identity;
    const struct change *c = &v->change;
    return db_exec(tx, f, &sql_store_version_add,
                   DB(db_int(store_row_id(v)), db_int(previous), db_int(i->resident_code.value),
                      db_int(i->address.area_code.value), db_int(v->version), db_int(v->replaces),
                      db_int(v->state), db_int(date_to_int(v->opened)), db_int(v->source), db_int(v->noticed),
                      db_int(c->reason), db_int(date_to_int(c->date)), db_int(c->planned),
                      int_or_null(c->has_old_code, c->old_code.value), db_int(c->old_code_not_recorded),
                      int_or_null(c->has_old_number, c->old_number.value), db_int(c->old_number_not_recorded),
                      int_or_null(i->has_individual_number, i->individual_number.value), db_int(i->foreign),
                      db_text(i->name.name), db_text(i->name.kana), db_int(i->name.kana_state),
                      db_text(i->name.former_name), db_text(i->name.former_name_kana), db_text(i->name.alias),
                      db_text(i->name.alias_kana), db_int(date_to_int(i->birth_date)), db_int(i->sex),
                      db_text(i->address.text), db_text(i->address.town_code),
                      db_text(i->address.postal_code)),
                   NULL);
}
