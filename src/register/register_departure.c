/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what the old municipality tells of a 転出届 by card (法24条の2第3項; 令24条の3).
 *
 * Who goes together files under one name, the one with a card first. Each departure sends the 転出証明書情報
 * of all who go by then, in the place of the message before: the newest counts, whatever gets lost or comes
 * twice. Whoever stays after all, dies or arrives elsewhere is left out of a newer one; when nobody with a
 * card is left, it is withdrawn. What is corrected of somebody who is on the way is said again. */
#include "register/register_certificate_inside.h"
#include "register/register_sql.h"

enum { NOT_GOING = 0, GOING = 1 };

/* ---- 転出届 ---- */

struct departure {
    struct str certificate;
    int64_t change; /* the last message */
    struct area_code area;
    struct str address;
    struct date planned_on, notified_on;
    int64_t persons[CERTIFICATE_PERSONS_MOST];
    size_t count;
};

static enum err read_departing(struct db_tx *tx, struct fail *f, struct departure *d)
{
    struct db_rows rows;

    d->count = 0;
    db_query(tx, &rows, &sql_register_departing_list, DB(db_text(d->certificate)));
    while (d->count < CERTIFICATE_PERSONS_MOST && db_next(&rows))
        d->persons[d->count++] = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

/* *found false: nobody filed under that name. */
static enum err read_departure(struct db_tx *tx, struct fail *f, struct arena *a, struct str certificate,
                               struct departure *d, bool *found)
{
    struct db_rows rows;

    *d = (struct departure){.certificate = certificate};
    db_query(tx, &rows, &sql_register_departure_get, DB(db_text(certificate)));
    if ((*found = db_next(&rows))) {
        d->change = db_row_int(&rows, 0);
        d->area.value = (int32_t)db_row_int(&rows, 1);
        d->address = arena_copy(a, db_row_text(&rows, 2));
        d->planned_on = date_from_int((int32_t)db_row_int(&rows, 3));
        d->notified_on = date_from_int((int32_t)db_row_int(&rows, 4));
    }
    enum err e = db_done(&rows, f);
    return e || !*found ? e : read_departing(tx, f, d);
}

static struct str name_of(const struct change_event *event)
{
    return event->group.n ? event->group : event->event;
}

static bool goes_along(const struct departure *d, const struct change_event *event)
{
    return area_code_equal(d->area, event->moved_to_area) && date_compare(d->planned_on, event->date) == 0 &&
           str_equal(d->address, event->moved_to_address) && d->count < CERTIFICATE_PERSONS_MOST;
}

/* Of one household with whoever filed first. */
static enum err check_household(struct register_batch *b, struct fail *f, struct arena *a,
                                const struct departure *d, const struct resident_version *old)
{
    struct resident_version first;
    enum err e = resident_version_latest(b->tx, f, d->persons[0], a, &first);

    return e || str_equal(first.row.household_number, old->row.household_number)
               ? e
               : fail_set(f, ERR_CERTIFICATE_GROUP, "household_number", NULL);
}

enum err register_departure_check(struct register_batch *b, struct fail *f, struct arena *a,
                                  const struct change_event *event, const struct resident_version *old)
{
    struct departure d;
    struct card_items card;
    bool found;
    enum err e = ERR_OK;

    if (!event->special || (e = read_departure(b->tx, f, a, name_of(event), &d, &found)))
        return e;
    if (found && !goes_along(&d, event))
        return fail_set(f, ERR_CERTIFICATE_GROUP, "group", NULL);
    if (found && d.count)
        return check_household(b, f, a, &d, old);
    if ((e = card_items_get(b->tx, f, a, old->person, &card, &found)))
        return e;
    return found && date_compare(card.valid_until, date_today()) >= 0
               ? ERR_OK
               : fail_set(f, ERR_CERTIFICATE_CARD, "special", NULL);
}

/* ---- the message ---- */

static enum err make_persons(struct db_tx *tx, struct fail *f, struct arena *a, const struct departure *d,
                             struct move_out_certificate *m, struct resident_version *first)
{
    struct certificate_person *persons = arena_alloc(a, (d->count + 1) * sizeof *persons);
    enum err e = persons ? ERR_OK : fail_set(f, ERR_MEMORY, "persons", NULL);

