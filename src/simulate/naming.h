/* SPDX-License-Identifier: Apache-2.0 */
/* Names for the members of an invented household; text lives in the tables or in the household. */
#ifndef JUKI_SIMULATE_NAMING_H
#define JUKI_SIMULATE_NAMING_H

#include "simulate/household.h"

/* A surname by frequency, with a rare writing for a few. */
void naming_surname(const struct simulate_world *w, struct simulated_household *h, struct str *surname,
                    struct str *kana);
/* Given name, 旧氏 and kana for p, whose surname is set. year: of birth. */
void naming_japanese(const struct simulate_world *w, struct simulated_household *h,
                     struct simulated_person *p, const struct shape_member *who, int year);
/* Roman name, and an alias for some, for p, whose nationality is set. family: empty for a new one. */
void naming_foreign(const struct simulate_world *w, struct simulated_household *h, struct simulated_person *p,
                    struct str family, int year);

#endif
