/* SPDX-License-Identifier: Apache-2.0 */
#include "register/restraint.h"

#include "register/register_sql.h"
#include "register_scene.h"
#include "stores.h"

/* ---- what tests do, each in a transaction of its own ---- */

struct act {
    int64_t id, person, until;
    enum restraint_event event;
    enum restraint_target target;
    struct restraint_application application;
    struct restraint r;
    struct str who, note;
    bool restrained;
};

static enum err apply(struct db_tx *tx, struct fail *f, void *arg)
{
    struct act *a = arg;
    return restraint_apply(tx, f, &a->application, &a->r);
}

static enum err step(struct db_tx *tx, struct fail *f, void *arg)
{
    struct act *a = arg;
    return restraint_step(tx, f, a->id, a->event, a->who, a->note);
}

static enum err release(struct db_tx *tx, struct fail *f, void *arg)
{
    struct act *a = arg;
    return restraint_release(tx, f, a->id, a->until, a->who, a->note);
}

static enum err act_done(struct db_tx *tx, struct fail *f, void *arg)
{
    struct act *a = arg;
    return restraint_act_done(tx, f, a->person);
}

static enum err look(struct db_tx *tx, struct fail *f, void *arg)
{
    struct act *a = arg;
    return restraint_find(tx, f, a->id, &a->r);
}

static enum err ask(struct db_tx *tx, struct fail *f, void *arg)
{
    struct act *a = arg;
    return register_restrained(tx, f, a->person, a->target, &a->restrained);
}

static const int64_t both[] = {1, 2};

static struct act application(void)
{
    return (struct act){.application = {both, 1, STR("西宮　次郎"), STR("灘")},
                        .r = {.targets = RESTRAINT_EVERYTHING, .applied = date_today()}};
}

static int64_t applied(struct scene *s)
{
    struct act a = application();
    assert_ok(db_transaction(s->db, NULL, apply, &a));
    return a.r.id;
}

static enum err take_step(struct scene *s, int64_t id, enum restraint_event event)
{
    struct act a = {.id = id, .event = event, .who = STR("灘"), .note = STR("西宮警察署")};
    return db_transaction(s->db, NULL, step, &a);
}

static enum err let_through(struct scene *s, int64_t id, int64_t until)
{
    struct act a = {.id = id, .until = until, .who = STR("灘"), .note = STR("本人の請求")};
    return db_transaction(s->db, NULL, release, &a);
}

static struct restraint found(struct scene *s, int64_t id)
{
    struct act a = {.id = id};
    assert_ok(db_read(s->db, NULL, look, &a));
    return a.r;
}

static bool restrained(struct scene *s, int64_t person, enum restraint_target target)
{
    struct act a = {.person = person, .target = target};
    assert_ok(db_read(s->db, NULL, ask, &a));
    return a.restrained;
}

/* Moves the clock, to noon in Japan (03:00 of UTC). */
static void be_on(const char *noon)
{
    int64_t stamp;
    assert_ok(clock_parse(NULL, str_of(noon), &stamp));
    clock_shift(0);
    clock_shift((stamp - clock_now()) / 1000000);
}

static void scene_on(struct scene *s, const char *url)
{
    scene_open(s, url);
    scene_load(s, STR(HEADER TARO HANAKO));
}

/* ---- tests ---- */

static void a_year_and_its_warning_are_counted(void **state UNUSED)
{
    static const struct {
        int32_t first, last, warning;
    } rows[] = {{20200401, 20210331, 20210228}, {20240229, 20250228, 20250128},
                {20230301, 20240229, 20240129}, {20230201, 20240131, 20231231},
                {20230131, 20240130, 20231230}, {20230501, 20240430, 20240330}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct date last = restraint_last_day(date_from_int(rows[i].first));
        assert_int_equal(date_to_int(last), rows[i].last);
        assert_int_equal(date_to_int(restraint_warning_day(last)), rows[i].warning);
    }
}

