/* SPDX-License-Identifier: Apache-2.0 */
/* Decides whether a 転入届 may be taken by card instead of by 転出証明書 (法24条の2; 令24条の2), and what it
 * enters.
 *
 * The card is at hand and its own side has checked the PIN; its holder is among those who move in now; the
 * 転出届 still stands, and no later one was filed; not more than 30 days have passed since the planned day,
 * nor 14 since the move. Who does not meet this is told what to bring instead. All persons of the 転入届 are
 * entered in one transaction, or none. */
#include "register/register_certificate_inside.h"
#include "register/register_sql.h"

enum { SCRATCH_BYTES = 4 << 20 };

struct arriving {
    const struct certificate_person *said;
    struct str record;
    const struct json *set; /* its own values; NULL: none */
};
struct filing {
    struct resident_register *r;
    const struct json *json;
    struct arena arena;
    struct buf body;
    struct area_code origin;
    struct str certificate, event;
    struct date moved_on, today;
    struct kept_certificate kept;
    bool presented;
    struct resident_code card_code;
    struct card_items card;
    const struct json *set;
    struct arriving persons[CERTIFICATE_PERSONS_MOST];
    size_t count;
    int64_t first, last;
};

/* ---- reading ---- */

static enum err read_code(struct fail *f, const struct json *object, struct arena *a,
                          struct resident_code *code)
{
    struct str text = {NULL, 0};
    enum err e = json_member_text(f, object, "resident_code", a, &text);

    return e ? e : resident_code_parse(f, text, code);
}

static enum err read_card(struct filing *g, struct fail *f)
{
    const struct json *card;
    enum err e;

    g->presented = json_get(g->json, "card") != NULL;
    if (!g->presented || (e = json_member_object(f, g->json, "card", &card)))
        return g->presented ? e : ERR_OK;
    e = read_code(f, card, &g->arena, &g->card_code);
    return e ? e : card_items_read(f, card, &g->arena, &g->card);
}

static enum err read_head(struct filing *g, struct fail *f)
{
    struct arena *a = &g->arena;
    struct str from = {NULL, 0}, day = {NULL, 0};
    enum err e;

    if ((e = json_member_text(f, g->json, "from", a, &from)) || (e = area_code_parse(f, from, &g->origin)) ||
        (e = json_member_text(f, g->json, "certificate", a, &g->certificate)) ||
        (e = json_member_text(f, g->json, "event", a, &g->event)) ||
        (e = json_member_text(f, g->json, "change_date", a, &day)) ||
        (e = date_parse(f, "change_date", day, &g->moved_on)))
        return e;
    g->origin = area_code_cs(g->origin);
    if (json_get(g->json, "set") && (e = json_member_object(f, g->json, "set", &g->set)))
        return e;
    return g->event.n ? read_card(g, f) : fail_set(f, ERR_FIELD_MISSING, "event", NULL);
}

static const struct certificate_person *find_said(const struct filing *g, struct resident_code code)
{
    const struct move_out_certificate *m = &g->kept.message;

    for (size_t i = 0; i < m->persons.count; i++)
        if (resident_code_equal(certificate_person_at(m, i)->resident_code.value, code))
            return certificate_person_at(m, i);
    return NULL;
}

static enum err read_person(struct filing *g, struct fail *f, const struct json *item)
{
    struct arriving *p = &g->persons[g->count];
    struct resident_code code;
    enum err e;

    if (!json_is(item, JSON_OBJECT))
        return fail_set(f, ERR_FIELD_TYPE, "persons", NULL);
    if ((e = read_code(f, item, &g->arena, &code)) ||
        (e = json_member_text(f, item, "record", &g->arena, &p->record)))
        return e;
    if (json_get(item, "set") && (e = json_member_object(f, item, "set", &p->set)))
        return e;
    if (!(p->said = find_said(g, code)))
        return fail_set(f, ERR_CERTIFICATE_PERSON, "persons", NULL);
    for (size_t i = 0; i < g->count; i++)
        if (g->persons[i].said == p->said)
            return fail_set(f, ERR_EXISTS, "persons", NULL);
    g->count++;
    return ERR_OK;
}

