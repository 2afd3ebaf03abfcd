/* SPDX-License-Identifier: Apache-2.0 */
#include "register/letter.h"

#include "register_scene.h"
#include "stores.h"

#define TOYONAKA 272035
#define CONTENT "{\"name\":\"西宮　太郎\"}"

/* ---- what tests do with letters, each in a transaction of its own ---- */

struct act {
    struct letter l;
    struct str content, who, note, number;
    enum letter_event event;
    struct letter_key key;
    bool found;
};

static enum err make(struct db_tx *tx, struct fail *f, void *arg)
{
    struct act *a = arg;
    return letter_make(tx, f, a->content, a->who, &a->l);
}

static enum err receive(struct db_tx *tx, struct fail *f, void *arg)
{
    struct act *a = arg;
    return letter_receive(tx, f, a->content, a->who, &a->l);
}

static enum err step(struct db_tx *tx, struct fail *f, void *arg)
{
    struct act *a = arg;
    return letter_step(tx, f, a->number, a->event, a->who, a->note);
}

static enum err recognise(struct db_tx *tx, struct fail *f, void *arg)
{
    struct act *a = arg;
    return letter_recognise(tx, f, &a->key, &a->found, &a->l);
}

static enum err find(struct db_tx *tx, struct fail *f, void *arg)
{
    struct act *a = arg;
    return letter_find(tx, f, a->number, &a->l);
}

static struct act new_letter(enum letter_kind kind, const char *mark)
{
    struct act a = {.content = STR(CONTENT), .who = STR("市民課　灘")};
    a.l.kind = kind;
    if (letter_kind_row(kind)->to == LETTER_TO_PERSON)
        a.l.person = 1;
    else
        a.l.area.value = TOYONAKA;
    a.l.dated = date_today();
    snprintf(a.l.mark, sizeof a.l.mark, "%s", mark);
    return a;
}

static struct letter made(struct scene *s, enum letter_kind kind, const char *mark)
{
    struct act a = new_letter(kind, mark);
    assert_ok(db_transaction(s->db, NULL, make, &a));
    return a.l;
}

static enum err take_step(struct scene *s, const char *number, enum letter_event event)
{
    struct act a = {.number = str_of(number), .event = event, .who = STR("灘"), .note = STR("")};
    return db_transaction(s->db, NULL, step, &a);
}

static struct letter look(struct scene *s, const char *number)
{
    struct act a = {.number = str_of(number)};
    assert_ok(db_read(s->db, NULL, find, &a));
    return a.l;
}

struct listed {
    size_t count;
    struct letter last;
};
static void count_letter(void *arg, const struct letter *l)
{
    struct listed *n = arg;
    n->count++;
    n->last = *l;
}

static struct listed listed(struct scene *s, enum letter_filter filter)
{
    struct listed n = {0};
    assert_ok(letter_list(s->db, NULL, filter, count_letter, &n));
    return n;
}

static bool recognised(struct scene *s, bool received, const char *mark)
{
    struct act a = {.key = {received, LETTER_MOVE_IN_NOTICE_PAPER, {TOYONAKA}, str_of(mark)}};
    assert_ok(db_read(s->db, NULL, recognise, &a));
    return a.found;
}

static void scene_on(struct scene *s, const char *url)
{
    scene_open(s, url);
    scene_load(s, STR(HEADER TARO));
}

/* Moves the clock, to noon in Japan (03:00 of UTC). */
static void be_on(const char *noon)
{
    int64_t stamp;
    assert_ok(clock_parse(NULL, str_of(noon), &stamp));
    clock_shift(0);
    clock_shift((stamp - clock_now()) / 1000000);
}

/* ---- tests ---- */

