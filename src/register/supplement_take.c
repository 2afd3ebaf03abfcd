/* SPDX-License-Identifier: Apache-2.0 */
/* Decides whose supplement a 戸籍の附票記載事項通知 changes (法19条1項).
 *
 * A person is known by the resident code, or by the one before a change; else, while no code is known, by
 * name, birth date and sex within the 戸籍. Whom the 戸籍 does not know is for a person to look at: it is
 * told to the municipality of the address (法19条2項). A register without a 戸籍 system beside it learns of
 * 戸籍 and persons from the notices themselves (supplement.create). */
#include "register/supplement.h"

struct supplement_said supplement_said_of(const struct koseki_supplement_notice *m, struct str id)
{
    return (struct supplement_said){
        .notice = id,
        .home = area_code_cs(m->area_code),
        .sequence = m->sequence,
        .event = supplement_event_find(m->event),
        .event_date = m->event_date,
        .cancelled = m->cancelled,
        .code = m->resident_code.value,
        .name = m->name,
        .birth_date = m->birth_date,
        .sex = m->sex.value,
        .area = m->area_code,
        .address = m->address,
        .address_since = m->address_since,
        .abroad_on = m->abroad_on,
    };
}

static enum err find_person(struct register_batch *b, struct fail *f, const struct supplement_koseki *koseki,
                            const struct koseki_supplement_notice *m, const struct supplement_said *s,
                            struct supplement_found *found)
{
    *found = (struct supplement_found){0};
    enum err e = supplement_find_code(b, f, koseki, m->resident_code.value, found);
    if (!e && !found->person && m->old_resident_code.has)
        e = supplement_find_code(b, f, koseki, m->old_resident_code.value, found);
    if (!e && !found->person)
        e = supplement_find_name(b, f, koseki, s, found);
    /* whoever comes back into a 戸籍 is entered in it anew */
    if (!e && found->state == SUPPLEMENT_ELSEWHERE && s->event == SUPPLEMENT_KOSEKI_ENTERED)
        found->person = 0;
    return e;
}

static enum err enter_person(struct register_batch *b, struct fail *f, const struct supplement_koseki *koseki,
                             const struct supplement_said *s, struct supplement_found *found)
{
    bool has = false;

    if (found->elsewhere && s->event != SUPPLEMENT_KOSEKI_ENTERED)
        return fail_set(f, ERR_SUPPLEMENT_ELSEWHERE, "honseki", NULL);
    if (!b->register_->supplement_create) {
        enum err e = supplement_has_koseki(b, f, koseki, &has);
        return e ? e : fail_set(f, has ? ERR_SUPPLEMENT_PERSON : ERR_SUPPLEMENT_KOSEKI, "honseki", NULL);
    }
    found->state = SUPPLEMENT_ON;
    return supplement_enter(b, f, koseki, &found->person);
}

enum err register_take_supplement(struct register_batch *b, struct fail *f, struct arena *a, struct str id,
                                  const struct json *body, int64_t *person)
{
    struct koseki_supplement_notice m;
    struct supplement_found found;
    enum err e = message_read(f, &koseki_supplement_notice_form, body, a, &m);

    (void)person; /* a record of ours it may be or not: the supplement stands beside the records */
    if (!e && !area_code_equal(area_code_cs(m.honseki_area_code), b->register_->cs))
        e = fail_set(f, ERR_SCOPE, "honseki_area_code", NULL);
    if (e)
        return e;
    const struct supplement_koseki koseki = {m.honseki_area_code, m.honseki, m.honseki_head};
    struct supplement_said said = supplement_said_of(&m, id);
    if ((e = find_person(b, f, &koseki, &m, &said, &found)) ||
        (!found.person && (e = enter_person(b, f, &koseki, &said, &found))))
        return e;
    said.person = found.person;
    e = supplement_say(b, f, found.state, &said);
    return e || !m.old_resident_code.has ? e
                                         : supplement_add_code(b, f, said.person, m.old_resident_code.value);
}
