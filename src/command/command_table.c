/* SPDX-License-Identifier: Apache-2.0 */
/* Every noun, in the order of the help. */
#include "command/nouns.h"

const struct command_noun *const command_nouns[] = {
    &command_demo,    &command_network,  &command_up,    &command_down,     &command_status,
    &command_compare, &command_register, &command_trace, &command_errors,   &command_link,
    &command_waiting, &command_stock,    &command_log,   &command_backup,   &command_restore,
    &command_paper,   &command_simulate, &command_check, &command_selftest,
    &command_demo,        &command_network,  &command_up,       &command_down,   &command_status,
    &command_compare,     &command_register, &command_trace,    &command_errors, &command_link,
    &command_waiting,     &command_stock,    &command_log,      &command_backup, &command_restore,
    &command_certificate, &command_card,     &command_simulate, &command_check,  &command_selftest,
    &command_demo,       &command_network,  &command_up,    &command_down,     &command_status,
    &command_compare,    &command_register, &command_trace, &command_errors,   &command_link,
    &command_waiting,    &command_stock,    &command_log,   &command_backup,   &command_restore,
    &command_supplement, &command_simulate, &command_check, &command_selftest,
    &command_demo,    &command_network,  &command_up,     &command_down,     &command_status,
    &command_compare, &command_register, &command_letter, &command_trace,    &command_errors,
    &command_link,    &command_waiting,  &command_stock,  &command_log,      &command_backup,
    &command_restore, &command_simulate, &command_check,  &command_selftest,
};
const size_t command_noun_count = COUNT_OF(command_nouns);
