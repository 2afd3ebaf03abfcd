/* SPDX-License-Identifier: Apache-2.0 */
#include "register/register.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "door_stage.h"
#include "register/register_inside.h"
#include "store/store.h"
#include "stores.h"
#include "test.h"

#include <iconv.h>
#include <stdlib.h>
#include <unistd.h>

static const struct db_module *const modules[] = {&register_module};
static char path[64];

/* ---- a register on its own ---- */

struct scene {
    struct db *db;
    struct resident_register *r;
    struct register_result result;
    int64_t lines[16];
    enum err errors[16];
    char fields[16][48];
    size_t refusals;
};

static void open_scene(struct scene *s, const char *url)
{
    memset(s, 0, sizeof *s);
    assert_ok(db_open(NULL, url, modules, 1, &s->db));
    assert_ok(register_new(NULL, &(struct register_config){.area = {STAGE_AREA}, .db = s->db}, &s->r));
}

static void close_scene(struct scene *s)
{
    register_free(s->r);
    db_close(s->db);
}

static void note_refusal(void *arg, int64_t line, const struct fail *f)
{
    struct scene *s = arg;

    if (s->refusals < COUNT_OF(s->lines)) {
        s->lines[s->refusals] = line;
        s->errors[s->refusals] = f->err;
        snprintf(s->fields[s->refusals], sizeof s->fields[0], "%s", f->field);
    }
    s->refusals++;
}

static void load(struct scene *s, struct str csv)
{
    s->refusals = 0;
    assert_ok(file_write(NULL, path, csv, 0600));
    assert_ok(register_load(s->r, NULL, path, NULL, note_refusal, s, &s->result));
}

static void apply(struct scene *s, const char *lines)
{
    s->refusals = 0;
    assert_ok(file_write(NULL, path, str_of(lines), 0600));
    assert_ok(register_apply(s->r, NULL, path, NULL, note_refusal, s, &s->result));
}

static struct register_status status(struct scene *s)
{
    struct register_status out;

    assert_ok(register_status(s->r, NULL, &out));
    return out;
}

/* The queued JSON of a change, or "". */
struct look {
    int64_t number;
    char body[4096];
};
#include "register/register_sql.h"
static enum err look_up(struct db_tx *tx, struct fail *f, void *arg)
{
    struct look *l = arg;
    struct db_rows rows;

    l->body[0] = 0;
    db_query(tx, &rows, &sql_register_change_after, DB(db_int(l->number - 1), db_int(1)));
    if (db_next(&rows) && db_row_int(&rows, 0) == l->number) {
        struct str body = db_row_text(&rows, 1);
        snprintf(l->body, sizeof l->body, "%.*s", STR_ARG(body));
    }
    return db_done(&rows, f);
}

static const char *change(struct scene *s, struct look *l, int64_t number)
{
    l->number = number;
    assert_ok(db_read(s->db, NULL, look_up, l));
    return l->body;
}

#define HEADER                                                                                               \
    "record,household_number,relationship,name,name_kana,birth_date,sex,area_code,address,honseki_area_"     \
    "code,honseki,"                                                                                          \
    "honseki_head,resident_since,entry_reason,resident_code,individual_number\n"
#define TARO                                                                                                                        \
    "r-1,h-1,世帯主,西宮　太郎,ニシノミヤ　タロウ,1980-01-02,male,282049,兵庫県西宮市六湛寺町10番3号," \
    "282049,兵庫県西宮市,"                                                                                                    \
    "西宮　太郎,2010-04-01,domestic_move_in,24727059608,379474484458\n"
#define HANAKO                                                                                                                         \
    "r-2,h-1,妻,西宮　花子,ニシノミヤ　ハナコ,1982-00-00,female,282049,兵庫県西宮市六湛寺町10番3号,282049," \
    "兵庫県西宮市,"                                                                                                              \
    "西宮　太郎,2010-04-01,domestic_move_in,24846016224,454972364860\n"

