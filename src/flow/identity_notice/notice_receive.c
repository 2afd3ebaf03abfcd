/* SPDX-License-Identifier: Apache-2.0 */
/* What each role does with an identity notice.
 *
 * Scope (法30条の6, 30条の7): a CS speaks of its own municipality only (a designated city of its wards), a
 * prefecture passes on what its own municipalities said. A notice that is there already, with the same
 * content, was recovered from a neighbour after a restore: it is accepted and changes nothing, nor is it
 * relayed again. All checks come before the first write. */
#include "base/clock.h"
#include "flow/identity_notice/notice_body.h"

/* ---- scope and persons: read from the body before anything is recorded ---- */

static enum err notice_area(struct fail *f, const struct link_notice *n, struct area_code *area)
{
    const struct json *identity = json_get(n->body, "identity");
    const struct json *value = json_get(identity, "area_code");
    if (!json_is(value, JSON_STRING))
        return fail_set(f, ERR_FIELD_MISSING, "area_code", NULL);
    return area_code_parse(f, json_str(value), area);
}

static enum err own_municipality(const struct link_notice *n, struct fail *f, int32_t prefecture)
{
    struct area_code area = {0};
    enum err e = notice_area(f, n, &area);
    if (e)
        return e;
    if (n->origin.role != NODE_CS || area_code_cs(area).value != n->origin.area)
        return fail_set(f, ERR_SCOPE, "area_code", "%06d from %s", area.value, n->origin.text);
    if (area_code_prefecture(area) != prefecture)
        return fail_set(f, ERR_SCOPE, "area_code", "%06d through %s", area.value, n->sender.text);
    return ERR_OK;
}

static enum err scope_at_prefecture(void *app, const struct link_notice *n, struct fail *f)
{
    const struct flow *flow = app;
    if (!node_name_equal(&n->origin, &n->sender))
        return fail_set(f, ERR_SCOPE, "origin", "%s through %s", n->origin.text, n->sender.text);
    return own_municipality(n, f, flow->self.area);
}

static enum err scope_at_agency(void *app UNUSED, const struct link_notice *n, struct fail *f)
{
    if (n->sender.role != NODE_PREFECTURE)
        return fail_set(f, ERR_SCOPE, "sender", "%s", n->sender.text);
    return own_municipality(n, f, n->sender.area);
}

static size_t persons(const struct link_notice *n, int64_t codes[static LINK_PERSONS_MAX])
{
    const struct json *identity = json_get(n->body, "identity");
    struct resident_code taken_back = {0};
    size_t count = flow_person_add(identity, "resident_code", codes, 0);
    count = flow_person_add(json_get(identity, "change"), "old_resident_code", codes, count);
    const struct json *code = json_first(json_get(n->body, "taken_back"));
    for (; code && count < LINK_PERSONS_MAX; code = code->next)
        if (json_is(code, JSON_STRING) && !resident_code_parse(NULL, json_str(code), &taken_back))
            codes[count++] = taken_back.value;
    return count;
}

/* ---- recording ---- */

/* What a role does besides recording. */
struct duty {
    bool final, relays; /* final: it knows whose every number and code is */
};

/* What cannot follow any more may be here already, or be passed over by a correction: no error then. */
static enum err plan_or_know(struct db_tx *tx, struct fail *f, const struct store_version *v,
                             struct store_plan *plan, enum store_known *known)
{
    struct fail why = {0};
    *known = STORE_NOT_KNOWN;
    enum err e = store_plan(tx, &why, v, plan);
    if (!e || err_row(e)->exit != 1)
        return e ? fail_set(f, e, why.field, "%s", why.detail) : ERR_OK;
    enum err asked = store_know(tx, f, v, known);
    return asked || *known ? asked : fail_set(f, e, why.field, "%s", why.detail);
}

/* Only a code of its own stock may be given by a municipality (法30条の4). Who may give which is settled
 * before anybody does, so this judgement does not depend on what came first. */
static enum err check_designation(struct flow *flow, struct db_tx *tx, struct fail *f,
                                  const struct store_version *v, const struct link_notice *n)
{
    struct area_code area = {0};
    if (change_row(v->change.reason)->group != CHANGE_CODE_AMENDMENT)
        return ERR_OK;
    enum err e = flow->code_designated(tx, f, v->identity.resident_code, &area);
    if (!e && area.value && area.value != n->origin.area)
        return fail_set(f, ERR_CODE_ELSEWHERE, "resident_code", NULL);
    return e;
}

static enum err record(struct flow *flow, struct db_tx *tx, const struct link_notice *n, struct fail *f,
                       const struct store_version *v, struct duty duty)
{
    struct store_plan plan;
    enum store_known known;
    enum err e = plan_or_know(tx, f, v, &plan, &known);
    if (e || known == STORE_SAID)
        return e;
    bool ends_number = known && v->change.has_old_number; /* no correction says that */
    if (!known && duty.final)
        e = check_designation(flow, tx, f, v, n);
    if (!e && duty.final && (!known || ends_number))
        e = flow->number_record(flow, tx, f, v, n);
    if (!e && !known)
        e = store_write(tx, f, &plan);
    if (!e && duty.relays) /* also what was passed over: the agency says what became of it */
        e = link_relay(flow->link, tx, f, n, flow->upper);
    return e;
}

static enum err receive(struct flow *flow, struct db_tx *tx, const struct link_notice *n, struct fail *f,
                        struct duty duty)
{
    struct arena a;
    struct store_version v;
    arena_init(&a, NOTICE_ARENA);
    enum err e = notice_body_read(f, n->body, &a, &v);
    if (!e) {
        v.entry = n->entry;
        v.noticed = clock_now();
        e = record(flow, tx, n, f, &v, duty);
    }
    arena_release(&a);
    return e;
}

static enum err apply_at_prefecture(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    return receive(app, tx, n, f, (struct duty){.relays = true});
}

static enum err apply_at_agency(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    return receive(app, tx, n, f, (struct duty){.final = true});
}

/* A restored CS or prefecture got back what it had sent: its store follows. */
static enum err recover(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    return receive(app, tx, n, f, (struct duty){0});
}

static enum err outcome_at_cs(void *app, struct db_tx *tx, int64_t first, int64_t last, char state,
                              int64_t error, struct str field, struct fail *f)
{
    struct flow *flow = app;
    return flow->door ? flow->door->outcome(flow->door_self, tx, f, first, last, state, error, field)
                      : ERR_OK;
}

static void ahead_at_cs(void *app, int64_t first, int64_t last)
{
    struct flow *flow = app;
    if (flow->door)
        flow->door->ahead(flow->door_self, first, last);
}

const struct link_kind identity_notice_at_cs = {.kind = LINK_KIND_IDENTITY_NOTICE,
                                                .apply = flow_not_received,
                                                .recover = recover,
                                                .outcome = outcome_at_cs,
                                                .ahead = ahead_at_cs};
const struct link_kind identity_notice_at_prefecture = {.kind = LINK_KIND_IDENTITY_NOTICE,
                                                        .scope = scope_at_prefecture,
                                                        .persons = persons,
                                                        .apply = apply_at_prefecture,
                                                        .recover = recover};
const struct link_kind identity_notice_at_agency = {.kind = LINK_KIND_IDENTITY_NOTICE,
                                                    .scope = scope_at_agency,
                                                    .persons = persons,
                                                    .apply = apply_at_agency,
                                                    .final = true};
