/* SPDX-License-Identifier: Apache-2.0 */
/* Invented residents of real municipalities, as the CSV that a register loads (docs/REGISTER-CSV.md).
 *
 * Reproducible: the same seed, day and counts give the same bytes on any machine. A household depends only on
 * the seed, the day, its area and its number in that area, so a population of any size is written in constant
 * memory and any part of it can be made again. Ages follow the census of 2020, towns and postal codes are
 * real, people are not. Given resident codes and Individual Numbers have right check digits and are unique
 * over the whole nation. */
#ifndef JUKI_SIMULATE_RESIDENTS_H
#define JUKI_SIMULATE_RESIDENTS_H

#include "identity/area_code.h"
#include "identity/civil_date.h"

enum { SIMULATE_AREA_MAX = 4000000 }; /* residents of one area; all areas hold at most some 7,600 million */

struct simulate_options {
    uint64_t seed;
    struct date day; /* the population is that of this day; zeroed: 2026-01-01 */
    bool with_codes; /* give resident codes and Individual Numbers; else the cells are empty */
};
/* What stays the same for one population: tables, frequencies, keys. Only read after it is made: threads may
 * share. */
struct simulate_world;
/* ERR_MEMORY, ERR_DATE_REAL. */
MUST_CHECK enum err simulate_world_new(struct fail *f, const struct simulate_options *options,
                                       struct simulate_world **out);
void simulate_world_free(struct simulate_world *w);

struct simulate_count {
    struct area_code area; /* holds addresses: a ward, not its designated city */
    int64_t count;         /* 0..SIMULATE_AREA_MAX */
};
/* How many area codes hold residents. */
size_t simulate_area_count(const struct simulate_world *w);
/* Shares `total` residents among all those areas as in the census of 2015, largest remainders first; counts
 * has room for simulate_area_count() rows, ascending by code; areas may get 0. ERR_FIELD_RANGE. */
MUST_CHECK enum err simulate_nation(struct fail *f, const struct simulate_world *w, int64_t total,
                                    struct simulate_count *counts);

/* Takes some of the text (at most 128 KiB); an error ends the writing and is handed on. */
typedef enum err (*simulate_write)(void *arg, struct fail *f, struct str text);
/* The header row, then every resident of every row of counts, area by area. ERR_AREA_CODE_UNKNOWN,
 * ERR_AREA_CODE_ADDRESS, ERR_FIELD_RANGE, and what write gives. */
MUST_CHECK enum err simulate_residents(struct fail *f, const struct simulate_world *w,
                                       const struct simulate_count *counts, size_t count,
                                       simulate_write write, void *arg);

#endif
