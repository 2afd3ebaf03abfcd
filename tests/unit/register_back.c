/* SPDX-License-Identifier: Apache-2.0 */
/* A register that is restored from an old backup takes back what its CS has taken since; what is given again
 * is known. */
#include "register/register.h"

#include "register/register_sql.h"
#include "register_scene.h"

#include <stdlib.h>

static struct door_stage stage;
static struct scene s;

static int setup(void **state)
{
    (void)state;
    door_stage_open(&stage, false);
    scene_open_linked(&s, &stage);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scene_close(&s);
    door_stage_close(&stage);
    return 0;
}

static void run(const char *words)
{
    char command[256];

    snprintf(command, sizeof command, "cd %s && %s", stage.folder, words);
    assert_int_equal(system(command), 0);
}

static void send_all(void)
{
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).taken == scene_status(&s).changes);
    register_stop(s.r);
}

/* The register is stopped and copied; it goes on, not knowing that it will be lost. */
static void back_up(void)
{
    send_all();
    scene_close(&s);
    run("cp register.db backup");
    scene_open_linked(&s, &stage);
}

static void restore_marked(bool marked)
{
    scene_close(&s);
    run("rm -f register.db* && cp backup register.db");
    scene_open_linked(&s, &stage);
    if (marked)
        assert_ok(register_restored(NULL, s.db));
}

static void restore(void)
{
    restore_marked(true);
}

static void take_back(void)
{
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).to_take_back == 0);
    assert_int_equal(scene_status(&s).trouble.err, ERR_OK);
}

struct digest {
    int64_t current, leaving, removed;
    uint8_t bytes[32];
};
static void note_digest(void *arg, struct area_code area, int64_t current, int64_t leaving, int64_t removed,
                        const uint8_t digest[static 32])
{
    struct digest *d = arg;

    (void)area;
    *d = (struct digest){current, leaving, removed, {0}};
    memcpy(d->bytes, digest, 32);
}
static struct digest census(void)
{
    struct digest d = {0};
    assert_ok(register_census(s.r, NULL, note_digest, &d));
    return d;
}

/* "change what record reason" of each that lacks something. */
static void note_lacking(void *arg, const struct register_lacking *l)
{
    char *text = arg;
    size_t n = strlen(text);

    assert_true(l->since > 0);
    snprintf(text + n, 512 - n, "%lld %c %.*s %s;", (long long)l->change, "orcw"[l->what],
             strncmp(l->record, "restored-", 9) ? (int)strlen(l->record) : 10, l->record,
             l->reason ? change_row(l->reason)->name : "");
}
static const char *lacking(void)
{
    static char text[512];
    text[0] = 0;
    assert_ok(register_lacking(s.r, NULL, note_lacking, text));
    return text;
}

/* The newest version of a record, by its name. */
struct newest {
    const char *record;
    struct arena arena;
    struct resident_version v;
};
static enum err read_newest(struct db_tx *tx, struct fail *f, void *arg)
{
    struct newest *n = arg;
    int64_t person;
    enum err e = register_find_int(tx, f, &sql_register_record_find, db_text(str_of(n->record)), &person);

    return e ? e : resident_version_latest(tx, f, person, &n->arena, &n->v);
}
static struct newest *newest(const char *record)
{
    static struct newest n;
    arena_release(&n.arena);
    arena_init(&n.arena, 1 << 20);
    n.record = record;
    assert_ok(db_read(s.db, NULL, read_newest, &n));
    return &n;
}
static int forget_newest(void **state)
{
    arena_release(&newest("r-1")->arena);
    return teardown(state);
}

static void assert_taken_once(int64_t count)
{
    const int64_t *numbers;

    assert_int_equal(door_stage_taken(&numbers, NULL), count);
    for (int64_t i = 0; i < count; i++)
        assert_int_equal(numbers[i], i + 1);
}

#define JIRO                                                                                                                          \
    "r-3,h-3,世帯主,灘　次郎,ナダ　ジロウ,1970-12-01,male,282049,兵庫県西宮市甲子園,282049,兵庫県西宮市," \
    "灘　次郎,2011-01-01,birth,,\n"
