/* SPDX-License-Identifier: Apache-2.0 */
/* The asking side of a daemon's control socket (program/control.h): one line of JSON out, progress lines and
 * one answer back. */
#ifndef JUKI_COMMAND_CONTROL_CLIENT_H
#define JUKI_COMMAND_CONTROL_CLIENT_H

#include "base/json.h"

#include <sys/types.h>

enum { CONTROL_QUICK = 10 * 1000, CONTROL_LONG = 600 * 1000 }; /* milliseconds */
struct control_question {
    const char *socket;
    struct str text;                                          /* {"do":"status"} */
    int wait_millis;                                          /* between two signs of life */
    void (*progress)(void *arg, int64_t done, int64_t total); /* may be NULL */
    void *arg;
};
/* *answer is the caller's (json_free). ERR_CONTROL_DOWN when nobody listens; ERR_CONTROL_REFUSED with the
 * server's own words; ERR_TIMEOUT; ERR_CONTROL_ANSWER. */
MUST_CHECK enum err control_ask(struct fail *f, const struct control_question *q, struct json **answer);
/* Prints an answer, without its "ok", as one line for scripts. ERR_IO. */
MUST_CHECK enum err control_print(struct fail *f, const struct json *answer);
/* Prints an object that was written. ERR_LIMIT, ERR_IO. */
MUST_CHECK enum err control_print_buf(struct fail *f, const struct buf *json);
/* The same while the server waits for us: once its first line of progress came, work runs; then the server is
 * told and answers. When work fails, its error is the answer. ERR_CONTROL_DOWN also when the server ended
 * meanwhile. */
MUST_CHECK enum err control_ask_during(struct fail *f, const struct control_question *q,
                                       enum err (*work)(void *arg, struct fail *f), void *arg,
                                       struct json **answer);
/* The process that listens at a socket; 0 when none does. */
pid_t control_pid(const char *socket);

#endif
