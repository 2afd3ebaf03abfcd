/* SPDX-License-Identifier: Apache-2.0 */
/* What a register that lost changes reads back: GET /v1/changes. */
#include "base/json.h"
#include "door/door_inside.h"
#include "door_call.h"
#include "test.h"

static struct door_call call;
static struct json *page; /* the last one */

static void post(void)
{
    changes_end(&call.body);
    assert_ok(door_call_post(&call));
}

static void send_range(int64_t first, int64_t last, const char *name)
{
    changes_begin(&call.body);
    for (int64_t n = first; n <= last; n++)
        changes_add(&call.body, n, n, name, 0);
    post();
}

static size_t read_page(int64_t after)
{
    char path[64];

    json_free(page);
    page = NULL;
    snprintf(path, sizeof path, "/v1/changes?after=%lld", (long long)after);
    assert_ok(door_call_get(&call, path));
    assert_ok(json_read(NULL, buf_str(&call.answer), &page));
    return json_count(json_get(page, "changes"));
}

static int64_t number_at(size_t i)
{
    return json_int(json_get(json_at(json_get(page, "changes"), i), "number"));
}

static int setup(void **state)
{
    door_stage_setup(state);
    door_call_open(&call, *state);
    return 0;
}

static int teardown(void **state)
{
    json_free(page);
    page = NULL;
    door_call_close(&call);
    return door_stage_teardown(state);
}

static void nothing_is_given_where_nothing_was_taken(void **state UNUSED)
{
    const char *line;
    assert_int_equal(read_page(0), 0);
    assert_string_equal(call.answer.p, "{\"changes\":[],\"taken\":0}");
    send_range(1, 2, "西宮　花子");
    assert_int_equal(read_page(2), 0);
    assert_string_equal(call.answer.p, "{\"changes\":[],\"taken\":2}");
    assert_int_equal(read_page(INT64_MAX), 0);
    assert_int_equal(door_stage_given(&line), 0);
}

static void what_was_taken_is_given_as_it_came_and_logged(void **state UNUSED)
{
    const char *line;
    send_range(1, 2, "西宮　花子");
    assert_int_equal(read_page(1), 1);
    changes_begin(&call.body); /* the very members that were sent */
    changes_add(&call.body, 2, 2, "西宮　花子", 0);
    json_end(&call.body, ']');
    json_add_int(&call.body, "taken", 2);
    json_end(&call.body, '}');
    assert_true(str_equal(buf_str(&call.answer), buf_str(&call.body)));
    assert_int_equal(door_stage_given(&line), 1);
    assert_string_equal(line, "register took back changes 2 to 2");
}

static void pages_follow_each_other_without_a_gap(void **state UNUSED)
{
    int64_t after = 0;
    size_t pages[3];
    send_range(1, DOOR_CHANGES_MAX, "西宮　花子");
    send_range(DOOR_CHANGES_MAX + 1, DOOR_CHANGES_MAX + 1, "西宮　花子");
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        pages[i] = read_page(after);
        for (size_t k = 0; k < pages[i]; k++)
            assert_int_equal(number_at(k), ++after);
    }
    assert_int_equal(pages[0], DOOR_PAGE);
    assert_int_equal(pages[1], DOOR_PAGE);
    assert_int_equal(pages[2], 1);
    assert_int_equal(after, DOOR_CHANGES_MAX + 1);
}

/* A page of long records ends before the answer's limit. */
static void a_page_has_a_limit_of_bytes(void **state UNUSED)
{
    char name[600] = "";
    for (size_t i = 0; i < 190; i++)
        memcpy(name + 3 * i, "花", 4);
    send_range(1, 1000, name);
    size_t first = read_page(0);
    assert_in_range(call.answer.n, 700 << 10, DOOR_ANSWER_MAX);
    size_t rest = first < 1000 ? read_page((int64_t)first) : 0;
    assert_int_equal(first + rest, 1000);
}