/* What happened after the backup: of somebody in it, and of people that are not. */
#define HOUR                                                                                                 \
    "{\"event\":\"e1\",\"reason\":\"move_within\",\"change_date\":\"2026-04-03\",\"record\":\"r-1\","        \
    "\"notified_on\":\"2026-04-04\",\"set\":{\"address\":\"兵庫県西宮市甲子園口1丁目\","         \
    "\"household_number\":\"h-7\",\"town\":\"甲子園口\"}}\n"                                             \
    "{\"event\":\"e2\",\"reason\":\"householder_change\",\"change_date\":\"2026-04-04\",\"record\":\"r-2\"," \
    "\"set\":{\"relationship\":\"世帯主\"}}\n"                                                            \
    "{\"event\":\"e3\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-01\","                   \
    "\"record\":\"r-1\",\"set\":{\"resident_code\":\"25208017643\"}}\n"                                      \
    "{\"event\":\"e4\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-06-05\",\"planned\":true,"    \
    "\"record\":\"r-2\",\"moved_to_area_code\":\"282065\",\"moved_to_address\":\"兵庫県芦屋市\"}\n"    \
    "{\"event\":\"e5\",\"reason\":\"cancelled_removal\",\"change_date\":\"2026-06-07\",\"record\":\"r-2\","  \
    "\"cancels\":\"e4\"}\n"                                                                                  \
    "{\"event\":\"e6\",\"reason\":\"clerical_correction\",\"change_date\":\"2026-06-08\",\"record\":\"r-"    \
    "3\","                                                                                                   \
    "\"set\":{\"name\":\"灘　二郎\",\"honseki\":\"兵庫県西宮市甲子園\"}}\n"

static void live_an_hour(void)
{
    scene_load(&s, STR(HEADER HANAKO JIRO));
    assert_int_equal(s.refusals, 0);
    scene_apply(&s, HOUR);
    assert_int_equal(s.refusals, 0);
}

static void what_the_cs_took_is_taken_back(void **state)
{
    int64_t number;
    (void)state;
    scene_load(&s, STR(HEADER TARO));
    back_up();
    assert_ok(register_start(s.r, NULL)); /* Jiro's code is drawn */
    live_an_hour();
    register_stop(s.r);
    send_all();
    struct digest before = census();
    int64_t changes = scene_status(&s).changes;
    assert_int_equal(changes, 8);
    restore();
    assert_int_equal(scene_status(&s).to_take_back, -1);
    take_back();
    struct digest after = census();
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(scene_status(&s).changes, changes);
    assert_int_equal(scene_status(&s).taken, changes);
    assert_string_equal(lacking(), "2 r restored-2 move_in;3 r restored-3 birth;4 o r-1 move_within;"
                                   "5 o r-1 code_change_request;6 o restored-2 move_out;"
                                   "7 o restored-2 ex_officio_entry;8 o restored-3 ex_officio_amendment;");
    assert_int_equal(scene_status(&s).lacking, 7);
    assert_string_equal(newest("r-1")->v.row.household_number.p, "h-1"); /* as it was in the backup */
    /* and it goes on, under the next number */
    assert_ok(register_enter_event(
        s.r, NULL,
        STR("{\"event\":\"e9\",\"reason\":\"death\",\"change_date\":\"2026-06-20\",\"record\":\"r-1\"}"),
        false, &number));
    assert_int_equal(number, changes + 1);
    WAIT_FOR(scene_status(&s).taken == number);
    assert_taken_once(number);
    assert_ok(register_lacking_seen(s.r, NULL, &number));
    assert_int_equal(number, 7);
    assert_string_equal(lacking(), "");
}

