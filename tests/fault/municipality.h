/* SPDX-License-Identifier: Apache-2.0 */
/* A municipality in one process: its resident register, and its CS with the product's door, flows, link and
 * log; each has a database of its own, both in one folder.
 *
 * The network above is played, by what stands in the CS's own log: every notice there gets its outcome, every
 * request for a number its number, once. Every third change waits at first, of every second word comes ahead
 * of its outcome. So nothing is remembered between two lives but what the disks hold. */
#ifndef JUKI_TESTS_FAULT_MUNICIPALITY_H
#define JUKI_TESTS_FAULT_MUNICIPALITY_H

#include "door/door.h"
#include "flow_network.h"
#include "register/register.h"

enum {
    MUNICIPALITY_KNOWN = 4,    /* resident(4) is on record at the CS from the beginning */
    MUNICIPALITY_CHANGES = 100 /* at most */
};
extern struct municipality {
    struct resident_register *r;
    struct db *db;     /* the register's: "register.db" */
    struct flow *cs;   /* its database: "cs.db" */
    struct door *door; /* NULL until it is started */
} municipality;

/* Keys, certificates, addresses; nothing runs yet. */
void municipality_init(void);
void municipality_release(void);
/* New databases: the CS has resident codes to give out. */
void municipality_make(const char *folder);
/* Both databases, without threads. What was opened stays for municipality_close. */
MUST_CHECK enum err municipality_open(struct fail *f, const char *folder,
                                      void (*broken)(void *, const struct fail *));
/* The door opens, the register speaks with its CS, and the network answers. */
MUST_CHECK enum err municipality_start(struct fail *f);
void municipality_close(void);

/* What the CS has sent, in the order of its log. */
struct municipality_sent {
    bool request;          /* for an Individual Number; else an identity notice */
    int64_t change;        /* the register's; 0: a request for another number */
    int64_t code, version; /* of whom, and 更新順番号 of the notice */
};
struct municipality_log {
    struct municipality_sent sent[4 * MUNICIPALITY_CHANGES];
    size_t count;
    uint64_t read; /* entries of the log */
};
/* Reads on where `log`, which begins with zeros, ends. */
MUST_CHECK enum err municipality_read_log(struct fail *f, struct municipality_log *log);
/* The last outcome of each change among the first `rows` of the feed for the register: a letter, 0 none. */
enum { MUNICIPALITY_FEED = 1000 /* all */ };
MUST_CHECK enum err municipality_read_outcomes(struct fail *f, int64_t rows,
                                               char said[static MUNICIPALITY_CHANGES + 1]);

#endif
