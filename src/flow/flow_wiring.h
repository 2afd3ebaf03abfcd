/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows all flows: what a program with a given role runs. */
#ifndef JUKI_FLOW_FLOW_WIRING_H
#define JUKI_FLOW_FLOW_WIRING_H

#include "flow/flow.h"

enum { FLOW_KINDS_MAX = 16, FLOW_MODULES = 3 };

/* Puts into flow the functions that flows need of each other. */
void flow_wire(struct flow *flow);
/* The kinds a node of this role sends or receives, for link_config.kinds; returns how many. */
size_t flow_kinds(enum node_role role, struct link_kind kinds[static FLOW_KINDS_MAX]);
/* The flows' tables; every server has all of them. */
extern const struct db_module *const flow_modules[FLOW_MODULES];

#endif
