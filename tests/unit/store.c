/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"
#include "people.h"
#include "stores.h"
#include "test.h"

#include <pthread.h>

static const struct db_module *const modules[] = {&store_module};
static struct db *db;
static uint64_t entry; /* the next ledger entry */

static char opened[300];
static struct tally *tally;

static struct tally_counts counted(void)
{
    struct tally_counts counts;
    assert_ok(tally_read(tally, NULL, &counts));
    return counts;
}

static void open_store(const char *url)
{
    snprintf(opened, sizeof opened, "%s", url);
    db = stores_open(opened, modules, COUNT_OF(modules));
    assert_ok(store_tally(NULL, db, &tally));
    counted();
    entry = 0;
}

/* What was kept beside the changes is what the next process counts. */
static void close_store(void)
{
    const struct tally_counts kept = counted();
    db_close(db);
    tally_free(tally);
    db = stores_open(opened, modules, COUNT_OF(modules));
    assert_ok(store_tally(NULL, db, &tally));
    const struct tally_counts fresh = counted();
    assert_memory_equal(&kept, &fresh, sizeof kept);
    db_close(db);
    tally_free(tally);
}

static struct store_version version(struct identity identity, struct change change, int64_t number)
{
    return (struct store_version){.identity = identity, .change = change, .version = number, .noticed = 17};
}

static enum err apply_one(struct db_tx *tx, struct fail *f, void *arg)
{
    return store_apply(tx, f, arg);
}

static enum err apply(struct store_version v)
{
    v.entry = entry++;
    return db_transaction(db, NULL, apply_one, &v);
}

static enum err enter(int64_t n, int32_t area, int64_t number)
{
    return apply(version(resident(n, area), change_on(CHANGE_MOVE_IN, 2020, 4, 1), number));
}

static enum err change(int64_t n, int32_t area, enum change_reason reason, int64_t number)
{
    return apply(version(resident(n, area), change_on(reason, 2021, 5, 1), number));
}

static enum err leave(int64_t n, int32_t area, int64_t number)
{
    struct change c = change_on(CHANGE_MOVE_OUT, 2022, 3, 31);
    c.planned = true;
    return apply(version(resident(n, area), c, number));
}

struct question {
    struct resident_code code;
    struct area_code area;
    struct arena arena;
    struct store_version answer;
    int64_t count;
};

static enum err ask_latest(struct db_tx *tx, struct fail *f, void *arg)
{
    struct question *q = arg;
    return store_latest(tx, f, q->code, q->area, &q->arena, &q->answer);
}

static enum err ask_current(struct db_tx *tx, struct fail *f, void *arg)
{
    struct question *q = arg;
    return store_current(tx, f, q->code, &q->arena, &q->answer);
}

static enum store_state state_of(int64_t n, int32_t area)
{
    struct question q = {.code = code_of(n), .area = {area}};
    arena_init(&q.arena, 100000);
    enum err e = db_read(db, NULL, ask_latest, &q);
    arena_release(&q.arena);
    return e ? STORE_NONE : q.answer.state;
}

static int32_t current_area(int64_t n)
{
    struct question q = {.code = code_of(n)};
    arena_init(&q.arena, 100000);
    enum err e = db_read(db, NULL, ask_current, &q);
    arena_release(&q.arena);
    return e ? 0 : q.answer.identity.address.area_code.value;
}

static void every_value_comes_back(const char *url)
{
    open_store(url);
    struct store_version v = version(resident(1, NISHINOMIYA), change_on(CHANGE_MOVE_IN, 2020, 4, 1), 1);
    v.identity.foreign = true;
    v.identity.name = (struct person_name){
        .name = STR("DOE JOHN"), .alias = STR("銅　次郎"), .alias_kana = STR("ドウ　ジロウ")};
    v.identity.birth_date = (struct date){1931, 2, 30};
    v.identity.address.town_code = STR("0123000");
    v.source = 77;
    assert_ok(apply(v));
    v.identity.has_individual_number = true;
    v.change = change_on(CHANGE_NUMBER_EX_OFFICIO_CORRECTION, 2021, 1, 1);
    v.change.has_old_number = true;
    v.change.old_number = number_of(9);
    v.version = 2;
    assert_ok(apply(v));
    struct question q = {.code = code_of(1), .area = {NISHINOMIYA}};
    arena_init(&q.arena, 100000);
    assert_ok(db_read(db, NULL, ask_latest, &q));
    const struct store_version *o = &q.answer;
    assert_null(identity_difference(&o->identity, &v.identity));
    assert_int_equal(o->change.reason, CHANGE_NUMBER_EX_OFFICIO_CORRECTION);
    assert_true(o->change.has_old_number && !o->change.has_old_code);
    assert_true(individual_number_equal(o->change.old_number, number_of(9)));
    assert_int_equal(date_to_int(o->change.date), 20210101);
    assert_int_equal(date_to_int(o->opened), 20200401);
    assert_int_equal(o->version, 2);
    assert_int_equal(o->entry, 1);
    assert_int_equal(o->source, 77);
    assert_int_equal(o->noticed, 17);
    arena_release(&q.arena);
    close_store();
}

