/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what a move between municipalities makes of the records at both ends (法9条, 24条; 令13条).
 *
 * At the new place: an entry by 国内転入 whose former address is in another municipality (or another ward of
 * a designated city, 法38条) queues the 転入通知 behind its own change. What that said and is corrected or
 * cancelled later is said again, replacing it.
 *
 * At the old place: the 転入通知 confirms the move out. 予定 and 確定 stand side by side in the record, and
 * the governor hears of it (転出確定通知: the confirmation is itself a change of the record). Somebody who
 * moved without 転出届 is first removed ex officio; who has come back meanwhile stays; whom death removed, or
 * who cannot be found, is for a person to look at. */
#include "flow/move_in/move_in_message.h"
#include "register/register_inside.h"
#include "register/register_sql.h"

/* ---- the new place ---- */

static bool tells(const struct resident_version *v)
{
    return v->reason == MUNICIPAL_DOMESTIC_MOVE_IN && v->row.moved_from_area.value &&
           !area_code_equal(v->row.moved_from_area, v->row.identity.address.area_code);
}

static struct move_in_notice notice_of(const struct resident_version *v)
{
    const struct identity *i = &v->row.identity;

    return (struct move_in_notice){
        .resident_code = {true, i->resident_code},
        .name = i->name.name,
        .name_kana = i->name.kana,
        .birth_date = i->birth_date,
        .sex = {true, i->sex},
        .area_code = i->address.area_code,
        .address = i->address.text,
        .former_area_code = v->row.moved_from_area,
        .former_address = v->row.moved_from_address,
        .move_in_date = v->row.resident_since,
        .notified_on = v->row.notified_on,
        .special = v->special,
    };
}

static enum err queue_notice(struct register_batch *b, struct fail *f, const struct resident_version *v,
                             const struct move_in_notice *m, int64_t replaces)
{
    return register_batch_message(b, f, v, area_code_cs(m->former_area_code), &move_in_notice_form, m,
                                  replaces);
}

enum err register_tell_move_in(struct register_batch *b, struct fail *f, const struct resident_version *v)
{
    const struct move_in_notice m = notice_of(v);

    return tells(v) && b->register_->door.url ? queue_notice(b, f, v, &m, 0) : ERR_OK;
}

/* The entry that opened the record v stands in. */
static enum err find_entry(struct db_tx *tx, struct fail *f, struct arena *a,
                           const struct resident_version *v, struct resident_version *entry)
{
    enum err e = ERR_OK;

    *entry = *v;
    while (!e && municipal_row(entry->reason)->group != CHANGE_ENTRY && entry->previous)
        e = resident_version_get(tx, f, entry->previous, a, entry);
    return e;
}

/* Does the notice say something else of `is` than of `was`? */
static bool says_other(const struct resident_version *was, const struct resident_version *is)
{
    const struct identity *a = &was->row.identity, *b = &is->row.identity;

    return !str_equal(a->address.text, b->address.text) ||
           !area_code_equal(was->row.moved_from_area, is->row.moved_from_area) ||
           !str_equal(was->row.moved_from_address, is->row.moved_from_address) ||
           date_compare(was->row.resident_since, is->row.resident_since) != 0 ||
           date_compare(a->birth_date, b->birth_date) != 0 || a->sex != b->sex ||
           !str_equal(a->name.name, b->name.name);
}

/* The newest message of any version from v down to the entry. */
static enum err find_message(struct register_batch *b, struct fail *f, struct arena *a,
                             const struct resident_version *v, int64_t *number)
{
    struct resident_version at = *v;
    enum err e = register_find_int(b->tx, f, &sql_register_message_number, db_int(at.id), number);

    while (!e && !*number && at.previous && municipal_row(at.reason)->group != CHANGE_ENTRY)
        if (!(e = resident_version_get(b->tx, f, at.previous, a, &at)))
            e = register_find_int(b->tx, f, &sql_register_message_number, db_int(at.id), number);
    return e;
}

static enum err tell_cancelled(struct register_batch *b, struct fail *f, struct arena *a,
                               const struct resident_version *old, const struct resident_version *v)
{
    struct move_in_notice m = notice_of(old);
    int64_t before;
    enum err e = find_message(b, f, a, old, &before);

    m.cancelled = true;
    return e || !before ? e : queue_notice(b, f, v, &m, before);
}

