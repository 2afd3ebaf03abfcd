/* SPDX-License-Identifier: Apache-2.0 */
/* Decides whether an event or a row that is given (again) is one whose change was taken back from the CS, so
 * that nothing is doubled.
 *
 * The CS knows no event's name. An entry is known by what it tells the network, all of it but the person's
 * numbers, which may have been drawn; of several alike the first counts, as events come in the order of
 * changes. What happened to a record is known by its person, and by making of the version below what the
 * event would make of it. Then the version that was taken back becomes what the event says, under the event's
 * name: household, 続柄, 本籍 and whatever else the CS was not told. Versions above that had these values
 * from it follow. It is the same act, so the version is completed where it stands, and the network is not
 * told again. Whatever differs in any value the network knows is another change, and goes its usual way. */
#include "register/register_inside.h"

#include "register/register_sql.h"

enum { MOST_ALIKE = 64, SCRATCH_BYTES = 1 << 20 };

/* ---- completing ---- */

/* The record's name and household in the indexes. */
static enum err rename_record(struct register_batch *b, struct fail *f, const struct resident_version *was,
                              const struct resident_version *is)
{
    int64_t added = 0;
    enum err e;

    if (str_equal(was->row.record, is->row.record))
        return ERR_OK;
    if ((e = db_exec(b->tx, f, &sql_register_record_add, DB(db_text(is->row.record), db_int(was->person)),
                     &added)))
        return e;
    return added ? db_exec(b->tx, f, &sql_register_record_remove, DB(db_text(was->row.record)), NULL)
                 : fail_set(f, ERR_EXISTS, "record", NULL);
}

static enum err change_household(struct register_batch *b, struct fail *f, int64_t person, struct str was,
                                 struct str is)
{
    struct db_value who = db_int(person);

    if (str_equal(was, is))
        return ERR_OK;
    enum err e = db_exec(b->tx, f, &sql_register_household_remove, DB(db_text(was), who), NULL);
    return e ? e : db_exec(b->tx, f, &sql_register_household_add, DB(db_text(is), who), NULL);
}

/* Versions above `was`, down from the newest: each knows only the one below it, but all follow the same rule.
 */
static enum err follow(struct register_batch *b, struct fail *f, struct arena *a,
                       const struct resident_version *was, const struct resident_version *is)
{
    struct resident_version v;
    bool newest = true;
    enum err e = resident_version_latest(b->tx, f, was->person, a, &v);

    while (!e && v.id != was->id) {
        struct str household = v.row.household_number;
        bool changed = false;
        resident_version_follow(was, is, &v, &changed);
        if (changed)
            e = resident_version_complete(b->tx, f, &v);
        if (!e && newest)
            e = change_household(b, f, v.person, household, v.row.household_number);
        newest = false;
        if (!e)
            e = resident_version_get(b->tx, f, v.previous, a, &v);
    }
    if (!e && newest)
        e = change_household(b, f, was->person, was->row.household_number, is->row.household_number);
    return e;
}

/* was, which was taken back by that change, gets from said what the CS was not told. */
static enum err complete(struct register_batch *b, struct fail *f, struct arena *a, int64_t change,
                         const struct resident_version *was, const struct resident_version *said)
{
    struct resident_version is = *said;
    enum err e;

    is.id = was->id;
    is.person = was->person;
    is.row.identity = was->row.identity;
    if ((e = rename_record(b, f, was, &is)) || (e = resident_version_complete(b->tx, f, &is)) ||
        (e = follow(b, f, a, was, &is)))
        return e;
    if (is.event.n &&
        (e = db_exec(b->tx, f, &sql_register_event_add, DB(db_text(is.event), db_int(is.id)), NULL)))
        return e;
    return db_exec(b->tx, f, &sql_register_back_remove, DB(db_int(change)), NULL);
}

/* Codes and numbers that both know must be the same. */
static bool may_be(const struct resident_row *said, const struct identity *was)
{
    const struct identity *i = &said->identity;

    return (!said->has_resident_code || resident_code_equal(i->resident_code, was->resident_code)) &&
           (!i->has_individual_number || !was->has_individual_number ||
            individual_number_equal(i->individual_number, was->individual_number));
}

/* ---- entries ---- */

struct alike {
    int64_t change, resident;
};

static enum err find_alike(struct register_batch *b, struct fail *f,
                           const uint8_t content[static REGISTER_CONTENT_SIZE],
                           struct alike out[static MOST_ALIKE], size_t *count)
{
    struct db_rows rows;

