/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what a change does to a record, and what of it the network is told.
 *
 * A record is a chain of versions; each change puts one on top, a cancellation too. A municipal reason
 * becomes a legal one by identity/municipal_reason.def; where there is none (households, 改製, 再製) the
 * version stays inside. States follow the network's: a planned move out leaves the person 転出予定, any other
 * removal closes the episode, an entry opens it. Everything is checked before the first write, so a refused
 * change leaves nothing. 住民票コード: a new entry without one gets a drawn one; the code of a closed record
 * may come back with its person, that of an open one may not; one that was given by mistake is taken back by
 * an event that corrects the change, and is nobody's. 転出確定 ends the stay of whoever is 転出予定 and keeps
 * the plan beside what the 転入通知 said; elsewhere it is only noted. */
#include "register/register_inside.h"

#include "base/clock.h"
#include "register/register_sql.h"

enum err register_find_int(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt, struct db_value key,
                           int64_t *out)
{
    struct db_rows rows;

    *out = 0;
    db_query(tx, &rows, stmt, &key, 1);
    if (db_next(&rows))
        *out = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

/* A drawn code for whoever has none; write_version takes it away. */
static enum err choose_code(struct db_tx *tx, struct fail *f, struct resident_version *v)
{
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_drawn_next, DB_NONE);
    if ((v->drawn = db_next(&rows)))
        v->row.identity.resident_code.value = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    return e || v->drawn ? e : fail_set(f, ERR_NOT_FOUND, "resident_code", "no drawn code is left");
}

static enum err check_place(const struct register_batch *b, struct fail *f, const struct resident_version *v)
{
    if (!area_code_equal(area_code_cs(v->row.identity.address.area_code), b->register_->cs))
        return fail_set(f, ERR_DOOR_AREA, "area_code", NULL);
    return ERR_OK;
}

struct change register_change_of(const struct resident_version *v)
{
    return (struct change){.reason = municipal_row(v->reason)->legal,
                           .date = v->change_date,
                           .planned = v->planned && municipal_row(v->reason)->legal == CHANGE_MOVE_OUT};
}

/* Writes v, and queues it when the network is to know. */
static enum err write_version(struct register_batch *b, struct fail *f, struct resident_version *v,
                              const struct change *change)
{
    enum err e;

    v->id = b->row + 1;
    v->stamp = clock_now();
    if (change->reason != CHANGE_NONE) {
        v->sent += !v->corrects || v->told;
        v->sent_reason = change->reason;
        v->sent_date = change->date;
    }
    if ((e = resident_version_add(b->tx, f, v)))
        return e;
    b->row++;
    if (v->drawn && (e = db_exec(b->tx, f, &sql_register_drawn_remove,
                                 DB(db_int(v->row.identity.resident_code.value)), NULL)))
        return e;
    if (v->event.n &&
        (e = db_exec(b->tx, f, &sql_register_event_add, DB(db_text(v->event), db_int(v->id)), NULL)))
        return e;
    return change->reason != CHANGE_NONE ? register_batch_queue(b, f, v, change, v->corrects) : ERR_OK;
}

/* ---- entries ---- */

/* How far the network knows the stay that v goes on with: a return to the same place (ward) continues its
 * chain. */
static enum err sent_before(struct register_batch *b, struct fail *f, struct arena *a,
                            const struct resident_version *v, int64_t *sent)
{
    struct resident_version old;
    int64_t person;
    enum err e = register_find_stay(b->tx, f, a, v->row.identity.resident_code,
                                    v->row.identity.address.area_code, &person);

    *sent = 0;
    if (e || !person || (e = resident_version_latest(b->tx, f, person, a, &old)))
        return e;
    *sent = old.sent;
    return ERR_OK;
}

