/* SPDX-License-Identifier: Apache-2.0 */
/* The CS's side: a change of the register becomes a version of the episode and a notice, or waits for its
 * number. Everything that can refuse it comes before the first write, because the door takes other changes in
 * the same transaction. */
#include "base/clock.h"
#include "flow/identity_notice/notice_body.h"

static enum err check_area(const struct flow *flow, struct fail *f, const struct identity *i)
{
    if (area_code_cs(i->address.area_code).value == flow->self.area)
        return ERR_OK;
    return fail_set(f, ERR_AREA_OTHER, "area_code", "%06d", i->address.area_code.value);
}

/* ---- earlier changes of the same person, found in the episode's own chain ---- */

struct chain_search {
    const struct identity_change *change;
    int64_t source;  /* sought */
    int64_t version; /* found */
    bool repeated;   /* and it says the same as change */
};

static bool says_the_same(const struct identity_change *c, const struct store_version *v)
{
    struct identity wanted = c->identity;
    if (!wanted.has_individual_number) { /* it was sent when its number had come */
        wanted.has_individual_number = v->identity.has_individual_number;
        wanted.individual_number = v->identity.individual_number;
    }
    return v->change.reason == c->change.reason && date_compare(v->change.date, c->change.date) == 0 &&
           !identity_difference(&wanted, &v->identity);
}

static bool look_at(void *arg, const struct store_version *v)
{
    struct chain_search *s = arg;
    if (v->source == s->source) {
        s->version = v->version;
        s->repeated = says_the_same(s->change, v);
    }
    return v->source > s->source; /* numbers of changes only grow */
}

static enum err search_chain(struct db_tx *tx, struct fail *f, const struct identity_change *c,
                             struct resident_code code, int64_t source, struct chain_search *s)
{
    struct arena a;
    struct fail none;
    *s = (struct chain_search){.change = c, .source = source};
    arena_init(&a, 4 * NOTICE_ARENA);
    enum err e = store_history(tx, &none, code, c->identity.address.area_code, &a, look_at, s);
    arena_release(&a);
    if (e == ERR_EPISODE_UNKNOWN)
        return ERR_OK;
    return e ? fail_set(f, e, none.field, "%s", none.detail) : ERR_OK;
}

/* ---- sending ---- */

/* The id of the notice that carried an earlier change; p NULL when it became none. The arena keeps it. */
static enum err replaced_id(struct flow *flow, struct fail *f, struct arena *a, int64_t change,
                            struct str *id)
{
    struct link_trace trace;
    struct fail none;
    *id = (struct str){NULL, 0};
    enum err e = link_trace_source(flow->link, &none, change, &trace);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (e)
        return fail_set(f, e, none.field, "%s", none.detail);
    *id = arena_copy(a, str_of(trace.notice_id));
    return id->p ? ERR_OK : fail_set(f, ERR_MEMORY, NULL, NULL);
}

static enum err send_body(struct flow *flow, struct db_tx *tx, struct fail *f,
                          const struct identity_change *change, struct str replaces, struct store_version *v)
{
    struct buf body;
    struct link_sent sent = {0};
    buf_init(&body, NOTICE_BODY_MAX);
    notice_body_write(&body, v);
    enum err e = buf_check(&body, f, "identity");
    if (!e) {
        struct link_send send = {.destination = flow->upper,
                                 .kind = LINK_KIND_IDENTITY_NOTICE,
                                 .body = buf_str(&body),
                                 .replaces = replaces,
                                 .source = change->number};
        e = link_send(flow->link, tx, f, &send, &sent);
    }
    v->entry = sent.entry;
    buf_release(&body);
    return e;
}

enum err notice_plan(struct flow *flow, struct db_tx *tx, struct fail *f, const struct identity_change *c,
                     struct arena *a, struct notice_plan *plan)
{
    struct store_version v = {
        .identity = c->identity, .change = c->change, .source = c->number, .noticed = clock_now()};
    struct chain_search s = {0};
    enum err e = ERR_OK;
    *plan = (struct notice_plan){0};
    if (c->replaces) {
        struct resident_code code = c->change.has_old_code ? c->change.old_code : c->identity.resident_code;
        e = search_chain(tx, f, c, code, c->replaces, &s);
        v.replaces = s.version;
    }
    if (!e)
        e = store_plan(tx, f, &v, &plan->store);
    if (!e && v.replaces)
        e = replaced_id(flow, f, a, c->replaces, &plan->replaces);
    return e;
}

enum err notice_send(struct flow *flow, struct db_tx *tx, struct fail *f, const struct identity_change *c,
                     struct notice_plan *plan)
{
    enum err e = send_body(flow, tx, f, c, plan->replaces, &plan->store.version);
    return e ? e : store_write(tx, f, &plan->store);
}

/* ---- taking ---- */

/* A first entry: what may wait for a number. */
static bool opens_episode(const struct change *c)
{
    return change_row(c->reason)->group == CHANGE_ENTRY || c->old_code_not_recorded;
}

/* Was the change taken before? A first entry into an unknown episode was not, and costs no look at the chain.
 */
static enum err find_repeated(struct db_tx *tx, struct fail *f, const struct identity_change *c,
                              bool new_episode, bool *repeated)
{
    struct chain_search s = {0};
    enum err e = new_episode ? ERR_OK : search_chain(tx, f, c, c->identity.resident_code, c->number, &s);
    *repeated = s.repeated;
    return e;
}

static enum err take_now(struct flow *flow, struct db_tx *tx, struct fail *f, const struct identity_change *c,
                         struct arena *a)
{
    struct notice_plan plan;
    struct fail why = {0};
    bool repeated;
    enum err planned = notice_plan(flow, tx, &why, c, a, &plan);
    enum err e = find_repeated(tx, f, c, !planned && !plan.store.before.version, &repeated);
    if (e || repeated)
        return e;
    if (planned)
        return fail_set(f, planned, why.field, "%s", why.detail);
    if (c->identity.has_individual_number)
        return notice_send(flow, tx, f, c, &plan);
    if (!opens_episode(&c->change))
        return fail_set(f, ERR_FIELD_MISSING, "individual_number", NULL);
    return waiting_open(flow, tx, f, c, plan.store.version.state);
}

enum err identity_notice_take(struct flow *flow, struct db_tx *tx, struct fail *f,
                              const struct identity_change *c)
{
    struct arena a;
    int64_t queue = 0;
    enum err e = identity_check(f, &c->identity, &c->change);
    if (!e)
        e = check_area(flow, f, &c->identity);
    if (!e)
        e = waiting_queue(tx, f, c, &queue);
    if (e)
        return e;
    if (queue)
        return waiting_join(flow, tx, f, queue, c);
    arena_init(&a, NOTICE_ARENA);
    e = take_now(flow, tx, f, c, &a);
    arena_release(&a);
    return e;
}
