/* SPDX-License-Identifier: Apache-2.0 */
#include "register_disks.h"

#include "door/door_sql.h"
#include "flow/flow_resident_code_stock_sql.h"
#include "flow/resident_code_stock/resident_code_stock.h"
#include "power_cut.h"
#include "register/register_sql.h"
#include "test.h"

/* ---- reading the register */

static enum err read_body(struct fail *f, struct register_disks *d, int64_t number, struct str body)
{
    struct queued_change *q = &d->queue[number];
    struct json *tree;
    enum err e = json_read(f, body, &tree);
    if (e)
        return e;
    q->change.number = json_int(json_get(tree, "number"));
    q->change.replaces = json_int(json_get(tree, "replaces"));
    q->withdrawn = json_get(tree, "withdrawn") != NULL;
    if (!q->withdrawn)
        e = identity_json_read(f, json_get(tree, "identity"), &d->arena, &q->change.identity,
                               &q->change.change);
    json_free(tree);
    return e;
}

static enum err read_queue(struct db_tx *tx, struct fail *f, struct register_disks *d)
{
    struct db_rows rows;
    enum err e = ERR_OK, done;
    int64_t count = 0;
    db_query(tx, &rows, &sql_register_change_after, DB(db_int(0), db_int(MUNICIPALITY_CHANGES)));
    while (!e && db_next(&rows)) {
        if (db_row_int(&rows, 0) != ++count)
            d->wrong = wrong("change %lld is missing in the register", (long long)count);
        e = read_body(f, d, count, db_row_text(&rows, 1));
    }
    done = db_done(&rows, e ? NULL : f);
    if (!d->wrong && count != d->marks[REGISTER_CHANGES])
        d->wrong = wrong("the register counts %lld changes and has %lld",
                         (long long)d->marks[REGISTER_CHANGES], (long long)count);
    return e ? e : done;
}

static enum err read_change(struct db_tx *tx, struct fail *f, struct register_disks *d, int64_t number)
{
    struct db_rows rows;
    enum err why;
    enum err e = change_range_find(tx, f, number, &d->heard[number], &why);
    if (e)
        return e;
    db_query(tx, &rows, &sql_register_change_record, DB(db_int(number)));
    if (db_next(&rows))
        snprintf(d->queue[number].record, sizeof d->queue[number].record, "%.*s",
                 STR_ARG(db_row_text(&rows, 0)));
    return db_done(&rows, f);
}

static enum err read_register(struct db_tx *tx, struct fail *f, void *arg)
{
    struct register_disks *d = arg;
    enum err e = ERR_OK;
    for (enum register_mark m = REGISTER_ROWS; m <= REGISTER_BACK && !e; m++)
        e = register_mark_get(tx, f, m, &d->marks[m]);
    if (!e)
        e = read_queue(tx, f, d);
    for (int64_t i = 1; i <= d->marks[REGISTER_CHANGES] && !e; i++)
        e = read_change(tx, f, d, i);
    return e;
}

/* ---- what must hold */

static const char *marks_follow(const struct register_disks *d)
{
    static const struct {
        const char *what;
        enum register_mark below;
        enum door_mark above;
    } pairs[] = {{"changes taken", REGISTER_TAKEN, DOOR_CHANGES},
                 {"outcomes", REGISTER_OUTCOMES, DOOR_OUTCOMES},
                 {"numbers", REGISTER_NUMBERS, DOOR_NUMBERS}};
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        if (d->marks[pairs[i].below] > d->door[pairs[i].above])
            return wrong("%s: the register knows of %lld, the CS of %lld", pairs[i].what,
                         (long long)d->marks[pairs[i].below], (long long)d->door[pairs[i].above]);
    if (d->door[DOOR_CHANGES] > d->marks[REGISTER_CHANGES])
        return wrong("the CS has taken %lld changes, the register has %lld", (long long)d->door[DOOR_CHANGES],
                     (long long)d->marks[REGISTER_CHANGES]);
    for (int64_t i = 1; i <= d->marks[REGISTER_CHANGES]; i++)
        if (d->heard[i] == 'a' && !d->told[i])
            return wrong("change %lld is applied, and the CS did not tell of it", (long long)i);
    return NULL;
}

/* What was read of the feeds is kept; word of an outcome may have come ahead. */
static const char *heard_is_kept(const struct register_disks *d)
{
    for (int64_t i = 1; i <= d->marks[REGISTER_CHANGES]; i++)
        if (d->read[i] && d->heard[i] != d->read[i] && d->heard[i] != 'c' &&
            !(d->read[i] == 'w' && d->heard[i] == 'a'))
            return wrong("of change %lld '%c' was read, and '%c' is known", (long long)i, d->read[i],
                         d->heard[i] ? d->heard[i] : '-');
    return NULL;
}

