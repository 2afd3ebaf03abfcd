/* SPDX-License-Identifier: Apache-2.0 */
/* What a clerk does with letters: each act is one transaction, and names a record as the register calls it.
 */
#include "register/letter.h"

#include "register/register_inside.h"
#include "register/register_sql.h"

struct entering {
    struct str content, who;
    struct letter *l;
};

static enum err enter(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct entering *n = arg;
    struct letter l = *n->l;
    enum err e = ERR_OK;

    if (l.record[0])
        e = register_find_int(tx, f, &sql_register_record_find, db_text(str_of(l.record)), &l.person);
    if (!e && l.record[0] && !l.person)
        e = fail_set(f, ERR_NOT_FOUND, "record", NULL);
    if (!e)
        e = l.received ? letter_receive(tx, f, n->content, n->who, &l)
                       : letter_make(tx, f, n->content, n->who, &l);
    if (!e)
        *n->l = l;
    return e;
}

enum err letter_enter(struct db *db, struct fail *f, struct str content, struct str who, struct letter *l)
{
    struct entering n = {content, who, l};

    return db_transaction(db, f, enter, &n);
}

struct acting {
    struct str number, who, note;
    enum letter_event event;
};

static enum err act(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct acting *a = arg;

    return letter_step(tx, f, a->number, a->event, a->who, a->note);
}

enum err letter_act(struct db *db, struct fail *f, struct str number, enum letter_event event, struct str who,
                    struct str note)
{
    struct acting a = {number, who, note, event};

    return db_transaction(db, f, act, &a);
}
