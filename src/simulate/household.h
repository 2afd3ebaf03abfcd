/* SPDX-License-Identifier: Apache-2.0 */
/* One invented household with everything the register knows of its members: names, dates, address, 本籍.
 *
 * household_draw depends on nothing but the world's seed and day, the area and the household's number. */
#ifndef JUKI_SIMULATE_HOUSEHOLD_H
#define JUKI_SIMULATE_HOUSEHOLD_H

#include "identity/individual_number.h"
#include "identity/resident_code.h"
#include "simulate/residents.h"
#include "simulate/shape.h"
#include "simulate/unique.h"

struct simulate_world {
    struct simulate_options options;
    int32_t day; /* day number of options.day */
    struct simulate_tables tables;
    struct shape_plan plan;
    struct unique *unique;
};

struct simulated_person {
    struct str relationship;
    bool female;
    const struct table_nationality *nationality; /* NULL: Japanese */
    struct str surname, surname_kana, given, given_kana;
    struct str name, name_kana, former_name, former_name_kana, alias, alias_kana;
    struct date birth; /* as registered: may be impossible or partly unknown */
    int32_t born;      /* the true day number */
    struct date since, address_since, notified_on;
    struct str entry_reason; /* a municipal reason */
    struct str residence_status, residence_period;
    struct date residence_until;
    bool has_origin;                       /* moved in: the household's former place */
    const struct table_area *honseki_area; /* NULL: foreign */
    struct str honseki, honseki_head;
};

enum { HOUSEHOLD_TEXT = 6144 };
struct simulated_household {
    const struct table_area *area;
    uint32_t number; /* in its area, from 0 */
    struct shape shape;
    struct simulated_person person[SHAPE_MEMBERS_MAX];
    struct table_town town;
    struct str address;
    const struct table_area *origin_area; /* NULL: from abroad */
    struct str origin;
    struct random_seeded random; /* goes on where the household ended */
    size_t used;
    char text[HOUSEHOLD_TEXT]; /* what is not in the tables */
};

void household_draw(const struct simulate_world *w, const struct table_area *area, uint32_t number,
                    struct simulated_household *out);

enum { HOUSEHOLD_RECORD_SIZE = 32 };
/* The record's reference, unique in the nation: area code, household, place in it: "282049-17-2". Returns
 * out. */
const char *household_record(const struct simulated_household *h, size_t member,
                             char out[static HOUSEHOLD_RECORD_SIZE]);
/* The row checked: its area, or ERR_AREA_CODE_*, ERR_FIELD_RANGE. */
MUST_CHECK enum err simulate_check_count(struct fail *f, const struct simulate_world *w,
                                         const struct simulate_count *count, const struct table_area **area);

/* Pieces that changes need as well; text lives in the household. */
struct str household_text(struct simulated_household *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A place in an area, with its town: an address with house number and perhaps a building, or a 本籍 without.
 */
struct str household_place(const struct simulate_world *w, struct simulated_household *h,
                           const struct table_area *area, struct table_town *town, bool with_building);
/* Given name of a Japanese born in that year. */
void household_given(const struct simulate_world *w, struct random_seeded *r, bool female, int year,
                     struct str *given, struct str *kana);
/* Sets name and name_kana from surname and given. */
void household_compose(struct simulated_household *h, struct simulated_person *p);

#endif
