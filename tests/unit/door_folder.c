/* SPDX-License-Identifier: Apache-2.0 */
/* The door as a watched folder: what is put in, and what comes out. */
#include "base/clock.h"
#include "base/file.h"
#include "door/telegram_837y.h"
#include "door_call.h"
#include "stores.h"
#include "test.h"

#include <dirent.h>
#include <unistd.h>

static const char *in_folder(const struct door_stage *stage, char out[static 256], const char *name)
{
    snprintf(out, 256, "%s/watched/%s", stage->folder, name);
    return out;
}

static void drop(const struct door_stage *stage, const char *name, const struct buf *body)
{
    char from[256], to[256];

    assert_ok(file_write(NULL, in_folder(stage, from, "being-written"), buf_str(body), 0600));
    char place[128];
    snprintf(place, sizeof place, "in/%s", name);
    assert_int_equal(rename(from, in_folder(stage, to, place)), 0);
}

static void wait_for_file(const struct door_stage *stage, const char *name)
{
    char path[256];
    int64_t until = clock_steady() + 20 * 1000000;

    while (!file_exists(in_folder(stage, path, name))) {
        if (clock_steady() > until)
            fail_msg("%s never came", name);
        usleep(5000);
    }
}

static bool file_holds(const struct door_stage *stage, const char *name, const char *part)
{
    char path[256];
    struct buf text;

    buf_init(&text, 1 << 20);
    assert_ok(file_read(NULL, in_folder(stage, path, name), &text));
    bool holds = text.p && strstr(text.p, part) != NULL;
    buf_release(&text);
    return holds;
}

static void files_are_taken_in_the_order_of_names(void **state)
{
    struct door_stage *stage = *state;
    const int64_t *numbers;
    struct buf b;
    buf_init(&b, 1 << 20);
    changes_range(&b, 3, 4);
    drop(stage, "b.json.part", &b); /* not a request by its name */
    char from[256], to[256];
    changes_range(&b, 1, 2);
    drop(stage, "a.json", &b);
    wait_for_file(stage, "taken/a.json");
    assert_int_equal(rename(in_folder(stage, from, "in/b.json.part"), in_folder(stage, to, "in/b.json")), 0);
    wait_for_file(stage, "taken/b.json");
    assert_true(file_holds(stage, "taken/b.json.result.json", "{\"taken\":4,\"refused\":[]}"));
    changes_range(&b, 9, 9);
    drop(stage, "gap.json", &b);
    wait_for_file(stage, "refused/gap.json");
    assert_true(file_holds(stage, "refused/gap.json.result.json", "\"expected\":5"));
    buf_clear(&b);
    buf_add_str(&b, STR("{\"changes\":"));
    drop(stage, "half.json", &b);
    wait_for_file(stage, "refused/half.json");
    assert_true(file_holds(stage, "refused/half.json.result.json", "\"error\":\"JSON\""));
    assert_int_equal(door_stage_taken(&numbers, NULL), 4);
    buf_release(&b);
}

/* Killed after the changes were committed and before the file was moved: the file is found again. */
static void a_file_processed_twice_changes_nothing(void **state)
{
    struct door_stage *stage = *state;
    const int64_t *numbers;
    struct buf b;
    buf_init(&b, 1 << 20);
    changes_range(&b, 1, 3);
    drop(stage, "a.json", &b);
    wait_for_file(stage, "taken/a.json");
    drop(stage, "a.json", &b);
    char path[256];
    int64_t until = clock_steady() + 20 * 1000000;
    while (file_exists(in_folder(stage, path, "in/a.json"))) {
        assert_true(clock_steady() < until);
        usleep(5000);
    }
    assert_true(file_holds(stage, "taken/a.json.result.json", "{\"taken\":3,\"refused\":[]}"));
    assert_int_equal(door_stage_taken(&numbers, NULL), 3);
    buf_release(&b);
}

