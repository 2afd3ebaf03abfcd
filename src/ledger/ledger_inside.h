/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/ledger only: what a ledger is made of, and what its files share. */
#ifndef JUKI_LEDGER_LEDGER_INSIDE_H
#define JUKI_LEDGER_LEDGER_INSIDE_H

#include "ledger/ledger_tile.h"

#include <pthread.h>

/* An entry of a group that is not committed yet. */
struct pending {
    struct sha256 leaf;
    uint8_t salt[SALT_BYTES];
    size_t end;  /* of its body in the ledger's text */
    bool stored; /* its row is written already, and its body not in the text */
};

struct ledger {
    struct db *db;
    struct key *key;
    char node[64];
    char origin[72];

    /* Only the thread that leads the database's transactions touches these (db_follow). */
    struct edge edge;   /* the tree on disk; inside before_commit..committed the tree being written */
    struct edge before; /* the tree on disk, while `writing` */
    bool writing;
    struct pending *pending; /* entries of this group, not yet in edge */
    size_t pending_count, pending_size;
    size_t mark;     /* pending_count when the running change began */
    struct buf text; /* their bodies, one behind the other */
    struct body_packer *packer;
    struct block block; /* the row in hand */

    pthread_mutex_t lock;             /* guards to the end; held for copies only */
    struct merkle_frontier published; /* the tree on disk, for everybody else */
    int64_t head_time;                /* of the newest head; 0 when none */
    int64_t weighed_id, weighed;      /* entries whose bytes were added up, and their sum (ledger_bytes) */
    pthread_mutex_t signing;          /* one head at a time */
};

/* The id of the last row, and of the last entry in it; both 0 in an empty log. */
MUST_CHECK enum err ledger_last_id(struct db_tx *tx, struct fail *f, int64_t *row, int64_t *entry);
/* "juki/NODE". ERR_LIMIT when the name is too long. */
MUST_CHECK enum err ledger_origin(struct fail *f, const char *node, char out[static 72]);
/* Appends the newest head's note; *size and *time (may be NULL). ERR_NOT_FOUND. */
MUST_CHECK enum err ledger_head_read_newest(struct db_tx *tx, struct fail *f, struct buf *out, int64_t *size,
                                            int64_t *time);

/* ledger_fork.c */
MUST_CHECK enum err ledger_fork_put(struct db_tx *tx, struct fail *f, const struct ledger_fork *fork);

#endif