static void letters_are_numbered_from_one_each_year_on(const char *url)
{
    struct scene s;
    be_on("2026-12-31T03:00:00.000000Z");
    scene_on(&s, url);
    assert_string_equal(made(&s, LETTER_MOVE_IN_INQUIRY, "a").number, "令8-000001");
    assert_string_equal(made(&s, LETTER_RESIDENT_CODE_NOTICE, "b").number, "令8-000002");
    be_on("2027-01-01T03:00:00.000000Z");
    struct letter l = made(&s, LETTER_MOVE_IN_INQUIRY, "c");
    assert_string_equal(l.number, "令9-000001");
    l = look(&s, "令8-000002");
    assert_int_equal(l.kind, LETTER_RESIDENT_CODE_NOTICE);
    assert_int_equal(l.state, LETTER_MADE);
    assert_string_equal(l.record, "r-1");
    assert_int_equal(listed(&s, LETTER_ALL).count, 3);
    scene_close(&s);
}

/* All pairs of a state and an event: what letter_step.def does not list is refused and changes nothing. */
static void only_listed_steps_are_taken_on(const char *url)
{
    static const enum letter_state after[][5] = {
        /* event:            PRINT          SEND         ANSWER           WITHDRAW */
        [LETTER_MADE] = {0, LETTER_PRINTED, 0, 0, LETTER_WITHDRAWN},
        [LETTER_PRINTED] = {0, LETTER_PRINTED, LETTER_SENT, 0, LETTER_WITHDRAWN},
        [LETTER_SENT] = {0, 0, 0, LETTER_ANSWERED, LETTER_WITHDRAWN},
        [LETTER_ANSWERED] = {0},
        [LETTER_WITHDRAWN] = {0},
        [LETTER_RECEIVED] = {0, 0, 0, 0, LETTER_WITHDRAWN},
    };
    static const enum letter_event way[][4] = {/* to a state */
                                               [LETTER_PRINTED] = {LETTER_PRINT},
                                               [LETTER_SENT] = {LETTER_PRINT, LETTER_SEND},
                                               [LETTER_ANSWERED] = {LETTER_PRINT, LETTER_SEND, LETTER_ANSWER},
                                               [LETTER_WITHDRAWN] = {LETTER_WITHDRAW},
                                               [LETTER_RECEIVED] = {0}};
    struct scene s;
    scene_on(&s, url);
    for (int before = LETTER_MADE; before <= LETTER_RECEIVED; before++)
        for (int event = LETTER_PRINT; event <= LETTER_WITHDRAW; event++) {
            char mark[32];
            snprintf(mark, sizeof mark, "%d-%d", before, event);
            struct act a = new_letter(LETTER_MOVE_IN_INQUIRY, mark);
            assert_ok(db_transaction(s.db, NULL, before == LETTER_RECEIVED ? receive : make, &a));
            for (size_t i = 0; i < COUNT_OF(way[0]) && way[before][i]; i++)
                assert_ok(take_step(&s, a.l.number, way[before][i]));
            enum letter_state want = after[before][event];
            enum err e = take_step(&s, a.l.number, (enum letter_event)event);
            if (e != (want ? ERR_OK : ERR_STATE))
                fail_msg("event %d in state %d: %s", event, before, err_row(e)->name);
            assert_int_equal(look(&s, a.l.number).state, want ? (int)want : before);
        }
    scene_close(&s);
}

static void an_answer_is_waited_for_until_its_day_on(const char *url)
{
    struct scene s;
    be_on("2026-04-01T03:00:00.000000Z");
    scene_on(&s, url);
    struct letter inquiry = made(&s, LETTER_MOVE_IN_INQUIRY, "a"), copy = made(&s, LETTER_SUPPORT_COPY, "b");
    assert_int_equal(listed(&s, LETTER_OPEN).count, 2);
    assert_ok(take_step(&s, inquiry.number, LETTER_PRINT));
    assert_ok(take_step(&s, copy.number, LETTER_PRINT));
    assert_int_equal(listed(&s, LETTER_OPEN).count, 2);
    be_on("2026-04-02T03:00:00.000000Z");
    assert_ok(take_step(&s, inquiry.number, LETTER_SEND));
    assert_ok(take_step(&s, copy.number, LETTER_SEND)); /* nobody answers it: done */
    struct listed open = listed(&s, LETTER_OPEN);
    assert_int_equal(open.count, 1);
    assert_string_equal(open.last.number, inquiry.number);
    assert_int_equal(date_to_int(open.last.due), 20260416);
    be_on("2026-04-16T03:00:00.000000Z");
    assert_int_equal(listed(&s, LETTER_OVERDUE).count, 0);
    be_on("2026-04-17T03:00:00.000000Z");
    assert_int_equal(listed(&s, LETTER_OVERDUE).count, 1);
    assert_ok(take_step(&s, inquiry.number, LETTER_ANSWER));
    assert_int_equal(listed(&s, LETTER_OVERDUE).count, 0);
    assert_int_equal(listed(&s, LETTER_OPEN).count, 0);
    scene_close(&s);
}

