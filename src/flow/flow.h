/* SPDX-License-Identifier: Apache-2.0 */
/* What every flow of a server shares. One struct per program; flows do not know each other, they meet in the store
 * and in the link. */
#ifndef JUKI_FLOW_FLOW_H
#define JUKI_FLOW_FLOW_H

#include "keys/ff1.h"
#include "link/link.h"
#include "store/store.h"

struct flow {
    struct node_name self;
    char upper[NODE_NAME_SIZE]; /* a CS's prefecture, a prefecture's "agency", "" at the agency */
    struct db *db;
    struct ledger *ledger;
    struct link *link;
    struct ff1 *number_key;     /* agency only: Individual Numbers */
    struct ff1 *code_key;       /* agency only: the order in which resident codes are drawn */
    /* At a CS: the door is told inside the transaction. NULL elsewhere. */
    const struct flow_door *door;
    void *door_self;
};

/* What flows tell the door (implemented by src/door, so that flows do not depend on it). */
struct flow_door {
    /* The number for the person of change `change`: goes on the feed of number notices (and the 837Y telegram). */
    enum err (*number)(void *self, struct db_tx *tx, struct fail *f, struct resident_code code,
                       struct individual_number number, int64_t change);
    /* Outcome of changes first..last: state 'a' applied nationally, 'w' waiting, 'r' refused and why. */
    enum err (*outcome)(void *self, struct db_tx *tx, struct fail *f, int64_t first, int64_t last, char state,
                        int64_t error, struct str field);
};

#endif
