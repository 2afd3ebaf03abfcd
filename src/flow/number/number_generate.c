/* SPDX-License-Identifier: Apache-2.0 */
/* Makes Individual Numbers and keeps whose they are, at the agency (番号法8条2項, 同施行令8条).
 *
 * Candidate g of a code: FF1 over eleven digits, the ten of the code's payload and the digit g; the eleven
 * that come out are the number's payload. FF1 is a permutation, so two codes or generations never give the
 * same number; what can collide are numbers that came from elsewhere, and those are in the table. */
#include "base/clock.h"
#include "flow/flow_number_sql.h"
#include "flow/number/number_state.h"

enum { PAYLOAD_DIGITS = 11 };

enum err number_owner(struct db_tx *tx, struct fail *f, struct individual_number number,
                      struct resident_code *owner, enum number_state *state)
{
    struct db_rows rows;
    enum number_state found = NUMBER_FREE;
    db_query(tx, &rows, &sql_flow_number_issued_find, DB(db_int(number.value)));
    while (db_next(&rows)) {
        owner->value = db_row_int(&rows, 0);
        found = (enum number_state)db_row_int(&rows, 1);
    }
    enum err e = db_done(&rows, f);
    if (!e)
        *state = found;
    return e;
}

static enum err candidate(const struct flow *flow, struct fail *f, struct resident_code code, int generation,
                          struct individual_number *out)
{
    uint8_t digits[PAYLOAD_DIGITS];
    int64_t payload = code.value / 10; /* without the check digit */
    digits[PAYLOAD_DIGITS - 1] = (uint8_t)generation;
    for (int i = PAYLOAD_DIGITS - 2; i >= 0; i--, payload /= 10)
        digits[i] = (uint8_t)(payload % 10);
    enum err e = ff1_encrypt(f, flow->number_key, STR("individual_number"), digits, PAYLOAD_DIGITS, digits);
    if (e)
        return e;
    for (int i = 0; i < PAYLOAD_DIGITS; i++)
        payload = payload * 10 + digits[i];
    *out = individual_number_from_payload(payload);
    return ERR_OK;
}

static enum err find_answer(struct db_tx *tx, struct fail *f, struct str request,
                            struct individual_number *out, bool *found)
{
    struct db_rows rows;
    *found = false;
    db_query(tx, &rows, &sql_flow_number_answer_find, DB(db_text(request)));
    while (db_next(&rows)) {
        out->value = db_row_int(&rows, 0);
        *found = true;
    }
    return db_done(&rows, f);
}

/* The number the person has already, by what the store knows of the code: nothing, of most who ask for their
 * first. */
static enum err find_recorded(struct db_tx *tx, struct fail *f, struct resident_code code,
                              struct individual_number *out, bool *found)
{
    struct arena a;
    struct store_version v;
    struct fail why = {0};
    bool known = false;
    enum err e = store_code_known(tx, f, code, &known);
    if (e || !known)
        return e;
    arena_init(&a, 64 * 1024);
    e = store_current(tx, &why, code, &a, &v);
    *found = !e && v.identity.has_individual_number;
    if (*found)
        *out = v.identity.individual_number;
    arena_release(&a);
    return !e || e == ERR_NOT_FOUND ? ERR_OK : fail_set(f, e, why.field, "%s", why.detail);
}

/* Takes candidate g when it is free, or was generated for this code and never used. The row itself says
 * whether it is free: almost every one is, and looking first would walk the same way in a large table twice.
 */
static enum err try_generation(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code code,
                               enum number_request_kind kind, int generation, struct individual_number *out,
                               bool *taken)
{
    struct individual_number number;
    struct resident_code owner = {0};
    enum number_state state = NUMBER_FREE;
    int64_t added = 0;
    enum err e = candidate(flow, f, code, generation, &number);
    if (!e)
        e = db_exec(
            tx, f, &sql_flow_number_issued_add,
            DB(db_int(number.value), db_int(code.value), db_int(NUMBER_GENERATED), db_int(generation)),
            &added);
    if (!e && !added)
        e = number_owner(tx, f, number, &owner, &state);
    if (e)
        return e;
    bool again = kind == NUMBER_NEW && state == NUMBER_GENERATED && resident_code_equal(owner, code);
    *taken = added || again;
    if (*taken)
        *out = number;
    return ERR_OK;
}

static enum err generate(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code code,
                         enum number_request_kind kind, struct individual_number *out)
{
    bool found = false;
    enum err e = kind == NUMBER_NEW ? find_recorded(tx, f, code, out, &found) : ERR_OK;
    for (int g = 0; g < NUMBER_GENERATIONS && !found && !e; g++)
        e = try_generation(flow, tx, f, code, kind, g, out, &found);
    if (!e && !found)
        return fail_set(f, ERR_NUMBER_EXHAUSTED, "resident_code", NULL);
    return e;
}

enum err number_generate(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code code,
                         enum number_request_kind kind, struct str request_id, struct individual_number *out)
{
    bool found;
    struct individual_number number = {0};
    enum err e = find_answer(tx, f, request_id, &number, &found);
    if (!e && !found) {
        e = generate(flow, tx, f, code, kind, &number);
        if (!e)
            e = db_exec(tx, f, &sql_flow_number_answer_add,
                        DB(db_text(request_id), db_int(number.value), db_int(clock_now())), NULL);
    }
    if (!e)
        *out = number;
    return e;
}

