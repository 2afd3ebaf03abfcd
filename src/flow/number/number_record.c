/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers seen in identity notices, at the agency: whose each is, and that it is nobody else's (番号法8条).
 *
 * A person's own first number needs no row: that it came is seen in the version that is written now. Every
 * other number gets one, or keeps it. All judging comes before the first write. */
#include "flow/flow_number_sql.h"
#include "flow/number/number_state.h"

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
    bool add, set;
    bool came; /* the first number of the code `awaited`, whose notice was awaited */
    struct resident_code awaited;
    struct number_owner owner; /* to be set */
};

static enum err plan_known(struct db_tx *tx, struct fail *f, const struct store_version *v,
                           const struct link_notice *n, struct recording *r)
{
    const struct identity *i = &v->identity;
    const struct change *c = &v->change;
    struct resident_code owner = r->owner.code;
    bool moves = c->has_old_code && resident_code_equal(owner, c->old_code);
    for (size_t k = 0; k < v->taken_back_count && !moves; k++)
        moves = resident_code_equal(owner, v->taken_back[k]);
    bool same = moves || resident_code_equal(owner, i->resident_code);
    enum err e = same ? ERR_OK : had_already(tx, f, v, &same);
    if (!e && !same)
        e = same_by_codes(tx, f, owner, v, n, &same);
    if (!e && !same)
        e = same_person(tx, f, owner, i, &same);
    if (e)
        return e;
    if (!same)
        return fail_set(f, ERR_NUMBER_TAKEN, "individual_number", NULL);
    r->set = moves || r->owner.state == NUMBER_GENERATED;
    r->came = r->owner.derived && r->set;
    r->awaited = owner;
    if (moves)
        r->owner.code = i->resident_code;
    if (r->owner.state != NUMBER_FORMER)
        r->owner.state = NUMBER_IN_USE;
    return ERR_OK;
}

/* No row: the person's own first number, another's, or nobody's. */
static enum err plan_derived(const struct flow *flow, struct db_tx *tx, struct fail *f,
                             const struct store_version *v, struct recording *r)
{
    struct individual_number number = v->identity.individual_number;
    struct number_owner *o = &r->owner;
    bool first = false;
    enum err e = number_first_of(flow, f, number, &o->code, &first);
    if (e || !first)
        return e;
    o->derived = true;
    r->awaited = o->code;
    r->came = resident_code_equal(o->code, v->identity.resident_code);
    return r->came ? ERR_OK : number_first_state(tx, f, o->code, number, &o->state);
}

static enum err plan_recording(const struct flow *flow, struct db_tx *tx, struct fail *f,
                               const struct store_version *v, const struct link_notice *n,
                               struct recording *r)
{
    *r = (struct recording){0};
    enum err e = number_row(tx, f, v->identity.individual_number, &r->owner);
    if (!e && r->owner.state == NUMBER_FREE)
        e = plan_derived(flow, tx, f, v, r);
    if (e || r->came)
        return e;
    r->add = r->owner.state == NUMBER_FREE;
    return r->add ? ERR_OK : plan_known(tx, f, v, n, r);
}

static enum err set_owner(struct db_tx *tx, struct fail *f, struct individual_number number,
                          const struct number_owner *o)
{
    return db_exec(tx, f, &sql_flow_number_issued_set,
                   DB(db_int(number.value), db_int(o->code.value), db_int(o->state),
                      db_int(o->derived ? GENERATION_FIRST : GENERATION_ELSEWHERE)),
                   NULL);
}

static enum err forget_awaited(struct db_tx *tx, struct fail *f, struct resident_code code)
{
    return db_exec(tx, f, &sql_flow_number_awaited_remove, DB(db_int(code.value)), NULL);
}

static enum err write(struct db_tx *tx, struct fail *f, const struct store_version *v,
                      const struct recording *r)
{
    struct individual_number number = v->identity.individual_number;
    enum err e = ERR_OK;
    if (r->add)
        e = db_exec(tx, f, &sql_flow_number_issued_add,
                    DB(db_int(number.value), db_int(v->identity.resident_code.value), db_int(NUMBER_IN_USE),
                       db_int(GENERATION_ELSEWHERE)),
                    NULL);
    if (!e && r->set)
        e = set_owner(tx, f, number, &r->owner);
    return !e && r->came ? forget_awaited(tx, f, r->awaited) : e;
}

/* A number becomes a former one: nobody's in future, whoever has it now. */
static enum err end_former(const struct flow *flow, struct db_tx *tx, struct fail *f,
                           struct individual_number number, struct resident_code code)
{
    struct number_owner owner;
    enum err e = number_owner(flow, tx, f, number, &owner);
    if (e)
        return e;
    bool awaited = owner.derived && owner.state == NUMBER_GENERATED;
    if (owner.state == NUMBER_FREE)
        owner.code = code;
    owner.state = NUMBER_FORMER;
    e = set_owner(tx, f, number, &owner);
    return !e && awaited ? forget_awaited(tx, f, owner.code) : e;
}

enum err number_record(struct flow *flow, struct db_tx *tx, struct fail *f, const struct store_version *v,
                       const struct link_notice *n)
{
    struct recording r;
    const struct identity *i = &v->identity;
    if (!i->has_individual_number)
        return ERR_OK;
    enum err e = plan_recording(flow, tx, f, v, n, &r);
    if (!e)
        e = write(tx, f, v, &r);
    if (!e && v->change.has_old_number)
        e = end_former(flow, tx, f, v->change.old_number, i->resident_code);
    return e;
}