/* Another place of origin: the one that was told by mistake hears that it was. */
static enum err tell_corrected(struct register_batch *b, struct fail *f, struct arena *a,
                               const struct resident_version *old, const struct resident_version *v,
                               struct resident_code entered_as)
{
    struct move_in_notice m = notice_of(v);
    const struct area_code was = area_code_cs(old->row.moved_from_area),
                           is = area_code_cs(m.former_area_code);
    int64_t before;
    enum err e = find_message(b, f, a, old, &before);

    if (e || !before)
        return e;
    m.old_resident_code =
        (struct message_code){!resident_code_equal(entered_as, m.resident_code.value), entered_as};
    if (!area_code_equal(was, is)) {
        if ((e = tell_cancelled(b, f, a, old, v)))
            return e;
        before = 0;
    }
    return m.former_area_code.value && !area_code_equal(m.former_area_code, m.area_code)
               ? queue_notice(b, f, v, &m, before)
               : ERR_OK;
}

static bool corrects(enum municipal_reason reason)
{
    return reason == MUNICIPAL_CLERICAL_CORRECTION || reason == MUNICIPAL_EX_OFFICIO_AMENDMENT ||
           reason == MUNICIPAL_CANCELLED_AMENDMENT;
}

enum err register_tell_change(struct register_batch *b, struct fail *f, struct arena *a,
                              const struct resident_version *old, const struct resident_version *v)
{
    struct resident_version entry;
    enum err e;

    if (!b->register_->door.url || (v->reason != MUNICIPAL_CANCELLED_ENTRY && !corrects(v->reason)))
        return ERR_OK;
    if ((e = find_entry(b->tx, f, a, old, &entry)) || entry.reason != MUNICIPAL_DOMESTIC_MOVE_IN)
        return e;
    if (v->reason == MUNICIPAL_CANCELLED_ENTRY)
        return tell_cancelled(b, f, a, old, v);
    return v->life == LIFE_CURRENT && says_other(old, v)
               ? tell_corrected(b, f, a, old, v, entry.row.identity.resident_code)
               : ERR_OK;
}

/* ---- the old place ---- */

enum { STAYS_MOST = 16 };
struct stays { /* the records that have or had a code, the one that has it first, then newest first */
    int64_t persons[STAYS_MOST];
    size_t count;
};

static enum err read_stays(struct db_tx *tx, struct fail *f, struct resident_code code, struct stays *out)
{
    struct db_rows rows;
    enum err e = register_find_int(tx, f, &sql_register_code_find, db_int(code.value), &out->persons[0]);

    out->count = !e && out->persons[0] ? 1 : 0;
    if (e || !out->count)
        return e;
    db_query(tx, &rows, &sql_register_former_list, DB(db_int(code.value)));
    while (out->count < STAYS_MOST && db_next(&rows))
        out->persons[out->count++] = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

enum err register_find_stay(struct db_tx *tx, struct fail *f, struct arena *a, struct resident_code code,
                            struct area_code area, int64_t *person)
{
    struct resident_version v;
    struct stays stays;
    enum err e = read_stays(tx, f, code, &stays);

    *person = 0;
    for (size_t i = 0; !e && !*person && i < stays.count; i++)
        if (!(e = resident_version_latest(tx, f, stays.persons[i], a, &v)) &&
            area_code_equal(v.row.identity.address.area_code, area))
            *person = stays.persons[i];
    return e;
}

static enum err find_subject(struct register_batch *b, struct fail *f, struct arena *a,
                             const struct move_in_notice *m, struct resident_version *v)
{
    int64_t person = 0;
    enum err e = register_find_stay(b->tx, f, a, m->resident_code.value, m->former_area_code, &person);

    if (!e && !person && m->old_resident_code.has)
        e = register_find_stay(b->tx, f, a, m->old_resident_code.value, m->former_area_code, &person);
    if (!e && !person)
        e = fail_set(f, ERR_EPISODE_UNKNOWN, "resident_code", NULL);
    if (!e)
        e = resident_version_latest(b->tx, f, person, a, v);
    if (!e && date_compare(v->row.identity.birth_date, m->birth_date) != 0)
        e = fail_set(f, ERR_MESSAGE_PERSON, "birth_date", NULL);
    return e;
}

static bool confirmed_already(const struct resident_version *v, const struct move_in_notice *m)
{
    return date_compare(v->confirmed_on, m->move_in_date) == 0 &&
           area_code_equal(v->confirmed_area, m->area_code) && str_equal(v->confirmed_address, m->address);
}

/* What the notice does is an event of its own name, so that it happens once. */
static enum err apply(struct register_batch *b, struct fail *f, struct arena *a,
                      const struct resident_version *v, const struct move_in_notice *m, struct str id,
                      enum municipal_reason reason)
{
    struct change_event event = {.reason = reason, .date = m->move_in_date, .record = v->row.record};