static void versions_follow_without_gap_and_once(const char *url)
{
    open_store(url);
    assert_err(enter(1, NISHINOMIYA, 2), ERR_VERSION_GAP);
    assert_ok(enter(1, NISHINOMIYA, 1));
    assert_err(enter(1, NISHINOMIYA, 1), ERR_VERSION_OLD);
    assert_err(change(1, NISHINOMIYA, CHANGE_MOVE_WITHIN, 1), ERR_VERSION_OLD);
    assert_err(change(1, NISHINOMIYA, CHANGE_MOVE_WITHIN, 3), ERR_VERSION_GAP);
    assert_ok(change(1, NISHINOMIYA, CHANGE_MOVE_WITHIN, 2));
    assert_ok(change(1, NISHINOMIYA, CHANGE_MINOR_CORRECTION, 0));
    assert_err(change(1, NISHINOMIYA, CHANGE_MINOR_CORRECTION, 3), ERR_VERSION_OLD);
    close_store();
}

/* All pairs of a state and an event: what is not in episode_step.def is refused and changes nothing. */
static void only_listed_steps_are_taken(const char *url)
{
    static const struct {
        enum change_reason reason;
        bool planned;
        enum store_state after[4]; /* from none, current, leaving, removed; STORE_NONE: refused */
    } events[] = {
        {CHANGE_MOVE_IN, false, {STORE_CURRENT, 0, STORE_CURRENT, STORE_CURRENT}},
        {CHANGE_EX_OFFICIO_ENTRY, false, {STORE_CURRENT, 0, STORE_CURRENT, STORE_CURRENT}},
        {CHANGE_MOVE_OUT, true, {0, STORE_LEAVING, 0, 0}},
        {CHANGE_MOVE_OUT, false, {0, STORE_REMOVED, STORE_REMOVED, 0}},
        {CHANGE_DEATH, false, {0, STORE_REMOVED, STORE_REMOVED, 0}},
        {CHANGE_EX_OFFICIO_AMENDMENT, false, {0, STORE_CURRENT, STORE_LEAVING, 0}},
    };
    open_store(url);
    int64_t n = 0;
    for (size_t i = 0; i < COUNT_OF(events); i++)
        for (int before = STORE_NONE; before <= STORE_REMOVED; before++, n++) {
            if (before != STORE_NONE)
                assert_ok(enter(n, ASHIYA, 1));
            if (before == STORE_LEAVING)
                assert_ok(leave(n, ASHIYA, 2));
            if (before == STORE_REMOVED)
                assert_ok(change(n, ASHIYA, CHANGE_DEATH, 2));
            struct change c = change_on(events[i].reason, 2023, 1, 1);
            c.planned = events[i].planned;
            enum store_state after = events[i].after[before];
            enum err e = apply(version(resident(n, ASHIYA), c, 0));
            enum err want = after                                ? ERR_OK
                            : before == STORE_NONE               ? ERR_EPISODE_UNKNOWN
                            : events[i].reason < CHANGE_MOVE_OUT ? ERR_EPISODE_OPEN
                                                                 : ERR_EPISODE_CLOSED;
            if (e != want)
                fail_msg("event %zu in state %d: %s", i, before, err_row(e)->name);
            assert_int_equal(state_of(n, ASHIYA), after ? after : (enum store_state)before);
        }
    close_store();
}

static bool count_version(void *arg, const struct store_version *v)
{
    struct question *q = arg;
    q->count++;
    q->answer = *v;
    return true;
}