static void the_feeds_are_written_to_files_in_pages(void **state)
{
    struct door_stage *stage = *state;
    struct telegram_person persons[TELEGRAM_837Y_PERSONS];
    struct area_code area;
    size_t n;
    door_stage_outcome(stage, 1, 20, 'a', ERR_OK);
    wait_for_file(stage, "out/outcomes-000000000001.json");
    assert_true(file_holds(stage, "out/outcomes-000000000001.json",
                           "{\"first\":1,\"last\":20,\"state\":\"applied\"}"));
    door_stage_number(stage, (struct resident_code){24727059608}, (struct individual_number){379474484458},
                      1);
    wait_for_file(stage, "out/numbers-000000000001.json"); /* written after the telegram */
    char path[256];
    struct buf text;
    buf_init(&text, 10000);
    assert_ok(file_read(NULL, in_folder(stage, path, "out/837Y-000000000001.dat"), &text));
    struct str rest = buf_str(&text);
    assert_ok(telegram_837y_read(NULL, &rest, &area, persons, &n));
    assert_int_equal(area.value, STAGE_AREA);
    assert_int_equal(persons[0].number.value, 379474484458);
    buf_release(&text);
    door_stage_outcome(stage, 21, 21, 'r', ERR_STATE);
    wait_for_file(stage, "out/outcomes-000000000002.json");
}

static size_t count_text(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

struct in_files {
    size_t files, telegrams, numbers; /* of numbers */
};

/* And not one that is still being written. */
static bool is_page(const char *name, const char *stem, const char *end)
{
    size_t n = strlen(name);
    return strncmp(name, stem, strlen(stem)) == 0 && n > strlen(end) &&
           strcmp(name + n - strlen(end), end) == 0;
}

static struct in_files numbers_in_files(const struct door_stage *stage)
{
    struct in_files found = {0};
    struct telegram_person persons[TELEGRAM_837Y_PERSONS];
    struct area_code area;
    struct dirent **list = NULL;
    char path[256], name[600];
    struct buf text;
    int entries = scandir(in_folder(stage, path, "out"), &list, NULL, NULL);
    buf_init(&text, 4 << 20);
    for (int i = 0; i < entries; i++) {
        size_t n;
        snprintf(name, sizeof name, "%s/%s", path, list[i]->d_name);
        buf_clear(&text);
        bool json = is_page(list[i]->d_name, "numbers-", ".json"),
             telegram = is_page(list[i]->d_name, "837Y-", ".dat");
        if (json || telegram)
            assert_ok(file_read(NULL, name, &text));
        found.files += json;
        found.numbers += json ? count_text(text.p, "\"change\"") : 0;
        for (struct str rest = buf_str(&text); telegram && rest.n; found.telegrams += n)
            assert_ok(telegram_837y_read(NULL, &rest, &area, persons, &n));
        free(list[i]);
    }
    free(list);
    buf_release(&text);
    return found;
}

/* Numbers come while the files are written: each is in either form, once. */
static void both_forms_of_the_numbers_hold_the_same(void **state)
{
    struct door_stage *stage = *state;
    size_t given = 0;
    int64_t until = clock_steady() + 30 * 1000000;
    while (numbers_in_files(stage).files < 3 && clock_steady() < until)
        for (int i = 0; i < 20; i++, given++)
            door_stage_number(stage, (struct resident_code){24727059608},
                              (struct individual_number){379474484458}, (int64_t)given + 1);
    while (numbers_in_files(stage).numbers < given && clock_steady() < until)
        usleep(20000);
    struct in_files found = numbers_in_files(stage);
    assert_int_equal(found.numbers, given);
    assert_int_equal(found.telegrams, given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, door_stage_setup_watched, door_stage_teardown)
        ROW(files_are_taken_in_the_order_of_names),
        ROW(a_file_processed_twice_changes_nothing),
        ROW(the_feeds_are_written_to_files_in_pages),
        ROW(both_forms_of_the_numbers_hold_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
