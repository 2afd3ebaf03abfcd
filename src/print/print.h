/* SPDX-License-Identifier: Apache-2.0 */
/* Having papers made by processes of their own: a crash or a hang costs one paper, and no paper is ever
 * another's.
 *
 * A few workers (program juki-paper) are kept warm; each makes one paper at a time. An order carries a random
 * id and the SHA-256 of its content. The worker answers with the id, and with the hash of what it printed,
 * which also stands in the PDF; an answer in which one of the three differs is thrown away with its worker.
 * So a worker that is late, mixes papers up, or is broken in any way gives an error, never another person's
 * paper. A worker that failed is ended and replaced. */
#ifndef JUKI_PRINT_PRINT_H
#define JUKI_PRINT_PRINT_H

#include "base/buf.h"

#include <sys/types.h>

enum { PRINT_WORKERS = 2, PRINT_WORKERS_MAX = 16 };
struct print_options {
    const char *program; /* NULL: juki-paper beside the program that runs */
    const char *seal;    /* a PNG of the seal; NULL: it is drawn */
    bool copy_ground;    /* 「複写」 appears on a copy; for offices without security paper */
    bool replace;        /* what the font lacks becomes ■ with a footnote, instead of ERR_PAPER_GLYPH */
    size_t workers;      /* 1 to PRINT_WORKERS_MAX; 0: PRINT_WORKERS */
};
struct print;
/* Starts the workers without waiting for them. ERR_MEMORY, ERR_PAPER_WORKER. */
MUST_CHECK enum err print_open(struct fail *f, const struct print_options *options, struct print **out);
/* Ends the workers. Nobody is in print_make any more. Accepts NULL. */
void print_close(struct print *p);

/* Makes the paper of a JSON (paper.h) and appends its PDF; pages may be NULL. From any thread; who finds all
 * workers busy waits. deadline: clock_steady. Errors of paper_read, ERR_PAPER_GLYPH, _ROOM, _FONT, _SEAL,
 * _DRAW: this content cannot be printed as it is. ERR_PAPER_CRASH, ERR_PAPER_TIME, ERR_PAPER_OTHER: nothing
 * was printed, and it may be tried again. ERR_PAPER_WORKER. On any failure *pdf is as it was. */
MUST_CHECK enum err print_make(struct print *p, struct fail *f, struct str json, int64_t deadline,
                               struct buf *pdf, size_t *pages);

struct print_worker {
    pid_t pid;      /* 0: none at the moment */
    int64_t papers; /* that it made */
};
/* How the workers stand: at most `most`; returns how many there are. */
size_t print_workers(struct print *p, struct print_worker *out, size_t most);
/* Workers that were replaced since print_open. */
int64_t print_replaced(struct print *p);

#endif