static void a_mark_stands_for_one_letter_in_force_on(const char *url)
{
    static const char mark[] = "cs.282049/cs.272035/17";
    struct scene s;
    scene_on(&s, url);
    struct act again = new_letter(LETTER_MOVE_IN_NOTICE_PAPER, mark), other = again, came = again;
    assert_false(recognised(&s, false, mark));
    struct letter l = made(&s, LETTER_MOVE_IN_NOTICE_PAPER, mark);
    assert_true(recognised(&s, false, mark));
    assert_false(recognised(&s, true, mark)); /* it did not come from there */
    assert_false(recognised(&s, false, "cs.282049/cs.272035/18"));
    struct fail f = {0};
    assert_int_equal(db_transaction(s.db, &f, make, &again), ERR_EXISTS);
    assert_string_equal(f.field, "mark");
    other.l.area.value = 272019; /* a copy of the same thing to another municipality */
    assert_ok(db_transaction(s.db, NULL, make, &other));
    assert_ok(db_transaction(s.db, NULL, receive, &came));
    assert_true(recognised(&s, true, mark));
    assert_int_equal(listed(&s, LETTER_INCOMING).count, 1);
    assert_ok(take_step(&s, l.number, LETTER_WITHDRAW));
    assert_false(recognised(&s, false, mark));
    assert_ok(db_transaction(s.db, NULL, make, &again));
    assert_ok(take_step(&s, came.l.number, LETTER_WITHDRAW)); /* entered by mistake */
    assert_false(recognised(&s, true, mark));
    scene_close(&s);
}

static void what_a_letter_lacks_is_said_on(const char *url)
{
    struct scene s;
    scene_on(&s, url);
    const struct act good = new_letter(LETTER_MOVE_IN_INQUIRY, "m");
    struct {
        enum err (*act)(struct db_tx *tx, struct fail *f, void *arg);
        struct act a;
        enum err error;
        const char *field;
    } rows[] = {
        {make, good, ERR_FIELD_MISSING, "to"},      {make, good, ERR_FIELD_MISSING, "who"},
        {make, good, ERR_FIELD_TYPE, "content"},    {make, good, ERR_FIELD_MISSING, "record"},
        {receive, good, ERR_FIELD_MISSING, "from"}, {receive, good, ERR_FIELD_MISSING, "mark"},
        {receive, good, ERR_FIELD_MISSING, "date"}, {receive, good, ERR_FIELD_RANGE, "date"},
        {make, good, ERR_TEXT_LONG, "mark"},        {step, good, ERR_NOT_FOUND, "letter"},
    };
    rows[0].a.l.area.value = rows[4].a.l.area.value = 0;
    rows[1].a.who = STR("");
    rows[2].a.content = STR("[]");
    rows[3].a.l.kind = LETTER_RESIDENT_CODE_NOTICE;
    rows[5].a.l.mark[0] = 0;
    rows[6].a.l.dated = (struct date){0};
    rows[7].a.l.dated = date_add_days(date_today(), 1);
    memset(rows[8].a.l.mark, 'm', LETTER_MARK_MOST + 1);
    rows[9].a.number = STR("令8-999999");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fail f = {0};
        assert_int_equal(db_transaction(s.db, &f, rows[i].act, &rows[i].a), rows[i].error);
        assert_string_equal(f.field, rows[i].field);
    }
    assert_int_equal(listed(&s, LETTER_ALL).count, 0);
    scene_close(&s);
}

