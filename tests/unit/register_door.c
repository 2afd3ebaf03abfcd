/* SPDX-License-Identifier: Apache-2.0 */
/* A register at the door of its CS. */
#include "register/register.h"

#include "register_scene.h"

#include <stdlib.h>

static struct door_stage stage;

static enum err numbers_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    return register_mark_get(tx, f, REGISTER_NUMBERS, arg);
}

static int64_t numbers_heard(struct scene *s)
{
    int64_t cursor = 0;
    assert_ok(db_read(s->db, NULL, numbers_tx, &cursor));
    return cursor;
}

static void changes_go_through_the_door_once_and_in_order(void **state)
{
    struct scene s;
    const int64_t *numbers;
    struct look l;
    struct resident_code code;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    /* Hanako has neither code nor number: the code is drawn, the number comes later */
    scene_load(&s,
               STR(HEADER TARO
                   "r-2,h-1,妻,西宮　花子,,1982-00-00,female,282049,兵庫県西宮市六湛寺町,282049,兵庫県西宮市,"
                   "西宮　太郎,2010-04-01,domestic_move_in,,\n"));
    assert_int_equal(s.result.taken, 2);
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).taken == 2);
    assert_true(scene_status(&s).door_connected);
    assert_int_equal(door_stage_taken(&numbers, NULL), 2);
    scene_change(&s, &l, 2);
    assert_ok(resident_code_parse(NULL, (struct str){strstr(l.body, "resident_code") + 16, 11}, &code));
    door_stage_number(&stage, code, (struct individual_number){454972364860}, 2);
    door_stage_outcome(&stage, 1, 2, 'a', ERR_OK);
    WAIT_FOR(scene_status(&s).applied == 2);
    /* the door goes away while changes are made, and comes back */
    door_stage_restart(&stage);
    for (int i = 0; i < 50; i++) {
        char line[256];
        int64_t number;
        snprintf(line, sizeof line,
                 "{\"event\":\"m%d\",\"reason\":\"move_within\",\"change_date\":\"2026-04-03\",\"record\":"
                 "\"r-1\",\"set\":{\"address\":\"兵庫県西宮市甲子園%d番\"}}",
                 i, i);
        assert_ok(register_enter_event(s.r, NULL, str_of(line), false, &number));
        assert_int_equal(number, 3 + i);
    }
    WAIT_FOR(scene_status(&s).taken == 52);
    assert_int_equal(door_stage_taken(&numbers, NULL), 52);
    for (int64_t i = 0; i < 52; i++)
        assert_int_equal(numbers[i], i + 1);
    /* the number reaches the record: the next change carries it */
    int64_t number;
    WAIT_FOR(numbers_heard(&s) > 0);
    WAIT_FOR(
        register_enter_event(s.r, NULL,
                             STR("{\"event\":\"n\",\"reason\":\"minor_correction\",\"change_date\":\"2026-04-"
                                 "04\",\"record\":\"r-2\",\"set\":{\"address\":\"兵庫県西宮市六湛寺町１\"}}"),
                             false, &number) == ERR_OK);
    assert_non_null(strstr(scene_change(&s, &l, 53), "\"individual_number\":\"454972364860\""));
    assert_ok(register_resend(s.r, NULL, 1, 2));
    scene_close(&s);
    door_stage_close(&stage);
}

struct awaiting {
    struct scene *scene;
    int64_t first, last;
    struct register_outcome outcome;
    atomic_bool begun;
};
enum { LONGER_THAN_ANY_TEST = 3600 };

static void *await_run(void *arg)
{
    struct awaiting *a = arg;
    atomic_store(&a->begun, true);
    assert_ok(register_await(a->scene->r, NULL, a->first, a->last, LONGER_THAN_ANY_TEST, true, &a->outcome));
    return NULL;
}

static void assert_outcome(struct scene *s, int64_t first, int64_t last, struct register_outcome expected)
{
    struct register_outcome o;
    assert_ok(register_await(s->r, NULL, first, last, 0, true, &o));
    assert_memory_equal(&o, &expected, sizeof o);
}