static enum err ask_history(struct db_tx *tx, struct fail *f, void *arg)
{
    struct question *q = arg;
    return store_history(tx, f, q->code, q->area, &q->arena, count_version, q);
}

static void a_person_may_come_back(const char *url)
{
    open_store(url);
    assert_ok(enter(1, NISHINOMIYA, 1));
    assert_ok(leave(1, NISHINOMIYA, 2));
    assert_int_equal(state_of(1, NISHINOMIYA), STORE_LEAVING);
    assert_int_equal(current_area(1), NISHINOMIYA); /* a resident until the day */
    assert_ok(apply(version(resident(1, CHIYODA), change_on(CHANGE_MOVE_IN, 2022, 4, 1), 1)));
    assert_int_equal(current_area(1), CHIYODA);
    struct change back = change_on(CHANGE_MOVE_IN, 2024, 4, 1);
    assert_ok(apply(version(resident(1, NISHINOMIYA), back, 3)));
    assert_int_equal(current_area(1), NISHINOMIYA);
    struct question q = {.code = code_of(1), .area = {NISHINOMIYA}};
    arena_init(&q.arena, 100000);
    assert_ok(db_read(db, NULL, ask_history, &q));
    assert_int_equal(q.count, 3); /* the chain went on */
    assert_int_equal(q.answer.version, 1);
    arena_release(&q.arena);
    close_store();
}

static void a_cancelled_move_out_never_happened(const char *url)
{
    open_store(url);
    assert_ok(enter(1, NISHINOMIYA, 1));
    assert_ok(leave(1, NISHINOMIYA, 2));
    assert_ok(apply(version(resident(1, NISHINOMIYA), change_on(CHANGE_EX_OFFICIO_ENTRY, 2022, 4, 2), 3)));
    struct question q = {.code = code_of(1), .area = {NISHINOMIYA}};
    arena_init(&q.arena, 100000);
    assert_ok(db_read(db, NULL, ask_latest, &q));
    assert_int_equal(q.answer.state, STORE_CURRENT);
    assert_int_equal(date_to_int(q.answer.opened), 20200401); /* since the first day */
    arena_release(&q.arena);
    close_store();
}

static struct store_version code_change(int64_t from, int64_t to, int32_t area, int64_t number)
{
    struct store_version v =
        version(resident(from, area), change_on(CHANGE_CODE_CHANGE_REQUEST, 2023, 6, 1), number);
    v.identity.resident_code = code_of(to);
    v.change.has_old_code = true;
    v.change.old_code = code_of(from);
    return v;
}

static void a_code_change_moves_the_episode(const char *url)
{
    open_store(url);
    assert_ok(enter(1, NISHINOMIYA, 1));
    assert_ok(apply(code_change(1, 50, NISHINOMIYA, 2)));
    assert_int_equal(state_of(1, NISHINOMIYA), STORE_NONE);
    assert_int_equal(state_of(50, NISHINOMIYA), STORE_CURRENT);
    assert_int_equal(current_area(1), NISHINOMIYA); /* the former code leads to the person */
    struct store_version later =
        version(resident(1, NISHINOMIYA), change_on(CHANGE_MOVE_WITHIN, 2024, 1, 1), 3);
    assert_err(apply(later), ERR_CODE_FORMER);
    later.identity.resident_code = code_of(50);
    assert_ok(apply(later));
    struct question q = {.code = code_of(50), .area = {NISHINOMIYA}};
    arena_init(&q.arena, 100000);
    assert_ok(db_read(db, NULL, ask_history, &q));
    assert_int_equal(q.count, 3);
    assert_true(resident_code_equal(q.answer.identity.resident_code, code_of(1)));
    arena_release(&q.arena);
    assert_err(enter(1, NISHINOMIYA, 1), ERR_CODE_FORMER); /* never anybody's again */
    close_store();
}

static void a_code_change_cannot_take_anothers_code(const char *url)
{
    open_store(url);
    assert_ok(enter(1, NISHINOMIYA, 1));
    assert_ok(enter(2, NISHINOMIYA, 1));
    assert_ok(enter(3, CHIYODA, 1));
    assert_err(apply(code_change(1, 2, NISHINOMIYA, 2)), ERR_CODE_TAKEN);
    assert_ok(enter(7, ASHIYA, 1));
    assert_ok(apply(code_change(7, 3, ASHIYA, 2))); /* what another municipality said decides nothing */
    assert_err(apply(code_change(4, 5, NISHINOMIYA, 0)), ERR_EPISODE_UNKNOWN);
    assert_int_equal(state_of(1, NISHINOMIYA), STORE_CURRENT);
    assert_ok(apply(code_change(1, 60, NISHINOMIYA, 2)));
    assert_err(apply(code_change(2, 1, NISHINOMIYA, 2)), ERR_CODE_TAKEN); /* a former code */
    close_store();
}

