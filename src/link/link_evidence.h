/* SPDX-License-Identifier: Apache-2.0 */
/* What the books of the link give out as evidence (docs/EVIDENCE.md): one notice with its path to the batch's signed
 * header, or the receipt that answered a batch. Both are read beside a running server or without one, and hold the
 * bytes that were signed then: nothing is signed anew. */
#ifndef JUKI_LINK_LINK_EVIDENCE_H
#define JUKI_LINK_LINK_EVIDENCE_H

#include "base/buf.h"
#include "db/db.h"

enum { LINK_EVIDENCE_MAX = 4 * 1024 * 1024 };
struct link_place {
    const char *self, *peer; /* node names: whose database it is, and the neighbour */
    bool received;           /* a notice of the peer's to self; else one of ours to it */
    int64_t sequence;        /* in that stream */
};
/* Writes one JSON object. ERR_NODE_UNKNOWN; ERR_NOT_FOUND when no batch with a receipt holds the sequence, or
 * retention has deleted one of the batch's notices; ERR_LIMIT, ERR_DB_... */
MUST_CHECK enum err link_evidence_notice(struct fail *f, struct db *db, const struct link_place *place, struct buf *out);
/* The peer's receipt for the batch that held our notice; place->received is not looked at. */
MUST_CHECK enum err link_evidence_receipt(struct fail *f, struct db *db, const struct link_place *place,
                                          struct buf *out);

#endif