static void outcomes_are_awaited_until_all_are_known_or_the_register_stops(void **state)
{
    struct scene s;
    pthread_t thread;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    assert_outcome(&s, 1, 2, (struct register_outcome){.unknown = 2});
    assert_err(register_await(s.r, NULL, 2, 1, 0, false, &(struct register_outcome){0}), ERR_FIELD_RANGE);
    struct awaiting all = {.scene = &s, .first = 1, .last = 2};
    assert_int_equal(pthread_create(&thread, NULL, await_run, &all), 0);
    WAIT_FOR(scene_status(&s).taken == 2);
    door_stage_outcome(&stage, 1, 1, 'a', ERR_OK);
    WAIT_FOR(scene_status(&s).applied == 1);
    door_stage_outcome(&stage, 2, 2, 'w', ERR_NUMBER_TAKEN);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(all.outcome.applied, 1);
    assert_int_equal(all.outcome.waiting, 1);
    assert_int_equal(all.outcome.unknown, 0);
    door_stage_outcome(&stage, 2, 2, 'r', ERR_NUMBER_TAKEN);
    WAIT_FOR(scene_status(&s).refused == 1);
    assert_outcome(&s, 1, 9, (struct register_outcome){.applied = 1, .refused = 1, .unknown = 7});
    assert_outcome(&s, 2, 2, (struct register_outcome){.refused = 1});
    struct awaiting none = {.scene = &s, .first = 1, .last = 3};
    assert_int_equal(pthread_create(&thread, NULL, await_run, &none), 0);
    WAIT_FOR(atomic_load(&none.begun));
    register_stop(s.r);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(none.outcome.unknown, 1);
    scene_close(&s);
    door_stage_close(&stage);
}

/* A transaction that keeps all others out until it is let go. */
struct holding {
    struct db *db;
    atomic_bool holds, released;
};

static enum err hold_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct holding *h = arg;
    (void)tx;
    (void)f;
    atomic_store(&h->holds, true);
    WAIT_FOR(atomic_load(&h->released));
    return ERR_OK;
}

static void *hold_run(void *arg)
{
    struct holding *h = arg;
    assert_ok(db_transaction(h->db, NULL, hold_tx, h));
    return NULL;
}

static struct register_outcome outcome_of(struct scene *s, int64_t first, int64_t last, int seconds,
                                          bool recorded)
{
    struct register_outcome o;
    assert_ok(register_await(s->r, NULL, first, last, seconds, recorded, &o));
    return o;
}

/* Of a range that is recorded in part, each change counts once. */
static void who_waits_is_told_before_the_outcome_is_recorded(void **state)
{
    struct scene s;
    pthread_t thread;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).taken == 2);
    door_stage_outcome(&stage, 1, 1, 'w', ERR_NUMBER_TAKEN);
    WAIT_FOR(scene_status(&s).waiting == 1);
    struct holding h = {.db = s.db};
    assert_int_equal(pthread_create(&thread, NULL, hold_run, &h), 0);
    WAIT_FOR(atomic_load(&h.holds));
    door_stage_ahead(&stage, 1, 2);
    assert_int_equal(outcome_of(&s, 2, 2, LONGER_THAN_ANY_TEST, false).applied, 1);
    struct register_outcome told = outcome_of(&s, 1, 9, 0, false);
    assert_memory_equal(&told, (&(struct register_outcome){.applied = 2, .unknown = 7}), sizeof told);
    register_tell(s.r); /* of something else */
    assert_int_equal(outcome_of(&s, 2, 2, 0, false).applied, 1);
    assert_outcome(&s, 1, 9, (struct register_outcome){.waiting = 1, .unknown = 8});
    assert_int_equal(scene_status(&s).applied, 0);
    atomic_store(&h.released, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(outcome_of(&s, 2, 2, LONGER_THAN_ANY_TEST, true).applied, 1);
    assert_int_equal(scene_status(&s).applied, 2);
    scene_close(&s);
    door_stage_close(&stage);
}

