/* SPDX-License-Identifier: Apache-2.0 */
/* The CS's side: keeps the codes it was designated, gives them out, asks for more in time.
 *
 * Unused codes stand at places 1..unused without gaps. A draw takes a random place and moves the last code
 * into it, so every unused code is as likely as any other, at the cost of one look-up. */
#include "base/clock.h"
#include "base/random.h"
#include "flow/flow_resident_code_stock_sql.h"
#include "flow/resident_code_stock/resident_code_stock.h"
#include "flow/resident_code_stock/stock_body.h"

#include <stdio.h>

enum { LOW_PERCENT = 30, VERY_LOW_PERCENT = 10, DRAW_ID_MAX = 200 };

static int level_of(const struct stock_status *s)
{
    if (s->unused * 100 <= s->designated * VERY_LOW_PERCENT)
        return 2;
    return s->unused * 100 <= s->designated * LOW_PERCENT ? 1 : 0;
}

enum err resident_code_stock_status(struct db_tx *tx, struct fail *f, struct stock_status *out)
{
    struct db_rows rows;
    struct stock_status s = {0};
    db_query(tx, &rows, &sql_flow_resident_code_stock_level_get, DB_NONE);
    while (db_next(&rows))
        s = (struct stock_status){.designated = db_row_int(&rows, 0),
                                  .unused = db_row_int(&rows, 1),
                                  .requested = db_row_int(&rows, 2),
                                  .epoch = db_row_int(&rows, 3),
                                  .first_request = db_row_int(&rows, 4)};
    enum err e = db_done(&rows, f);
    s.level = level_of(&s);
    if (!e)
        *out = s;
    return e;
}

static enum err set_level(struct db_tx *tx, struct fail *f, const struct stock_status *s)
{
    return db_exec(tx, f, &sql_flow_resident_code_stock_level_set,
                   DB(db_int(s->designated), db_int(s->unused), db_int(s->requested), db_int(s->epoch),
                      db_int(s->first_request)),
                   NULL);
}

/* The level, in this life: a new one passes over what it finds. The caller writes it back. */
static enum err find_level(struct flow *flow, struct db_tx *tx, struct fail *f, struct stock_status *s)
{
    int64_t epoch = link_epoch(flow->link);
    enum err e = resident_code_stock_status(tx, f, s);
    if (e || s->epoch >= epoch)
        return e;
    s->unused = s->requested = 0;
    s->epoch = epoch;
    s->first_request = INT64_MAX;
    s->level = level_of(s);
    return db_exec(tx, f, &sql_flow_resident_code_stock_unused_clear, DB_NONE, NULL);
}

/* ---- asking and filling ---- */

/* Counts as requested when it was sent. */
static enum err send_request(struct flow *flow, struct db_tx *tx, struct fail *f, struct stock_status *s,
                             int64_t count)
{
    struct link_sent sent = {0};
    struct buf body;
    buf_init(&body, 64);
    json_begin(&body, NULL, '{');
    json_add_int(&body, "count", count);
    json_end(&body, '}');
    enum err e = buf_check(&body, f, "count");
    if (!e) {
        struct link_send send = {
            .destination = "agency", .kind = LINK_KIND_STOCK_REQUEST, .body = buf_str(&body)};
        e = link_send(flow->link, tx, f, &send, &sent);
    }
    buf_release(&body);
    if (e)
        return e;
    s->requested += count;
    if (s->first_request == INT64_MAX)
        s->first_request = sent.sequence;
    return ERR_OK;
}

enum err resident_code_stock_request(struct flow *flow, struct db_tx *tx, struct fail *f, int64_t count)
{
    struct stock_status s;
    if (count < 1 || count > STOCK_REQUEST_MOST)
        return fail_set(f, ERR_FIELD_RANGE, "count", "1 to %d", STOCK_REQUEST_MOST);
    enum err e = find_level(flow, tx, f, &s);
    if (!e)
        e = send_request(flow, tx, f, &s, count);
    return e ? e : set_level(tx, f, &s);
}

enum err resident_code_stock_fill(struct flow *flow, struct db_tx *tx, struct fail *f, int64_t count,
                                  int64_t short_of)
{
    struct stock_status s;
    struct fail why = {0};
    enum err e = find_level(flow, tx, f, &s);
    if (e)
        return e;
    if (!s.requested && (!s.unused || s.unused < short_of))
        e = send_request(flow, tx, &why, &s, count < STOCK_REQUEST_MOST ? count : STOCK_REQUEST_MOST);
    if (e && e != ERR_BUSY)
        return fail_set(f, e, why.field, "%s", why.detail);
    return set_level(tx, f, &s);
}

static enum err keep_codes(struct db_tx *tx, struct fail *f, const struct stock_body *body,
                           struct stock_status *s)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < body->count && !e; i++) {
        int64_t added = 0;
        e = db_exec(tx, f, &sql_flow_resident_code_stock_unused_add,
                    DB(db_int(s->unused + 1), db_int(body->codes[i].value)), &added);
        s->unused += added;
    }
    return e;
}

static enum err apply_notice(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    struct flow *flow = app;
    struct stock_body *body = memory_new(sizeof *body);
    struct stock_status s = {0};
    if (!body)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    enum err e = stock_body_read(f, n->body, body);
    if (!e && body->area.value != flow->self.area)
        e = fail_set(f, ERR_SCOPE, "area_code", "%06d", body->area.value);
    if (!e)
        e = find_level(flow, tx, f, &s);
    bool former = body->request && body->request < s.first_request; /* the life before asked for it */
    if (!e && former)
        e = set_level(tx, f, &s);
    if (!e && !former)
        e = keep_codes(tx, f, body, &s);
    if (!e && !former) {
        s.designated = body->filling;
        s.requested = s.requested > (int64_t)body->count ? s.requested - (int64_t)body->count : 0;
        e = set_level(tx, f, &s);
    }
    memory_free(body);
    return e;
}

