/* SPDX-License-Identifier: Apache-2.0 */
/* What a register says at the door of a stage, and what it is answered. */
#ifndef JUKI_TESTS_UNIT_DOOR_CALL_H
#define JUKI_TESTS_UNIT_DOOR_CALL_H

#include "door_stage.h"

struct door_call {
    struct door_client *client;
    struct buf body, answer;
    struct fail fail;
    int64_t expected; /* the number of the change that the door waits for */
};
void door_call_open(struct door_call *c, const struct door_stage *s);
void door_call_close(struct door_call *c);
/* POST /v1/changes of the body. */
enum err door_call_post(struct door_call *c);
enum err door_call_get(struct door_call *c, const char *path);
/* A member of the answer; does its text stand in the answer? */
int64_t door_call_int(const struct door_call *c, const char *field);
bool door_call_holds(const struct door_call *c, const char *text);

/* A body of births, each with the resident code of its payload; replaces: 0, or the change that it corrects.
 */
void changes_begin(struct buf *b);
void changes_add(struct buf *b, int64_t number, int64_t payload, const char *name, int64_t replaces);
void changes_end(struct buf *b);
/* Changes first to last, each of its own person. */
void changes_range(struct buf *b, int64_t first, int64_t last);

#endif