/* The word counts at once, and the outcome that follows changes nothing. */
static void word_ahead_of_an_outcome_is_taken_for_it(void **state)
{
    struct scene s;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).taken == 2);
    door_stage_ahead(&stage, 2, 2);
    WAIT_FOR(scene_status(&s).applied == 1);
    assert_outcome(&s, 2, 2, (struct register_outcome){.applied = 1});
    door_stage_outcome(&stage, 2, 2, 'a', ERR_OK);
    door_stage_outcome(&stage, 1, 1, 'a', ERR_OK);
    WAIT_FOR(scene_status(&s).applied == 2);
    register_stop(s.r);
    assert_ok(register_start(s.r, NULL));
    door_stage_outcome(&stage, 1, 1, 'r', ERR_NUMBER_TAKEN);
    WAIT_FOR(scene_status(&s).refused == 1);
    assert_int_equal(scene_status(&s).applied, 1);
    scene_close(&s);
    door_stage_close(&stage);
}

static void a_number_change_waits_for_the_number(void **state)
{
    struct scene s;
    struct look l;
    int64_t number, code = 0;
    static const char wish[] = "{\"event\":\"n1\",\"reason\":\"number_change_request\","
                               "\"change_date\":\"2026-06-02\",\"record\":\"r-1\"}";
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER TARO));
    assert_ok(register_enter_event(s.r, NULL, str_of(wish), false, &number));
    assert_int_equal(number, 0);
    assert_err(register_enter_event(s.r, NULL, str_of(wish), false, &number), ERR_EXISTS);
    assert_err(register_enter_event(s.r, NULL,
                                    STR("{\"event\":\"n2\",\"reason\":\"number_correction\",\"change_date\":"
                                        "\"2026-06-02\",\"record\":\"r-1\","
                                        "\"set\":{\"individual_number\":\"454972364860\"}}"),
                                    false, &number),
               ERR_EXISTS); /* nor is one given by hand beside it */
    assert_int_equal(scene_status(&s).awaiting_number, 1);
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(door_stage_requested(&code) == 1);
    assert_int_equal(code, 24727059608);
    door_stage_number(&stage, (struct resident_code){code}, (struct individual_number){454972364860}, 0);
    WAIT_FOR(scene_status(&s).taken == 2);
    assert_non_null(strstr(scene_change(&s, &l, 2), "\"individual_number\":\"454972364860\""));
    assert_non_null(strstr(l.body, "\"old_individual_number\":\"379474484458\""));
    assert_int_equal(scene_status(&s).awaiting_number, 0);
    scene_close(&s);
    door_stage_close(&stage);
}

static void a_number_for_a_closed_record_changes_nothing_and_is_told(void **state)
{
    struct scene s;
    int64_t number;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER TARO));
    scene_apply(
        &s, "{\"event\":\"n1\",\"reason\":\"number_correction\",\"change_date\":\"2026-06-02\",\"record\":"
            "\"r-1\"}\n"
            "{\"event\":\"n2\",\"reason\":\"death\",\"change_date\":\"2026-06-03\",\"record\":\"r-1\"}\n");
    assert_int_equal(s.refusals, 0);
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(door_stage_requested(&number) == 1);
    door_stage_number(&stage, (struct resident_code){24727059608}, (struct individual_number){454972364860},
                      0);
    WAIT_FOR(scene_status(&s).awaiting_number == 0);
    assert_int_equal(scene_status(&s).changes, 2);
    assert_int_equal(scene_status(&s).removed, 1);
    struct seen_problem p = scene_problems(&s);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.last.change, 0);
    assert_int_equal(p.last.state, 'r');
    assert_int_equal(p.last.error, ERR_STATE);
    assert_string_equal(p.last.field, "reason");
    assert_string_equal(p.last.record, "r-1");
    /* the removal is cancelled and the wish made again: it stands in the place of the old */
    scene_apply(
        &s, "{\"event\":\"n3\",\"reason\":\"cancelled_removal\",\"change_date\":\"2026-06-04\",\"record\":"
            "\"r-1\",\"cancels\":\"n2\"}\n"
            "{\"event\":\"n4\",\"reason\":\"number_correction\",\"change_date\":\"2026-06-04\",\"record\":"
            "\"r-1\"}\n");
    assert_int_equal(s.refusals, 0);
    assert_int_equal(scene_problems(&s).count, 0);
    scene_close(&s);
    door_stage_close(&stage);
}

