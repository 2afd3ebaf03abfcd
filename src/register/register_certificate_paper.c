/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of somebody who is leaving when it is asked for: the content of a 転出証明書 for printing
 * (法24条, 令23条), and the answer to a municipality where somebody arrived who had planned to go elsewhere
 * (法24条の2第4項). */
#include "register/register_certificate_inside.h"
#include "register/register_sql.h"

enum { SCRATCH_BYTES = 2 << 20 };

struct asking {
    struct str record;
    const struct json *question;
    struct arena arena;
    struct buf *out;
};

/* ---- paper ---- */

static void write_paper(struct buf *out, const struct move_out_certificate *m, bool special)
{
    char area[AREA_CODE_TEXT_SIZE], day[DATE_TEXT_SIZE];

    json_begin(out, NULL, '{');
    json_add_text(out, "paper", str_of(move_out_certificate_form.name));
    json_add_text(out, "title", STR("転出証明書"));
    if (special)
        json_add_text(out, "mark", STR("特例による転出処理済"));
    json_add_text(out, "issuer", str_of(area_code_text(m->area_code, area)));
    json_add_text(out, "made_on", str_of(date_text(date_today(), day)));
    message_write(out, "certificate", &move_out_certificate_form, m);
    json_end(out, '}');
}

static enum err paper(struct db_tx *tx, struct fail *f, void *arg)
{
    struct asking *q = arg;
    struct move_out_certificate m;
    struct resident_version v;
    bool special = false;
    int64_t person;
    enum err e = register_find_int(tx, f, &sql_register_record_find, db_text(q->record), &person);

    if (!e && !person)
        e = fail_set(f, ERR_NOT_FOUND, "record", NULL);
    if (e || (e = resident_version_latest(tx, f, person, &q->arena, &v)))
        return e;
    if (v.life != LIFE_LEAVING)
        return fail_set(f, ERR_STATE, "record", "nobody who is leaving");
    if ((e = register_departure_make(tx, f, &q->arena, &v, &m, &special)))
        return e;
    write_paper(q->out, &m, special);
    return buf_check(q->out, f, "certificate");
}

static enum err ask(struct resident_register *r, struct fail *f, db_fn fn, struct asking *q)
{
    arena_init(&q->arena, SCRATCH_BYTES);
    enum err e = db_read(r->db, f, fn, q);
    arena_release(&q->arena);
    return e;
}

enum err register_certificate_paper(struct resident_register *r, struct fail *f, struct str record,
                                    struct buf *out)
{
    struct asking q = {.record = record, .out = out};

    return ask(r, f, paper, &q);
}

/* ---- the answer to another municipality ---- */

/* One person who is leaving by card, and no other. */
static enum err find_by_name(struct db_tx *tx, struct fail *f, const struct move_out_certificate_question *q,
                             int64_t *person)
{
    struct db_rows rows;
    int64_t found = 0;

    db_query(tx, &rows, &sql_register_departing_by_name,
             DB(db_text(q->name), db_int(date_to_int(q->birth_date)), db_int(q->sex.value)));
    for (; db_next(&rows); found++)
        *person = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    return e || found == 1 ? e : fail_set(f, ERR_NOT_FOUND, "name", "%s", found ? "more than one" : "");
}

static enum err find_asked(struct db_tx *tx, struct fail *f, const struct move_out_certificate_question *q,
                           int64_t *person)
{
    if (!q->resident_code.has)
        return find_by_name(tx, f, q, person);
    enum err e =
        register_find_int(tx, f, &sql_register_code_find, db_int(q->resident_code.value.value), person);
    return e || *person ? e : fail_set(f, ERR_NOT_FOUND, "resident_code", NULL);
}

static enum err answer(struct db_tx *tx, struct fail *f, void *arg)
{
    struct asking *q = arg;
    struct move_out_certificate m;
    struct resident_version v;
    struct move_out_certificate_question asked;
    bool special = false;
    int64_t person = 0;
    enum err e = message_read(f, &move_out_certificate_question_form, q->question, &q->arena, &asked);

    if (e || (e = find_asked(tx, f, &asked, &person)) ||
        (e = resident_version_latest(tx, f, person, &q->arena, &v)))
        return e;
    if (v.life != LIFE_LEAVING)
        return fail_set(f, ERR_STATE, "resident_code", "nobody who is leaving");
    if ((e = register_departure_make(tx, f, &q->arena, &v, &m, &special)))
        return e;
    if (!special)
        return fail_set(f, ERR_CERTIFICATE_CARD, "resident_code", NULL);
    /* it is said to whoever asks; where they planned to go nobody there needs */
    m.destination_area_code = asked.area_code;
    m.destination_address = STR("");
    if ((e = message_check(f, &move_out_certificate_form, &m)))
        return e;
    message_write(q->out, NULL, &move_out_certificate_form, &m);
    return buf_check(q->out, f, "certificate");
}

enum err register_certificate_answer(struct resident_register *r, struct fail *f, const struct json *question,
                                     struct buf *out)
{
    struct asking q = {.question = question, .out = out};

    return ask(r, f, answer, &q);
}