/* The record that holds the code: *former 0 when nobody does. ERR_EXISTS when it is open. */
static enum err find_former(struct register_batch *b, struct fail *f, const struct resident_version *v,
                            int64_t *former, int64_t *sent)
{
    struct resident_version old;
    struct arena a;
    enum err e = register_find_int(b->tx, f, &sql_register_code_find,
                                   db_int(v->row.identity.resident_code.value), former);

    *sent = 0;
    if (e || !*former)
        return e;
    arena_init(&a, 256 << 10);
    if (!(e = resident_version_latest(b->tx, f, *former, &a, &old))) {
        if (old.life == LIFE_CURRENT ||
            !resident_code_equal(old.row.identity.resident_code, v->row.identity.resident_code))
            e = fail_set(f, ERR_EXISTS, "resident_code", NULL);
        else
            e = sent_before(b, f, &a, v, sent);
    }
    arena_release(&a);
    return e;
}

static void count(const struct db_tx *tx, const struct resident_version *old,
                  const struct resident_version *v)
{
    const struct tally_row before = {v->person, 0, old ? old->life : 0, 0},
                           after = {v->person, 0, v->life, 0};
    tally_change(tx, &before, &after);
}

static enum err name_record(struct register_batch *b, struct fail *f, const struct resident_version *v,
                            int64_t former)
{
    struct db_value code = db_int(v->row.identity.resident_code.value), person = db_int(v->person);
    int64_t added = 0;
    enum err e = db_exec(b->tx, f, &sql_register_record_add, DB(db_text(v->row.record), person), &added);

    if (!e && !added)
        return fail_set(f, ERR_EXISTS, "record", NULL);
    if (!e)
        e = db_exec(b->tx, f, former ? &sql_register_code_set : &sql_register_code_add, DB(code, person),
                    NULL);
    if (!e && former)
        e = db_exec(b->tx, f, &sql_register_former_add, DB(code, db_int(former)), NULL);
    if (!e)
        e = db_exec(b->tx, f, &sql_register_person_add, DB(person, person, db_int(v->life)), NULL);
    if (!e)
        e = db_exec(b->tx, f, &sql_register_household_add, DB(db_text(v->row.household_number), person),
                    NULL);
    if (!e)
        count(b->tx, NULL, v);
    return e;
}

enum err register_add_record(struct register_batch *b, struct fail *f, struct resident_version *v,
                             int64_t former, const struct change *change)
{
    enum err e;

    v->person = b->row + 1;
    v->version = 1;
    if ((e = name_record(b, f, v, former)))
        return e;
    return write_version(b, f, v, change);
}

enum err register_enter(struct register_batch *b, struct fail *f, struct resident_version *v)
{
    struct change change = register_change_of(v);
    bool claimed = false;
    int64_t former;
    enum err e;

    if (b->claims && ((e = register_claim_entry(b, f, v, &claimed)) || claimed))
        return e;
    if (!v->row.has_resident_code && (e = choose_code(b->tx, f, v)))
        return e;
    if ((e = check_place(b, f, v)) || (e = identity_check(f, &v->row.identity, &change)) ||
        (e = find_former(b, f, v, &former, &v->sent)))
        return e;
    v->life = LIFE_CURRENT;
    return register_add_record(b, f, v, former, &change);
}

/* ---- what happens to a record that is there ---- */

static enum err find_subject(struct register_batch *b, struct fail *f, const struct change_event *event,
                             int64_t *person)
{
    int64_t by_record = 0, by_code = 0;
    enum err e;

    if (event->record.n &&
        (e = register_find_int(b->tx, f, &sql_register_record_find, db_text(event->record), &by_record)))
        return e;
    if (event->has_resident_code && (e = register_find_int(b->tx, f, &sql_register_code_find,
                                                           db_int(event->resident_code.value), &by_code)))
        return e;
    if (event->record.n ? !by_record : !by_code)
        return fail_set(f, ERR_NOT_FOUND, event->record.n ? "record" : "resident_code", NULL);
    if (event->record.n && event->has_resident_code && by_record != by_code)
        return fail_set(f, ERR_CHANGE_SUBJECT, "record", "the resident code is another record's");
    *person = by_record ? by_record : by_code;
    return ERR_OK;
}

