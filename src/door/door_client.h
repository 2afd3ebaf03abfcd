/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of the door: what a register needs to speak to its CS. One connection, kept; TLS 1.3; the CS
 * must be cs.AREA by its certificate, whatever address it answers at. Not for two threads at once. */
#ifndef JUKI_DOOR_DOOR_CLIENT_H
#define JUKI_DOOR_DOOR_CLIENT_H

#include "base/buf.h"
#include "identity/area_code.h"

#include <stdatomic.h>

struct door_client_config {
    const char *url;       /* "https://127.0.0.1:8001" */
    struct area_code area; /* the municipality whose CS it is */
    const char *tls_key_path, *tls_certificate_path, *ca_path;
    const atomic_bool *stopping; /* may be NULL; breaks off a call that waits, within a second */
};
struct door_client;
MUST_CHECK enum err door_client_new(struct fail *f, const struct door_client_config *config,
                                    struct door_client **out);
/* Accepts NULL. */
void door_client_free(struct door_client *c);
/* One call; body.p NULL is a GET. The answer replaces what is in *answer. ERR_DOOR_LOST: not connected or
 * broken off, it is not known whether the CS did it: call again. An error the CS answered comes back as
 * itself, with its field; *expected (may be NULL) gets the change number that should have come, with
 * ERR_DOOR_GAP. */
MUST_CHECK enum err door_client_call(struct door_client *c, struct fail *f, const char *path, struct str body,
                                     struct buf *answer, int64_t *expected);
/* Did the last call make a connection of its own? Then another process may have answered it than the calls
 * before. */
bool door_client_connected_anew(const struct door_client *c);
/* The error of that name; ERR_DOOR_ANSWER for one this program does not know. */
enum err door_client_err(struct str name);

#endif
