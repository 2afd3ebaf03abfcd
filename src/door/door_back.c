/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what a register that lost changes is given back: GET /v1/changes?after=N.
 *
 *     {"changes":[{"number":N,"replaces":M?,"version":V?,"identity":{..., "change":{...}}},
 *                 {"number":N,"replaces":M?,"refused":{"error",...},"resident_codes":[...]?},
 *                 {"number":N,"replaces":M,"withdrawn":true}, {"number":N,"gone":true}],"taken":T}
 *
 * Every number from N+1 to T has its entry, in order. What was taken stands in the flow
 * (identity_notice_told): there is no second copy of it at the door. Of what was refused only the reason is
 * known, and of a person who still waits behind it the codes. gone: the flow keeps nothing of it. A page ends
 * after PAGE_BYTES, so that an answer of whatever length takes the same memory. That it was given stands in
 * the log before it is. */
#include "door/door_inside.h"

#include "door/door_sql.h"

enum { PAGE_BYTES = 2 << 20 };
_Static_assert((int)DOOR_PAGE <= (int)IDENTITY_TOLD_MOST, "the flow tells of a page at once");

struct given {
    struct str field;
    int64_t root;    /* of a refused change */
    int64_t settles; /* the refused change that this one replaced */
    int64_t codes[2];
    size_t code_count;
    enum err error; /* ERR_OK: not refused here */
};
struct giving {
    struct door *door;
    struct door_request *request;
    int64_t first, last, taken; /* last: of the page, as far as it is written */
    struct given *rows;         /* DOOR_PAGE */
};

static enum err read_refused(struct giving *g, struct db_tx *tx, struct fail *f, int64_t last)
{
    struct db_rows rows;
    bool lost = false;

    db_query(tx, &rows, &sql_door_refused_within, DB(db_int(g->first), db_int(last)));
    while (db_next(&rows)) {
        struct given *row = &g->rows[db_row_int(&rows, 0) - g->first];
        row->root = db_row_int(&rows, 1);
        row->error = (enum err)db_row_int(&rows, 2);
        row->field = arena_copy(&g->request->arena, db_row_text(&rows, 3));
        lost |= !row->field.p;
    }
    enum err e = db_done(&rows, f);
    return e || !lost ? e : fail_set(f, ERR_MEMORY, "changes", NULL);
}

static enum err read_settled(struct giving *g, struct db_tx *tx, struct fail *f, int64_t last)
{
    struct db_rows rows;

    db_query(tx, &rows, &sql_door_refused_settled, DB(db_int(g->first), db_int(last)));
    while (db_next(&rows))
        g->rows[db_row_int(&rows, 1) - g->first].settles = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

static enum err read_blocked(struct giving *g, struct db_tx *tx, struct fail *f, int64_t last)
{
    struct db_rows rows;

    db_query(tx, &rows, &sql_door_block_within, DB(db_int(g->first), db_int(last)));
    while (db_next(&rows)) {
        struct given *row = &g->rows[db_row_int(&rows, 0) - g->first];
        if (row->code_count < COUNT_OF(row->codes))
            row->codes[row->code_count++] = db_row_int(&rows, 1);
    }
    return db_done(&rows, f);
}

static void write_refused(struct buf *out, const struct given *row, int64_t number)
{
    char code[RESIDENT_CODE_TEXT_SIZE];

    if (row->root != number)
        json_add_int(out, "replaces", row->root);
    json_begin(out, "refused", '{');
    door_refusal_write(out, row->error, row->field);
    json_end(out, '}');
    if (!row->code_count)
        return;
    json_begin(out, "resident_codes", '[');
    for (size_t i = 0; i < row->code_count; i++)
        json_add_text(out, NULL, str_of(resident_code_REVEAL((struct resident_code){row->codes[i]}, code)));
    json_end(out, ']');
}

static void write_told(struct buf *out, const struct given *row, const struct identity_told *told)
{
    int64_t replaces = row->settles ? row->settles : told->change.replaces;

    if (replaces)
        json_add_int(out, "replaces", replaces);
    if (told->version)
        json_add_int(out, "version", told->version);
    identity_json_write(out, "identity", &told->change.identity, &told->change.change);
}

static bool write_one(void *arg, int64_t number, const struct identity_told *told)
{
    struct giving *g = arg;
    struct buf *out = &g->request->out;
    const struct given *row = &g->rows[number - g->first];

    json_begin(out, NULL, '{');
    json_add_int(out, "number", number);
    if (row->error) {
        write_refused(out, row, number);
    } else if (told) {
        write_told(out, row, told);
    } else if (row->settles) {
        json_add_int(out, "replaces", row->settles);
        json_add_bool(out, "withdrawn", true);
    } else {
        json_add_bool(out, "gone", true);
    }
    json_end(out, '}');
    g->last = number;
    return out->n < PAGE_BYTES;
}

static enum err write_page(struct db_tx *tx, struct fail *f, void *arg)
{
    struct giving *g = arg;
    struct buf *out = &g->request->out;
    int64_t after = g->request->after;
    enum err e = door_mark_get(tx, f, DOOR_CHANGES, &g->taken);

    if (e)
        return e;
    buf_clear(out);
    memset(g->rows, 0, DOOR_PAGE * sizeof *g->rows);
    g->first = 1; /* first..last: none */
    g->last = 0;
    json_begin(out, NULL, '{');
    json_begin(out, "changes", '[');
    if (after < g->taken) {
        int64_t last = g->taken - after < DOOR_PAGE ? g->taken : after + DOOR_PAGE;
        g->first = after + 1;
        if ((e = read_refused(g, tx, f, last)) || (e = read_settled(g, tx, f, last)) ||
            (e = read_blocked(g, tx, f, last)) ||
            (e = identity_notice_told(tx, f, g->first, last, write_one, g)))
            return e;
    }
    json_end(out, ']');
    json_add_int(out, "taken", g->taken);
    json_end(out, '}');
    return ERR_OK;
}

static enum err log_giving(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct giving *g = arg;
    char what[96];

    snprintf(what, sizeof what, "register took back changes %lld to %lld", (long long)g->first,
             (long long)g->last);
    return ledger_append(g->door->flow->ledger, tx, f, LEDGER_OPERATION, str_of(what), STR(""), NULL);
}

enum err door_changes_give(struct door *d, struct door_request *r, struct fail *f)
{
    struct giving g = {.door = d, .request = r, .rows = arena_alloc(&r->arena, DOOR_PAGE * sizeof *g.rows)};

    if (!g.rows)
        return fail_set(f, ERR_MEMORY, "changes", NULL);
    enum err e = db_read(d->flow->db, f, write_page, &g);
    return e || g.last < g.first ? e : db_transaction(d->flow->db, f, log_giving, &g);
}
