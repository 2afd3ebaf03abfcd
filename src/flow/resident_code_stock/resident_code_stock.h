/* SPDX-License-Identifier: Apache-2.0 */
/* The stock of resident codes (法30条の2): designated by the agency for each municipality, never overlapping,
 * in an order nobody can foresee (FF1 under the agency's code key, tweak "resident_code", over a running
 * counter of ten digits; codes known from elsewhere are skipped). The CS keeps the unused ones, draws one at
 * random for the register, asks for more when 30 % are left (or fewer than two such draws as this one), and
 * says so to the program (flow->pool_low) at 30 % and at 10 %. It never ends in "try later" while the agency
 * answers.
 *
 * A restored CS has forgotten which codes it gave out since the backup. Whoever has them may not have told of
 * them yet, so a new life gives none of the stock it finds, nor of what answers requests of the life before:
 * it asks for others. */
#ifndef JUKI_FLOW_RESIDENT_CODE_STOCK_RESIDENT_CODE_STOCK_H
#define JUKI_FLOW_RESIDENT_CODE_STOCK_RESIDENT_CODE_STOCK_H

#include "flow/flow.h"

extern const struct db_module flow_resident_code_stock_module;

enum { STOCK_NOTICE_CODES = 5000 /* at most in one notice */, STOCK_REQUEST_MOST = 100000 };

struct stock_status {
    int64_t designated; /* codes of the last filling: what 100 % is */
    int64_t unused, requested;
    int level;                    /* 0 fine, 1 at or below 30 %, 2 at or below 10 % */
    int64_t epoch, first_request; /* the life it is of, and where that asked first */
};
/* At the CS. Draws `count` unused codes at random; the draw's name (the register's, 1 to 200 bytes) makes a
 * repeated call give the same codes for a year. Codes that a resident has by now (given out before a restore)
 * are dropped. ERR_STOCK_EMPTY, and then none is drawn. Asks the agency for more inside the same transaction
 * when the level falls. */
MUST_CHECK enum err resident_code_stock_draw(struct flow *flow, struct db_tx *tx, struct fail *f,
                                             struct str draw, size_t count, struct resident_code *codes);
MUST_CHECK enum err resident_code_stock_status(struct db_tx *tx, struct fail *f, struct stock_status *out);
/* At the CS, at its start and when a draw found too few: asks for `count` codes unless some are there or on
 * their way (`short_of`: or fewer are there than that). After a restore it may be too early to ask: the next
 * draw does. */
MUST_CHECK enum err resident_code_stock_fill(struct flow *flow, struct db_tx *tx, struct fail *f,
                                             int64_t count, int64_t short_of);
/* At the CS: asks for 1..STOCK_REQUEST_MOST codes, by a person. Body {"count"}. */
MUST_CHECK enum err resident_code_stock_request(struct flow *flow, struct db_tx *tx, struct fail *f,
                                                int64_t count);
/* At the agency: designates up to `count` codes for the municipality. Pure of the link; used by tests.
 * ERR_STOCK_EXHAUSTED. */
MUST_CHECK enum err resident_code_stock_designate(struct flow *flow, struct db_tx *tx, struct fail *f,
                                                  struct area_code area, int64_t count,
                                                  struct resident_code *codes);

/* At the agency: to which municipality a code was designated; 0 when to nobody (it came from elsewhere). */
MUST_CHECK enum err resident_code_stock_designated(struct db_tx *tx, struct fail *f,
                                                   struct resident_code code, struct area_code *municipality);

extern const struct link_kind stock_request_at_cs; /* only sent */
extern const struct link_kind stock_request_at_agency;
extern const struct link_kind stock_notice_at_agency; /* only sent; recovered after a restore */
/* {"area_code","filling": codes in all notices that answer the request, "request": its place in the CS's
 * stream, "resident_codes":[...]} */
extern const struct link_kind stock_notice_at_cs;

#endif