static enum err read_persons(struct filing *g, struct fail *f)
{
    const struct json *list, *item;
    enum err e = json_member_array(f, g->json, "persons", &list);

    if (e)
        return e;
    if (!json_count(list))
        return fail_set(f, ERR_FIELD_MISSING, "persons", NULL);
    if (json_count(list) > CERTIFICATE_PERSONS_MOST)
        return fail_set(f, ERR_LIMIT, "persons", NULL);
    JSON_EACH(list, item)
    {
        if ((e = read_person(g, f, item)))
            return e;
    }
    return ERR_OK;
}

/* ---- may it be taken? ---- */

/* 令24条の2: the earlier of the two days ends it. */
static enum err check_days(const struct filing *g, struct fail *f)
{
    const struct date planned = date_add_days(g->kept.message.planned_on, CERTIFICATE_PLANNED_DAYS),
                      moved = date_add_days(g->moved_on, CERTIFICATE_MOVED_DAYS);

    if (date_compare(g->moved_on, g->today) > 0)
        return fail_set(f, ERR_FIELD_RANGE, "change_date", "a move in is filed when it has happened");
    if (date_compare(g->today, planned) > 0)
        return fail_set(f, ERR_CERTIFICATE_DAYS_PLANNED, "certificate", NULL);
    return date_compare(g->today, moved) > 0 ? fail_set(f, ERR_CERTIFICATE_DAYS_MOVED, "change_date", NULL)
                                             : ERR_OK;
}

static enum err check_standing(const struct filing *g, struct db_tx *tx, struct fail *f,
                               struct resident_code code)
{
    struct db_rows rows;
    int64_t newest = 0, entered = 0;
    enum err e = register_find_int(tx, f, &sql_register_certified_newest, db_int(code.value), &newest);

    if (e)
        return e;
    db_query(tx, &rows, &sql_register_certified_list, DB(db_int(g->origin.value), db_text(g->certificate)));
    while (db_next(&rows))
        if (db_row_int(&rows, 0) == code.value)
            entered = db_row_int(&rows, 1);
    if ((e = db_done(&rows, f)))
        return e;
    if (entered)
        return fail_set(f, ERR_CERTIFICATE_USED, "persons", NULL);
    return newest > g->kept.place ? fail_set(f, ERR_CERTIFICATE_LATER, "certificate", NULL) : ERR_OK;
}

static bool same_card(const struct card_items *card, const struct certificate_person *p)
{
    return certificate_has_card(p) && date_compare(card->issued_on, p->card_issued_on) == 0 &&
           date_compare(card->valid_until, p->card_valid_until) == 0 && str_equal(card->form, p->card_form) &&
           str_equal(card->authenticity_code, p->card_authenticity_code);
}

static enum err check_card(const struct filing *g, struct fail *f)
{
    const struct certificate_person *holder = NULL;

    if (!g->presented)
        return fail_set(f, ERR_CARD_NEEDED, "card", NULL);
    for (size_t i = 0; !holder && i < g->count; i++)
        if (resident_code_equal(g->persons[i].said->resident_code.value, g->card_code))
            holder = g->persons[i].said;
    if (!holder)
        return fail_set(f, ERR_CARD_HOLDER, "card", NULL);
    if (date_compare(g->card.valid_until, g->today) < 0)
        return fail_set(f, ERR_CARD_EXPIRED, "card", NULL);
    return same_card(&g->card, holder) ? ERR_OK : fail_set(f, ERR_CARD_OTHER, "card", NULL);
}

static enum err check(const struct filing *g, struct db_tx *tx, struct fail *f)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < g->count; i++)
        e = check_standing(g, tx, f, g->persons[i].said->resident_code.value);
    if (!e)
        e = check_days(g, f);
    return e ? e : check_card(g, f);
}

