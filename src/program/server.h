/* SPDX-License-Identifier: Apache-2.0 */
/* A server of the network in one process: database, log, keys, link, flows and (at a CS) the door. */
#ifndef JUKI_PROGRAM_SERVER_H
#define JUKI_PROGRAM_SERVER_H

#include "door/door.h"
#include "flow/flow_wiring.h"
#include "flow/resident_code_stock/resident_code_stock.h"
#include "program/control.h"
#include "program/node_config.h"

enum { SERVER_MODULES = 4 + FLOW_MODULES };

struct server {
    struct arena arena;
    struct node_config config;
    struct node_name self;
    const struct db_module *modules[SERVER_MODULES];
    struct db *db;
    struct key *signing_key;
    struct ledger *ledger;
    struct tally *persons; /* by store_state */
    struct link *link;
    struct flow flow;
    struct door *door;
    struct link_kind kinds[FLOW_KINDS_MAX];
    size_t kind_count;
    int64_t started; /* stamp */
    char folder[200];
};

/* Opens everything; nothing listens yet. role: what this program may be. ERR_CONFIG when the file names
 * another. */
MUST_CHECK enum err server_open(struct server *s, struct fail *f, const char *folder, enum node_role role);
MUST_CHECK enum err server_start(struct server *s, struct fail *f);
/* Lets what is running finish; then closes. Accepts a half-opened one. */
void server_close(struct server *s);
/* New certificate or directory. */
MUST_CHECK enum err server_reload(struct server *s, struct fail *f);

/* Can it sign (with a key that the directory knows), log and commit now? Tried, not remembered. The error
 * says what it cannot. */
MUST_CHECK enum err server_health(struct server *s, struct fail *f);

/* The verbs of the control socket (server_verbs.c); self is struct server. */
extern const struct control_verb server_verbs[];
extern const size_t server_verb_count;

#endif
