/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence in files, checked without a database: an exported log, a notice, a receipt. Forms: docs/EVIDENCE.md.
 *
 * Everything here is outside bytes: limits hold before anything is parsed, and nothing is believed before its
 * signature is. ERR_OK means proved; every other error says why not. */
#ifndef JUKI_LEDGER_EVIDENCE_H
#define JUKI_LEDGER_EVIDENCE_H

#include "ledger/note.h"

#include <stdio.h>

enum { EVIDENCE_MAX = 4 * 1024 * 1024, EVIDENCE_NODE_SIZE = 64 };

/* A place where an exported log does not prove itself. */
struct evidence_finding {
    const char *kind;     /* "changed", "missing", "inserted", "truncated", "head_bad", "fork" */
    uint64_t first, last; /* entries concerned */
    char detail[160];
};
struct evidence_log_options {
    const uint8_t *public_key; /* 32 bytes: the node's ledger key */
    const struct str *kept;    /* notes of this log that others kept, in any order */
    size_t kept_count;
    void (*report)(void *arg, const struct evidence_finding *finding); /* may be NULL */
    void *arg;
};
struct evidence_log {
    char node[EVIDENCE_NODE_SIZE];
    uint64_t first, entries, deleted, heads, findings;
    uint64_t size; /* of the greatest head that agrees with the entries */
};
/* Reads lines until the end of the file. ERR_OK also with findings: they are told and counted. ERR_MALFORMED names the
 * line that is not of the form. */
MUST_CHECK enum err evidence_check_log(struct fail *f, FILE *in, const struct evidence_log_options *options,
                                       struct evidence_log *out);

struct evidence_notice {
    char node[EVIDENCE_NODE_SIZE], destination[EVIDENCE_NODE_SIZE];
    int64_t kind, version, epoch, sequence;
    struct str payload; /* in the arena */
};
MUST_CHECK enum err evidence_check_notice(struct fail *f, struct str text,
                                          const uint8_t public_key[static ED25519_PUBLIC], struct arena *a,
                                          struct evidence_notice *out);

struct evidence_receipt {
    char node[EVIDENCE_NODE_SIZE];
    struct str payload; /* what was signed, in the arena */
};
MUST_CHECK enum err evidence_check_receipt(struct fail *f, struct str text,
                                           const uint8_t public_key[static ED25519_PUBLIC], struct arena *a,
                                           struct evidence_receipt *out);

#endif