    for (size_t i = 0; !e && i < d->count; i++) {
        struct resident_version v;
        if (!(e = resident_version_latest(tx, f, d->persons[i], a, &v)))
            e = certificate_person_make(tx, f, a, &v, &persons[i]);
        if (!e && i == 0)
            *first = v;
    }
    m->persons = (struct message_list){persons, d->count};
    return e;
}

static bool any_card(const struct move_out_certificate *m)
{
    bool card = false;

    for (size_t i = 0; !card && i < m->persons.count; i++)
        card = certificate_has_card(certificate_person_at(m, i));
    return card;
}

static enum err make(struct db_tx *tx, struct fail *f, struct arena *a, const struct departure *d,
                     const struct resident_version *v, struct move_out_certificate *m)
{
    struct resident_version first = *v;
    enum err e;

    *m = (struct move_out_certificate){.certificate = d->certificate,
                                       .destination_area_code = d->area,
                                       .destination_address = d->address,
                                       .planned_on = d->planned_on,
                                       .notified_on = d->notified_on};
    if ((e = make_persons(tx, f, a, d, m, &first)))
        return e;
    m->area_code = first.row.identity.address.area_code;
    m->address = first.row.identity.address.text;
    return register_householder(tx, f, a, first.row.household_number, &m->householder);
}

static enum err send(struct register_batch *b, struct fail *f, struct arena *a, const struct departure *d,
                     const struct resident_version *v)
{
    struct move_out_certificate m;
    enum err e = make(b->tx, f, a, d, v, &m);

    if (e || !b->register_->door.url)
        return e;
    if (!any_card(&m)) {
        m.withdrawn = true;
        m.persons.count = 0;
    }
    if ((e = register_batch_message(b, f, v, area_code_cs(d->area), &move_out_certificate_form, &m,
                                    d->change)))
        return e;
    return db_exec(b->tx, f, &sql_register_departure_sent, DB(db_text(d->certificate), db_int(b->change)),
                   NULL);
}

/* ---- what happens to who goes ---- */

static enum err depart(struct register_batch *b, struct fail *f, struct arena *a,
                       const struct change_event *event, const struct resident_version *v)
{
    const struct str address = event->moved_to_address;
    struct departure d;
    bool found;
    enum err e = db_exec(b->tx, f, &sql_register_departure_add,
                         DB(db_text(name_of(event)), db_int(event->moved_to_area.value),
                            db_text(address.p ? address : STR("")), db_int(date_to_int(event->date)),
                            db_int(date_to_int(event->notified_on))),
                         NULL);

    if (!e)
        e = db_exec(b->tx, f, &sql_register_departing_set,
                    DB(db_text(name_of(event)), db_int(v->person), db_int(GOING)), NULL);
    if (!e)
        e = read_departure(b->tx, f, a, name_of(event), &d, &found);
    return e ? e : send(b, f, a, &d, v);
}

/* Did the person, who is no more on the way, go where it was planned? */
static bool arrived(const struct departure *d, const struct resident_version *v)
{
    return date_known(v->confirmed_on) &&
           area_code_equal(area_code_cs(v->confirmed_area), area_code_cs(d->area));
}

enum err register_departure_find(struct db_tx *tx, struct fail *f, struct arena *a, int64_t person,
                                 struct str *certificate)
{
    struct db_rows rows;

    *certificate = (struct str){NULL, 0};
    db_query(tx, &rows, &sql_register_departing_find, DB(db_int(person)));
    if (db_next(&rows))
        *certificate = arena_copy(a, db_row_text(&rows, 0));
    return db_done(&rows, f);
}

/* Who stays after all, died, arrived elsewhere or filed anew goes by it no more; a correction of who is on
 * the way is told. */
static enum err follow(struct register_batch *b, struct fail *f, struct arena *a, struct str certificate,
                       const struct resident_version *v)
{
    const bool goes = v->life == LIFE_LEAVING && v->reason != MUNICIPAL_DOMESTIC_MOVE_OUT;
    struct departure d;
    bool found;
    enum err e = read_departure(b->tx, f, a, certificate, &d, &found);

    if (e || !found || (v->life != LIFE_LEAVING && arrived(&d, v)) ||
        v->reason == MUNICIPAL_MOVE_OUT_UNCONFIRMED)
        return e;
    if (!goes && ((e = db_exec(b->tx, f, &sql_register_departing_set,
                               DB(db_text(certificate), db_int(v->person), db_int(NOT_GOING)), NULL)) ||
                  (e = read_departing(b->tx, f, &d))))
        return e;
    return send(b, f, a, &d, v);
}

enum err register_tell_departure(struct register_batch *b, struct fail *f, struct arena *a,
                                 const struct change_event *event, const struct resident_version *v)
{
    struct str certificate;
    enum err e = register_departure_find(b->tx, f, a, v->person, &certificate);

    if (!e && certificate.n && !(event->special && str_equal(certificate, name_of(event))))
        e = follow(b, f, a, certificate, v);
    return e || !event->special ? e : depart(b, f, a, event, v);
}

enum err register_departure_again(struct db_tx *tx, struct fail *f, int64_t former, int64_t change)
{
    return db_exec(tx, f, &sql_register_departure_again, DB(db_int(former), db_int(change)), NULL);
}

/* ---- for others who need the content ---- */

enum err register_departure_make(struct db_tx *tx, struct fail *f, struct arena *a,
                                 const struct resident_version *v, struct move_out_certificate *m,
                                 bool *special)
{
    struct departure d = {.certificate = v->event.n ? v->event : v->row.record,
                          .area = v->row.moved_from_area,
                          .address = v->row.moved_from_address,
                          .planned_on = v->planned_on,
                          .notified_on = v->row.notified_on,
                          .persons = {v->person},
                          .count = 1};
    struct str certificate;
    enum err e = register_departure_find(tx, f, a, v->person, &certificate);

    if (!e && (*special = certificate.n > 0))
        e = read_departure(tx, f, a, certificate, &d, special);
    return e ? e : make(tx, f, a, &d, v, m);
}
