/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 for the network: the agency's CA issues one TLS certificate a node.
 *
 * A certificate names its node in one DNS subject alternative name NODE.juki (e.g. "cs.282049.juki") and in CN. */
#ifndef JUKI_KEYS_CERTIFICATE_H
#define JUKI_KEYS_CERTIFICATE_H

#include "keys/key.h"

/* Self-signed CA certificate (PEM appended to out); constraint CA, path length 0, key usage certSign, cRLSign. */
MUST_CHECK enum err certificate_make_ca(struct fail *f, struct key *ca, const char *name, int days, struct buf *out);
/* Certificate for a node's public key, signed by the CA. names: the node's name, then further DNS names or
 * IP addresses (for the door's HTTPS). client and server authentication. days may be negative in tests (expired). */
MUST_CHECK enum err certificate_issue(struct fail *f, struct key *ca, struct str ca_pem, struct key *subject,
                                      const char *const *names, size_t count, int days, struct buf *out);
/* The node's name in a certificate (DER), into out (terminated). ERR_CERTIFICATE when there is not exactly one. */
MUST_CHECK enum err certificate_node(struct fail *f, struct str der, char *out, size_t size);
struct certificate_facts {
    char node[64];
    char serial[48];         /* hexadecimal */
    uint8_t fingerprint[32]; /* SHA-256 of the DER */
    int64_t not_before, not_after; /* stamps, µs */
};
MUST_CHECK enum err certificate_read(struct fail *f, struct str pem, struct certificate_facts *out);

#endif
