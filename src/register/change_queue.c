/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how changes are queued for the door, and how it is remembered what became of them.
 *
 * A change's JSON is written once, in the transaction that makes its version, and sent from there as often as
 * needed: the same number always has the same bytes. What became of changes is kept as ranges that never
 * overlap; neighbours alike grow together, so that the outcome of a load of half a million is a handful of
 * rows. */
#include "register/register_inside.h"

#include "base/clock.h"
#include "flow/koseki_supplement/supplement_message.h"
#include "flow/move_in/move_in_message.h"
#include "register/register_sql.h"

static enum err one_int(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt, int64_t key,
                        int64_t *out)
{
    struct db_rows rows;

    db_query(tx, &rows, stmt, DB(db_int(key)));
    if (db_next(&rows))
        *out = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

enum err register_mark_get(struct db_tx *tx, struct fail *f, enum register_mark mark, int64_t *value)
{
    return one_int(tx, f, &sql_register_mark_get, mark, value);
}

enum err register_mark_lock(struct db_tx *tx, struct fail *f, enum register_mark mark, int64_t *value)
{
    return one_int(tx, f, &sql_register_mark_lock, mark, value);
}

enum err register_mark_set(struct db_tx *tx, struct fail *f, enum register_mark mark, int64_t value)
{
    return db_exec(tx, f, &sql_register_mark_set, DB(db_int(mark), db_int(value)), NULL);
}

/* ---- ranges ---- */

static const char letters[] = "awrc"; /* applied, waiting, refused, replaced */

struct range {
    int64_t first, last, since;
    char state;
    enum err error;
    struct str field;
    char field_text[48];
};

/* The last range that begins at or before a number; *found false when there is none. */
static enum err range_before(struct db_tx *tx, struct fail *f, int64_t number, struct range *out, bool *found)
{
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_range_before, DB(db_int(number)));
    *found = db_next(&rows);
    if (*found) {
        struct str field = db_row_text(&rows, 4);
        out->first = db_row_int(&rows, 0);
        out->last = db_row_int(&rows, 1);
        out->state = (char)db_row_int(&rows, 2);
        out->error = (enum err)db_row_int(&rows, 3);
        snprintf(out->field_text, sizeof out->field_text, "%.*s", STR_ARG(field));
        out->field = str_of(out->field_text);
        out->since = db_row_int(&rows, 5);
    }
    return db_done(&rows, f);
}

static bool alike(const struct range *a, const struct range *b)
{
    return a->state == b->state && a->error == b->error && str_equal(a->field, b->field);
}

static enum err range_add(struct db_tx *tx, struct fail *f, const struct range *r, int64_t first,
                          int64_t last)
{
    return db_exec(tx, f, &sql_register_range_add,
                   DB(db_int(first), db_int(last), db_int(r->state), db_int(r->error), db_text(r->field),
                      db_int(r->since)),
                   NULL);
}

static enum err range_remove(struct db_tx *tx, struct fail *f, int64_t first, int64_t last)
{
    return db_exec(tx, f, &sql_register_range_remove, DB(db_int(first), db_int(last)), NULL);
}

/* Makes room at one edge: the range that reaches over `at` (or touches it) is cut there, or taken into r when
 * alike. */
static enum err cut_edge(struct db_tx *tx, struct fail *f, struct range *r, int64_t at)
{
    struct range old;
    bool found;
    enum err e = range_before(tx, f, at, &old, &found);

    if (e || !found || old.last < r->first - 1)
        return e;
    if (alike(&old, r)) {
        r->first = old.first < r->first ? old.first : r->first;
        r->last = old.last > r->last ? old.last : r->last;
        return range_remove(tx, f, old.first, old.last);
    }
    if (old.last < r->first || old.first > r->last)
        return ERR_OK;
    if ((e = range_remove(tx, f, old.first, old.last)))
        return e;
    if (old.first < r->first && (e = range_add(tx, f, &old, old.first, r->first - 1)))
        return e;
    return old.last > r->last ? range_add(tx, f, &old, r->last + 1, old.last) : ERR_OK;
}

enum err change_range_put(struct db_tx *tx, struct fail *f, int64_t first, int64_t last, char state,
                          enum err error, struct str field)
{
    struct range r = {.first = first,
                      .last = last,
                      .since = clock_now(),
                      .state = state,
                      .error = error,
                      .field = field.p ? field : STR("")};
    enum err e;

