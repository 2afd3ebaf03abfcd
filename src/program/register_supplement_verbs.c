/* SPDX-License-Identifier: Apache-2.0 */
/* What juki-register answers about supplements of the family register (戸籍の附票). */
#include "base/encode.h"
#include "flow/koseki_supplement/supplement_message.h"
#include "program/register_verbs.h"

enum { SHOWN_MAX = 4 << 20 };

enum err register_verb_supplement_announce(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    int64_t told = 0;
    enum err e = register_takes_work(r, f);
    if (!e)
        e = register_supplement_announce(r->reg, f, &told);
    json_add_int(&call->answer, "told", told);
    return e;
}

static void add_person(void *arg, const struct register_supplement_person *p)
{
    struct buf *b = arg;
    char area[AREA_CODE_TEXT_SIZE], day[DATE_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_int(b, "person", p->person);
    json_add_text(b, "honseki_area_code", str_of(area_code_text(p->honseki_area, area)));
    json_add_text(b, "honseki_head", str_of(p->head));
    json_add_text(b, "name", str_of(p->name));
    json_add_bool(b, "removed", p->off);
    if (p->event)
        json_add_text(b, "event", str_of(supplement_event_name((enum supplement_event)p->event)));
    if (p->area.value)
        json_add_text(b, "area_code", str_of(area_code_text(p->area, area)));
    if (p->address[0])
        json_add_text(b, "address", str_of(p->address));
    if (date_known(p->address_since))
        json_add_text(b, "address_since", str_of(date_text(p->address_since, day)));
    json_end(b, '}');
}

enum err register_verb_supplement_list(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct str honseki = {NULL, 0}, head = STR("");
    enum err e = json_member_text(f, call->question, "honseki", &call->arena, &honseki);
    if (!e)
        e = json_member_text_maybe(f, call->question, "head", &call->arena, &head);
    json_begin(&call->answer, "persons", '[');
    if (!e)
        e = register_supplement_list(r->reg, f, honseki, head, add_person, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

enum err register_verb_supplement_show(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    int64_t person = 0;
    struct buf b;
    enum err e = json_member_int(f, call->question, "person", 1, INT64_MAX, &person);
    buf_init(&b, SHOWN_MAX);
    if (!e)
        e = register_supplement_show(r->reg, f, person, &b);
    if (!e)
        json_add_raw(&call->answer, "supplement", buf_str(&b));
    buf_release(&b);
    return e;
}

static void add_sum(void *arg, const struct register_supplement_sum *sum)
{
    struct buf *b = arg, hex;
    char area[AREA_CODE_TEXT_SIZE];
    buf_init(&hex, 64);
    encode_hex(&hex, sum->digest, sizeof sum->digest);
    json_begin(b, NULL, '{');
    json_add_text(b, "area_code", str_of(area_code_text(sum->area, area)));
    json_add_text(b, "honseki_area_code", str_of(area_code_text(sum->honseki_area, area)));
    json_add_int(b, "count", sum->count);
    json_add_text(b, "digest", buf_str(&hex));
    json_end(b, '}');
    buf_release(&hex);
}

enum err register_verb_supplement_census(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    bool homes = false;
    enum err e = json_member_bool_maybe(f, call->question, "homes", &homes);
    json_begin(&call->answer, "sums", '[');
    if (!e)
        e = register_supplement_census(r->reg, f, homes, add_sum, &call->answer);
    json_end(&call->answer, ']');
    return e;
}
