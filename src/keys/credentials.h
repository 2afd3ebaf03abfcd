/* SPDX-License-Identifier: Apache-2.0 */
/* What a node shows in TLS: its certificate, and its key behind key.h, so that a key in a token works like one in a
 * file and file permissions are checked in one place. Whom to believe is not in here: certificate_verify does that. */
#ifndef JUKI_KEYS_CREDENTIALS_H
#define JUKI_KEYS_CREDENTIALS_H

#include "keys/key.h"

/* *out is a gnutls_certificate_credentials_t for client and server, to be shared by any number of sessions and freed
 * with credentials_free after the last; k must outlive it. pem: the node's certificate (further ones in it are the
 * chain). ERR_CERTIFICATE when it cannot be read or is not k's. */
MUST_CHECK enum err credentials_new(struct fail *f, struct key *k, struct str pem, void **out);
void credentials_free(void *credentials); /* accepts NULL */

#endif