static void a_refused_change_is_listed_and_replaced(void **state)
{
    struct scene s;
    struct register_outcome outcome;
    const int64_t *numbers;
    struct seen_problem p;
    int64_t number;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    scene_load(&s,
               STR(HEADER
                   "r-1,h-1,世帯主,REFUSE,,1980-01-02,male,282049,兵庫県西宮市六湛寺町,282049,兵庫県西宮市,"
                   "西宮　太郎,2010-04-01,domestic_move_in,24727059608,379474484458\n"));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).refused == 1);
    p = scene_problems(&s);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.last.change, 1);
    assert_int_equal(p.last.error, ERR_STATE);
    assert_string_equal(p.last.record, "r-1");
    assert_err(register_replace(s.r, NULL, 5, false, &number), ERR_STATE);
    /* the name is put right in the register; told is what stands there now, in the place of what was refused
     */
    assert_ok(
        register_enter_event(s.r, NULL,
                             STR("{\"event\":\"n\",\"reason\":\"clerical_correction\",\"change_date\":\"2026-"
                                 "04-04\",\"record\":\"r-1\",\"set\":{\"name\":\"西宮　太郎\"}}"),
                             false, &number));
    WAIT_FOR(scene_status(&s).refused == 2); /* BEHIND */
    assert_ok(register_replace(s.r, NULL, 1, false, &number));
    assert_int_equal(number, 3);
    assert_ok(register_replace(s.r, NULL, 2, true, &number));
    assert_ok(register_await(s.r, NULL, 4, 4, 60, true, &outcome)); /* taken, a withdrawal is done */
    assert_int_equal(outcome.replaced, 1);
    assert_int_equal(scene_status(&s).taken, 4);
    assert_int_equal(scene_status(&s).refused, 0);
    assert_int_equal(door_stage_taken(&numbers, NULL), 1);
    assert_int_equal(numbers[0], 3);
    scene_close(&s);
    door_stage_close(&stage);
}

/* Another feeds the same door: what is ours under numbers it used is never sent, nor marked as sent. */
static void a_door_fed_by_another_stops_the_register(void **state)
{
    struct scene s, other;
    const int64_t *numbers;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&other, &stage);
    scene_load(&other, STR(HEADER TARO HANAKO));
    assert_ok(register_start(other.r, NULL));
    WAIT_FOR(scene_status(&other).taken == 2);
    scene_close(&other);
    char command[256];
    snprintf(command, sizeof command, "rm -f %s/register.db*", stage.folder);
    assert_int_equal(system(command), 0);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER HANAKO TARO
                       "r-9,h-9,世帯主,灘　四郎,,1970-12-01,male,282049,兵庫県西宮市甲子園,282049,"
                       "兵庫県,灘　四郎,2011-01-01,birth,25208017643,\n"));
    assert_int_equal(s.result.taken, 3);
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).trouble.err);
    assert_string_equal(scene_status(&s).trouble.field, "number");
    assert_int_equal(scene_status(&s).taken, 0);
    assert_int_equal(scene_status(&s).refused, 0);
    register_stop(s.r); /* ends though the sender waits for a person */
    assert_int_equal(door_stage_taken(&numbers, NULL), 2);
    scene_close(&s);
    door_stage_close(&stage);
}

