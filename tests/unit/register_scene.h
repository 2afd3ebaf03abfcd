/* SPDX-License-Identifier: Apache-2.0 */
/* A register for tests: alone, or at the door of a stage; what it is given, and what it says. */
#ifndef JUKI_TESTS_UNIT_REGISTER_SCENE_H
#define JUKI_TESTS_UNIT_REGISTER_SCENE_H

#include "base/clock.h"
#include "door_stage.h"
#include "register/register_inside.h"
#include "test.h"

#include <unistd.h>

struct scene {
    char url[300];
    struct db *db;
    struct resident_register *r;
    struct register_result result;
    int64_t lines[16];
    enum err errors[16];
    char fields[16][48];
    size_t refusals;
};
/* A register without a door. */
void scene_open(struct scene *s, const char *url);
/* One at the stage's door, on FOLDER/register.db. */
void scene_open_linked(struct scene *s, const struct door_stage *stage);
void scene_close(struct scene *s);
/* A CSV of residents, or lines of events; what was refused of it stands in the scene. */
void scene_load(struct scene *s, struct str csv);
void scene_apply(struct scene *s, const char *lines);
/* Such lines, entered provisionally. */
void scene_enter(struct scene *s, const char *lines);
struct register_status scene_status(struct scene *s);
/* The queued JSON of a change, or "". */
struct look {
    int64_t number;
    char body[4096];
};
const char *scene_change(struct scene *s, struct look *l, int64_t number);
struct seen_problem {
    struct register_problem last;
    size_t count;
};
struct seen_problem scene_problems(struct scene *s);
/* For the group. */
int scene_setup(void **state);
int scene_clean(void **state);

#define HEADER                                                                                               \
    "record,household_number,relationship,name,name_kana,birth_date,sex,area_code,address,honseki_area_"     \
    "code,honseki,"                                                                                          \
    "honseki_head,resident_since,entry_reason,resident_code,individual_number\n"
#define TARO                                                                                                                        \
    "r-1,h-1,世帯主,西宮　太郎,ニシノミヤ　タロウ,1980-01-02,male,282049,兵庫県西宮市六湛寺町10番3号," \
    "282049,兵庫県西宮市,"                                                                                                    \
    "西宮　太郎,2010-04-01,domestic_move_in,24727059608,379474484458\n"
#define HANAKO                                                                                                                         \
    "r-2,h-1,妻,西宮　花子,ニシノミヤ　ハナコ,1982-00-00,female,282049,兵庫県西宮市六湛寺町10番3号,282049," \
    "兵庫県西宮市,"                                                                                                              \
    "西宮　太郎,2010-04-01,domestic_move_in,24846016224,454972364860\n"

#define WAIT_FOR(condition)                                                                                  \
    do {                                                                                                     \
        int64_t until_ = clock_steady() + 20 * 1000000;                                                      \
        while (!(condition)) {                                                                               \
            if (clock_steady() > until_)                                                                     \
                fail_msg("never came: %s", #condition);                                                      \
            usleep(5000);                                                                                    \
        }                                                                                                    \
    } while (0)

#endif