/* Codes and numbers that were given up are nobody's for ever (番号法8条, 法30条の2). */
static bool changes_key(enum municipal_reason reason)
{
    enum change_group group = municipal_row(reason)->group;

    return group == CHANGE_CODE_AMENDMENT || group == CHANGE_NUMBER_AMENDMENT;
}

/* A cancellation puts back what was before the version the cancelled event made. */
static enum err cancel(struct register_batch *b, struct fail *f, struct arena *a,
                       const struct change_event *event, const struct resident_version *old,
                       struct resident_version *v)
{
    struct resident_version before, removal = *old;
    int64_t cancelled;
    enum err e = register_find_int(b->tx, f, &sql_register_event_find, db_text(event->cancels), &cancelled);

    if (e)
        return e;
    if (!cancelled)
        return fail_set(f, ERR_NOT_FOUND, "cancels", NULL);
    if (cancelled != old->id)
        return fail_set(f, ERR_STATE, "cancels", "another change stands on it");
    if (changes_key(old->reason))
        return fail_set(f, ERR_STATE, "cancels",
                        "a former code or number is not given again: change it anew");
    if (old->reason == MUNICIPAL_MOVE_OUT_CONFIRMED && /* the departure as a whole */
        (e = resident_version_get(b->tx, f, old->previous, a, &removal)))
        return e;
    if (municipal_row(removal.reason)->group == CHANGE_ENTRY ? event->reason != MUNICIPAL_CANCELLED_ENTRY
        : municipal_row(removal.reason)->group == CHANGE_REMOVAL
            ? event->reason != MUNICIPAL_CANCELLED_REMOVAL
            : event->reason != MUNICIPAL_CANCELLED_AMENDMENT)
        return fail_set(f, ERR_STATE, "reason", "not the kind of change that is cancelled");
    if (event->reason == MUNICIPAL_CANCELLED_ENTRY)
        return ERR_OK; /* removed as it stands */
    if ((e = resident_version_get(b->tx, f, removal.previous, a, &before)))
        return e;
    v->row = before.row;
    v->planned_on = before.planned_on;
    v->confirmed_on = before.confirmed_on;
    v->confirmed_area = before.confirmed_area;
    v->confirmed_address = before.confirmed_address;
    return ERR_OK;
}

/* v->life is that before. */
static enum register_life life_after(const struct resident_version *v)
{
    switch (municipal_row(v->reason)->group) {
    case CHANGE_ENTRY:
        return LIFE_CURRENT;
    case CHANGE_REMOVAL:
        return v->planned ? LIFE_LEAVING : LIFE_REMOVED;
    case CHANGE_CONFIRMATION:
        if (v->reason == MUNICIPAL_MOVE_OUT_CONFIRMED)
            return v->life == LIFE_LEAVING ? LIFE_REMOVED : v->life;
        return v->life == LIFE_REMOVED ? LIFE_LEAVING : v->life;
    default:
        return v->life;
    }
}

static bool is_rewriting(enum municipal_reason reason)
{
    const struct municipal_row *row = municipal_row(reason);

    return row->legal == CHANGE_NONE && (row->group == CHANGE_ENTRY || row->group == CHANGE_REMOVAL);
}

static enum err check_life(struct fail *f, const struct resident_version *old, enum municipal_reason reason)
{
    bool entry = municipal_row(reason)->group == CHANGE_ENTRY;

    if (is_rewriting(reason))
        return ERR_OK;
    if (reason == MUNICIPAL_MOVE_OUT_UNCONFIRMED && !date_known(old->confirmed_on))
        return fail_set(f, ERR_STATE, "reason", "the move out is not confirmed");
    if (municipal_row(reason)->group == CHANGE_CONFIRMATION)
        return ERR_OK;
    if (entry ? old->life == LIFE_CURRENT : old->life == LIFE_REMOVED)
        return fail_set(f, ERR_STATE, "reason", entry ? "the record is open" : "the record is closed");
    return ERR_OK;
}

