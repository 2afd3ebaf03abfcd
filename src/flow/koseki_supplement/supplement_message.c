/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/koseki_supplement/supplement_message.h"

#define FIELD(type, name, must, most, ja, source)                                                            \
    MESSAGE_FIELD(koseki_supplement_notice, type, name, must, most)
static const struct message_field fields[] = {
#include "flow/koseki_supplement/koseki_supplement_notice.def"
};
#undef FIELD

static const struct {
    const char *name, *ja;
} events[SUPPLEMENT_EVENTS] = {
    [SUPPLEMENT_NONE] = {"", ""},
#define SUPPLEMENT_EVENT(name, text, ja) [SUPPLEMENT_##name] = {text, ja},
#include "flow/koseki_supplement/supplement_event.def"
#undef SUPPLEMENT_EVENT
};

const char *supplement_event_name(enum supplement_event event)
{
    return events[event].name;
}

const char *supplement_event_ja(enum supplement_event event)
{
    return events[event].ja;
}

enum supplement_event supplement_event_find(struct str name)
{
    for (size_t i = 1; i < SUPPLEMENT_EVENTS; i++)
        if (str_equal(name, str_of(events[i].name)))
            return (enum supplement_event)i;
    return SUPPLEMENT_NONE;
}

/* Who went abroad has no address, everybody else has one and the day it was settled (法17条3号, 4号). */
static enum err check_place(struct fail *f, const struct koseki_supplement_notice *m)
{
    if (m->abroad && m->address.n)
        return fail_set(f, ERR_FIELD_RANGE, "address", "who went abroad has none");
    if (m->abroad != date_known(m->abroad_on))
        return fail_set(f, m->abroad ? ERR_FIELD_MISSING : ERR_FIELD_RANGE, "abroad_on", NULL);
    if (!m->abroad && !m->address.n)
        return fail_set(f, ERR_FIELD_MISSING, "address", NULL);
    if (!m->abroad && !date_known(m->address_since))
        return fail_set(f, ERR_FIELD_MISSING, "address_since", NULL);
    return ERR_OK;
}

static enum err check_notice(struct fail *f, const void *message)
{
    const struct koseki_supplement_notice *m = message;
    if (!supplement_event_find(m->event))
        return fail_set(f, ERR_FIELD_RANGE, "event", NULL);
    if (m->old_resident_code.has && resident_code_equal(m->old_resident_code.value, m->resident_code.value))
        return fail_set(f, ERR_CHANGE_SAME, "old_resident_code", NULL);
    return check_place(f, m);
}

const struct message_form koseki_supplement_notice_form = {"koseki_supplement_notice",
                                                           sizeof(struct koseki_supplement_notice), fields,
                                                           COUNT_OF(fields), check_notice};