static void what_is_given_again_is_known_and_filled_in(void **state)
{
    (void)state;
    scene_load(&s, STR(HEADER TARO));
    back_up();
    assert_ok(register_start(s.r, NULL));
    live_an_hour();
    register_stop(s.r);
    send_all();
    struct digest before = census();
    restore();
    take_back();
    for (int again = 0; again < 2; again++) { /* the second time all of it exists */
        scene_load(&s, STR(HEADER TARO HANAKO JIRO));
        assert_int_equal(s.result.taken, again ? 0 : 2);
        scene_apply(&s, HOUR);
        assert_int_equal(s.refusals, again ? 6 : 0);
        assert_int_equal(s.result.last_change, 0);
    }
    assert_string_equal(lacking(), "");
    assert_int_equal(scene_status(&s).changes, 8);
    struct digest after = census();
    assert_memory_equal(&before, &after, sizeof before);
    struct newest *n = newest("r-1"); /* its code was changed above the move */
    assert_str(n->v.row.household_number, "h-7");
    assert_str(n->v.row.town, "甲子園口");
    assert_str(n->v.event, "e3");
    n = newest("r-3");
    assert_str(n->v.row.record, "r-3");
    assert_str(n->v.row.household_number, "h-3");
    assert_str(n->v.row.relationship, "世帯主");
    assert_str(n->v.row.honseki, "兵庫県西宮市甲子園");
    assert_int_equal(n->v.reason, MUNICIPAL_CLERICAL_CORRECTION);
    n = newest("r-2");
    assert_str(n->v.row.relationship, "世帯主");
    assert_int_equal(n->v.reason, MUNICIPAL_HOUSEHOLDER_CHANGE); /* never went to the CS: it is new here */
    register_stop(s.r);
    assert_taken_once(8);
}

/* Alike in all but one value is another change. */
static void what_differs_is_another_change(void **state)
{
    (void)state;
    scene_load(&s, STR(HEADER TARO));
    back_up();
    scene_apply(
        &s, "{\"event\":\"e1\",\"reason\":\"move_within\",\"change_date\":\"2026-04-03\",\"record\":\"r-1\","
            "\"set\":{\"address\":\"兵庫県西宮市甲子園口1丁目\"}}\n");
    send_all();
    restore();
    take_back();
    scene_apply(
        &s, "{\"event\":\"f1\",\"reason\":\"move_within\",\"change_date\":\"2026-04-04\",\"record\":\"r-1\","
            "\"set\":{\"address\":\"兵庫県西宮市甲子園口1丁目\"}}\n"
            "{\"event\":\"f2\",\"reason\":\"move_within\",\"change_date\":\"2026-04-03\",\"record\":\"r-1\","
            "\"set\":{\"address\":\"兵庫県西宮市甲子園口2丁目\"}}\n");
    assert_int_equal(s.result.first_change, 3);
    assert_int_equal(s.result.last_change, 4);
    assert_string_equal(lacking(), "2 o r-1 move_within;");
}

/* Told under the wrong code in between; the right one stands above it, and the wrong one is somebody else's.
 */
static void a_code_that_was_corrected_is_free_again(void **state)
{
    (void)state;
    scene_load(&s, STR(HEADER TARO));
    back_up();
    scene_apply(
        &s, "{\"event\":\"e1\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-01\","
            "\"record\":\"r-1\",\"set\":{\"resident_code\":\"24846016224\"}}\n"
            "{\"event\":\"e2\",\"reason\":\"move_within\",\"change_date\":\"2026-06-02\",\"record\":\"r-1\","
            "\"set\":{\"address\":\"兵庫県西宮市甲子園口1丁目\"}}\n"
            "{\"event\":\"e3\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-01\","
            "\"corrects\":\"e1\",\"record\":\"r-1\",\"set\":{\"resident_code\":\"25208017643\"}}\n");
    assert_int_equal(s.refusals, 0);
    send_all();
    struct digest before = census();
    restore();
    take_back();
    struct digest after = census();
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(newest("r-1")->v.row.identity.resident_code.value, 25208017643);
    scene_load(&s, STR(HEADER HANAKO)); /* whose the wrong one is */
    assert_int_equal(s.refusals, 0);
    WAIT_FOR(scene_status(&s).taken == 5);
    assert_taken_once(5);
}

