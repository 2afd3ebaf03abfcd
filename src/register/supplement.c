/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what counts of what was said of a person. A municipality says the whole each time, so its newest
 * word (by its own numbers) is all it says; of several municipalities the one where the address was settled
 * last is right, whatever came first. A word that was taken back says nothing, and what the others say counts
 * again. Rows are only ever added. */
#include "register/supplement.h"

#include "base/clock.h"
#include "register/register_sql.h"

enum err supplement_enter(struct register_batch *b, struct fail *f, const struct supplement_koseki *koseki,
                          int64_t *person)
{
    enum err e = db_exec(b->tx, f, &sql_register_supplement_person_add,
                         DB(db_int(b->row + 1), db_int(SUPPLEMENT_ON), db_int(0), db_int(koseki->area.value),
                            db_text(koseki->honseki), db_text(koseki->head)),
                         NULL);

    if (!e)
        *person = ++b->row;
    return e;
}

static struct db_value text_value(struct str text)
{
    return db_text(text.p ? text : STR(""));
}

static enum err add_row(struct register_batch *b, struct fail *f, struct supplement_said *s)
{
    const struct date since = date_known(s->abroad_on) ? s->abroad_on : s->address_since;

    s->id = b->row + 1;
    s->stamp = clock_now();
    enum err e = db_exec(b->tx, f, &sql_register_supplement_add,
                         DB(db_int(s->id), db_int(s->person), text_value(s->notice), db_int(s->home.value),
                            db_int(s->sequence), db_int(s->event), db_int(date_to_int(s->event_date)),
                            db_int(s->cancelled), db_int(s->code.value), text_value(s->name),
                            db_int(date_to_int(s->birth_date)), db_int(s->sex), db_int(s->area.value),
                            text_value(s->address), db_int(date_to_int(s->address_since)),
                            db_int(date_to_int(s->abroad_on)), db_int(date_to_int(since)), db_int(s->stamp)),
                         NULL);
    b->row += !e;
    return e;
}

static enum err said_before(struct register_batch *b, struct fail *f, const struct supplement_said *s,
                            bool *before)
{
    struct db_rows rows;

    *before = false;
    if (!s->sequence)
        return ERR_OK;
    db_query(b->tx, &rows, &sql_register_supplement_said,
             DB(db_int(s->person), db_int(s->home.value), db_int(s->sequence)));
    *before = db_next(&rows);
    return db_done(&rows, f);
}

enum err supplement_add_code(struct register_batch *b, struct fail *f, int64_t person,
                             struct resident_code code)
{
    return db_exec(b->tx, f, &sql_register_supplement_code_add, DB(db_int(code.value), db_int(person)), NULL);
}

enum err supplement_say(struct register_batch *b, struct fail *f, enum supplement_state state,
                        struct supplement_said *s)
{
    struct db_rows rows;
    int64_t standing = 0;
    enum supplement_event event = SUPPLEMENT_NONE;
    bool before;
    enum err e = said_before(b, f, s, &before);

    if (e || before || (e = add_row(b, f, s)) ||
        (s->code.value && (e = supplement_add_code(b, f, s->person, s->code))))
        return e;
    db_query(b->tx, &rows, &sql_register_supplement_newest, DB(db_int(s->person)));
    if (db_next(&rows)) {
        standing = db_row_int(&rows, 0);
        event = (enum supplement_event)db_row_int(&rows, 1);
    }
    if ((e = db_done(&rows, f)))
        return e;
    if (s->event == SUPPLEMENT_KOSEKI_LEFT)
        state = SUPPLEMENT_ELSEWHERE;
    if (state != SUPPLEMENT_ELSEWHERE)
        state = event == SUPPLEMENT_DEATH ? SUPPLEMENT_DEAD : SUPPLEMENT_ON;
    return db_exec(b->tx, f, &sql_register_supplement_person_set,
                   DB(db_int(s->person), db_int(state), db_int(standing)), NULL);
}

enum err supplement_find_code(struct register_batch *b, struct fail *f,
                              const struct supplement_koseki *koseki, struct resident_code code,
                              struct supplement_found *found)
{
    struct db_rows rows;

    db_query(b->tx, &rows, &sql_register_supplement_by_code, DB(db_int(code.value)));
    while (!found->person && db_next(&rows)) {
        const enum supplement_state state = (enum supplement_state)db_row_int(&rows, 1);
        if (db_row_int(&rows, 2) == koseki->area.value && str_equal(db_row_text(&rows, 3), koseki->honseki) &&
            str_equal(db_row_text(&rows, 4), koseki->head)) {
            found->person = db_row_int(&rows, 0);
            found->state = state;
        } else {
            found->elsewhere = found->elsewhere || state == SUPPLEMENT_ON;
        }
    }
    return db_done(&rows, f);
}

enum err supplement_find_name(struct register_batch *b, struct fail *f,
                              const struct supplement_koseki *koseki, const struct supplement_said *s,
                              struct supplement_found *found)
{
    struct db_rows rows;
    int64_t person = 0;
    size_t count = 0;

    db_query(b->tx, &rows, &sql_register_supplement_by_name,
             DB(db_int(koseki->area.value), db_text(koseki->honseki), db_text(koseki->head), db_text(s->name),
                db_int(date_to_int(s->birth_date)), db_int(s->sex)));
    for (; db_next(&rows); count++)
        person = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    if (!e && count == 1) {
        found->person = person;
        found->state = SUPPLEMENT_ON;
    }
    return e;
}

enum err supplement_has_koseki(struct register_batch *b, struct fail *f,
                               const struct supplement_koseki *koseki, bool *has)
{
    struct db_rows rows;

    db_query(b->tx, &rows, &sql_register_supplement_koseki_find,
             DB(db_int(koseki->area.value), db_text(koseki->honseki), db_text(koseki->head)));
    *has = db_next(&rows);
    return db_done(&rows, f);
}
