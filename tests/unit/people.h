/* SPDX-License-Identifier: Apache-2.0 */
/* Invented people for tests of the store and the flows. */
#ifndef JUKI_TESTS_UNIT_PEOPLE_H
#define JUKI_TESTS_UNIT_PEOPLE_H

#include "identity/identity.h"

enum { NISHINOMIYA = 282049, ASHIYA = 282065, CHIYODA = 131016 };

/* The n-th code and number; different n, different values. */
static inline struct resident_code code_of(int64_t n)
{
    return resident_code_from_payload(2000000000 + n * 7919);
}
static inline struct individual_number number_of(int64_t n)
{
    return individual_number_from_payload(30000000000 + n * 104729);
}
/* Person n, living in an area, with number n. */
static inline struct identity resident(int64_t n, int32_t area)
{
    return (struct identity){
        .resident_code = code_of(n),
        .has_individual_number = true,
        .individual_number = number_of(n),
        .name = {.name = STR("西宮　花子"), .kana = STR("ニシノミヤ　ハナコ"), .kana_state = KANA_RECORDED},
        .birth_date = {1990, (int8_t)(n % 12 + 1), 5},
        .sex = SEX_FEMALE,
        .address = {.area_code = {area}, .text = STR("六湛寺町１０番３号"), .postal_code = STR("6628567")},
    };
}
static inline struct change change_on(enum change_reason reason, int16_t year, int8_t month, int8_t day)
{
    return (struct change){.reason = reason, .date = {year, month, day}};
}

#endif
