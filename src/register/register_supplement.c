/* SPDX-License-Identifier: Apache-2.0 */
/* Decides when the municipality of the 本籍 is told that a supplement of the family register (戸籍の附票)
 * must change (法19条1項), and what it is told.
 *
 * The notice is queued behind the change that makes it, in the same transaction. It says the whole of what
 * the supplement holds (法17条), so each stands for itself. Nobody is told of foreigners and of whoever has
 * no 本籍, of households, and of a move to another municipality, which the new place tells. A change of the
 * family register itself is told at both ends.
 *
 * A register tells since its announcement has begun (register_supplement_announce): a municipality whose
 * residents were loaded tells once where everybody stands, in pages that go on where they broke off, and from
 * then on every change. */
#include "flow/koseki_supplement/supplement_message.h"
#include "register/register_inside.h"
#include "register/register_sql.h"

enum { PAGE = 500, SCRATCH_BYTES = 4 << 20, BODY_MAX = 16 << 10 };
static const int64_t ANNOUNCED =
    INT64_MAX; /* REGISTER_SUPPLEMENT: 0 not begun, else 1 + the last person told */

/* ---- what is told ---- */

/* By the municipal reason of a version; reasons that have no row change no supplement. */
static const struct {
    enum municipal_reason reason;
    enum supplement_event event;
} reasons[] = {
    {MUNICIPAL_DOMESTIC_MOVE_IN, SUPPLEMENT_ENTRY},
    {MUNICIPAL_MOVE_IN_FROM_ABROAD, SUPPLEMENT_ENTRY},
    {MUNICIPAL_BIRTH, SUPPLEMENT_ENTRY},
    {MUNICIPAL_ENTRY_NATURALISATION, SUPPLEMENT_ENTRY},
    {MUNICIPAL_EX_OFFICIO_ENTRY, SUPPLEMENT_ENTRY},
    {MUNICIPAL_CANCELLED_ENTRY, SUPPLEMENT_ENTRY},
    {MUNICIPAL_MOVE_OUT_ABROAD, SUPPLEMENT_ABROAD},
    {MUNICIPAL_DEATH, SUPPLEMENT_DEATH},
    {MUNICIPAL_EX_OFFICIO_REMOVAL, SUPPLEMENT_REMOVAL},
    {MUNICIPAL_REMOVAL_NATIONALITY_LOSS, SUPPLEMENT_REMOVAL},
    {MUNICIPAL_CANCELLED_REMOVAL, SUPPLEMENT_RESTORED},
    {MUNICIPAL_MOVE_WITHIN, SUPPLEMENT_MOVE_WITHIN},
    {MUNICIPAL_MINOR_CORRECTION, SUPPLEMENT_AMENDMENT},
    {MUNICIPAL_EX_OFFICIO_AMENDMENT, SUPPLEMENT_AMENDMENT},
    {MUNICIPAL_CLERICAL_CORRECTION, SUPPLEMENT_AMENDMENT},
    {MUNICIPAL_CANCELLED_AMENDMENT, SUPPLEMENT_AMENDMENT},
    {MUNICIPAL_CODE_CHANGE_REQUEST, SUPPLEMENT_CODE_CHANGE},
    {MUNICIPAL_CODE_ENTRY, SUPPLEMENT_CODE_CHANGE},
};

static enum supplement_event event_of(enum municipal_reason reason)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (reasons[i].reason == reason)
            return reasons[i].event;
    return SUPPLEMENT_NONE;
}

static bool is_removal(enum supplement_event event)
{
    return event == SUPPLEMENT_ABROAD || event == SUPPLEMENT_DEATH || event == SUPPLEMENT_REMOVAL;
}

/* Who is removed ex officio since a place is known where he lives is told by that place. */
static bool tells_removal(const struct resident_version *old, const struct resident_version *v)
{
    const enum supplement_event event = event_of(v->reason);

    return is_removal(event) && (event != SUPPLEMENT_REMOVAL ||
                                 (area_code_equal(v->row.moved_from_area, old->row.moved_from_area) &&
                                  str_equal(v->row.moved_from_address, old->row.moved_from_address)));
}

static bool has_koseki(const struct resident_version *v)
{
    const struct resident_row *r = &v->row;

    return !r->identity.foreign && r->honseki_area.value && r->honseki.n && r->honseki_head.n;
}

