/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a number is, by the agency's tables and by its key. Private to the flow. */
#ifndef JUKI_FLOW_NUMBER_NUMBER_STATE_H
#define JUKI_FLOW_NUMBER_NUMBER_STATE_H

#include "flow/number/number.h"

enum number_state { NUMBER_FREE = 0, NUMBER_GENERATED = 1, NUMBER_IN_USE = 2, NUMBER_FORMER = 3 };
enum { GENERATION_ELSEWHERE = -1, GENERATION_FIRST = 0 };

struct number_owner {
    struct resident_code code;
    enum number_state state; /* NUMBER_FREE: the number was never anybody's, and there is no code */
    bool derived;            /* no row says so: it is the first number of the code */
};

/* The number that FF1 makes of a code and a digit 0..9. */
MUST_CHECK enum err number_candidate(const struct flow *flow, struct fail *f, struct resident_code code,
                                     int generation, struct individual_number *out);
/* Turned back: is it the first number of a code, given or not? */
MUST_CHECK enum err number_first_of(const struct flow *flow, struct fail *f, struct individual_number number,
                                    struct resident_code *code, bool *first);

/* What flow_number_issued says; NUMBER_FREE when it has no row. */
MUST_CHECK enum err number_row(struct db_tx *tx, struct fail *f, struct individual_number number,
                               struct number_owner *out);
/* What a code's first number is when it has no row: GENERATED, IN_USE or FREE. */
MUST_CHECK enum err number_first_state(struct db_tx *tx, struct fail *f, struct resident_code code,
                                       struct individual_number number, enum number_state *state);
/* All of it. */
MUST_CHECK enum err number_owner(const struct flow *flow, struct db_tx *tx, struct fail *f,
                                 struct individual_number number, struct number_owner *out);

#endif
