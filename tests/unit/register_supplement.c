/* SPDX-License-Identifier: Apache-2.0 */
/* A register alone: what it tells of supplements by each kind of event, and what it keeps of what it is told.
 */
#include "base/file.h"
#include "base/json.h"
#include "flow/koseki_supplement/supplement_message.h"
#include "register/register_sql.h"
#include "register_scene.h"
#include "stores.h"

/* A register that would tell, and whose door nobody hears. */
static void open_telling(struct scene *s, const char *url, bool create)
{
    scene_open(s, url);
    s->r->door.url = "https://127.0.0.1:1";
    s->r->supplement_create = create;
}

static void announce(struct scene *s, int64_t want)
{
    int64_t told = -1;
    assert_ok(register_supplement_announce(s->r, NULL, &told));
    assert_int_equal(told, want);
}

static const char *event_line(const char *name, const char *rest)
{
    static char line[1024];
    snprintf(line, sizeof line, "{\"event\":\"%s\",\"record\":\"r-1\",%s}\n", name, rest);
    return line;
}

/* ---- telling ---- */

#define ASHIYA                                                                                                                         \
    "r-3,h-3,世帯主,芦屋　五郎,,1970-12-01,male,282049,兵庫県西宮市甲子園,282065,兵庫県芦屋市,芦屋　五郎," \
    "2011-01-01,birth,25208017643,\n"

static void residents_are_announced_once(const char *url)
{
    struct scene s;
    struct look l;
    open_telling(&s, url, true);
    scene_load(&s, STR(HEADER TARO HANAKO ASHIYA));
    assert_int_equal(scene_status(&s).changes, 3);
    scene_apply(&s, event_line("e0", "\"reason\":\"move_within\",\"change_date\":\"2026-04-01\","
                                     "\"set\":{\"address\":\"兵庫県西宮市池田町\"}"));
    assert_int_equal(scene_status(&s).changes, 4); /* nobody is told yet */
    announce(&s, 3);
    assert_int_equal(scene_status(&s).changes, 7);
    assert_non_null(
        strstr(scene_change(&s, &l, 7),
               "{\"number\":7,\"message\":{\"kind\":\"koseki_supplement_notice\",\"to\":\"282065\","
               "\"body\":{\"resident_code\":\"25208017643\",\"honseki_area_code\":\"282065\","
               "\"honseki\":\"兵庫県芦屋市\",\"honseki_head\":\"芦屋　五郎\",\"name\":\"芦屋　五郎\","
               "\"birth_date\":\"1970-12-01\",\"sex\":\"male\",\"area_code\":\"282049\","
               "\"address\":\"兵庫県西宮市甲子園\",\"address_since\":\"2011-01-01\","
               "\"event\":\"announcement\",\"event_date\":\"2011-01-01\",\"sequence\":7}"));
    announce(&s, 0);
    assert_int_equal(scene_status(&s).changes, 7);
    scene_close(&s);
}

/* On a record that lives here with its 本籍 in 芦屋 or here. want: what the last message says, "" for none.
 */
static const struct {
    const char *event;
    int64_t messages;
    const char *want;
} kinds[] = {
    {"\"reason\":\"move_within\",\"change_date\":\"2026-04-02\",\"set\":{\"address\":"
     "\"兵庫県西宮市池田町１番\"}",
     1,
     "\"address\":\"兵庫県西宮市池田町１番\",\"address_since\":\"2026-04-02\",\"event\":\"move_within\","
     "\"event_date\":\"2026-04-02\""},
    {"\"reason\":\"ex_officio_amendment\",\"change_date\":\"2026-04-02\",\"set\":{\"name\":\"西宮　太朗\"}",
     1, "\"name\":\"西宮　太朗\""},
    {"\"reason\":\"clerical_correction\",\"change_date\":\"2026-04-02\",\"set\":{\"birth_date\":\"1980-01-"
     "03\"}",
     1, "\"birth_date\":\"1980-01-03\""},
    {"\"reason\":\"clerical_correction\",\"change_date\":\"2026-04-02\",\"set\":{\"sex\":\"female\"}", 1,
     "\"event\":\"amendment\""},
    {"\"reason\":\"clerical_correction\",\"change_date\":\"2026-04-02\",\"set\":{\"name_kana\":"
     "\"ニシノミヤ　タロ\"}",
     0, ""},
    {"\"reason\":\"household_change\",\"change_date\":\"2026-04-02\",\"set\":{\"household_number\":\"h-7\"}",
     0, ""},
    {"\"reason\":\"domestic_move_out\",\"change_date\":\"2026-04-02\",\"planned\":true,\"moved_to_area_"
     "code\":\"272035\"",
     0, ""},
    {"\"reason\":\"move_out_abroad\",\"change_date\":\"2026-04-02\",\"planned\":true", 1,
     "\"area_code\":\"282049\",\"address_since\":\"2010-04-01\",\"abroad\":true,\"abroad_on\":\"2026-04-02\","
     "\"event\":\"abroad\""},
    {"\"reason\":\"death\",\"change_date\":\"2026-04-02\"", 1, "\"event\":\"death\""},
    {"\"reason\":\"ex_officio_removal\",\"change_date\":\"2026-04-02\"", 1, "\"event\":\"removal\""},
    {"\"reason\":\"code_change_request\",\"change_date\":\"2026-04-02\",\"set\":{\"resident_code\":"
     "\"24846016224\"}",
     1, "\"resident_code\":\"24846016224\",\"old_resident_code\":\"24727059608\""},
    {"\"reason\":\"ex_officio_amendment\",\"change_date\":\"2026-04-02\",\"set\":{\"honseki_area_code\":"
     "\"282065\","
     "\"honseki\":\"兵庫県芦屋市\",\"honseki_head\":\"芦屋　花\"}",
     2, "\"to\":\"282065\""},
};

