/* SPDX-License-Identifier: Apache-2.0 */
/* What the disks of a municipality (municipality.h) hold, its register's and its CS's, and whether that can
 * be: at every moment of their lives, whoever of them lost power.
 *
 * What the register takes for taken is at the CS, and what the CS has taken is, word for word, in the
 * register; no feed was read beyond its end, and what was read of it is known; the CS has told the network of
 * each change once, of each person in order; a resident code is one person's, and is in the stock no more. */
#ifndef JUKI_TESTS_FAULT_REGISTER_DISKS_H
#define JUKI_TESTS_FAULT_REGISTER_DISKS_H

#include "door/door_inside.h"
#include "municipality.h"
#include "register/register_inside.h"

struct queued_change {
    struct identity_change change;
    bool withdrawn;
    char record[16];
};
struct register_disks {
    struct arena arena;
    struct queued_change queue[MUNICIPALITY_CHANGES + 1]; /* the register's, by number */
    char heard[MUNICIPALITY_CHANGES + 1];                 /* outcomes that the register knows */
    char said[MUNICIPALITY_CHANGES + 1];                  /* that are on the CS's feed */
    char read[MUNICIPALITY_CHANGES + 1];                  /* on it as far as the register has read it */
    bool told[MUNICIPALITY_CHANGES + 1];                  /* the CS's log has its notice */
    int64_t marks[REGISTER_BACK + 1], door[DOOR_FOLDER_NUMBERS + 1];
    struct municipality_log log;
    const char *wrong;
};

/* Reads both into *d, which begins with zeros and an arena; NULL, or what is wrong. */
const char *register_disks_hold(struct register_disks *d);

#endif
