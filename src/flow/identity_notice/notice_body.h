/* SPDX-License-Identifier: Apache-2.0 */
/* The notice's body and what the files of this flow share. Private to the flow. */
#ifndef JUKI_FLOW_IDENTITY_NOTICE_NOTICE_BODY_H
#define JUKI_FLOW_IDENTITY_NOTICE_NOTICE_BODY_H

#include "flow/identity_notice/identity_notice.h"

enum { NOTICE_BODY_MAX = 32 * 1024, NOTICE_ARENA = 256 * 1024 };

void notice_body_write(struct buf *b, const struct store_version *v);
/* Every range and rule is checked. Text goes into the arena; entry and noticed are left 0. */
MUST_CHECK enum err notice_body_read(struct fail *f, const struct json *body, struct arena *a,
                                     struct store_version *v);

struct notice_plan {
    struct store_plan store;
    struct str replaces; /* id of the notice that carried what this one corrects; p NULL: none */
};
/* What sending the change would do; reads only. The arena keeps the id. Errors of store_plan. */
MUST_CHECK enum err notice_plan(struct flow *flow, struct db_tx *tx, struct fail *f,
                                const struct identity_change *change, struct arena *a,
                                struct notice_plan *plan);
/* Sends what was planned and records it. */
MUST_CHECK enum err notice_send(struct flow *flow, struct db_tx *tx, struct fail *f,
                                const struct identity_change *change, struct notice_plan *plan);

/* The queue that a change of this person joins; 0 when nobody waits. */
MUST_CHECK enum err waiting_queue(struct db_tx *tx, struct fail *f, const struct identity_change *change,
                                  int64_t *waits_for);
/* Opens a queue with a first entry, which leaves its episode in `state`, and asks for the number. */
MUST_CHECK enum err waiting_open(struct flow *flow, struct db_tx *tx, struct fail *f,
                                 const struct identity_change *change, enum store_state state);
/* Joins a queue, or takes the place of what it corrects there. */
MUST_CHECK enum err waiting_join(struct flow *flow, struct db_tx *tx, struct fail *f, int64_t waits_for,
                                 const struct identity_change *change);

#endif
