/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a person whom two municipalities report about, for tests of order.
 *
 * A life is words in the order in which things happened, "A.enter A.code A.plan B.enter A.out B.name". Each
 * side's words are its chain of notices; codes, numbers, names and births are places 1, 2, ... in the
 * person's own lists. */
#ifndef JUKI_TESTS_UNIT_LIFE_H
#define JUKI_TESTS_UNIT_LIFE_H

#include "identity/identity.h"

enum { SIDES = 2, STEPS_MAX = 40, VALUES = 20 /* codes, numbers, names, births of one person */ };

struct knows { /* what a side knows of the person */
    int code, number, name, birth;
};
struct step {
    enum change_reason reason;
    struct knows says;
    int old_code, old_number; /* 0 none */
    int day;
    bool planned;
    int replaces; /* 1 + the place of the same side's step that this one corrects */
    int address;
};
struct life {
    char text[600];
    struct step steps[SIDES][STEPS_MAX];
    size_t length[SIDES];
    struct knows side[SIDES], newest;
    int codes, numbers, names, births, day;
    bool elsewhere[VALUES]; /* the code is of the stock of a municipality that does not give it */
    int giver[VALUES];      /* which side gave the code */
    bool mistaken[VALUES];  /* the code was given and taken back */
    bool ended[VALUES];     /* the number is a former one */
    int lives_in;           /* side, or -1 for nowhere */
    bool corrected; /* a correction can take the place of what it corrects, which then is no version of
                       its own */
};

/* Fails the test when a word is not known. */
void life_read(struct life *l, const char *text);
/* Moves to and fro, and what can happen meanwhile; the same seed gives the same life. */
void life_random(struct life *l, uint64_t *seed);
/* 0 .. of - 1. */
int life_chance(uint64_t *seed, int of);

#endif
