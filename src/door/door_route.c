/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which path leads where: the table of routes, and the answers that need only a few lines.
 * docs/DOOR.md and docs/door-openapi.yaml say the same; a test compares the table with the latter. */
#include "door/door_inside.h"

#include "base/clock.h"
#include "door/door_sql.h"
#include "flow/resident_code_stock/resident_code_stock.h"

enum { CODES_MAX = 5000, DRAW_ID_MAX = 64 };

struct drawing {
    struct door *door;
    struct str draw;
    int64_t count;
    struct arena *arena;
    struct resident_code *codes;
};

static enum err draw_codes(struct db_tx *tx, struct fail *f, void *arg)
{
    struct drawing *drawing = arg;

    return resident_code_stock_draw(drawing->door->flow, tx, f, drawing->draw, (size_t)drawing->count,
                                    drawing->codes);
}

/* The failed draw undid its own asking. */
static enum err ask_for_more(struct db_tx *tx, struct fail *f, void *arg)
{
    struct drawing *drawing = arg;
    struct stock_status s;
    enum err e = resident_code_stock_status(tx, f, &s);
    int64_t count = s.designated > drawing->count ? s.designated : drawing->count;

    return e ? e : resident_code_stock_fill(drawing->door->flow, tx, f, count, drawing->count);
}

static enum err read_drawing(struct door_request *r, struct fail *f, struct drawing *drawing)
{
    struct json *body;
    enum err e = json_read(f, buf_str(&r->body), &body);

    if (e)
        return e;
    if (!(e = json_member_text(f, body, "draw", &r->arena, &drawing->draw)))
        e = json_member_int(f, body, "count", 1, CODES_MAX, &drawing->count);
    json_free(body);
    if (!e && (drawing->draw.n == 0 || drawing->draw.n > DRAW_ID_MAX))
        e = fail_set(f, ERR_FIELD_RANGE, "draw", "1 to %d bytes", DRAW_ID_MAX);
    return e;
}

static enum err post_resident_codes(struct door *d, struct door_request *r, struct fail *f)
{
    struct drawing drawing = {.door = d};
    char text[RESIDENT_CODE_TEXT_SIZE];
    enum err e = read_drawing(r, f, &drawing);

    if (e)
        return e;
    if ((e = link_takes_work(d->flow->link, f)))
        return e;
    if (!(drawing.codes = arena_alloc(&r->arena, (size_t)drawing.count * sizeof *drawing.codes)))
        return fail_set(f, ERR_MEMORY, "count", NULL);
    e = db_transaction(d->flow->db, f, draw_codes, &drawing);
    if (e == ERR_STOCK_EMPTY && db_transaction(d->flow->db, NULL, ask_for_more, &drawing))
        return e; /* the next draw asks */
    if (e)
        return e;
    json_begin(&r->out, NULL, '{');
    json_begin(&r->out, "resident_codes", '[');
    for (int64_t i = 0; i < drawing.count; i++)
        json_add_text(&r->out, NULL, str_of(resident_code_REVEAL(drawing.codes[i], text)));
    json_end(&r->out, ']');
    json_end(&r->out, '}');
    return ERR_OK;
}

struct asking {
    struct door *door;
    struct str name;
    struct resident_code code;
    enum number_request_kind kind;
};

static enum err ask_number(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct asking *asking = arg;
    struct flow *flow = asking->door->flow;
    int64_t added = 0;
    enum err e = db_exec(tx, f, &sql_door_number_request_add,
                         DB(db_text(asking->name), db_int(asking->code.value), db_int(clock_now())), &added);

    return e || !added ? e : flow->number_request(flow, tx, f, asking->code, asking->kind, 0);
}

static enum err read_asking(struct door_request *r, struct fail *f, struct asking *asking)
{
    struct str code, kind;
    struct json *body;
    enum err e = json_read(f, buf_str(&r->body), &body);

    if (e)
        return e;
    if (!(e = json_member_text(f, body, "name", &r->arena, &asking->name)) &&
        !(e = json_member_text(f, body, "resident_code", &r->arena, &code)) &&
        !(e = resident_code_parse(f, code, &asking->code)))
        e = json_member_text(f, body, "request", &r->arena, &kind);
    json_free(body);
    if (e)
        return e;
    if (asking->name.n == 0 || asking->name.n > DRAW_ID_MAX)
        return fail_set(f, ERR_FIELD_RANGE, "name", "1 to %d bytes", DRAW_ID_MAX);
    asking->kind = str_equal(kind, STR("ex_officio")) ? NUMBER_EX_OFFICIO : NUMBER_CHANGE;
    if (asking->kind == NUMBER_CHANGE && !str_equal(kind, STR("change")))
        return fail_set(f, ERR_FIELD_RANGE, "request", "change or ex_officio");
    return ERR_OK;
}

