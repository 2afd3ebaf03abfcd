/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket of a daemon: a Unix socket (mode 0600) for `juki` and monitoring.
 *
 * A question is one line of JSON {"do":"VERB",...}; the answer is one line {"ok":true,...} or
 * {"ok":false,"error":NUMBER,"name","text","text_ja"}; long work sends lines {"progress":DONE,"total":ALL}
 * before it. Whoever may open the socket is the server's own user. */
#ifndef JUKI_PROGRAM_CONTROL_H
#define JUKI_PROGRAM_CONTROL_H

#include "base/json.h"

#include <stdatomic.h>

enum { CONTROL_LINE_MAX = 16 * 1024 * 1024 };

struct control_call {
    const struct json *question;
    struct buf answer; /* members of the answer's object, written with json_add_*; "{" stands there already */
    struct arena arena;
    int fd;                      /* for control_progress */
    const atomic_bool *stopping; /* for control_wait_line */
};
/* Best effort: a client that went away does not stop the work. */
void control_progress(struct control_call *call, int64_t done, int64_t total);
/* What ails a daemon that answers all the same: "name", "trouble", "trouble_ja". */
void control_add_trouble(struct buf *answer, const struct fail *why);
/* Waits until the client says one more line: what it does beside this call is done. look is asked a few times
 * a second and ends the waiting with its error. ERR_PEER_CLOSED: it went away; ERR_STOPPING: the daemon ends.
 */
MUST_CHECK enum err control_wait_line(struct control_call *call, struct fail *f,
                                      enum err (*look)(void *arg, struct fail *f), void *arg);

struct control_verb {
    const char *name, *help;
    enum err (*run)(void *self, struct control_call *call, struct fail *f);
};
struct control;
MUST_CHECK enum err control_start(struct fail *f, const char *path, const struct control_verb *verbs,
                                  size_t count, void *self, struct control **out);
/* Does somebody answer at that socket? */
bool control_in_use(const char *path);
/* Answers what is running, then removes the socket, unless another process has put its own there. Accepts
 * NULL. */
void control_stop(struct control *c);

#endif