static void nothing_is_taken_in_before_all_is_back(void **state)
{
    int64_t number;
    (void)state;
    scene_load(&s, STR(HEADER TARO));
    back_up();
    restore();
    struct str death =
        STR("{\"event\":\"e\",\"reason\":\"death\",\"change_date\":\"2026-06-20\",\"record\":\"r-1\"}");
    assert_err(register_enter_event(s.r, NULL, death, false, &number), ERR_REGISTER_BEHIND);
    assert_err(register_enter_event(s.r, NULL, death, true, &number), ERR_REGISTER_BEHIND);
    take_back(); /* the backup lacks nothing */
    assert_ok(register_enter_event(s.r, NULL, death, false, &number));
    assert_int_equal(number, 2);
    WAIT_FOR(scene_status(&s).taken == 2);
    assert_taken_once(2);
}

/* What the backup has in its queue was sent by the lost one: it goes again, then the rest comes back. */
static void a_queue_in_the_backup_is_settled_first(void **state)
{
    (void)state;
    scene_load(&s, STR(HEADER TARO HANAKO));
    scene_close(&s);
    run("cp register.db backup");
    scene_open_linked(&s, &stage);
    scene_apply(&s, HOUR); /* but for Jiro's */
    send_all();
    struct digest before = census();
    restore();
    take_back();
    struct digest after = census();
    assert_memory_equal(&before, &after, sizeof before);
    register_stop(s.r);
    assert_taken_once(scene_status(&s).changes);
}

static void an_old_copy_that_nobody_restored_stays_silent(void **state)
{
    (void)state;
    scene_load(&s, STR(HEADER TARO));
    back_up();
    scene_load(&s, STR(HEADER HANAKO));
    send_all();
    restore_marked(false);
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(scene_status(&s).trouble.err);
    assert_int_equal(scene_status(&s).trouble.err, ERR_REGISTER_OLD);
    assert_int_equal(scene_status(&s).changes, 1);
}

/* Refused, replaced, withdrawn and forgotten changes keep their numbers. */
static void what_cannot_come_back_is_listed(void **state)
{
    (void)state;
    int64_t number;
    scene_load(&s, STR(HEADER TARO HANAKO));
    back_up();
    scene_apply(
        &s, "{\"event\":\"e1\",\"reason\":\"clerical_correction\",\"change_date\":\"2026-06-08\",\"record\":"
            "\"r-1\",\"set\":{\"name\":\"REFUSE\"}}\n"
            "{\"event\":\"e2\",\"reason\":\"clerical_correction\",\"change_date\":\"2026-06-08\",\"record\":"
            "\"r-2\",\"set\":{\"name\":\"REFUSE\"}}\n");
    send_all();
    assert_int_equal(scene_status(&s).refused, 2);
    assert_ok(register_replace(s.r, NULL, 4, true, &number)); /* 5 withdraws 4 */
    scene_apply(
        &s, "{\"event\":\"e3\",\"reason\":\"clerical_correction\",\"change_date\":\"2026-06-09\",\"record\":"
            "\"r-2\",\"set\":{\"name\":\"西宮　華子\"}}\n");
    send_all();
    door_stage_forget(6);
    restore();
    take_back();
    assert_int_equal(scene_status(&s).changes, 6);
    assert_int_equal(scene_status(&s).refused, 1);
    assert_string_equal(lacking(), "3 c r-1 ;6 c  ;");
    struct seen_problem p = scene_problems(&s);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.last.change, 3);
    assert_err(register_replace(s.r, NULL, 3, false, &number), ERR_NOT_FOUND); /* nobody knows what it said */
    assert_ok(register_replace(s.r, NULL, 3, true, &number));
    assert_int_equal(number, 7);
    WAIT_FOR(scene_status(&s).taken == 7);
    assert_int_equal(scene_status(&s).refused, 0);
    assert_string_equal(lacking(), "6 c  ;");
    for (int64_t withdrawal = 5; withdrawal <= 7; withdrawal += 2) {
        struct register_outcome o;
        assert_ok(register_await(s.r, NULL, withdrawal, withdrawal, 0, true, &o));
        assert_int_equal(o.replaced, 1);
    }
}

