/* SPDX-License-Identifier: Apache-2.0 */
/* What juki-register does with letters when it is asked. Content leaves only by "letter". */
#include "program/register_verbs.h"
#include "register/letter.h"

static void add_letter(void *arg, const struct letter *l)
{
    struct buf *b = arg;

    json_begin(b, NULL, '{');
    letter_add_members(b, l);
    json_end(b, '}');
}

enum err register_verb_letters(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct str name = STR("open");
    enum letter_filter filter = LETTER_OPEN;
    enum err e = json_member_text_maybe(f, call->question, "filter", &call->arena, &name);

    if (!e)
        e = letter_filter_parse(f, name, &filter);
    if (e)
        return e;
    json_begin(&call->answer, "letters", '[');
    e = letter_list(r->db, f, filter, add_letter, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

enum err register_verb_letter(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct str number = {NULL, 0};
    enum err e = json_member_text(f, call->question, "letter", &call->arena, &number);

    return e ? e : letter_show(r->db, f, number, &call->answer);
}

/* A text that fits, whole, or an error. */
static enum err copy_text(struct control_call *call, struct fail *f, const char *field, char *out,
                          size_t size)
{
    struct str text = {"", 0};
    enum err e = json_member_text_maybe(f, call->question, field, &call->arena, &text);

    if (!e && text.n >= size)
        e = fail_set(f, ERR_TEXT_LONG, field, NULL);
    if (!e)
        snprintf(out, size, "%.*s", STR_ARG(text));
    return e;
}

static enum err read_place(struct control_call *call, struct fail *f, const char *field,
                           struct area_code *out)
{
    struct str text = {NULL, 0};
    enum err e = json_member_text_maybe(f, call->question, field, &call->arena, &text);

    if (e || !text.p)
        return e;
    e = area_code_parse(f, text, out);
    if (e && f)
        snprintf(f->field, sizeof f->field, "%s", field);
    return e;
}

static enum err read_letter(struct control_call *call, struct fail *f, struct letter *l)
{
    struct str kind = {NULL, 0}, day = {NULL, 0};
    enum err e;

    if ((e = json_member_text(f, call->question, "kind", &call->arena, &kind)) ||
        (e = letter_kind_parse(f, kind, &l->kind)) ||
        (e = read_place(call, f, l->received ? "from" : "to", &l->area)) ||
        (e = copy_text(call, f, "record", l->record, sizeof l->record)) ||
        (e = copy_text(call, f, "mark", l->mark, sizeof l->mark)))
        return e;
    if (!l->received)
        return ERR_OK;
    e = json_member_text(f, call->question, "date", &call->arena, &day);
    return e ? e : date_parse(f, "date", day, &l->dated);
}

static enum err enter_letter(struct running *r, struct control_call *call, struct fail *f, struct letter *l)
{
    struct str who = {NULL, 0};
    struct buf content;
    enum err e = read_letter(call, f, l);

    if (!e)
        e = json_member_text(f, call->question, "who", &call->arena, &who);
    if (!e)
        e = register_takes_work(r, f);
    if (e)
        return e;
    buf_init(&content, LETTER_CONTENT_BYTES);
    if (json_get(call->question, "content"))
        json_add_tree(&content, NULL, json_get(call->question, "content"));
    else
        buf_add(&content, "{}", 2);
    if (!(e = buf_check(&content, f, "content")))
        e = letter_enter(r->db, f, buf_str(&content), who, l);
    buf_release(&content);
    if (!e)
        json_add_text(&call->answer, "letter", str_of(l->number));
    return e;
}

enum err register_verb_letter_make(void *self, struct control_call *call, struct fail *f)
{
    struct letter l = {.received = false};

    return enter_letter(self, call, f, &l);
}

enum err register_verb_letter_receive(void *self, struct control_call *call, struct fail *f)
{
    struct letter l = {.received = true};

    return enter_letter(self, call, f, &l);
}

static enum err parse_step(struct fail *f, struct str name, enum letter_event *out)
{
    static const char *const names[] = {[LETTER_PRINT] = "print",
                                        [LETTER_SEND] = "send",
                                        [LETTER_ANSWER] = "answer",
                                        [LETTER_WITHDRAW] = "withdraw"};

    for (size_t i = LETTER_PRINT; i < COUNT_OF(names); i++)
        if (str_equal(name, str_of(names[i]))) {
            *out = (enum letter_event)i;
            return ERR_OK;
        }
    return fail_set(f, ERR_FIELD_RANGE, "step", NULL);
}

enum err register_verb_letter_step(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct str number = {NULL, 0}, name = {NULL, 0}, who = {NULL, 0}, note = STR("");
    enum letter_event event = LETTER_PRINT;
    enum err e;

    if ((e = json_member_text(f, call->question, "letter", &call->arena, &number)) ||
        (e = json_member_text(f, call->question, "step", &call->arena, &name)) ||
        (e = parse_step(f, name, &event)) ||
        (e = json_member_text(f, call->question, "who", &call->arena, &who)) ||
        (e = json_member_text_maybe(f, call->question, "note", &call->arena, &note)) ||
        (e = register_takes_work(r, f)))
        return e;
    return letter_act(r->db, f, number, event, who, note);
}
