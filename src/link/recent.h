/* SPDX-License-Identifier: Apache-2.0 */
/* The newest notices that are to leave, in memory, so that what was just written is not read back from the
 * log, unpacked, a moment later. A shortcut only: what is not here stands in the log. Nothing is here of a
 * change that was undone, so an entry's number says the same here and there. */
#ifndef JUKI_LINK_RECENT_H
#define JUKI_LINK_RECENT_H

#include "link/frame.h"

struct recent;
/* NULL without memory. */
struct recent *recent_new(void);
void recent_free(struct recent *r); /* accepts NULL */
/* The notice of a ledger entry; the oldest make room. A notice that is too large for that is left out. */
void recent_put(struct recent *r, uint64_t entry, const struct frame *frame);
/* A copy in the arena. False when it is not here. */
bool recent_get(struct recent *r, uint64_t entry, struct arena *a, struct frame *out);
void recent_clear(struct recent *r);

#endif