/* What the door refused counted as told here, and not there. */
static void what_follows_a_refused_change_comes_back_too(void **state)
{
    (void)state;
    int64_t number;
    scene_load(&s, STR(HEADER TARO));
    scene_apply(
        &s, "{\"event\":\"e1\",\"reason\":\"clerical_correction\",\"change_date\":\"2026-06-08\",\"record\":"
            "\"r-1\",\"set\":{\"name\":\"REFUSE\"}}\n");
    send_all();
    assert_ok(register_replace(s.r, NULL, 2, true, &number));
    back_up();
    scene_apply(
        &s, "{\"event\":\"e2\",\"reason\":\"clerical_correction\",\"change_date\":\"2026-06-09\",\"record\":"
            "\"r-1\",\"set\":{\"name\":\"西宮　太朗\"}}\n");
    send_all();
    restore();
    take_back();
    assert_str(newest("r-1")->v.row.identity.name.name, "西宮　太朗");
    assert_int_equal(newest("r-1")->v.sent, 2);
    assert_string_equal(lacking(), "4 o r-1 ex_officio_amendment;");
}

#define WISH                                                                                                 \
    "{\"event\":\"n1\",\"reason\":\"number_change_request\",\"change_date\":\"2026-06-02\",\"record\":\"r-"  \
    "1\"}\n"
static int64_t wait_for_request(void)
{
    int64_t code;
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(door_stage_requested(&code) == 1);
    return code;
}
static void number_comes(int64_t code)
{
    door_stage_number(&stage, (struct resident_code){code}, (struct individual_number){454972364860}, 0);
}

static void a_number_whose_wish_was_lost_waits_for_it(void **state)
{
    int64_t code;
    (void)state;
    scene_load(&s, STR(HEADER TARO));
    back_up();
    scene_apply(&s, WISH);
    code = wait_for_request();
    register_stop(s.r);
    restore();
    number_comes(code);
    take_back();
    WAIT_FOR(scene_status(&s).lacking == 1);
    assert_string_equal(lacking(), "0 w r-1 ;");
    scene_apply(&s, WISH); /* the CS is not asked again: it would not answer one name twice */
    assert_int_equal(s.refusals, 0);
    assert_int_equal(s.result.last_change, 2);
    assert_string_equal(lacking(), "");
    assert_int_equal(scene_status(&s).awaiting_number, 0);
    assert_int_equal(newest("r-1")->v.row.identity.individual_number.value, 454972364860);
}

/* A wish that the backup still has was fulfilled after it: the number, which comes again, changes nothing. */
static void a_wish_that_was_fulfilled_is_not_fulfilled_again(void **state)
{
    (void)state;
    scene_load(&s, STR(HEADER TARO));
    send_all();
    scene_apply(&s, WISH);
    back_up();
    number_comes(wait_for_request());
    WAIT_FOR(scene_status(&s).taken == 2);
    restore();
    assert_int_equal(scene_status(&s).awaiting_number, 1);
    take_back();
    door_stage_outcome(&stage, 2, 2, 'a', ERR_OK);
    WAIT_FOR(scene_status(&s).applied == 1);
    assert_int_equal(scene_status(&s).awaiting_number, 0);
    assert_int_equal(scene_status(&s).changes, 2);
    assert_string_equal(lacking(), ""); /* the wish says all of it */
    assert_str(newest("r-1")->v.event, "n1");
    scene_apply(&s, WISH);
    assert_int_equal(s.errors[0], ERR_EXISTS);
}

/* ---- pages ---- */

enum { MANY = 1500 };

