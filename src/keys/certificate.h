/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 for the network: the agency's CA issues one TLS certificate a node.
 *
 * A certificate names its node in one DNS subject alternative name NODE.juki (e.g. "cs.282049.juki") and in CN (the
 * node alone). CA and nodes may have P-256 or Ed25519 keys. There is one level: the CA signs nodes and nothing else.
 * Whether a node's certificate is still wanted (revocation) is the network directory's word, by fingerprint. */
#ifndef JUKI_KEYS_CERTIFICATE_H
#define JUKI_KEYS_CERTIFICATE_H

#include "keys/key.h"

enum { CERTIFICATE_NODE_SIZE = 64, CERTIFICATE_SERIAL_SIZE = 48, CERTIFICATE_PEM_MAX = 65536 };

/* 1..58 of a-z, 0-9, hyphen and dot (the DNS name NODE.juki fits 63); no dot or hyphen at the ends, no two dots. */
bool certificate_is_node_name(struct str name);

/* Self-signed CA certificate (PEM appended to out); constraint CA, path length 0, key usage certSign, cRLSign. */
MUST_CHECK enum err certificate_make_ca(struct fail *f, struct key *ca, const char *name, int days, struct buf *out);
/* Certificate for a node's public key, signed by the CA. names: the node's name, then further DNS names or
 * IP addresses (for the door's HTTPS), none of them under .juki. Client and server authentication. Valid from five
 * minutes ago (clocks differ) by the project's clock; days may be negative in tests (expired).
 * ERR_CERTIFICATE_ISSUER when ca_pem is not the certificate of ca; ERR_FIELD_RANGE for a name. */
MUST_CHECK enum err certificate_issue(struct fail *f, struct key *ca, struct str ca_pem, struct key *subject,
                                      const char *const *names, size_t count, int days, struct buf *out);
/* The node's name in a certificate (DER), into out (terminated). ERR_CERTIFICATE when there is not exactly one, or
 * CN says another. Says nothing about who issued it: certificate_verify does. */
MUST_CHECK enum err certificate_node(struct fail *f, struct str der, char *out, size_t size);

struct certificate_facts {
    char node[CERTIFICATE_NODE_SIZE];     /* "" for a CA */
    char serial[CERTIFICATE_SERIAL_SIZE]; /* hexadecimal */
    uint8_t fingerprint[32];              /* SHA-256 of the DER */
    int64_t not_before, not_after;        /* stamps, µs */
    bool authority;                       /* a CA */
};
/* The first certificate in a PEM text. ERR_CERTIFICATE. */
MUST_CHECK enum err certificate_read(struct fail *f, struct str pem, struct certificate_facts *out);
/* The DER of the first certificate in a PEM text, appended. */
MUST_CHECK enum err certificate_der(struct fail *f, struct str pem, struct buf *out);

/* For a TLS peer: der was issued by one of the CAs in ca_pem (one or more, so that a CA can be followed by the next),
 * is a node's certificate for client and server, and both are valid at now (a stamp of clock_now).
 * ERR_CERTIFICATE_ISSUER, ERR_CERTIFICATE_TIME (detail says expired or not yet, and since when), ERR_CERTIFICATE. */
MUST_CHECK enum err certificate_verify(struct fail *f, struct str der, struct str ca_pem, int64_t now,
                                       struct certificate_facts *out);

#endif
