/* SPDX-License-Identifier: Apache-2.0 */
/* Those who wait for their Individual Number (番号法8条): a queue for each person, in the order of the
 * register.
 *
 * A change is checked when it joins as far as the queue can tell (its record, and the state the one before it
 * leaves), so that the register hears at once what is wrong. It is numbered, recorded and sent when the
 * number comes. */
#include "base/clock.h"
#include "flow/flow_identity_notice_sql.h"
#include "flow/identity_notice/notice_body.h"

static enum err add(struct db_tx *tx, struct fail *f, int64_t waits_for, const struct identity_change *c,
                    enum store_state state)
{
    struct buf body;
    buf_init(&body, NOTICE_BODY_MAX);
    identity_json_write(&body, NULL, &c->identity, &c->change);
    enum err e = buf_check(&body, f, "identity");
    if (!e)
        e = db_exec(tx, f, &sql_flow_identity_notice_waiting_add,
                    DB(db_int(waits_for), db_int(c->identity.resident_code.value), db_int(c->number),
                       db_int(c->replaces), db_int(state), db_int(clock_now()), db_text(buf_str(&body))),
                    NULL);
    buf_release(&body);
    return e;
}

enum err waiting_queue(struct db_tx *tx, struct fail *f, const struct identity_change *c, int64_t *waits_for)
{
    struct db_rows rows;
    int64_t code = c->identity.resident_code.value,
            old_code = c->change.has_old_code ? c->change.old_code.value : code;
    int64_t found = 0;
    db_query(tx, &rows, &sql_flow_identity_notice_waiting_find, DB(db_int(code), db_int(old_code)));
    while (db_next(&rows))
        found = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    if (!e)
        *waits_for = found;
    return e;
}

enum err waiting_open(struct flow *flow, struct db_tx *tx, struct fail *f, const struct identity_change *c,
                      enum store_state state)
{
    struct resident_code code = c->identity.resident_code;
    enum err e = add(tx, f, code.value, c, state);
    return e ? e : flow->number_request(flow, tx, f, code, NUMBER_NEW, c->number);
}

/* ---- joining ---- */

struct waiting_row {
    int64_t id;
    struct identity_change waits;
};

/* Columns id, change, replaces, body. */
static enum err read_row(const struct db_rows *rows, struct fail *f, struct arena *a, struct waiting_row *row)
{
    struct json *tree;
    row->id = db_row_int(rows, 0);
    row->waits.number = db_row_int(rows, 1);
    row->waits.replaces = db_row_int(rows, 2);
    enum err e = json_read(f, db_row_text(rows, 3), &tree);
    if (e)
        return e;
    e = identity_json_read(f, tree, a, &row->waits.identity, &row->waits.change);
    json_free(tree);
    return e;
}

/* The waiting change that c corrects; row->id 0 when it does not wait. */
static enum err find_corrected(struct db_tx *tx, struct fail *f, int64_t waits_for,
                               const struct identity_change *c, struct arena *a, struct waiting_row *row)
{
    struct db_rows rows;
    enum err read = ERR_OK;
    *row = (struct waiting_row){0};
    if (!c->replaces)
        return ERR_OK;
    db_query(tx, &rows, &sql_flow_identity_notice_waiting_at, DB(db_int(waits_for), db_int(c->replaces)));
    while (!read && db_next(&rows))
        read = read_row(&rows, f, a, row);
    enum err e = db_done(&rows, f);
    return e ? e : read;
}

/* Puts the correction where the corrected change stands: same person, same kind of change. */
static enum err replace(struct flow *flow, struct db_tx *tx, struct fail *f, int64_t waits_for,
                        const struct identity_change *c, const struct waiting_row *row)
{
    const struct change *was = &row->waits.change;
    struct buf body;
    if (!resident_code_equal(row->waits.identity.resident_code, c->identity.resident_code) ||
        change_row(was->reason)->group != change_row(c->change.reason)->group ||
        was->planned != c->change.planned)
        return fail_set(f, ERR_CHANGE_REPLACES, "replaces", NULL);
    buf_init(&body, NOTICE_BODY_MAX);
    identity_json_write(&body, NULL, &c->identity, &c->change);
    enum err e = buf_check(&body, f, "identity");
    if (!e)
        e = db_exec(tx, f, &sql_flow_identity_notice_waiting_replace,
                    DB(db_int(row->id), db_int(c->number), db_text(buf_str(&body))), NULL);
    buf_release(&body);
    if (!e && flow->door)
        e = flow->door->outcome(flow->door_self, tx, f, c->replaces, c->replaces, 'r', ERR_CHANGE_REPLACED,
                                STR("replaces"));
    if (!e && c->identity.has_individual_number) /* the register had it after all */
        e = identity_notice_number_arrived(flow, tx, f, (struct resident_code){waits_for},
                                           c->identity.individual_number);
    return e;
}

