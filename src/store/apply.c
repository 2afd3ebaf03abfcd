/* SPDX-License-Identifier: Apache-2.0 */
/* Decides whether a change may follow in its episode and writes it.
 *
 * Everything is decided before anything is written, from the episode's own row (one lookup) and, for a code
 * change, from who else has the new code in the same municipality. The states are episode_step.def.
 *
 * No decision looks at what another municipality said: only so does every interleaving end alike. That holds
 * for a new code too. While nobody else has it, it must be taken at once; so it must be taken as well when
 * somebody else turns out to have it, since that notice could as well have come later, and may be about the
 * same person, who moved there with the new code (with another number and a corrected birth by then, so that
 * nothing in the records tells). What one municipality says comes in one order, so its own residents may
 * be looked at. A code of another municipality's stock is the agency's to see, which knows whose each is. */
#include "store/store.h"

#include "store/store_row.h"
#include "store/store_sql.h"

enum store_event {
    EVENT_ENTRY,
    EVENT_PLANNED_REMOVAL,
    EVENT_REMOVAL,
    EVENT_AMENDMENT,
    EVENT_CONFIRMED,
    EVENT_UNCONFIRMED
};

static enum store_event event_of(const struct change *c)
{
    const struct change_row *row = change_row(c->reason);
    assert(row); /* the caller has checked the change */
    switch (row->group) {
    case CHANGE_ENTRY:
        return EVENT_ENTRY;
    case CHANGE_REMOVAL:
        return c->planned ? EVENT_PLANNED_REMOVAL : EVENT_REMOVAL;
    case CHANGE_CODE_AMENDMENT: /* a person recorded without a code is new to the network */
        return c->has_old_code ? EVENT_AMENDMENT : EVENT_ENTRY;
    case CHANGE_CONFIRMATION:
        return c->reason == CHANGE_MOVE_OUT_CONFIRMED ? EVENT_CONFIRMED : EVENT_UNCONFIRMED;
    default:
        return EVENT_AMENDMENT;
    }
}

const char *store_state_name(enum store_state state)
{
    static const char *const names[] = {"none", "current", "leaving", "removed"};
    assert((size_t)state < COUNT_OF(names));
    return names[state];
}

