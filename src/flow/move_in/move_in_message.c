/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/move_in/move_in_message.h"

#define FIELD(type, name, must, most, ja, source) MESSAGE_FIELD(move_in_notice, type, name, must, most)
static const struct message_field notice_fields[] = {
#include "flow/move_in/move_in_notice.def"
};
#undef FIELD
#define FIELD(type, name, must, most, ja, source) MESSAGE_FIELD(move_out_confirmation, type, name, must, most)
static const struct message_field confirmation_fields[] = {
#include "flow/move_in/move_out_confirmation.def"
};
#undef FIELD

/* Wards of a designated city are places of their own here (法38条). */
static enum err check_notice(struct fail *f, const void *message)
{
    const struct move_in_notice *m = message;
    if (area_code_equal(m->area_code, m->former_area_code))
        return fail_set(f, ERR_FIELD_RANGE, "former_area_code", "the same as area_code");
    if (date_compare(m->birth_date, m->move_in_date) > 0)
        return fail_set(f, ERR_BIRTH_LATE, "birth_date", NULL);
    if (m->old_resident_code.has && resident_code_equal(m->old_resident_code.value, m->resident_code.value))
        return fail_set(f, ERR_CHANGE_SAME, "old_resident_code", NULL);
    return ERR_OK;
}

const struct message_form move_in_notice_form = {"move_in_notice", sizeof(struct move_in_notice),
                                                 notice_fields, COUNT_OF(notice_fields), check_notice};
const struct message_form move_out_confirmation_form = {
    "move_out_confirmation", sizeof(struct move_out_confirmation), confirmation_fields,
    COUNT_OF(confirmation_fields), NULL};
