/* SPDX-License-Identifier: Apache-2.0 */
/* The agency's side: which codes a municipality may use.
 *
 * FF1 turns the counter 0, 1, 2 ... into ten digits that run through all codes once in an order nobody can
 * foresee without the key. A code goes to one municipality only, because the table has it once.
 *
 * A restored agency has forgotten what it designated since the backup, and learns it again only from each
 * municipality that comes back. Until then others ask; so a new life goes on further along in the order,
 * beyond all that can have been designated meanwhile. One per cent of all codes is passed over for that. */
#include "flow/flow_resident_code_stock_sql.h"
#include "flow/resident_code_stock/resident_code_stock.h"
#include "flow/resident_code_stock/stock_body.h"

enum { PAYLOAD_DIGITS = 10, LIFE_APART = 100 * 1000 * 1000 };

static enum err code_at(const struct flow *flow, struct fail *f, int64_t counter, struct resident_code *out)
{
    uint8_t digits[PAYLOAD_DIGITS];
    int64_t payload = 0;
    for (int i = PAYLOAD_DIGITS - 1; i >= 0; i--, counter /= 10)
        digits[i] = (uint8_t)(counter % 10);
    enum err e = ff1_encrypt(f, flow->code_key, STR("resident_code"), digits, PAYLOAD_DIGITS, digits);
    if (e)
        return e;
    for (int i = 0; i < PAYLOAD_DIGITS; i++)
        payload = payload * 10 + digits[i];
    *out = resident_code_from_payload(payload);
    return ERR_OK;
}

static enum err read_counter(struct db_tx *tx, struct fail *f, int64_t epoch, int64_t *next)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_flow_resident_code_stock_counter_get, DB_NONE);
    while (db_next(&rows))
        *next = db_row_int(&rows, 0) + (db_row_int(&rows, 1) < epoch ? LIFE_APART : 0);
    return db_done(&rows, f);
}

/* *good: nobody has, had or was designated the code, and now this area is. */
static enum err claim(struct db_tx *tx, struct fail *f, struct resident_code code, struct area_code area,
                      bool *good)
{
    bool known;
    int64_t added = 0;
    enum err e = store_code_known(tx, f, code, &known);
    if (!e && !known)
        e = db_exec(tx, f, &sql_flow_resident_code_stock_designated_add,
                    DB(db_int(code.value), db_int(area.value)), &added);
    *good = added == 1;
    return e;
}

enum err resident_code_stock_designated(struct db_tx *tx, struct fail *f, struct resident_code code,
                                        struct area_code *municipality)
{
    struct db_rows rows;
    int64_t area = 0;
    db_query(tx, &rows, &sql_flow_resident_code_stock_designated_find, DB(db_int(code.value)));
    while (db_next(&rows))
        area = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    if (!e)
        municipality->value = (int32_t)area;
    return e;
}

enum err resident_code_stock_designate(struct flow *flow, struct db_tx *tx, struct fail *f,
                                       struct area_code area, int64_t count, struct resident_code *codes)
{
    int64_t next = 0, found = 0, epoch = link_epoch(flow->link);
    enum err e = read_counter(tx, f, epoch, &next);
    while (!e && found < count) {
        bool good = false;
        if (next > RESIDENT_CODE_PAYLOAD_MAX)
            return fail_set(f, ERR_STOCK_EXHAUSTED, NULL, NULL);
        e = code_at(flow, f, next++, &codes[found]);
        if (!e)
            e = claim(tx, f, codes[found], area, &good);
        found += good;
    }
    return e ? e
             : db_exec(tx, f, &sql_flow_resident_code_stock_counter_set, DB(db_int(next), db_int(epoch)),
                       NULL);
}

static enum err send_codes(struct flow *flow, struct db_tx *tx, struct fail *f, const struct node_name *cs,
                           const struct stock_body *answer, const struct resident_code *codes, size_t count)
{
    struct buf body;
    buf_init(&body, STOCK_BODY_MAX);
    stock_body_write(&body, answer, codes, count);
    enum err e = buf_check(&body, f, "resident_codes");
    if (!e) {
        struct link_send send = {
            .destination = cs->text, .kind = LINK_KIND_STOCK_NOTICE, .body = buf_str(&body)};
        e = link_send(flow->link, tx, f, &send, NULL);
    }
    buf_release(&body);
    return e;
}

static enum err fill(struct flow *flow, struct db_tx *tx, struct fail *f, const struct link_notice *n,
                     size_t count)
{
    struct resident_code *codes = memory_new(count * sizeof *codes);
    struct stock_body *answer = memory_new(sizeof *answer);
    enum err e = codes && answer ? ERR_OK : fail_set(f, ERR_MEMORY, NULL, NULL);
    if (!e) {
        *answer = (struct stock_body){
            .area = {n->origin.area}, .filling = (int64_t)count, .request = n->sender_sequence};
        e = resident_code_stock_designate(flow, tx, f, answer->area, (int64_t)count, codes);
    }
    for (size_t sent = 0, part; sent < count && !e; sent += part) {
        part = count - sent < STOCK_NOTICE_CODES ? count - sent : STOCK_NOTICE_CODES;
        e = send_codes(flow, tx, f, &n->origin, answer, codes + sent, part);
    }
    memory_free(answer);
    memory_free(codes);
    return e;
}

static enum err apply_request(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    int64_t count = 0;
    enum err e = json_member_int(f, n->body, "count", 1, STOCK_REQUEST_MOST, &count);
    return e ? e : fill(app, tx, f, n, (size_t)count);
}

static enum err designate_again(struct db_tx *tx, struct fail *f, const struct stock_body *body)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < body->count && !e; i++)
        e = db_exec(tx, f, &sql_flow_resident_code_stock_designated_add,
                    DB(db_int(body->codes[i].value), db_int(body->area.value)), NULL);
    return e;
}

/* A restored agency learns again what it designated. */
static enum err recover_notice(void *app UNUSED, struct db_tx *tx, const struct link_notice *n,
                               struct fail *f)
{
    struct stock_body *body = memory_new(sizeof *body);
    if (!body)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    enum err e = stock_body_read(f, n->body, body);
    if (!e)
        e = designate_again(tx, f, body);
    memory_free(body);
    return e;
}

const struct link_kind stock_request_at_agency = {
    .kind = LINK_KIND_STOCK_REQUEST, .scope = flow_scope_cs, .apply = apply_request};
const struct link_kind stock_notice_at_agency = {
    .kind = LINK_KIND_STOCK_NOTICE, .apply = flow_not_received, .recover = recover_notice};
