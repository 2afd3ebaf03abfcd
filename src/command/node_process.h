/* SPDX-License-Identifier: Apache-2.0 */
/* The daemons of a network on this machine: started, asked, stopped. */
#ifndef JUKI_COMMAND_NODE_PROCESS_H
#define JUKI_COMMAND_NODE_PROCESS_H

#include "command/control_client.h"
#include "command/network.h"

enum { NODE_START_MILLIS = 20 * 1000, NODE_STOP_MILLIS = 20 * 1000 };

/* The process of a node's daemon, by its socket or else by run/pid; 0 when it does not run. */
pid_t node_pid(const struct network_node *node);
/* Asks {"do":verb}; failures name the node. */
MUST_CHECK enum err node_ask(struct fail *f, const struct network_node *node, const char *verb,
                             struct json **answer);
/* The same with a whole question and, for long work, a progress bar under `label` (NULL: none). */
MUST_CHECK enum err node_ask_text(struct fail *f, const struct network_node *node, struct str question,
                                  const char *label, struct json **answer);
/* Starts it in a session of its own, output appended to log/juki.log, and waits until it says that it is
 * ready. *started (may be NULL) is false when it ran already. ERR_PROGRAM_ABSENT, ERR_NODE_START (its last
 * lines of log have then been written to stderr). */
MUST_CHECK enum err node_start(struct fail *f, const struct network_node *node, bool *started);
/* Signal, without waiting. */
void node_signal(pid_t pid, int signal);
/* Waits until the process is gone; ERR_NODE_STOP. */
MUST_CHECK enum err node_wait_end(struct fail *f, const struct network_node *node, pid_t pid, int millis);

#endif
