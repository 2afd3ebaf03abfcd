/* SPDX-License-Identifier: Apache-2.0 */
/* Letters that the register makes and tracks, and letters that it got: what the law wants on paper, and what
 * goes on paper while the line is down.
 *
 * A letter has a number of its own, counted from 1 in each calendar year (「令8-000123」), and a mark: what
 * it stands for (the id of the notice that it replaces, of a restraint, of an event). The same kind, place
 * and mark name one letter that is in force: making it twice is refused, and a message with that mark which
 * comes electronically later is recognised (letter_recognise). States are letter_step.def; each step is kept
 * with its time and who took it.
 *
 * Listings hold no content, since that has names and numbers of persons. */
#ifndef JUKI_REGISTER_LETTER_H
#define JUKI_REGISTER_LETTER_H

#include "base/buf.h"
#include "db/db.h"
#include "identity/area_code.h"
#include "identity/civil_date.h"

enum letter_kind {
#define LETTER(NAME, name, ja, to, days, form, article) LETTER_##NAME,
#include "register/letter_kind.def"
#undef LETTER
    LETTER_KINDS
};
enum letter_addressee { LETTER_TO_MUNICIPALITY, LETTER_TO_PERSON };
struct letter_kind_row {
    const char *name, *ja;
    enum letter_addressee to;
    int answer_days; /* from the sending; 0: no answer is waited for */
    const char *form, *article;
};
const struct letter_kind_row *letter_kind_row(enum letter_kind kind);
/* ERR_FIELD_RANGE ("kind"). */
MUST_CHECK enum err letter_kind_parse(struct fail *f, struct str name, enum letter_kind *out);

/* Numbers are in the database. */
enum letter_state {
    LETTER_MADE = 1,
    LETTER_PRINTED,
    LETTER_SENT,
    LETTER_ANSWERED,
    LETTER_WITHDRAWN,
    LETTER_RECEIVED
};
enum letter_event { LETTER_PRINT = 1, LETTER_SEND, LETTER_ANSWER, LETTER_WITHDRAW };
const char *letter_state_name(enum letter_state state);
/* ERR_STATE ("state"): not possible in that state. */
MUST_CHECK enum err letter_step_after(struct fail *f, enum letter_state before, enum letter_event event,
                                      enum letter_state *after);

enum {
    LETTER_NUMBER_SIZE = 32,
    LETTER_MARK_MOST = 120, /* code points, as the other texts */
    LETTER_WHO_MOST = 100,
    LETTER_CONTENT_BYTES = 64 << 10,
    LETTER_YEAR_MOST = 999999 /* letters in a year */
};
struct letter {
    int64_t id;                      /* in the order of their making */
    char number[LETTER_NUMBER_SIZE]; /* "" until it is made */
    bool received;                   /* from another municipality; else it was made here */
    enum letter_kind kind;
    enum letter_state state;
    struct area_code area; /* to, or, of a received one, from which municipality; 0: to the person */
    int64_t person;        /* whose record; 0: nobody's here */
    char record[804];      /* its name now, as the register calls it; read only */
    char mark[4 * LETTER_MARK_MOST + 1];
    struct date dated; /* the day it was made, or that stands on a received one */
    struct date due;   /* an answer is waited for until then; 0: none, or not sent yet */
};

/* A new letter: kind, area, person and mark of `l` are taken, its id, number, state and day are given to it.
 * content: a JSON object of labelled values for the print room. who: the operator. ERR_EXISTS ("mark"): that
 * letter stands already; ERR_FIELD_MISSING ("to", "record", "mark", "who"), ERR_TEXT_..., ERR_JSON;
 * ERR_LIMIT: the year's numbers are used up. */
MUST_CHECK enum err letter_make(struct db_tx *tx, struct fail *f, struct str content, struct str who,
                                struct letter *l);
/* A letter of another municipality: dated and mark are what stands on it. Errors as above; ERR_FIELD_RANGE
 * ("date"): that day is still to come. */
MUST_CHECK enum err letter_receive(struct db_tx *tx, struct fail *f, struct str content, struct str who,
                                   struct letter *l);
/* Takes a step. note: why, or how it was answered; may be empty. Sending sets the day until which an answer
 * is waited for. ERR_NOT_FOUND ("letter"), ERR_STATE. Nothing is changed on failure. */
MUST_CHECK enum err letter_step(struct db_tx *tx, struct fail *f, struct str number, enum letter_event event,
                                struct str who, struct str note);
/* The letter in force of that kind, place and mark: one that was received from there, or made to there
 * (received false). *found false: there is none. */
struct letter_key {
    bool received;
    enum letter_kind kind;
    struct area_code area;
    struct str mark;
};
MUST_CHECK enum err letter_recognise(struct db_tx *tx, struct fail *f, const struct letter_key *key,
                                     bool *found, struct letter *out);
/* ERR_NOT_FOUND ("letter"). */
MUST_CHECK enum err letter_find(struct db_tx *tx, struct fail *f, struct str number, struct letter *out);

/* ---- for whoever asks from outside a transaction ---- */

/* letter_receive or letter_make, by l->received; l->record names the record, "" none. ERR_NOT_FOUND
 * ("record"). */
MUST_CHECK enum err letter_enter(struct db *db, struct fail *f, struct str content, struct str who,
                                 struct letter *l);
/* letter_step. */
MUST_CHECK enum err letter_act(struct db *db, struct fail *f, struct str number, enum letter_event event,
                               struct str who, struct str note);

enum letter_filter {
    LETTER_ALL,
    LETTER_OPEN,    /* to be printed, sent, or answered */
    LETTER_OVERDUE, /* sent, and the day for an answer is past */
    LETTER_INCOMING /* received */
};
/* ERR_FIELD_RANGE ("filter"): "all", "open", "overdue", "received". */
MUST_CHECK enum err letter_filter_parse(struct fail *f, struct str name, enum letter_filter *out);
bool letter_overdue(const struct letter *l, struct date today);
/* In the order of their making. */
MUST_CHECK enum err letter_list(struct db *db, struct fail *f, enum letter_filter filter,
                                void (*each)(void *arg, const struct letter *l), void *arg);
/* Members of a letter for JSON, without content, into an object that is being written. */
void letter_add_members(struct buf *b, const struct letter *l);
/* One letter with its "content" and its "steps", as members of an object that is being written. ERR_NOT_FOUND
 * ("letter"). */
MUST_CHECK enum err letter_show(struct db *db, struct fail *f, struct str number, struct buf *out);

#endif
