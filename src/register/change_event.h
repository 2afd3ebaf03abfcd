/* SPDX-License-Identifier: Apache-2.0 */
/* One line of a file of changes: what happened to whom, and the new values (docs/REGISTER-CSV.md). */
#ifndef JUKI_REGISTER_CHANGE_EVENT_H
#define JUKI_REGISTER_CHANGE_EVENT_H

#include "register/resident_row.h"

enum { CHANGE_LINE_MAX = 64 << 10 };
struct change_event {          /* text lies in the arena */
    struct str event, cancels; /* cancels: empty unless the reason is a cancellation */
    struct str corrects;       /* of a change of code: the one whose code was wrong; else empty */
    enum municipal_reason reason;
    struct date date, notified_on; /* notified_on zeroed: none */
    bool planned;
    bool special;      /* a 転出届 by card (法24条の2) */
    struct str group;  /* who goes together by one such 転出届; empty: the event alone */
    struct str record; /* empty: by resident_code */
    bool has_resident_code;
    struct resident_code resident_code;
    struct area_code moved_to_area; /* 0: abroad or not known */
    struct str moved_to_address;
    uint64_t set;         /* bit of each enum resident_column that the event sets */
    struct csv_row value; /* the new values, by column; value.line is the event's line */
};
static inline bool change_event_sets(const struct change_event *e, enum resident_column column)
{
    return e->set >> column & 1;
}

/* Reads and checks one line: the members, the reason's rule, and each value by its column's parser. An
 * entry's value is a whole row: resident_row_parse(&event.value) takes it. ERR_JSON, ERR_FIELD_MISSING,
 * ERR_CHANGE_SUBJECT, ERR_CHANGE_VALUE, ERR_MALFORMED (a member nobody knows) and those of the values; detail
 * begins with the line. */
MUST_CHECK enum err change_event_parse(struct fail *f, int64_t line, struct str text, struct arena *a,
                                       struct change_event *out);
/* Puts the event's values into a resident who is there: an amendment. Text stays the event's. */
MUST_CHECK enum err change_event_amend(struct fail *f, const struct change_event *event,
                                       struct resident_row *row);

#endif
