/* SPDX-License-Identifier: Apache-2.0 */
/* Decides from when to when a restraint holds, what may become of it, and whether something may be given out
 * now.
 *
 * The days of its year say when to warn and to extend, never whether it holds: that is its state alone. */
#include "register/restraint.h"

#include "base/clock.h"
#include "identity/text_check.h"
#include "register/register_sql.h"

const struct restraint_target_row *restraint_target_row(enum restraint_target target)
{
    static const struct restraint_target_row rows[] = {
#define TARGET(NAME, name, ja) {name, ja},
#include "register/restraint_target.def"
#undef TARGET
    };

    assert((size_t)target < COUNT_OF(rows));
    return &rows[target];
}

enum err restraint_step_after(struct fail *f, enum restraint_state before, enum restraint_event event,
                              enum restraint_state *after)
{
    static const struct {
        enum restraint_state before;
        enum restraint_event event;
        enum restraint_state after;
    } steps[] = {
#define STEP(before, event, after) {RESTRAINT_##before, RESTRAINT_##event, RESTRAINT_##after},
#include "register/restraint_step.def"
#undef STEP
    };

    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (steps[i].before == before && steps[i].event == event) {
            *after = steps[i].after;
            return ERR_OK;
        }
    return fail_set(f, ERR_STATE, "state", NULL);
}

/* ---- days ---- */

struct date restraint_last_day(struct date first)
{
    const struct date year = date_add_years(first, 1);

    return year.day == first.day ? date_add_days(year, -1) : year;
}

struct date restraint_warning_day(struct date last)
{
    struct date d = last;

    d.month = (int8_t)(last.month == 1 ? 12 : last.month - 1);
    d.year = (int16_t)(last.month == 1 ? last.year - 1 : last.year);
    while (!date_real(d)) /* 31 March: the last day of February */
        d.day--;
    return d;
}

bool restraint_ends_soon(const struct restraint *r, struct date today)
{
    return r->state == RESTRAINT_ACCEPTED && date_compare(today, restraint_warning_day(r->last)) >= 0;
}

bool restraint_overdue(const struct restraint *r, struct date today)
{
    return r->state == RESTRAINT_ACCEPTED && date_compare(today, r->last) > 0;
}

/* ---- applying ---- */

static enum err check_text(struct fail *f, const char *field, struct str text, bool must)
{
    if (must && !text.n)
        return fail_set(f, ERR_FIELD_MISSING, field, NULL);
    return text_check(f, field, text, RESTRAINT_TEXT_MOST);
}

static enum err check_application(struct fail *f, const struct restraint_application *a,
                                  const struct restraint *r)
{
    enum err e;

    if (!a->count || a->count > RESTRAINT_PERSONS_MOST)
        return fail_set(f, a->count ? ERR_LIMIT : ERR_FIELD_MISSING, "record", NULL);
    if (!r->targets)
        return fail_set(f, ERR_FIELD_MISSING, "targets", NULL);
    if (r->targets & ~RESTRAINT_EVERYTHING)
        return fail_set(f, ERR_FIELD_RANGE, "targets", NULL);
    if (!date_real(r->applied))
        return fail_set(f, ERR_FIELD_MISSING, "applied", NULL);
    if (date_compare(r->applied, date_today()) > 0)
        return fail_set(f, ERR_FIELD_RANGE, "applied", NULL);
    e = check_text(f, "who", a->who, true);
    return e ? e : check_text(f, "whom", a->whom, false);
}

static enum err write_step(struct db_tx *tx, struct fail *f, const struct restraint *r, struct str who,
                           struct str note)
{
    return db_exec(tx, f, &sql_register_restraint_step_add,
                   DB(db_int(r->id), db_int(r->state), db_int(clock_now()), db_text(who), db_text(note)),
                   NULL);
}

static enum err write_application(struct db_tx *tx, struct fail *f, struct str whom, struct restraint *r)
{
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_restraint_add,
             DB(db_int(r->targets), db_int(r->origin.value), db_int(date_to_int(r->applied)), db_text(whom)));
    if (db_next(&rows))
        r->id = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

enum err restraint_apply(struct db_tx *tx, struct fail *f, const struct restraint_application *a,
                         struct restraint *r)
{
    enum err e = check_application(f, a, r);