static struct store_version recode(struct store_version v, int64_t to, int64_t number, int64_t taken_back)
{
    v.replaces = v.version;
    v.version = number;
    v.identity.resident_code = code_of(to);
    v.state = STORE_CURRENT;
    v.opened = (struct date){2020, 4, 1};
    v.source = number;
    v.taken_back[v.taken_back_count++] = code_of(taken_back);
    return v;
}

static enum err ask_know(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct store_version *v = arg;
    enum store_known known = STORE_NOT_KNOWN;
    enum err e = store_know(tx, f, v, &known);
    return e ? e : known ? ERR_EXISTS : ERR_NOT_FOUND;
}

static enum err know(struct store_version v)
{
    return db_read(db, NULL, ask_know, &v);
}

/* Whether the change of code was applied here (2 -> 60) or is missing (3 -> 61): the correction ends alike.
 */
static void a_correction_takes_a_code_back(const char *url)
{
    open_store(url);
    for (int64_t n = 2; n <= 3; n++) {
        struct store_version wrong = code_change(n, 58 + n, NISHINOMIYA, 2);
        struct store_version meanwhile =
            version(resident(n, NISHINOMIYA), change_on(CHANGE_MOVE_WITHIN, 2023, 7, 1), 3);
        meanwhile.identity.resident_code = code_of(58 + n);
        meanwhile.source = 3;
        assert_ok(enter(n, NISHINOMIYA, 1));
        if (n == 2) {
            assert_ok(apply(wrong));
            assert_ok(apply(meanwhile));
        }
        struct store_version right = recode(wrong, 70 + n, 4, 58 + n);
        assert_ok(apply(right));
        assert_int_equal(state_of(70 + n, NISHINOMIYA), STORE_CURRENT);
        assert_int_equal(state_of(58 + n, NISHINOMIYA), STORE_NONE);
        assert_int_equal(current_area(n), NISHINOMIYA);
        assert_err(know(meanwhile), ERR_EXISTS); /* said under the wrong code, before the correction */
        meanwhile.identity.name.name = STR("尼崎　太郎");
        meanwhile.source = 5;
        assert_err(know(meanwhile), ERR_NOT_FOUND);         /* somebody else, later */
        assert_ok(apply(recode(right, 80 + n, 5, 70 + n))); /* corrected once more */
        assert_ok(enter(58 + n, NISHINOMIYA, 1));           /* and here comes whose code it is */
        assert_ok(enter(70 + n, CHIYODA, 1));
        assert_int_equal(current_area(70 + n), CHIYODA);
    }
    struct store_version same = code_change(4, 50, NISHINOMIYA, 2);
    assert_ok(enter(4, NISHINOMIYA, 1));
    assert_ok(apply(same));
    same.replaces = 2;
    same.version = 3;
    same.identity.name.name = STR("西宮　華子");
    assert_ok(apply(same)); /* a correction that leaves the code as it is */
    assert_int_equal(state_of(50, NISHINOMIYA), STORE_CURRENT);
    close_store();
}

static void a_correction_is_judged_by_what_was_before(const char *url)
{
    open_store(url);
    struct store_version v = version(resident(1, NISHINOMIYA), change_on(CHANGE_MOVE_IN, 2020, 4, 2), 2);
    v.replaces = 1;
    assert_err(apply(v), ERR_VERSION_GAP); /* it does not say what the chain came to */
    assert_ok(enter(1, NISHINOMIYA, 1));
    v.replaces = 0;
    assert_err(apply(v), ERR_EPISODE_OPEN);
    v.replaces = 2;
    assert_err(apply(v), ERR_FIELD_RANGE);
    v.replaces = 1;
    assert_ok(apply(v)); /* an entry in the place of the entry */
    struct question q = {.code = code_of(1), .area = {NISHINOMIYA}};
    arena_init(&q.arena, 100000);
    assert_ok(db_read(db, NULL, ask_latest, &q));
    assert_int_equal(date_to_int(q.answer.opened), 20200402);
    assert_int_equal(q.answer.version, 2);
    arena_release(&q.arena);
    close_store();
}

