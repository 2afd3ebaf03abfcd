/* SPDX-License-Identifier: Apache-2.0 */
/* What every flow of a server shares. One struct per program; flows do not know each other, they meet in the
 * store and in the link, and where one needs another it calls a function that flow_wire() (flow_wiring.h) has
 * put here. */
#ifndef JUKI_FLOW_FLOW_H
#define JUKI_FLOW_FLOW_H

#include "keys/ff1.h"
#include "link/link.h"
#include "store/store.h"

enum number_request_kind { NUMBER_NEW, NUMBER_CHANGE, NUMBER_EX_OFFICIO };

struct flow {
    struct node_name self;
    char upper[NODE_NAME_SIZE]; /* a CS's prefecture, a prefecture's "agency", "" at the agency */
    struct db *db;
    struct ledger *ledger;
    struct link *link;
    struct ff1 *number_key; /* agency only: Individual Numbers */
    struct ff1 *code_key;   /* agency only: the order in which resident codes are drawn */
    /* At a CS: the door is told inside the transaction. NULL elsewhere. */
    const struct flow_door *door;
    void *door_self;

    /* A pool is running low: the program says so to its operator. Called once at each level, inside the
     * transaction that emptied it so far; NULL: nobody listens. */
    void (*pool_low)(struct flow *flow, const char *pool, int64_t left, int64_t of, int level);
    /* CS: asks the agency for a number for code; change: the register's change number. */
    enum err (*number_request)(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code code,
                               enum number_request_kind kind, int64_t change);
    /* CS: the number of code came. */
    enum err (*number_arrived)(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code code,
                               struct individual_number number);
    /* Agency: to which municipality a code was designated; 0 when to nobody. */
    enum err (*code_designated)(struct db_tx *tx, struct fail *f, struct resident_code code,
                                struct area_code *municipality);
    /* Agency: an identity notice says whose a number is. */
    enum err (*number_record)(struct flow *flow, struct db_tx *tx, struct fail *f,
                              const struct store_version *v, const struct link_notice *n);
};

/* A message of another municipality, for the register; text is borrowed. */
struct municipal_arrival {
    const char *kind;        /* "move_in_notice" */
    struct area_code from;   /* the municipality, as its CS is named */
    struct str id, replaces; /* of the notice it came as, and of the one it corrects (or empty) */
    int64_t time;            /* when it was made */
    struct str body;         /* JSON, by the kind's form */
};

/* What flows tell the door (implemented by src/door, so that flows do not depend on it). */
struct flow_door {
    /* The number for the person of change `change`: goes on the feed of number notices (and the 837Y
     * telegram). */
    enum err (*number)(void *self, struct db_tx *tx, struct fail *f, struct resident_code code,
                       struct individual_number number, int64_t change);
    /* Outcome of changes first..last: state 'a' applied nationally, 'w' waiting, 'r' refused and why. */
    enum err (*outcome)(void *self, struct db_tx *tx, struct fail *f, int64_t first, int64_t last, char state,
                        int64_t error, struct str field);
    /* Word ahead: these were applied; the outcome follows. */
    void (*ahead)(void *self, int64_t first, int64_t last);
    /* Another municipality's message: goes on the feed of messages. */
    enum err (*message)(void *self, struct db_tx *tx, struct fail *f,
                        const struct municipal_arrival *arrival);
};

/* For kinds that a node sends but never receives: apply of their row. */
enum err flow_not_received(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f);
/* Scope of what only the agency says, and of what a CS says to the agency of itself. */
enum err flow_scope_agency(void *app, const struct link_notice *n, struct fail *f);
enum err flow_scope_cs(void *app, const struct link_notice *n, struct fail *f);
/* The resident code at member `field` of a body; ERR_FIELD_MISSING, ERR_FIELD_TYPE, ERR_RESIDENT_CODE_*. */
MUST_CHECK enum err flow_body_code(struct fail *f, const struct json *object, const char *field,
                                   struct resident_code *out);
/* The same for codes[] of link_kind.persons: appends the value when there is a good one, returns the new
 * count. */
size_t flow_person_add(const struct json *object, const char *field, int64_t codes[static LINK_PERSONS_MAX],
                       size_t count);

#endif