/* The record's last code before the wrong one: what was taken back before names no record any more. */
static enum err code_before(struct register_batch *b, struct fail *f, struct arena *a,
                            const struct resident_version *wrong, struct resident_code *code)
{
    struct resident_version before = *wrong;
    int64_t holder = 0;
    enum err e = ERR_OK;

    while (!e && (holder != wrong->person || resident_code_equal(before.row.identity.resident_code,
                                                                 wrong->row.identity.resident_code))) {
        if (!(e = resident_version_get(b->tx, f, before.previous, a, &before)))
            e = register_find_int(b->tx, f, &sql_register_code_find,
                                  db_int(before.row.identity.resident_code.value), &holder);
    }
    *code = before.row.identity.resident_code;
    return e;
}

/* The change that gave the record its present code was wrong: another code in its place. */
static enum err correct_code(struct register_batch *b, struct fail *f, struct arena *a,
                             const struct change_event *event, const struct resident_version *old,
                             struct resident_version *v, struct change *change)
{
    struct resident_version wrong;
    int64_t id;
    char state;
    enum err e, why;

    if ((e = register_find_int(b->tx, f, &sql_register_event_find, db_text(event->corrects), &id)) ||
        (!id && (e = fail_set(f, ERR_NOT_FOUND, "corrects", NULL))) ||
        (e = resident_version_get(b->tx, f, id, a, &wrong)))
        return e;
    if (wrong.person != old->person || municipal_row(wrong.reason)->group != CHANGE_CODE_AMENDMENT ||
        !resident_code_equal(wrong.row.identity.resident_code, old->row.identity.resident_code))
        return fail_set(f, ERR_STATE, "corrects", "not the change that gave the present code");
    if ((e = register_find_int(b->tx, f, &sql_register_change_number, db_int(id), &v->corrects)) ||
        (e = change_range_find(b->tx, f, v->corrects, &state, &why)))
        return e;
    v->told = state != 'r';
    return code_before(b, f, a, &wrong, &change->old_code);
}

static enum err change_code(struct register_batch *b, struct fail *f, struct arena *a,
                            const struct change_event *event, const struct resident_version *old,
                            struct resident_version *v, struct change *change)
{
    int64_t holder;
    enum err e;

    if (!change_event_sets(event, RESIDENT_COLUMN_RESIDENT_CODE) && (e = choose_code(b->tx, f, v)))
        return e;
    e = register_find_int(b->tx, f, &sql_register_code_find, db_int(v->row.identity.resident_code.value),
                          &holder);
    if (!e && holder)
        e = fail_set(f, ERR_EXISTS, "resident_code", NULL);
    change->has_old_code = true;
    change->old_code = old->row.identity.resident_code;
    return e || !event->corrects.n ? e : correct_code(b, f, a, event, old, v, change);
}

/* One given by hand would be changed again by the one that is on its way. */
static enum err change_number(struct register_batch *b, struct fail *f, const struct resident_version *old,
                              struct change *change)
{
    struct db_rows rows;

    change->has_old_number = old->row.identity.has_individual_number;
    change->old_number_not_recorded =
        !change->has_old_number && change->reason == CHANGE_NUMBER_EX_OFFICIO_ENTRY;
    change->old_number = old->row.identity.individual_number;
    db_query(b->tx, &rows, &sql_register_wish_find, DB(db_int(old->person)));
    bool awaited = db_next(&rows);
    enum err e = db_done(&rows, f);
    return e || !awaited ? e : fail_set(f, ERR_EXISTS, "individual_number", "another is being waited for");
}

