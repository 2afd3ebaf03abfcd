/* SPDX-License-Identifier: Apache-2.0 */
/* A move between municipalities (法9条, 22条, 24条; 令13条), after the 転入届:
 *
 *     B's register ── door ─► B's CS ── 転入通知 ─► A's CS ── door ─► A's register     completes the 除票
 *     A's register ── door ─► A's CS ── 転出確定通知 ─► A's prefecture ─► agency        the stay there has
 * ended
 *
 * B is where the person moved in, A where from. 転入通知 goes from CS to CS and is kept nowhere else.
 * 転出確定通知 is a word about A's episode: the next version of its chain, which says nothing new of the
 * person and ends the stay that was 転出予定. It names neither B nor an address.
 *
 * Newest counts: a notice that `replaces` another, or comes later about the same person, corrects it; one
 * that is `cancelled` takes it back, and so does a confirmation that is. */
#ifndef JUKI_FLOW_MOVE_IN_MOVE_IN_H
#define JUKI_FLOW_MOVE_IN_MOVE_IN_H

#include "flow/municipal.h"

extern const struct municipal_kind move_in_notice;
extern const struct municipal_kind move_out_confirmation;

extern const struct link_kind move_in_notice_at_cs;
extern const struct link_kind move_out_confirmation_at_cs; /* only sent */
extern const struct link_kind move_out_confirmation_at_prefecture;
extern const struct link_kind move_out_confirmation_at_agency;

#endif
