/* SPDX-License-Identifier: Apache-2.0 */
/* What flow_number_issued says of a number. Private to the flow. */
#ifndef JUKI_FLOW_NUMBER_NUMBER_STATE_H
#define JUKI_FLOW_NUMBER_NUMBER_STATE_H

#include "flow/number/number.h"

enum number_state { NUMBER_FREE = 0, NUMBER_GENERATED = 1, NUMBER_IN_USE = 2, NUMBER_FORMER = 3 };
enum { GENERATION_ELSEWHERE = -1 };

/* state NUMBER_FREE when the number was never anybody's. */
MUST_CHECK enum err number_owner(struct db_tx *tx, struct fail *f, struct individual_number number,
                                 struct resident_code *owner, enum number_state *state);

#endif