/* All pairs of a state and an event: what restraint_step.def does not list is refused. */
static void only_listed_steps_are_taken(void **state UNUSED)
{
    static const enum restraint_state want[][5] = {
        /* event:                     ACCEPT              REFUSE             EXTEND              END */
        [RESTRAINT_PROVISIONAL] = {0, RESTRAINT_ACCEPTED, RESTRAINT_REFUSED, 0, RESTRAINT_ENDED},
        [RESTRAINT_ACCEPTED] = {0, 0, 0, RESTRAINT_ACCEPTED, RESTRAINT_ENDED},
        [RESTRAINT_REFUSED] = {0},
        [RESTRAINT_ENDED] = {0},
    };
    for (int before = RESTRAINT_PROVISIONAL; before <= RESTRAINT_ENDED; before++)
        for (int event = RESTRAINT_ACCEPT; event <= RESTRAINT_END; event++) {
            enum restraint_state after = (enum restraint_state)0;
            enum err e =
                restraint_step_after(NULL, (enum restraint_state)before, (enum restraint_event)event, &after);
            assert_int_equal(e, want[before][event] ? ERR_OK : ERR_STATE);
            assert_int_equal(after, want[before][event]);
        }
}

static void it_holds_from_the_application_until_a_person_ends_it_on(const char *url)
{
    struct scene s;
    be_on("2020-03-20T03:00:00.000000Z");
    scene_on(&s, url);
    assert_false(restrained(&s, 1, RESTRAINT_RESIDENT_RECORD));
    int64_t id = applied(&s);
    assert_true(restrained(&s, 1, RESTRAINT_RESIDENT_RECORD)); /* 仮支援措置 */
    assert_false(restrained(&s, 2, RESTRAINT_RESIDENT_RECORD));
    be_on("2020-04-01T03:00:00.000000Z");
    assert_ok(take_step(&s, id, RESTRAINT_ACCEPT));
    assert_int_equal(date_to_int(found(&s, id).last), 20210331);
    be_on("2021-02-27T03:00:00.000000Z");
    struct restraint r = found(&s, id);
    assert_false(restraint_ends_soon(&r, date_today()));
    assert_int_equal(take_step(&s, id, RESTRAINT_EXTEND), ERR_STATE);
    be_on("2021-02-28T03:00:00.000000Z");
    assert_true(restraint_ends_soon(&r, date_today()));
    assert_ok(take_step(&s, id, RESTRAINT_EXTEND));
    r = found(&s, id);
    assert_int_equal(date_to_int(r.first), 20210401);
    assert_int_equal(date_to_int(r.last), 20220331);
    assert_false(restraint_overdue(&r, r.last));
    be_on("2023-01-01T03:00:00.000000Z"); /* forgotten */
    assert_true(restraint_overdue(&r, date_today()));
    assert_true(restrained(&s, 1, RESTRAINT_SUPPLEMENT));
    assert_ok(take_step(&s, id, RESTRAINT_END));
    assert_false(restrained(&s, 1, RESTRAINT_SUPPLEMENT));
    assert_int_equal(take_step(&s, id, RESTRAINT_END), ERR_STATE);
    scene_close(&s);
}

static void who_and_what_is_protected_is_kept_apart_on(const char *url)
{
    struct scene s;
    scene_on(&s, url);
    struct act a = application(), own;
    a.application.count = 2; /* the household too */
    a.r.targets = 1 << RESTRAINT_SUPPLEMENT;
    assert_ok(db_transaction(s.db, NULL, apply, &a));
    for (int target = 0; target < RESTRAINT_TARGETS; target++) {
        assert_int_equal(restrained(&s, 1, (enum restraint_target)target), target == RESTRAINT_SUPPLEMENT);
        assert_int_equal(restrained(&s, 2, (enum restraint_target)target), target == RESTRAINT_SUPPLEMENT);
    }
    own = application();
    assert_ok(db_transaction(s.db, NULL, apply, &own));
    assert_ok(take_step(&s, own.r.id, RESTRAINT_REFUSE));
    assert_false(restrained(&s, 1, RESTRAINT_RESIDENT_RECORD));
    assert_true(restrained(&s, 1, RESTRAINT_SUPPLEMENT)); /* by the other one */
    scene_close(&s);
}

