/* SPDX-License-Identifier: Apache-2.0 */
/* A progress bar on stderr while long work runs; in a pipe nothing is written at all.
 *
 * One thread uses a bar. progress_set may be called for every item: it draws ten times a second at most. */
#ifndef JUKI_BASE_PROGRESS_H
#define JUKI_BASE_PROGRESS_H

#include "base/attr.h"

struct progress {
    const char *label; /* borrowed until progress_end */
    uint64_t done, total;
    int64_t started, drawn; /* steady microseconds */
    bool terminal;
};

/* total 0: not known, then there is no bar and no remaining time. */
void progress_start(struct progress *p, const char *label, uint64_t total);
void progress_set(struct progress *p, uint64_t done);
/* Draws the last state and ends the line. Accepts a bar that was never started (zeroed). */
void progress_end(struct progress *p);

enum { PROGRESS_LINE_SIZE = 256 };
/* What the line says at a steady time, without the cursor's movements; returns out. */
const char *progress_line(const struct progress *p, int64_t now, char out[static PROGRESS_LINE_SIZE]);

#endif
