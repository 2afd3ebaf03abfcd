/* SPDX-License-Identifier: Apache-2.0 */
/* A story is told once while it is recorded; then the power is cut at many places of the recording, in many
 * ways, and what is found on the disk is opened and looked at.
 *
 * The same story must be found wanting when it is told with less: with synchronous=NORMAL or OFF, or when it
 * promises before its commit. A test that is content with those proves nothing. */
#ifndef JUKI_TESTS_FAULT_POWER_CUT_H
#define JUKI_TESTS_FAULT_POWER_CUT_H

#include "disk.h"

#include "base/err.h"

#include <pthread.h>

/* What was promised, and from which place of the recording on it must be there. */
struct promises {
    pthread_mutex_t lock;
    struct promise {
        size_t place;
        int64_t what;
    } * list;
    size_t count, size;
};
/* Promised now. From any thread. */
void promises_add(struct promises *p, int64_t what);
void promises_clear(struct promises *p);

struct story {
    const char *name;
    /* Opens databases in an empty folder, works, closes. early: it promises before what it promises is
     * committed. */
    void (*tell)(void *self, const char *folder, bool early);
    /* What is wrong with what a cut at this place left in the folder; NULL when all is well. */
    const char *(*look)(void *self, size_t place, const char *folder);
    /* Not recorded: what is in the folder before; may be NULL. */
    void (*prepare)(void *self, const char *folder);
    void *self;
    struct promises *promises;
    int times; /* each place is cut so often in every way, with other chances; 0: once */
    const char *const
        *servers; /* names of database files of which one alone may lose power too; NULL-ended, or NULL */
};

/* Tells it, and cuts in about so many ways: fails the test at the first thing that is wrong, and says the
 * seed. */
void story_survives(const struct story *s, size_t cuts);
/* Has it told in a process of its own with that PRAGMA synchronous ("FULL": as the product is) or promising
 * early: fails the test unless a cut is found after which something is missing. */
void story_fails(const struct story *s, size_t cuts, const char *synchronous, bool early);
/* At the beginning of main: true when this is that process, and its exit status. */
bool story_is_told(const struct story *s, int argc, char **argv, int *status);

/* For db_on_broken: a store that breaks is a loss, and where one is expected it is found. */
void story_broken(void *arg, const struct fail *f);

/* printf into a text that lives until the next call of this thread. */
const char *wrong(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* An empty folder, in memory where the machine has such. */
void folder_make(char out[static 64]);
/* 1, or what JUKI_SEED says. */
uint64_t fault_seed(void);

#endif
