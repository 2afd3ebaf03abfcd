/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the computers of the network: "agency", "linkage", "prefecture.28", "cs.282049", "register.282049". */
#ifndef JUKI_LINK_NODE_NAME_H
#define JUKI_LINK_NODE_NAME_H

#include "base/str.h"

enum node_role { NODE_AGENCY, NODE_PREFECTURE, NODE_CS, NODE_LINKAGE, NODE_REGISTER };
enum { NODE_ROLES = 5, NODE_NAME_SIZE = 24 };

struct node_name {
    char text[NODE_NAME_SIZE]; /* terminated */
    enum node_role role;
    int32_t area; /* prefecture 1..47 for a prefecture, area code for a CS or register, 0 else */
};
/* ERR_NODE_NAME. A CS's area code must be one whose row says runs_cs; a prefecture's 01..47. */
MUST_CHECK enum err node_name_parse(struct fail *f, struct str text, struct node_name *out);
const char *node_role_name(enum node_role role);
/* The prefecture (1..47) a CS belongs to. */
int32_t node_name_prefecture(const struct node_name *n);
bool node_name_equal(const struct node_name *a, const struct node_name *b);

#endif
