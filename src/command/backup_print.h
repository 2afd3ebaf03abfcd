/* SPDX-License-Identifier: Apache-2.0 */
/* What a backup holds, for people and for scripts. */
#ifndef JUKI_COMMAND_BACKUP_PRINT_H
#define JUKI_COMMAND_BACKUP_PRINT_H

#include "command/backup_file.h"
#include "command/command.h"

/* hash NULL: the facts were not proved. */
MUST_CHECK enum err backup_print(struct fail *f, const struct command_call *c, bool json, const char *file,
                                 const struct backup_facts *facts, const char *key,
                                 const struct sha256 *hash);

#endif
