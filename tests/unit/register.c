/* SPDX-License-Identifier: Apache-2.0 */
#include "register/register.h"

#include "base/json.h"
#include "register_scene.h"
#include "store/store.h"
#include "stores.h"

#include <iconv.h>

static void residents_are_loaded_and_queued_on(const char *url)
{
    struct scene s;
    struct look l;
    scene_open(&s, url);
    scene_load(&s, STR(HEADER TARO HANAKO));
    assert_int_equal(s.result.rows, 2);
    assert_int_equal(s.result.taken, 2);
    assert_int_equal(s.result.first_change, 1);
    assert_int_equal(s.result.last_change, 2);
    assert_int_equal(scene_status(&s).residents, 2);
    assert_non_null(strstr(scene_change(&s, &l, 1),
                           "{\"number\":1,\"identity\":{\"resident_code\":\"24727059608\","
                           "\"individual_number\":\"379474484458\""));
    assert_non_null(
        strstr(l.body, "\"change\":{\"change_reason\":\"move_in\",\"change_date\":\"2010-04-01\"}"));
    assert_null(strstr(l.body, "honseki"));
    assert_null(strstr(l.body, "世帯主"));
    scene_close(&s);
}

static void a_bad_row_loses_nothing_else_on(const char *url)
{
    struct scene s;
    scene_open(&s, url);
    scene_load(&s,
               STR(HEADER TARO "r-3,h-2,世帯主,灘　次郎,,1970-13-01,male,282049,兵庫県西宮市甲子園,282049,"
                               "兵庫県,灘　次郎,2011-01-01,birth,,\n"
                               "r-1,h-9,世帯主,灘　三郎,,1970-12-01,male,282049,兵庫県西宮市甲子園,282049,"
                               "兵庫県,灘　三郎,2011-01-01,birth,25208017643,\n"
                               "r-4,h-9,世帯主,灘　四郎,,1970-12-01,male,282049,兵庫県西宮市甲子園,282049,"
                               "兵庫県,灘　四郎,2011-01-01,birth,24727059608,\n"
                               "r-5,h-9,世帯主,芦屋　五郎,,1970-12-01,male,282065,兵庫県芦屋市精道町,282065,"
                               "兵庫県,芦屋　五郎,2011-01-01,birth,25208017643,\n" HANAKO));
    assert_int_equal(s.result.rows, 6);
    assert_int_equal(s.result.taken, 2);
    assert_int_equal(s.refusals, 4);
    static const struct {
        int64_t line;
        enum err error;
        const char *field;
    } want[] = {
        {3, ERR_DATE_REAL, "birth_date"},
        {4, ERR_EXISTS, "record"},
        {5, ERR_EXISTS, "resident_code"},
        {6, ERR_DOOR_AREA, "area_code"},
    };
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_int_equal(s.lines[i], want[i].line);
        assert_int_equal(s.errors[i], want[i].error);
        assert_string_equal(s.fields[i], want[i].field);
    }
    scene_load(&s, STR(HEADER TARO HANAKO)); /* once more: all there */
    assert_int_equal(s.result.taken, 0);
    assert_int_equal(s.result.first_change, 0);
    assert_int_equal(scene_status(&s).changes, 2);
    scene_close(&s);
}

static void cp932_is_read_on(const char *url)
{
    struct scene s;
    struct look l;
    char in[] = HEADER TARO, out[4096], *from = in, *to = out;
    size_t left = strlen(in), room = sizeof out;
    iconv_t cd = iconv_open("CP932", "UTF-8");
    assert_int_equal(iconv(cd, &from, &left, &to, &room), 0);
    iconv_close(cd);
    scene_open(&s, url);
    scene_load(&s, (struct str){out, sizeof out - room});
    assert_int_equal(s.result.taken, 1);
    assert_non_null(strstr(scene_change(&s, &l, 1), "西宮　太郎"));
    scene_close(&s);
}