/* ---- entering ---- */

/* Values that are the clerk's to give or to correct: not who it is, nor where from. */
static bool may_set(enum resident_column column)
{
    static const enum resident_column fixed[] = {RESIDENT_COLUMN_RECORD,
                                                 RESIDENT_COLUMN_RESIDENT_CODE,
                                                 RESIDENT_COLUMN_INDIVIDUAL_NUMBER,
                                                 RESIDENT_COLUMN_ENTRY_REASON,
                                                 RESIDENT_COLUMN_NOTIFIED_ON,
                                                 RESIDENT_COLUMN_MOVED_FROM_AREA_CODE,
                                                 RESIDENT_COLUMN_MOVED_FROM_ADDRESS,
                                                 RESIDENT_COLUMN_RESIDENT_SINCE};
    bool may = true;

    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        may = may && fixed[i] != column;
    return may;
}

static enum err put_set(struct fail *f, struct arena *a, const struct json *set, struct change_event *event)
{
    size_t known = 0;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < RESIDENT_COLUMNS; i++) {
        struct str text = {NULL, 0};
        if (!json_get(set, resident_columns[i].name))
            continue;
        known++;
        if (!may_set((enum resident_column)i))
            return fail_set(f, ERR_CHANGE_VALUE, resident_columns[i].name, "not with this reason");
        if (!(e = json_member_text(f, set, resident_columns[i].name, a, &text)))
            change_event_put(event, (enum resident_column)i, text);
    }
    if (!e && known != json_count(set))
        e = fail_set(f, ERR_CHANGE_VALUE, "set", "a name that is no column");
    return e;
}

/* Who has been here before keeps the name as it is written here (住民記録システム標準仕様書). */
static enum err put_known_name(struct db_tx *tx, struct fail *f, struct arena *a, struct resident_code code,
                               struct change_event *event)
{
    struct resident_version v;
    int64_t person;
    enum err e = register_find_int(tx, f, &sql_register_code_find, db_int(code.value), &person);

    if (e || !person || (e = resident_version_latest(tx, f, person, a, &v)))
        return e;
    change_event_put(event, RESIDENT_COLUMN_NAME, v.row.identity.name.name);
    return ERR_OK;
}

static enum err put_origin(const struct filing *g, struct fail *f, struct arena *a,
                           struct change_event *event)
{
    char area[AREA_CODE_TEXT_SIZE], moved[DATE_TEXT_SIZE], today[DATE_TEXT_SIZE];
    const struct str from = arena_copy(a, str_of(area_code_text(g->kept.message.area_code, area))),
                     since = arena_copy(a, str_of(date_text(g->moved_on, moved))),
                     notified = arena_copy(a, str_of(date_text(g->today, today)));

    change_event_put(event, RESIDENT_COLUMN_MOVED_FROM_AREA_CODE, from);
    change_event_put(event, RESIDENT_COLUMN_MOVED_FROM_ADDRESS, g->kept.message.address);
    change_event_put(event, RESIDENT_COLUMN_RESIDENT_SINCE, since);
    change_event_put(event, RESIDENT_COLUMN_NOTIFIED_ON, notified);
    change_event_put(event, RESIDENT_COLUMN_ENTRY_REASON, str_of(municipal_row(event->reason)->name));
    return from.p && since.p && notified.p ? ERR_OK : fail_set(f, ERR_MEMORY, "event", NULL);
}

static enum err make_event(struct filing *g, struct db_tx *tx, struct fail *f, size_t i,
                           struct change_event *event)
{
    const struct arriving *p = &g->persons[i];
    struct arena *a = &g->arena;
    enum err e;

