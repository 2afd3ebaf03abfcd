/* SPDX-License-Identifier: Apache-2.0 */
/* What both messages of a move hold. Pure: registers read and write them by the same rows. */
#ifndef JUKI_FLOW_MOVE_IN_MOVE_IN_MESSAGE_H
#define JUKI_FLOW_MOVE_IN_MOVE_IN_MESSAGE_H

#include "flow/message.h"

#define FIELD(type, name, must, most, ja, source) MESSAGE_MEMBER_##type(name)
struct move_in_notice {
#include "flow/move_in/move_in_notice.def"
};
struct move_out_confirmation {
#include "flow/move_in/move_out_confirmation.def"
};
#undef FIELD

extern const struct message_form move_in_notice_form, move_out_confirmation_form;

#endif