static void a_correction_may_follow_what_could_not_be_applied(const char *url)
{
    open_store(url);
    struct store_version v = version(resident(1, NISHINOMIYA), change_on(CHANGE_MOVE_WITHIN, 2021, 4, 2), 3);
    v.replaces = 1;
    v.state = STORE_CURRENT;
    v.opened = (struct date){2020, 4, 1};
    assert_ok(apply(v)); /* versions 1 and 2 never came */
    assert_int_equal(state_of(1, NISHINOMIYA), STORE_CURRENT);
    assert_err(change(1, NISHINOMIYA, CHANGE_MOVE_WITHIN, 2), ERR_VERSION_OLD);
    assert_ok(change(1, NISHINOMIYA, CHANGE_MOVE_WITHIN, 4));
    v.identity = resident(2, NISHINOMIYA);
    v.replaces = 2; /* a correction of a correction: neither came. But where did the stay begin? */
    assert_err(apply(v), ERR_VERSION_GAP);
    v.change.reason = CHANGE_MOVE_IN;
    assert_ok(apply(v));
    assert_int_equal(state_of(2, NISHINOMIYA), STORE_CURRENT);
    v.version = 4;
    v.replaces = 3;
    assert_ok(apply(v)); /* and corrected once more */
    v.version = 7;
    v.replaces = 6;
    v.change.reason = CHANGE_MOVE_WITHIN;
    assert_ok(apply(v)); /* 5 and 6 never came */
    close_store();
}

static enum err ask_has(struct db_tx *tx, struct fail *f, void *arg)
{
    enum store_known known = STORE_NOT_KNOWN;
    enum err e = store_know(tx, f, arg, &known);
    return e ? e : known ? ERR_EXISTS : ERR_NOT_FOUND;
}

static bool has(struct store_version v)
{
    return db_read(db, NULL, ask_has, &v) == ERR_EXISTS;
}

static void what_a_correction_passed_over_is_known(const char *url)
{
    open_store(url);
    assert_ok(enter(1, NISHINOMIYA, 1));
    struct store_version v = version(resident(1, NISHINOMIYA), change_on(CHANGE_MOVE_WITHIN, 2021, 4, 2), 4);
    v.replaces = 2;
    v.state = STORE_CURRENT;
    v.opened = (struct date){2020, 4, 1};
    assert_ok(apply(v));
    struct store_version late =
        version(resident(1, NISHINOMIYA), change_on(CHANGE_MOVE_WITHIN, 2021, 4, 1), 3);
    assert_true(has(late));
    late.version = 4; /* that one is there, with another day */
    assert_false(has(late));
    late.identity.resident_code = code_of(9);
    assert_false(has(late));
    close_store();
}

static void a_repeated_version_is_known(const char *url)
{
    open_store(url);
    assert_ok(enter(1, NISHINOMIYA, 1));
    assert_ok(leave(1, NISHINOMIYA, 2));
    struct store_version v = version(resident(1, NISHINOMIYA), change_on(CHANGE_MOVE_IN, 2020, 4, 1), 1);
    assert_err(db_read(db, NULL, ask_has, &v), ERR_EXISTS);
    v.identity.name.name = STR("西宮　華子");
    assert_err(db_read(db, NULL, ask_has, &v), ERR_NOT_FOUND);
    v = version(resident(2, NISHINOMIYA), v.change, 1);
    assert_err(db_read(db, NULL, ask_has, &v), ERR_NOT_FOUND);
    close_store();
}

/* What there is no memory for is not "other content". */
static void without_memory_nothing_is_said_of_a_version(void **state UNUSED)
{
    int starved = 0;
    open_store(sqlite_fresh());
    assert_ok(enter(1, NISHINOMIYA, 1));
    struct store_version v = version(resident(1, NISHINOMIYA), change_on(CHANGE_MOVE_IN, 2020, 4, 1), 1);
    for (unsigned long n = 1;; n++) {
        memory_fail_at(n);
        enum err e = db_read(db, NULL, ask_has, &v);
        memory_fail_at(0);
        starved += e == ERR_MEMORY;
        if (e == ERR_EXISTS)
            break;
        assert_err(e, ERR_MEMORY);
    }
    assert_in_range(starved, 2, 20);
    close_store();
}

