/* SPDX-License-Identifier: Apache-2.0 */
/* What juki-register does with 支援措置 when it is asked. Lists say nothing of whom they protect, nor from
 * whom. */
#include "base/clock.h"
#include "program/register_verbs.h"
#include "register/restraint.h"

static void add_day(struct buf *b, const char *key, struct date day)
{
    char text[DATE_TEXT_SIZE];

    if (date_known(day))
        json_add_text(b, key, str_of(date_text(day, text)));
}

static void add_restraint(void *arg, const struct restraint *r)
{
    static const char *const states[] = {[RESTRAINT_PROVISIONAL] = "provisional",
                                         [RESTRAINT_ACCEPTED] = "accepted",
                                         [RESTRAINT_REFUSED] = "refused",
                                         [RESTRAINT_ENDED] = "ended"};
    struct buf *b = arg;
    char area[AREA_CODE_TEXT_SIZE];

    json_begin(b, NULL, '{');
    json_add_int(b, "restraint", r->id);
    json_add_text(b, "state", str_of(states[r->state]));
    json_begin(b, "targets", '[');
    for (int i = 0; i < RESTRAINT_TARGETS; i++)
        if (r->targets & 1 << i)
            json_add_text(b, NULL, str_of(restraint_target_row((enum restraint_target)i)->name));
    json_end(b, ']');
    if (r->origin.value)
        json_add_text(b, "origin", str_of(area_code_text(r->origin, area)));
    add_day(b, "applied", r->applied);
    add_day(b, "first", r->first);
    add_day(b, "last", r->last);
    json_add_bool(b, "ends_soon", restraint_ends_soon(r, date_today()));
    json_add_bool(b, "overdue", restraint_overdue(r, date_today()));
    json_end(b, '}');
}

enum err register_verb_restraints(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    bool all = false;
    enum err e = json_member_bool_maybe(f, call->question, "all", &all);

    if (e)
        return e;
    json_begin(&call->answer, "restraints", '[');
    e = restraint_list(r->db, f, all, add_restraint, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

static enum err read_targets(struct control_call *call, struct fail *f, int *out)
{
    const struct json *list = NULL, *item;
    enum err e = json_member_array(f, call->question, "targets", &list);

    if (e)
        return e;
    JSON_EACH(list, item)
    {
        int i = 0;
        while (i < RESTRAINT_TARGETS &&
               !str_equal(json_str(item), str_of(restraint_target_row((enum restraint_target)i)->name)))
            i++;
        if (i == RESTRAINT_TARGETS)
            return fail_set(f, ERR_FIELD_RANGE, "targets", NULL);
        *out |= 1 << i;
    }
    return ERR_OK;
}

/* *count: how many there are; no more than fit are read. */
static enum err read_records(struct control_call *call, struct fail *f, struct str *out, size_t *count)
{
    const struct json *list = NULL, *item;
    size_t i;
    enum err e = json_member_array(f, call->question, "records", &list);

    if (e)
        return e;
    if ((*count = json_count(list)) > RESTRAINT_PERSONS_MOST)
        return fail_set(f, ERR_LIMIT, "records", NULL);
    JSON_EACH_AT(list, i, item)
    {
        if (!json_is(item, JSON_STRING))
            return fail_set(f, ERR_FIELD_TYPE, "records", NULL);
        out[i] = json_str(item);
    }
    return ERR_OK;
}

static enum err read_application(struct control_call *call, struct fail *f, struct restraint *r)
{
    struct str day = {NULL, 0}, origin = {NULL, 0};
    enum err e;

    if ((e = read_targets(call, f, &r->targets)) ||
        (e = json_member_text(f, call->question, "applied", &call->arena, &day)) ||
        (e = date_parse(f, "applied", day, &r->applied)) ||
        (e = json_member_text_maybe(f, call->question, "origin", &call->arena, &origin)))
        return e;
    return origin.p ? area_code_parse(f, origin, &r->origin) : ERR_OK;
}

enum err register_verb_restraint_apply(void *self, struct control_call *call, struct fail *f)
{
    struct running *run = self;
    struct restraint r = {.targets = 0};
    struct str records[RESTRAINT_PERSONS_MOST], who = {NULL, 0}, whom = STR("");
    size_t count = 0;
    enum err e;

    if ((e = read_records(call, f, records, &count)) || (e = read_application(call, f, &r)) ||
        (e = json_member_text(f, call->question, "who", &call->arena, &who)) ||
        (e = json_member_text_maybe(f, call->question, "whom", &call->arena, &whom)) ||
        (e = register_takes_work(run, f)) || (e = restraint_enter(run->db, f, records, count, whom, who, &r)))
        return e;
    json_add_int(&call->answer, "restraint", r.id);
    return ERR_OK;
}

static enum err read_act(struct running *r, struct control_call *call, struct fail *f, int64_t *id,
                         struct str *who, struct str *note)
{
    enum err e;

    if ((e = json_member_int(f, call->question, "restraint", 1, INT64_MAX, id)) ||
        (e = json_member_text(f, call->question, "who", &call->arena, who)) ||
        (e = json_member_text_maybe(f, call->question, "note", &call->arena, note)))
        return e;
    return register_takes_work(r, f);
}

enum err register_verb_restraint_step(void *self, struct control_call *call, struct fail *f)
{
    static const char *const names[] = {[RESTRAINT_ACCEPT] = "accept",
                                        [RESTRAINT_REFUSE] = "refuse",
                                        [RESTRAINT_EXTEND] = "extend",
                                        [RESTRAINT_END] = "end"};
    struct running *r = self;
    struct str who = {NULL, 0}, note = STR(""), step = {NULL, 0};
    int64_t id = 0;
    size_t i = RESTRAINT_ACCEPT;
    enum err e = json_member_text(f, call->question, "step", &call->arena, &step);

    if (!e)
        e = read_act(r, call, f, &id, &who, &note);
    if (e)
        return e;
    while (i < COUNT_OF(names) && !str_equal(step, str_of(names[i])))
        i++;
    if (i == COUNT_OF(names))
        return fail_set(f, ERR_FIELD_RANGE, "step", NULL);
    return restraint_act(r->db, f, id, (enum restraint_event)i, who, note);
}

enum err register_verb_restraint_release(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct str who = {NULL, 0}, note = STR("");
    int64_t id = 0, minutes = 0;
    enum err e = read_act(r, call, f, &id, &who, &note);

    if (!e)
        e = json_member_int(f, call->question, "minutes", 1, INT64_C(24) * 60, &minutes);
    return e ? e : restraint_let_through(r->db, f, id, clock_now() + minutes * 60000000, who, note);
}