/* ---- numbers seen in identity notices ---- */

/* The episode had the number before this change: it was judged when it came. */
static enum err had_already(struct db_tx *tx, struct fail *f, const struct store_version *v, bool *had)
{
    struct arena a;
    struct store_version latest;
    struct fail why = {0};
    struct resident_code code = v->change.has_old_code ? v->change.old_code : v->identity.resident_code;
    *had = false;
    enum err e = store_code_now(tx, f, code, v->identity.address.area_code, &code);
    if (e)
        return e;
    arena_init(&a, 64 * 1024);
    e = store_latest(tx, &why, code, v->identity.address.area_code, &a, &latest);
    *had = !e && latest.identity.has_individual_number &&
           individual_number_equal(latest.identity.individual_number, v->identity.individual_number);
    arena_release(&a);
    return !e || e == ERR_EPISODE_UNKNOWN ? ERR_OK : fail_set(f, e, why.field, "%s", why.detail);
}

/* Code changes, recorded or waiting behind this notice, tie the owner's code to the person's. */
static enum err same_by_codes(struct db_tx *tx, struct fail *f, struct resident_code owner,
                              const struct store_version *v, const struct link_notice *n, bool *same)
{
    enum err e = store_codes_linked(tx, f, owner, v->identity.resident_code, same);
    for (size_t i = 0; n && i < n->linked_count && !e && !*same; i++)
        e = store_codes_linked(tx, f, owner, (struct resident_code){n->linked[i]}, same);
    return e;
}

/* Is the owner of the number, by what the store says of that code, this same person? Then the notice of their
 * code change is still on its way from another municipality. Twins share a birthday but not a name. */
static enum err same_person(struct db_tx *tx, struct fail *f, struct resident_code owner,
                            const struct identity *i, bool *same)
{
    struct arena a;
    struct store_version v;
    struct fail why = {0};
    arena_init(&a, 64 * 1024);
    enum err e = store_current(tx, &why, owner, &a, &v);
    *same = !e && date_compare(v.identity.birth_date, i->birth_date) == 0 &&
            str_equal(v.identity.name.name, i->name.name);
    arena_release(&a);
    return !e || e == ERR_NOT_FOUND ? ERR_OK : fail_set(f, e, why.field, "%s", why.detail);
}

/* How a number that an identity notice names is to be written, found by looking only. */
struct recording {
    bool add, update;
    struct resident_code owner;
    enum number_state state;
};

static enum err plan_known(struct db_tx *tx, struct fail *f, const struct store_version *v,
                           const struct link_notice *n, struct recording *r)
{
    const struct identity *i = &v->identity;
    const struct change *c = &v->change;
    bool own = resident_code_equal(r->owner, i->resident_code);
    bool moves = c->has_old_code && resident_code_equal(r->owner, c->old_code);
    for (size_t k = 0; k < v->taken_back_count && !moves; k++)
        moves = resident_code_equal(r->owner, v->taken_back[k]);
    bool same = own || moves;
    enum err e = same ? ERR_OK : had_already(tx, f, v, &same);
    if (!e && !same)
        e = same_by_codes(tx, f, r->owner, v, n, &same);
    if (!e && !same)
        e = same_person(tx, f, r->owner, i, &same);
    if (e)
        return e;
    if (!same)
        return fail_set(f, ERR_NUMBER_TAKEN, "individual_number", NULL);
    r->update = moves || r->state == NUMBER_GENERATED;
    if (moves)
        r->owner = i->resident_code;
    if (r->state != NUMBER_FORMER)
        r->state = NUMBER_IN_USE;
    return ERR_OK;
}

static enum err plan_recording(struct db_tx *tx, struct fail *f, const struct store_version *v,
                               const struct link_notice *n, struct recording *r)
{
    *r = (struct recording){0};
    enum err e = number_owner(tx, f, v->identity.individual_number, &r->owner, &r->state);
    if (e || r->state != NUMBER_FREE)
        return e ? e : plan_known(tx, f, v, n, r);
    r->add = true;
    return ERR_OK;
}

enum err number_record(struct flow *flow UNUSED, struct db_tx *tx, struct fail *f,
                       const struct store_version *v, const struct link_notice *n)
{
    struct recording r;
    const struct identity *i = &v->identity;
    const struct change *c = &v->change;
    int64_t number = i->individual_number.value, code = i->resident_code.value;
    if (!i->has_individual_number)
        return ERR_OK;
    enum err e = plan_recording(tx, f, v, n, &r);
    if (!e && r.add)
        e = db_exec(tx, f, &sql_flow_number_issued_add,
                    DB(db_int(number), db_int(code), db_int(NUMBER_IN_USE), db_int(GENERATION_ELSEWHERE)),
                    NULL);
    if (!e && r.update)
        e = db_exec(tx, f, &sql_flow_number_issued_update,
                    DB(db_int(number), db_int(r.owner.value), db_int(r.state)), NULL);
    if (!e && c->has_old_number)
        e = db_exec(tx, f, &sql_flow_number_issued_end,
                    DB(db_int(c->old_number.value), db_int(code), db_int(NUMBER_FORMER)), NULL);
    return e;
}
