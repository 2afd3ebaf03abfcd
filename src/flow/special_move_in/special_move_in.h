/* SPDX-License-Identifier: Apache-2.0 */
/* 転入届の特例 (法24条の2): who has a card takes no 転出証明書 along; its content goes by line.
 *
 *     A's register ── door ─► A's CS ── 転出証明書情報 ─► B's CS ── door ─► B's register     at once, at the
 * 転出届 (the person, with the card, files the 転入届 at B; from there it goes on as flow/move_in/move_in.h
 * says)
 *
 * A is where the person moves from, B the planned destination. It goes from CS to CS and is kept nowhere
 * else. A later one of the same 転出届 (its `certificate`) takes the place of the earlier: the newest counts;
 * one that is `withdrawn` takes it back (転出取りやめ, arrival elsewhere). */
#ifndef JUKI_FLOW_SPECIAL_MOVE_IN_SPECIAL_MOVE_IN_H
#define JUKI_FLOW_SPECIAL_MOVE_IN_SPECIAL_MOVE_IN_H

#include "flow/municipal.h"

extern const struct municipal_kind move_out_certificate;
extern const struct link_kind move_out_certificate_at_cs;

#endif
