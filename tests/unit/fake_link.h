/* SPDX-License-Identifier: Apache-2.0 */
/* A link without a network: what is sent stands in memory, and the test delivers it when and in which order
 * it likes. Implements what flows call of link.h. Several nodes in one program, each with a database of its
 * own. */
#ifndef JUKI_TESTS_UNIT_FAKE_LINK_H
#define JUKI_TESTS_UNIT_FAKE_LINK_H

#include "flow/flow_wiring.h"

enum { FAKE_NODES = 5, FAKE_NOTICES = 400 };

struct fake_notice {
    const char *sender; /* node name */
    char destination[NODE_NAME_SIZE];
    char id[96], replaces[96];
    char *body; /* terminated; free() */
    uint16_t kind;
    struct node_name origin;
    int64_t sequence, source;
    uint64_t entry; /* of its sender's log; of what was sent, not relayed */
    bool delivered;
};
struct link { /* what link.h leaves open */
    struct flow flow;
    struct link_kind kinds[FLOW_KINDS_MAX];
    size_t kind_count;
    uint64_t entry;
    int64_t sent;   /* notices of its own that were ever sent */
    int64_t epoch;  /* raised by a restore */
    int64_t alarms; /* pools running low */
    /* what the door was told */
    int64_t outcomes, last_outcome, numbers, messages;
    char last_message[2048]; /* "KIND FROM ID BODY" */
    enum err last_error;
};
extern struct fake_notice fake_notices[FAKE_NOTICES];
extern size_t fake_count;

/* Makes a node with its database at url, wired; upper may be "". */
void fake_node(struct link *node, const char *name, enum node_role role, int32_t area, const char *upper,
               const char *url);
void fake_close(struct link *nodes, size_t count);
/* Gives one notice to its destination, in a transaction; the error of scope or apply. */
enum err fake_deliver_one(struct link *to, const struct fake_notice *n, struct fail *f);
/* The same inside a transaction of the caller's. */
enum err fake_apply(struct link *to, struct db_tx *tx, const struct fake_notice *n, struct fail *f);
/* Delivers everything, also what is sent meanwhile, in the order of sending; fails the test on an error. */
void fake_deliver_all(struct link *nodes, size_t count);
struct link *fake_find(struct link *nodes, size_t count, const char *name);

#endif
