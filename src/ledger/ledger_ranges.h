/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of entries in a growing list: bodies that are gone, bodies that may be. Inside src/ledger only. */
#ifndef JUKI_LEDGER_LEDGER_RANGES_H
#define JUKI_LEDGER_LEDGER_RANGES_H

#include "base/err.h"

struct range {
    uint64_t first, last;
};
struct ranges { /* items: the owner frees it */
    struct range *items;
    size_t count, room;
};
/* Lengthens the last range when this one follows it. */
MUST_CHECK enum err ranges_add(struct fail *f, struct ranges *r, uint64_t first, uint64_t last);
/* By first, and those that overlap or meet made one: afterwards the lasts rise too. */
void ranges_sort(struct ranges *r);

#endif
