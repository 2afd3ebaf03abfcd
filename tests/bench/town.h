/* SPDX-License-Identifier: Apache-2.0 */
/* A small network of real daemons on loopback: agency, prefecture, one municipality's CS and its register,
 * made and started by the juki command as a person would, with every file in one folder. */
#ifndef JUKI_TESTS_BENCH_TOWN_H
#define JUKI_TESTS_BENCH_TOWN_H

#include "base/json.h"
#include "command/network.h"

enum { TOWN_AREA = 282049, TOWN_PATH_SIZE = 512 };
struct town;
/* The path of a program: beside this one in the build folder, or in JUKI_BIN. ERR_NOT_FOUND. */
MUST_CHECK enum err town_program(struct fail *f, const char *name, char out[static TOWN_PATH_SIZE]);
/* `juki network init`. folder is made. One town at a time. */
MUST_CHECK enum err town_make(struct fail *f, const char *folder, struct town **out);
/* `juki up`. */
MUST_CHECK enum err town_up(struct town *t, struct fail *f);
/* Both. */
MUST_CHECK enum err town_start(struct fail *f, const char *folder, struct town **out);
/* Its servers and their folders. */
const struct network *town_network(const struct town *t);
/* `juki down`: every daemon ends in order and finishes its files. */
MUST_CHECK enum err town_stop(struct town *t, struct fail *f);
/* Stops it when it still runs; accepts NULL. */
void town_free(struct town *t);
/* For a process that is told to end: kills the daemons of the town that runs, if one does. Any thread. */
void town_kill(void);

/* `juki backup key`; `juki backup make` of a node, running or not. From any thread, one at a time. */
MUST_CHECK enum err town_backup_key(struct town *t, struct fail *f, const char *path);
MUST_CHECK enum err town_backup(struct town *t, struct fail *f, const char *node, const char *key,
                                const char *to);

/* Asks a daemon; *answer is the caller's (json_free). */
MUST_CHECK enum err town_ask(struct town *t, struct fail *f, const char *node, struct str question,
                             struct json **answer);
/* The register takes a file: verb "load" or "apply". *last: the number of the last change it made of it.
 * ERR_STATE when it refused a row. */
MUST_CHECK enum err town_take(struct town *t, struct fail *f, const char *verb, const char *path,
                              int64_t *last);
/* Until the register has heard that changes first..last were all applied at the agency; with `recorded`,
 * until that is on its own disk too. ERR_STATE when one was refused or waits, ERR_TIMEOUT when nothing
 * happens for a minute. */
MUST_CHECK enum err town_await(struct town *t, struct fail *f, int64_t first, int64_t last, bool recorded);
/* How many persons the agency has in its store, counted. */
MUST_CHECK enum err town_census(struct town *t, struct fail *f, int64_t *persons);

struct town_use {         /* since the daemons started */
    int64_t rss_most;     /* bytes; the largest daemon's at its largest */
    int64_t written;      /* bytes that all daemons have sent to the disk */
    int64_t wal_most;     /* bytes; the largest write-ahead log of a program */
    double cpu, cpu_most; /* seconds of processor time: of all, of the busiest daemon */
};
/* While it runs. */
MUST_CHECK enum err town_use(struct town *t, struct fail *f, struct town_use *out);
/* Bytes of memory that a daemon of the town has now, and had at most. */
MUST_CHECK enum err town_memory(struct town *t, struct fail *f, const char *node, int64_t *now,
                                int64_t *most);
/* The path of a node's database file, in out. */
void town_database(const struct network_node *node, char out[static TOWN_PATH_SIZE]);
/* Bytes of a node's database file, of all when node is NULL. After town_stop, when the logs are in the files.
 */
int64_t town_stored(const struct town *t, const char *node);

/* Invented residents of the town as CSV. */
MUST_CHECK enum err town_write_residents(struct fail *f, const char *path, int64_t count, bool with_codes);

#endif