/* The CS has told of each change once, and of each person in the order of the register. */
static const char *told_once(struct register_disks *d)
{
    const struct municipality_log *log = &d->log;
    for (size_t i = 0; i < log->count; i++) {
        const struct municipality_sent *n = &log->sent[i];
        for (size_t k = 0; k < i; k++) {
            const struct municipality_sent *b = &log->sent[k];
            bool again = n->change == b->change && (n->change || n->code == b->code);
            if (n->request != b->request)
                continue;
            if (again || (!n->request && n->code == b->code &&
                          (n->change < b->change || n->version != b->version + 1) && k + 1 == i))
                return wrong("change %lld after %lld, version %lld after %lld", (long long)n->change,
                             (long long)b->change, (long long)n->version, (long long)b->version);
            if (!n->request && n->code == b->code && (n->change < b->change || n->version <= b->version))
                return wrong("change %lld stands behind %lld", (long long)b->change, (long long)n->change);
        }
        if (!n->request)
            d->told[n->change] = true;
    }
    return NULL;
}

/* What the CS keeps of a change is what the register has queued; it may have the number too. */
static bool compare_told(void *arg, int64_t number, const struct identity_told *told)
{
    struct register_disks *d = arg;
    struct identity queued = d->queue[number].change.identity;
    if (!told) {
        if (!d->queue[number].withdrawn && d->said[number] != 'r')
            d->wrong = wrong("the CS has taken change %lld and keeps nothing of it", (long long)number);
        return !d->wrong;
    }
    if (!queued.has_individual_number) {
        queued.has_individual_number = told->change.identity.has_individual_number;
        queued.individual_number = told->change.identity.individual_number;
    }
    const char *field = identity_difference(&queued, &told->change.identity);
    if (field || told->change.change.reason != d->queue[number].change.change.reason)
        d->wrong = wrong("of change %lld register and CS have another %s", (long long)number,
                         field ? field : "reason");
    return !d->wrong;
}

static enum err read_cs(struct db_tx *tx, struct fail *f, void *arg)
{
    struct register_disks *d = arg;
    enum err e = ERR_OK;
    for (enum door_mark m = DOOR_CHANGES; m <= DOOR_FOLDER_NUMBERS && !e; m++)
        e = door_mark_get(tx, f, m, &d->door[m]);
    if (!e && d->door[DOOR_CHANGES] > d->marks[REGISTER_CHANGES])
        return ERR_OK; /* marks_follow says so */
    return e || !d->door[DOOR_CHANGES]
               ? e
               : identity_notice_told(tx, f, 1, d->door[DOOR_CHANGES], compare_told, d);
}

static enum err read_stock(struct db_tx *tx, struct fail *f, void *arg)
{
    struct register_disks *d = arg;
    struct stock_status s = {0};
    enum err e = resident_code_stock_status(tx, f, &s);
    for (int64_t place = 1; place <= s.unused && !e; place++) {
        int64_t code = 0;
        e = register_find_int(tx, f, &sql_flow_resident_code_stock_unused_at, db_int(place), &code);
        for (int64_t i = 1; i <= d->marks[REGISTER_CHANGES]; i++)
            if (!d->queue[i].withdrawn && d->queue[i].change.identity.resident_code.value == code)
                d->wrong = wrong("the code of change %lld is in the stock", (long long)i);
    }
    return e;
}

/* One person's, and nobody's who may still come. */
static const char *codes_are_given_once(struct register_disks *d)
{
    const int64_t count = d->marks[REGISTER_CHANGES];
    for (int64_t i = 1; i <= count; i++)
        for (int64_t k = 1; k < i; k++)
            if (!d->queue[i].withdrawn && !d->queue[k].withdrawn &&
                resident_code_equal(d->queue[i].change.identity.resident_code,
                                    d->queue[k].change.identity.resident_code) &&
                strcmp(d->queue[i].record, d->queue[k].record) != 0)
                return wrong("%s and %s have one code", d->queue[i].record, d->queue[k].record);
    assert_ok(db_read(municipality.cs->db, NULL, read_stock, d));
    return d->wrong;
}

const char *register_disks_hold(struct register_disks *d)
{
    struct fail f = {0};
    if (db_read(municipality.db, &f, read_register, d) || municipality_read_log(&f, &d->log) ||
        municipality_read_outcomes(&f, MUNICIPALITY_FEED, d->said) ||
        municipality_read_outcomes(&f, d->marks[REGISTER_OUTCOMES], d->read) ||
        db_read(municipality.cs->db, &f, read_cs, d))
        return wrong("%s %s %s", err_row(f.err)->name, f.field, f.detail);
    const char *found = d->wrong;
    if (!found)
        found = told_once(d);
    if (!found)
        found = marks_follow(d);
    if (!found)
        found = heard_is_kept(d);
    return found ? found : codes_are_given_once(d);
}