static void events_become_legal_changes_or_stay_inside_on(const char *url)
{
    struct scene s;
    struct look l;
    scene_open(&s, url);
    scene_load(&s, STR(HEADER TARO HANAKO));
    scene_apply(
        &s,
        "{\"event\":\"e1\",\"reason\":\"move_within\",\"change_date\":\"2026-04-03\",\"record\":\"r-1\","
        "\"set\":{\"address\":\"兵庫県西宮市甲子園口1丁目\",\"household_number\":\"h-7\",\"relationship\":"
        "\"世帯主\"}}\n"
        "\n"
        "{\"event\":\"e2\",\"reason\":\"householder_change\",\"change_date\":\"2026-04-04\",\"resident_"
        "code\":\"24846016224\",\"set\":{\"relationship\":\"世帯主\"}}\n"
        "{\"event\":\"e3\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-05-01\",\"planned\":true,"
        "\"record\":\"r-2\",\"moved_to_area_code\":\"282065\",\"moved_to_address\":\"兵庫県芦屋市精道町\"}\n"
        "{\"event\":\"e4\",\"reason\":\"cancelled_removal\",\"change_date\":\"2026-05-02\",\"record\":\"r-"
        "2\",\"cancels\":\"e3\"}\n"
        "{\"event\":\"e5\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-1\"}\n");
    assert_int_equal(s.refusals, 0);
    assert_int_equal(s.result.taken, 5);
    assert_int_equal(s.result.first_change, 3);
    assert_int_equal(s.result.last_change, 6); /* the household's change stayed inside */
    assert_non_null(strstr(scene_change(&s, &l, 3), "\"change_reason\":\"move_within\""));
    assert_non_null(strstr(l.body, "甲子園口"));
    assert_non_null(strstr(scene_change(&s, &l, 4),
                           "\"change_reason\":\"move_out\",\"change_date\":\"2026-05-01\",\"planned\":true"));
    assert_non_null(strstr(scene_change(&s, &l, 5), "\"change_reason\":\"ex_officio_entry\""));
    assert_non_null(strstr(scene_change(&s, &l, 6), "\"change_reason\":\"death\""));
    assert_int_equal(scene_status(&s).residents, 1);
    assert_int_equal(scene_status(&s).removed, 1);
    scene_close(&s);
}

static void what_cannot_be_done_is_refused_and_changes_nothing_on(const char *url)
{
    struct scene s;
    scene_open(&s, url);
    scene_load(&s, STR(HEADER TARO HANAKO));
    scene_apply(
        &s, "{\"event\":\"e1\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-1\"}\n"
            "{\"event\":\"e1\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-2\"}\n"
            "{\"event\":\"e2\",\"reason\":\"move_within\",\"change_date\":\"2026-06-02\",\"record\":\"r-"
            "1\",\"set\":{\"address\":\"兵庫県西宮市\"}}\n"
            "{\"event\":\"e3\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-9\"}\n"
            "{\"event\":\"e4\",\"reason\":\"cancelled_removal\",\"change_date\":\"2026-06-01\",\"record\":"
            "\"r-2\",\"cancels\":\"e1\"}\n"
            "{\"event\":\"e5\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-2\","
            "\"resident_code\":\"24727059608\"}\n"
            "not json\n"
            "{\"event\":\"e6\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-01\","
            "\"record\":\"r-2\",\"set\":{\"resident_code\":\"24727059608\"}}\n");
    static const enum err want[] = {ERR_JSON,  ERR_EXISTS,         ERR_STATE, ERR_NOT_FOUND,
                                    ERR_STATE, ERR_CHANGE_SUBJECT, ERR_EXISTS};
    assert_int_equal(
        s.refusals,
        COUNT_OF(want)); /* what is no event at all is told at once, the others after the commit */
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_int_equal(s.errors[i], want[i]);
    assert_int_equal(s.result.taken, 1);
    assert_int_equal(scene_status(&s).changes, 3);
    scene_close(&s);
}

static void a_person_who_comes_back_keeps_the_code_on(const char *url)
{
    struct scene s;
    struct look l;
    scene_open(&s, url);
    scene_load(&s, STR(HEADER TARO));
#define BACK(event, record)                                                                                     \
    "{\"event\":\"" event                                                                                       \
    "\",\"reason\":\"domestic_move_in\",\"change_date\":\"2026-07-01\",\"record\":\"" record                    \
    "\",\"set\":{\"household_number\":\"h-1\",\"relationship\":\"世帯主\",\"name\":\"西宮　太郎\","     \
    "\"birth_date\":\"1980-01-02\",\"sex\":\"male\",\"area_code\":\"282049\",\"address\":"                      \
    "\"兵庫県西宮市甲子園\","                                                                          \
    "\"honseki_area_code\":\"282049\",\"honseki\":\"兵庫県西宮市\",\"honseki_head\":\"西宮　太郎\"," \
    "\"resident_code\":\"24727059608\"}}\n"
    scene_apply(&s,
                BACK("e1", "r-8") "{\"event\":\"e2\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-"
                                  "06-01\",\"record\":\"r-1\"}\n" BACK("e3", "r-9"));
    assert_int_equal(s.refusals, 1);
    assert_int_equal(s.errors[0], ERR_EXISTS);
    assert_non_null(strstr(scene_change(&s, &l, 3), "\"change_reason\":\"move_in\""));
    assert_int_equal(scene_status(&s).residents, 1);
    assert_int_equal(scene_status(&s).removed, 1);
    scene_close(&s);
}

