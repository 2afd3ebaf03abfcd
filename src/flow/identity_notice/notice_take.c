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
    bool repeated; /* it was found, and says the same */
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
    if (v->source == s->change->number)
        s->repeated = says_the_same(s->change, v);
    return v->source > s->change->number; /* numbers of changes only grow */
}

/* Walks the chain of the episode that has or had the code; nothing is found when there is none. */
static enum err walk_chain(struct db_tx *tx, struct fail *f, const struct identity_change *c,
                           struct resident_code code, bool (*each)(void *, const struct store_version *),
                           void *arg)
{
    struct area_code area = c->identity.address.area_code;
    struct arena a;
    struct fail none;
    enum err e = store_code_now(tx, f, code, area, &code);
    if (e)
        return e;
    arena_init(&a, 4 * NOTICE_ARENA);
    e = store_history(tx, &none, code, area, &a, each, arg);
    arena_release(&a);
    if (e == ERR_EPISODE_UNKNOWN)
        return ERR_OK;
    return e ? fail_set(f, e, none.field, "%s", none.detail) : ERR_OK;
}

/* ---- what a correction corrects ---- */

struct correcting {
    const struct identity_change *change;
    struct store_version *v; /* the correction: what it replaces, and the codes */
    struct resident_code now, given;
    bool code_change; /* the corrected one is a change of code */
    bool full;        /* it gave more codes than can be taken back */
};

static bool holds_code(const struct store_version *v, struct resident_code code)
{
    bool held = resident_code_equal(v->identity.resident_code, code);
    for (size_t i = 0; i < v->taken_back_count && !held; i++)
        held = resident_code_equal(v->taken_back[i], code);
    return held;
}

static void take_back(struct correcting *s, struct resident_code code)
{
    struct store_version *v = s->v;
    if (holds_code(v, code))
        return;
    if (v->taken_back_count < STORE_TAKEN_BACK_MAX)
        v->taken_back[v->taken_back_count++] = code;
    else
        s->full = true;
}

/* From the newest version to the corrected one, and when that gave a code, on to the last before it did. */
static bool find_corrected(void *arg, const struct store_version *v)
{
    struct correcting *s = arg;
    struct resident_code code = v->identity.resident_code;
    if (!s->now.value)
        s->now = code;
    if (v->source == s->change->replaces) {
        s->v->replaces = v->version;
        s->given = code;
        s->code_change = v->change.has_old_code;
        s->v->change.old_code = v->change.old_code;
    }
    if (s->v->replaces && (!s->code_change || resident_code_equal(code, s->v->change.old_code)))
        return false;
    if (s->change->change.has_old_code)
        take_back(s, code);
    return s->v->replaces || v->source > s->change->replaces; /* numbers of changes only grow */
}

/* A change of code is corrected by one, and gives the code that the episode comes to. */
static enum err plan_correction(struct db_tx *tx, struct fail *f, const struct identity_change *c,
                                struct store_version *v)
{
    struct correcting s = {.change = c, .v = v};
    bool code_change = c->change.has_old_code;
    enum err e = walk_chain(tx, f, c, code_change ? c->change.old_code : c->identity.resident_code,
                            find_corrected, &s);
    if (e)
        return e;
    if (!v->replaces) { /* what it corrects became no notice: a change like any other */
        v->change.old_code = c->change.old_code;
        v->taken_back_count = 0;
        return ERR_OK;
    }
    bool last = resident_code_equal(s.now, s.given) || resident_code_equal(s.now, c->identity.resident_code);
    if (s.full || s.code_change != code_change || (code_change && !last))
        return fail_set(f, ERR_CHANGE_REPLACES, "replaces", NULL);
    return code_change ? identity_check(f, &v->identity, &v->change) : ERR_OK;
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
    enum err e = ERR_OK;
    *plan = (struct notice_plan){0};
    if (c->replaces)
        e = plan_correction(tx, f, c, &v);
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
    struct chain_search s = {.change = c};
    enum err e = new_episode ? ERR_OK : walk_chain(tx, f, c, c->identity.resident_code, look_at, &s);
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
