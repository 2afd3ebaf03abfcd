/* SPDX-License-Identifier: Apache-2.0 */
/* The product's flows over the small network of link_network.h, in one process: a register's changes are
 * taken at a CS, their notices go through the prefecture to the agency, and numbers and outcomes come back.
 */
#ifndef JUKI_TESTS_UNIT_FLOW_NETWORK_H
#define JUKI_TESTS_UNIT_FLOW_NETWORK_H

#include "flow/flow_wiring.h"
#include "flow/identity_notice/identity_notice.h"
#include "link_network.h"

enum { AMAGASAKI = 282022 }; /* CS_B's municipality; CS_A's is NISHINOMIYA, CS_FAR's CHIYODA */

extern struct test_network flow_network;
extern struct flow flows[SERVERS_MOST]; /* a test may put a door to a CS's */

/* Wired, with the agency's number key; nothing runs yet. */
void flow_network_init(void);
/* Another prefecture and its municipality too. */
void flow_network_add_far(void);
void flow_network_release(void);
/* The database and the link, without threads; the second says why it cannot (server_try_open). */
void flow_server_open(int server);
MUST_CHECK enum err flow_server_try_open(int server, struct fail *f,
                                         void (*broken)(void *, const struct fail *));
/* Opens it, and its link works. */
void flow_server_start(int server);

/* A change of the register of that CS, in a transaction of its own; the test fails when it is refused. */
void flow_take(int cs, const struct identity_change *change);
/* How many versions of a CS's municipality a server has. */
int64_t flow_versions(int server, int cs);
/* The test fails unless each municipality whose CS is open has versions, and the three levels the same. */
void assert_levels_agree(void);

#endif
