/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that stand in the directory of a town, are connected to its agency and have nothing to say: each
 * has a TLS key, a certificate of the network's CA and a signing key of its own, dials, says HELLO and stays.
 * This process holds all their connections; a connection costs nothing while nothing comes. */
#ifndef JUKI_TESTS_BENCH_QUIET_PEERS_H
#define JUKI_TESTS_BENCH_QUIET_PEERS_H

#include "town.h"

struct quiet_peers;
/* In a town that was made and is not up: makes count servers (the other prefectures, then municipalities,
 * then invented ones), and the town's next directory with them. folder: for files of its own. */
MUST_CHECK enum err quiet_peers_new(struct fail *f, const char *folder, struct town *t, size_t count,
                                    struct quiet_peers **out);
/* All dial the agency and say HELLO. ERR_LIMIT when the system allows too few open files. */
MUST_CHECK enum err quiet_peers_connect(struct quiet_peers *q, struct fail *f);
/* Each asks something small and gets its answer: all are still there, and none is idle for too long. */
MUST_CHECK enum err quiet_peers_touch(struct quiet_peers *q, struct fail *f);
/* All say goodbye. */
void quiet_peers_leave(struct quiet_peers *q);
void quiet_peers_free(struct quiet_peers *q); /* leaves too; accepts NULL */

#endif
