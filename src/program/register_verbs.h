/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of juki-register share: the running register, and verbs of its control socket. */
#ifndef JUKI_PROGRAM_REGISTER_VERBS_H
#define JUKI_PROGRAM_REGISTER_VERBS_H

#include "link/node_name.h"
#include "program/control.h"
#include "program/node_config.h"
#include "register/register.h"

struct running {
    struct arena arena;
    struct node_config config;
    struct node_name self;
    const char *folder;
    struct db *db;
    struct resident_register *reg;
    struct control *control;
    int64_t started;
    atomic_bool disk_low; /* as was said last */
};
/* Before what makes the disk fuller by somebody's wish; what the CS says is still written down. ERR_DISK_LOW.
 */
MUST_CHECK enum err register_takes_work(struct running *r, struct fail *f);

/* register_move_verbs.c: moves between municipalities. */
enum err register_verb_record(void *self, struct control_call *call, struct fail *f);
enum err register_verb_awaited(void *self, struct control_call *call, struct fail *f);
enum err register_verb_intake(void *self, struct control_call *call, struct fail *f);
enum err register_verb_intake_again(void *self, struct control_call *call, struct fail *f);
enum err register_verb_intake_seen(void *self, struct control_call *call, struct fail *f);

/* register_letter_verbs.c */
enum err register_verb_letters(void *self, struct control_call *call, struct fail *f);
enum err register_verb_letter(void *self, struct control_call *call, struct fail *f);
enum err register_verb_letter_make(void *self, struct control_call *call, struct fail *f);
enum err register_verb_letter_receive(void *self, struct control_call *call, struct fail *f);
enum err register_verb_letter_step(void *self, struct control_call *call, struct fail *f);

/* register_restraint_verbs.c */
enum err register_verb_restraints(void *self, struct control_call *call, struct fail *f);
enum err register_verb_restraint_apply(void *self, struct control_call *call, struct fail *f);
enum err register_verb_restraint_step(void *self, struct control_call *call, struct fail *f);
enum err register_verb_restraint_release(void *self, struct control_call *call, struct fail *f);

#endif
