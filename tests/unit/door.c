/* SPDX-License-Identifier: Apache-2.0 */
/* What a register and its CS say to each other: changes in their order, outcomes, numbers and codes. Who is
 * turned away: door_refuse.c; the watched folder: door_folder.c; what a register takes back: door_back.c. */
#include "door/door.h"

#include "base/clock.h"
#include "base/file.h"
#include "door/door_inside.h"
#include "door/telegram_837y.h"
#include "door_call.h"
#include "stores.h"
#include "test.h"

#include <pthread.h>
#include <unistd.h>

/* ---- the order of changes ---- */

static void changes_are_taken_once_and_in_order(void **state)
{
    struct door_stage *stage = *state;
    const int64_t *numbers;
    struct door_call c;
    door_call_open(&c, stage);
    changes_range(&c.body, 1, 3);
    assert_ok(door_call_post(&c));
    assert_int_equal(door_call_int(&c, "taken"), 3);
    changes_range(&c.body, 5, 6); /* 4 is missing */
    assert_err(door_call_post(&c), ERR_DOOR_GAP);
    assert_int_equal(c.expected, 4);
    changes_range(&c.body, 2, 5); /* 2 and 3 again, in another request */
    assert_ok(door_call_post(&c));
    assert_int_equal(door_call_int(&c, "taken"), 5);
    changes_begin(&c.body);
    changes_add(&c.body, 6, 6, "西宮　花子", 0);
    changes_add(&c.body, 8, 8, "西宮　花子", 0);
    changes_end(&c.body);
    assert_err(door_call_post(&c), ERR_DOOR_GAP);
    assert_int_equal(c.expected, 7);
    door_stage_restart(stage);
    changes_range(&c.body, 1, 6);
    assert_ok(door_call_post(&c));
    assert_int_equal(door_call_int(&c, "taken"), 6);
    assert_int_equal(door_stage_taken(&numbers, NULL), 6);
    for (int64_t i = 0; i < 6; i++)
        assert_int_equal(numbers[i], i + 1);
    door_call_close(&c);
}

static void other_content_under_a_used_number_is_refused(void **state)
{
    struct door_stage *stage = *state;
    const int64_t *numbers;
    struct door_call c;
    door_call_open(&c, stage);
    changes_range(&c.body, 1, 2);
    assert_ok(door_call_post(&c));
    changes_begin(&c.body);
    changes_add(&c.body, 2, 2, "西宮　太郎", 0);
    changes_add(&c.body, 3, 3, "西宮　花子", 0);
    changes_end(&c.body);
    assert_err(door_call_post(&c), ERR_DOOR_DIFFERENT);
    assert_true(door_call_holds(&c, "\"detail\":\"2\""));  /* which one */
    assert_int_equal(door_stage_taken(&numbers, NULL), 2); /* and nothing behind it either */
    door_call_close(&c);
}

static void a_refused_change_stops_nothing_but_its_person(void **state)
{
    struct door_stage *stage = *state;
    const int64_t *numbers, *replaces;
    struct door_call c;
    door_call_open(&c, stage);
    changes_begin(&c.body);
    changes_add(&c.body, 1, 100, "REFUSE", 0);
    changes_add(&c.body, 2, 200, "西宮　太郎", 0);
    changes_add(&c.body, 3, 100, "西宮　花子", 0);
    changes_end(&c.body);
    assert_ok(door_call_post(&c));
    assert_true(door_call_holds(&c, "\"number\":1,\"error\":\"STATE\""));
    assert_true(door_call_holds(&c, "\"number\":3,\"error\":\"DOOR_BEHIND\""));
    assert_ok(door_call_post(&c)); /* again: the same answer, and nothing more */
    assert_true(door_call_holds(&c, "\"number\":3,\"error\":\"DOOR_BEHIND\""));
    changes_begin(&c.body);
    changes_add(&c.body, 4, 100, "西宮　花子", 3); /* not the oldest */
    changes_add(&c.body, 5, 100, "REFUSE", 1);     /* bad again: 1 stays open */
    changes_add(&c.body, 6, 100, "西宮　梅子", 5); /* names the attempt: means 1 */
    changes_add(&c.body, 7, 100, "西宮　桜子", 0); /* 3 is still open */
    changes_add(&c.body, 8, 100, "西宮　花子", 4); /* replaces 3 */
    changes_add(&c.body, 9, 100, "西宮　桜子", 7);
    changes_add(&c.body, 10, 100, "西宮　松子", 1); /* replaced long ago */
    changes_end(&c.body);
    assert_ok(door_call_post(&c));
    assert_true(door_call_holds(&c, "\"number\":4,\"error\":\"DOOR_BEHIND\""));
    assert_true(door_call_holds(&c, "\"number\":5,\"error\":\"STATE\""));
    assert_false(door_call_holds(&c, "\"number\":6,"));
    assert_true(door_call_holds(&c, "\"number\":7,\"error\":\"DOOR_BEHIND\""));
    assert_false(door_call_holds(&c, "\"number\":8,"));
    assert_false(door_call_holds(&c, "\"number\":9,"));
    assert_true(door_call_holds(&c, "\"number\":10,\"error\":\"DOOR_REPLACES\""));
    static const int64_t want[] = {2, 6, 8, 9};
    assert_int_equal(door_stage_taken(&numbers, &replaces), COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_int_equal(numbers[i], want[i]);
        assert_int_equal(replaces[i], 0);
    }
    assert_ok(door_call_get(&c, "/v1/outcomes?after=0"));
    assert_true(door_call_holds(
        &c, "\"first\":1,\"last\":1,\"state\":\"refused\",\"error\":\"STATE\",\"field\":\"name\""));
    door_call_close(&c);
}