static void add_overlap(void *arg, struct resident_code code, struct area_code a, struct area_code b)
{
    struct question *q = arg;
    q->count++;
    q->code = code;
    q->area.value = a.value;
    q->answer.entry = (uint64_t)b.value;
}

static enum err ask_overlaps(struct db_tx *tx, struct fail *f, void *arg)
{
    return store_overlaps(tx, f, 14, add_overlap, arg);
}

static void two_open_episodes_are_listed(const char *url)
{
    open_store(url);
    struct question q = {0};
    assert_ok(enter(1, NISHINOMIYA, 1));
    assert_ok(enter(2, NISHINOMIYA, 1));
    assert_ok(enter(2, CHIYODA, 1));
    assert_ok(enter(3, NISHINOMIYA, 1));
    assert_ok(leave(3, NISHINOMIYA, 2));
    assert_ok(enter(3, CHIYODA, 1));
    struct date today = date_today();
    assert_ok(enter(4, NISHINOMIYA, 1));
    assert_ok(
        apply(version(resident(4, CHIYODA), (struct change){.reason = CHANGE_MOVE_IN, .date = today}, 1)));
    assert_ok(db_read(db, NULL, ask_overlaps, &q));
    assert_int_equal(q.count, 1);
    assert_true(resident_code_equal(q.code, code_of(2)));
    assert_int_equal(q.area.value, CHIYODA);
    assert_int_equal(q.answer.entry, NISHINOMIYA);
    assert_ok(enter(5, NISHINOMIYA, 1)); /* one of the two was entered under the code before the change */
    assert_ok(enter(5, CHIYODA, 1));
    assert_ok(apply(code_change(5, 70, CHIYODA, 2)));
    q.count = 0;
    assert_ok(db_read(db, NULL, ask_overlaps, &q));
    assert_int_equal(q.count, 2);
    close_store();
}

struct counts {
    struct store_area_count areas[4];
    int n;
};

static void keep_count(void *arg, const struct store_area_count *count)
{
    struct counts *c = arg;
    assert_true(c->n < 4);
    c->areas[c->n++] = *count;
}

static void a_census_compares_states(const char *url)
{
    struct counts a = {0}, b = {0};
    open_store(url);
    for (int64_t n = 1; n <= 5; n++) {
        assert_ok(enter(n, n % 2 ? NISHINOMIYA : CHIYODA, 1));
        assert_ok(store_census(db, NULL, keep_count, &(struct counts){0}));
    }
    assert_ok(leave(1, NISHINOMIYA, 2));
    assert_ok(change(3, NISHINOMIYA, CHANGE_DEATH, 2));
    assert_ok(store_census(db, NULL, keep_count, &a));
    assert_int_equal(a.n, 2);
    assert_int_equal(a.areas[0].area.value, CHIYODA);
    assert_int_equal(a.areas[0].current, 2);
    assert_int_equal(a.areas[1].current, 1);
    assert_int_equal(a.areas[1].leaving, 1);
    assert_int_equal(a.areas[1].removed, 1);
    assert_int_equal(a.areas[1].versions, 5);
    const struct tally_counts counts = counted();
    assert_int_equal(counts.rows[STORE_CURRENT], 3);
    assert_int_equal(counts.rows[STORE_LEAVING], 1);
    assert_int_equal(counts.rows[STORE_REMOVED], 1);
    assert_int_equal(counts.weight, a.areas[0].versions + a.areas[1].versions);
    close_store();

    open_store(sqlite_fresh()); /* the same in another order */
    entry = 1000;
    assert_ok(enter(3, NISHINOMIYA, 1));
    assert_ok(change(3, NISHINOMIYA, CHANGE_DEATH, 2));
    assert_ok(enter(1, NISHINOMIYA, 1));
    assert_ok(enter(5, NISHINOMIYA, 1));
    assert_ok(leave(1, NISHINOMIYA, 2));
    assert_ok(enter(4, CHIYODA, 1));
    assert_ok(store_census(db, NULL, keep_count, &b));
    assert_memory_equal(a.areas[1].digest, b.areas[1].digest, 32);
    assert_memory_not_equal(a.areas[0].digest, b.areas[0].digest, 32); /* one person is missing */
    close_store();
}

enum { CROWD = 3 * TALLY_PAGE + 17, CROWD_GROUP = 500, CROWD_STEP = 23 };

