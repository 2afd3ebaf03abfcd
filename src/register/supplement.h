/* SPDX-License-Identifier: Apache-2.0 */
/* The supplement of the family register as the municipality of the 本籍 keeps it. Private to src/register. */
#ifndef JUKI_REGISTER_SUPPLEMENT_H
#define JUKI_REGISTER_SUPPLEMENT_H

#include "flow/koseki_supplement/supplement_message.h"
#include "register/register_inside.h"

enum supplement_state { SUPPLEMENT_ON = 1, SUPPLEMENT_DEAD, SUPPLEMENT_ELSEWHERE }; /* the last two: 除票 */

/* Which 戸籍; text is borrowed. */
struct supplement_koseki {
    struct area_code area;
    struct str honseki, head;
};
/* One thing that was said of a person. */
struct supplement_said {
    int64_t id, person, stamp;
    struct str notice;     /* its id; "" when it was loaded from a file */
    struct area_code home; /* whose CS said it */
    int64_t sequence;
    enum supplement_event event;
    struct date event_date;
    bool cancelled;
    struct resident_code code; /* 0: not known */
    struct str name;
    struct date birth_date;
    enum sex sex;
    struct area_code area;
    struct str address; /* "" of who went abroad */
    struct date address_since, abroad_on;
};

/* What a notice says; text stays the notice's. */
struct supplement_said supplement_said_of(const struct koseki_supplement_notice *m, struct str id);
/* A new person of a 戸籍. *person is set. */
MUST_CHECK enum err supplement_enter(struct register_batch *b, struct fail *f,
                                     const struct supplement_koseki *koseki, int64_t *person);
/* Writes what was said of said->person, who was in `state`, and works out what counts now. What that
 * municipality said before under the same sequence (but 0) is not written again. */
MUST_CHECK enum err supplement_say(struct register_batch *b, struct fail *f, enum supplement_state state,
                                   struct supplement_said *said);
MUST_CHECK enum err supplement_add_code(struct register_batch *b, struct fail *f, int64_t person,
                                        struct resident_code code);
struct supplement_found {
    int64_t person; /* 0: nobody */
    enum supplement_state state;
    bool elsewhere; /* on the supplement of another 戸籍 here */
};
/* Who has or had the code in this 戸籍, else in another. */
MUST_CHECK enum err supplement_find_code(struct register_batch *b, struct fail *f,
                                         const struct supplement_koseki *koseki, struct resident_code code,
                                         struct supplement_found *found);
/* The one person of this 戸籍 with that name, birth date and sex; 0 when there is none, or several. */
MUST_CHECK enum err supplement_find_name(struct register_batch *b, struct fail *f,
                                         const struct supplement_koseki *koseki,
                                         const struct supplement_said *said, struct supplement_found *found);
MUST_CHECK enum err supplement_has_koseki(struct register_batch *b, struct fail *f,
                                          const struct supplement_koseki *koseki, bool *has);

#endif
