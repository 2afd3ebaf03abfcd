/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: one table (err.def) makes the enum, the texts and the exit and HTTP status.
 *
 * A function that can fail returns enum err and leaves the detail in the caller's struct fail. */
#ifndef JUKI_BASE_ERR_H
#define JUKI_BASE_ERR_H

#include "base/attr.h"

enum err {
#define ERR(name, number, exit, http, en, ja) ERR_##name = (number),
#include "base/err.def"
#undef ERR
};

struct err_row {
    enum err err;
    const char *name; /* "RESIDENT_CODE_CHECK" */
    int exit;         /* process exit code */
    int http;         /* status at the door */
    const char *en, *ja;
};

/* The row of an error; an unknown number gives a row named "UNKNOWN". Never NULL. */
const struct err_row *err_row(enum err err);
/* All rows in the order of err.def, for documents and tests. */
const struct err_row *err_rows(size_t *count);

/* What went wrong, owned by the request. detail never holds a person's number or name unmasked. */
struct fail {
    enum err err;
    char field[48];   /* the field that was bad, by its glossary name, or "" */
    char detail[208]; /* what was seen, masked; "" when the text says all */
};

/* Fill *f (may be NULL) and return err, so that `return fail_set(...)` reads naturally. field may be NULL. */
enum err fail_set(struct fail *f, enum err err, const char *field, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Hand on what went wrong elsewhere: *f (may be NULL) becomes *from. Returns its err. */
static inline enum err fail_pass(struct fail *f, const struct fail *from)
{
    if (f)
        *f = *from;
    return from->err;
}
/* The same with errno's name as detail. what: the call or file that failed (never a person's data). */
enum err fail_errno(struct fail *f, enum err err, const char *what);

enum fail_language { FAIL_ENGLISH, FAIL_JAPANESE };
/* Japanese when LC_ALL, LC_MESSAGES or LANG begins with "ja", else English. */
enum fail_language fail_language(void);
/* "field: text (detail)" in the language asked for, cut to size, always terminated. Returns out. */
const char *fail_text(const struct fail *f, enum fail_language language, char *out, size_t size);

#endif
