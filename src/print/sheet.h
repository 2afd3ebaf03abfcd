/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of A4 on which lines, texts and pictures have their places, and which become a PDF when all have.
 *
 * Places are millimetres from the left upper corner, sizes of letters are points. Nothing is drawn before
 * sheet_pdf, so that every page knows how many there are. A text that does not fit shrinks, then takes more
 * lines, then is refused: nothing runs over its box. One thread. Private to print. */
#ifndef JUKI_PRINT_SHEET_H
#define JUKI_PRINT_SHEET_H

#include "base/arena.h"
#include "base/buf.h"
#include "print/glyphs.h"

#include <cairo.h>

enum { SHEET_WIDTH = 210, SHEET_HEIGHT = 297, SHEET_PAGES_MAX = 100 };

struct sheet;
struct sheet_box {
    double x, y, w, h;
};
enum sheet_align {
    SHEET_LEFT,
    SHEET_CENTRE,
    SHEET_RIGHT,
    SHEET_SPREAD /* 均等割付 */
};
struct sheet_style {
    double size, least; /* points */
    enum sheet_align align;
    bool top;  /* at the box's upper edge; else in its middle */
    bool flow; /* takes more lines before it shrinks, as a paragraph does */
};
/* Which field a text belongs to, for errors and footnotes. */
struct sheet_field {
    const char *path;  /* "persons.2.name" */
    const char *label; /* 「氏名」 */
    size_t person;     /* 1 ...; 0: nobody's */
};

/* replace: a character that the font lacks is printed as ■ and noted, instead of ERR_PAPER_GLYPH. */
MUST_CHECK enum err sheet_new(struct fail *f, struct glyphs *g, bool replace, struct sheet **out);
void sheet_free(struct sheet *s); /* accepts NULL */
/* The first page is there from the beginning. ERR_LIMIT. */
MUST_CHECK enum err sheet_next_page(struct sheet *s, struct fail *f);
size_t sheet_pages(const struct sheet *s);
/* Where what follows is put, from 0. */
void sheet_turn_to(struct sheet *s, size_t page);

/* On the current page. ERR_PAPER_GLYPH, ERR_PAPER_ROOM, ERR_MEMORY. */
MUST_CHECK enum err sheet_text(struct sheet *s, struct fail *f, const struct sheet_field *field,
                               struct sheet_box box, struct sheet_style style, struct str text);
/* Text of the form itself, which the font is known to hold. */
MUST_CHECK enum err sheet_words(struct sheet *s, struct fail *f, struct sheet_box box,
                                struct sheet_style style, const char *words);
/* A text over as many lines as it takes: what height that is, with nothing put anywhere. */
MUST_CHECK enum err sheet_measure(struct sheet *s, struct fail *f, const struct sheet_field *field,
                                  double width, double size, struct str text, double *height);
MUST_CHECK enum err sheet_line(struct sheet *s, struct fail *f, double x1, double y1, double x2, double y2,
                               double width);
MUST_CHECK enum err sheet_frame(struct sheet *s, struct fail *f, struct sheet_box box, double width);
/* draw is called with the box's corner as origin and millimetres as unit; arg must live until sheet_free. */
MUST_CHECK enum err sheet_picture(struct sheet *s, struct fail *f, struct sheet_box box,
                                  void (*draw)(cairo_t *cr, const void *arg, double w, double h),
                                  const void *arg);
/* Memory that lives as long as the sheet. */
struct arena *sheet_arena(struct sheet *s);
struct glyphs *sheet_glyphs(struct sheet *s);
/* What was replaced by ■, one line each, or "". */
struct str sheet_notes(const struct sheet *s);

struct sheet_about {
    const char *title;
    const char *keywords;
    int64_t created; /* stamp */
    void (*behind)(cairo_t *cr,
                   const void *arg); /* drawn first on each page, in millimetres; NULL: nothing */
    const void *behind_arg;
};
/* Appends the PDF. The same places, words and stamp make the same bytes. ERR_PAPER_DRAW, ERR_LIMIT,
 * ERR_MEMORY. */
MUST_CHECK enum err sheet_pdf(struct sheet *s, struct fail *f, const struct sheet_about *about,
                              struct buf *out);

#endif