    if ((e = cut_edge(tx, f, &r, first - 1)) || (e = cut_edge(tx, f, &r, r.last + 1)) ||
        (e = cut_edge(tx, f, &r, r.last)) || (e = range_remove(tx, f, r.first, r.last)))
        return e;
    return range_add(tx, f, &r, r.first, r.last);
}

static void count_range(struct register_outcome *out, char state, int64_t changes)
{
    int64_t *const places[] = {&out->applied, &out->waiting, &out->refused, &out->replaced};
    const char *at = strchr(letters, state);

    assert(state && at);
    *places[at - letters] += changes;
    out->unknown -= changes;
}

enum err change_range_count(struct db_tx *tx, struct fail *f, int64_t first, int64_t last,
                            struct register_outcome *out)
{
    struct register_outcome known = {.unknown = last - first + 1};
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_range_within, DB(db_int(first), db_int(last)));
    while (db_next(&rows)) {
        int64_t from = db_row_int(&rows, 0), to = db_row_int(&rows, 1);
        from = from > first ? from : first;
        to = to < last ? to : last;
        if (from <= to)
            count_range(&known, (char)db_row_int(&rows, 2), to - from + 1);
    }
    enum err e = db_done(&rows, f);
    if (!e)
        *out = known;
    return e;
}

enum err change_range_find(struct db_tx *tx, struct fail *f, int64_t number, char *state, enum err *error)
{
    struct range r;
    bool found;
    enum err e = range_before(tx, f, number, &r, &found);

    if (e)
        return e;
    found = found && r.last >= number;
    *state = found ? r.state : 0;
    *error = found ? r.error : ERR_OK;
    return ERR_OK;
}

enum err change_trouble_put(struct db_tx *tx, struct fail *f, int64_t first, int64_t last, char state,
                            enum err error, struct str field)
{
    enum err e = ERR_OK, known;
    char before = 0;

    for (int64_t number = first; !e && number <= last; number++)
        if (!(e = change_range_find(tx, f, number, &before, &known)) && before != 'c')
            e = change_range_put(tx, f, number, number, state, error, field);
    return e;
}

enum err change_corrected(struct db_tx *tx, struct fail *f, int64_t number)
{
    enum err e = change_range_put(tx, f, number, number, 'c', ERR_OK, STR(""));

    return e ? e : db_exec(tx, f, &sql_register_back_forget, DB(db_int(number)), NULL);
}

/* ---- queueing ---- */

static enum err look_for_claims(struct register_batch *b, struct fail *f)
{
    struct db_rows rows;

    db_query(b->tx, &rows, &sql_register_back_any, DB_NONE);
    b->claims = db_next(&rows);
    return db_done(&rows, f);
}

enum err register_batch_open(struct register_batch *b, struct fail *f)
{
    enum err e = register_mark_lock(b->tx, f, REGISTER_ROWS, &b->row);

    if (!e)
        e = register_mark_lock(b->tx, f, REGISTER_CHANGES, &b->change);
    b->first_change = b->change + 1;
    return e ? e : look_for_claims(b, f);
}

enum err register_batch_begin(struct register_batch *b, struct fail *f)
{
    int64_t back = BACK_NONE;
    enum err e = register_batch_open(b, f);

    if (!e)
        e = register_mark_get(b->tx, f, REGISTER_BACK, &back);
    /* without a door there is nobody to take it back from */
    return e || back == BACK_NONE || !b->register_->door.url
               ? e
               : fail_set(f, ERR_REGISTER_BEHIND, "register", NULL);
}

enum err register_batch_end(struct register_batch *b, struct fail *f)
{
    enum err e = register_mark_set(b->tx, f, REGISTER_ROWS, b->row);

    return e ? e : register_mark_set(b->tx, f, REGISTER_CHANGES, b->change);
}

/* register_change.kind. BESIDE: a message that is about somebody's record and not one of its own changes. */
enum { CHANGE_IDENTITY = 0, CHANGE_MESSAGE = 1, CHANGE_BESIDE = 2 };

static int kind_of(const struct message_form *form)
{
    return form == &move_in_notice_form || form == &move_out_confirmation_form ? CHANGE_MESSAGE
                                                                               : CHANGE_BESIDE;
}

