/* SPDX-License-Identifier: Apache-2.0 */
/* Papers: what stands on each, as a typed struct and as JSON.
 *
 * The fields of a record are rows of a .def file: name in JSON and C, kind, whether it must be there, limit,
 * Japanese label. The structs, the reader, the writer and the forms (form.h) come from the same rows, so that
 * none knows a field the others do not. A paper in JSON is {"form": NAME, field: value ...}: text, codes and
 * numbers as text, dates as "2026-11-22", birth dates with 00 for what is unknown, flags as true, lists as
 * arrays of objects.
 *
 * Unknown members are refused: what somebody wanted printed must not be lost in silence. */
#ifndef JUKI_PRINT_PAPER_H
#define JUKI_PRINT_PAPER_H

#include "base/json.h"
#include "identity/civil_date.h"
#include "identity/sex.h"

enum { PAPER_JSON_MAX = 1 << 20 };

enum paper_form {
#define FORM(name, json, record, ja) PAPER_##name,
#include "print/paper_form.def"
#undef FORM
    PAPER_FORMS
};

/* What a kind of field is in C. Codes and numbers are text that was checked; n == 0 is "none", as for all
 * text. */
#define PAPER_C_TEXT struct str
#define PAPER_C_CODE struct str
#define PAPER_C_NUMBER struct str
#define PAPER_C_DATE struct date  /* zeroed: none */
#define PAPER_C_BIRTH struct date /* any part may be 0 */
#define PAPER_C_SEX enum sex
#define PAPER_C_FLAG bool
#define FIELD(kind, member, need, most, label) PAPER_C_##kind member;
#define LIST(item, member, least, most, label)                                                               \
    struct paper_##item *member;                                                                             \
    size_t member##_count;

struct paper_certificate_person {
#include "print/paper_certificate_person.def"
};
struct paper_certificate {
#include "print/paper_certificate.def"
};
struct paper_mover {
#include "print/paper_mover.def"
};
struct paper_move_out {
#include "print/paper_move_out.def"
};
struct paper_letter_remark {
#include "print/paper_letter_remark.def"
};
struct paper_letter_row {
#include "print/paper_letter_row.def"
};
struct paper_letter_section {
#include "print/paper_letter_section.def"
};
struct paper_letter {
#include "print/paper_letter.def"
};
#undef FIELD
#undef LIST

struct paper {
    enum paper_form form;
    const void *content; /* the struct of its form's record */
};

struct paper_record;
struct paper_form_row {
    const char *name, *ja; /* "move_in_notice", 「転入通知書」 */
    const struct paper_record *record;
};
/* All forms, by enum paper_form. */
extern const struct paper_form_row paper_forms[PAPER_FORMS];
/* ERR_PAPER_FORM. */
MUST_CHECK enum err paper_form_parse(struct fail *f, struct str name, enum paper_form *out);

/* Reads and checks a paper whole; texts and records live in the arena. *f names the first bad field by its
 * path
 * ("persons.2.name"). ERR_JSON, ERR_PAPER_FORM, ERR_PAPER_UNKNOWN, ERR_PAPER_UNASKED, ERR_FIELD_*,
 * ERR_TEXT_*, ERR_DATE_*, ERR_SEX, ERR_RESIDENT_CODE_*, ERR_INDIVIDUAL_NUMBER_*, ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK enum err paper_read(struct fail *f, struct str json, struct arena *a, struct paper *out);
/* The JSON that paper_read reads. out's own check says whether it fitted. */
void paper_write(const struct paper *paper, struct buf *out);
/* Appends an invented paper of that form as JSON: for `juki paper sample` and tests. */
MUST_CHECK enum err paper_sample(struct fail *f, enum paper_form form, struct buf *out);

#endif