/* The plan (予定) and what became of it (確定) are kept apart. */
static void move_out(const struct change_event *event, struct resident_version *v)
{
    bool where = event->moved_to_address.n || event->moved_to_area.value;

    if (municipal_row(event->reason)->group == CHANGE_CONFIRMATION) {
        bool confirmed = event->reason == MUNICIPAL_MOVE_OUT_CONFIRMED;
        v->confirmed_on = confirmed ? event->date : (struct date){0};
        v->confirmed_area = confirmed ? event->moved_to_area : (struct area_code){0};
        v->confirmed_address = confirmed ? event->moved_to_address : STR("");
        return;
    }
    if (municipal_row(event->reason)->group != CHANGE_REMOVAL)
        return;
    v->planned_on = event->planned ? event->date : (struct date){0};
    if (where) {
        v->row.moved_from_area = event->moved_to_area;
        v->row.moved_from_address = event->moved_to_address;
    }
}

enum err register_change_row(struct register_batch *b, struct fail *f, struct arena *a,
                             const struct change_event *event, const struct resident_version *old,
                             struct resident_version *v)
{
    enum err e;

    if (event->cancels.n)
        return cancel(b, f, a, event, old, v);
    if ((e = change_event_amend(f, event, &v->row)))
        return e;
    if (event->reason == MUNICIPAL_FORMER_NAME_REMOVAL)
        v->row.identity.name.former_name = v->row.identity.name.former_name_kana = STR("");
    if (event->reason == MUNICIPAL_ALIAS_REMOVAL)
        v->row.identity.name.alias = v->row.identity.name.alias_kana = STR("");
    if (event->reason == MUNICIPAL_MOVE_WITHIN && !change_event_sets(event, RESIDENT_COLUMN_ADDRESS_SINCE))
        v->row.address_since = event->date;
    move_out(event, v);
    return ERR_OK;
}

/* Fills v, which begins as a copy of old. */
static enum err change_values(struct register_batch *b, struct fail *f, struct arena *a,
                              const struct change_event *event, const struct resident_version *old,
                              struct resident_version *v, struct change *change)
{
    enum change_group group = municipal_row(event->reason)->group;
    enum err e = register_change_row(b, f, a, event, old, v);

    if (!e && group == CHANGE_CODE_AMENDMENT)
        e = change_code(b, f, a, event, old, v, change);
    if (!e && group == CHANGE_NUMBER_AMENDMENT)
        e = change_number(b, f, old, change);
    return e;
}

static enum err check_version(const struct register_batch *b, struct fail *f,
                              const struct resident_version *old, const struct resident_version *v,
                              const struct change *change)
{
    enum err e = resident_row_check(f, &v->row);

    if (e || (e = check_place(b, f, v)))
        return e;
    if (!area_code_equal(old->row.identity.address.area_code, v->row.identity.address.area_code))
        return fail_set(f, ERR_STATE, "area_code", "another ward: a removal there and an entry here");
    if (change->reason == CHANGE_NONE)
        return ERR_OK;
    bool confirmation =
        change_row(change->reason)->group == CHANGE_CONFIRMATION; /* no identity notice tells of it */
    return identity_check(f, &v->row.identity, confirmation ? NULL : change);
}

static enum err update_index(struct register_batch *b, struct fail *f, const struct resident_version *old,
                             const struct resident_version *v)
{
    const struct resident_code code = v->row.identity.resident_code;
    struct db_value person = db_int(v->person);
    enum err e =
        db_exec(b->tx, f, &sql_register_person_set, DB(person, db_int(v->id), db_int(v->life)), NULL);

    if (!e && !resident_code_equal(code, old->row.identity.resident_code))
        e = db_exec(b->tx, f, &sql_register_code_add, DB(db_int(code.value), person), NULL);
    if (!e && v->corrects)
        e = db_exec(b->tx, f, &sql_register_code_remove,
                    DB(db_int(old->row.identity.resident_code.value), person), NULL);
    if (!e)
        count(b->tx, old, v);
    if (e || str_equal(old->row.household_number, v->row.household_number))
        return e;
    if ((e = db_exec(b->tx, f, &sql_register_household_remove, DB(db_text(old->row.household_number), person),
                     NULL)))
        return e;
    return db_exec(b->tx, f, &sql_register_household_add, DB(db_text(v->row.household_number), person), NULL);
}

