/* SPDX-License-Identifier: Apache-2.0 */
/* Every noun of the command line, each in the file of its name. */
#ifndef JUKI_COMMAND_NOUNS_H
#define JUKI_COMMAND_NOUNS_H

#include "command/command.h"

extern const struct command_noun command_network, command_up, command_down, command_status, command_demo;
extern const struct command_noun command_register, command_compare, command_trace, command_errors,
    command_link, command_letter;
extern const struct command_noun command_log, command_simulate, command_check, command_selftest;
extern const struct command_noun command_paper, command_stock, command_waiting, command_backup,
    command_restore;
extern const struct command_noun command_certificate, command_card;
extern const struct command_noun command_stock, command_waiting, command_backup, command_restore;
extern const struct command_noun command_supplement;

#endif
