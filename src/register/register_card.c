/* SPDX-License-Identifier: Apache-2.0 */
/* Cards as a register knows them: what is printed on them, and until when one that came with its holder must
 * be continued (継続利用, 令30条の20). Their PINs and keys are the card side's and never come here. */
#include "identity/text_check.h"
#include "register/register_certificate_inside.h"
#include "register/register_sql.h"

enum { SCRATCH_BYTES = 256 << 10, FORM_MOST = 40, CODE_MOST = 100 };

static enum err read_day(struct fail *f, const struct json *card, const char *field, struct arena *a,
                         struct date *out)
{
    struct str text = {NULL, 0};
    enum err e = json_member_text(f, card, field, a, &text);

    return e ? e : date_parse(f, field, text, out);
}

static enum err read_text(struct fail *f, const struct json *card, const char *field, size_t most,
                          struct arena *a, struct str *out)
{
    enum err e = json_member_text_maybe(f, card, field, a, out);

    return e ? e : text_check(f, field, *out, most);
}

enum err card_items_read(struct fail *f, const struct json *card, struct arena *a, struct card_items *out)
{
    struct card_items items = {.form = STR(""), .authenticity_code = STR("")};
    enum err e;

    if ((e = read_day(f, card, "issued_on", a, &items.issued_on)) ||
        (e = read_day(f, card, "valid_until", a, &items.valid_until)) ||
        (e = read_text(f, card, "form", FORM_MOST, a, &items.form)) ||
        (e = read_text(f, card, "authenticity_code", CODE_MOST, a, &items.authenticity_code)))
        return e;
    *out = items;
    return ERR_OK;
}

enum err card_items_get(struct db_tx *tx, struct fail *f, struct arena *a, int64_t person,
                        struct card_items *out, bool *found)
{
    struct db_rows rows;

    *out = (struct card_items){0};
    db_query(tx, &rows, &sql_register_card_get, DB(db_int(person)));
    if ((*found = db_next(&rows)))
        *out = (struct card_items){.issued_on = date_from_int((int32_t)db_row_int(&rows, 0)),
                                   .valid_until = date_from_int((int32_t)db_row_int(&rows, 1)),
                                   .form = arena_copy(a, db_row_text(&rows, 2)),
                                   .authenticity_code = arena_copy(a, db_row_text(&rows, 3)),
                                   .continuation_due = date_from_int((int32_t)db_row_int(&rows, 4))};
    return db_done(&rows, f);
}

enum err card_items_set(struct db_tx *tx, struct fail *f, int64_t person, const struct card_items *items)
{
    const struct str form = items->form, code = items->authenticity_code;

    return db_exec(tx, f, &sql_register_card_set,
                   DB(db_int(person), db_int(date_to_int(items->issued_on)),
                      db_int(date_to_int(items->valid_until)), db_text(form.p ? form : STR("")),
                      db_text(code.p ? code : STR("")), db_int(date_to_int(items->continuation_due))),
                   NULL);
}

struct card_call {
    struct str record;
    struct card_items items;
    struct arena arena;
    struct buf *out;
};

static enum err find_person(struct db_tx *tx, struct fail *f, struct str record, int64_t *person)
{
    enum err e = register_find_int(tx, f, &sql_register_record_find, db_text(record), person);

    return e || *person ? e : fail_set(f, ERR_NOT_FOUND, "record", NULL);
}

static enum err set_card(struct db_tx *tx, struct fail *f, void *arg)
{
    struct card_call *c = arg;
    int64_t person;
    enum err e = find_person(tx, f, c->record, &person);

    return e ? e : card_items_set(tx, f, person, &c->items);
}

enum err register_card_set(struct resident_register *r, struct fail *f, struct str record,
                           const struct json *card)
{
    struct card_call c = {.record = record};

    arena_init(&c.arena, SCRATCH_BYTES);
    enum err e = card_items_read(f, card, &c.arena, &c.items);
    if (!e)
        e = db_transaction(r->db, f, set_card, &c);
    arena_release(&c.arena);
    return e;
}

static void add_day(struct buf *b, const char *key, struct date day)
{
    char text[DATE_TEXT_SIZE];

    if (date_known(day))
        json_add_text(b, key, str_of(date_text(day, text)));
}

static enum err show_card(struct db_tx *tx, struct fail *f, void *arg)
{
    struct card_call *c = arg;
    bool found = false;
    int64_t person;
    enum err e = find_person(tx, f, c->record, &person);

    if (!e)
        e = card_items_get(tx, f, &c->arena, person, &c->items, &found);
    return e || found ? e : fail_set(f, ERR_NOT_FOUND, "card", NULL);
}

enum err register_card_show(struct resident_register *r, struct fail *f, struct str record, struct buf *out)
{
    struct card_call c = {.record = record};

    arena_init(&c.arena, SCRATCH_BYTES);
    enum err e = db_read(r->db, f, show_card, &c);
    if (!e) {
        json_begin(out, NULL, '{');
        add_day(out, "issued_on", c.items.issued_on);
        add_day(out, "valid_until", c.items.valid_until);
        json_add_text(out, "form", c.items.form);
        json_add_text(out, "authenticity_code", c.items.authenticity_code);
        add_day(out, "continuation_due", c.items.continuation_due);
        json_end(out, '}');
        e = buf_check(out, f, "card");
    }
    arena_release(&c.arena);
    return e;
}
