/* SPDX-License-Identifier: Apache-2.0 */
/* What the counter of a municipality (municipality.h) says to its resident register, while that speaks with
 * its CS: people are loaded and entered with and without codes and numbers, move, change code and number, are
 * refused by the CS and told again, and outcomes come back.
 *
 * It may be told again from the beginning, to a register that has some of it already: what is there is known.
 * So however often register and CS ended in between, it ends in the same state. Functions answer what is
 * wrong, or NULL. */
#ifndef JUKI_TESTS_FAULT_REGISTER_STORY_H
#define JUKI_TESTS_FAULT_REGISTER_STORY_H

#include "register_disks.h"

/* What is promised: that something is entered, that the CS has taken changes so far, that an outcome is
 * recorded. */
enum register_promise { ENTERED = 1, TAKEN, HEARD, PROMISES };

/* How it is told. promise() is called for each promise, with the step of the story and the number of a
 * change; early: this kind is promised before what it promises is committed; 0: none. */
extern struct register_telling {
    void (*promise)(enum register_promise kind, size_t step, int64_t number);
    int early;
} register_telling;

/* After municipality_init: writes the file that is loaded. */
void register_story_init(void);
/* Lines of the counter's; event and record may be printf's. */
#define EVENT_ADDRESS "兵庫県西宮市六湛寺町１０番３号"
#define EVENT_MOVES(event, record, where)                                                                    \
    "{\"event\":\"" event                                                                                    \
    "\",\"reason\":\"move_within\",\"change_date\":\"2026-04-03\",\"record\":\"" record                      \
    "\",\"set\":{\"address\":\"" where "\"}}"
#define EVENT_BORN(event, record)                                                                            \
    "{\"event\":\"" event "\",\"reason\":\"birth\",\"change_date\":\"2026-04-02\",\"record\":\"" record      \
    "\",\"set\":{\"household_number\":\"h-1\",\"relationship\":\"子\",\"name\":\"西宮　一郎\","        \
    "\"name_kana\":\"ニシノミヤ　イチロウ\",\"birth_date\":\"2026-04-01\",\"sex\":\"male\","       \
    "\"area_code\":\"282049\",\"address\":\"" EVENT_ADDRESS "\",\"honseki_area_code\":\"282049\","           \
    "\"honseki\":\"兵庫県西宮市\",\"honseki_head\":\"西宮　花子\"}}"

/* Until everything is settled. */
const char *register_story_take(void);

struct register_ending {
    struct register_status status;
    struct register_outcome outcome;
    size_t sent; /* by the CS */
};
/* Now that it is settled; wrong is when register and CS differ. */
const char *register_story_note(struct register_ending *e);
/* It has come to the same. */
const char *register_story_ends_as(const struct register_ending *ending);
/* The register sends all it has, and is answered as it was then: nothing differs, nothing comes of it. */
const char *register_story_sends_again(const struct register_ending *ending);
/* Is on the disks what was promised? What is entered is there under the number that the counter was told, or
 * told again under a later one. */
const char *register_story_keeps(const struct register_disks *d, enum register_promise kind, size_t step,
                                 int64_t number);

#endif