static enum err enter_group(struct db_tx *tx, struct fail *f, void *arg)
{
    const int64_t *first = arg;
    enum err e = ERR_OK;
    for (int64_t n = *first; n < *first + CROWD_GROUP && n <= CROWD && !e; n++) {
        struct store_version v = version(resident(n, NISHINOMIYA), change_on(CHANGE_MOVE_IN, 2020, 4, 1), 1);
        v.entry = entry++;
        e = store_apply(tx, f, &v);
    }
    return e;
}

static enum err apply_and_give_up(struct db_tx *tx, struct fail *f, void *arg)
{
    enum err e = apply_one(tx, f, arg);
    return e ? e : ERR_STOPPING;
}

/* Behind and before the counting: deaths, arrivals, and removals that are rolled back. */
static void *live_on(void *arg UNUSED)
{
    for (int64_t n = 1; n <= CROWD; n += CROWD_STEP) {
        assert_ok(change(n, NISHINOMIYA, CHANGE_DEATH, 2));
        assert_ok(enter(CROWD + n, CHIYODA, 1));
        struct store_version v =
            version(resident(n + 1, NISHINOMIYA), change_on(CHANGE_DEATH, 2021, 5, 1), 2);
        v.entry = entry;
        assert_int_equal(db_transaction(db, NULL, apply_and_give_up, &v), ERR_STOPPING);
    }
    return NULL;
}

static void a_tally_counts_while_changes_go_on(const char *url)
{
    enum { DEATHS = (CROWD + CROWD_STEP - 1) / CROWD_STEP };
    pthread_t living;
    open_store(url);
    for (int64_t first = 1; first <= CROWD; first += CROWD_GROUP)
        assert_ok(db_transaction(db, NULL, enter_group, &first));
    assert_int_equal(counted().rows[STORE_CURRENT], CROWD);
    db_close(db);
    tally_free(tally);
    db = stores_open(opened, modules, COUNT_OF(modules));
    assert_ok(store_tally(NULL, db, &tally));
    assert_int_equal(pthread_create(&living, NULL, live_on, NULL), 0);
    counted();
    assert_int_equal(pthread_join(living, NULL), 0);
    const struct tally_counts counts = counted();
    assert_int_equal(counts.rows[STORE_CURRENT], CROWD);
    assert_int_equal(counts.rows[STORE_REMOVED], DEATHS);
    assert_int_equal(counts.weight, CROWD + 2 * DEATHS);
    close_store();
}

BOTH(every_value_comes_back)
BOTH(versions_follow_without_gap_and_once)
BOTH(only_listed_steps_are_taken)
BOTH(a_person_may_come_back)
BOTH(a_cancelled_move_out_never_happened)
BOTH(a_code_change_moves_the_episode)
BOTH(a_code_change_cannot_take_anothers_code)
BOTH(a_correction_takes_a_code_back)
BOTH(a_correction_is_judged_by_what_was_before)
BOTH(a_correction_may_follow_what_could_not_be_applied)
BOTH(what_a_correction_passed_over_is_known)
BOTH(a_repeated_version_is_known)
BOTH(two_open_episodes_are_listed)
BOTH(a_census_compares_states)
BOTH(a_tally_counts_while_changes_go_on)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_every_value_comes_back),
        cmocka_unit_test(both_versions_follow_without_gap_and_once),
        cmocka_unit_test(both_only_listed_steps_are_taken),
        cmocka_unit_test(both_a_person_may_come_back),
        cmocka_unit_test(both_a_cancelled_move_out_never_happened),
        cmocka_unit_test(both_a_code_change_moves_the_episode),
        cmocka_unit_test(both_a_code_change_cannot_take_anothers_code),
        cmocka_unit_test(both_a_correction_takes_a_code_back),
        cmocka_unit_test(both_a_correction_is_judged_by_what_was_before),
        cmocka_unit_test(both_a_correction_may_follow_what_could_not_be_applied),
        cmocka_unit_test(both_what_a_correction_passed_over_is_known),
        cmocka_unit_test(both_a_repeated_version_is_known),
        cmocka_unit_test(without_memory_nothing_is_said_of_a_version),
        cmocka_unit_test(both_two_open_episodes_are_listed),
        cmocka_unit_test(both_a_census_compares_states),
        cmocka_unit_test(both_a_tally_counts_while_changes_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
