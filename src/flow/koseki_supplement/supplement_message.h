/* SPDX-License-Identifier: Apache-2.0 */
/* What a 戸籍の附票記載事項通知 holds. Pure: registers read and write it by the same rows. */
#ifndef JUKI_FLOW_KOSEKI_SUPPLEMENT_SUPPLEMENT_MESSAGE_H
#define JUKI_FLOW_KOSEKI_SUPPLEMENT_SUPPLEMENT_MESSAGE_H

#include "flow/message.h"

#define FIELD(type, name, must, most, ja, source) MESSAGE_MEMBER_##type(name)
struct koseki_supplement_notice {
#include "flow/koseki_supplement/koseki_supplement_notice.def"
};
#undef FIELD

enum supplement_event {
    SUPPLEMENT_NONE, /* no supplement changes */
#define SUPPLEMENT_EVENT(name, text, ja) SUPPLEMENT_##name,
#include "flow/koseki_supplement/supplement_event.def"
#undef SUPPLEMENT_EVENT
    SUPPLEMENT_EVENTS
};
/* Its name in the notice and in Japanese; of SUPPLEMENT_NONE "". */
const char *supplement_event_name(enum supplement_event event);
const char *supplement_event_ja(enum supplement_event event);
/* SUPPLEMENT_NONE when there is none of that name. */
enum supplement_event supplement_event_find(struct str name);

extern const struct message_form koseki_supplement_notice_form;

#endif