static bool same_koseki(const struct resident_version *a, const struct resident_version *b)
{
    return area_code_equal(a->row.honseki_area, b->row.honseki_area) &&
           str_equal(a->row.honseki, b->row.honseki) && str_equal(a->row.honseki_head, b->row.honseki_head);
}

/* Does the supplement say something else of v than of old, the family register aside? */
static bool says_other(const struct resident_version *old, const struct resident_version *v)
{
    const struct identity *a = &old->row.identity, *b = &v->row.identity;

    return !str_equal(a->address.text, b->address.text) ||
           !area_code_equal(a->address.area_code, b->address.area_code) ||
           date_compare(old->row.address_since, v->row.address_since) != 0 ||
           !str_equal(a->name.name, b->name.name) || date_compare(a->birth_date, b->birth_date) != 0 ||
           a->sex != b->sex || !resident_code_equal(a->resident_code, b->resident_code);
}

enum err register_find_departure(struct db_tx *tx, struct fail *f, struct arena *a,
                                 const struct resident_version *v, struct resident_version *departure)
{
    enum err e = ERR_OK;

    *departure = *v;
    while (!e && v->life != LIFE_CURRENT && municipal_row(departure->reason)->group != CHANGE_REMOVAL &&
           departure->previous)
        e = resident_version_get(tx, f, departure->previous, a, departure);
    return e;
}

struct telling {
    const struct resident_version *v;      /* what is told */
    const struct resident_version *koseki; /* to whose 本籍 */
    enum supplement_event event;
    bool cancelled;
    bool has_old_code;
    struct resident_code old_code;
};

static enum err tell(struct register_batch *b, struct fail *f, struct arena *a, const struct telling *t)
{
    const struct resident_row *koseki = &t->koseki->row;
    const struct identity *i = &t->v->row.identity;
    struct resident_version departure;
    enum err e = register_find_departure(b->tx, f, a, t->v, &departure);
    const bool abroad = departure.reason == MUNICIPAL_MOVE_OUT_ABROAD;
    const struct koseki_supplement_notice m = {
        .resident_code = {true, i->resident_code},
        .old_resident_code = {t->has_old_code, t->old_code},
        .honseki_area_code = koseki->honseki_area,
        .honseki = koseki->honseki,
        .honseki_head = koseki->honseki_head,
        .name = i->name.name,
        .birth_date = i->birth_date,
        .sex = {true, i->sex},
        .area_code = i->address.area_code,
        .address = abroad ? STR("") : i->address.text,
        .address_since = t->v->row.address_since,
        .abroad = abroad,
        .abroad_on = abroad ? departure.change_date : (struct date){0},
        .event = str_of(supplement_event_name(t->event)),
        .event_date = t->v->change_date,
        .sequence = b->change + 1,
        .cancelled = t->cancelled,
    };

    return e ? e
             : register_batch_message(b, f, t->v, area_code_cs(koseki->honseki_area),
                                      &koseki_supplement_notice_form, &m, 0);
}

/* ---- a change ---- */

static enum err telling_now(struct register_batch *b, struct fail *f, bool *now)
{
    int64_t mark = 0;
    enum err e = b->register_->door.url ? register_mark_get(b->tx, f, REGISTER_SUPPLEMENT, &mark) : ERR_OK;

    *now = !e && mark != 0;
    return e;
}

enum err register_tell_supplement_entry(struct register_batch *b, struct fail *f, struct arena *a,
                                        const struct resident_version *v)
{
    bool now;
    enum err e = has_koseki(v) ? telling_now(b, f, &now) : ERR_OK;

    if (e || !has_koseki(v) || !now || event_of(v->reason) != SUPPLEMENT_ENTRY)
        return e;
    return tell(b, f, a, &(struct telling){.v = v, .koseki = v, .event = SUPPLEMENT_ENTRY});
}

/* Whoever amends may put the person into another family register. */
static enum err tell_amendment(struct register_batch *b, struct fail *f, struct arena *a,
                               const struct resident_version *old, struct telling *t)
{
    const bool moved = !same_koseki(old, t->v);
    struct telling left = *t;
    enum err e = ERR_OK;

    t->has_old_code = left.has_old_code =
        !resident_code_equal(old->row.identity.resident_code, t->v->row.identity.resident_code);
    t->old_code = left.old_code = old->row.identity.resident_code;
    left.koseki = old;
    left.event = SUPPLEMENT_KOSEKI_LEFT;
    if (moved && has_koseki(old))
        e = tell(b, f, a, &left);
    if (e || !has_koseki(t->v) || (!moved && !says_other(old, t->v)))
        return e;
    if (moved)
        t->event = SUPPLEMENT_KOSEKI_ENTERED;
    return tell(b, f, a, t);
}