    *count = 0;
    db_query(b->tx, &rows, &sql_register_back_content, DB(db_bytes(content, REGISTER_CONTENT_SIZE)));
    while (*count < MOST_ALIKE && db_next(&rows))
        out[(*count)++] = (struct alike){db_row_int(&rows, 0), db_row_int(&rows, 2)};
    return db_done(&rows, f);
}

enum err register_claim_entry(struct register_batch *b, struct fail *f, struct resident_version *v,
                              bool *claimed)
{
    const struct change change = register_change_of(v);
    uint8_t content[REGISTER_CONTENT_SIZE];
    struct alike alike[MOST_ALIKE];
    struct arena a;
    size_t count;
    enum err e = register_content(f, b->body, &v->row.identity, &change, content);

    if (e || (e = find_alike(b, f, content, alike, &count)))
        return e;
    arena_init(&a, SCRATCH_BYTES);
    for (size_t i = 0; !e && !*claimed && i < count; i++) {
        struct resident_version was;
        arena_reset(&a);
        e = resident_version_get(b->tx, f, alike[i].resident, &a, &was);
        if (e || was.version != 1 || !may_be(&v->row, &was.row.identity))
            continue;
        *claimed = true;
        e = complete(b, f, &a, alike[i].change, &was, v);
    }
    arena_release(&a);
    return e;
}

/* ---- what happened to a record ---- */

struct taken_back {
    int64_t change, resident;
    uint8_t content[REGISTER_CONTENT_SIZE];
};

static enum err find_of_person(struct register_batch *b, struct fail *f, int64_t person,
                               struct taken_back out[static MOST_ALIKE], size_t *count)
{
    struct db_rows rows;

    *count = 0;
    db_query(b->tx, &rows, &sql_register_back_person, DB(db_int(person)));
    while (*count < MOST_ALIKE && db_next(&rows)) {
        struct taken_back *t = &out[(*count)++];
        struct str content = db_row_bytes(&rows, 2);
        t->change = db_row_int(&rows, 0);
        t->resident = db_row_int(&rows, 1);
        assert(content.n == sizeof t->content);
        memcpy(t->content, content.p, content.n);
    }
    return db_done(&rows, f);
}

/* Does the event, happening to the version below, tell the network what was taken back? *said is what it
 * makes. */
static enum err is_told_by(struct register_batch *b, struct fail *f, struct arena *a,
                           const struct change_event *event, const struct taken_back *t,
                           const struct resident_version *was, struct resident_version *said, bool *same)
{
    struct resident_version below;
    uint8_t content[REGISTER_CONTENT_SIZE];
    struct fail why = {0};
    enum err e = resident_version_get(b->tx, f, was->previous, a, &below);

    *same = false;
    if (e)
        return e;
    register_begin_version(event, &below, said);
    if ((e = register_change_row(b, &why, a, event, &below, said)))
        return err_row(e)->exit == 1 ? ERR_OK : fail_pass(f, &why); /* it could not have happened to it */
    if ((change_event_sets(event, RESIDENT_COLUMN_RESIDENT_CODE) ||
         change_event_sets(event, RESIDENT_COLUMN_INDIVIDUAL_NUMBER)) &&
        !may_be(&said->row, &was->row.identity))
        return ERR_OK;
    const struct change change = register_change_of(said);
    if ((e = register_content(f, b->body, &said->row.identity, &change, content)))
        return e;
    *same = !memcmp(content, t->content, sizeof content);
    return ERR_OK;
}

enum err register_claim_event(struct register_batch *b, struct fail *f, struct arena *a,
                              const struct change_event *event, int64_t person, bool *claimed)
{
    struct taken_back list[MOST_ALIKE];
    size_t count = 0;
    enum err e = ERR_OK;

    if (municipal_row(event->reason)->legal != CHANGE_NONE)
        e = find_of_person(b, f, person, list, &count);
    for (size_t i = 0; !e && !*claimed && i < count; i++) {
        struct resident_version was, said;
        bool same;
        e = resident_version_get(b->tx, f, list[i].resident, a, &was);
        if (e || was.version == 1)
            continue;
        if (!(e = is_told_by(b, f, a, event, &list[i], &was, &said, &same)) && same) {
            *claimed = true;
            e = complete(b, f, a, list[i].change, &was, &said);
        }
    }
    return e;
}
