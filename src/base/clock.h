/* SPDX-License-Identifier: Apache-2.0 */
/* The one clock. Stamps are UTC; business dates are civil dates in Japan (UTC+9, no summer time).
 *
 * Tests move the clock: clock_shift() adds an offset to every reading, and the environment variable
 * JUKI_CLOCK_SHIFT (seconds) sets it at start; a daemon that has it also takes the order clock_shift at its
 * control socket. Deadlines of threads use the steady clock, which never moves.
 */
#ifndef JUKI_BASE_CLOCK_H
#define JUKI_BASE_CLOCK_H

#include "base/str.h"

/* Microseconds since 1970-01-01T00:00:00Z, shifted. */
int64_t clock_now(void);
/* Microseconds of a clock that only goes forward; for durations and deadlines. */
int64_t clock_steady(void);
void clock_shift(int64_t seconds);

enum { CLOCK_TEXT_SIZE = 28 };
/* "2026-11-22T09:00:00.000000Z" with its end; returns out. Years 0 to 9999. */
const char *clock_text(int64_t stamp, char out[static CLOCK_TEXT_SIZE]);
/* The reverse, that exact form only. */
MUST_CHECK enum err clock_parse(struct fail *f, struct str text, int64_t *stamp);
/* Today's civil date in Japan at a stamp, as yyyymmdd. */
int32_t clock_japan_date(int64_t stamp);

#endif
