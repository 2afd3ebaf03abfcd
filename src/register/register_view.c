/* SPDX-License-Identifier: Apache-2.0 */
/* What a clerk sees of the records: one of them whole, and who is awaited elsewhere. */
#include "base/clock.h"
#include "register/register_inside.h"
#include "register/register_sql.h"

enum { SCRATCH_BYTES = 1 << 20, LIST_PAGE = 200 };

/* ---- one record ---- */

static void add_text(struct buf *b, const char *key, struct str text)
{
    if (text.n)
        json_add_text(b, key, text);
}

static void add_day(struct buf *b, const char *key, struct date day)
{
    char text[DATE_TEXT_SIZE];

    if (date_to_int(day))
        json_add_text(b, key, str_of(date_text(day, text)));
}

static void add_area(struct buf *b, const char *key, struct area_code area)
{
    char text[AREA_CODE_TEXT_SIZE];

    if (area.value)
        json_add_text(b, key, str_of(area_code_text(area, text)));
}

static void add_numbers(struct buf *b, const struct identity *i)
{
    char code[RESIDENT_CODE_TEXT_SIZE], number[INDIVIDUAL_NUMBER_TEXT_SIZE];

    json_add_text(b, "resident_code", str_of(resident_code_REVEAL(i->resident_code, code)));
    if (i->has_individual_number)
        json_add_text(b, "individual_number", str_of(individual_number_REVEAL(i->individual_number, number)));
}

static void add_name(struct buf *b, const struct person_name *n)
{
    add_text(b, "name", n->name);
    add_text(b, "name_kana", n->kana);
    add_text(b, "former_name", n->former_name);
    add_text(b, "former_name_kana", n->former_name_kana);
    add_text(b, "alias", n->alias);
    add_text(b, "alias_kana", n->alias_kana);
}

static void add_row(struct buf *b, const struct resident_row *row)
{
    add_text(b, "record", row->record);
    add_text(b, "household_number", row->household_number);
    add_text(b, "relationship", row->relationship);
    add_numbers(b, &row->identity);
    add_name(b, &row->identity.name);
    add_day(b, "birth_date", row->identity.birth_date);
    json_add_text(b, "sex", str_of(sex_name(row->identity.sex)));
    json_add_text(b, "nationality_kind", row->identity.foreign ? STR("foreign") : STR("japanese"));
    add_text(b, "nationality", row->nationality);
    add_text(b, "residence_status", row->residence_status);
    add_text(b, "residence_period", row->residence_period);
    add_day(b, "residence_until", row->residence_until);
    add_text(b, "residence_category", row->residence_category);
    add_text(b, "residence_card_number", row->residence_card_number);
    add_area(b, "area_code", row->identity.address.area_code);
    add_text(b, "town", row->town);
    add_text(b, "address", row->identity.address.text);
    add_text(b, "postal_code", row->identity.address.postal_code);
    add_area(b, "honseki_area_code", row->honseki_area);
    add_text(b, "honseki", row->honseki);
    add_text(b, "honseki_head", row->honseki_head);
    add_day(b, "resident_since", row->resident_since);
    add_day(b, "address_since", row->address_since);
    add_day(b, "notified_on", row->notified_on);
    add_text(b, "health_insurance", row->health_insurance);
    add_text(b, "elderly_insurance", row->elderly_insurance);
    add_text(b, "care_insurance", row->care_insurance);
    add_text(b, "pension_category", row->pension_category);
    add_text(b, "basic_pension_number", row->basic_pension_number);
    add_text(b, "child_allowance", row->child_allowance);
}

struct date resident_left_on(const struct resident_version *v)
{
    bool planned = date_known(v->planned_on), confirmed = date_known(v->confirmed_on);

    if (planned && confirmed)
        return date_compare(v->planned_on, v->confirmed_on) < 0 ? v->planned_on : v->confirmed_on;
    if (planned || confirmed)
        return planned ? v->planned_on : v->confirmed_on;
    return v->life == LIFE_REMOVED ? v->change_date : (struct date){0};
}

