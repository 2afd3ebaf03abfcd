/* SPDX-License-Identifier: Apache-2.0 */
/* 個人番号とすべき番号の生成要求と通知 (番号法8条, 同施行令8条・9条): only the resident code goes up.
 *
 * The agency generates by FF1 under its number key (tweak "individual_number") over the code's 10-digit
 * payload and a generation digit: unique, different from every former number, and not invertible without the
 * key. Digit 0 gives a person's first number, 1..9 those after changes. Numbers that came from elsewhere
 * (loaded residents) are rows of flow_number_issued and are asked first; on a collision the generation digit
 * is raised. A code whose generations are used up gives ERR_NUMBER_EXHAUSTED: the request stays on the error
 * list (an alarm for a person) until the resident code was changed. A request that comes twice gets the same
 * answer.
 *
 * With the key FF1 turns a number back: whose a first number is needs no row. So the key is part of what was
 * given: an agency with another key does not start. */
#ifndef JUKI_FLOW_NUMBER_NUMBER_H
#define JUKI_FLOW_NUMBER_NUMBER_H

#include "flow/flow.h"

extern const struct db_module flow_number_module;

enum { NUMBER_GENERATIONS = 10 };

/* At the CS: asks the agency; change: the register's change number.
 * Body {"resident_code","request":"new"|"change"|"ex_officio","change"}. */
MUST_CHECK enum err number_request(struct flow *flow, struct db_tx *tx, struct fail *f,
                                   struct resident_code code, enum number_request_kind kind, int64_t change);
/* At the agency, before anything else: ERR_KEY_OTHER when the numbers given so far were made with another
 * key. The first call notes the key. */
MUST_CHECK enum err number_key_settle(struct flow *flow, struct db_tx *tx, struct fail *f);
/* At the agency: identity notice n says whose a number is (v, not yet written); ERR_NUMBER_TAKEN (before any
 * write) when it is another person's. A code change carries the number to the new code; a number before a
 * change becomes a former one. n may be NULL. */
MUST_CHECK enum err number_record(struct flow *flow, struct db_tx *tx, struct fail *f,
                                  const struct store_version *v, const struct link_notice *n);
/* At the agency: generates, or finds the one generated for this same request; NUMBER_NEW for a person who has
 * a number gives that number. ERR_NUMBER_EXHAUSTED. Pure of the link; used by tests. */
MUST_CHECK enum err number_generate(struct flow *flow, struct db_tx *tx, struct fail *f,
                                    struct resident_code code, enum number_request_kind kind,
                                    struct str request_id, struct individual_number *out);

/* At the agency: may the CS of `municipality` ask about this code? Yes when the code was designated to it,
 * when it has an episode there, and when nobody knows the code yet. Else a first number is refused
 * (ERR_SCOPE); another number waits (ERR_EPISODE_UNKNOWN), since the notice of a move may still be on its way
 * by the prefecture. */
MUST_CHECK enum err number_may_ask(struct flow *flow, struct db_tx *tx, struct fail *f,
                                   struct area_code municipality, struct resident_code code,
                                   enum number_request_kind kind);

extern const struct link_kind number_request_at_cs; /* only sent */
extern const struct link_kind number_request_at_agency;
extern const struct link_kind number_notice_at_agency; /* only sent; recovered after a restore */
/* {"resident_code","individual_number","change"}: tells flow->number_arrived, then the door. */
extern const struct link_kind number_notice_at_cs;

#endif
