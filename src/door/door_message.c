/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how messages of other municipalities reach the register: GET /v1/messages?after=C&wait=S.
 *
 *     {"messages":[{"kind","from","id","replaces"?,"time","body":{...}}, ...],"cursor":C2}
 *
 * A feed like those of outcomes and numbers. Its cursors say in which life of the CS they were given: a
 * restored CS may have lost what its register has read, and gets it from its neighbours again, in another
 * order; so it goes on behind every cursor of the lives before, and the register reads all of it, knowing by
 * the id what it has taken. */
#include "door/door_inside.h"
#include "door/door_sql.h"

enum { LIFE_BITS = 40 };

enum err door_message_came(void *self, struct db_tx *tx, struct fail *f,
                           const struct municipal_arrival *arrival)
{
    struct door *d = self;
    int64_t last = 0, least = (link_epoch(d->flow->link) - 1) << LIFE_BITS;
    enum err e = door_mark_get(tx, f, DOOR_MESSAGES, &last);

    if (e)
        return e;
    int64_t cursor = (last > least ? last : least) + 1;
    atomic_store(&d->touched[DOOR_FEED_MESSAGES], true);
    e = db_exec(tx, f, &sql_door_mark_set, DB(db_int(DOOR_MESSAGES), db_int(cursor)), NULL);
    return e ? e
             : db_exec(tx, f, &sql_door_message_add,
                       DB(db_int(cursor), db_text(str_of(arrival->kind)), db_int(arrival->from.value),
                          db_text(arrival->id), db_text(arrival->replaces.p ? arrival->replaces : STR("")),
                          db_int(arrival->time), db_text(arrival->body)),
                       NULL);
}

static void write_message(struct buf *out, const struct db_rows *row)
{
    char area[AREA_CODE_TEXT_SIZE];

    json_begin(out, NULL, '{');
    json_add_text(out, "kind", db_row_text(row, 1));
    json_add_text(out, "from", str_of(area_code_text((struct area_code){(int32_t)db_row_int(row, 2)}, area)));
    json_add_text(out, "id", db_row_text(row, 3));
    if (db_row_text(row, 4).n)
        json_add_text(out, "replaces", db_row_text(row, 4));
    json_add_int(out, "time", db_row_int(row, 5));
    json_add_raw(out, "body", db_row_text(row, 6));
    json_end(out, '}');
}

static enum err page_messages(struct db_tx *tx, struct fail *f, void *arg)
{
    struct door_page *p = arg;
    struct buf *out = &p->request->out;
    struct db_rows rows;

    buf_clear(out);
    p->rows = 0;
    p->cursor = p->request->after;
    json_begin(out, NULL, '{');
    json_begin(out, "messages", '[');
    db_query(tx, &rows, &sql_door_message_after, DB(db_int(p->cursor), db_int(DOOR_PAGE)));
    for (; out->n < DOOR_ANSWER_MAX / 2 && db_next(&rows); p->rows++) {
        p->cursor = db_row_int(&rows, 0);
        write_message(out, &rows);
    }
    json_end(out, ']');
    json_add_int(out, "cursor", p->cursor);
    json_end(out, '}');
    return db_done(&rows, f);
}

enum err door_messages_read(struct door *d, struct door_request *r, struct fail *f)
{
    struct door_page page;
    enum err e = door_feed_read(d, DOOR_FEED_MESSAGES, r, f, page_messages, &page);

    r->cursor = e ? -1 : page.cursor;
    return e;
}
