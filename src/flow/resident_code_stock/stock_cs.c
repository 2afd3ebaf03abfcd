/* SPDX-License-Identifier: Apache-2.0 */
/* The CS's side: keeps the codes it was designated, gives them out, asks for more in time.
 *
 * Unused codes stand at places 1..unused without gaps; stock_take.c takes them out, every one as likely as
 * any other. A draw of many is noted in one row. */
#include "base/clock.h"
#include "flow/flow_resident_code_stock_sql.h"
#include "flow/resident_code_stock/resident_code_stock.h"
#include "flow/resident_code_stock/stock_body.h"
#include "flow/resident_code_stock/stock_take.h"

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
        e = db_exec(tx, f, &sql_flow_resident_code_stock_unused_add,
                    DB(db_int(s->unused + 1), db_int(body->codes[i].value)), NULL);
        s->unused++;
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

/* What a draw gave stands in rows "DRAW/0", "DRAW/3" ...: each with the codes from that one on, because a
 * repeated call may ask for more. */
static struct str name_of(struct str draw, size_t i, char name[static DRAW_ID_MAX + 24])
{
    int n = snprintf(name, DRAW_ID_MAX + 24, "%.*s/%zu", STR_ARG(draw), i);
    return (struct str){name, (size_t)n};
}

/* Codes of one row into codes[*known..count). */
static enum err read_drawn(const struct db_rows *rows, struct fail *f, size_t count,
                           struct resident_code *codes, size_t *known)
{
    struct str more = db_row_text(rows, 1), word = {NULL, 0};
    codes[(*known)++].value = db_row_int(rows, 0);
    while (*known < count && more.n && str_cut(&more, ' ', &word)) {
        uint64_t value = 0;
        if (!str_to_uint(word, INT64_MAX, &value))
            return fail_set(f, ERR_MALFORMED, "more", NULL);
        codes[(*known)++].value = (int64_t)value;
    }
    return ERR_OK;
}

/* Those that the draw gave before: the first *known of count. */
static enum err find_former(struct db_tx *tx, struct fail *f, struct str draw, size_t count,
                            struct resident_code *codes, size_t *known)
{
    bool found = true;
    enum err e = ERR_OK;
    *known = 0;
    while (found && *known < count && !e) {
        char name[DRAW_ID_MAX + 24];
        struct db_rows rows;
        enum err read = ERR_OK;
        found = false;
        db_query(tx, &rows, &sql_flow_resident_code_stock_drawn_find,
                 DB(db_text(name_of(draw, *known, name))));
        while (!found && !read && db_next(&rows)) {
            read = read_drawn(&rows, f, count, codes, known);
            found = true;
        }
        e = db_done(&rows, f);
        e = e ? e : read;
    }
    return e;
}

/* Codes that a resident has by now are dropped: they were given out before a restore. *kept of the count. */
static enum err drop_known(struct db_tx *tx, struct fail *f, size_t count, struct resident_code *codes,
                           size_t *kept)
{
    enum err e = ERR_OK;
    for (size_t i = *kept = 0; i < count && !e; i++) {
        bool known = false;
        e = store_code_known(tx, f, codes[i], &known);
        codes[*kept] = codes[i];
        *kept += !known;
    }
    return e;
}

static enum err take_unknown(struct db_tx *tx, struct fail *f, struct stock_status *s, size_t count,
                             struct resident_code *codes)
{
    enum err e = ERR_OK;
    for (size_t have = 0, kept = 0; have < count && !e; have += kept) {
        size_t missing = count - have;
        if (s->unused < (int64_t)missing)
            return fail_set(f, ERR_STOCK_EMPTY, NULL, NULL);
        e = stock_take(tx, f, s->unused, missing, codes + have);
        s->unused -= (int64_t)missing;
        if (!e)
            e = drop_known(tx, f, missing, codes + have, &kept);
    }
    return e;
}

static enum err note_drawn(struct db_tx *tx, struct fail *f, struct str name, size_t count,
                           const struct resident_code *codes)
{
    struct buf more;
    buf_init(&more, count * (RESIDENT_CODE_TEXT_SIZE + 1));
    for (size_t i = 1; i < count; i++)
        buf_add_format(&more, "%s%lld", i > 1 ? " " : "", (long long)codes[i].value);
    enum err e = buf_check(&more, f, "count");
    if (!e)
        e = db_exec(tx, f, &sql_flow_resident_code_stock_drawn_add,
                    DB(db_text(name), db_int(codes[0].value), db_text(count > 1 ? buf_str(&more) : STR("")),
                       db_int(clock_now())),
                    NULL);
    buf_release(&more);
    return e;
}

/* As many as the last filling brought, and for who draws by the thousand (a first load) enough for ten such
 * draws. */
static enum err ask_in_time(struct flow *flow, struct db_tx *tx, struct fail *f, struct stock_status *s,
                            int64_t drawn)
{
    bool soon_empty = s->unused < drawn * 2;
    int64_t count = s->designated > drawn * 10 ? s->designated : drawn * 10;
    if (count > STOCK_REQUEST_MOST)
        count = STOCK_REQUEST_MOST;
    if ((!level_of(s) && !soon_empty) || s->requested || !s->designated)
        return ERR_OK;
    return send_request(flow, tx, f, s, count);
}

/* Draws codes[from..count) and notes them. */
static enum err draw_new(struct db_tx *tx, struct fail *f, struct str draw, size_t from, size_t count,
                         struct resident_code *codes, struct stock_status *s)
{
    char name[DRAW_ID_MAX + 24];
    enum err e = take_unknown(tx, f, s, count - from, codes + from);
    return e ? e : note_drawn(tx, f, name_of(draw, from, name), count - from, codes + from);
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
        e = ask_in_time(flow, tx, f, &s, (int64_t)(count - known));
    if (!e)
        e = set_level(tx, f, &s);
    if (!e && level_of(&s) > level && flow->pool_low)
        flow->pool_low(flow, "resident_codes", s.unused, s.designated, level_of(&s));
    return e;
}

const struct link_kind stock_request_at_cs = {.kind = LINK_KIND_STOCK_REQUEST, .apply = flow_not_received};
const struct link_kind stock_notice_at_cs = {
    .kind = LINK_KIND_STOCK_NOTICE, .scope = flow_scope_agency, .apply = apply_notice};
