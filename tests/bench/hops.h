/* SPDX-License-Identifier: Apache-2.0 */
/* The baseline of one change: what register, CS, prefecture and agency cannot avoid when each keeps what it
 * was told before the next hears of it. Four databases each commit one row, one after the other (SQLite, WAL,
 * synchronous=FULL), and a message of the same size goes four times to a thread over TLS 1.3 on loopback and
 * back. */
#ifndef JUKI_TESTS_BENCH_HOPS_H
#define JUKI_TESTS_BENCH_HOPS_H

#include "base/err.h"

enum { HOPS = 4 };
struct hops;
MUST_CHECK enum err hops_new(struct fail *f, const char *folder, struct hops **out);
/* Seconds for all four. */
MUST_CHECK enum err hops_once(struct hops *h, struct fail *f, double *seconds);
void hops_free(struct hops *h);

#endif
