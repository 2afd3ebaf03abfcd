/* SPDX-License-Identifier: Apache-2.0 */
/* What a program and the worker that makes its papers say to each other over a socket pair.
 *
 * A frame is its length (4 bytes, big-endian, of what follows) and:
 *   order   id (16 random bytes), SHA-256 of the content, stamp (8), the paper's JSON
 *   answer  id, SHA-256 of the content that was printed, error (4; 0 none), pages (4), length (2) and bytes
 * of the error's field, of its detail, then the PDF The worker hashes what it printed; it never copies the
 * order's hash. Whoever takes an answer holds id, hash, and the hash inside the PDF against the order, so
 * that a paper cannot be another's. Private to print. */
#ifndef JUKI_PRINT_PAPER_WIRE_H
#define JUKI_PRINT_PAPER_WIRE_H

#include "base/buf.h"
#include "base/sha256.h"
#include "print/paper.h"

enum {
    PAPER_ID_SIZE = 16,
    PAPER_PDF_MAX = 16 << 20,
    PAPER_ORDER_MAX = PAPER_JSON_MAX + 256,
    PAPER_ANSWER_MAX = PAPER_PDF_MAX + 1024,
    PAPER_MARK_SIZE = 96
};

struct paper_order {
    uint8_t id[PAPER_ID_SIZE];
    struct sha256 content;
    int64_t created;
    struct str json; /* borrowed from the frame */
};
struct paper_answer {
    uint8_t id[PAPER_ID_SIZE];
    struct sha256 content;
    struct fail fail; /* err 0: the paper was made */
    uint32_t pages;
    struct str pdf; /* borrowed from the frame */
};
/* Append a frame, its length in front; out's own check says whether it fitted. */
void paper_order_write(const struct paper_order *order, struct buf *out);
void paper_answer_write(const struct paper_answer *answer, struct buf *out);
/* Read what stands behind the length. ERR_FRAME. */
MUST_CHECK enum err paper_order_read(struct fail *f, struct str frame, struct paper_order *out);
MUST_CHECK enum err paper_answer_read(struct fail *f, struct str frame, struct paper_answer *out);

/* On a socket, until a deadline (clock_steady; INT64_MAX: none). ERR_PAPER_TIME, ERR_PAPER_CRASH (the other
 * end is gone). */
MUST_CHECK enum err paper_send(struct fail *f, int fd, struct str frame, int64_t deadline);
/* One frame without its length, in out; ERR_FRAME_SIZE when it is longer than most. */
MUST_CHECK enum err paper_receive(struct fail *f, int fd, size_t most, int64_t deadline, struct buf *out);

/* What stands in a PDF among its keywords: which content it is of. Returns out. */
const char *paper_mark(struct sha256 content, char out[static PAPER_MARK_SIZE]);

#endif
