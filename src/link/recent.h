/* SPDX-License-Identifier: Apache-2.0 */
/* The newest notices that are to leave, in memory, so that what was just written is not read back from the
 * log, unpacked, a moment later. A shortcut only: what is not here stands in outbox and log. Nothing is here
 * of a change that was undone, so a place in a peer's stream holds the same notice here and there. */
#ifndef JUKI_LINK_RECENT_H
#define JUKI_LINK_RECENT_H

#include "link/frame.h"

struct recent;
/* bytes: how much it holds, 64 KiB at least. NULL without memory. */
struct recent *recent_new(size_t bytes);
void recent_free(struct recent *r); /* accepts NULL */
/* Takes its memory from the system now: that of a server is at its size when it begins to serve. */
void recent_touch(struct recent *r);
/* Where a notice came from: the neighbour's id and its sequence there; peer 0 the door and its change. */
struct recent_source {
    int64_t peer, sequence;
};
/* The notice at a place of the stream to a peer; the oldest make room. One that is too large for that is left
 * out. */
void recent_put(struct recent *r, int64_t peer, int64_t sequence, struct recent_source source,
                const struct frame *frame);
/* A copy in the arena. False when it is not here. */
bool recent_get(struct recent *r, int64_t peer, int64_t sequence, struct arena *a, struct frame *out);
/* Where it came from. False when it is not here. */
bool recent_source(struct recent *r, int64_t peer, int64_t sequence, struct recent_source *out);
void recent_clear(struct recent *r);

#endif
