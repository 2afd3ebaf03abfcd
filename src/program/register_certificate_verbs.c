/* SPDX-License-Identifier: Apache-2.0 */
/* What juki-register answers about 転入届の特例: cards and 転出証明書情報. */
#include "base/clock.h"
#include "program/register_verbs.h"
#include "register/register_certificate.h"

enum { ANSWER_BYTES = 1 << 20 };

/* ---- cards ---- */

enum err register_verb_card_set(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct str record = {NULL, 0};
    const struct json *card;
    enum err e = json_member_text(f, call->question, "record", &call->arena, &record);
    if (!e)
        e = json_member_object(f, call->question, "card", &card);
    if (!e)
        e = register_takes_work(r, f);
    return e ? e : register_card_set(r->reg, f, record, card);
}

static enum err show_record(struct control_call *call, struct fail *f, struct resident_register *reg,
                            const char *key,
                            enum err (*show)(struct resident_register *reg, struct fail *f, struct str record,
                                             struct buf *out))
{
    struct str record = {NULL, 0};
    struct buf b;
    enum err e = json_member_text(f, call->question, "record", &call->arena, &record);
    buf_init(&b, ANSWER_BYTES);
    if (!e)
        e = show(reg, f, record, &b);
    if (!e)
        json_add_raw(&call->answer, key, buf_str(&b));
    buf_release(&b);
    return e;
}

enum err register_verb_card(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    return show_record(call, f, r->reg, "card", register_card_show);
}

/* ---- 転出証明書情報 ---- */

static void add_certificate(void *arg, const struct register_certificate *c)
{
    struct buf *b = arg;
    char text[CLOCK_TEXT_SIZE], area[AREA_CODE_TEXT_SIZE], day[DATE_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_text(b, "from", str_of(area_code_text(c->origin, area)));
    json_add_text(b, "certificate", str_of(c->certificate));
    json_add_text(b, "came", str_of(clock_text(c->came, text)));
    json_add_text(b, "planned_on", str_of(date_text(c->planned_on, day)));
    json_add_text(b, "due", str_of(date_text(c->due, day)));
    json_add_int(b, "persons", c->persons);
    json_add_int(b, "entered", c->entered);
    json_add_bool(b, "withdrawn", c->withdrawn);
    json_end(b, '}');
}

enum err register_verb_certificates(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    json_begin(&call->answer, "certificates", '[');
    enum err e = register_certificates(r->reg, f, add_certificate, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

enum err register_verb_certificate(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct str from = {NULL, 0}, certificate = {NULL, 0};
    struct area_code origin;
    struct buf b;
    enum err e = json_member_text(f, call->question, "from", &call->arena, &from);
    if (!e)
        e = area_code_parse(f, from, &origin);
    if (!e)
        e = json_member_text(f, call->question, "certificate", &call->arena, &certificate);
    if (e)
        return e;
    buf_init(&b, ANSWER_BYTES);
    if (!(e = register_certificate_show(r->reg, f, area_code_cs(origin), certificate, &b)))
        json_add_raw(&call->answer, "certificate", buf_str(&b));
    buf_release(&b);
    return e;
}

enum err register_verb_certificate_enter(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    const struct json *filing;
    int64_t first = 0, last = 0;
    enum err e = json_member_object(f, call->question, "filing", &filing);
    if (!e)
        e = register_takes_work(r, f);
    if (!e)
        e = register_certificate_enter(r->reg, f, filing, &first, &last);
    json_add_int(&call->answer, "first_change", first);
    json_add_int(&call->answer, "last_change", last);
    return e;
}

enum err register_verb_certificate_paper(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    return show_record(call, f, r->reg, "paper", register_certificate_paper);
}

enum err register_verb_certificate_keep(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct str id = {NULL, 0};
    const struct json *certificate;
    enum err e = json_member_text(f, call->question, "id", &call->arena, &id);
    if (!e)
        e = json_member_object(f, call->question, "certificate", &certificate);
    if (!e)
        e = register_takes_work(r, f);
    return e ? e : register_certificate_keep(r->reg, f, id, certificate);
}

enum err register_verb_certificate_answer(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    const struct json *question;
    struct buf b;
    enum err e = json_member_object(f, call->question, "question", &question);
    buf_init(&b, ANSWER_BYTES);
    if (!e)
        e = register_certificate_answer(r->reg, f, question, &b);
    if (!e)
        json_add_raw(&call->answer, "certificate", buf_str(&b));
    buf_release(&b);
    return e;
}
