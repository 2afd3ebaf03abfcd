/* SPDX-License-Identifier: Apache-2.0 */
#include "command/control_client.h"

#include "program/control.h"
#include "test.h"

#include <unistd.h>

/* A server as the daemons have it, with verbs that do what a test needs. */
static enum err verb_count(void *self, struct control_call *call, struct fail *f)
{
    int64_t to = 0;
    (void)self;
    enum err e = json_member_int(f, call->question, "to", 0, 1000, &to);
    for (int64_t i = 1; i <= to && !e; i++)
        control_progress(call, i, to);
    json_add_int(&call->answer, "counted", to);
    return e;
}

static enum err verb_refuse(void *self, struct control_call *call, struct fail *f)
{
    (void)self;
    (void)call;
    return fail_set(f, ERR_STATE, "door", "it is shut");
}

enum { ROW_FIRST = 1000000000 }; /* wide rows, as real answers have */

static enum err verb_long(void *self, struct control_call *call, struct fail *f)
{
    (void)self;
    (void)f;
    json_begin(&call->answer, "rows", '[');
    for (int i = 0; i < 20000; i++)
        json_add_int(&call->answer, NULL, ROW_FIRST + i);
    json_end(&call->answer, ']');
    return ERR_OK;
}

static enum err verb_sleep(void *self, struct control_call *call, struct fail *f)
{
    (void)call;
    (void)f;
    char byte;
    return read(*(int *)self, &byte, 1) < 0 ? ERR_IO : ERR_OK; /* until the test lets it go */
}

static const struct control_verb verbs[] = {{"count", "", verb_count},
                                            {"refuse", "", verb_refuse},
                                            {"long", "", verb_long},
                                            {"sleep", "", verb_sleep}};
static char folder[64], path[96];
static int gate[2];
static struct control *control;

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/juki-control-XXXXXX");
    if (!mkdtemp(folder) || pipe(gate) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/sock", folder);
    return control_start(NULL, path, verbs, COUNT_OF(verbs), &gate[0], &control) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(gate[1]);
    control_stop(control);
    close(gate[0]);
    return rmdir(folder);
}

struct seen {
    int64_t calls, done, total;
};

static void note(void *arg, int64_t done, int64_t total)
{
    struct seen *s = arg;
    assert_true(done > s->done); /* in order */
    *s = (struct seen){s->calls + 1, done, total};
}

static void progress_comes_before_the_answer(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct json *answer = NULL;
    const struct control_question q = {path, STR("{\"do\":\"count\",\"to\":300}"), CONTROL_QUICK, note,
                                       &seen};
    assert_ok(control_ask(NULL, &q, &answer));
    assert_int_equal(seen.calls, 300);
    assert_int_equal(seen.total, 300);
    assert_int_equal(json_int(json_get(answer, "counted")), 300);
    json_free(answer);
}

static void a_long_answer_is_put_together(void **state)
{
    (void)state;
    struct json *answer = NULL;
    const struct control_question q = {path, STR("{\"do\":\"long\"}"), CONTROL_QUICK, NULL, NULL};
    assert_ok(control_ask(NULL, &q, &answer));
    const struct json *rows = json_get(answer, "rows");
    assert_int_equal(json_count(rows), 20000);
    assert_int_equal(json_int(json_at(rows, 19999)), ROW_FIRST + 19999);
    json_free(answer);
}

static void a_refusal_keeps_the_servers_words(void **state)
{
    (void)state;
    struct fail f = {0};
    struct json *answer = NULL;
    const struct control_question q = {path, STR("{\"do\":\"refuse\"}"), CONTROL_QUICK, NULL, NULL};
    assert_err(control_ask(&f, &q, &answer), ERR_CONTROL_REFUSED);
    assert_non_null(strstr(f.detail, "it is shut"));
    assert_null(answer);
    const struct control_question unknown = {path, STR("{\"do\":\"fly\"}"), CONTROL_QUICK, NULL, NULL};
    assert_err(control_ask(&f, &unknown, &answer), ERR_CONTROL_REFUSED);
}

static void silence_ends_in_time(void **state)
{
    (void)state;
    struct json *answer = NULL;
    const struct control_question q = {path, STR("{\"do\":\"sleep\"}"), 20, NULL, NULL};
    assert_err(control_ask(NULL, &q, &answer), ERR_TIMEOUT);
}

static void nobody_there_is_said(void **state)
{
    (void)state;
    struct json *answer = NULL;
    const struct control_question q = {"/tmp/juki-control-none/sock", STR("{}"), CONTROL_QUICK, NULL, NULL};
    assert_err(control_ask(NULL, &q, &answer), ERR_CONTROL_DOWN);
    assert_int_equal(control_pid(q.socket), 0);
    assert_int_equal(control_pid(path), getpid());
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(progress_comes_before_the_answer),
        TEST(a_long_answer_is_put_together),
        TEST(a_refusal_keeps_the_servers_words),
        TEST(silence_ends_in_time),
        TEST(nobody_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