static void a_code_or_number_change_names_the_old_one_on(const char *url)
{
    struct scene s;
    struct look l;
    scene_open(&s, url);
    scene_load(&s, STR(HEADER TARO));
    scene_apply(&s, "{\"event\":\"e1\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-01\","
                    "\"record\":\"r-1\",\"set\":{\"resident_code\":\"25208017643\"}}\n"
                    "{\"event\":\"e2\",\"reason\":\"number_change_request\",\"change_date\":\"2026-06-02\","
                    "\"resident_code\":\"24727059608\",\"set\":{\"individual_number\":\"454972364860\"}}\n");
    assert_int_equal(s.refusals, 0);
    assert_non_null(strstr(scene_change(&s, &l, 2), "\"resident_code\":\"25208017643\""));
    assert_non_null(strstr(l.body, "\"old_resident_code\":\"24727059608\""));
    assert_non_null(strstr(scene_change(&s, &l, 3), "\"old_individual_number\":\"379474484458\""));
    assert_non_null(strstr(l.body, "\"individual_number\":\"454972364860\""));
    scene_apply(&s, "{\"event\":\"e3\",\"reason\":\"cancelled_amendment\",\"change_date\":\"2026-06-03\","
                    "\"record\":\"r-1\",\"cancels\":\"e2\"}\n"
                    "{\"event\":\"e4\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-04\","
                    "\"record\":\"r-1\",\"set\":{\"resident_code\":\"24846016224\"}}\n"
                    "{\"event\":\"e5\",\"reason\":\"cancelled_amendment\",\"change_date\":\"2026-06-05\","
                    "\"record\":\"r-1\",\"cancels\":\"e4\"}\n");
    assert_int_equal(s.refusals, 2); /* what was given up is not taken back */
    assert_int_equal(s.errors[0], ERR_STATE);
    assert_int_equal(s.errors[1], ERR_STATE);
    scene_close(&s);
}

static void a_wrong_code_is_corrected_and_free_again_on(const char *url)
{
    struct scene s;
    struct look l;
    scene_open(&s, url);
    scene_load(&s, STR(HEADER TARO));
    scene_apply(&s, "{\"event\":\"e1\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-01\","
                    "\"record\":\"r-1\",\"set\":{\"resident_code\":\"25208017643\"}}\n"
                    "{\"event\":\"e2\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-01\","
                    "\"corrects\":\"e1\","
                    "\"record\":\"r-1\",\"set\":{\"resident_code\":\"24846016224\"}}\n"
                    "{\"event\":\"e3\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-02\","
                    "\"corrects\":\"e1\","
                    "\"record\":\"r-1\",\"set\":{\"resident_code\":\"25208017643\"}}\n"
                    "{\"event\":\"e4\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-02\","
                    "\"corrects\":\"e2\","
                    "\"record\":\"r-1\",\"set\":{\"resident_code\":\"25208017643\"}}\n");
    assert_int_equal(s.refusals, 1); /* e1 gave another code than the present one */
    assert_int_equal(s.errors[0], ERR_STATE);
    assert_non_null(strstr(scene_change(&s, &l, 3), "\"replaces\":2"));
    assert_non_null(strstr(l.body, "\"resident_code\":\"24846016224\""));
    assert_non_null(strstr(l.body, "\"old_resident_code\":\"24727059608\""));
    assert_non_null(strstr(scene_change(&s, &l, 4), "\"replaces\":3")); /* the first wrong one was free */
    assert_non_null(strstr(l.body, "\"old_resident_code\":\"24727059608\""));
    scene_close(&s);
}

struct seen_provisional {
    char text[256];
};
static void note_provisional(void *arg, const struct register_provisional *p)
{
    struct seen_provisional *seen = arg;
    char day[DATE_TEXT_SIZE];
    size_t n = strlen(seen->text);
    assert_true(p->since > 0);
    snprintf(seen->text + n, sizeof seen->text - n, "%.*s %.*s %s %s;", STR_ARG(p->event), STR_ARG(p->record),
             municipal_row(p->reason)->name, date_text(p->date, day));
}

