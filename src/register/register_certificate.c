/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what becomes of 転出証明書情報 that other municipalities send: the newest of each 転出届 is kept
 * until its persons come. Who is here by then needs it no more, whichever came first. */
#include "register/register_certificate.h"

#include "base/clock.h"
#include "register/register_certificate_inside.h"
#include "register/register_sql.h"

enum { SCRATCH_BYTES = 2 << 20, LIST_PAGE = 100 };

/* ---- taking ---- */

/* The record under which a person lives here now; 0 none. */
static enum err find_here(struct db_tx *tx, struct fail *f, struct arena *a, struct resident_code code,
                          int64_t *person)
{
    struct resident_version v;
    enum err e = register_find_int(tx, f, &sql_register_code_find, db_int(code.value), person);

    if (e || !*person || (e = resident_version_latest(tx, f, *person, a, &v)))
        return e;
    if (v.life != LIFE_CURRENT || !resident_code_equal(v.row.identity.resident_code, code))
        *person = 0;
    return ERR_OK;
}

static enum err keep_persons(struct db_tx *tx, struct fail *f, struct arena *a, struct area_code origin,
                             const struct move_out_certificate *m, int64_t *person)
{
    const struct db_value from = db_int(origin.value), name = db_text(m->certificate);
    enum err e = db_exec(tx, f, &sql_register_certified_clear, DB(from, name), NULL);

    for (size_t i = 0; !e && i < m->persons.count; i++) {
        const struct resident_code code = certificate_person_at(m, i)->resident_code.value;
        int64_t here = 0;
        if (!(e = find_here(tx, f, a, code, &here)))
            e = db_exec(tx, f, &sql_register_certified_add, DB(db_int(code.value), from, name, db_int(here)),
                        NULL);
        if (!e && here)
            *person = here;
    }
    return e;
}

static enum err keep(struct db_tx *tx, struct fail *f, struct str id, const struct move_out_certificate *m)
{
    struct buf body;

    buf_init(&body, MESSAGE_BYTES_MAX);
    message_write(&body, NULL, &move_out_certificate_form, m);
    enum err e = buf_check(&body, f, "certificate");
    if (!e)
        e = db_exec(tx, f, &sql_register_certificate_set,
                    DB(db_int(area_code_cs(m->area_code).value), db_text(m->certificate), db_text(id),
                       db_int(clock_now()), db_int(date_to_int(m->planned_on)), db_int(m->withdrawn),
                       db_text(buf_str(&body))),
                    NULL);
    buf_release(&body);
    return e;
}

enum err register_take_certificate(struct register_batch *b, struct fail *f, struct arena *a, struct str id,
                                   const struct json *body, int64_t *person)
{
    struct move_out_certificate m;
    enum err e = message_read(f, &move_out_certificate_form, body, a, &m);

    if (!e)
        e = keep(b->tx, f, id, &m);
    return e ? e : keep_persons(b->tx, f, a, area_code_cs(m.area_code), &m, person);
}

struct keeping {
    struct resident_register *r;
    struct str id;
    const struct json *body;
    struct arena arena;
};

static enum err keep_answer(struct db_tx *tx, struct fail *f, void *arg)
{
    struct keeping *k = arg;
    struct move_out_certificate m;
    int64_t person;
    enum err e;

    arena_reset(&k->arena);
    if ((e = message_read(f, &move_out_certificate_form, k->body, &k->arena, &m)))
        return e;
    if (!area_code_equal(area_code_cs(m.destination_area_code), k->r->cs))
        return fail_set(f, ERR_DOOR_AREA, "destination_area_code", NULL);
    e = keep(tx, f, k->id, &m);
    return e ? e : keep_persons(tx, f, &k->arena, area_code_cs(m.area_code), &m, &person);
}

enum err register_certificate_keep(struct resident_register *r, struct fail *f, struct str id,
                                   const struct json *certificate)
{
    struct keeping k = {.r = r, .id = id, .body = certificate};

    arena_init(&k.arena, SCRATCH_BYTES);
    enum err e = db_transaction(r->db, f, keep_answer, &k);
    arena_release(&k.arena);
    return e;
}

/* ---- one ---- */

enum err kept_certificate_get(struct db_tx *tx, struct fail *f, struct arena *a, struct area_code origin,
                              struct str certificate, struct kept_certificate *out)
{
    struct json *tree = NULL;
    struct str body = {NULL, 0};
    struct db_rows rows;

