/* SPDX-License-Identifier: Apache-2.0 */
/* Who lives together: the relationships, sexes and ages of one household, before anybody has a name.
 *
 * A household is drawn as a kind and the age of its index person; the rest follows (a mother is 22 to 40
 * years older than her eldest child, and so on). How often each kind and age is drawn is fitted so that the
 * ages of all residents follow the pyramid of the census (the rules of shape_draw are asked, not repeated).
 */
#ifndef JUKI_SIMULATE_SHAPE_H
#define JUKI_SIMULATE_SHAPE_H

#include "simulate/table.h"

enum { SHAPE_MEMBERS_MAX = 8 };
enum shape_kind {
    SHAPE_MAN_ALONE,         /* index: the man */
    SHAPE_WOMAN_ALONE,       /* index: the woman */
    SHAPE_COUPLE,            /* index: the husband */
    SHAPE_FAMILY,            /* index: the eldest child, with both parents */
    SHAPE_ONE_PARENT,        /* index: the eldest child */
    SHAPE_THREE_GENERATIONS, /* index: the eldest child, with parents and grandparents */
    SHAPE_KINDS
};
/* Where somebody stands in the family, whoever is head of the household. */
enum shape_role {
    ROLE_ALONE,
    ROLE_HUSBAND,
    ROLE_WIFE,
    ROLE_CHILD,
    ROLE_GRANDFATHER,
    ROLE_GRANDMOTHER,
    ROLES
};
struct shape_member {
    uint8_t role;   /* enum shape_role; a lone parent is husband or wife */
    uint8_t female; /* 0 or 1: also the row of the pyramid */
    uint8_t age;
};
struct shape {
    uint8_t kind, count, head; /* head: position of the 世帯主, always 0 after shape_draw */
    struct shape_member member[SHAPE_MEMBERS_MAX];
};

struct shape_plan {
    struct table_choice choice; /* row: kind * SIMULATE_AGES + index age */
    uint32_t upto[SHAPE_KINDS * SIMULATE_AGES];
    double mean_members;
};

/* A household of that kind; head first. */
void shape_draw(struct random_seeded *r, enum shape_kind kind, uint32_t index_age, struct shape *out);
/* Fits how often each is drawn. plan points into itself: do not copy. ERR_MEMORY. */
MUST_CHECK enum err shape_plan_fit(struct fail *f, const double pyramid[2][SIMULATE_AGES],
                                   struct shape_plan *plan);
/* Any household, by the plan. */
void shape_draw_any(struct random_seeded *r, const struct shape_plan *plan, struct shape *out);
/* 続柄 as the record says it: 「世帯主」「妻」「子の子」. */
struct str shape_relationship(const struct shape *s, size_t member);

#endif
