/* SPDX-License-Identifier: Apache-2.0 */
/* juki log evidence: its row stands among those of juki log (command_log.c). */
#ifndef JUKI_COMMAND_COMMAND_EVIDENCE_H
#define JUKI_COMMAND_COMMAND_EVIDENCE_H

#include "command/command.h"

struct evidence_options {
    bool received;
};
extern const struct option_row command_evidence_options[1];
MUST_CHECK enum err command_evidence(struct command_call *c, struct fail *f);

#endif
