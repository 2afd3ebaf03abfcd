/* SPDX-License-Identifier: Apache-2.0 */
/* How a paper looks: rows of cells, each naming a field of its record, which one engine puts onto pages.
 *
 * A form is data (form_certificate.c); who changes what stands where changes a row. Widths and heights are
 * millimetres. Private to print. */
#ifndef JUKI_PRINT_FORM_H
#define JUKI_PRINT_FORM_H

#include "print/marks.h"
#include "print/paper_record.h"

#define FORM_LEFT 18.0
#define FORM_WIDTH 174.0 /* of the frame */
#define FORM_NUMBER 6.0  /* of it the column with a person's number */
#define FORM_TOP 14.0
#define FORM_BOTTOM 283.0 /* below it only the page's number */
#define FORM_RULE 0.18
#define FORM_EDGE 0.5

enum { FORM_CELLS = 3 };
struct form_cell {
    const char *member;  /* NULL ends the row */
    double label, value; /* widths */
    const char *above;   /* a member printed small above: a reading */
    const char *asked;   /* a flag of the paper: when it is not set, the value is 省略 */
};
enum form_when { FORM_ALWAYS, FORM_JAPANESE, FORM_FOREIGN };
struct form_row {
    double height;       /* at least */
    enum form_when when; /* by the record's field `foreign` */
    struct form_cell cells[FORM_CELLS];
};
struct form_table {
    const struct paper_record *record;
    const struct form_row *rows;
    size_t count;
    double width; /* that the cells of each row fill */
};

/* What is being put onto pages. */
struct form_work {
    struct sheet *sheet;
    const struct marks *marks;
    const struct paper *paper;
    double y; /* the next free place on the page */
};

/* What height the table takes: rows grow where a text would become too small to read. */
MUST_CHECK enum err form_table_height(struct form_work *w, struct fail *f, const struct form_table *t,
                                      const void *content, size_t person, double *height);
/* At x and w->y; person: 1 ..., 0 for the head of the paper. Moves w->y below it. */
MUST_CHECK enum err form_table_place(struct form_work *w, struct fail *f, const struct form_table *t,
                                     double x, const void *content, size_t person);
/* The text of a value as papers write it, in the sheet's arena: dates by era, of foreign residents' births by
 * the western year; "" when there is none. p NULL without memory. */
struct str form_value(struct form_work *w, const struct paper_field *field, const void *content,
                      bool western);
/* A text in which {member} stands for a value of the paper. p NULL without memory. */
struct str form_fill(struct form_work *w, const char *text);
/* A paragraph over the frame's width at w->y, and the room it takes. */
MUST_CHECK enum err form_paragraph(struct form_work *w, struct fail *f, double size, struct str text);
MUST_CHECK enum err form_paragraph_height(struct form_work *w, struct fail *f, double size, struct str text,
                                          double *height);
/* A field of the paper itself, on its own. */
MUST_CHECK enum err form_field(struct form_work *w, struct fail *f, const char *member, struct sheet_box box,
                               struct sheet_style style);
struct str form_text(struct form_work *w, const char *member);
/* Title, name and seal of who issues it, in a box whose right end the seal takes. */
MUST_CHECK enum err form_issuer(struct form_work *w, struct fail *f, struct sheet_box box);
/* The number of the page and of the paper, on each page; and what was replaced. */
MUST_CHECK enum err form_finish(struct form_work *w, struct fail *f);

/* The forms. */
MUST_CHECK enum err form_certificate(struct form_work *w, struct fail *f);
MUST_CHECK enum err form_move_out(struct form_work *w, struct fail *f);
MUST_CHECK enum err form_letter(struct form_work *w, struct fail *f);

/* For a test that holds every row to its width and every name to its record. */
const struct form_table *const *form_tables(size_t *count);

#endif