static void a_refused_change_can_be_withdrawn(void **state)
{
    struct door_stage *stage = *state;
    const int64_t *numbers;
    struct door_call c;
    door_call_open(&c, stage);
    changes_begin(&c.body);
    changes_add(&c.body, 1, 100, "REFUSE", 0);
    changes_end(&c.body);
    assert_ok(door_call_post(&c));
    buf_clear(&c.body);
    buf_add_str(&c.body, STR("{\"changes\":[{\"number\":2,\"replaces\":1,\"withdrawn\":true},"
                             "{\"number\":3,\"replaces\":2,\"withdrawn\":true}]}"));
    assert_ok(door_call_post(&c));
    assert_false(door_call_holds(&c, "\"number\":2,"));
    assert_true(door_call_holds(&c, "\"number\":3,\"error\":\"DOOR_REPLACES\""));
    changes_begin(&c.body);
    changes_add(&c.body, 4, 100, "西宮　花子", 0);
    changes_end(&c.body);
    assert_ok(door_call_post(&c));
    assert_int_equal(door_stage_taken(&numbers, NULL), 1);
    door_call_close(&c);
}

static void a_correction_of_a_taken_change_is_passed_on(void **state)
{
    struct door_stage *stage = *state;
    const int64_t *numbers, *replaces;
    struct door_call c;
    door_call_open(&c, stage);
    changes_begin(&c.body);
    changes_add(&c.body, 1, 100, "西宮　花子", 0);
    changes_add(&c.body, 2, 100, "西宮　梅子", 1);
    changes_end(&c.body);
    assert_ok(door_call_post(&c));
    assert_int_equal(door_stage_taken(&numbers, &replaces), 2);
    assert_int_equal(replaces[1], 1);
    door_call_close(&c);
}

static void a_number_the_register_has_not_heard_is_filled_in(void **state)
{
    struct door_stage *stage = *state;
    struct door_call c;
    door_call_open(&c, stage);
    buf_add_str(&c.body, STR("{\"changes\":["));
#define PERSON(number, given, reason)                                                                        \
    "{\"number\":" number ",\"identity\":{\"resident_code\":\"24727059608\"," given                          \
    "\"foreign\":false,\"name\":\"西宮　花子\",\"birth_date\":\"2026-01-01\",\"sex\":\"female\","       \
    "\"area_code\":\"282049\",\"address\":\"兵庫県西宮市\",\"change\":{\"change_reason\":\"" reason          \
    "\",\"change_date\":\"2026-01-02\"}}}"
    buf_add_str(&c.body, STR(PERSON("1", "\"individual_number\":\"379474484458\",",
                                    "birth") "," PERSON("2", "", "move_within") "]}"));
    assert_ok(door_call_post(&c));
    assert_true(door_call_holds(&c, "\"refused\":[]"));
    assert_int_equal(door_stage_last_number(), 379474484458);
    door_call_close(&c);
}

static void people_of_other_municipalities_are_refused(void **state)
{
    struct door_stage *stage = *state;
    struct door_call c;
    door_call_open(&c, stage);
    changes_range(&c.body, 1, 1);
    char *area = strstr(c.body.p, "282049");
    memcpy(area, "281000", 6); /* a designated city as such holds no addresses */
    assert_ok(door_call_post(&c));
    assert_true(door_call_holds(&c, "AREA_CODE_ADDRESS"));
    changes_range(&c.body, 2, 2);
    area = strstr(c.body.p, "282049");
    memcpy(area, "282022", 6);
    assert_ok(door_call_post(&c));
    assert_true(door_call_holds(&c, "DOOR_AREA"));
    door_call_close(&c);
}

/* ---- the way back ---- */

