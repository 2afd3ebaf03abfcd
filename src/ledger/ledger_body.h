/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of entries: how they read (one line of text, then the payload) and how they are stored.
 *
 *     KIND STAMP WHAT\n        operation 2026-11-22T09:00:00.000000Z search\n
 *     PAYLOAD                  any bytes
 *
 * Stored form 0 is the body itself; form n is a zstd frame made with dictionary version n. The leaf is always
 * the hash of the body itself, so that a log can be stored anew in another form without changing its tree. */
#ifndef JUKI_LEDGER_LEDGER_BODY_H
#define JUKI_LEDGER_LEDGER_BODY_H

#include "ledger/ledger.h"

enum { LEDGER_BODY_MAX = 2 * 1024 * 1024 };

/* Packs and unpacks bodies; holds the library's contexts. For one thread at a time. */
struct body_packer;
MUST_CHECK enum err body_packer_new(struct fail *f, struct body_packer **out);
void body_packer_free(struct body_packer *p);
/* This thread's own, made at first use and freed with the thread: for entries read one by one. */
MUST_CHECK enum err body_packer_of_thread(struct fail *f, struct body_packer **out);
/* *packed borrows from body or from the packer until its next call. */
MUST_CHECK enum err body_pack(struct body_packer *p, struct fail *f, struct str body, int64_t *form,
                              struct str *packed);
/* *body borrows from packed or from the packer until it unpacks other bytes; the same again cost next to
 * nothing. ERR_LEDGER_DICTIONARY for an unknown form. */
MUST_CHECK enum err body_unpack(struct body_packer *p, struct fail *f, int64_t form, struct str packed,
                                struct str *body);

/* Appends the first line. ERR_LEDGER_BODY when what is not one line of text. */
MUST_CHECK enum err body_write_heading(struct fail *f, enum ledger_kind kind, int64_t time, struct str what,
                                       struct buf *out);
/* Fills kind, time, what and payload from out->body. ERR_LEDGER_DAMAGED. */
MUST_CHECK enum err body_read_heading(struct fail *f, struct ledger_entry *out);

#endif