static void a_release_is_for_one_act_of_one_day_on(const char *url)
{
    struct scene s;
    be_on("2026-06-01T03:00:00.000000Z");
    scene_on(&s, url);
    const int64_t hour = INT64_C(3600) * 1000000;
    int64_t id = applied(&s);
    assert_int_equal(let_through(&s, id, clock_now() + 12 * hour + hour / 2), ERR_FIELD_RANGE); /* tomorrow */
    assert_int_equal(let_through(&s, id, clock_now() - 1), ERR_FIELD_RANGE);
    assert_true(restrained(&s, 1, RESTRAINT_RESIDENT_RECORD));
    assert_ok(let_through(&s, id, clock_now() + hour));
    assert_false(restrained(&s, 1, RESTRAINT_RESIDENT_RECORD));
    struct act done = {.person = 1};
    assert_ok(db_transaction(s.db, NULL, act_done, &done));
    assert_true(restrained(&s, 1, RESTRAINT_RESIDENT_RECORD)); /* locked by the act */
    assert_ok(let_through(&s, id, clock_now() + hour));
    be_on("2026-06-01T04:00:01.000000Z");
    assert_true(restrained(&s, 1, RESTRAINT_RESIDENT_RECORD)); /* locked by the hour */
    assert_ok(take_step(&s, id, RESTRAINT_END));
    assert_int_equal(let_through(&s, id, clock_now() + hour), ERR_STATE);
    scene_close(&s);
}

static void what_an_application_lacks_is_said_on(const char *url)
{
    struct scene s;
    scene_on(&s, url);
    struct {
        struct act a;
        enum err error;
        const char *field;
    } rows[] = {
        {application(), ERR_FIELD_MISSING, "record"}, {application(), ERR_FIELD_MISSING, "targets"},
        {application(), ERR_FIELD_RANGE, "targets"},  {application(), ERR_FIELD_MISSING, "applied"},
        {application(), ERR_FIELD_RANGE, "applied"},  {application(), ERR_FIELD_MISSING, "who"},
        {application(), ERR_TEXT_CHARACTER, "whom"},
    };
    rows[0].a.application.count = 0;
    rows[1].a.r.targets = 0;
    rows[2].a.r.targets = 1 << RESTRAINT_TARGETS;
    rows[3].a.r.applied = (struct date){0};
    rows[4].a.r.applied = date_add_days(date_today(), 1);
    rows[5].a.application.who = STR("");
    rows[6].a.application.whom = STR("\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fail f = {0};
        assert_int_equal(db_transaction(s.db, &f, apply, &rows[i].a), rows[i].error);
        assert_string_equal(f.field, rows[i].field);
    }
    int64_t id = applied(&s);
    struct act silent = {.id = id, .event = RESTRAINT_ACCEPT, .who = STR("灘"), .note = STR("")};
    assert_int_equal(db_transaction(s.db, NULL, step, &silent), ERR_FIELD_MISSING); /* whose opinion? */
    assert_int_equal(take_step(&s, id + 1, RESTRAINT_ACCEPT), ERR_NOT_FOUND);
    assert_int_equal(found(&s, id).state, RESTRAINT_PROVISIONAL);
    scene_close(&s);
}

