/* SPDX-License-Identifier: Apache-2.0 */
/* The database of a server or register of a network on this machine, as its own program would open it. */
#ifndef JUKI_COMMAND_NODE_DATABASE_H
#define JUKI_COMMAND_NODE_DATABASE_H

#include "command/network.h"
#include "db/db.h"
#include "program/node_config.h"

/* The modules whose tables a node of this role has. */
const struct db_module *const *node_modules(enum node_role role, size_t *count);

struct node_database {
    struct node_config config;
    const struct db_module *const *modules;
    size_t module_count;
    bool postgres;
    struct str path; /* of the file, without symbolic links; "" for PostgreSQL */
};
/* Reads the node's configuration into the arena. */
MUST_CHECK enum err node_database_find(struct fail *f, const struct network_node *node, struct arena *a,
                                       struct node_database *out);

#endif
