/* SPDX-License-Identifier: Apache-2.0 */
/* 個人番号とすべき番号の生成要求と通知 (番号法8条, 同施行令8条・9条): only the resident code goes up.
 *
 * The agency generates by FF1 under its number key over the code's 10-digit payload and a generation digit: unique,
 * different from every former number, and not invertible without the key. Numbers that came from elsewhere (loaded
 * residents) are in number_issued too; on a collision the generation digit is raised. A request that comes twice
 * gets the same answer. */
#ifndef JUKI_FLOW_NUMBER_NUMBER_H
#define JUKI_FLOW_NUMBER_NUMBER_H

#include "flow/flow.h"

extern const struct db_module flow_number_module;

enum number_request_kind { NUMBER_NEW, NUMBER_CHANGE, NUMBER_EX_OFFICIO };
/* At the CS: asks the agency; change: the register's change number. Body {"resident_code","request","change"}. */
MUST_CHECK enum err number_request(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code code,
                                   enum number_request_kind kind, int64_t change);
/* At the agency: records that a number belongs to a code (arrived with an identity notice); ERR_NUMBER_TAKEN when
 * it is another person's (parks). A code change moves ownership: pass the old code too. */
MUST_CHECK enum err number_record(struct flow *flow, struct db_tx *tx, struct fail *f, struct individual_number number,
                                  struct resident_code code);
MUST_CHECK enum err number_code_changed(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code old_code,
                                        struct resident_code new_code);
/* At the agency: generates (or finds the one generated for this same request). Pure of the link; used by tests. */
MUST_CHECK enum err number_generate(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code code,
                                    enum number_request_kind kind, struct str request_id,
                                    struct individual_number *out);

/* What the CS does when a number arrives; set by the program's wiring so that flows do not know each other. */
extern enum err (*const number_arrived_default)(struct flow *, struct db_tx *, struct fail *, struct resident_code,
                                                struct individual_number);
extern const struct link_kind number_request_at_agency;
extern const struct link_kind number_notice_at_cs;

#endif
