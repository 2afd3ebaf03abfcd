/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the dialler's side share: one thread a neighbour, which asks while the neighbour answers.
 */
#ifndef JUKI_LINK_DIAL_H
#define JUKI_LINK_DIAL_H

#include "link/core.h"

/* As many as a batch may hold: the more share a transaction, the seldomer a page of a randomly keyed table is
 * written. */
enum { BATCH_TARGET_NOTICES = BATCH_NOTICES_MAX, BATCH_TARGET_BYTES = BATCH_BYTES_MAX };

struct dial {
    struct link *l;
    struct peer *peer;
    struct channel *channel;
    struct directory *directory;
    const struct directory_node *node;
    struct arena arena;
    uint64_t correlation;
    bool old_twin; /* the peer answers with a life older than one that was seen, or has less than it took in
                      this very life: it, not we, is the old one */
    bool worked;   /* something was done on this connection */
};

/* One batch of ours, to be sent or compared. */
struct outgoing {
    struct dial *d;
    int64_t first, last; /* what is wanted; last becomes what was taken */
    bool stored;         /* its header came from disk */
    bool late;           /* none of it was urgent */
    struct frame *frames;
    size_t count, known; /* known: how many of a fetched batch our outbox holds */
    struct str header;
    struct batch_header h;
    struct receipt receipt;
    struct str receipt_text;
};

/* One question and its answer, or BUSY. What the peer refused is the error. */
MUST_CHECK enum err dial_exchange(struct dial *d, struct fail *f, uint16_t kind, struct str json,
                                  uint16_t expected, struct frame *out);
/* The peer's refusal as our error: a fork that it sees is one for us too. */
MUST_CHECK enum err dial_refusal(struct dial *d, struct fail *f, const struct frame *frame);
/* Waits for work or `ms` milliseconds. After a restore, and when a greeting is due, comparing is work. True
 * when there may be work. */
bool dial_wait(struct peer *p, int64_t ms, bool any_work);

/* dial_batch.c */
MUST_CHECK enum err dial_send_pending(struct dial *d, struct fail *f);
MUST_CHECK enum err dial_resend(struct dial *d, struct fail *f);
/* Sends stored batches that hold first..last: the same headers, the same bytes. */
MUST_CHECK enum err dial_send_stored(struct dial *d, struct fail *f, int64_t first, int64_t last,
                                     uint16_t kind);
enum err outgoing_load(struct db_tx *tx, struct fail *f, void *outgoing); /* frames of first..last */
enum err outgoing_load_stored(struct db_tx *tx, struct fail *f,
                              void *outgoing); /* header and frames from disk */
enum err outgoing_store(struct db_tx *tx, struct fail *f,
                        void *outgoing); /* acknowledged: header and receipt */
void outgoing_acknowledged(struct outgoing *o);
struct sha256 outgoing_root(const struct frame *frames, size_t count);

/* dial_settle.c: HELLO, and agreeing on what both ends have. */
MUST_CHECK enum err dial_settle(struct dial *d, struct fail *f);
/* dial_head.c: shows the newest head of the log to the upper server. ERR_FORK when the one above keeps a head
 * that ours does not continue: that is said once, and no head is shown until the next start. */
MUST_CHECK enum err dial_present_head(struct dial *d, struct fail *f);

#endif
