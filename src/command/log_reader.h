/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a server of a network on this machine, read beside the running daemon or without it. */
#ifndef JUKI_COMMAND_LOG_READER_H
#define JUKI_COMMAND_LOG_READER_H

#include "command/network.h"
#include "ledger/ledger.h"

/* Opens the database of a node for reading. ERR_NOT_FOUND when the server never ran; ERR_DB_... */
MUST_CHECK enum err log_reader_open(struct fail *f, const struct network_node *node, struct db **out);
/* Verifies a node's log against the directory's keys, the head that its upper server keeps, and the entries that the
 * link's rows point at. upper_seen (may be NULL)
 * says whether there was one. What is found goes to report (may be NULL). */
MUST_CHECK enum err log_reader_verify(struct fail *f, const struct network *n, const struct network_node *node,
                                      void (*report)(void *arg, const struct ledger_finding *),
                                      void (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                                      bool *upper_seen, struct ledger_verify_result *out);

#endif