    if (e)
        return e;
    r->state = RESTRAINT_PROVISIONAL;
    r->first = r->last = (struct date){0};
    e = write_application(tx, f, a->whom, r);
    for (size_t i = 0; !e && i < a->count; i++)
        e = db_exec(tx, f, &sql_register_restraint_person_add, DB(db_int(a->persons[i]), db_int(r->id)),
                    NULL);
    return e ? e : write_step(tx, f, r, a->who, STR(""));
}

struct restraint restraint_read(const struct db_rows *rows)
{
    return (struct restraint){.id = db_row_int(rows, 0),
                              .state = (enum restraint_state)db_row_int(rows, 1),
                              .targets = (int)db_row_int(rows, 2),
                              .origin = {(int32_t)db_row_int(rows, 3)},
                              .applied = date_from_int((int32_t)db_row_int(rows, 4)),
                              .first = date_from_int((int32_t)db_row_int(rows, 5)),
                              .last = date_from_int((int32_t)db_row_int(rows, 6))};
}

enum err restraint_find(struct db_tx *tx, struct fail *f, int64_t id, struct restraint *out)
{
    struct db_rows rows;
    bool found;

    db_query(tx, &rows, &sql_register_restraint_find, DB(db_int(id)));
    if ((found = db_next(&rows)))
        *out = restraint_read(&rows);
    enum err e = db_done(&rows, f);
    return e || found ? e : fail_set(f, ERR_NOT_FOUND, "restraint", NULL);
}

/* ---- steps ---- */

/* The year that an accepted or extended restraint is for. */
static enum err set_year(struct fail *f, struct restraint *r, enum restraint_event event)
{
    const struct date today = date_today();

    if (event == RESTRAINT_EXTEND && !restraint_ends_soon(r, today))
        return fail_set(f, ERR_STATE, "last", NULL);
    if (event == RESTRAINT_ACCEPT)
        r->first = today;
    if (event == RESTRAINT_EXTEND)
        r->first = date_add_days(r->last, 1);
    if (event == RESTRAINT_ACCEPT || event == RESTRAINT_EXTEND)
        r->last = restraint_last_day(r->first);
    return ERR_OK;
}

enum err restraint_step(struct db_tx *tx, struct fail *f, int64_t id, enum restraint_event event,
                        struct str who, struct str note)
{
    struct restraint r;
    enum err e;

    if ((e = check_text(f, "who", who, true)) ||
        (e = check_text(f, "note", note, event != RESTRAINT_EXTEND)) || (e = restraint_find(tx, f, id, &r)) ||
        (e = restraint_step_after(f, r.state, event, &r.state)) || (e = set_year(f, &r, event)))
        return e;
    e = db_exec(tx, f, &sql_register_restraint_set,
                DB(db_int(id), db_int(r.state), db_int(date_to_int(r.first)), db_int(date_to_int(r.last))),
                NULL);
    return e ? e : write_step(tx, f, &r, who, note);
}

/* ---- giving out ---- */

enum err restraint_release(struct db_tx *tx, struct fail *f, int64_t id, int64_t until, struct str who,
                           struct str note)
{
    const int64_t now = clock_now();
    struct restraint r;
    enum err e;

    if ((e = check_text(f, "who", who, true)) || (e = check_text(f, "note", note, true)) ||
        (e = restraint_find(tx, f, id, &r)))
        return e;
    if (r.state != RESTRAINT_PROVISIONAL && r.state != RESTRAINT_ACCEPTED)
        return fail_set(f, ERR_STATE, "state", NULL);
    if (until <= now || clock_japan_date(until) != clock_japan_date(now))
        return fail_set(f, ERR_FIELD_RANGE, "until", NULL);
    return db_exec(tx, f, &sql_register_restraint_release_add,
                   DB(db_int(id), db_int(now), db_int(until), db_text(who), db_text(note)), NULL);
}

enum err register_restrained(struct db_tx *tx, struct fail *f, int64_t person, enum restraint_target target,
                             bool *restrained)
{
    struct db_rows rows;
    int64_t count = 0;

    db_query(tx, &rows, &sql_register_restraint_holds,
             DB(db_int(person), db_int(1 << target), db_int(clock_now())));
    if (db_next(&rows))
        count = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    if (!e)
        *restrained = count > 0;
    return e;
}

enum err restraint_act_done(struct db_tx *tx, struct fail *f, int64_t person)
{
    return db_exec(tx, f, &sql_register_restraint_release_done, DB(db_int(person), db_int(clock_now())),
                   NULL);
}
