/* SPDX-License-Identifier: Apache-2.0 */
/* What notices between municipalities have in common: they come from a register through its CS's door, go
 * from CS to CS, and end in the other register's feed. Neither prefecture nor agency sees them.
 *
 * The CS reads a message by its form and sends what the form names, no more; with it, beside the form's
 * members, "source", the number of the register's change, by which a restored CS knows what it has sent.
 * Where both places are wards of one designated city there is one CS: the message goes straight to its own
 * register's feed. */
#ifndef JUKI_FLOW_MUNICIPAL_H
#define JUKI_FLOW_MUNICIPAL_H

#include "flow/flow.h"
#include "flow/message.h"

struct municipal_message {
    int64_t number;      /* the register's change */
    int64_t replaces;    /* an earlier change whose message this one corrects, or 0 */
    struct area_code to; /* the municipality it is for, as its CS is named; 0: none is named */
    const struct json *body;
};
struct municipal_kind {
    uint16_t kind; /* LINK_KIND_... */
    const struct message_form *form;
    /* May the municipality `from` say this to `to` (both as their CSs are named)? */
    enum err (*scope)(struct fail *f, const void *message, struct area_code from, struct area_code to);
    /* Takes a message from the register. Before the first write: errors of message_read and scope,
     * ERR_NODE_UNKNOWN (that municipality is not in the network: by letter), ERR_BUSY. A message taken before
     * a restore is not sent again. */
    enum err (*take)(struct flow *flow, struct db_tx *tx, struct fail *f, const struct municipal_kind *kind,
                     const struct municipal_message *m);
};
/* take of the kinds that go to another municipality. */
enum err municipal_take(struct flow *flow, struct db_tx *tx, struct fail *f,
                        const struct municipal_kind *kind, const struct municipal_message *m);
/* scope and apply of their link_kind. */
enum err municipal_scope(const struct municipal_kind *kind, struct flow *flow, const struct link_notice *n,
                         struct fail *f);
enum err municipal_apply(const struct municipal_kind *kind, struct flow *flow, struct db_tx *tx,
                         const struct link_notice *n, struct fail *f);
/* Was a notice of the register's change sent in a life before this one? */
MUST_CHECK enum err municipal_sent(struct flow *flow, struct db_tx *tx, struct fail *f, int64_t number,
                                   bool *sent);
/* Sends the message as a notice of its kind to a node. *entry (may be NULL): of the log. */
MUST_CHECK enum err municipal_send(struct flow *flow, struct db_tx *tx, struct fail *f,
                                   const struct municipal_kind *kind, const struct municipal_message *m,
                                   const char *destination, const void *message, uint64_t *entry);
/* The kind that registers name so; NULL when there is none (flow_wiring.c). */
const struct municipal_kind *municipal_kind_find(struct str name);

#endif
