/* SPDX-License-Identifier: Apache-2.0 */
/* Every noun, in the order of the help. */
#include "command/nouns.h"

const struct command_noun *const command_nouns[] = {
    &command_network, &command_up, &command_down, &command_check, &command_selftest,
    &command_simulate, &command_compare, &command_trace, &command_demo,
};
const size_t command_noun_count = COUNT_OF(command_nouns);