enum err register_add_version(struct register_batch *b, struct fail *f, const struct resident_version *old,
                              struct resident_version *v, const struct change *change)
{
    enum err e = write_version(b, f, v, change);

    return e ? e : update_index(b, f, old, v);
}

void register_begin_version(const struct change_event *event, const struct resident_version *old,
                            struct resident_version *v)
{
    *v = *old;
    v->version++;
    v->previous = old->id;
    v->reason = event->reason;
    v->change_date = event->date;
    v->planned = event->planned;
    v->event = event->event;
    v->row.notified_on = event->notified_on;
}

static enum err change_record(struct register_batch *b, struct fail *f, struct arena *a,
                              const struct change_event *event, int64_t person)
{
    struct resident_version old, v;
    enum err e;

    if ((e = resident_version_latest(b->tx, f, person, a, &old)) || (e = check_life(f, &old, event->reason)))
        return e;
    register_begin_version(event, &old, &v);
    if (!is_rewriting(event->reason))
        v.life = life_after(&v);
    struct change change = register_change_of(&v);
    if ((e = change_values(b, f, a, event, &old, &v, &change)) ||
        (e = check_version(b, f, &old, &v, &change)) ||
        (e = register_departure_check(b, f, a, event, &old)) ||
        (e = register_add_version(b, f, &old, &v, &change)) || (e = register_tell_change(b, f, a, &old, &v)))
        return e;
    e = register_tell_departure(b, f, a, event, &v);
    return e ? e : register_tell_supplement(b, f, a, &old, &v);
}

/* The new number is the agency's to generate: the event waits for it, and is applied with it
 * (register_wish_fulfil). */
static enum err wish_number(struct register_batch *b, struct fail *f, struct arena *a,
                            const struct change_event *event, int64_t person)
{
    struct resident_version old;
    int64_t added = 0;
    enum err e;

    if ((e = resident_version_latest(b->tx, f, person, a, &old)) || (e = check_life(f, &old, event->reason)))
        return e;
    if (event->reason != MUNICIPAL_NUMBER_ENTRY && !old.row.identity.has_individual_number)
        return fail_set(f, ERR_STATE, "individual_number", "there is none to change");
    e = db_exec(b->tx, f, &sql_register_wish_add,
                DB(db_int(old.person), db_text(event->event), db_text(old.row.record), db_int(event->reason),
                   db_int(date_to_int(event->date)), db_int(date_to_int(event->notified_on)),
                   db_int(clock_now())),
                &added);
    if (e || !added)
        return e ? e : fail_set(f, ERR_EXISTS, "individual_number", "another is being waited for");
    return db_exec(b->tx, f, &sql_register_wish_forget, DB(db_text(old.row.record)), NULL);
}

/* The number may have come already, for the same wish before a restore. */
static enum err ask_number(struct register_batch *b, struct fail *f, struct arena *a,
                           const struct change_event *event, int64_t person)
{
    struct change_event with = *event;
    struct individual_number number;
    char digits[INDIVIDUAL_NUMBER_TEXT_SIZE];
    bool found;
    enum err e = register_number_use(b->tx, f, person, &number, &found);

    if (e || !found)
        return e ? e : wish_number(b, f, a, event, person);
    with.set |= UINT64_C(1) << RESIDENT_COLUMN_INDIVIDUAL_NUMBER;
    with.value.cell[RESIDENT_COLUMN_INDIVIDUAL_NUMBER] = str_of(individual_number_REVEAL(number, digits));
    return change_record(b, f, a, &with, person);
}