/* Does v, which is no amendment, change what the supplement says? */
static bool tells_state(const struct resident_version *old, const struct resident_version *v)
{
    return has_koseki(v) && (v->reason == MUNICIPAL_CANCELLED_ENTRY || tells_removal(old, v) ||
                             (v->reason == MUNICIPAL_CANCELLED_REMOVAL && is_removal(event_of(old->reason))));
}

enum err register_tell_supplement(struct register_batch *b, struct fail *f, struct arena *a,
                                  const struct resident_version *old, const struct resident_version *v)
{
    struct telling t = {.v = v,
                        .koseki = v,
                        .event = event_of(v->reason),
                        .cancelled = v->reason == MUNICIPAL_CANCELLED_ENTRY};
    bool now;
    enum err e = t.event ? telling_now(b, f, &now) : ERR_OK;

    if (e || !t.event || !now)
        return e;
    if (t.event == SUPPLEMENT_MOVE_WITHIN || t.event == SUPPLEMENT_AMENDMENT ||
        t.event == SUPPLEMENT_CODE_CHANGE)
        return tell_amendment(b, f, a, old, &t);
    return tells_state(old, v) ? tell(b, f, a, &t) : ERR_OK;
}

/* ---- all, once ---- */

struct announcing {
    struct resident_register *r;
    struct arena arena;
    struct buf body;
    int64_t told; /* by the last page */
    bool ended;
};

static enum err announce_person(struct register_batch *b, struct fail *f, struct arena *a, int64_t latest)
{
    struct resident_version v;
    enum err e = resident_version_get(b->tx, f, latest, a, &v);

    if (e || !has_koseki(&v))
        return e;
    return tell(b, f, a, &(struct telling){.v = &v, .koseki = &v, .event = SUPPLEMENT_ANNOUNCEMENT});
}

static enum err announce_page(struct db_tx *tx, struct fail *f, void *arg)
{
    struct announcing *g = arg;
    struct register_batch b = {.register_ = g->r, .tx = tx, .body = &g->body};
    int64_t latest[PAGE], mark = 0;
    size_t count = 0;
    struct db_rows rows;
    enum err e = register_batch_begin(&b, f);

    if (e || (e = register_mark_get(tx, f, REGISTER_SUPPLEMENT, &mark)))
        return e;
    g->told = 0;
    g->ended = mark == ANNOUNCED;
    if (g->ended)
        return ERR_OK;
    mark += !mark;
    db_query(tx, &rows, &sql_register_supplement_announce_page, DB(db_int(mark - 1), db_int(PAGE)));
    while (count < PAGE && db_next(&rows)) {
        mark = db_row_int(&rows, 0) + 1;
        latest[count++] = db_row_int(&rows, 1);
    }
    e = db_done(&rows, f);
    for (size_t i = 0; !e && i < count; i++) {
        arena_reset(&g->arena);
        e = announce_person(&b, f, &g->arena, latest[i]);
    }
    g->told = b.change - (b.first_change - 1);
    g->ended = count < PAGE;
    if (!e)
        e = register_mark_set(tx, f, REGISTER_SUPPLEMENT, g->ended ? ANNOUNCED : mark);
    return e ? e : register_batch_end(&b, f);
}

enum err register_supplement_announce(struct resident_register *r, struct fail *f, int64_t *told)
{
    struct announcing g = {.r = r};
    enum err e = r->door.url ? ERR_OK : fail_set(f, ERR_CONFIG, "door_url", NULL);

    *told = 0;
    if (e)
        return e;
    arena_init(&g.arena, SCRATCH_BYTES);
    buf_init(&g.body, BODY_MAX);
    while (!e && !g.ended && !door_stopping(r)) {
        if (!(e = db_transaction(r->db, f, announce_page, &g)))
            *told += g.told;
        door_sender_wake(r);
    }
    buf_release(&g.body);
    arena_release(&g.arena);
    return e;
}
