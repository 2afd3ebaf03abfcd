/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what becomes of messages of other municipalities: each is taken once, by the id of its notice, in
 * the transaction that moves the feed's cursor. One that cannot be taken goes on the list of intake errors
 * (取込エラー一覧) with its reason, and stops nobody; a person tries it again when the record is put right,
 * or marks it as seen. */
#include "base/clock.h"
#include "register/register_inside.h"
#include "register/register_sql.h"

enum { BODY_MAX = MESSAGE_BYTES_MAX, NOTICE_MAX = 95, SCRATCH_BYTES = 1 << 20, LIST_PAGE = 200 };

static const struct taker {
    const char *kind;
    enum err (*take)(struct register_batch *b, struct fail *f, struct arena *a, struct str id,
                     const struct json *body, int64_t *person);
} takers[] = {
    {"move_in_notice", register_take_move_in},
    {"move_out_certificate", register_take_certificate},
    {"koseki_supplement_notice", register_take_supplement},
};

struct arrival {
    struct str id, kind, from;
    struct area_code origin;
    const struct json *body;
    enum err error; /* why it cannot be taken */
    char field[48];
    int64_t person;
};

static enum err read_arrival(struct fail *f, const struct json *item, struct arena *a, struct arrival *out)
{
    enum err e;

    if ((e = json_member_text(f, item, "id", a, &out->id)) ||
        (e = json_member_text(f, item, "kind", a, &out->kind)) ||
        (e = json_member_text(f, item, "from", a, &out->from)) ||
        (e = area_code_parse(f, out->from, &out->origin)) ||
        (e = json_member_object(f, item, "body", &out->body)))
        return e;
    return out->id.n && out->id.n <= NOTICE_MAX ? ERR_OK : fail_set(f, ERR_DOOR_ANSWER, "id", NULL);
}

static const struct taker *taker_find(struct str kind)
{
    for (size_t i = 0; i < COUNT_OF(takers); i++)
        if (str_equal(kind, str_of(takers[i].kind)))
            return &takers[i];
    return NULL;
}

/* Writes what it makes of the message, or says in *m why it makes nothing of it; nothing is written then,
 * since whatever refuses it does so before the first write of each change, and what was written before that
 * change stands for itself. */
static enum err try_message(struct register_batch *b, struct fail *f, struct arena *a, struct arrival *m)
{
    const struct taker *taker = taker_find(m->kind);
    struct fail why = {0};
    enum err e = taker ? taker->take(b, &why, a, m->id, m->body, &m->person)
                       : fail_set(&why, ERR_KIND_UNKNOWN, "kind", NULL);

    if (e && err_row(e)->exit != 1)
        return fail_pass(f, &why);
    m->error = e;
    snprintf(m->field, sizeof m->field, "%s", why.field);
    return ERR_OK;
}

static enum err write_message(struct db_tx *tx, struct fail *f, const struct arrival *m)
{
    struct buf body;

    buf_init(&body, BODY_MAX);
    json_add_tree(&body, NULL, m->body);
    enum err e = buf_check(&body, f, "body");
    if (!e)
        e = db_exec(tx, f, &sql_register_message_add,
                    DB(db_text(m->id), db_text(m->kind), db_int(m->origin.value), db_int(clock_now()),
                       db_int(m->error ? REGISTER_INTAKE_ERROR : REGISTER_INTAKE_TAKEN), db_int(m->error),
                       db_text(str_of(m->field)), db_int(m->person), db_text(buf_str(&body))),
                    NULL);
    buf_release(&body);
    return e;
}

static enum err taken_before(struct db_tx *tx, struct fail *f, struct str id, bool *before)
{
    int64_t state;
    enum err e = register_find_int(tx, f, &sql_register_message_find, db_text(id), &state);

    *before = state != 0;
    return e;
}

enum err register_take_message(struct door_hearing *h, struct db_tx *tx, struct fail *f,
                               const struct json *item, struct arena *a)
{
    struct arrival m = {.error = ERR_OK};
    struct buf body;
    struct register_batch b = {.register_ = h->r, .tx = tx, .body = &body};
    bool before = false;
    enum err e = read_arrival(f, item, a, &m);

    if (!e)
        e = taken_before(tx, f, m.id, &before);
    if (e || before)
        return e;
    buf_init(&body, BODY_MAX);
    if (!(e = register_batch_begin(&b, f)) && !(e = try_message(&b, f, a, &m)) &&
        !(e = write_message(tx, f, &m)))
        e = register_batch_end(&b, f);
    buf_release(&body);
    return e;
}

/* ---- the list ---- */

struct intake_page {
    struct register_intake items[LIST_PAGE];
    size_t count;
    enum register_intake_state state;
    struct register_intake after;
};

static enum err read_page(struct db_tx *tx, struct fail *f, void *arg)
{
    struct intake_page *p = arg;
    struct db_rows rows;