static void provisional_entries_leave_only_when_confirmed_on(const char *url)
{
    static const char line[] =
        "{\"event\":\"e1\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-1\"}";
    struct scene s;
    int64_t number = -1;
    scene_open(&s, url);
    scene_load(&s, STR(HEADER TARO));
    assert_err(
        register_enter_event(
            s.r, NULL,
            STR("{\"event\":\"e0\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-7\"}"),
            true, &number),
        ERR_NOT_FOUND);
    assert_ok(register_enter_event(s.r, NULL, str_of(line), true, &number));
    assert_int_equal(number, 0);
    assert_int_equal(scene_status(&s).changes, 1);
    assert_int_equal(scene_status(&s).residents, 1);
    assert_int_equal(scene_status(&s).provisional, 1);
    assert_err(register_enter_event(s.r, NULL, str_of(line), true, &number), ERR_EXISTS);
    struct seen_provisional p = {0};
    assert_ok(register_provisionals(s.r, NULL, note_provisional, &p));
    assert_string_equal(p.text, "e1 r-1 death 2026-06-01;");
    assert_ok(register_confirm(s.r, NULL, STR("e1"), &number));
    assert_int_equal(number, 2);
    assert_int_equal(scene_status(&s).provisional, 0);
    assert_int_equal(scene_status(&s).removed, 1);
    assert_err(register_confirm(s.r, NULL, STR("e1"), &number), ERR_NOT_FOUND);
    assert_err(register_withdraw(s.r, NULL, STR("e1")), ERR_NOT_FOUND);
    scene_close(&s);
}

static void a_file_is_entered_provisionally_and_withdrawn_on(const char *url)
{
    struct scene s;
    struct seen_provisional p = {0};
    scene_open(&s, url);
    scene_load(&s, STR(HEADER TARO HANAKO));
    scene_enter(
        &s, "{\"event\":\"e1\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-2\"}\n\n"
            "{\"event\":\"e2\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-7\"}\n"
            "{\"event\":\"e3\",\"reason\":\"move_out_abroad\",\"change_date\":\"2026-06-02\","
            "\"resident_code\":\"24727059608\"}\n");
    assert_int_equal(s.result.rows, 3);
    assert_int_equal(s.result.taken, 2);
    assert_int_equal(s.result.last_change, 0);
    assert_int_equal(s.refusals, 1);
    assert_int_equal(s.lines[0], 3);
    assert_int_equal(s.errors[0], ERR_NOT_FOUND);
    assert_int_equal(scene_status(&s).changes, 2);
    assert_ok(register_provisionals(s.r, NULL, note_provisional, &p));
    assert_string_equal(p.text, "e1 r-2 death 2026-06-01;e3  move_out_abroad 2026-06-02;");
    assert_ok(register_withdraw(s.r, NULL, STR("e1")));
    assert_ok(register_withdraw(s.r, NULL, STR("e3")));
    assert_int_equal(scene_status(&s).provisional, 0);
    assert_int_equal(scene_status(&s).residents, 2);
    assert_int_equal(scene_status(&s).changes, 2);
    scene_close(&s);
}

/* ---- the register against a store of the network that took its changes ---- */

static const struct db_module *const store_modules[] = {&store_module};
struct mirror {
    struct scene *scene;
    struct db *store;
    int64_t number;
    struct look look;
};
static enum err mirror_change(struct db_tx *tx, struct fail *f, void *arg)
{
    struct mirror *m = arg;
    struct store_version v = {.entry = (uint64_t)m->number, .source = m->number};
    struct arena a;
    struct json *tree;

    arena_init(&a, 1 << 20);
    assert_ok(json_read(NULL, str_of(m->look.body), &tree));
    assert_ok(identity_json_read(NULL, json_get(tree, "identity"), &a, &v.identity, &v.change));
    json_free(tree);
    enum err e = store_apply(tx, f, &v);
    arena_release(&a);
    return e;
}

struct digests {
    struct {
        int32_t area;
        int64_t current, leaving, removed;
        uint8_t digest[32];
    } rows[4];
    size_t count;
};
static void note_digest(void *arg, struct area_code area, int64_t current, int64_t leaving, int64_t removed,
                        const uint8_t digest[static 32])
{
    struct digests *d = arg;
    d->rows[d->count].area = area.value;
    d->rows[d->count].current = current;
    d->rows[d->count].leaving = leaving;
    d->rows[d->count].removed = removed;
    memcpy(d->rows[d->count++].digest, digest, 32);
}
static void note_store_digest(void *arg, const struct store_area_count *c)
{
    note_digest(arg, c->area, c->current, c->leaving, c->removed, c->digest);
}