/* A first number needs no asking: the CS does that for an entry without one. */
static enum err post_number_requests(struct door *d, struct door_request *r, struct fail *f)
{
    struct asking asking = {.door = d};
    enum err e = read_asking(r, f, &asking);

    if (e || (e = link_takes_work(d->flow->link, f)) ||
        (e = db_transaction(d->flow->db, f, ask_number, &asking)))
        return e;
    json_begin(&r->out, NULL, '{');
    json_add_bool(&r->out, "asked", true);
    json_end(&r->out, '}');
    return ERR_OK;
}

static enum err post_resend(struct door *d, struct door_request *r, struct fail *f)
{
    int64_t first = 0, last = 0, count = 0;
    struct json *body;
    enum err e = json_read(f, buf_str(&r->body), &body);

    if (e)
        return e;
    if (!(e = json_member_int(f, body, "first", 1, INT64_MAX, &first)))
        e = json_member_int(f, body, "last", first, INT64_MAX, &last);
    json_free(body);
    if (e || (e = identity_notice_resend(d->flow, f, first, last, &count)))
        return e;
    json_begin(&r->out, NULL, '{');
    json_add_int(&r->out, "sent", count);
    json_end(&r->out, '}');
    return ERR_OK;
}

struct door_state {
    int64_t marks[DOOR_NUMBERS + 1], refused, waiting, waiting_since;
    struct stock_status stock;
};

static void count_waiting(void *arg, const struct identity_waiting *item)
{
    struct door_state *state = arg;

    if (!state->waiting++)
        state->waiting_since = item->since;
}

static enum err read_state(struct db_tx *tx, struct fail *f, void *arg)
{
    struct door_state *state = arg;
    struct db_rows rows;
    enum err e;

    *state = (struct door_state){0};
    for (int mark = DOOR_CHANGES; mark <= DOOR_NUMBERS; mark++)
        if ((e = door_mark_get(tx, f, (enum door_mark)mark, &state->marks[mark])))
            return e;
    db_query(tx, &rows, &sql_door_refused_open, DB_NONE);
    if (db_next(&rows))
        state->refused = db_row_int(&rows, 0);
    if ((e = db_done(&rows, f)) || (e = resident_code_stock_status(tx, f, &state->stock)))
        return e;
    return identity_notice_waiting(tx, f, count_waiting, state);
}

enum err door_status(struct door *d, struct fail *f, struct buf *json)
{
    struct door_state state;
    enum err e = db_read(d->flow->db, f, read_state, &state);

    if (e)
        return e;
    json_begin(json, NULL, '{');
    json_add_int(json, "changes", state.marks[DOOR_CHANGES]);
    json_add_int(json, "refused", state.refused);
    json_add_int(json, "outcomes", state.marks[DOOR_OUTCOMES]);
    json_add_int(json, "numbers", state.marks[DOOR_NUMBERS]);
    json_add_int(json, "waiting_for_number", state.waiting);
    json_add_int(json, "waiting_since", state.waiting_since);
    json_begin(json, "stock", '{');
    json_add_int(json, "designated", state.stock.designated);
    json_add_int(json, "unused", state.stock.unused);
    json_add_int(json, "requested", state.stock.requested);
    json_add_int(json, "level", state.stock.level);
    json_end(json, '}');
    json_end(json, '}');
    return buf_check(json, f, "status");
}

static enum err get_status(struct door *d, struct door_request *r, struct fail *f)
{
    return door_status(d, f, &r->out);
}

static const struct door_route routes[] = {
    {"POST", "/v1/changes", door_changes_take},
    {"GET", "/v1/changes", door_changes_give},
    {"GET", "/v1/outcomes", door_outcomes_read},
    {"GET", "/v1/numbers", door_numbers_read},
    {"GET", "/v1/messages", door_messages_read},
    {"GET", "/v1/telegrams/837Y", door_telegrams_read},
    {"POST", "/v1/resident-codes", post_resident_codes},
    {"POST", "/v1/number-requests", post_number_requests},
    {"POST", "/v1/resend", post_resend},
    {"GET", "/v1/status", get_status},
};

const struct door_route *door_routes(size_t *count)
{
    *count = COUNT_OF(routes);
    return routes;
}

enum err door_route_find(struct fail *f, struct str method, struct str path, const struct door_route **out)
{
    bool known = false;

    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (!str_equal(path, str_of(routes[i].path)))
            continue;
        known = true;
        if (str_equal(method, str_of(routes[i].method))) {
            *out = &routes[i];
            return ERR_OK;
        }
    }
    /* the path itself is not repeated: it may hold anything */
    return fail_set(f, known ? ERR_DOOR_METHOD : ERR_DOOR_ROUTE, "path", NULL);
}
