/* SPDX-License-Identifier: Apache-2.0 */
/* Resident codes that the register draws from its CS, and keeps until residents need them. */
#include "register/register_inside.h"

#include "register/register_sql.h"

enum { DRAW_TRIES = 60, DRAW_PAUSE_MICROS = 1000000 };

struct drawing {
    int64_t have, block;
    struct buf answer;
};

static enum err count_drawn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct drawing *d = arg;
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_drawn_count, DB_NONE);
    if (db_next(&rows))
        d->have = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    return e ? e : register_mark_get(tx, f, REGISTER_DRAWS, &d->block);
}

static enum err add_code(struct db_tx *tx, struct fail *f, const struct json *item)
{
    struct resident_code code;

    if (!json_is(item, JSON_STRING))
        return fail_set(f, ERR_DOOR_ANSWER, "resident_codes", NULL);
    enum err e = resident_code_parse(f, str_of(json_cstr(item)), &code);
    return e ? e : db_exec(tx, f, &sql_register_drawn_add, DB(db_int(code.value)), NULL);
}

static enum err keep_drawn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct drawing *d = arg;
    struct json *tree;
    const struct json *list;
    enum err e = json_read(f, buf_str(&d->answer), &tree);

    if (e)
        return e;
    e = json_member_array(f, tree, "resident_codes", &list);
    for (const struct json *code = e ? NULL : json_first(list); code && !e; code = code->next)
        e = add_code(tx, f, code);
    json_free(tree);
    return e ? e : register_mark_set(tx, f, REGISTER_DRAWS, d->block + 1);
}

static enum err ask_codes(struct resident_register *r, struct fail *f, struct drawing *d, int64_t count)
{
    char body[96], area[AREA_CODE_TEXT_SIZE];
    int n = snprintf(body, sizeof body, "{\"draw\":\"register.%s/%lld\",\"count\":%lld}",
                     area_code_text(r->area, area), (long long)d->block + 1, (long long)count);
    return door_client_call(r->draw_client, f, "/v1/resident-codes", (struct str){body, (size_t)n},
                            &d->answer, NULL);
}

static int64_t at_most(int64_t count, int64_t most)
{
    return count < most ? count : most;
}

/* The block's name is its number, kept with the codes it gave: a draw whose answer was lost gives the same
 * again. A CS that has not so many ahead may have what is needed now. */
static enum err draw_block(struct resident_register *r, struct fail *f, struct drawing *d, int64_t count,
                           int64_t ahead)
{
    enum err e = ERR_OK;

    for (int i = 0; i < DRAW_TRIES; i++) {
        e = ask_codes(r, f, d, i ? at_most(count, REGISTER_DRAW_LEAST) : at_most(ahead, REGISTER_DRAW_MOST));
        if (!e || err_row(e)->http != 503 || door_stopping(r))
            break;
        if (i) /* the CS is asking the agency for more */
            door_pause(r, DRAW_PAUSE_MICROS);
    }
    return e ? e : db_transaction(r->db, f, keep_drawn, d);
}

enum err register_draw(struct resident_register *r, struct fail *f, int64_t count, int64_t ahead)
{
    struct drawing d = {0};
    enum err e = ERR_OK;

    buf_init(&d.answer, 1 << 20);
    pthread_mutex_lock(&r->drawing);
    if (!r->draw_client)
        e = r->door.url ? door_client_new(f, &r->door, &r->draw_client)
                        : fail_set(f, ERR_DOOR_LOST, "door", NULL);
    while (!e && !(e = db_read(r->db, f, count_drawn, &d)) && d.have < count)
        e = draw_block(r, f, &d, count - d.have, (ahead > count ? ahead : count) - d.have);
    pthread_mutex_unlock(&r->drawing);
    buf_release(&d.answer);
    return e;
}