    *out = (struct kept_certificate){0};
    db_query(tx, &rows, &sql_register_certificate_get, DB(db_int(origin.value), db_text(certificate)));
    if (db_next(&rows)) {
        out->place = db_row_int(&rows, 0);
        out->came = db_row_int(&rows, 1);
        body = arena_copy(a, db_row_text(&rows, 4));
    }
    enum err e = db_done(&rows, f);
    if (!e && !out->place)
        e = fail_set(f, ERR_NOT_FOUND, "certificate", NULL);
    if (!e)
        e = json_read(f, body, &tree);
    if (!e)
        e = message_read(f, &move_out_certificate_form, tree, a, &out->message);
    json_free(tree);
    return e;
}

struct showing {
    struct area_code origin;
    struct str certificate;
    struct arena arena;
    struct buf *out;
};

static enum err add_entered(struct db_tx *tx, struct fail *f, const struct showing *s)
{
    char code[RESIDENT_CODE_TEXT_SIZE];
    struct db_rows rows;

    json_begin(s->out, "entered", '{');
    db_query(tx, &rows, &sql_register_certified_list, DB(db_int(s->origin.value), db_text(s->certificate)));
    while (db_next(&rows))
        if (db_row_int(&rows, 1))
            json_add_text(s->out, resident_code_REVEAL((struct resident_code){db_row_int(&rows, 0)}, code),
                          db_row_text(&rows, 2));
    json_end(s->out, '}');
    return db_done(&rows, f);
}

static enum err show(struct db_tx *tx, struct fail *f, void *arg)
{
    struct showing *s = arg;
    struct kept_certificate kept;
    char area[AREA_CODE_TEXT_SIZE], came[CLOCK_TEXT_SIZE], day[DATE_TEXT_SIZE];
    enum err e = kept_certificate_get(tx, f, &s->arena, s->origin, s->certificate, &kept);

    if (e)
        return e;
    json_begin(s->out, NULL, '{');
    json_add_text(s->out, "from", str_of(area_code_text(s->origin, area)));
    json_add_text(s->out, "came", str_of(clock_text(kept.came, came)));
    json_add_text(s->out, "due",
                  str_of(date_text(date_add_days(kept.message.planned_on, CERTIFICATE_PLANNED_DAYS), day)));
    json_add_bool(s->out, "withdrawn", kept.message.withdrawn);
    e = add_entered(tx, f, s);
    message_write(s->out, "certificate", &move_out_certificate_form, &kept.message);
    json_end(s->out, '}');
    return e ? e : buf_check(s->out, f, "certificate");
}

enum err register_certificate_show(struct resident_register *r, struct fail *f, struct area_code origin,
                                   struct str certificate, struct buf *out)
{
    struct showing s = {origin, certificate, {0}, out};

    arena_init(&s.arena, SCRATCH_BYTES);
    enum err e = db_read(r->db, f, show, &s);
    arena_release(&s.arena);
    return e;
}

/* ---- all ---- */

struct page {
    struct register_certificate items[LIST_PAGE];
    size_t count;
    int64_t after;
};

static enum err read_page(struct db_tx *tx, struct fail *f, void *arg)
{
    struct page *p = arg;
    struct db_rows rows;
    int64_t last = p->after;

    p->count = 0;
    db_query(tx, &rows, &sql_register_certificate_page, DB(db_int(p->after), db_int(LIST_PAGE)));
    while (p->count < LIST_PAGE && db_next(&rows)) {
        struct register_certificate *c = &p->items[p->count++];
        last = db_row_int(&rows, 0);
        *c = (struct register_certificate){.origin = {(int32_t)db_row_int(&rows, 1)},
                                           .came = db_row_int(&rows, 3),
                                           .planned_on = date_from_int((int32_t)db_row_int(&rows, 4)),
                                           .withdrawn = db_row_int(&rows, 5) != 0,
                                           .persons = db_row_int(&rows, 6),
                                           .entered = db_row_int(&rows, 7)};
        c->due = date_add_days(c->planned_on, CERTIFICATE_PLANNED_DAYS);
        snprintf(c->certificate, sizeof c->certificate, "%.*s", STR_ARG(db_row_text(&rows, 2)));
    }
    enum err e = db_done(&rows, f);
    if (!e)
        p->after = last;
    return e;
}

enum err register_certificates(struct resident_register *r, struct fail *f,
                               void (*each)(void *arg, const struct register_certificate *c), void *arg)
{
    struct page *page = memory_new(sizeof *page);
    enum err e = page ? ERR_OK : fail_set(f, ERR_MEMORY, "certificates", NULL);

    if (e)
        return e;
    do {
        e = db_read(r->db, f, read_page, page);
        for (size_t i = 0; !e && i < page->count; i++)
            each(arg, &page->items[i]);
    } while (!e && page->count == LIST_PAGE);
    memory_free(page);
    return e;
}
