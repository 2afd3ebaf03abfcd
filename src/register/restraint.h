/* SPDX-License-Identifier: Apache-2.0 */
/* Restraint (支援措置, 抑止): persons who were hurt by somebody keep others from learning where they live
 * (住民基本台帳事務処理要領; 住民記録システム標準仕様書 抑止).
 *
 * Holds provisionally from the application; accepted, for a year from the decision (2020-04-01 to
 * 2021-03-31). From a month before the end it is to be warned of and can be extended. It never ends by
 * itself: what is overdue stays in force until a person ends it. A temporary release lets one act through and
 * locks again by itself, at the end of its day at the latest. Each step is kept with its time, operator and
 * reason.
 *
 * Nothing of it is an item of any notice or of the identity record: no function here queues anything for the
 * CS. */
#ifndef JUKI_REGISTER_RESTRAINT_H
#define JUKI_REGISTER_RESTRAINT_H

#include "db/db.h"
#include "identity/area_code.h"
#include "identity/civil_date.h"

enum restraint_target {
#define TARGET(NAME, name, ja) RESTRAINT_##NAME,
#include "register/restraint_target.def"
#undef TARGET
    RESTRAINT_TARGETS
};
enum { RESTRAINT_EVERYTHING = (1 << RESTRAINT_TARGETS) - 1 };
struct restraint_target_row {
    const char *name, *ja;
};
const struct restraint_target_row *restraint_target_row(enum restraint_target target);

/* Numbers are in the database. */
enum restraint_state { RESTRAINT_PROVISIONAL = 1, RESTRAINT_ACCEPTED, RESTRAINT_REFUSED, RESTRAINT_ENDED };
enum restraint_event { RESTRAINT_ACCEPT = 1, RESTRAINT_REFUSE, RESTRAINT_EXTEND, RESTRAINT_END };
/* ERR_STATE ("state"): not possible in that state. */
MUST_CHECK enum err restraint_step_after(struct fail *f, enum restraint_state before,
                                         enum restraint_event event, enum restraint_state *after);

enum {
    RESTRAINT_PERSONS_MOST = 16,
    RESTRAINT_TEXT_MOST = 100 /* code points of who, why, whom and opinion */
};
struct restraint {
    int64_t id;
    enum restraint_state state;
    int targets;             /* bits: 1 << enum restraint_target */
    struct area_code origin; /* whose copy of an application it is; 0: applied for here */
    struct date applied;
    struct date first, last; /* the year it was accepted for; 0 before */
};

/* The last day of a year that begins on a real day (民法143条: a year from 29 February ends on 28 February).
 */
struct date restraint_last_day(struct date first);
/* From when its end is warned of, and it can be extended: a month before the last day. */
struct date restraint_warning_day(struct date last);
/* Accepted, and its end is near or past. */
bool restraint_ends_soon(const struct restraint *r, struct date today);
bool restraint_overdue(const struct restraint *r, struct date today);

/* An application, or a copy of one: targets, origin and applied of *r are taken, its id and state are given
 * to it. It holds at once. persons: the applicant, then who of the household asks with them (persons of the
 * register). whom: from whom, may be empty. ERR_FIELD_MISSING ("record", "targets", "applied", "who"),
 * ERR_FIELD_RANGE ("applied": still to come), ERR_TEXT_... */
struct restraint_application {
    const int64_t *persons;
    size_t count; /* 1..RESTRAINT_PERSONS_MOST */
    struct str whom, who;
};
MUST_CHECK enum err restraint_apply(struct db_tx *tx, struct fail *f, const struct restraint_application *a,
                                    struct restraint *r);
/* Takes a step today. note: whose opinion was heard (ACCEPT: 警察, 配偶者暴力相談支援センター ...) or the
 * reason; never empty but for EXTEND. ERR_NOT_FOUND ("restraint"), ERR_STATE ("state"; "last": too early to
 * extend), ERR_FIELD_MISSING ("who", "note"). Nothing is changed on failure. */
MUST_CHECK enum err restraint_step(struct db_tx *tx, struct fail *f, int64_t id, enum restraint_event event,
                                   struct str who, struct str note);
/* Lets one act through until a stamp of the same day in Japan. ERR_NOT_FOUND, ERR_STATE: it holds nothing
 * back; ERR_FIELD_RANGE
 * ("until"); ERR_FIELD_MISSING ("who", "note"). */
MUST_CHECK enum err restraint_release(struct db_tx *tx, struct fail *f, int64_t id, int64_t until,
                                      struct str who, struct str note);
/* What certificates and other flows ask before they give anything out. */
MUST_CHECK enum err register_restrained(struct db_tx *tx, struct fail *f, int64_t person,
                                        enum restraint_target target, bool *restrained);
/* The act that a release was for is done: it locks again. In the transaction of the act. */
MUST_CHECK enum err restraint_act_done(struct db_tx *tx, struct fail *f, int64_t person);
/* ERR_NOT_FOUND ("restraint"). */
MUST_CHECK enum err restraint_find(struct db_tx *tx, struct fail *f, int64_t id, struct restraint *out);
/* One row of register_restraint_find or _page. */
struct restraint restraint_read(const struct db_rows *rows);

/* ---- for whoever asks from outside a transaction ---- */

/* restraint_apply; records: by the register's own names. ERR_NOT_FOUND ("record"). */
MUST_CHECK enum err restraint_enter(struct db *db, struct fail *f, const struct str *records, size_t count,
                                    struct str whom, struct str who, struct restraint *r);
/* restraint_step and restraint_release. */
MUST_CHECK enum err restraint_act(struct db *db, struct fail *f, int64_t id, enum restraint_event event,
                                  struct str who, struct str note);
MUST_CHECK enum err restraint_let_through(struct db *db, struct fail *f, int64_t id, int64_t until,
                                          struct str who, struct str note);
/* Those in force, or all there ever were, in the order of their applications. */
MUST_CHECK enum err restraint_list(struct db *db, struct fail *f, bool all,
                                   void (*each)(void *arg, const struct restraint *r), void *arg);

#endif