enum err store_step(struct fail *f, enum store_state before, const struct change *c, enum store_state *after)
{
    enum store_event event = event_of(c);
    static const struct {
        enum store_state before;
        enum store_event event;
        enum store_state after;
    } steps[] = {
#define STEP(before, event, after) {STORE_##before, EVENT_##event, STORE_##after},
#include "store/episode_step.def"
#undef STEP
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (steps[i].before == before && steps[i].event == event) {
            *after = steps[i].after;
            return ERR_OK;
        }
    if (event == EVENT_ENTRY)
        return fail_set(f, ERR_EPISODE_OPEN, "resident_code", NULL);
    return fail_set(f, before == STORE_NONE ? ERR_EPISODE_UNKNOWN : ERR_EPISODE_CLOSED, "resident_code",
                    NULL);
}

enum err store_episode_find(struct db_tx *tx, struct fail *f, struct resident_code code,
                            struct area_code area, struct store_episode *out)
{
    struct db_rows rows;
    struct store_episode found = {0};
    db_query(tx, &rows, &sql_store_episode_find, DB(db_int(code.value), db_int(area.value)));
    while (db_next(&rows)) {
        if (db_row_int(&rows, 1) < 0) {
            found.former = true;
            found.became.value = db_row_int(&rows, 0);
            continue;
        }
        found.latest = db_row_int(&rows, 0);
        found.version = db_row_int(&rows, 1);
        found.state = (enum store_state)db_row_int(&rows, 2);
        found.opened = date_from_int((int32_t)db_row_int(&rows, 3));
    }
    enum err e = db_done(&rows, f);
    if (!e)
        *out = found;
    return e;
}

/* The code under which the episode stands before this change. */
static struct resident_code code_before(const struct store_version *v)
{
    return v->change.has_old_code ? v->change.old_code : v->identity.resident_code;
}

struct likeness {
    const struct identity *identity;
    bool found;
};

static bool compare_person(void *arg, const struct store_version *v)
{
    struct likeness *l = arg;
    const struct identity *i = l->identity, *other = &v->identity;
    bool same_number = other->has_individual_number && i->has_individual_number &&
                       individual_number_equal(other->individual_number, i->individual_number);
    l->found = same_number || date_compare(other->birth_date, i->birth_date) == 0;
    return !l->found;
}

enum { OTHERS_MAX = 8 };

/* Where else in the municipality (a designated city's other wards) the code is used by an episode whose
 * latest version names another number and another birth. */
static enum err find_unlike(struct db_tx *tx, struct fail *f, const struct identity *i,
                            struct area_code areas[static OTHERS_MAX], size_t *count)
{
    struct db_rows rows;
    *count = 0;
    db_query(tx, &rows, &sql_store_code_uses,
             DB(db_int(i->resident_code.value), db_int(i->address.area_code.value)));
    while (*count < OTHERS_MAX && db_next(&rows)) {
        struct area_code area = {(int32_t)db_row_int(&rows, 2)};
        bool same_number = !db_row_null(&rows, 0) && i->has_individual_number &&
                           db_row_int(&rows, 0) == i->individual_number.value;
        if (area_code_equal(area_code_cs(area), area_code_cs(i->address.area_code)) && !same_number &&
            db_row_int(&rows, 1) != date_to_int(i->birth_date))
            areas[(*count)++] = area;
    }
    return db_done(&rows, f);
}

/* Does somebody else in the municipality have the new code? In another ward it may be the same person: one
 * differing value proves nothing (it may be the very thing that changed), another person differs in
 * Individual Number and birth, and did so in every version of that other episode. */
static enum err check_new_code(struct db_tx *tx, struct fail *f, const struct store_plan *p)
{
    const struct identity *i = &p->version.identity;
    struct area_code unlike[OTHERS_MAX];
    size_t count = 0;
    struct store_episode own = {0};
    if (resident_code_equal(i->resident_code, p->code))
        return ERR_OK; /* a correction that leaves the code as it is */
    enum err e = store_episode_find(tx, f, i->resident_code, i->address.area_code, &own);
    if (!e)
        e = find_unlike(tx, f, i, unlike, &count);
    bool taken = own.version > 0 || own.former;
    for (size_t k = 0; k < count && !e && !taken; k++) {
        struct likeness l = {.identity = i};
        struct arena a;
        arena_init(&a, 1024 * 1024);
        e = store_history(tx, f, i->resident_code, unlike[k], &a, compare_person, &l);
        arena_release(&a);
        taken = !l.found;
    }
    if (!e && taken)
        return fail_set(f, ERR_CODE_TAKEN, "resident_code", NULL);
    return e;
}

/* A correction of the latest version is judged by what was before that one; when that one was itself a
 * correction of the version before it, by what was before both. */
static enum err state_before(struct db_tx *tx, struct fail *f, const struct store_version *v,
                             const struct store_episode *episode, struct store_episode *out)
{
    *out = *episode;
    if (!v->replaces || v->replaces != episode->version)
        return ERR_OK;
    struct arena a;
    arena_init(&a, 64 * 1024);
    int64_t at = episode->latest, corrected = v->replaces;
    enum err e = ERR_OK;
    out->state = STORE_NONE;
    while (!e && at) {
        struct store_version row = {0};
        arena_reset(&a);
        e = store_row_read(tx, f, at, &a, &row, &at);
        if (!e && row.version != corrected) {
            out->state = row.state;
            out->opened = row.opened;
            break;
        }
        corrected = row.replaces;
    }
    arena_release(&a);
    return e;
}

static enum err derive(struct db_tx *tx, struct fail *f, struct store_plan *plan)
{
    struct store_version *v = &plan->version;
    struct store_episode before = {0};
    enum store_event event = event_of(&v->change);
    enum err e = state_before(tx, f, v, &plan->before, &before);
    if (!e)
        e = store_step(f, before.state, &v->change, &v->state);
    if (e)
        return e;
    bool stayed = before.state == STORE_LEAVING && v->change.reason == CHANGE_EX_OFFICIO_ENTRY;
    v->opened = event == EVENT_ENTRY && !stayed ? v->change.date : before.opened;
    return ERR_OK;
}

static enum err check_version(struct fail *f, const struct store_version *v, int64_t latest, bool *fills_gap)
{
    *fills_gap = false;
    if (v->version <= latest)
        return fail_set(f, ERR_VERSION_OLD, "version", "%lld is there", (long long)latest);
    if (v->replaces >= v->version)
        return fail_set(f, ERR_FIELD_RANGE, "replaces_version", NULL);
    if (v->version == latest + 1)
        return ERR_OK;
    /* A correction may pass over what it corrects and what is missing before it; but it never begins an
     * episode that may go on under another code. */
    bool next = v->replaces == latest + 1, begins = latest > 0 || event_of(&v->change) == EVENT_ENTRY;
    if (!next && (v->replaces <= latest || !begins))
        return fail_set(f, ERR_VERSION_GAP, "version", "%lld comes next", (long long)latest + 1);
    *fills_gap = true;
    return ERR_OK;
}

/* The episode that v goes on. A correction of a code change names the code before the corrected one: where
 * that one is missing the episode stands under it still, else it is found from there. */
static enum err find_before(struct db_tx *tx, struct fail *f, struct store_plan *p)
{
    const struct store_version *v = &p->version;
    struct area_code area = v->identity.address.area_code;
    p->code = code_before(v);
    enum err e = store_episode_find(tx, f, p->code, area, &p->before);
    if (e || p->before.version || !p->before.former || !v->replaces || !v->change.has_old_code)
        return e;
    e = store_code_now(tx, f, p->code, area, &p->code);
    return e ? e : store_episode_find(tx, f, p->code, area, &p->before);
}

enum err store_plan(struct db_tx *tx, struct fail *f, const struct store_version *v, struct store_plan *plan)
{
    struct store_plan p = {.version = *v};
    bool fills_gap;
    enum err e = find_before(tx, f, &p);
    if (e)
        return e;
    if (!p.before.version && p.before.former)
        return fail_set(f, ERR_CODE_FORMER, "resident_code", NULL);
    if (!v->version)
        p.version.version = p.before.version + 1;
    e = check_version(f, &p.version, p.before.version, &fills_gap);
    if (!e && !fills_gap)
        e = derive(tx, f, &p);
    if (!e && fills_gap && (v->state == STORE_NONE || !date_real(v->opened)))
        e = fail_set(f, ERR_VERSION_GAP, "state", NULL);
    if (!e && v->change.has_old_code)
        e = check_new_code(tx, f, &p);
    if (!e)
        *plan = p;
    return e;
}

/* Moves the episode to its new code. The code before is a former one; those taken back never were. */
static enum err write_codes(struct db_tx *tx, struct fail *f, const struct store_plan *plan)
{
    const struct store_version *v = &plan->version;
    struct db_value area = db_int(v->identity.address.area_code.value);
    enum err e = db_exec(tx, f, &sql_store_episode_remove, DB(db_int(plan->code.value), area), NULL);
    for (size_t i = 0; i < v->taken_back_count && !e; i++) {
        struct db_value code = db_int(v->taken_back[i].value);
        e = db_exec(tx, f, &sql_store_former_code_remove, DB(code, area), NULL);
        if (!e)
            e = db_exec(tx, f, &sql_store_taken_back_add, DB(code, area, db_int(store_row_id(v))), NULL);
    }
    return e ? e
             : db_exec(tx, f, &sql_store_former_code_add,
                       DB(db_int(v->change.old_code.value), area, db_int(v->identity.resident_code.value)),
                       NULL);
}

static void count(const struct db_tx *tx, const struct store_plan *plan)
{
    const struct store_version *v = &plan->version;
    const int64_t area = v->identity.address.area_code.value;
    const struct tally_row before = {plan->code.value, area, plan->before.state, plan->before.version};
    const struct tally_row after = {v->identity.resident_code.value, area, v->state, v->version};
    tally_change(tx, &before, &after);
}

enum err store_write(struct db_tx *tx, struct fail *f, const struct store_plan *plan)
{
    const struct store_version *v = &plan->version;
    enum err e = store_row_add(tx, f, v, plan->before.latest);
    if (!e && v->change.has_old_code)
        e = write_codes(tx, f, plan);
    if (!e)
        e = db_exec(tx, f, &sql_store_episode_put,
                    DB(db_int(v->identity.resident_code.value), db_int(v->identity.address.area_code.value),
                       db_int(store_row_id(v)), db_int(v->version), db_int(v->state),
                       db_int(date_to_int(v->opened))),
                    NULL);
    if (!e)
        count(tx, plan);
    return e;
}

enum err store_apply(struct db_tx *tx, struct fail *f, const struct store_version *v)
{
    struct store_plan plan = {0};
    enum err e = store_plan(tx, f, v, &plan);
    return e ? e : store_write(tx, f, &plan);
}