static void *speak_later(void *stage)
{
    usleep(150000);
    door_stage_outcome(stage, 1, 900, 'a', ERR_OK);
    return NULL;
}

static void a_waiting_reader_is_woken_by_an_outcome(void **state)
{
    struct door_stage *stage = *state;
    struct door_call c;
    pthread_t speaker;
    door_call_open(&c, stage);
    int64_t began = clock_steady();
    assert_int_equal(pthread_create(&speaker, NULL, speak_later, stage), 0);
    assert_ok(door_call_get(&c, "/v1/outcomes?after=0&wait=30"));
    assert_true(clock_steady() - began < 10 * 1000000);
    pthread_join(speaker, NULL);
    assert_true(door_call_holds(&c, "{\"first\":1,\"last\":900,\"state\":\"applied\"}"));
    assert_int_equal(door_call_int(&c, "cursor"), 1);
    assert_ok(door_call_get(&c, "/v1/outcomes?after=1"));
    assert_int_equal(door_call_int(&c, "cursor"), 1);
    door_call_close(&c);
}

static void *speak_ahead_later(void *stage)
{
    usleep(150000);
    door_stage_ahead(stage, 7, 8);
    return NULL;
}

/* Told once, and only to who waits; the outcome comes by itself. */
static void a_waiting_reader_is_told_ahead(void **state)
{
    struct door_stage *stage = *state;
    struct door_call c;
    pthread_t speaker;
    door_call_open(&c, stage);
    assert_int_equal(pthread_create(&speaker, NULL, speak_ahead_later, stage), 0);
    assert_ok(door_call_get(&c, "/v1/outcomes?after=0&wait=30"));
    pthread_join(speaker, NULL);
    assert_true(
        door_call_holds(&c, "\"outcomes\":[],\"ahead\":[{\"first\":7,\"last\":8,\"state\":\"applied\"}]"));
    assert_int_equal(door_call_int(&c, "cursor"), 0);
    door_stage_ahead(stage, 9, 9);
    assert_ok(door_call_get(&c, "/v1/outcomes?after=0"));
    assert_false(door_call_holds(&c, "ahead"));
    for (int i = 0; i < 100; i++) /* more than anybody fetches: the rest is left out */
        door_stage_ahead(stage, 10 + i, 10 + i);
    assert_ok(door_call_get(&c, "/v1/outcomes?after=0&wait=1"));
    assert_true(door_call_holds(&c, "{\"first\":9,\"last\":9,"));
    assert_false(door_call_holds(&c, "\"first\":109,"));
    door_stage_outcome(stage, 7, 8, 'a', ERR_OK);
    assert_ok(door_call_get(&c, "/v1/outcomes?after=0&wait=1"));
    assert_true(
        door_call_holds(&c, "\"outcomes\":[{\"first\":7,\"last\":8,\"state\":\"applied\"}],\"cursor\":1"));
    door_call_close(&c);
}

static void numbers_come_as_json_and_as_telegrams(void **state)
{
    struct door_stage *stage = *state;
    struct door_call c;
    struct telegram_person persons[TELEGRAM_837Y_PERSONS];
    struct area_code area;
    size_t n, seen = 0;
    door_call_open(&c, stage);
    for (int64_t i = 1; i <= 150; i++)
        door_stage_number(stage, resident_code_from_payload(i), individual_number_from_payload(i), i);
    assert_ok(door_call_get(&c, "/v1/numbers?after=149"));
    assert_str(buf_str(&c.answer), "{\"numbers\":[{\"change\":150,\"resident_code\":\"00000001503\","
                                   "\"individual_number\":\"000000001503\"}],\"cursor\":150}");
    assert_ok(door_call_get(&c, "/v1/telegrams/837Y"));
    struct str rest = buf_str(&c.answer);
    while (rest.n) {
        assert_ok(telegram_837y_read(NULL, &rest, &area, persons, &n));
        assert_int_equal(persons[0].code.value, resident_code_from_payload((int64_t)seen + 1).value);
        seen += n;
    }
    assert_int_equal(seen, 150);
    door_call_close(&c);
}

static void a_repeated_draw_gives_the_same_codes(void **state)
{
    struct door_stage *stage = *state;
    struct door_call c;
    char first[4096];
    door_call_open(&c, stage);
    struct str body = STR("{\"draw\":\"load-1\",\"count\":50}");
    assert_ok(door_client_call(c.client, NULL, "/v1/resident-codes", body, &c.answer, NULL));
    snprintf(first, sizeof first, "%s", c.answer.p);
    assert_ok(door_client_call(c.client, NULL, "/v1/resident-codes", body, &c.answer, NULL));
    assert_string_equal(c.answer.p, first);
    body = STR("{\"draw\":\"load-2\",\"count\":50}");
    assert_ok(door_client_call(c.client, NULL, "/v1/resident-codes", body, &c.answer, NULL));
    assert_string_not_equal(c.answer.p, first);
    body = STR("{\"draw\":\"load-3\",\"count\":950}"); /* more than there are: others are asked for */
    assert_err(door_client_call(c.client, NULL, "/v1/resident-codes", body, &c.answer, NULL),
               ERR_STOCK_EMPTY);
    assert_int_equal(door_stage_filled(), 1000);
    door_call_close(&c);
}

