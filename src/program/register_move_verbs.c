/* SPDX-License-Identifier: Apache-2.0 */
/* What juki-register answers about moves between municipalities. */
#include "base/clock.h"
#include "program/register_verbs.h"

enum err register_verb_record(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct str record = {NULL, 0};
    struct buf b;
    enum err e = json_member_text(f, call->question, "record", &call->arena, &record);
    buf_init(&b, 64 << 10);
    if (!e)
        e = register_record(r->reg, f, record, &b);
    if (!e)
        json_add_raw(&call->answer, "record", buf_str(&b));
    buf_release(&b);
    return e;
}

static void add_awaited(void *arg, const struct register_awaited *w)
{
    struct buf *b = arg;
    char day[DATE_TEXT_SIZE], area[AREA_CODE_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_text(b, "record", str_of(w->record));
    json_add_text(b, "planned_on", str_of(date_text(w->planned_on, day)));
    json_add_text(b, "due", str_of(date_text(w->due, day)));
    if (w->to.value)
        json_add_text(b, "to", str_of(area_code_text(w->to, area)));
    json_add_bool(b, "overdue", w->overdue);
    json_end(b, '}');
}

enum err register_verb_awaited(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    json_begin(&call->answer, "awaited", '[');
    enum err e = register_awaited(r->reg, f, add_awaited, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

static void add_message(void *arg, const struct register_intake *m)
{
    struct buf *b = arg;
    const struct err_row *row = err_row(m->error);
    char text[CLOCK_TEXT_SIZE], area[AREA_CODE_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_text(b, "id", str_of(m->id));
    json_add_text(b, "kind", str_of(m->kind));
    json_add_text(b, "from", str_of(area_code_text(m->from, area)));
    json_add_text(b, "came", str_of(clock_text(m->came, text)));
    json_add_text(b, "record", str_of(m->record));
    if (m->error) {
        json_add_text(b, "name", str_of(row->name));
        json_add_text(b, "field", str_of(m->field));
        json_add_text(b, "text", str_of(row->en));
        json_add_text(b, "text_ja", str_of(row->ja));
    }
    json_end(b, '}');
}

enum err register_verb_intake(void *self, struct control_call *call, struct fail *f)
{
    static const struct {
        const char *name;
        enum register_intake_state state;
    } states[] = {
        {"error", REGISTER_INTAKE_ERROR}, {"taken", REGISTER_INTAKE_TAKEN}, {"seen", REGISTER_INTAKE_SEEN}};
    struct running *r = self;
    struct str name = STR("error");
    size_t i = 0;
    enum err e = json_member_text_maybe(f, call->question, "state", &call->arena, &name);
    while (i < COUNT_OF(states) && !str_equal(name, str_of(states[i].name)))
        i++;
    if (!e && i == COUNT_OF(states))
        e = fail_set(f, ERR_FIELD_RANGE, "state", NULL);
    json_begin(&call->answer, "messages", '[');
    if (!e)
        e = register_intake(r->reg, f, states[i].state, add_message, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

static enum err with_id(void *self, struct control_call *call, struct fail *f,
                        enum err (*act)(struct resident_register *r, struct fail *f, struct str id))
{
    struct running *r = self;
    struct str id = {NULL, 0};
    enum err e = json_member_text(f, call->question, "id", &call->arena, &id);
    if (!e)
        e = register_takes_work(r, f);
    return e ? e : act(r->reg, f, id);
}

enum err register_verb_intake_again(void *self, struct control_call *call, struct fail *f)
{
    return with_id(self, call, f, register_intake_again);
}

enum err register_verb_intake_seen(void *self, struct control_call *call, struct fail *f)
{
    return with_id(self, call, f, register_intake_seen);
}