/* The CS took a batch and the answer was lost: its verdicts come with the next. */
static enum err forget_taken(struct db_tx *tx, struct fail *f, void *arg)
{
    (void)arg;
    return register_mark_set(tx, f, REGISTER_TAKEN, 0);
}
static void a_lost_answer_is_asked_for_again(void **state)
{
    struct scene s;
    const int64_t *numbers;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).taken == 2);
    register_stop(s.r);
    assert_ok(db_transaction(s.db, NULL, forget_taken, NULL));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).taken == 2);
    assert_int_equal(door_stage_taken(&numbers, NULL), 2);
    assert_false(scene_status(&s).trouble.err);
    scene_close(&s);
    door_stage_close(&stage);
}

static void an_old_copy_of_the_register_sends_nothing(void **state)
{
    struct scene s;
    char command[256];
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).taken == 2);
    scene_close(&s);
    snprintf(command, sizeof command, "rm -f %s/register.db*", stage.folder);
    assert_int_equal(system(command), 0);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER TARO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).trouble.err);
    assert_int_equal(scene_status(&s).taken, 0);
    scene_close(&s);
    door_stage_close(&stage);
}

/* Two from one copy: this one is level at first, and learns of the other by an outcome that is not its own.
 */
static void a_twin_of_the_register_stops_when_the_other_goes_on(void **state)
{
    struct scene s;
    struct door_client *client;
    struct buf answer;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    door_stage_outcome(&stage, 1, 2, 'a', ERR_OK);
    WAIT_FOR(scene_status(&s).applied == 2);
    assert_false(scene_status(&s).trouble.err);
    client = door_stage_client(&stage);
    buf_init(&answer, DOOR_ANSWER_BYTES);
    assert_ok(door_client_call(client, NULL, "/v1/changes",
                               STR("{\"changes\":[{\"number\":3,\"replaces\":2,\"withdrawn\":true}]}"),
                               &answer, NULL));
    door_stage_outcome(&stage, 3, 3, 'a', ERR_OK);
    WAIT_FOR(scene_status(&s).trouble.err);
    assert_int_equal(scene_status(&s).trouble.err, ERR_REGISTER_OLD);
    buf_release(&answer);
    door_client_free(client);
    scene_close(&s);
    door_stage_close(&stage);
}

static int64_t taken_at(const struct door_stage *at)
{
    struct door_client *client = door_stage_client(at);
    struct buf answer;
    struct json *tree;
    buf_init(&answer, DOOR_ANSWER_BYTES);
    assert_ok(door_client_call(client, NULL, "/v1/status", (struct str){NULL, 0}, &answer, NULL));
    assert_ok(json_read(NULL, buf_str(&answer), &tree));
    int64_t taken = json_int(json_get(tree, "changes"));
    json_free(tree);
    buf_release(&answer);
    door_client_free(client);
    return taken;
}

/* Another CS answers for a moment while the feeds pause, so that no call of theirs is broken off by its end.
 */
static void what_another_cs_took_goes_to_the_one_that_is_back(void **state)
{
    struct scene s;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER TARO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).taken == 1 && door_level(s.r) && door_doubts(s.r) >= 2);
    door_stage_restart_on(&stage, "another.db");
    scene_load(&s, STR(HEADER HANAKO));
    WAIT_FOR(scene_status(&s).taken == 2 && taken_at(&stage) == 2);
    door_stage_restart(&stage);
    assert_int_equal(taken_at(&stage), 1);
    WAIT_FOR(taken_at(&stage) == 2);
    scene_close(&s);
    door_stage_close(&stage);
}

/* A feed that cannot be taken is asked for again after a pause, which nothing cuts short: not the sender, who
 * asks the CS how far it is because of each failure, nor what is queued meanwhile. */
static void a_feed_that_fails_is_left_alone_for_a_while(void **state)
{
    enum {
        FEEDS = 3,
        FAILURES = 3,
        PAUSES = FAILURES - 1,
        PAUSE_MICROS = 1000000
    }; /* a new line is a doubt too */
    struct scene s;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    scene_load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).taken == 2 && door_level(s.r) && door_doubts(s.r) >= FEEDS);
    uint64_t before = door_doubts(s.r);
    int64_t start = clock_steady();
    door_stage_outcome(&stage, 1, 1, 'x', ERR_OK); /* a state that nobody knows */
    WAIT_FOR(door_doubts(s.r) >= before + FAILURES);
    assert_true(clock_steady() - start >= PAUSES * (int64_t)PAUSE_MICROS);
    assert_int_equal(scene_status(&s).applied, 0);
    scene_close(&s);
    door_stage_close(&stage);
}