    event.event = arena_format(a, "%.*s %s", STR_ARG(id), municipal_row(reason)->name);
    if (reason != MUNICIPAL_MOVE_OUT_UNCONFIRMED) {
        event.moved_to_area = m->area_code;
        event.moved_to_address = m->address;
    }
    return event.event.p ? register_apply_event(b, f, a, &event) : fail_set(f, ERR_MEMORY, "event", NULL);
}

/* The opposite of what the notice did: who had filed a 転出届 is 転出予定 again; the removal of who had not
 * is cancelled. */
static enum err take_back(struct register_batch *b, struct fail *f, struct arena *a,
                          const struct resident_version *v, const struct move_in_notice *m, struct str id)
{
    struct change_event event = {.reason = MUNICIPAL_CANCELLED_REMOVAL,
                                 .date = m->move_in_date,
                                 .record = v->row.record,
                                 .cancels = v->event};

    if (!date_known(v->confirmed_on) || !area_code_equal(v->confirmed_area, m->area_code))
        return ERR_OK; /* a newer notice came from elsewhere, or it never was taken */
    if (v->reason != MUNICIPAL_MOVE_OUT_CONFIRMED)
        return fail_set(f, ERR_STATE, "cancelled", "another change stands on it");
    if (date_known(v->planned_on))
        return apply(b, f, a, v, m, id, MUNICIPAL_MOVE_OUT_UNCONFIRMED);
    event.event = arena_format(a, "%.*s %s", STR_ARG(id), municipal_row(event.reason)->name);
    return event.event.p ? register_apply_event(b, f, a, &event) : fail_set(f, ERR_MEMORY, "event", NULL);
}

/* Has the stay begun after that move? Then the person came back. */
static enum err came_back(struct register_batch *b, struct fail *f, struct arena *a,
                          const struct resident_version *v, const struct move_in_notice *m, bool *back)
{
    struct resident_version entry;
    enum err e = find_entry(b->tx, f, a, v, &entry);

    *back = !e && v->life == LIFE_CURRENT && date_compare(entry.change_date, m->move_in_date) >= 0;
    return e;
}

/* The record of the stay that ended then is confirmed too; the network knows one stay, which goes on. */
static enum err confirm_former(struct register_batch *b, struct fail *f, struct arena *a,
                               const struct resident_version *now, const struct move_in_notice *m)
{
    const struct change none = {.reason = CHANGE_NONE};
    struct stays stays;
    enum err e = read_stays(b->tx, f, now->row.identity.resident_code, &stays);

    for (size_t i = 0; !e && i < stays.count; i++) {
        struct resident_version old, v;
        if ((e = resident_version_latest(b->tx, f, stays.persons[i], a, &old)) || old.life != LIFE_LEAVING ||
            !area_code_equal(old.row.identity.address.area_code, m->former_area_code))
            continue;
        v = old;
        v.version++;
        v.previous = old.id;
        v.reason = MUNICIPAL_MOVE_OUT_CONFIRMED;
        v.change_date = v.confirmed_on = m->move_in_date;
        v.confirmed_area = m->area_code;
        v.confirmed_address = m->address;
        v.event = STR("");
        v.life = LIFE_REMOVED;
        e = register_add_version(b, f, &old, &v, &none);
    }
    return e;
}

enum err register_take_move_in(struct register_batch *b, struct fail *f, struct arena *a, struct str id,
                               const struct json *body, int64_t *person)
{
    struct move_in_notice m;
    struct resident_version v;
    bool back;
    enum err e = message_read(f, &move_in_notice_form, body, a, &m);

    if (e || (e = find_subject(b, f, a, &m, &v)))
        return e;
    *person = v.person;
    if (m.cancelled)
        return take_back(b, f, a, &v, &m, id);
    if (confirmed_already(&v, &m))
        return ERR_OK;
    if (municipal_row(v.reason)->legal == CHANGE_DEATH)
        return fail_set(f, ERR_STATE, "resident_code", "removed by death");
    if ((e = came_back(b, f, a, &v, &m, &back)))
        return e;
    if (v.life == LIFE_CURRENT && !back && (e = apply(b, f, a, &v, &m, id, MUNICIPAL_EX_OFFICIO_REMOVAL)))
        return e;
    if (back && (e = confirm_former(b, f, a, &v, &m)))
        return e;
    return apply(b, f, a, &v, &m, id, MUNICIPAL_MOVE_OUT_CONFIRMED);
}
