/* SPDX-License-Identifier: Apache-2.0 */
/* 転出確定通知: the CS adds the next version to the episode's chain and tells its prefecture, which does the
 * same and passes it on to the agency. Each copies the record from its own newest version: the notice holds
 * nothing of it.
 *
 * What cannot follow yet (an earlier version is missing) waits on the error list like any notice of the
 * chain; what a later correction has said already is accepted and changes nothing. */
#include "base/clock.h"
#include "flow/move_in/move_in.h"
#include "flow/move_in/move_in_message.h"

enum { ARENA_MAX = 256 * 1024 };

static enum err scope(struct fail *f, const void *message, struct area_code from, struct area_code to)
{
    const struct move_out_confirmation *m = message;
    if (to.value)
        return fail_set(f, ERR_SCOPE, "to", "the governor is told");
    if (!area_code_equal(area_code_cs(m->area_code), from))
        return fail_set(f, ERR_SCOPE, "area_code", "the episode is another municipality's");
    return ERR_OK;
}

/* The next version of the episode: its newest, with another change. */
static enum err next_version(struct db_tx *tx, struct fail *f, struct arena *a,
                             const struct move_out_confirmation *m, struct store_version *v)
{
    struct resident_code now = m->resident_code.value;
    enum err e = store_code_now(tx, f, now, m->area_code, &now);
    if (!e)
        e = store_latest(tx, f, now, m->area_code, a, v);
    if (e)
        return e;
    v->change =
        (struct change){.reason = m->cancelled ? CHANGE_MOVE_OUT_UNCONFIRMED : CHANGE_MOVE_OUT_CONFIRMED,
                        .date = m->move_in_date};
    v->version = m->version;
    v->replaces = 0;
    v->taken_back_count = 0;
    v->noticed = clock_now();
    return ERR_OK;
}

/* ---- at the CS ---- */

/* The version is the CS's to number: the register sends 0. */
static enum err take_read(struct flow *flow, struct db_tx *tx, struct fail *f,
                          const struct municipal_kind *kind, const struct municipal_message *m,
                          struct arena *a)
{
    struct move_out_confirmation message;
    struct store_version v;
    struct store_plan plan;
    bool before = false;
    enum err e = message_read(f, kind->form, m->body, a, &message);
    if (!e)
        e = kind->scope(f, &message, (struct area_code){flow->self.area}, m->to);
    if (!e)
        e = municipal_sent(flow, tx, f, m->number, &before);
    if (e || before)
        return e;
    message.version = 0;
    if ((e = next_version(tx, f, a, &message, &v)))
        return e;
    v.source = m->number;
    if ((e = store_plan(tx, f, &v, &plan)))
        return e;
    message.version = plan.version.version;
    message.resident_code.value = plan.version.identity.resident_code;
    e = municipal_send(flow, tx, f, kind, m, flow->upper, &message, &plan.version.entry);
    return e ? e : store_write(tx, f, &plan);
}

static enum err take(struct flow *flow, struct db_tx *tx, struct fail *f, const struct municipal_kind *kind,
                     const struct municipal_message *m)
{
    struct arena a;
    arena_init(&a, ARENA_MAX);
    enum err e = take_read(flow, tx, f, kind, m, &a);
    arena_release(&a);
    return e;
}

const struct municipal_kind move_out_confirmation = {LINK_KIND_MOVE_OUT_CONFIRMATION,
                                                     &move_out_confirmation_form, scope, take};

/* ---- above ---- */

static enum err read_body(struct fail *f, const struct json *body, struct arena *a,
                          struct move_out_confirmation *m)
{
    enum err e = message_read(f, &move_out_confirmation_form, body, a, m);
    return e || m->version ? e : fail_set(f, ERR_FIELD_RANGE, "version", NULL);
}

/* A CS speaks of its own municipality, through its own prefecture. */
static enum err scope_of(const struct link_notice *n, struct fail *f, int32_t prefecture)
{
    struct move_out_confirmation m;
    struct arena a;
    arena_init(&a, ARENA_MAX);
    enum err e = read_body(f, n->body, &a, &m);
    arena_release(&a);
    if (!e && (n->origin.role != NODE_CS || area_code_cs(m.area_code).value != n->origin.area ||
               area_code_prefecture(m.area_code) != prefecture))
        e = fail_set(f, ERR_SCOPE, "area_code", "from %s through %s", n->origin.text, n->sender.text);
    return e;
}

static enum err scope_at_prefecture(void *app, const struct link_notice *n, struct fail *f)
{
    const struct flow *flow = app;
    if (!node_name_equal(&n->origin, &n->sender))
        return fail_set(f, ERR_SCOPE, "origin", "%s through %s", n->origin.text, n->sender.text);
    return scope_of(n, f, flow->self.area);
}

static enum err scope_at_agency(void *app UNUSED, const struct link_notice *n, struct fail *f)
{
    if (n->sender.role != NODE_PREFECTURE)
        return fail_set(f, ERR_SCOPE, "sender", "%s", n->sender.text);
    return scope_of(n, f, n->sender.area);
}

static size_t persons(const struct link_notice *n, int64_t codes[static LINK_PERSONS_MAX])
{
    return flow_person_add(n->body, "resident_code", codes, 0);
}

/* What cannot follow any more is there already, or was passed over by a correction. */
static enum err record(struct db_tx *tx, struct fail *f, const struct store_version *v)
{
    struct store_plan plan;
    struct fail why = {0};
    enum store_known known = STORE_NOT_KNOWN;
    enum err e = store_plan(tx, &why, v, &plan);
    if (!e)
        return store_write(tx, f, &plan);
    if (err_row(e)->exit != 1)
        return fail_pass(f, &why);
    enum err asked = store_know(tx, f, v, &known);
    return asked || known ? asked : fail_pass(f, &why);
}

static enum err receive(struct flow *flow, struct db_tx *tx, const struct link_notice *n, struct fail *f,
                        bool relay)
{
    struct move_out_confirmation m;
    struct store_version v;
    struct arena a;
    arena_init(&a, ARENA_MAX);
    enum err e = read_body(f, n->body, &a, &m);
    if (!e)
        e = next_version(tx, f, &a, &m, &v);
    if (!e) {
        v.entry = n->entry;
        v.source = json_int(json_get(n->body, "source"));
        e = record(tx, f, &v);
    }
    if (!e && relay)
        e = link_relay(flow->link, tx, f, n, flow->upper);
    arena_release(&a);
    return e;
}

static enum err apply_at_prefecture(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    return receive(app, tx, n, f, true);
}

/* At the agency, and where a restored server gets back what it had sent or passed on. */
static enum err apply_last(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    return receive(app, tx, n, f, false);
}

const struct link_kind move_out_confirmation_at_cs = {
    .kind = LINK_KIND_MOVE_OUT_CONFIRMATION, .apply = flow_not_received, .recover = apply_last};
const struct link_kind move_out_confirmation_at_prefecture = {.kind = LINK_KIND_MOVE_OUT_CONFIRMATION,
                                                              .scope = scope_at_prefecture,
                                                              .persons = persons,
                                                              .apply = apply_at_prefecture,
                                                              .recover = apply_last};
const struct link_kind move_out_confirmation_at_agency = {.kind = LINK_KIND_MOVE_OUT_CONFIRMATION,
                                                          .final = true,
                                                          .scope = scope_at_agency,
                                                          .persons = persons,
                                                          .apply = apply_last};