    *event = (struct change_event){.event = arena_format(a, "%.*s/%zu", STR_ARG(g->event), i + 1),
                                   .reason = MUNICIPAL_DOMESTIC_MOVE_IN,
                                   .date = g->moved_on,
                                   .notified_on = g->today,
                                   .special = true,
                                   .record = p->record};
    for (size_t c = 0; c < RESIDENT_COLUMNS; c++)
        event->value.cell[c] = STR("");
    if (!event->event.p)
        return fail_set(f, ERR_MEMORY, "event", NULL);
    change_event_put(event, RESIDENT_COLUMN_RECORD, p->record);
    if ((e = certificate_person_fill(f, a, p->said, event)) ||
        (e = put_known_name(tx, f, a, p->said->resident_code.value, event)) ||
        (e = put_origin(g, f, a, event)))
        return e;
    if (g->set && (e = put_set(f, a, g->set, event)))
        return e;
    return p->set ? put_set(f, a, p->set, event) : ERR_OK;
}

/* The record has the card of its person, which is to be continued (令30条の20). */
static enum err take_card(const struct filing *g, struct db_tx *tx, struct fail *f,
                          const struct certificate_person *p, int64_t person)
{
    const struct card_items items = {.issued_on = p->card_issued_on,
                                     .valid_until = p->card_valid_until,
                                     .form = p->card_form,
                                     .authenticity_code = p->card_authenticity_code,
                                     .continuation_due = date_add_days(g->today, CERTIFICATE_CONTINUE_DAYS)};

    return certificate_has_card(p) ? card_items_set(tx, f, person, &items) : ERR_OK;
}

static enum err enter_person(struct filing *g, struct register_batch *b, struct fail *f, size_t i)
{
    const struct certificate_person *p = g->persons[i].said;
    struct change_event event;
    int64_t person = 0;
    enum err e;

    if ((e = make_event(g, b->tx, f, i, &event)) || (e = register_apply_event(b, f, &g->arena, &event)) ||
        (e = register_find_int(b->tx, f, &sql_register_record_find, db_text(event.record), &person)) ||
        (e = db_exec(b->tx, f, &sql_register_certified_enter,
                     DB(db_int(p->resident_code.value.value), db_int(g->origin.value),
                        db_text(g->certificate), db_int(person)),
                     NULL)))
        return e;
    if ((e = alias_history_keep(b->tx, f, person, &p->aliases)))
        return e;
    return take_card(g, b->tx, f, p, person);
}

static enum err enter(struct db_tx *tx, struct fail *f, void *arg)
{
    struct filing *g = arg;
    struct register_batch b = {.register_ = g->r, .tx = tx, .body = &g->body};
    enum err e;

    arena_reset(&g->arena);
    g->count = 0;
    g->today = date_today();
    if ((e = register_batch_begin(&b, f)) || (e = read_head(g, f)) ||
        (e = kept_certificate_get(tx, f, &g->arena, g->origin, g->certificate, &g->kept)))
        return e;
    if (g->kept.message.withdrawn)
        return fail_set(f, ERR_CERTIFICATE_WITHDRAWN, "certificate", NULL);
    if ((e = read_persons(g, f)) || (e = check(g, tx, f)))
        return e;
    for (size_t i = 0; !e && i < g->count; i++)
        e = enter_person(g, &b, f, i);
    g->first = b.first_change;
    g->last = b.change;
    return e ? e : register_batch_end(&b, f);
}

enum err register_certificate_enter(struct resident_register *r, struct fail *f, const struct json *filing,
                                    int64_t *first, int64_t *last)
{
    struct filing *g = memory_new(sizeof *g);

    if (!g)
        return fail_set(f, ERR_MEMORY, "certificate", NULL);
    *g = (struct filing){.r = r, .json = filing};
    arena_init(&g->arena, SCRATCH_BYTES);
    buf_init(&g->body, MESSAGE_BYTES_MAX);
    enum err e = db_transaction(r->db, f, enter, g);
    if (!e) {
        *first = g->first;
        *last = g->last;
        door_sender_wake(r);
    }
    buf_release(&g->body);
    arena_release(&g->arena);
    memory_free(g);
    return e;
}