static void content_and_steps_are_only_shown_on(const char *url)
{
    struct scene s;
    struct buf b;
    scene_on(&s, url);
    struct letter l = made(&s, LETTER_SUPPORT_COPY, "a");
    assert_ok(take_step(&s, l.number, LETTER_PRINT));
    l = look(&s, l.number);
    buf_init(&b, 4096);
    json_begin(&b, NULL, '{');
    letter_add_members(&b, &l);
    json_end(&b, '}');
    buf_add(&b, "", 1);
    assert_null(strstr(b.p, "太郎"));
    assert_non_null(strstr(b.p, "\"kind\":\"support_copy\""));
    assert_non_null(strstr(b.p, "\"state\":\"printed\",\"to\":\"272035\",\"mark\":\"a\""));
    buf_release(&b);
    buf_init(&b, 4096);
    json_begin(&b, NULL, '{');
    assert_ok(letter_show(s.db, NULL, str_of(l.number), &b));
    json_end(&b, '}');
    buf_add(&b, "", 1);
    assert_non_null(strstr(b.p, "\"content\":" CONTENT));
    assert_non_null(strstr(b.p, "\"steps\":[{\"state\":\"made\""));
    assert_non_null(strstr(b.p, "\"who\":\"市民課　灘\"},{\"state\":\"printed\""));
    assert_int_equal(letter_show(s.db, NULL, STR("x"), &b), ERR_NOT_FOUND);
    buf_release(&b);
    scene_close(&s);
}

static void a_list_is_longer_than_a_page_on(const char *url)
{
    struct scene s;
    scene_on(&s, url);
    for (int i = 0; i < 101; i++)
        made(&s, LETTER_SUPPORT_COPY, "");
    assert_int_equal(listed(&s, LETTER_ALL).count, 101);
    assert_int_equal(listed(&s, LETTER_OPEN).count, 101);
    scene_close(&s);
}

static void names_of_kinds_and_filters_are_read(void **state UNUSED)
{
    enum letter_kind kind;
    enum letter_filter filter;
    for (int i = 0; i < LETTER_KINDS; i++) {
        assert_ok(letter_kind_parse(NULL, str_of(letter_kind_row((enum letter_kind)i)->name), &kind));
        assert_int_equal(kind, i);
    }
    assert_int_equal(letter_kind_parse(NULL, STR("postcard"), &kind), ERR_FIELD_RANGE);
    assert_ok(letter_filter_parse(NULL, STR("overdue"), &filter));
    assert_int_equal(filter, LETTER_OVERDUE);
    assert_int_equal(letter_filter_parse(NULL, STR("lost"), &filter), ERR_FIELD_RANGE);
}

BOTH(letters_are_numbered_from_one_each_year_on)
BOTH(only_listed_steps_are_taken_on)
BOTH(an_answer_is_waited_for_until_its_day_on)
BOTH(a_mark_stands_for_one_letter_in_force_on)
BOTH(what_a_letter_lacks_is_said_on)
BOTH(content_and_steps_are_only_shown_on)
BOTH(a_list_is_longer_than_a_page_on)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_kinds_and_filters_are_read),
        cmocka_unit_test(both_letters_are_numbered_from_one_each_year_on),
        cmocka_unit_test(both_only_listed_steps_are_taken_on),
        cmocka_unit_test(both_an_answer_is_waited_for_until_its_day_on),
        cmocka_unit_test(both_a_mark_stands_for_one_letter_in_force_on),
        cmocka_unit_test(both_what_a_letter_lacks_is_said_on),
        cmocka_unit_test(both_content_and_steps_are_only_shown_on),
        cmocka_unit_test(both_a_list_is_longer_than_a_page_on),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_clean);
}