static void each_event_tells_what_the_supplement_must_know(const char *url)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct scene s;
        struct look l;
        char place[320];
        snprintf(place, sizeof place, "%s", url);
        if (i && strncmp(url, "postgres", 8) == 0)
            break; /* one database a run: the others are looked at in SQLite */
        open_telling(&s, i ? sqlite_fresh() : place, true);
        scene_load(&s, STR(HEADER TARO));
        announce(&s, 1);
        scene_apply(&s, event_line("e1", kinds[i].event));
        if (s.result.taken != 1)
            fail_msg("row %zu: error %d at %s", i, s.refusals ? (int)s.errors[0] : 0, s.fields[0]);
        const int64_t changes = scene_status(&s).changes;
        int64_t messages = 0;
        for (int64_t n = 3; n <= changes; n++)
            messages += strstr(scene_change(&s, &l, n), "koseki_supplement_notice") != NULL;
        assert_int_equal(messages, kinds[i].messages);
        if (kinds[i].want[0] && !strstr(scene_change(&s, &l, changes), kinds[i].want))
            fail_msg("row %zu: %s", i, l.body);
        scene_close(&s);
    }
}

/* ---- keeping ---- */

struct coming {
    struct scene *s;
    const char *item;
};
static enum err come(struct db_tx *tx, struct fail *f, void *arg)
{
    struct coming *c = arg;
    struct door_hearing h = {.r = c->s->r};
    struct json *tree;
    struct arena a;
    arena_init(&a, 1 << 20);
    enum err e = json_read(f, str_of(c->item), &tree);
    if (!e)
        e = register_take_message(&h, tx, f, tree, &a);
    json_free(tree);
    arena_release(&a);
    return e;
}

struct notice {
    const char *id, *from, *head, *code, *more;
    int64_t sequence;
};
static void take(struct scene *s, const struct notice *n)
{
    char item[2048];
    snprintf(item, sizeof item,
             "{\"id\":\"%s\",\"kind\":\"koseki_supplement_notice\",\"from\":\"%s\",\"time\":1,\"body\":{"
             "\"resident_code\":\"%s\",\"honseki_area_code\":\"282049\",\"honseki\":\"兵庫県西宮市\","
             "\"honseki_head\":\"%s\",\"name\":\"西宮　太郎\",\"birth_date\":\"1980-01-02\",\"sex\":\"male\","
             "\"area_code\":\"%s\",\"sequence\":%lld,%s}}",
             n->id, n->from, n->code, n->head, n->from, (long long)n->sequence, n->more);
    struct coming c = {s, item};
    assert_ok(db_transaction(s->db, NULL, come, &c));
}

static void note_intake(void *arg, const struct register_intake *m)
{
    *(enum err *)arg = m->error;
}
static enum err intake_error(struct scene *s)
{
    enum err e = ERR_OK;
    assert_ok(register_intake(s->r, NULL, REGISTER_INTAKE_ERROR, note_intake, &e));
    return e;
}