/* ---- drawing ---- */

/* The codes of a draw are noted one by one, as "DRAW/0", "DRAW/1" ...: a repeated call may ask for more. */
static struct str name_of(struct str draw, size_t i, char name[static DRAW_ID_MAX + 24])
{
    int n = snprintf(name, DRAW_ID_MAX + 24, "%.*s/%zu", STR_ARG(draw), i);
    return (struct str){name, (size_t)n};
}

static enum err find_drawn(struct db_tx *tx, struct fail *f, struct str draw, size_t i,
                           struct resident_code *out, bool *found)
{
    char name[DRAW_ID_MAX + 24];
    struct db_rows rows;
    *found = false;
    db_query(tx, &rows, &sql_flow_resident_code_stock_drawn_find, DB(db_text(name_of(draw, i, name))));
    while (db_next(&rows)) {
        out->value = db_row_int(&rows, 0);
        *found = true;
    }
    return db_done(&rows, f);
}

/* Those that the draw gave before: the first *known of count. */
static enum err find_former(struct db_tx *tx, struct fail *f, struct str draw, size_t count,
                            struct resident_code *codes, size_t *known)
{
    bool found = true;
    enum err e = ERR_OK;
    for (*known = 0; *known < count && !e; ++*known) {
        e = find_drawn(tx, f, draw, *known, &codes[*known], &found);
        if (!found)
            break;
    }
    return e;
}

static enum err code_at(struct db_tx *tx, struct fail *f, int64_t place, int64_t *code)
{
    struct db_rows rows;
    *code = -1;
    db_query(tx, &rows, &sql_flow_resident_code_stock_unused_at, DB(db_int(place)));
    while (db_next(&rows))
        *code = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    return e || *code >= 0 ? e : fail_set(f, ERR_NOT_FOUND, "place", "%lld", (long long)place);
}

/* Takes the code at a random place out. */
static enum err take_one(struct db_tx *tx, struct fail *f, struct stock_status *s, struct resident_code *out)
{
    int64_t place = 1 + (int64_t)random_below((uint64_t)s->unused), last = s->unused, moved = -1;
    enum err e = code_at(tx, f, place, &out->value);
    if (!e && place != last)
        e = code_at(tx, f, last, &moved);
    if (!e)
        e = db_exec(tx, f, &sql_flow_resident_code_stock_unused_remove, DB(db_int(last)), NULL);
    if (!e && place != last)
        e = db_exec(tx, f, &sql_flow_resident_code_stock_unused_set, DB(db_int(place), db_int(moved)), NULL);
    s->unused--;
    return e;
}

static enum err take_unknown(struct db_tx *tx, struct fail *f, struct stock_status *s,
                             struct resident_code *out)
{
    enum err e = ERR_OK;
    for (bool known = true; known && !e;) {
        if (!s->unused)
            return fail_set(f, ERR_STOCK_EMPTY, NULL, NULL);
        e = take_one(tx, f, s, out);
        if (!e)
            e = store_code_known(tx, f, *out, &known);
    }
    return e;
}

static enum err ask_in_time(struct flow *flow, struct db_tx *tx, struct fail *f, struct stock_status *s)
{
    int64_t count = s->designated < STOCK_REQUEST_MOST ? s->designated : STOCK_REQUEST_MOST;
    if (!level_of(s) || s->requested || !count)
        return ERR_OK;
    return send_request(flow, tx, f, s, count);
}

/* Draws codes[from..count) and notes them. */
static enum err draw_new(struct db_tx *tx, struct fail *f, struct str draw, size_t from, size_t count,
                         struct resident_code *codes, struct stock_status *s)
{
    char name[DRAW_ID_MAX + 24];
    int64_t now = clock_now();
    enum err e = ERR_OK;
    for (size_t i = from; i < count && !e; i++) {
        e = take_unknown(tx, f, s, &codes[i]);
        if (!e)
            e = db_exec(tx, f, &sql_flow_resident_code_stock_drawn_add,
                        DB(db_text(name_of(draw, i, name)), db_int(codes[i].value), db_int(now)), NULL);
    }
    return e;
}

enum err resident_code_stock_draw(struct flow *flow, struct db_tx *tx, struct fail *f, struct str draw,
                                  size_t count, struct resident_code *codes)
{
    struct stock_status s = {0};
    size_t known = 0;
    if (draw.n < 1 || draw.n > DRAW_ID_MAX)
        return fail_set(f, ERR_FIELD_RANGE, "draw", "1 to %d bytes", DRAW_ID_MAX);
    enum err e = find_former(tx, f, draw, count, codes, &known);
    if (!e && known < count)
        e = find_level(flow, tx, f, &s);
    if (e || known == count)
        return e;
    int level = s.level;
    e = draw_new(tx, f, draw, known, count, codes, &s);
    if (!e)
        e = ask_in_time(flow, tx, f, &s);
    if (!e)
        e = set_level(tx, f, &s);
    if (!e && level_of(&s) > level && flow->pool_low)
        flow->pool_low(flow, "resident_codes", s.unused, s.designated, level_of(&s));
    return e;
}

const struct link_kind stock_request_at_cs = {.kind = LINK_KIND_STOCK_REQUEST, .apply = flow_not_received};
const struct link_kind stock_notice_at_cs = {
    .kind = LINK_KIND_STOCK_NOTICE, .scope = flow_scope_agency, .apply = apply_notice};
