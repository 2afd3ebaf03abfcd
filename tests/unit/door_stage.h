/* SPDX-License-Identifier: Apache-2.0 */
/* A CS's door on loopback, for tests: its real server, real TLS and certificates of a test CA, over flows
 * that only note what they were given. A change whose name is "REFUSE" is refused by them with ERR_STATE; a
 * birth with a number is put into the store. */
#ifndef JUKI_TESTS_UNIT_DOOR_STAGE_H
#define JUKI_TESTS_UNIT_DOOR_STAGE_H

#include "door/door.h"
#include "door/door_client.h"

enum { STAGE_AREA = 282049, STAGE_TAKEN_MAX = 20000 };
struct door_stage {
    char folder[64]; /* certificates, watched folder, the database on SQLite */
    char url[40];
    char database[300];
    char ca[96], key[96], certificate[96];           /* of the register */
    char stranger_key[96], stranger_certificate[96]; /* of register.281000, same CA */
    char forged_key[96], forged_certificate[96];     /* of register.282049 by another CA */
    struct flow flow;
    struct door *door;
};
/* watched: with a watched folder at FOLDER/watched. */
void door_stage_open(struct door_stage *s, bool watched);
void door_stage_close(struct door_stage *s);
/* The same for each test of a program; the stage is its state. */
int door_stage_setup(void **state);
int door_stage_setup_watched(void **state);
int door_stage_teardown(void **state);
/* Stops the door and its database and opens both again on the same files. */
void door_stage_restart(struct door_stage *s);
/* The same on another file of its folder, until the next restart: another CS answers in its place. */
void door_stage_restart_on(struct door_stage *s, const char *database);
/* What the flows were given since the stage was opened: change numbers in order, and what they replace. */
size_t door_stage_taken(const int64_t **numbers, const int64_t **replaces);
/* The Individual Number of the last change they were given, 0 when it had none. */
int64_t door_stage_last_number(void);
/* The flows keep nothing of that change any more. */
void door_stage_forget(int64_t number);
/* How often the log was told that changes were given back, and its newest line. */
size_t door_stage_given(const char **line);
/* How often the flows were asked for another number, and for whom last. */
size_t door_stage_requested(int64_t *code);
/* There is no code to be drawn, or there are 900 again. */
void door_stage_stock_empty(bool empty);
int64_t door_stage_filled(void); /* codes that were asked for when a draw found too few */
/* How many were turned away and counted, and where the last came from. */
size_t door_stage_strangers(const char **source);
enum err door_stage_stranger_error(void); /* of the last */
/* Too little of the disk is free, or enough again. */
void door_stage_disk_low(bool low);
/* The last message to another municipality, "NUMBER REPLACES TO BODY"; one of a person named REFUSE is
 * refused. */
const char *door_stage_message(void);
/* The CS is in another life. */
void door_stage_epoch(int64_t epoch);
/* The network speaks: word ahead of the outcome 'a' of changes, an outcome, a number. */
void door_stage_ahead(struct door_stage *s, int64_t first, int64_t last);
void door_stage_outcome(struct door_stage *s, int64_t first, int64_t last, char state, enum err error);
void door_stage_number(struct door_stage *s, struct resident_code code, struct individual_number number,
                       int64_t change);
/* The register's client. */
struct door_client *door_stage_client(const struct door_stage *s);

#endif