struct kept {
    size_t persons, on, off;
    int64_t first;
    struct register_supplement_person last;
};
static void note_person(void *arg, const struct register_supplement_person *p)
{
    struct kept *k = arg;
    if (!k->persons++)
        k->first = p->person;
    k->on += !p->off;
    k->off += p->off;
    k->last = *p;
}
static struct kept kept(struct scene *s)
{
    struct kept k = {0};
    assert_ok(register_supplement_list(s->r, NULL, STR("兵庫県西宮市"), STR(""), note_person, &k));
    return k;
}

#define TAROS_CODE "24727059608"
#define HANAKOS_CODE "24846016224"
#define AT(place, since, event)                                                                              \
    "\"address\":\"" place "\",\"address_since\":\"" since "\",\"event\":\"" event                           \
    "\",\"event_date\":\"" since "\""

static void the_place_that_was_settled_last_counts(const char *url)
{
    struct scene s;
    open_telling(&s, url, true);
    take(&s, &(struct notice){"n1", "272035", "西宮　太郎", TAROS_CODE,
                              AT("豊中", "2020-01-01", "announcement"), 5});
    assert_string_equal(kept(&s).last.address, "豊中");
    take(&s,
         &(struct notice){"n2", "282065", "西宮　太郎", TAROS_CODE, AT("芦屋", "2026-05-01", "entry"), 9});
    assert_string_equal(kept(&s).last.address, "芦屋");
    take(&s, &(struct notice){"n3", "272035", "西宮　太郎", TAROS_CODE,
                              AT("豊中二", "2026-03-01", "move_within"), 7});
    assert_string_equal(kept(&s).last.address, "芦屋"); /* late */
    take(&s, &(struct notice){"n3", "272035", "西宮　太郎", TAROS_CODE,
                              AT("豊中二", "2026-03-01", "move_within"), 7});
    take(&s, &(struct notice){"n4", "272035", "西宮　太郎", TAROS_CODE,
                              AT("豊中三", "2026-09-01", "move_within"), 6});
    assert_string_equal(kept(&s).last.address, "芦屋"); /* older than what that place has said since */
    take(&s, &(struct notice){"n5", "282065", "西宮　太郎", TAROS_CODE,
                              AT("芦屋", "2026-05-01", "entry") ",\"cancelled\":true", 10});
    assert_string_equal(kept(&s).last.address, "豊中二"); /* what the others say counts again */
    assert_int_equal(kept(&s).persons, 1);
    assert_int_equal(intake_error(&s), ERR_OK);
    scene_close(&s);
}

static void who_goes_abroad_dies_or_leaves(const char *url)
{
    struct scene s;
    open_telling(&s, url, true);
    take(&s, &(struct notice){"n1", "272035", "西宮　太郎", TAROS_CODE,
                              AT("豊中", "2020-01-01", "announcement"), 5});
    take(&s, &(struct notice){"n2", "272035", "西宮　太郎", TAROS_CODE,
                              "\"abroad\":true,\"abroad_on\":\"2026-04-01\",\"event\":\"abroad\","
                              "\"event_date\":\"2026-04-01\"",
                              6});
    assert_string_equal(kept(&s).last.address, "");
    assert_int_equal(kept(&s).last.event, SUPPLEMENT_ABROAD);
    take(&s,
         &(struct notice){"n3", "282065", "西宮　太郎", TAROS_CODE, AT("芦屋", "2026-08-01", "entry"), 2});
    assert_string_equal(kept(&s).last.address, "芦屋");
    take(&s, &(struct notice){"n4", "282065", "西宮　太郎", TAROS_CODE,
                              AT("芦屋", "2026-08-01", "koseki_left"), 3});
    take(&s, &(struct notice){"n5", "282065", "芦屋　太郎", TAROS_CODE,
                              AT("芦屋", "2026-08-01", "koseki_entered"), 4});
    assert_int_equal(kept(&s).on, 1);
    assert_int_equal(kept(&s).off, 1);
    take(&s,
         &(struct notice){"n6", "282065", "芦屋　太郎", TAROS_CODE, AT("芦屋", "2026-08-01", "death"), 5});
    assert_int_equal(kept(&s).off, 2);
    take(&s,
         &(struct notice){"n7", "282065", "芦屋　太郎", TAROS_CODE, AT("芦屋", "2026-08-01", "restored"), 6});
    assert_int_equal(kept(&s).on, 1);
    scene_close(&s);
}