static void what_was_refused_withdrawn_or_lost_has_its_entry(void **state UNUSED)
{
    changes_begin(&call.body);
    changes_add(&call.body, 1, 10, "REFUSE", 0);
    changes_add(&call.body, 2, 10, "西宮　花子", 0); /* behind 1 */
    changes_add(&call.body, 3, 20, "REFUSE", 0);
    changes_add(&call.body, 4, 10, "西宮　花子", 1);
    json_add_raw(&call.body, NULL, STR("{\"number\":5,\"replaces\":2,\"withdrawn\":true}"));
    changes_add(&call.body, 6, 30, "西宮　花子", 0);
    post();
    door_stage_forget(6);
    assert_int_equal(read_page(0), 6);
    const struct json *list = json_get(page, "changes");
    static const struct {
        const char *member;
        int64_t replaces;
        bool codes;
    } want[] = {{"refused", 0, false},  {"refused", 0, false},   {"refused", 0, true},
                {"identity", 1, false}, {"withdrawn", 2, false}, {"gone", 0, false}};
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        const struct json *item = json_at(list, i);
        assert_non_null(json_get(item, want[i].member));
        assert_int_equal(json_int(json_get(item, "replaces")), want[i].replaces);
        assert_int_equal(json_get(item, "resident_codes") != NULL, want[i].codes);
    }
    const struct json *refused = json_get(json_at(list, 2), "refused");
    assert_string_equal(json_cstr(json_get(refused, "error")), "STATE");
    assert_string_equal(json_cstr(json_get(json_at(list, 1), "refused")
                                      ? json_get(json_get(json_at(list, 1), "refused"), "error")
                                      : NULL),
                        "DOOR_BEHIND");
    assert_string_equal(json_cstr(json_at(json_get(json_at(list, 2), "resident_codes"), 0)), "00000000205");
}

static void only_the_register_of_this_cs_reads_them(void **state)
{
    struct door_stage *stage = *state;
    struct door_client *client;
    const char *line;
    struct fail f = {0};
    send_range(1, 1, "西宮　花子");
    const char *const pairs[][2] = {{stage->stranger_key, stage->stranger_certificate},
                                    {stage->forged_key, stage->forged_certificate}};
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        assert_ok(door_client_new(NULL,
                                  &(struct door_client_config){.url = stage->url,
                                                               .area = {STAGE_AREA},
                                                               .tls_key_path = pairs[i][0],
                                                               .tls_certificate_path = pairs[i][1],
                                                               .ca_path = stage->ca},
                                  &client));
        assert_err(
            door_client_call(client, &f, "/v1/changes?after=0", (struct str){NULL, 0}, &call.answer, NULL),
            ERR_DOOR_CERTIFICATE);
        door_client_free(client);
    }
    assert_int_equal(door_stage_given(&line), 0);
}

/* Memory that ends at any allocation of the reading is an error, and the next reading gives all. */
static void memory_that_ends_gives_no_half_page(void **state)
{
    struct door_stage *stage = *state;
    const struct door_route *route;
    struct door_request r;
    struct fail f;
    enum err e = ERR_MEMORY;
    send_range(1, 3, "西宮　花子");
    assert_ok(door_route_find(NULL, STR("GET"), STR("/v1/changes"), &route));
    for (unsigned long n = 1; e && n < 1000; n++) {
        door_request_init(&r);
        f = (struct fail){0};
        memory_fail_at(n);
        e = route->answer(stage->door, &r, &f);
        if (!e)
            e = buf_check(&r.out, &f, "answer");
        memory_fail_at(0);
        if (!e)
            assert_non_null(strstr(r.out.p, "\"number\":3,"));
        else
            assert_int_equal(e, ERR_MEMORY);
        door_request_release(&r);
    }
    assert_ok(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        ROW(nothing_is_given_where_nothing_was_taken),
        ROW(what_was_taken_is_given_as_it_came_and_logged),
        ROW(pages_follow_each_other_without_a_gap),
        ROW(a_page_has_a_limit_of_bytes),
        ROW(what_was_refused_withdrawn_or_lost_has_its_entry),
        ROW(only_the_register_of_this_cs_reads_them),
        ROW(memory_that_ends_gives_no_half_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