static void add_departure(struct buf *b, const struct resident_version *v)
{
    const bool left = v->life != LIFE_CURRENT;

    add_area(b, left ? "moved_to_area_code" : "moved_from_area_code", v->row.moved_from_area);
    add_text(b, left ? "moved_to_address" : "moved_from_address", v->row.moved_from_address);
    add_day(b, "planned_on", v->planned_on);
    add_day(b, "confirmed_on", v->confirmed_on);
    add_area(b, "confirmed_area_code", v->confirmed_area);
    add_text(b, "confirmed_address", v->confirmed_address);
    if (left)
        add_day(b, "left_on", resident_left_on(v));
}

struct viewing {
    struct str record;
    struct buf *out;
};

static const char *life_name(enum register_life life)
{
    static const char *const names[] = {
        [LIFE_CURRENT] = "current", [LIFE_LEAVING] = "leaving", [LIFE_REMOVED] = "removed"};

    return names[life];
}

static enum err view_record(struct db_tx *tx, struct fail *f, void *arg)
{
    struct viewing *w = arg;
    struct resident_version v;
    struct arena a;
    int64_t person;
    enum err e = register_find_int(tx, f, &sql_register_record_find, db_text(w->record), &person);

    if (!e && !person)
        e = fail_set(f, ERR_NOT_FOUND, "record", NULL);
    if (e)
        return e;
    arena_init(&a, SCRATCH_BYTES);
    if (!(e = resident_version_latest(tx, f, person, &a, &v))) {
        json_begin(w->out, NULL, '{');
        add_row(w->out, &v.row);
        json_add_text(w->out, "life", str_of(life_name(v.life)));
        json_add_int(w->out, "version", v.version);
        json_add_text(w->out, "reason", str_of(municipal_row(v.reason)->name));
        add_day(w->out, "change_date", v.change_date);
        add_departure(w->out, &v);
        json_end(w->out, '}');
        e = buf_check(w->out, f, "record");
    }
    arena_release(&a);
    return e;
}

enum err register_record(struct resident_register *r, struct fail *f, struct str record, struct buf *out)
{
    struct viewing w = {record, out};

    return db_read(r->db, f, view_record, &w);
}

/* ---- 転入通知未着者一覧 ---- */

struct awaited_page {
    struct register_awaited items[LIST_PAGE];
    size_t count;
    int64_t after;
};

static enum err read_awaited(struct db_tx *tx, struct fail *f, void *arg)
{
    struct awaited_page *p = arg;
    struct db_rows rows;
    const struct date today = date_today();

    p->count = 0;
    db_query(tx, &rows, &sql_register_awaited_page, DB(db_int(p->after), db_int(LIST_PAGE)));
    while (p->count < LIST_PAGE && db_next(&rows)) {
        struct register_awaited *w = &p->items[p->count++];
        *w = (struct register_awaited){.planned_on = date_from_int((int32_t)db_row_int(&rows, 2)),
                                       .to = {(int32_t)db_row_int(&rows, 3)}};
        snprintf(w->record, sizeof w->record, "%.*s", STR_ARG(db_row_text(&rows, 1)));
        w->due = date_real(w->planned_on) ? date_add_days(w->planned_on, REGISTER_AWAIT_DAYS) : w->planned_on;
        w->overdue = date_compare(today, w->due) > 0;
        p->after = db_row_int(&rows, 0);
    }
    return db_done(&rows, f);
}

enum err register_awaited(struct resident_register *r, struct fail *f,
                          void (*each)(void *arg, const struct register_awaited *a), void *arg)
{
    struct awaited_page *page = memory_new(sizeof *page);
    enum err e = page ? ERR_OK : fail_set(f, ERR_MEMORY, "awaited", NULL);

    do {
        if (!e)
            e = db_read(r->db, f, read_awaited, page);
        for (size_t i = 0; !e && i < page->count; i++)
            each(arg, &page->items[i]);
    } while (!e && page->count == LIST_PAGE);
    memory_free(page);
    return e;
}