static void a_changed_code_finds_the_person(const char *url)
{
    struct scene s;
    open_telling(&s, url, true);
    take(&s, &(struct notice){"n1", "272035", "西宮　太郎", TAROS_CODE,
                              AT("豊中", "2020-01-01", "announcement"), 5});
    take(&s, &(struct notice){
                 "n2", "272035", "西宮　太郎", HANAKOS_CODE,
                 AT("豊中", "2020-01-01", "code_change") ",\"old_resident_code\":\"" TAROS_CODE "\"", 6});
    take(&s, &(struct notice){"n3", "272035", "西宮　太郎", HANAKOS_CODE,
                              AT("豊中二", "2026-01-01", "move_within"), 7});
    assert_int_equal(kept(&s).persons, 1);
    assert_string_equal(kept(&s).last.address, "豊中二");
    scene_close(&s);
}

static void who_is_not_known_is_for_a_person_to_look_at(const char *url)
{
    struct scene s;
    open_telling(&s, url, false);
    take(&s, &(struct notice){"n1", "272035", "西宮　太郎", TAROS_CODE,
                              AT("豊中", "2020-01-01", "announcement"), 5});
    assert_int_equal(intake_error(&s), ERR_SUPPLEMENT_KOSEKI);
    assert_int_equal(kept(&s).persons, 0);
    scene_close(&s);
}

static void another_koseki_is_a_mismatch(const char *url)
{
    struct scene s;
    open_telling(&s, url, true);
    take(&s, &(struct notice){"n1", "272035", "西宮　太郎", TAROS_CODE,
                              AT("豊中", "2020-01-01", "announcement"), 5});
    take(&s, &(struct notice){"n2", "272035", "別の　筆頭者", TAROS_CODE,
                              AT("豊中", "2020-01-01", "amendment"), 6});
    assert_int_equal(intake_error(&s), ERR_SUPPLEMENT_ELSEWHERE);
    assert_int_equal(kept(&s).persons, 1);
    scene_close(&s);
}

#define SUPPLEMENT_HEADER                                                                                    \
    "resident_code,honseki_area_code,honseki,honseki_head,name,birth_date,sex,area_code,address,address_"    \
    "since,"                                                                                                 \
    "abroad_on\n"
#define LOADED TAROS_CODE ",282049,兵庫県西宮市,西宮　太郎,西宮　太郎,1980-01-02,male,"
static void note_refusal(void *arg, int64_t line UNUSED, const struct fail *f)
{
    *(enum err *)arg = f->err;
}
static void existing_supplements_are_loaded(const char *url)
{
    struct scene s;
    struct register_result result;
    enum err refused = ERR_OK;
    char path[] = "/tmp/juki-supplement-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0 && close(fd) == 0);
    open_telling(&s, url, false);
    assert_ok(file_write(
        NULL, path,
        STR(SUPPLEMENT_HEADER LOADED "282065,芦屋,2015-01-01,\n" LOADED "272035,豊中,2020-01-01,\n"), 0600));
    assert_ok(register_supplement_load(s.r, NULL, path, NULL, note_refusal, &refused, &result));
    assert_int_equal(result.taken, 2);
    assert_string_equal(kept(&s).last.address, "豊中");
    assert_ok(register_supplement_load(s.r, NULL, path, NULL, note_refusal, &refused, &result));
    assert_int_equal(result.refused, 2);
    assert_int_equal(refused, ERR_EXISTS);
    take(&s, &(struct notice){"n1", "272035", "西宮　太郎", TAROS_CODE,
                              AT("豊中二", "2026-01-01", "move_within"), 7});
    assert_string_equal(kept(&s).last.address, "豊中二");
    scene_close(&s);
    assert_int_equal(unlink(path), 0);
}

BOTH(residents_are_announced_once)
BOTH(existing_supplements_are_loaded)
BOTH(each_event_tells_what_the_supplement_must_know)
BOTH(the_place_that_was_settled_last_counts)
BOTH(who_goes_abroad_dies_or_leaves)
BOTH(a_changed_code_finds_the_person)
BOTH(who_is_not_known_is_for_a_person_to_look_at)
BOTH(another_koseki_is_a_mismatch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_residents_are_announced_once),
        cmocka_unit_test(both_each_event_tells_what_the_supplement_must_know),
        cmocka_unit_test(both_the_place_that_was_settled_last_counts),
        cmocka_unit_test(both_who_goes_abroad_dies_or_leaves),
        cmocka_unit_test(both_existing_supplements_are_loaded),
        cmocka_unit_test(both_a_changed_code_finds_the_person),
        cmocka_unit_test(both_who_is_not_known_is_for_a_person_to_look_at),
        cmocka_unit_test(both_another_koseki_is_a_mismatch),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_clean);
}
