/* SPDX-License-Identifier: Apache-2.0 */
/* Resident codes and Individual Numbers for invented people: a running index through a permutation keyed by
 * the seed, so that they look drawn at random, never repeat in the nation, and can be made again. */
#ifndef JUKI_SIMULATE_UNIQUE_H
#define JUKI_SIMULATE_UNIQUE_H

#include "identity/individual_number.h"
#include "identity/resident_code.h"

/* Each area has a block of indices: residents from 0, and from UNIQUE_LATER those whom changes bring. */
enum { UNIQUE_BLOCK = 5000000, UNIQUE_LATER = 4000000 };
struct unique;
MUST_CHECK enum err unique_new(struct fail *f, uint64_t seed, struct unique **out);
void unique_free(struct unique *u);
/* area_row: position of the area among the tables' areas; ordinal below UNIQUE_BLOCK (asserted). */
struct resident_code unique_code(const struct unique *u, size_t area_row, uint32_t ordinal);
struct individual_number unique_number(const struct unique *u, size_t area_row, uint32_t ordinal);

#endif
