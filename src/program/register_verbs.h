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

/* register_certificate_verbs.c: 転入届の特例. */
enum err register_verb_card(void *self, struct control_call *call, struct fail *f);
enum err register_verb_card_set(void *self, struct control_call *call, struct fail *f);
enum err register_verb_certificates(void *self, struct control_call *call, struct fail *f);
enum err register_verb_certificate(void *self, struct control_call *call, struct fail *f);
enum err register_verb_certificate_enter(void *self, struct control_call *call, struct fail *f);
enum err register_verb_certificate_paper(void *self, struct control_call *call, struct fail *f);
enum err register_verb_certificate_keep(void *self, struct control_call *call, struct fail *f);
enum err register_verb_certificate_answer(void *self, struct control_call *call, struct fail *f);
/* register_supplement_verbs.c: supplements of the family register. */
enum err register_verb_supplement_announce(void *self, struct control_call *call, struct fail *f);
enum err register_verb_supplement_list(void *self, struct control_call *call, struct fail *f);
enum err register_verb_supplement_show(void *self, struct control_call *call, struct fail *f);
enum err register_verb_supplement_census(void *self, struct control_call *call, struct fail *f);
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