static void the_census_is_that_of_a_store_which_took_the_changes_on(const char *url)
{
    struct scene s;
    struct mirror m = {.scene = &s};
    struct digests ours = {0}, theirs = {0};
    scene_open(&s, url);
    scene_load(&s, STR(HEADER TARO HANAKO));
    scene_apply(
        &s, "{\"event\":\"e1\",\"reason\":\"move_within\",\"change_date\":\"2026-04-03\",\"record\":\"r-"
            "1\",\"set\":{\"address\":\"兵庫県西宮市甲子園口1丁目\",\"postal_code\":\"6638113\"}}\n"
            "{\"event\":\"e2\",\"reason\":\"householder_change\",\"change_date\":\"2026-04-04\",\"record\":"
            "\"r-2\",\"set\":{\"relationship\":\"世帯主\"}}\n"
            "{\"event\":\"e3\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-01\","
            "\"record\":\"r-1\",\"set\":{\"resident_code\":\"25208017643\"}}\n"
            "{\"event\":\"e4\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-06-05\",\"planned\":"
            "true,\"record\":\"r-2\"}\n"
            "{\"event\":\"e5\",\"reason\":\"entry_rewritten\",\"change_date\":\"2026-06-06\",\"record\":"
            "\"r-1\"}\n"
            "{\"event\":\"e6\",\"reason\":\"cancelled_removal\",\"change_date\":\"2026-06-07\",\"record\":"
            "\"r-2\",\"cancels\":\"e4\"}\n"
            "{\"event\":\"e7\",\"reason\":\"death\",\"change_date\":\"2026-06-08\",\"record\":\"r-2\"}\n");
    assert_int_equal(s.refusals, 0);
    assert_ok(db_open(NULL, sqlite_fresh(), store_modules, 1, &m.store));
    for (m.number = 1; m.number <= s.result.last_change; m.number++) {
        scene_change(&s, &m.look, m.number);
        assert_ok(db_transaction(m.store, NULL, mirror_change, &m));
    }
    assert_ok(register_census(s.r, NULL, note_digest, &ours));
    assert_ok(store_census(m.store, NULL, note_store_digest, &theirs));
    assert_int_equal(ours.count, 1);
    assert_int_equal(ours.rows[0].current, 1);
    assert_int_equal(ours.rows[0].removed, 1);
    assert_memory_equal(&ours, &theirs, sizeof ours);
    db_close(m.store);
    scene_close(&s);
}

/* ---- ranges: against the plain truth, one letter a change ---- */

enum { CHANGES = 60, COUNTED_SEEDS = 10 };
struct truth {
    char state[CHANGES + 1];
    uint64_t seed;
};
/* Every stretch, counted letter by letter. */
static enum err count_stretches(struct db_tx *tx, struct fail *f, const struct truth *t)
{
    for (int64_t first = 1; first <= CHANGES; first++)
        for (int64_t last = first; last <= CHANGES; last += 1 + last % 7) {
            struct register_outcome expected = {0}, counted;
            for (int64_t n = first; n <= last; n++) {
                expected.applied += t->state[n] == 'a';
                expected.waiting += t->state[n] == 'w';
                expected.refused += t->state[n] == 'r';
                expected.replaced += t->state[n] == 'c';
                expected.unknown += !t->state[n];
            }
            enum err e = change_range_count(tx, f, first, last, &counted);
            if (e)
                return e;
            if (memcmp(&counted, &expected, sizeof counted) != 0)
                fail_msg("seed %llu: changes %d to %d are miscounted", (unsigned long long)t->seed,
                         (int)first, (int)last);
        }
    return ERR_OK;
}

static enum err play_ranges(struct db_tx *tx, struct fail *f, void *arg)
{
    struct truth *t = arg;
    uint64_t x = t->seed;
    enum err e = ERR_OK;