static void begin_body(struct register_batch *b, int64_t replaces)
{
    buf_clear(b->body);
    json_begin(b->body, NULL, '{');
    json_add_int(b->body, "number", b->change + 1);
    if (replaces)
        json_add_int(b->body, "replaces", replaces);
}

static enum err queue_body(struct register_batch *b, struct fail *f, int64_t resident, int kind)
{
    json_end(b->body, '}');
    enum err e = buf_check(b->body, f, "change");
    if (!e)
        e = db_exec(b->tx, f, &sql_register_change_add,
                    DB(db_int(b->change + 1), db_int(resident), db_text(buf_str(b->body)), db_int(kind)),
                    NULL);
    b->change += !e;
    return e;
}

/* 転出確定: its version is the CS's to number. */
static enum err queue_confirmation(struct register_batch *b, struct fail *f, const struct resident_version *v,
                                   const struct change *change, int64_t replaces)
{
    const struct move_out_confirmation m = {.resident_code = {true, v->row.identity.resident_code},
                                            .area_code = v->row.identity.address.area_code,
                                            .move_in_date = change->date,
                                            .cancelled = change->reason == CHANGE_MOVE_OUT_UNCONFIRMED};

    return register_batch_message(b, f, v, (struct area_code){0}, &move_out_confirmation_form, &m, replaces);
}

enum err register_batch_queue(struct register_batch *b, struct fail *f, const struct resident_version *v,
                              const struct change *change, int64_t replaces)
{
    enum err e;

    if (change_row(change->reason)->group == CHANGE_CONFIRMATION) {
        e = queue_confirmation(b, f, v, change, replaces);
    } else {
        begin_body(b, replaces);
        identity_json_write(b->body, "identity", &v->row.identity, change);
        e = queue_body(b, f, v->id, CHANGE_IDENTITY);
    }
    return e || !replaces ? e : change_corrected(b->tx, f, replaces);
}

enum err register_batch_message(struct register_batch *b, struct fail *f, const struct resident_version *v,
                                struct area_code to, const struct message_form *form, const void *message,
                                int64_t replaces)
{
    char area[AREA_CODE_TEXT_SIZE];
    enum err e = message_check(f, form, message);

    if (e)
        return e;
    begin_body(b, replaces);
    json_begin(b->body, "message", '{');
    json_add_text(b->body, "kind", str_of(form->name));
    if (to.value)
        json_add_text(b->body, "to", str_of(area_code_text(to, area)));
    message_write(b->body, "body", form, message);
    json_end(b->body, '}');
    e = queue_body(b, f, v->id, kind_of(form));
    return e || !replaces ? e
                          : change_corrected(b->tx, f, replaces); /* its own trouble is nobody's any more */
}

static enum err queue_again(struct register_batch *b, struct fail *f, int64_t resident, int64_t replaces,
                            int kind, struct str body)
{
    struct json *tree;
    enum err e = json_read(f, body, &tree);

    if (e)
        return e;
    begin_body(b, replaces);
    json_add_tree(b->body, "message", json_get(tree, "message"));
    json_free(tree);
    e = queue_body(b, f, resident, kind);
    return e ? e : register_departure_again(b->tx, f, replaces, b->change);
}

enum err register_batch_message_again(struct register_batch *b, struct fail *f, int64_t number,
                                      bool *is_message)
{
    struct db_rows rows;
    struct buf body;
    int64_t resident = 0;
    int kind = CHANGE_IDENTITY;

    *is_message = false;
    buf_init(&body, MESSAGE_BYTES_MAX);
    db_query(b->tx, &rows, &sql_register_change_body, DB(db_int(number)));
    if (db_next(&rows) && (kind = (int)db_row_int(&rows, 1)) != CHANGE_IDENTITY) {
        *is_message = true;
        resident = db_row_int(&rows, 0);
        buf_add_str(&body, db_row_text(&rows, 2));
    }
    enum err e = db_done(&rows, f);
    if (!e && *is_message && !(e = buf_check(&body, f, "change")))
        e = queue_again(b, f, resident, number, kind, buf_str(&body));
    if (!e && *is_message)
        e = change_corrected(b->tx, f, number);
    buf_release(&body);
    return e;
}
