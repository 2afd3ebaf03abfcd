/* SPDX-License-Identifier: Apache-2.0 */
/* A paper from its JSON to its PDF, in this process. What needs a paper made uses print.h, which has it made
 * in another. */
#ifndef JUKI_PRINT_PAPER_MAKE_H
#define JUKI_PRINT_PAPER_MAKE_H

#include "print/marks.h"
#include "print/paper_wire.h"

struct paper_office { /* how this office's papers look */
    const char *font; /* NULL: GLYPHS_FAMILY; another is for tests */
    struct str seal;  /* the path of a PNG, terminated; empty: drawn */
    bool copy_ground; /* 「複写」 appears on a copy */
    bool replace; /* a character that the font lacks is printed as ■ with a footnote, instead of refused */
};
struct paper_maker; /* one thread at a time; worth keeping, the font takes longest */
/* ERR_PAPER_FONT, ERR_PAPER_SEAL, ERR_MEMORY. */
MUST_CHECK enum err paper_maker_open(struct fail *f, const struct paper_office *office,
                                     struct paper_maker **out);
void paper_maker_close(struct paper_maker *m); /* accepts NULL */

struct paper_made {
    struct sha256 content; /* of the JSON that was printed */
    size_t pages;
};
/* Appends the PDF. Content and stamp decide every byte of it but what the libraries write of themselves. The
 * content's hash stands in the PDF (paper_mark). Errors of paper_read,
 * ERR_PAPER_GLYPH, ERR_PAPER_ROOM, ERR_PAPER_DRAW. */
MUST_CHECK enum err paper_make(struct paper_maker *m, struct fail *f, struct str json, int64_t created,
                               struct paper_made *made, struct buf *pdf);

#endif