    p->count = 0;
    db_query(tx, &rows, &sql_register_message_list,
             DB(db_int(p->state), db_int(p->after.came), db_text(str_of(p->after.id)), db_int(LIST_PAGE)));
    while (p->count < LIST_PAGE && db_next(&rows)) {
        struct register_intake *m = &p->items[p->count++];
        *m = (struct register_intake){.from = {(int32_t)db_row_int(&rows, 2)},
                                      .came = db_row_int(&rows, 3),
                                      .error = (enum err)db_row_int(&rows, 4)};
        snprintf(m->id, sizeof m->id, "%.*s", STR_ARG(db_row_text(&rows, 0)));
        snprintf(m->kind, sizeof m->kind, "%.*s", STR_ARG(db_row_text(&rows, 1)));
        snprintf(m->field, sizeof m->field, "%.*s", STR_ARG(db_row_text(&rows, 5)));
        snprintf(m->record, sizeof m->record, "%.*s", STR_ARG(db_row_text(&rows, 6)));
    }
    return db_done(&rows, f);
}

enum err register_intake(struct resident_register *r, struct fail *f, enum register_intake_state state,
                         void (*each)(void *arg, const struct register_intake *m), void *arg)
{
    struct intake_page *page = memory_new(sizeof *page);
    enum err e = page ? ERR_OK : fail_set(f, ERR_MEMORY, "messages", NULL);

    if (e)
        return e;
    page->state = state;
    do {
        e = db_read(r->db, f, read_page, page);
        for (size_t i = 0; !e && i < page->count; i++)
            each(arg, &page->items[i]);
        if (!e && page->count)
            page->after = page->items[page->count - 1];
    } while (!e && page->count == LIST_PAGE);
    memory_free(page);
    return e;
}

struct retry {
    struct resident_register *r;
    struct str id;
    bool give_up;
};

/* The message as it lies on the list; *tree holds its body. */
static enum err load_message(struct db_tx *tx, struct fail *f, struct arena *a, struct arrival *m,
                             struct json **tree)
{
    struct db_rows rows;
    struct str body = {NULL, 0};
    int64_t state = 0;

    db_query(tx, &rows, &sql_register_message_get, DB(db_text(m->id)));
    if (db_next(&rows)) {
        m->kind = arena_copy(a, db_row_text(&rows, 0));
        m->origin.value = (int32_t)db_row_int(&rows, 1);
        state = db_row_int(&rows, 3);
        body = arena_copy(a, db_row_text(&rows, 4));
    }
    enum err e = db_done(&rows, f);
    if (!e && !state)
        return fail_set(f, ERR_NOT_FOUND, "id", NULL);
    if (!e && state != REGISTER_INTAKE_ERROR)
        return fail_set(f, ERR_STATE, "id", "it is not on the list of intake errors");
    if (!e && (!m->kind.p || !body.p))
        e = fail_set(f, ERR_MEMORY, "id", NULL);
    if (!e && !(e = json_read(f, body, tree)))
        m->body = *tree;
    return e;
}

static enum err set_message(struct db_tx *tx, struct fail *f, const struct arrival *m,
                            enum register_intake_state state)
{
    return db_exec(
        tx, f, &sql_register_message_set,
        DB(db_text(m->id), db_int(state), db_int(m->error), db_text(str_of(m->field)), db_int(m->person)),
        NULL);
}

static enum err retry_with(struct retry *q, struct db_tx *tx, struct fail *f, struct arena *a,
                           struct arrival *m)
{
    struct buf body;
    struct register_batch b = {.register_ = q->r, .tx = tx, .body = &body};

    buf_init(&body, BODY_MAX);
    enum err e = register_batch_begin(&b, f);
    if (!e && !(e = try_message(&b, f, a, m)))
        e = m->error ? fail_set(f, m->error, m->field, NULL) : set_message(tx, f, m, REGISTER_INTAKE_TAKEN);
    if (!e)
        e = register_batch_end(&b, f);
    buf_release(&body);
    return e;
}

static enum err retry_message(struct db_tx *tx, struct fail *f, void *arg)
{
    struct retry *q = arg;
    struct arrival m = {.id = q->id};
    struct json *tree = NULL;
    struct arena a;

    arena_init(&a, SCRATCH_BYTES);
    enum err e = load_message(tx, f, &a, &m, &tree);
    if (!e)
        e = q->give_up ? set_message(tx, f, &m, REGISTER_INTAKE_SEEN) : retry_with(q, tx, f, &a, &m);
    json_free(tree);
    arena_release(&a);
    return e;
}

enum err register_intake_again(struct resident_register *r, struct fail *f, struct str id)
{
    struct retry q = {.r = r, .id = id};
    enum err e = db_transaction(r->db, f, retry_message, &q);

    if (!e)
        door_sender_wake(r);
    return e;
}

enum err register_intake_seen(struct resident_register *r, struct fail *f, struct str id)
{
    struct retry q = {.r = r, .id = id, .give_up = true};

    return db_transaction(r->db, f, retry_message, &q);
}
