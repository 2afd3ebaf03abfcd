/* SPDX-License-Identifier: Apache-2.0 */
/* The real tables from which residents are invented: municipalities, towns, names, ages (data/simulate/,
 * origins in data/SOURCES.md). They are inside the program; loading splits them into rows and cannot fail but
 * for memory.
 *
 * All text points into the program's own bytes. After loading the tables are only read, from any thread. */
#ifndef JUKI_SIMULATE_TABLE_H
#define JUKI_SIMULATE_TABLE_H

#include "base/arena.h"
#include "base/random.h"

enum { SIMULATE_AGE_MAX = 112, SIMULATE_AGES = SIMULATE_AGE_MAX + 1 };

/* Weighted choice among rows 0..count-1: upto[i] is the sum of weights 0..i. */
struct table_choice {
    uint32_t *upto;
    size_t count;
};
size_t table_choose(const struct table_choice *c, struct random_seeded *r);

struct table_area {
    struct str code; /* six digits */
    struct str prefecture, name;
    uint32_t population;             /* 2015; 0 in towns that were evacuated then */
    uint32_t town_first, town_count; /* a count of 0: nothing known, a town name is made up */
};
struct table_town {
    struct str name, postal_code; /* seven digits, or empty */
};
struct table_surname {
    struct str writing, kana;
};
struct table_given {
    struct str kana;
    struct str writings; /* separated by spaces */
    uint32_t writing_count;
};
struct table_names {
    struct str all; /* separated by semicolons */
    uint32_t count;
};
struct table_nationality {
    struct str name;
    struct table_names family, given[2]; /* male, female */
};

struct simulate_tables {
    struct arena arena;
    struct table_area *areas;
    size_t area_count;
    struct table_choice area_choice; /* by population */
    struct table_town *towns;
    size_t town_count;
    struct table_surname *surnames;
    struct table_choice surname_choice;
    struct table_given *given[2]; /* male, female */
    struct table_choice given_choice[2];
    struct table_nationality *nationalities;
    struct table_choice nationality_choice;
    double pyramid[2][SIMULATE_AGES]; /* persons by sex and single year of age, 2020 */
};

/* ERR_MEMORY. Release also after a failure. */
MUST_CHECK enum err simulate_tables_load(struct fail *f, struct simulate_tables *t);
void simulate_tables_release(struct simulate_tables *t);
/* The n-th part of text cut at separator; empty when there is none. */
struct str table_part(struct str text, char separator, size_t n);
/* NULL when no resident can have that code: unknown, a prefecture, or a designated city (its wards have
 * them). */
const struct table_area *simulate_area_find(const struct simulate_tables *t, struct str area_code);

#endif