static void a_thread_without_memory_for_its_client_makes_it_later(void **state)
{
    struct scene s;
    (void)state;
    for (unsigned long n = 1; n <= 3; n++) {
        door_stage_open(&stage, false);
        scene_open_linked(&s, &stage);
        scene_load(&s, STR(HEADER TARO HANAKO));
        unsigned long before = memory_failures();
        memory_fail_at(n);
        assert_ok(register_start(s.r, NULL));
        WAIT_FOR(memory_failures() > before);
        WAIT_FOR(scene_status(&s).taken == 2);
        door_stage_outcome(&stage, 1, 2, 'a', ERR_OK);
        WAIT_FOR(scene_status(&s).applied == 2);
        door_stage_number(&stage, (struct resident_code){24727059608},
                          (struct individual_number){379474484458}, 1);
        WAIT_FOR(numbers_heard(&s) == 1);
        scene_close(&s);
        door_stage_close(&stage);
    }
}

static void a_register_that_cannot_call_its_cs_says_why(void **state)
{
    struct scene s;
    (void)state;
    door_stage_open(&stage, false);
    snprintf(stage.url, sizeof stage.url, "http://127.0.0.1:1");
    scene_open_linked(&s, &stage);
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).trouble.err == ERR_CONFIG);
    assert_false(scene_status(&s).door_connected);
    scene_close(&s);
    door_stage_close(&stage);
}

static void *draw_run(void *arg)
{
    struct scene *s = arg;
    return register_draw(s->r, NULL, 1, 1) ? arg : NULL;
}

/* The CS is given time to get codes from the agency, however much comes and goes at the register meanwhile.
 */
static void a_draw_waits_for_codes_whatever_wakes_the_register(void **state)
{
    enum { WAKINGS = 400 };
    struct scene s;
    pthread_t thread;
    void *failed;
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    door_stage_stock_empty(true);
    assert_int_equal(pthread_create(&thread, NULL, draw_run, &s), 0);
    for (int i = 0; i < WAKINGS; i++) {
        door_sender_wake(s.r);
        usleep(5000);
    }
    door_stage_stock_empty(false);
    pthread_join(thread, &failed);
    assert_null(failed);
    scene_close(&s);
    door_stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_go_through_the_door_once_and_in_order),
        cmocka_unit_test(outcomes_are_awaited_until_all_are_known_or_the_register_stops),
        cmocka_unit_test(who_waits_is_told_before_the_outcome_is_recorded),
        cmocka_unit_test(word_ahead_of_an_outcome_is_taken_for_it),
        cmocka_unit_test(a_number_change_waits_for_the_number),
        cmocka_unit_test(a_number_for_a_closed_record_changes_nothing_and_is_told),
        cmocka_unit_test(a_refused_change_is_listed_and_replaced),
        cmocka_unit_test(an_old_copy_of_the_register_sends_nothing),
        cmocka_unit_test(a_door_fed_by_another_stops_the_register),
        cmocka_unit_test(a_twin_of_the_register_stops_when_the_other_goes_on),
        cmocka_unit_test(a_lost_answer_is_asked_for_again),
        cmocka_unit_test(what_another_cs_took_goes_to_the_one_that_is_back),
        cmocka_unit_test(a_feed_that_fails_is_left_alone_for_a_while),
        cmocka_unit_test(a_thread_without_memory_for_its_client_makes_it_later),
        cmocka_unit_test(a_register_that_cannot_call_its_cs_says_why),
        cmocka_unit_test(a_draw_waits_for_codes_whatever_wakes_the_register),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_clean);
}
