/* SPDX-License-Identifier: Apache-2.0 */
/* What 転出証明書情報 holds. Pure: registers read and write it by the same rows. */
#ifndef JUKI_FLOW_SPECIAL_MOVE_IN_SPECIAL_MOVE_IN_MESSAGE_H
#define JUKI_FLOW_SPECIAL_MOVE_IN_SPECIAL_MOVE_IN_MESSAGE_H

#include "flow/message.h"

enum { CERTIFICATE_PERSONS_MOST = 30, CERTIFICATE_ALIASES_MOST = 5 };

#define FIELD(type, name, ...) MESSAGE_MEMBER_##type(name)
#define LIST(item, name, ...) struct message_list name; /* of struct item */
struct certificate_alias {
#include "flow/special_move_in/certificate_alias.def"
};
struct certificate_person {
#include "flow/special_move_in/certificate_person.def"
};
struct move_out_certificate {
#include "flow/special_move_in/move_out_certificate.def"
};
struct move_out_certificate_question {
#include "flow/special_move_in/move_out_certificate_question.def"
};
#undef FIELD
#undef LIST

extern const struct message_form certificate_alias_form, certificate_person_form, move_out_certificate_form,
    move_out_certificate_question_form;

static inline struct certificate_person *certificate_person_at(const struct move_out_certificate *m, size_t i)
{
    return (struct certificate_person *)m->persons.items + i;
}
/* Does the person have a card's items? */
static inline bool certificate_has_card(const struct certificate_person *p)
{
    return date_known(p->card_issued_on);
}

#endif