static void residents_are_loaded_and_queued_on(const char *url)
{
    struct scene s;
    struct look l;
    open_scene(&s, url);
    load(&s, STR(HEADER TARO HANAKO));
    assert_int_equal(s.result.rows, 2);
    assert_int_equal(s.result.taken, 2);
    assert_int_equal(s.result.first_change, 1);
    assert_int_equal(s.result.last_change, 2);
    assert_int_equal(status(&s).residents, 2);
    assert_non_null(strstr(change(&s, &l, 1), "{\"number\":1,\"identity\":{\"resident_code\":\"24727059608\","
                                              "\"individual_number\":\"379474484458\""));
    assert_non_null(
        strstr(l.body, "\"change\":{\"change_reason\":\"move_in\",\"change_date\":\"2010-04-01\"}"));
    assert_null(strstr(l.body, "honseki"));
    assert_null(strstr(l.body, "世帯主"));
    close_scene(&s);
}

static void a_bad_row_loses_nothing_else_on(const char *url)
{
    struct scene s;
    open_scene(&s, url);
    load(&s, STR(HEADER TARO "r-3,h-2,世帯主,灘　次郎,,1970-13-01,male,282049,兵庫県西宮市甲子園,282049,"
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
    load(&s, STR(HEADER TARO HANAKO)); /* once more: all there */
    assert_int_equal(s.result.taken, 0);
    assert_int_equal(s.result.first_change, 0);
    assert_int_equal(status(&s).changes, 2);
    close_scene(&s);
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
    open_scene(&s, url);
    load(&s, (struct str){out, sizeof out - room});
    assert_int_equal(s.result.taken, 1);
    assert_non_null(strstr(change(&s, &l, 1), "西宮　太郎"));
    close_scene(&s);
}

static void events_become_legal_changes_or_stay_inside_on(const char *url)
{
    struct scene s;
    struct look l;
    open_scene(&s, url);
    load(&s, STR(HEADER TARO HANAKO));
    apply(
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
    assert_non_null(strstr(change(&s, &l, 3), "\"change_reason\":\"move_within\""));
    assert_non_null(strstr(l.body, "甲子園口"));
    assert_non_null(strstr(change(&s, &l, 4),
                           "\"change_reason\":\"move_out\",\"change_date\":\"2026-05-01\",\"planned\":true"));
    assert_non_null(strstr(change(&s, &l, 5), "\"change_reason\":\"ex_officio_entry\""));
    assert_non_null(strstr(change(&s, &l, 6), "\"change_reason\":\"death\""));
    assert_int_equal(status(&s).residents, 1);
    assert_int_equal(status(&s).removed, 1);
    close_scene(&s);
}

static void what_cannot_be_done_is_refused_and_changes_nothing_on(const char *url)
{
    struct scene s;
    open_scene(&s, url);
    load(&s, STR(HEADER TARO HANAKO));
    apply(&s, "{\"event\":\"e1\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-1\"}\n"
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
    assert_int_equal(status(&s).changes, 3);
    close_scene(&s);
}

static void a_person_who_comes_back_keeps_the_code_on(const char *url)
{
    struct scene s;
    struct look l;
    open_scene(&s, url);
    load(&s, STR(HEADER TARO));
#define BACK(event, record)                                                                                     \
    "{\"event\":\"" event                                                                                       \
    "\",\"reason\":\"domestic_move_in\",\"change_date\":\"2026-07-01\",\"record\":\"" record                    \
    "\",\"set\":{\"household_number\":\"h-1\",\"relationship\":\"世帯主\",\"name\":\"西宮　太郎\","     \
    "\"birth_date\":\"1980-01-02\",\"sex\":\"male\",\"area_code\":\"282049\",\"address\":"                      \
    "\"兵庫県西宮市甲子園\","                                                                          \
    "\"honseki_area_code\":\"282049\",\"honseki\":\"兵庫県西宮市\",\"honseki_head\":\"西宮　太郎\"," \
    "\"resident_code\":\"24727059608\"}}\n"
    apply(&s, BACK("e1", "r-8") "{\"event\":\"e2\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-"
                                "06-01\",\"record\":\"r-1\"}\n" BACK("e3", "r-9"));
    assert_int_equal(s.refusals, 1);
    assert_int_equal(s.errors[0], ERR_EXISTS);
    assert_non_null(strstr(change(&s, &l, 3), "\"change_reason\":\"move_in\""));
    assert_int_equal(status(&s).residents, 1);
    assert_int_equal(status(&s).removed, 1);
    close_scene(&s);
}

static void a_code_or_number_change_names_the_old_one_on(const char *url)
{
    struct scene s;
    struct look l;
    open_scene(&s, url);
    load(&s, STR(HEADER TARO));
    apply(&s, "{\"event\":\"e1\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-01\","
              "\"record\":\"r-1\",\"set\":{\"resident_code\":\"25208017643\"}}\n"
              "{\"event\":\"e2\",\"reason\":\"number_change_request\",\"change_date\":\"2026-06-02\","
              "\"resident_code\":\"24727059608\",\"set\":{\"individual_number\":\"454972364860\"}}\n");
    assert_int_equal(s.refusals, 0);
    assert_non_null(strstr(change(&s, &l, 2), "\"resident_code\":\"25208017643\""));
    assert_non_null(strstr(l.body, "\"old_resident_code\":\"24727059608\""));
    assert_non_null(strstr(change(&s, &l, 3), "\"old_individual_number\":\"379474484458\""));
    assert_non_null(strstr(l.body, "\"individual_number\":\"454972364860\""));
    apply(&s, "{\"event\":\"e3\",\"reason\":\"cancelled_amendment\",\"change_date\":\"2026-06-03\","
              "\"record\":\"r-1\",\"cancels\":\"e2\"}\n"
              "{\"event\":\"e4\",\"reason\":\"code_change_request\",\"change_date\":\"2026-06-04\","
              "\"record\":\"r-1\",\"set\":{\"resident_code\":\"24846016224\"}}\n"
              "{\"event\":\"e5\",\"reason\":\"cancelled_amendment\",\"change_date\":\"2026-06-05\","
              "\"record\":\"r-1\",\"cancels\":\"e4\"}\n");
    assert_int_equal(s.refusals, 2); /* what was given up is not taken back */
    assert_int_equal(s.errors[0], ERR_STATE);
    assert_int_equal(s.errors[1], ERR_STATE);
    close_scene(&s);
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
    open_scene(&s, url);
    load(&s, STR(HEADER TARO));
    assert_err(
        register_enter_event(
            s.r, NULL,
            STR("{\"event\":\"e0\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-7\"}"),
            true, &number),
        ERR_NOT_FOUND);
    assert_ok(register_enter_event(s.r, NULL, str_of(line), true, &number));
    assert_int_equal(number, 0);
    assert_int_equal(status(&s).changes, 1);
    assert_int_equal(status(&s).residents, 1);
    assert_int_equal(status(&s).provisional, 1);
    assert_err(register_enter_event(s.r, NULL, str_of(line), true, &number), ERR_EXISTS);
    struct seen_provisional p = {0};
    assert_ok(register_provisionals(s.r, NULL, note_provisional, &p));
    assert_string_equal(p.text, "e1 r-1 death 2026-06-01;");
    assert_ok(register_confirm(s.r, NULL, STR("e1"), &number));
    assert_int_equal(number, 2);
    assert_int_equal(status(&s).provisional, 0);
    assert_int_equal(status(&s).removed, 1);
    assert_err(register_confirm(s.r, NULL, STR("e1"), &number), ERR_NOT_FOUND);
    assert_err(register_withdraw(s.r, NULL, STR("e1")), ERR_NOT_FOUND);
    close_scene(&s);
}

static void a_file_is_entered_provisionally_and_withdrawn_on(const char *url)
{
    struct scene s;
    struct seen_provisional p = {0};
    open_scene(&s, url);
    load(&s, STR(HEADER TARO HANAKO));
    s.refusals = 0;
    assert_ok(file_write(
        NULL, path,
        STR("{\"event\":\"e1\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-2\"}\n\n"
            "{\"event\":\"e2\",\"reason\":\"death\",\"change_date\":\"2026-06-01\",\"record\":\"r-7\"}\n"
            "{\"event\":\"e3\",\"reason\":\"move_out_abroad\",\"change_date\":\"2026-06-02\","
            "\"resident_code\":\"24727059608\"}\n"),
        0600));
    assert_ok(register_enter_file(s.r, NULL, path, NULL, note_refusal, &s, &s.result));
    assert_int_equal(s.result.rows, 3);
    assert_int_equal(s.result.taken, 2);
    assert_int_equal(s.result.last_change, 0);
    assert_int_equal(s.refusals, 1);
    assert_int_equal(s.lines[0], 3);
    assert_int_equal(s.errors[0], ERR_NOT_FOUND);
    assert_int_equal(status(&s).changes, 2);
    assert_ok(register_provisionals(s.r, NULL, note_provisional, &p));
    assert_string_equal(p.text, "e1 r-2 death 2026-06-01;e3  move_out_abroad 2026-06-02;");
    assert_ok(register_withdraw(s.r, NULL, STR("e1")));
    assert_ok(register_withdraw(s.r, NULL, STR("e3")));
    assert_int_equal(status(&s).provisional, 0);
    assert_int_equal(status(&s).residents, 2);
    assert_int_equal(status(&s).changes, 2);
    close_scene(&s);
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
    open_scene(&s, url);
    load(&s, STR(HEADER TARO HANAKO));
    apply(&s, "{\"event\":\"e1\",\"reason\":\"move_within\",\"change_date\":\"2026-04-03\",\"record\":\"r-"
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
        change(&s, &m.look, m.number);
        assert_ok(db_transaction(m.store, NULL, mirror_change, &m));
    }
    assert_ok(register_census(s.r, NULL, note_digest, &ours));
    assert_ok(store_census(m.store, NULL, true, note_store_digest, &theirs));
    assert_int_equal(ours.count, 1);
    assert_int_equal(ours.rows[0].current, 1);
    assert_int_equal(ours.rows[0].removed, 1);
    assert_memory_equal(&ours, &theirs, sizeof ours);
    db_close(m.store);
    close_scene(&s);
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
    open_scene(&s, sqlite_fresh());
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct truth t = {.seed = seed};
        assert_err(db_transaction(s.db, NULL, play_ranges, &t), ERR_STOPPING);
    }
    close_scene(&s);
}

/* ---- through the door ---- */

static struct door_stage stage;

static void open_linked(struct scene *s, char url[static 96])
{
    memset(s, 0, sizeof *s);
    snprintf(url, 96, "%s/register.db", stage.folder);
    assert_ok(db_open(NULL, url, modules, 1, &s->db));
    assert_ok(register_new(NULL,
                           &(struct register_config){.area = {STAGE_AREA},
                                                     .door_url = stage.url,
                                                     .tls_key_path = stage.key,
                                                     .tls_certificate_path = stage.certificate,
                                                     .ca_path = stage.ca,
                                                     .db = s->db},
                           &s->r));
}

#define WAIT_FOR(condition)                                                                                  \
    do {                                                                                                     \
        int64_t until_ = clock_steady() + 20 * 1000000;                                                      \
        while (!(condition)) {                                                                               \
            if (clock_steady() > until_)                                                                     \
                fail_msg("never came: %s", #condition);                                                      \
            usleep(5000);                                                                                    \
        }                                                                                                    \
    } while (0)

static void changes_go_through_the_door_once_and_in_order(void **state)
{
    struct scene s;
    char url[96];
    const int64_t *numbers;
    struct look l;
    struct resident_code code;
    (void)state;
    door_stage_open(&stage, false);
    open_linked(&s, url);
    /* Hanako has neither code nor number: the code is drawn, the number comes later */
    load(&s, STR(HEADER TARO
                 "r-2,h-1,妻,西宮　花子,,1982-00-00,female,282049,兵庫県西宮市六湛寺町,282049,兵庫県西宮市,"
                 "西宮　太郎,2010-04-01,domestic_move_in,,\n"));
    assert_int_equal(s.result.taken, 2);
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(status(&s).taken == 2);
    assert_true(status(&s).door_connected);
    assert_int_equal(door_stage_taken(&numbers, NULL), 2);
    change(&s, &l, 2);
    assert_ok(resident_code_parse(NULL, (struct str){strstr(l.body, "resident_code") + 16, 11}, &code));
    door_stage_number(&stage, code, (struct individual_number){454972364860}, 2);
    door_stage_outcome(&stage, 1, 2, 'a', ERR_OK);
    WAIT_FOR(status(&s).applied == 2);
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
    WAIT_FOR(status(&s).taken == 52);
    assert_int_equal(door_stage_taken(&numbers, NULL), 52);
    for (int64_t i = 0; i < 52; i++)
        assert_int_equal(numbers[i], i + 1);
    /* the number reached the record: the next change carries it */
    int64_t number;
    WAIT_FOR(
        register_enter_event(s.r, NULL,
                             STR("{\"event\":\"n\",\"reason\":\"minor_correction\",\"change_date\":\"2026-04-"
                                 "04\",\"record\":\"r-2\",\"set\":{\"address\":\"兵庫県西宮市六湛寺町１\"}}"),
                             false, &number) == ERR_OK);
    assert_non_null(strstr(change(&s, &l, 53), "\"individual_number\":\"454972364860\""));
    assert_ok(register_resend(s.r, NULL, 1, 2));
    close_scene(&s);
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
    char url[96];
    pthread_t thread;
    (void)state;
    door_stage_open(&stage, false);
    open_linked(&s, url);
    load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    assert_outcome(&s, 1, 2, (struct register_outcome){.unknown = 2});
    assert_err(register_await(s.r, NULL, 2, 1, 0, false, &(struct register_outcome){0}), ERR_FIELD_RANGE);
    struct awaiting all = {.scene = &s, .first = 1, .last = 2};
    assert_int_equal(pthread_create(&thread, NULL, await_run, &all), 0);
    WAIT_FOR(status(&s).taken == 2);
    door_stage_outcome(&stage, 1, 1, 'a', ERR_OK);
    WAIT_FOR(status(&s).applied == 1);
    door_stage_outcome(&stage, 2, 2, 'w', ERR_NUMBER_TAKEN);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(all.outcome.applied, 1);
    assert_int_equal(all.outcome.waiting, 1);
    assert_int_equal(all.outcome.unknown, 0);
    door_stage_outcome(&stage, 2, 2, 'r', ERR_NUMBER_TAKEN);
    WAIT_FOR(status(&s).refused == 1);
    assert_outcome(&s, 1, 9, (struct register_outcome){.applied = 1, .refused = 1, .unknown = 7});
    assert_outcome(&s, 2, 2, (struct register_outcome){.refused = 1});
    struct awaiting none = {.scene = &s, .first = 1, .last = 3};
    assert_int_equal(pthread_create(&thread, NULL, await_run, &none), 0);
    WAIT_FOR(atomic_load(&none.begun));
    register_stop(s.r);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(none.outcome.unknown, 1);
    close_scene(&s);
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
    char url[96];
    pthread_t thread;
    (void)state;
    door_stage_open(&stage, false);
    open_linked(&s, url);
    load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(status(&s).taken == 2);
    door_stage_outcome(&stage, 1, 1, 'w', ERR_NUMBER_TAKEN);
    WAIT_FOR(status(&s).waiting == 1);
    struct holding h = {.db = s.db};
    assert_int_equal(pthread_create(&thread, NULL, hold_run, &h), 0);
    WAIT_FOR(atomic_load(&h.holds));
    door_stage_ahead(&stage, 1, 2);
    assert_int_equal(outcome_of(&s, 2, 2, LONGER_THAN_ANY_TEST, false).applied, 1);
    struct register_outcome told = outcome_of(&s, 1, 9, 0, false);
    assert_memory_equal(&told, (&(struct register_outcome){.applied = 2, .unknown = 7}), sizeof told);
    assert_outcome(&s, 1, 9, (struct register_outcome){.waiting = 1, .unknown = 8});
    assert_int_equal(status(&s).applied, 0);
    atomic_store(&h.released, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(outcome_of(&s, 2, 2, LONGER_THAN_ANY_TEST, true).applied, 1);
    assert_int_equal(status(&s).applied, 2);
    close_scene(&s);
    door_stage_close(&stage);
}

/* The word counts at once, and the outcome that follows changes nothing. */
static void word_ahead_of_an_outcome_is_taken_for_it(void **state)
{
    struct scene s;
    char url[96];
    (void)state;
    door_stage_open(&stage, false);
    open_linked(&s, url);
    load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(status(&s).taken == 2);
    door_stage_ahead(&stage, 2, 2);
    WAIT_FOR(status(&s).applied == 1);
    assert_outcome(&s, 2, 2, (struct register_outcome){.applied = 1});
    door_stage_outcome(&stage, 2, 2, 'a', ERR_OK);
    door_stage_outcome(&stage, 1, 1, 'a', ERR_OK);
    WAIT_FOR(status(&s).applied == 2);
    register_stop(s.r);
    assert_ok(register_start(s.r, NULL));
    door_stage_outcome(&stage, 1, 1, 'r', ERR_NUMBER_TAKEN);
    WAIT_FOR(status(&s).refused == 1);
    assert_int_equal(status(&s).applied, 1);
    close_scene(&s);
    door_stage_close(&stage);
}

struct seen_problem {
    struct register_problem last;
    size_t count;
};
static void note_problem(void *arg, const struct register_problem *problem)
{
    struct seen_problem *p = arg;
    assert_true(problem->since > 0);
    p->last = *problem;
    p->count++;
}

static struct seen_problem problems(struct scene *s)
{
    struct seen_problem p = {0};
    assert_ok(register_problems(s->r, NULL, note_problem, &p));
    return p;
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
    open_scene(&s, url);
    load(&s, STR(HEADER TARO HANAKO));
    assert_ok(db_transaction(s.db, NULL, put_two_ranges, NULL));
    assert_ok(register_problems(s.r, NULL, note_order, &last));
    assert_int_equal(last, 500);
    close_scene(&s);
}

static void a_number_change_waits_for_the_number(void **state)
{
    struct scene s;
    char url[96];
    struct look l;
    int64_t number, code = 0;
    static const char wish[] = "{\"event\":\"n1\",\"reason\":\"number_change_request\","
                               "\"change_date\":\"2026-06-02\",\"record\":\"r-1\"}";
    (void)state;
    door_stage_open(&stage, false);
    open_linked(&s, url);
    load(&s, STR(HEADER TARO));
    assert_ok(register_enter_event(s.r, NULL, str_of(wish), false, &number));
    assert_int_equal(number, 0);
    assert_err(register_enter_event(s.r, NULL, str_of(wish), false, &number), ERR_EXISTS);
    assert_err(register_enter_event(s.r, NULL,
                                    STR("{\"event\":\"n2\",\"reason\":\"number_correction\",\"change_date\":"
                                        "\"2026-06-02\",\"record\":\"r-1\","
                                        "\"set\":{\"individual_number\":\"454972364860\"}}"),
                                    false, &number),
               ERR_EXISTS); /* nor is one given by hand beside it */
    assert_int_equal(status(&s).awaiting_number, 1);
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(door_stage_requested(&code) == 1);
    assert_int_equal(code, 24727059608);
    door_stage_number(&stage, (struct resident_code){code}, (struct individual_number){454972364860}, 0);
    WAIT_FOR(status(&s).taken == 2);
    assert_non_null(strstr(change(&s, &l, 2), "\"individual_number\":\"454972364860\""));
    assert_non_null(strstr(l.body, "\"old_individual_number\":\"379474484458\""));
    assert_int_equal(status(&s).awaiting_number, 0);
    close_scene(&s);
    door_stage_close(&stage);
}

static void a_number_for_a_closed_record_changes_nothing_and_is_told(void **state)
{
    struct scene s;
    char url[96];
    int64_t number;
    (void)state;
    door_stage_open(&stage, false);
    open_linked(&s, url);
    load(&s, STR(HEADER TARO));
    apply(&s, "{\"event\":\"n1\",\"reason\":\"number_correction\",\"change_date\":\"2026-06-02\",\"record\":"
              "\"r-1\"}\n"
              "{\"event\":\"n2\",\"reason\":\"death\",\"change_date\":\"2026-06-03\",\"record\":\"r-1\"}\n");
    assert_int_equal(s.refusals, 0);
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(door_stage_requested(&number) == 1);
    door_stage_number(&stage, (struct resident_code){24727059608}, (struct individual_number){454972364860},
                      0);
    WAIT_FOR(status(&s).awaiting_number == 0);
    assert_int_equal(status(&s).changes, 2);
    assert_int_equal(status(&s).removed, 1);
    struct seen_problem p = problems(&s);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.last.change, 0);
    assert_int_equal(p.last.state, 'r');
    assert_int_equal(p.last.error, ERR_STATE);
    assert_string_equal(p.last.field, "reason");
    assert_string_equal(p.last.record, "r-1");
    /* the removal is cancelled and the wish made again: it stands in the place of the old */
    apply(&s, "{\"event\":\"n3\",\"reason\":\"cancelled_removal\",\"change_date\":\"2026-06-04\",\"record\":"
              "\"r-1\",\"cancels\":\"n2\"}\n"
              "{\"event\":\"n4\",\"reason\":\"number_correction\",\"change_date\":\"2026-06-04\",\"record\":"
              "\"r-1\"}\n");
    assert_int_equal(s.refusals, 0);
    assert_int_equal(problems(&s).count, 0);
    close_scene(&s);
    door_stage_close(&stage);
}

static void a_refused_change_is_listed_and_replaced(void **state)
{
    struct scene s;
    char url[96];
    const int64_t *numbers;
    struct seen_problem p;
    int64_t number;
    (void)state;
    door_stage_open(&stage, false);
    open_linked(&s, url);
    load(&s,
         STR(HEADER "r-1,h-1,世帯主,REFUSE,,1980-01-02,male,282049,兵庫県西宮市六湛寺町,282049,兵庫県西宮市,"
                    "西宮　太郎,2010-04-01,domestic_move_in,24727059608,379474484458\n"));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(status(&s).refused == 1);
    p = problems(&s);
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
    WAIT_FOR(status(&s).refused == 2); /* BEHIND */
    assert_ok(register_replace(s.r, NULL, 1, false, &number));
    assert_int_equal(number, 3);
    assert_ok(register_replace(s.r, NULL, 2, true, &number));
    WAIT_FOR(status(&s).taken == 4);
    assert_int_equal(status(&s).refused, 0);
    assert_int_equal(door_stage_taken(&numbers, NULL), 1);
    assert_int_equal(numbers[0], 3);
    close_scene(&s);
    door_stage_close(&stage);
}

/* Another feeds the same door: what is ours under numbers it used is never sent, nor marked as sent. */
static void a_door_fed_by_another_stops_the_register(void **state)
{
    struct scene s, other;
    char url[96];
    const int64_t *numbers;
    (void)state;
    door_stage_open(&stage, false);
    open_linked(&other, url);
    load(&other, STR(HEADER TARO HANAKO));
    assert_ok(register_start(other.r, NULL));
    WAIT_FOR(status(&other).taken == 2);
    close_scene(&other);
    char command[256];
    snprintf(command, sizeof command, "rm -f %s/register.db*", stage.folder);
    assert_int_equal(system(command), 0);
    open_linked(&s, url);
    load(&s,
         STR(HEADER HANAKO TARO "r-9,h-9,世帯主,灘　四郎,,1970-12-01,male,282049,兵庫県西宮市甲子園,282049,"
                                "兵庫県,灘　四郎,2011-01-01,birth,25208017643,\n"));
    assert_int_equal(s.result.taken, 3);
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(status(&s).trouble[0]);
    assert_non_null(strstr(status(&s).trouble, "number"));
    assert_int_equal(status(&s).taken, 0);
    assert_int_equal(status(&s).refused, 0);
    register_stop(s.r); /* ends though the sender waits for a person */
    assert_int_equal(door_stage_taken(&numbers, NULL), 2);
    close_scene(&s);
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
    char url[96];
    const int64_t *numbers;
    (void)state;
    door_stage_open(&stage, false);
    open_linked(&s, url);
    load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(status(&s).taken == 2);
    register_stop(s.r);
    assert_ok(db_transaction(s.db, NULL, forget_taken, NULL));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(status(&s).taken == 2);
    assert_int_equal(door_stage_taken(&numbers, NULL), 2);
    assert_false(status(&s).trouble[0]);
    close_scene(&s);
    door_stage_close(&stage);
}

static void an_old_copy_of_the_register_sends_nothing(void **state)
{
    struct scene s;
    char url[96], command[256];
    (void)state;
    door_stage_open(&stage, false);
    open_linked(&s, url);
    load(&s, STR(HEADER TARO HANAKO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(status(&s).taken == 2);
    close_scene(&s);
    snprintf(command, sizeof command, "rm -f %s/register.db*", stage.folder);
    assert_int_equal(system(command), 0);
    open_linked(&s, url);
    load(&s, STR(HEADER TARO));
    assert_ok(register_start(s.r, NULL));
    WAIT_FOR(status(&s).trouble[0]);
    assert_int_equal(status(&s).taken, 0);
    close_scene(&s);
    door_stage_close(&stage);
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
ON_BOTH(the_census_is_that_of_a_store_which_took_the_changes)
ON_BOTH(provisional_entries_leave_only_when_confirmed)
ON_BOTH(many_problems_are_listed_once_each)
ON_BOTH(a_file_is_entered_provisionally_and_withdrawn)

static int setup_all(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/juki-register-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int clean_all(void **state)
{
    (void)unlink(path);
    return stores_clean(state);
}

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
        cmocka_unit_test(the_census_is_that_of_a_store_which_took_the_changes),
        cmocka_unit_test(provisional_entries_leave_only_when_confirmed),
        cmocka_unit_test(many_problems_are_listed_once_each),
        cmocka_unit_test(a_file_is_entered_provisionally_and_withdrawn),
        cmocka_unit_test(ranges_say_what_the_last_word_was),
        cmocka_unit_test(changes_go_through_the_door_once_and_in_order),
        cmocka_unit_test(outcomes_are_awaited_until_all_are_known_or_the_register_stops),
        cmocka_unit_test(who_waits_is_told_before_the_outcome_is_recorded),
        cmocka_unit_test(word_ahead_of_an_outcome_is_taken_for_it),
        cmocka_unit_test(a_number_change_waits_for_the_number),
        cmocka_unit_test(a_number_for_a_closed_record_changes_nothing_and_is_told),
        cmocka_unit_test(a_refused_change_is_listed_and_replaced),
        cmocka_unit_test(an_old_copy_of_the_register_sends_nothing),
        cmocka_unit_test(a_door_fed_by_another_stops_the_register),
        cmocka_unit_test(a_lost_answer_is_asked_for_again),
    };
    return cmocka_run_group_tests(tests, setup_all, clean_all);
}