    memset(t->state, 0, sizeof t->state);
    for (int step = 0; !e && step < 40; step++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        int64_t first = 1 + (int64_t)(x >> 33) % CHANGES, last = first + (int64_t)(x >> 45) % 12;
        char state = "awrc"[(x >> 60) % 4];
        if (last > CHANGES)
            last = CHANGES;
        bool heard = (x >> 58) % 2 && (state == 'w' || state == 'r');
        e = (heard ? change_trouble_put : change_range_put)(tx, f, first, last, state, ERR_OK, STR(""));
        for (int64_t n = first; n <= last; n++)
            if (!heard || t->state[n] != 'c')
                t->state[n] = state;
    }
    for (int64_t n = 1; !e && n <= CHANGES; n++) {
        char state;
        enum err error;
        e = change_range_find(tx, f, n, &state, &error);
        if (!e && state != t->state[n])
            fail_msg("seed %llu: change %d is '%c' instead of '%c'", (unsigned long long)t->seed, (int)n,
                     state, t->state[n]);
    }
    if (!e && t->seed <= COUNTED_SEEDS)
        e = count_stretches(tx, f, t);
    return e ? e : fail_set(f, ERR_STOPPING, NULL, NULL); /* undone: the next seed starts empty */
}

static void ranges_say_what_the_last_word_was(void **state)
{
    struct scene s;
    (void)state;
    scene_open(&s, sqlite_fresh());
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct truth t = {.seed = seed};
        assert_err(db_transaction(s.db, NULL, play_ranges, &t), ERR_STOPPING);
    }
    scene_close(&s);
}

/* Ranges longer than a page, and two that touch: each change once, in order, with its record. */
static enum err put_two_ranges(struct db_tx *tx, struct fail *f, void *arg)
{
    (void)arg;
    enum err e = change_range_put(tx, f, 2, 450, 'w', ERR_NUMBER_TAKEN, STR("individual_number"));
    return e ? e : change_range_put(tx, f, 451, 500, 'r', ERR_STATE, STR(""));
}
static void note_order(void *arg, const struct register_problem *problem)
{
    int64_t *last = arg;
    assert_int_equal(problem->change, *last + 1);
    assert_int_equal(problem->state, problem->change <= 450 ? 'w' : 'r');
    assert_int_equal(problem->error, problem->change <= 450 ? ERR_NUMBER_TAKEN : ERR_STATE);
    assert_string_equal(problem->record, problem->change == 2 ? "r-2" : "");
    *last = problem->change;
}
static void many_problems_are_listed_once_each_on(const char *url)
{
    struct scene s;
    int64_t last = 1;
    scene_open(&s, url);
    scene_load(&s, STR(HEADER TARO HANAKO));
    assert_ok(db_transaction(s.db, NULL, put_two_ranges, NULL));
    assert_ok(register_problems(s.r, NULL, note_order, &last));
    assert_int_equal(last, 500);
    scene_close(&s);
}

#define ON_BOTH(test)                                                                                        \
    static void test(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        both_stores(test##_on);                                                                              \
    }
ON_BOTH(residents_are_loaded_and_queued)
ON_BOTH(a_bad_row_loses_nothing_else)
ON_BOTH(cp932_is_read)
ON_BOTH(events_become_legal_changes_or_stay_inside)
ON_BOTH(what_cannot_be_done_is_refused_and_changes_nothing)
ON_BOTH(a_person_who_comes_back_keeps_the_code)
ON_BOTH(a_code_or_number_change_names_the_old_one)
ON_BOTH(a_wrong_code_is_corrected_and_free_again)
ON_BOTH(the_census_is_that_of_a_store_which_took_the_changes)
ON_BOTH(provisional_entries_leave_only_when_confirmed)
ON_BOTH(many_problems_are_listed_once_each)
ON_BOTH(a_file_is_entered_provisionally_and_withdrawn)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residents_are_loaded_and_queued),
        cmocka_unit_test(a_bad_row_loses_nothing_else),
        cmocka_unit_test(cp932_is_read),
        cmocka_unit_test(events_become_legal_changes_or_stay_inside),
        cmocka_unit_test(what_cannot_be_done_is_refused_and_changes_nothing),
        cmocka_unit_test(a_person_who_comes_back_keeps_the_code),
        cmocka_unit_test(a_code_or_number_change_names_the_old_one),
        cmocka_unit_test(a_wrong_code_is_corrected_and_free_again),
        cmocka_unit_test(the_census_is_that_of_a_store_which_took_the_changes),
        cmocka_unit_test(provisional_entries_leave_only_when_confirmed),
        cmocka_unit_test(many_problems_are_listed_once_each),
        cmocka_unit_test(a_file_is_entered_provisionally_and_withdrawn),
        cmocka_unit_test(ranges_say_what_the_last_word_was),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_clean);
}
