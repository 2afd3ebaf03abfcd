/* SPDX-License-Identifier: Apache-2.0 */
/* What a clerk does with restraints: each act is one transaction, and names records as the register calls
 * them. */
#include "register/restraint.h"

#include "register/register_inside.h"
#include "register/register_sql.h"

struct entering {
    const struct str *records;
    size_t count;
    struct str whom, who;
    struct restraint *r;
};

static enum err enter(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct entering *n = arg;
    int64_t persons[RESTRAINT_PERSONS_MOST] = {0};
    const struct restraint_application a = {persons, n->count, n->whom, n->who};
    struct restraint r = *n->r;
    enum err e = n->count > RESTRAINT_PERSONS_MOST ? fail_set(f, ERR_LIMIT, "record", NULL) : ERR_OK;

    for (size_t i = 0; !e && i < n->count; i++) {
        e = register_find_int(tx, f, &sql_register_record_find, db_text(n->records[i]), &persons[i]);
        if (!e && !persons[i])
            e = fail_set(f, ERR_NOT_FOUND, "record", NULL);
    }
    if (!e && !(e = restraint_apply(tx, f, &a, &r)))
        *n->r = r;
    return e;
}

enum err restraint_enter(struct db *db, struct fail *f, const struct str *records, size_t count,
                         struct str whom, struct str who, struct restraint *r)
{
    struct entering n = {records, count, whom, who, r};

    return db_transaction(db, f, enter, &n);
}

struct acting {
    int64_t id, until;
    enum restraint_event event;
    struct str who, note;
};

static enum err act(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct acting *a = arg;

    return restraint_step(tx, f, a->id, a->event, a->who, a->note);
}

enum err restraint_act(struct db *db, struct fail *f, int64_t id, enum restraint_event event, struct str who,
                       struct str note)
{
    struct acting a = {.id = id, .event = event, .who = who, .note = note};

    return db_transaction(db, f, act, &a);
}

static enum err let_through(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct acting *a = arg;

    return restraint_release(tx, f, a->id, a->until, a->who, a->note);
}

enum err restraint_let_through(struct db *db, struct fail *f, int64_t id, int64_t until, struct str who,
                               struct str note)
{
    struct acting a = {.id = id, .until = until, .who = who, .note = note};

    return db_transaction(db, f, let_through, &a);
}

enum { LIST_PAGE = 200 };
struct restraint_page {
    struct restraint items[LIST_PAGE];
    size_t count;
    int64_t after;
    bool all;
};

static enum err read_page(struct db_tx *tx, struct fail *f, void *arg)
{
    struct restraint_page *p = arg;
    struct db_rows rows;

    p->count = 0;
    db_query(tx, &rows, &sql_register_restraint_page,
             DB(db_int(p->after), db_int(p->all), db_int(LIST_PAGE)));
    while (p->count < LIST_PAGE && db_next(&rows))
        p->items[p->count++] = restraint_read(&rows);
    return db_done(&rows, f);
}

enum err restraint_list(struct db *db, struct fail *f, bool all,
                        void (*each)(void *arg, const struct restraint *r), void *arg)
{
    struct restraint_page *page = memory_new(sizeof *page);
    enum err e = page ? ERR_OK : fail_set(f, ERR_MEMORY, "restraints", NULL);

    if (e)
        return e;
    page->all = all;
    do {
        e = db_read(db, f, read_page, page);
        for (size_t i = 0; !e && i < page->count; i++)
            each(arg, &page->items[i]);
        if (!e && page->count)
            page->after = page->items[page->count - 1].id;
    } while (!e && page->count == LIST_PAGE);
    memory_free(page);
    return e;
}
