/* SPDX-License-Identifier: Apache-2.0 */
/* The supplement of the family register (戸籍の附票): the mayor of the address tells the mayor of the 本籍
 * whenever the supplement must change (法19条1項), by the line between their CSs (同条4項).
 *
 * Each notice says all that the supplement holds of the person, so the newest of one municipality is all it
 * has to say. The CS of the 本籍 hands it to its register, which keeps the supplement. */
#ifndef JUKI_FLOW_KOSEKI_SUPPLEMENT_KOSEKI_SUPPLEMENT_H
#define JUKI_FLOW_KOSEKI_SUPPLEMENT_KOSEKI_SUPPLEMENT_H

#include "flow/municipal.h"

extern const struct municipal_kind koseki_supplement_notice;
extern const struct link_kind koseki_supplement_notice_at_cs;

#endif