enum err register_wish_fulfil(struct register_batch *b, struct fail *f, struct arena *a, int64_t person,
                              struct individual_number number, bool *wished)
{
    struct change_event event = {.set = UINT64_C(1) << RESIDENT_COLUMN_INDIVIDUAL_NUMBER};
    char digits[INDIVIDUAL_NUMBER_TEXT_SIZE];
    struct db_rows rows;

    db_query(b->tx, &rows, &sql_register_wish_find, DB(db_int(person)));
    if ((*wished = db_next(&rows))) {
        event.event = arena_copy(a, db_row_text(&rows, 0));
        event.record = arena_copy(a, db_row_text(&rows, 1));
        event.reason = (enum municipal_reason)db_row_int(&rows, 2);
        event.date = date_from_int((int32_t)db_row_int(&rows, 3));
        event.notified_on = date_from_int((int32_t)db_row_int(&rows, 4));
    }
    enum err e = db_done(&rows, f);
    if (e || !*wished)
        return e;
    if (!event.event.p || !event.record.p)
        return fail_set(f, ERR_MEMORY, "event", NULL);
    event.value.cell[RESIDENT_COLUMN_INDIVIDUAL_NUMBER] = str_of(individual_number_REVEAL(number, digits));
    if ((e = db_exec(b->tx, f, &sql_register_wish_remove, DB(db_int(person)), NULL)))
        return e;
    struct fail why = {0};
    e = register_apply_event(b, &why, a, &event);
    if (!e || err_row(e)->exit != 1)
        return e ? fail_pass(f, &why) : ERR_OK;
    /* a record that was closed meanwhile, say, keeps its old number; whoever asked is to hear of it */
    return db_exec(b->tx, f, &sql_register_wish_refuse,
                   DB(db_text(event.record), db_int(e), db_text(str_of(why.field)), db_int(clock_now())),
                   NULL);
}

static bool needs_number(const struct change_event *event)
{
    return municipal_row(event->reason)->group == CHANGE_NUMBER_AMENDMENT &&
           !change_event_sets(event, RESIDENT_COLUMN_INDIVIDUAL_NUMBER);
}

static enum err enter_event(struct register_batch *b, struct fail *f, struct arena *a,
                            const struct change_event *event)
{
    struct resident_version v = {.reason = event->reason,
                                 .change_date = event->date,
                                 .event = event->event,
                                 .special = event->special};
    enum err e = resident_row_parse(f, &event->value, &v.row);

    if (e)
        return e;
    if (!v.row.has_resident_code && event->has_resident_code) {
        v.row.has_resident_code = true;
        v.row.identity.resident_code = event->resident_code;
    }
    if ((e = register_enter(b, f, &v)))
        return e;
    if (!v.id) /* it was known */
        return ERR_OK;
    e = register_tell_move_in(b, f, &v);
    return e ? e : register_tell_supplement_entry(b, f, a, &v);
}

static enum err apply_to_record(struct register_batch *b, struct fail *f, struct arena *a,
                                const struct change_event *event)
{
    bool claimed = false;
    int64_t person;
    enum err e = find_subject(b, f, event, &person);

    if (!e && b->claims)
        e = register_claim_event(b, f, a, event, person, &claimed);
    if (e || claimed)
        return e;
    return needs_number(event) ? ask_number(b, f, a, event, person) : change_record(b, f, a, event, person);
}

enum err register_apply_event(struct register_batch *b, struct fail *f, struct arena *a,
                              const struct change_event *event)
{
    int64_t before;
    enum err e = register_find_int(b->tx, f, &sql_register_event_find, db_text(event->event), &before);

    if (e)
        return e;
    if (before)
        return fail_set(f, ERR_EXISTS, "event", NULL);
    bool entry = municipal_row(event->reason)->group == CHANGE_ENTRY && !event->cancels.n &&
                 !is_rewriting(event->reason);
    return entry ? enter_event(b, f, a, event) : apply_to_record(b, f, a, event);
}