static void load_many(void)
{
    struct buf csv;
    char code[RESIDENT_CODE_TEXT_SIZE], line[512];

    buf_init(&csv, 1 << 20);
    buf_add_str(&csv, STR(HEADER));
    for (int i = 1; i <= MANY; i++) {
        snprintf(line, sizeof line,
                 "m-%d,h-%d,世帯主,灘　%d郎,,1970-12-01,male,282049,兵庫県西宮市甲子園,282049,兵庫県西宮市,"
                 "灘　太郎,2011-01-01,ex_officio_entry,%s,\n",
                 i, i, i, resident_code_REVEAL(resident_code_from_payload(5000 + i), code));
        buf_add_str(&csv, str_of(line));
    }
    scene_load(&s, buf_str(&csv));
    assert_int_equal(s.result.taken, MANY);
    buf_release(&csv);
}

struct pager {
    struct door_client *client;
    struct buf answer;
    bool behind;
};
static enum err next_page(struct pager *p, struct fail *f)
{
    return register_back_page(s.r, f, p->client, &p->answer, &p->behind);
}

static void pages_go_on_behind_what_is_on_disk(void **state)
{
    struct pager p = {.behind = true};
    (void)state;
    scene_load(&s, STR(HEADER TARO));
    back_up();
    load_many();
    send_all();
    struct digest before = census();
    restore();
    p.client = door_stage_client(&stage);
    buf_init(&p.answer, 8 << 20);
    assert_ok(register_back_begin(s.r, NULL, 1 + MANY));
    assert_int_equal(scene_status(&s).to_take_back, MANY);
    assert_ok(next_page(&p, NULL));
    assert_true(p.behind);
    assert_int_equal(scene_status(&s).to_take_back, MANY - 1000);
    scene_close(&s); /* ends in the middle */
    scene_open_linked(&s, &stage);
    assert_int_equal(scene_status(&s).to_take_back, MANY - 1000);
    assert_ok(next_page(&p, NULL));
    assert_false(p.behind);
    assert_int_equal(scene_status(&s).to_take_back, 0);
    assert_ok(next_page(&p, NULL)); /* once more: nothing */
    assert_int_equal(scene_status(&s).changes, 1 + MANY);
    struct digest after = census();
    assert_memory_equal(&before, &after, sizeof before);
    door_client_free(p.client);
    buf_release(&p.answer);
}

/* Memory that ends anywhere undoes the page, and the next one takes it whole. */
static void memory_that_ends_takes_no_half_page(void **state)
{
    struct pager p = {.behind = true};
    enum err e = ERR_MEMORY;
    (void)state;
    scene_load(&s, STR(HEADER TARO));
    back_up();
    scene_load(&s, STR(HEADER HANAKO));
    scene_apply(&s, HOUR);
    send_all();
    struct digest before = census();
    int64_t changes = scene_status(&s).changes;
    restore();
    p.client = door_stage_client(&stage);
    buf_init(&p.answer, 8 << 20);
    assert_ok(register_back_begin(s.r, NULL, changes));
    unsigned long n = 1;
    for (; e && n < 5000; n++) {
        memory_fail_at(n);
        e = next_page(&p, NULL);
        memory_fail_at(0);
        assert_int_equal(scene_status(&s).changes, e ? 1 : changes);
    }
    assert_ok(e);
    assert_true(n > 10);
    struct digest after = census();
    assert_memory_equal(&before, &after, sizeof before);
    door_client_free(p.client);
    buf_release(&p.answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, forget_newest)
        ROW(what_the_cs_took_is_taken_back),
        ROW(what_is_given_again_is_known_and_filled_in),
        ROW(what_differs_is_another_change),
        ROW(a_code_that_was_corrected_is_free_again),
        ROW(nothing_is_taken_in_before_all_is_back),
        ROW(a_queue_in_the_backup_is_settled_first),
        ROW(an_old_copy_that_nobody_restored_stays_silent),
        ROW(what_cannot_come_back_is_listed),
        ROW(what_follows_a_refused_change_comes_back_too),
        ROW(a_number_whose_wish_was_lost_waits_for_it),
        ROW(a_wish_that_was_fulfilled_is_not_fulfilled_again),
        ROW(pages_go_on_behind_what_is_on_disk),
        ROW(memory_that_ends_takes_no_half_page),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_clean);
}
