/* SPDX-License-Identifier: Apache-2.0 */
/* 本人確認情報の通知 (法30条の6, 30条の7): CS to prefecture to agency, for every change reason.
 *
 * The CS numbers the change in its episode (更新順番号), records it in its own store and sends it; the
 * prefecture checks scope, records and relays the same bytes; the agency records and reports the outcome
 * down. A first entry without an Individual Number waits for it; later changes of the same person wait behind
 * it in order.
 *
 * Body of the notice:
 * {"version","state","opened","source","replaces_version"?,"taken_back"?,"identity":{...,"change":{...}}}.
 * state and opened are what the chain came to at its origin; a receiver derives them itself and takes them
 * from here only when the version that this one corrects is missing there. source: number of the register's
 * change, by which a restored CS knows what it has sent already.
 *
 * A correction of a code change names in old_resident_code the code before the corrected change, and in
 * taken_back the codes that the corrected one, and corrections of it, gave by mistake. What was said under
 * those in the meantime need not be corrected: the correction holds the whole record. */
#ifndef JUKI_FLOW_IDENTITY_NOTICE_IDENTITY_NOTICE_H
#define JUKI_FLOW_IDENTITY_NOTICE_IDENTITY_NOTICE_H

#include "flow/flow.h"

extern const struct db_module flow_identity_notice_module;

/* A change as it comes through the door. */
struct identity_change {
    int64_t number;           /* the register's change number, 1, 2, 3 ... without gaps */
    int64_t replaces;         /* an earlier change number that this one corrects, or 0 */
    struct identity identity; /* after the change (for a removal: as it was) */
    struct change change;
};

/* At the CS: take a change in. Records and sends it, or lets it wait for its number and asks the agency for
 * one. A change that was taken before (the same number and content) does nothing. When it cannot be taken,
 * nothing is written: errors of identity_check and store_plan, ERR_AREA_OTHER, ERR_FIELD_MISSING (a later
 * change without a number), ERR_CHANGE_REPLACES (a code change is corrected by a code change only, and only
 * while no further one stands on it that gave another code). The correction of a code change may name as the
 * code before either the one before the corrected change or the one after it. */
MUST_CHECK enum err identity_notice_take(struct flow *flow, struct db_tx *tx, struct fail *f,
                                         const struct identity_change *change);
/* At the CS: the number came: releases what waits for code in order. What cannot be applied any more is
 * reported to the door as refused and stops nobody else. */
MUST_CHECK enum err identity_notice_number_arrived(struct flow *flow, struct db_tx *tx, struct fail *f,
                                                   struct resident_code code,
                                                   struct individual_number number);
struct identity_waiting {
    struct resident_code code;
    int64_t change, since;
};
/* Those that wait for a number, oldest first. */
MUST_CHECK enum err identity_notice_waiting(struct db_tx *tx, struct fail *f,
                                            void (*each)(void *arg, const struct identity_waiting *),
                                            void *arg);
/* At the CS: a person sends notices of register changes first..last again (same ids, same bytes). *count: how
 * many notices; changes that became none (refused, waiting) are passed over. At most 100,000 changes at once.
 */
MUST_CHECK enum err identity_notice_resend(struct flow *flow, struct fail *f, int64_t first, int64_t last,
                                           int64_t *count);

/* What the CS keeps of a change it took. */
struct identity_told {
    struct identity_change change; /* with the Individual Number, where it came later */
    int64_t version;               /* 更新順番号; 0 while it waits for its number */
};
enum { IDENTITY_TOLD_MOST = 1000 };
/* At the CS: changes first..last (at most IDENTITY_TOLD_MOST) as they are kept here, in order, each read when
 * its turn comes, until each() returns false. told NULL: nothing is kept of that number (it was refused, or
 * corrected while it waited, or given up). told is valid until each() returns. */
MUST_CHECK enum err
identity_notice_told(struct db_tx *tx, struct fail *f, int64_t first, int64_t last,
                     bool (*each)(void *arg, int64_t number, const struct identity_told *told), void *arg);

/* The kinds' rows for each role (link_kind.apply etc.); app is struct flow. */
extern const struct link_kind identity_notice_at_cs;         /* outcomes of what it sent */
extern const struct link_kind identity_notice_at_prefecture; /* scope, record, relay */
extern const struct link_kind identity_notice_at_agency;     /* scope, record, uniqueness of numbers */

#endif
