/* SPDX-License-Identifier: Apache-2.0 */
/* What is on a paper beside its texts: the seal (職印), a code that machines read, and the ground that shows
 * a copy. Private to print. */
#ifndef JUKI_PRINT_MARKS_H
#define JUKI_PRINT_MARKS_H

#include "print/sheet.h"

struct marks; /* how this office's papers look; lives as long as the worker */
struct marks_options {
    const char *seal_path; /* a PNG of the seal; NULL: drawn with the title's characters */
    bool copy_ground;      /* 「複写」 appears on a copy; off where the paper itself does that */
};
/* ERR_PAPER_SEAL, ERR_MEMORY. */
MUST_CHECK enum err marks_open(struct fail *f, const struct marks_options *options, struct marks **out);
void marks_close(struct marks *m); /* accepts NULL */

/* A square red seal. text: 「西宮市長」, completed by 印 or 之印 and written in columns from the right. */
MUST_CHECK enum err marks_seal(const struct marks *m, struct sheet *s, struct fail *f, struct sheet_box box,
                               struct str text);
/* A QR code (ISO/IEC 18004, level M). ERR_LIMIT when it is too long for one. */
MUST_CHECK enum err marks_qr(struct sheet *s, struct fail *f, struct sheet_box box, struct str text);
/* The ground as sheet_about.behind wants it, arg being m; NULL when none is wanted. */
void (*marks_ground(const struct marks *m))(cairo_t *cr, const void *m);

/* Into how many columns and rows a seal's text is set, and with which ending; for tests too. */
struct marks_grid {
    size_t columns, rows;
    const char *ending; /* 「」「印」「之印」 */
};
struct marks_grid marks_grid(size_t characters);

#endif