static void another_number_is_asked_for_once(void **state)
{
    struct door_stage *stage = *state;
    struct door_call c;
    int64_t code;
    struct str body = STR("{\"name\":\"n-1\",\"resident_code\":\"24727059608\",\"request\":\"change\"}");
    door_call_open(&c, stage);
    for (int i = 0; i < 2; i++)
        assert_ok(door_client_call(c.client, NULL, "/v1/number-requests", body, &c.answer, NULL));
    assert_int_equal(door_stage_requested(&code), 1);
    assert_int_equal(code, 24727059608);
    body = STR("{\"name\":\"n-2\",\"resident_code\":\"24727059608\",\"request\":\"new\"}");
    assert_err(door_client_call(c.client, NULL, "/v1/number-requests", body, &c.answer, NULL),
               ERR_FIELD_RANGE);
    door_call_close(&c);
}

static void status_says_where_the_door_stands(void **state)
{
    struct door_stage *stage = *state;
    struct door_call c;
    door_call_open(&c, stage);
    changes_begin(&c.body);
    changes_add(&c.body, 1, 100, "REFUSE", 0);
    changes_add(&c.body, 2, 200, "西宮　太郎", 0);
    changes_end(&c.body);
    assert_ok(door_call_post(&c));
    assert_ok(door_call_get(&c, "/v1/status"));
    assert_int_equal(door_call_int(&c, "changes"), 2);
    assert_int_equal(door_call_int(&c, "refused"), 1);
    assert_int_equal(door_call_int(&c, "waiting_for_number"), 1);
    assert_true(door_call_holds(&c, "\"unused\":900"));
    assert_ok(
        door_client_call(c.client, NULL, "/v1/resend", STR("{\"first\":1,\"last\":2}"), &c.answer, NULL));
    assert_int_equal(door_call_int(&c, "sent"), 2);
    door_call_close(&c);
}

/* ---- the document ---- */

/* Paths stand at two blanks, methods at four, in the part between "paths:" and "components:". */
static void the_document_names_the_same_routes(void **state UNUSED)
{
    char path[512], current[128] = "", method[16];
    struct buf text;
    struct str rest, line;
    size_t count, found = 0;
    const struct door_route *routes = door_routes(&count), *route;
    bool inside = false;
    snprintf(path, sizeof path, "%s/docs/door-openapi.yaml",
             getenv("JUKI_SOURCE") ? getenv("JUKI_SOURCE") : ".");
    buf_init(&text, 1 << 20);
    assert_ok(file_read(NULL, path, &text));
    rest = buf_str(&text);
    while (str_cut(&rest, '\n', &line)) {
        if (line.n && line.p[0] != ' ')
            inside = str_equal(line, STR("paths:"));
        if (inside && str_starts(line, STR("  /")))
            snprintf(current, sizeof current, "%.*s", (int)line.n - 3, line.p + 2);
        for (size_t i = 0; inside && i < 2; i++) {
            if (!str_equal(line, i ? STR("    post:") : STR("    get:")))
                continue;
            snprintf(method, sizeof method, "%s", i ? "POST" : "GET");
            assert_ok(door_route_find(NULL, str_of(method), str_of(current), &route));
            found++;
        }
    }
    assert_int_equal(found, count);
    assert_int_equal(routes[0].path[0], '/');
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, door_stage_setup, door_stage_teardown)
        ROW(changes_are_taken_once_and_in_order),
        ROW(other_content_under_a_used_number_is_refused),
        ROW(a_refused_change_stops_nothing_but_its_person),
        ROW(a_refused_change_can_be_withdrawn),
        ROW(a_correction_of_a_taken_change_is_passed_on),
        ROW(a_number_the_register_has_not_heard_is_filled_in),
        ROW(people_of_other_municipalities_are_refused),
        ROW(a_waiting_reader_is_woken_by_an_outcome),
        ROW(a_waiting_reader_is_told_ahead),
        ROW(numbers_come_as_json_and_as_telegrams),
        ROW(a_repeated_draw_gives_the_same_codes),
        ROW(another_number_is_asked_for_once),
        ROW(status_says_where_the_door_stands),
        cmocka_unit_test(the_document_names_the_same_routes),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