/* What the CS is told of a restrained person is, byte for byte, what it is told of anybody. */
static void nothing_of_it_is_told_on(const char *url)
{
    static const char later[] = "{\"event\":\"e1\",\"reason\":\"move_within\",\"change_date\":\"2026-04-03\","
                                "\"record\":\"r-1\",\"set\":{"
                                "\"address\":\"兵庫県西宮市甲子園口1丁目\"}}\n{\"event\":\"e2\",\"reason\":"
                                "\"domestic_move_out\",\"change_"
                                "date\":\"2026-05-01\",\"planned\":true,\"record\":\"r-1\",\"moved_to_area_"
                                "code\":\"282065\",\"moved_to_"
                                "address\":\"兵庫県芦屋市精道町\"}\n";
    static char bodies[2][5][4096];
    static struct look l;
    char store[300];
    snprintf(store, sizeof store, "%s", url); /* sqlite_fresh may write over it */
    be_on("2026-06-01T03:00:00.000000Z");
    for (int with = 0; with < 2; with++) {
        struct scene s;
        scene_on(&s, with ? store : sqlite_fresh());
        if (with) {
            int64_t id = applied(&s);
            assert_ok(take_step(&s, id, RESTRAINT_ACCEPT));
            assert_ok(let_through(&s, id, clock_now() + 60000000));
        }
        assert_int_equal(scene_status(&s).changes, 2);
        scene_apply(&s, later);
        assert_int_equal(s.refusals, 0);
        assert_int_equal(scene_status(&s).changes, 4);
        for (int64_t n = 1; n <= 4; n++)
            snprintf(bodies[with][n], sizeof bodies[0][0], "%s", scene_change(&s, &l, n));
        scene_close(&s);
    }
    for (int n = 1; n <= 4; n++) {
        assert_true(bodies[0][n][0] == '{');
        assert_string_equal(bodies[0][n], bodies[1][n]);
    }
}

struct listed {
    size_t count;
    struct restraint last;
};
static void count_one(void *arg, const struct restraint *r)
{
    struct listed *n = arg;
    n->count++;
    n->last = *r;
}

static struct listed listed(struct scene *s, bool all)
{
    struct listed n = {0};
    assert_ok(restraint_list(s->db, NULL, all, count_one, &n));
    return n;
}

/* By the names of records, and a copy that another municipality sent. */
static void a_clerk_enters_and_lists_them_on(const char *url)
{
    const struct str names[] = {STR("r-1"), STR("r-2")}, nobody = STR("r-9");
    struct scene s;
    be_on("2026-06-01T03:00:00.000000Z");
    scene_on(&s, url);
    struct restraint r = {.targets = RESTRAINT_EVERYTHING, .origin = {272035}, .applied = date_today()},
                     own = r;
    struct fail f = {0};
    assert_int_equal(restraint_enter(s.db, &f, &nobody, 1, STR(""), STR("灘"), &own), ERR_NOT_FOUND);
    assert_string_equal(f.field, "record");
    assert_ok(restraint_enter(s.db, NULL, names, 2, STR(""), STR("灘"), &r));
    own.origin.value = 0;
    assert_ok(restraint_enter(s.db, NULL, names, 1, STR(""), STR("灘"), &own));
    assert_int_equal(listed(&s, false).count, 2);
    assert_ok(restraint_act(s.db, NULL, own.id, RESTRAINT_REFUSE, STR("灘"), STR("要件に該当しない")));
    struct listed now = listed(&s, false);
    assert_int_equal(now.count, 1);
    assert_int_equal(now.last.origin.value, 272035);
    assert_int_equal(listed(&s, true).count, 2);
    assert_true(restrained(&s, 2, RESTRAINT_RESIDENT_RECORD));
    assert_ok(restraint_let_through(s.db, NULL, r.id, clock_now() + 60000000, STR("灘"), STR("本人の請求")));
    assert_false(restrained(&s, 2, RESTRAINT_RESIDENT_RECORD));
    scene_close(&s);
}

BOTH(a_clerk_enters_and_lists_them_on)
BOTH(it_holds_from_the_application_until_a_person_ends_it_on)
BOTH(who_and_what_is_protected_is_kept_apart_on)
BOTH(a_release_is_for_one_act_of_one_day_on)
BOTH(what_an_application_lacks_is_said_on)
BOTH(nothing_of_it_is_told_on)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_year_and_its_warning_are_counted),
        cmocka_unit_test(only_listed_steps_are_taken),
        cmocka_unit_test(both_it_holds_from_the_application_until_a_person_ends_it_on),
        cmocka_unit_test(both_who_and_what_is_protected_is_kept_apart_on),
        cmocka_unit_test(both_a_release_is_for_one_act_of_one_day_on),
        cmocka_unit_test(both_what_an_application_lacks_is_said_on),
        cmocka_unit_test(both_a_clerk_enters_and_lists_them_on),
        cmocka_unit_test(both_nothing_of_it_is_told_on),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_clean);
}
