/* SPDX-License-Identifier: Apache-2.0 */
/* How long everything lives: one row for each table, message and paper (retention.def), with its shortest and
 * its longest life, the event that starts the clock, and the article the rule comes from.
 *
 * Nothing may be deleted before its shortest life is over; what is of persons must be gone when the longest
 * is. */
#ifndef JUKI_STORE_RETENTION_H
#define JUKI_STORE_RETENTION_H

#include "identity/civil_date.h"

enum retention_subject { RETENTION_TABLE, RETENTION_MESSAGE, RETENTION_PAPER };
enum retention_start {
    RETENTION_RECORDED,    /* the row was written, the message recorded, the paper made */
    RETENTION_NEXT_NOTICE, /* the next identity notice about the same person */
    RETENTION_REMOVAL,     /* 消除 or 改製 of the resident record */
    RETENTION_SUPERSEDED,  /* a newer state took its place */
    RETENTION_USED,        /* answered, released, drawn, taken by the register */
    RETENTION_CLOSED       /* the book's or document's last entry */
};
struct retention_span {
    int32_t years, days; /* years -1: as long as the server exists */
};
struct retention_row {
    enum retention_subject subject;
    const char *name; /* of the table, of the message kind, or the glossary name of the paper */
    struct retention_span shortest, longest;
    enum retention_start start;
    const char *article;
};

/* All rows in the order of retention.def. A name may have several, one for each start. */
const struct retention_row *retention_rows(size_t *count);
/* The first row of a name, NULL when it has none. */
const struct retention_row *retention_find(enum retention_subject subject, const char *name);
/* The first day on which a thing whose clock started on `start` may be deleted; 9999-12-31: never. */
struct date retention_due(const struct retention_row *row, struct date start);
/* The last day on which it may still exist; 9999-12-31: no end. */
struct date retention_end(const struct retention_row *row, struct date start);
/* "recorded" .. "closed". */
const char *retention_start_name(enum retention_start start);

#endif