static enum err join_end(struct db_tx *tx, struct fail *f, int64_t waits_for, const struct identity_change *c)
{
    struct db_rows rows;
    int64_t last = 0;
    enum store_state before = STORE_NONE, after;
    db_query(tx, &rows, &sql_flow_identity_notice_waiting_last, DB(db_int(waits_for)));
    while (db_next(&rows)) {
        last = db_row_int(&rows, 0);
        before = (enum store_state)db_row_int(&rows, 1);
    }
    enum err e = db_done(&rows, f);
    if (e || last >= c->number) /* it waits already: the register repeats */
        return e;
    e = store_step(f, before, &c->change, &after);
    return e ? e : add(tx, f, waits_for, c, after);
}

enum err waiting_join(struct flow *flow, struct db_tx *tx, struct fail *f, int64_t waits_for,
                      const struct identity_change *c)
{
    struct arena a;
    struct waiting_row row;
    arena_init(&a, NOTICE_ARENA);
    enum err e = find_corrected(tx, f, waits_for, c, &a, &row);
    if (!e)
        e = row.id ? replace(flow, tx, f, waits_for, c, &row) : join_end(tx, f, waits_for, c);
    arena_release(&a);
    return e;
}

/* ---- releasing ---- */

static enum err read_first(struct db_tx *tx, struct fail *f, int64_t waits_for, struct arena *a,
                           struct waiting_row *row, bool *more)
{
    struct db_rows rows;
    enum err read = ERR_OK;
    *row = (struct waiting_row){0};
    *more = false;
    db_query(tx, &rows, &sql_flow_identity_notice_waiting_first, DB(db_int(waits_for)));
    while (!read && !*more && db_next(&rows)) {
        *more = row->id != 0;
        if (!*more)
            read = read_row(&rows, f, a, row);
    }
    enum err e = db_done(&rows, f);
    return e ? e : read;
}

static enum err release(struct flow *flow, struct db_tx *tx, struct fail *f, struct waiting_row *row,
                        struct individual_number number, struct arena *a)
{
    struct identity_change *c = &row->waits;
    struct notice_plan plan;
    struct fail why = {0};
    enum err e = db_exec(tx, f, &sql_flow_identity_notice_waiting_remove, DB(db_int(row->id)), NULL);
    if (e)
        return e;
    if (!c->identity.has_individual_number) {
        c->identity.has_individual_number = true;
        c->identity.individual_number = number;
    }
    e = notice_plan(flow, tx, &why, c, a, &plan);
    if (!e)
        return notice_send(flow, tx, f, c, &plan);
    if (err_row(e)->exit == 1 && flow->door) /* a refusal; anything else is ours and undoes all */
        return flow->door->outcome(flow->door_self, tx, f, c->number, c->number, 'r', e, str_of(why.field));
    return fail_set(f, e, why.field, "%s", why.detail);
}

enum err identity_notice_number_arrived(struct flow *flow, struct db_tx *tx, struct fail *f,
                                        struct resident_code code, struct individual_number number)
{
    enum err e = ERR_OK;
    for (bool more = true; more && !e;) {
        struct arena a;
        struct waiting_row row;
        arena_init(&a, NOTICE_ARENA);
        e = read_first(tx, f, code.value, &a, &row, &more);
        if (!e && row.id)
            e = release(flow, tx, f, &row, number, &a);
        arena_release(&a);
    }
    return e;
}

enum err identity_notice_waiting(struct db_tx *tx, struct fail *f,
                                 void (*each)(void *arg, const struct identity_waiting *), void *arg)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_flow_identity_notice_waiting_list, DB_NONE);
    while (db_next(&rows)) {
        struct identity_waiting w = {
            .code = {db_row_int(&rows, 0)}, .change = db_row_int(&rows, 1), .since = db_row_int(&rows, 2)};
        each(arg, &w);
    }
    return db_done(&rows, f);
}
