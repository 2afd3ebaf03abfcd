/* SPDX-License-Identifier: Apache-2.0 */
/* 転入届の特例 at a register: what the old place sends, what the new place keeps, and each limit at its edge.
 */
#include "register/register_certificate.h"

#include "register_scene.h"
#include "stores.h"

#include <stdlib.h>

/* ---- days and what is given ---- */

/* It is that day, at noon. */
static void set_day(const char *day)
{
    char text[CLOCK_TEXT_SIZE];
    int64_t stamp;
    snprintf(text, sizeof text, "%sT03:00:00.000000Z", day);
    assert_ok(clock_parse(NULL, str_of(text), &stamp));
    clock_shift(0);
    clock_shift((stamp - clock_now()) / 1000000);
}

#define JIRO                                                                                                                         \
    "r-3,h-1,子,西宮　次郎,ニシノミヤ　ジロウ,2015-07-07,male,282049,兵庫県西宮市六湛寺町10番3号,282049," \
    "兵庫県西宮市,西宮　太郎,2015-07-07,birth,25208017643,\n"
#define OTHER                                                                                                                      \
    "r-4,h-2,世帯主,灘　四郎,,1970-12-01,male,282049,兵庫県西宮市甲子園,282049,兵庫県,灘　四郎,2011-01-01," \
    "birth,24939020159,\n"
#define LEAVE(event, record, group)                                                                          \
    "{\"event\":\"" event                                                                                    \
    "\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-03-31\",\"planned\":true,"                   \
    "\"record\":\"" record "\",\"special\":true,\"group\":\"" group                                          \
    "\",\"moved_to_area_code\":\"272035\",\"moved_to_address\":\"大阪府豊中市中桜塚三丁目１番１号\"}\n"
#define CARD_SAYS                                                                                            \
    "\"issued_on\":\"2024-05-01\",\"valid_until\":\"2034-01-02\",\"form\":\"1\",\"authenticity_code\":"      \
    "\"0A1B\""

static void give_card(struct scene *s, const char *record)
{
    struct json *card;
    assert_ok(json_read(NULL, STR("{" CARD_SAYS "}"), &card));
    assert_ok(register_card_set(s->r, NULL, str_of(record), card));
    json_free(card);
}

/* A register that would send, at a door that is never called. */
static void open_old(struct scene *s, struct door_stage *stage)
{
    memset(stage, 0, sizeof *stage);
    snprintf(stage->folder, sizeof stage->folder, "/tmp/juki-old-XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    snprintf(stage->url, sizeof stage->url, "https://127.0.0.1:1");
    scene_open_linked(s, stage);
    set_day("2026-03-20");
    scene_load(s, STR(HEADER TARO HANAKO JIRO OTHER));
    assert_int_equal(s->result.taken, 4);
}

static void close_old(struct scene *s, const struct door_stage *stage)
{
    char command[128];
    scene_close(s);
    clock_shift(0);
    snprintf(command, sizeof command, "rm -r %s", stage->folder);
    assert_int_equal(system(command), 0);
}

static int64_t queued(struct scene *s)
{
    return scene_status(s).changes;
}

static const char *last(struct scene *s, struct look *l)
{
    return scene_change(s, l, queued(s));
}

static size_t occurrences(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        count++;
    return count;
}

/* ---- the old place ---- */

static void a_move_out_by_card_is_told_at_once(void **state UNUSED)
{
    struct door_stage stage;
    struct scene s;
    struct look l;
    open_old(&s, &stage);
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1"));
    assert_int_equal(s.errors[0], ERR_CERTIFICATE_CARD); /* and nothing was written */
    assert_int_equal(queued(&s), 4);
    give_card(&s, "r-1");
    scene_apply(
        &s, "{\"event\":\"a\",\"reason\":\"ex_officio_amendment\",\"change_date\":\"2026-03-20\",\"record\":"
            "\"r-1\",\"set\":{\"health_insurance\":\"被保険者\",\"pension_category\":\"first\","
            "\"basic_pension_number\":\"0123456789\"}}\n");
    assert_int_equal(queued(&s), 5);
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1") LEAVE("e-2", "r-2", "g-1"));
    assert_int_equal(s.result.taken, 2);
    assert_int_equal(queued(&s), 9); /* two removals, each with a message */
    assert_non_null(
        strstr(scene_change(&s, &l, 7), "\"message\":{\"kind\":\"move_out_certificate\",\"to\":\"272035\""));
    assert_int_equal(occurrences(l.body, "\"resident_code\""), 1);
    last(&s, &l);
    assert_non_null(strstr(l.body, "{\"number\":9,\"replaces\":7,"));
    assert_int_equal(occurrences(l.body, "\"resident_code\""), 2);
    assert_non_null(strstr(l.body, "\"health_insurance\":\"insured\",\"pension_category\":\"first\","
                                   "\"basic_pension_number\":\"0123456789\""));
    assert_non_null(strstr(l.body, "\"card_issued_on\":\"2024-05-01\""));
    assert_int_equal(occurrences(l.body, "card_issued_on"), 1);
    assert_non_null(strstr(l.body, "\"householder\":\"西宮　太郎\""));
    assert_non_null(strstr(l.body, "\"individual_number\":\"379474484458\""));
    close_old(&s, &stage);
}

static void who_does_not_belong_together_is_refused(void **state UNUSED)
{
    static const struct {
        const char *line;
        enum err err;
    } rows[] = {
        {LEAVE("e-4", "r-4", "g-1"), ERR_CERTIFICATE_GROUP}, /* another household */
        {"{\"event\":\"e-5\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-03-30\",\"planned\":"
         "true,\"record\":"
         "\"r-2\",\"special\":true,\"group\":\"g-1\",\"moved_to_area_code\":\"272035\",\"moved_to_address\":"
         "\"大阪府豊中市中桜塚三丁目１番１号\"}\n",
         ERR_CERTIFICATE_GROUP}, /* another day */
        {"{\"event\":\"e-6\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-03-31\",\"planned\":"
         "true,\"record\":"
         "\"r-2\",\"special\":true}\n",
         ERR_CHANGE_VALUE}, /* whereto? */
        {"{\"event\":\"e-7\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-03-31\",\"record\":\"r-"
         "2\","
         "\"special\":true,\"moved_to_area_code\":\"272035\"}\n",
         ERR_CHANGE_VALUE}, /* not planned */
        {"{\"event\":\"e-8\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-03-31\",\"record\":\"r-"
         "2\","
         "\"group\":\"g-1\",\"moved_to_area_code\":\"272035\"}\n",
         ERR_CHANGE_VALUE}, /* a group without a card */
        {"{\"event\":\"e-9\",\"reason\":\"death\",\"change_date\":\"2026-03-31\",\"record\":\"r-2\","
         "\"special\":true}\n",
         ERR_CHANGE_VALUE},
    };
    struct door_stage stage;
    struct scene s;
    open_old(&s, &stage);
    give_card(&s, "r-1");
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1"));
    const int64_t before = queued(&s);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        scene_apply(&s, rows[i].line);
        assert_int_equal(s.refusals, 1);
        assert_int_equal(s.errors[0], rows[i].err);
        assert_int_equal(queued(&s), before);
    }
    close_old(&s, &stage);
}

static void a_card_that_is_no_more_valid_is_none(void **state UNUSED)
{
    struct door_stage stage;
    struct scene s;
    open_old(&s, &stage);
    give_card(&s, "r-1");
    set_day("2034-01-03");
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1"));
    assert_int_equal(s.errors[0], ERR_CERTIFICATE_CARD);
    set_day("2034-01-02"); /* its last day */
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1"));
    assert_int_equal(s.result.taken, 1);
    close_old(&s, &stage);
}

#define CANCEL(event, record, cancels)                                                                       \
    "{\"event\":\"" event                                                                                    \
    "\",\"reason\":\"cancelled_removal\",\"change_date\":\"2026-03-25\",\"record\":\"" record                \
    "\",\"cancels\":\"" cancels "\"}\n"

static void who_stays_after_all_is_left_out(void **state UNUSED)
{
    struct door_stage stage;
    struct scene s;
    struct look l;
    open_old(&s, &stage);
    give_card(&s, "r-1");
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1") LEAVE("e-2", "r-2", "g-1") LEAVE("e-3", "r-3", "g-1"));
    assert_int_equal(occurrences(last(&s, &l), "\"resident_code\""), 3);
    scene_apply(&s, CANCEL("c-2", "r-2", "e-2"));
    assert_int_equal(occurrences(last(&s, &l), "\"resident_code\""), 2);
    assert_null(strstr(l.body, "24846016224"));
    assert_null(strstr(l.body, "withdrawn"));
    scene_apply(&s,
                CANCEL("c-1", "r-1", "e-1")); /* the card's holder: the others have no right of their own */
    assert_non_null(strstr(last(&s, &l), "\"withdrawn\":true"));
    assert_int_equal(occurrences(l.body, "\"resident_code\""), 0);
    close_old(&s, &stage);
}

static void what_is_corrected_on_the_way_is_told_again(void **state UNUSED)
{
    struct door_stage stage;
    struct scene s;
    struct look l;
    open_old(&s, &stage);
    give_card(&s, "r-1");
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1"));
    scene_apply(&s, "{\"event\":\"a\",\"reason\":\"ex_officio_amendment\",\"change_date\":\"2026-03-22\","
                    "\"record\":\"r-1\","
                    "\"set\":{\"child_allowance\":\"受給\"}}\n");
    assert_non_null(strstr(last(&s, &l), "\"child_allowance\":\"receiving\""));
    scene_apply(&s,
                "{\"event\":\"d\",\"reason\":\"death\",\"change_date\":\"2026-03-24\",\"record\":\"r-1\"}\n");
    assert_non_null(strstr(last(&s, &l), "\"withdrawn\":true"));
    close_old(&s, &stage);
}

#define ARRIVED(event, record, area)                                                                         \
    "{\"event\":\"" event                                                                                    \
    "\",\"reason\":\"move_out_confirmed\",\"change_date\":\"2026-03-30\",\"record\":\"" record               \
    "\",\"moved_to_area_code\":\"" area "\",\"moved_to_address\":\"新住所\"}\n"

static void arrival_elsewhere_takes_it_back_where_it_was_planned(void **state UNUSED)
{
    struct door_stage stage;
    struct scene s;
    struct look l;
    open_old(&s, &stage);
    give_card(&s, "r-1");
    give_card(&s, "r-4");
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1") LEAVE("e-4", "r-4", "g-4"));
    const int64_t before = queued(&s);
    scene_apply(&s, ARRIVED("f-1", "r-1", "272035"));
    assert_int_equal(queued(&s), before + 1); /* 転出確定通知 alone */
    scene_apply(&s, ARRIVED("f-4", "r-4", "281026"));
    assert_int_equal(queued(&s), before + 3);
    last(&s, &l);
    assert_non_null(strstr(l.body, "\"certificate\":\"g-4\""));
    assert_non_null(strstr(l.body, "\"withdrawn\":true"));
    close_old(&s, &stage);
}

static void a_new_move_out_takes_the_place_of_the_old(void **state UNUSED)
{
    struct door_stage stage;
    struct scene s;
    struct look l;
    open_old(&s, &stage);
    give_card(&s, "r-1");
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1"));
    const int64_t before = queued(&s);
    scene_apply(
        &s,
        "{\"event\":\"e-9\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-04-05\",\"planned\":true,"
        "\"record\":\"r-1\",\"special\":true,\"moved_to_area_code\":\"281026\"}\n");
    assert_int_equal(s.result.taken, 1);
    assert_int_equal(queued(&s), before + 3);
    assert_non_null(strstr(scene_change(&s, &l, before + 2), "\"withdrawn\":true"));
    assert_non_null(strstr(l.body, "\"to\":\"272035\""));
    assert_non_null(strstr(last(&s, &l), "\"to\":\"281000\"")); /* a ward's CS is the city's */
    assert_non_null(strstr(l.body, "\"certificate\":\"e-9\""));
    close_old(&s, &stage);
}

static void at_most_thirty_go_by_one(void **state UNUSED)
{
    static char csv[40 * 400], lines[40 * 500];
    struct door_stage stage;
    struct scene s;
    size_t n = 0, m = 0;
    open_old(&s, &stage);
    give_card(&s, "r-1");
    n = (size_t)snprintf(csv, sizeof csv, "%s", HEADER);
    for (unsigned i = 10; i < 40; i++) {
        char code[16];
        struct resident_code parsed;
        for (int check = 0; check < 10; check++) {
            snprintf(code, sizeof code, "30000000%02u%d", i, check);
            if (!resident_code_parse(NULL, str_of(code), &parsed))
                break;
        }
        n += (size_t)snprintf(
            csv + n, sizeof csv - n,
            "m-%u,h-1,同居人,西宮　%u,,1990-01-01,male,282049,兵庫県西宮市六湛寺町10番3号,282049,"
            "兵庫県,西宮　%u,2015-07-07,ex_officio_entry,%s,\n",
            i, i, i, code);
        m += (size_t)snprintf(
            lines + m, sizeof lines - m,
            "{\"event\":\"m-%u\",\"reason\":\"domestic_move_out\","
            "\"change_date\":\"2026-03-31\",\"planned\":true,\"record\":\"m-%u\",\"special\":true,"
            "\"group\":\"g-1\",\"moved_to_area_code\":\"272035\",\"moved_to_address\":"
            "\"大阪府豊中市中桜塚三丁目１番１号\"}\n",
            i, i);
    }
    scene_load(&s, (struct str){csv, n});
    assert_int_equal(s.result.taken, 30);
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1"));
    scene_apply(&s, lines);
    assert_int_equal(s.result.taken, 29);
    assert_int_equal(s.errors[0], ERR_CERTIFICATE_GROUP);
    close_old(&s, &stage);
}

static void what_a_paper_says(void **state UNUSED)
{
    struct door_stage stage;
    struct scene s;
    struct buf b;
    open_old(&s, &stage);
    buf_init(&b, 64 << 10);
    assert_err(register_certificate_paper(s.r, NULL, STR("r-1"), &b), ERR_STATE);
    assert_err(register_certificate_paper(s.r, NULL, STR("r-99"), &b), ERR_NOT_FOUND);
    give_card(&s, "r-1");
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1")
                        LEAVE("e-2", "r-2", "g-1") "{\"event\":\"e-4\",\"reason\":\"domestic_move_out\","
                                                   "\"change_date\":\"2026-03-31\",\"planned\":true,"
                                                   "\"record\":\"r-4\",\"moved_to_area_code\":\"272035\"}\n");
    assert_ok(register_certificate_paper(s.r, NULL, STR("r-2"), &b));
    assert_non_null(memmem(b.p, b.n, "特例による転出処理済", strlen("特例による転出処理済")));
    assert_non_null(memmem(b.p, b.n, "西宮　太郎", strlen("西宮　太郎")));
    buf_clear(&b);
    assert_ok(register_certificate_paper(s.r, NULL, STR("r-4"), &b));
    assert_null(memmem(b.p, b.n, "特例", strlen("特例")));
    assert_non_null(memmem(b.p, b.n, "\"title\":\"転出証明書\"", strlen("\"title\":\"転出証明書\"")));
    assert_non_null(memmem(b.p, b.n, "灘　四郎", strlen("灘　四郎")));
    buf_release(&b);
    close_old(&s, &stage);
}

static enum err answer(struct scene *s, const char *question, struct buf *b)
{
    struct json *tree;
    buf_clear(b);
    assert_ok(json_read(NULL, str_of(question), &tree));
    enum err e = register_certificate_answer(s->r, NULL, tree, b);
    json_free(tree);
    return e;
}

static void another_place_asks_and_is_answered(void **state UNUSED)
{
    static const struct {
        const char *question;
        enum err err;
    } rows[] = {
        {"{\"resident_code\":\"24727059608\",\"area_code\":\"131016\"}", ERR_OK},
        {"{\"name\":\"西宮　太郎\",\"birth_date\":\"1980-01-02\",\"sex\":\"male\",\"area_code\":\"131016\"}",
         ERR_OK},
        {"{\"name\":\"西宮　太郎\",\"birth_date\":\"1980-01-03\",\"sex\":\"male\",\"area_code\":\"131016\"}",
         ERR_NOT_FOUND},
        {"{\"name\":\"西宮　太郎\",\"birth_date\":\"1980-01-02\",\"area_code\":\"131016\"}",
         ERR_FIELD_MISSING},
        {"{\"resident_code\":\"24846016224\",\"area_code\":\"131016\"}", ERR_STATE}, /* lives here */
        {"{\"resident_code\":\"24939020159\",\"area_code\":\"131016\"}", ERR_CERTIFICATE_CARD}, /* by paper */
        {"{\"resident_code\":\"24727059608\",\"area_code\":\"130001\"}", ERR_AREA_CODE_ADDRESS},
        {"{\"resident_code\":\"24727059608\"}", ERR_FIELD_MISSING},
        {"{\"area_code\":\"131016\"}", ERR_FIELD_MISSING},
    };
    struct door_stage stage;
    struct scene s;
    struct buf b;
    open_old(&s, &stage);
    buf_init(&b, 64 << 10);
    give_card(&s, "r-1");
    scene_apply(&s, LEAVE("e-1", "r-1", "g-1") "{\"event\":\"e-4\",\"reason\":\"domestic_move_out\",\"change_"
                                               "date\":\"2026-03-31\",\"planned\":true,"
                                               "\"record\":\"r-4\",\"moved_to_area_code\":\"272035\"}\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_err(answer(&s, rows[i].question, &b), rows[i].err);
        if (rows[i].err)
            continue;
        assert_non_null(memmem(b.p, b.n, "\"destination_area_code\":\"131016\"", 32));
        assert_null(memmem(b.p, b.n, "豊中", strlen("豊中")));
    }
    buf_release(&b);
    close_old(&s, &stage);
}

/* 通称の記載及び削除に関する事項: what came with a foreign resident, and what was done here. */
static void aliases_go_along(void **state UNUSED)
{
    struct door_stage stage;
    struct scene s;
    struct look l;
    open_old(&s, &stage);
    scene_load(
        &s,
        STR("record,household_number,relationship,name,birth_date,sex,nationality_kind,nationality,area_code,"
            "address,resident_since,resident_code\n"
            "w-1,h-9,世帯主,WANG "
            "LI,1990-01-01,female,foreign,中国,282049,兵庫県西宮市,2020-01-01,30000000503\n"));
    assert_int_equal(s.result.taken, 1);
    give_card(&s, "w-1");
    scene_apply(
        &s,
        "{\"event\":\"a1\",\"reason\":\"alias_entry\",\"change_date\":\"2021-05-01\",\"record\":\"w-1\","
        "\"set\":{\"alias\":\"大山　花\"}}\n"
        "{\"event\":\"a2\",\"reason\":\"alias_removal\",\"change_date\":\"2022-06-01\",\"record\":\"w-1\"}\n"
        "{\"event\":\"a3\",\"reason\":\"alias_entry\",\"change_date\":\"2023-07-01\",\"record\":\"w-1\","
        "\"set\":{\"alias\":\"小山　花\"}}\n" LEAVE("e-1", "w-1", "g-1"));
    assert_int_equal(s.result.taken, 4);
    assert_non_null(strstr(
        last(&s, &l), "\"aliases\":[{\"alias\":\"大山　花\",\"area_code\":\"282049\",\"entered_on\":"
                      "\"2021-05-01\",\"removed_area_code\":\"282049\",\"removed_on\":\"2022-06-01\"},"
                      "{\"alias\":\"小山　花\",\"area_code\":\"282049\",\"entered_on\":\"2023-07-01\"}]"));
    close_old(&s, &stage);
}

/* ---- the new place: 西宮市, from 豊中市 ---- */

#define FATHER(more)                                                                                              \
    "{\"resident_code\":\"24727059608\",\"individual_number\":\"379474484458\",\"name\":\"豊中　太郎\","     \
    "\"name_kana\":"                                                                                              \
    "\"トヨナカ　タロウ\",\"birth_date\":\"1980-01-02\",\"sex\":\"male\",\"relationship\":\"世帯主\"," \
    "\"honseki_area_code\":"                                                                                      \
    "\"272035\",\"honseki\":\"大阪府豊中市\",\"honseki_head\":\"豊中　太郎\",\"pension_category\":"    \
    "\"first\"" more "}"
#define CARD_SENT                                                                                            \
    ",\"card_issued_on\":\"2024-05-01\",\"card_valid_until\":\"2034-01-02\",\"card_form\":\"1\",\"card_"     \
    "authenticity_code\":"                                                                                   \
    "\"0A1B\""
#define MOTHER                                                                                                \
    "{\"resident_code\":\"24846016224\",\"individual_number\":\"454972364860\",\"name\":\"豊中　花子\"," \
    "\"birth_date\":"                                                                                         \
    "\"1982-00-00\",\"sex\":\"female\",\"relationship\":\"妻\",\"honseki_area_code\":\"272035\","            \
    "\"honseki\":\"大阪府豊中市\","                                                                     \
    "\"honseki_head\":\"豊中　太郎\"}"
#define CHILD                                                                                                \
    "{\"resident_code\":\"25208017643\",\"name\":\"WANG "                                                    \
    "LI\",\"birth_date\":\"2015-07-07\",\"sex\":\"male\",\"relationship\":"                                  \
    "\"子\",\"foreign\":true,\"nationality\":\"中国\",\"residence_category\":\"mid_to_long_term\","       \
    "\"residence_until\":"                                                                                   \
    "\"2027-01-01\"}"
#define FAMILY FATHER(CARD_SENT) "," MOTHER "," CHILD
#define MESSAGE(id, from, name, more)                                                                           \
    "{\"id\":\"" id "\",\"kind\":\"move_out_certificate\",\"from\":\"" from                                     \
    "\",\"body\":{\"certificate\":\"" name "\",\"area_code\":\"" from                                           \
    "\",\"address\":\"大阪府豊中市中桜塚三丁目１番１号\",\"destination_area_code\":\"282049\"," \
    "\"planned_on\":\"2026-03-31\"" more "}}"
#define SENT(id, persons) MESSAGE(id, "272035", "t-1", ",\"persons\":[" persons "]")

struct telling {
    struct door_hearing hearing;
    struct json *item;
};

static enum err hear(struct db_tx *tx, struct fail *f, void *arg)
{
    struct telling *t = arg;
    struct arena a;
    arena_init(&a, 4 << 20);
    enum err e = register_take_message(&t->hearing, tx, f, t->item, &a);
    arena_release(&a);
    return e;
}

static void tell(struct scene *s, const char *item)
{
    struct telling t = {.hearing.r = s->r};
    assert_ok(json_read(NULL, str_of(item), &t.item));
    assert_ok(db_transaction(s->db, NULL, hear, &t));
    json_free(t.item);
}

static void open_new(struct scene *s, const char *url)
{
    scene_open(s, url);
    set_day("2026-04-02");
}

static void close_new(struct scene *s)
{
    scene_close(s);
    clock_shift(0);
}

struct listed {
    struct register_certificate last;
    size_t count;
};

static void note_listed(void *arg, const struct register_certificate *c)
{
    struct listed *l = arg;
    l->last = *c;
    l->count++;
}

static struct listed list(struct scene *s)
{
    struct listed l = {0};
    assert_ok(register_certificates(s->r, NULL, note_listed, &l));
    return l;
}

#define P1 "{\"resident_code\":\"24727059608\",\"record\":\"n-1\"}"
#define P2 "{\"resident_code\":\"24846016224\",\"record\":\"n-2\"}"
#define P3 "{\"resident_code\":\"25208017643\",\"record\":\"n-3\",\"set\":{\"name\":\"WANG LEE\"}}"
#define HOLDER "\"card\":{\"resident_code\":\"24727059608\"," CARD_SAYS "},"
#define FILING_OF(event, moved, card, persons)                                                                          \
    "{\"from\":\"272035\",\"certificate\":\"t-1\",\"event\":\"" event "\",\"change_date\":\"" moved                     \
    "\"," card "\"set\":{\"area_code\":\"282049\",\"address\":\"兵庫県西宮市甲子園口一丁目２番３号\"," \
    "\"household_number\":\"h-7\"},"                                                                                    \
    "\"persons\":[" persons "]}"

static enum err file(struct scene *s, struct fail *f, const char *filing, int64_t *first,
                     int64_t *last_change)
{
    struct json *tree;
    assert_ok(json_read(NULL, str_of(filing), &tree));
    enum err e = register_certificate_enter(s->r, f, tree, first, last_change);
    json_free(tree);
    return e;
}

static enum err filed(struct scene *s, const char *filing)
{
    int64_t first, last_change;
    return file(s, NULL, filing, &first, &last_change);
}

static bool record_says(struct scene *s, const char *record, const char *what)
{
    struct buf b;
    buf_init(&b, 64 << 10);
    assert_ok(register_record(s->r, NULL, str_of(record), &b));
    bool says = memmem(b.p, b.n, what, strlen(what)) != NULL;
    buf_release(&b);
    return says;
}

static void a_family_is_entered_and_one_stays_on(const char *url)
{
    struct scene s;
    struct fail f = {0};
    struct buf b;
    int64_t first = 0, last_change = 0;
    open_new(&s, url);
    tell(&s, SENT("cs.272035/cs.282049/1", FAMILY));
    tell(&s, SENT("cs.272035/cs.282049/1", FAMILY)); /* the same notice again */
    assert_int_equal(list(&s).count, 1);
    assert_int_equal(list(&s).last.persons, 3);
    assert_int_equal(date_to_int(list(&s).last.due), 20260430);
    assert_ok(file(&s, &f, FILING_OF("v-1", "2026-04-01", HOLDER, P1 "," P3), &first, &last_change));
    assert_int_equal(last_change - first, 1);
    assert_true(record_says(&s, "n-1", "\"name\":\"豊中　太郎\""));
    assert_true(record_says(&s, "n-1", "\"pension_category\":\"first\""));
    assert_true(record_says(&s, "n-1", "\"moved_from_address\":\"大阪府豊中市中桜塚三丁目１番１号\""));
    assert_true(record_says(&s, "n-1", "\"notified_on\":\"2026-04-02\""));
    assert_true(record_says(&s, "n-1", "\"relationship\":\"世帯主\""));
    assert_true(record_says(&s, "n-3", "\"name\":\"WANG LEE\"")); /* put right by hand */
    assert_true(record_says(&s, "n-3", "\"residence_until\":\"2027-01-01\""));
    assert_int_equal(list(&s).last.entered, 2);
    buf_init(&b, 64 << 10);
    assert_ok(register_card_show(s.r, NULL, STR("n-1"), &b));
    assert_non_null(memmem(b.p, b.n, "\"continuation_due\":\"2026-07-01\"", 31)); /* 90 days */
    buf_clear(&b);
    assert_err(register_card_show(s.r, NULL, STR("n-3"), &b), ERR_NOT_FOUND);
    assert_ok(register_certificate_show(s.r, NULL, (struct area_code){272035}, STR("t-1"), &b));
    assert_non_null(memmem(b.p, b.n, "\"24727059608\":\"n-1\"", 19));
    buf_release(&b);
    assert_err(filed(&s, FILING_OF("v-2", "2026-04-01", HOLDER, P1)), ERR_CERTIFICATE_USED);
    /* who stayed comes later: not by this card, whose holder is here already */
    assert_err(filed(&s, FILING_OF("v-3", "2026-04-01", HOLDER, P2)), ERR_CARD_HOLDER);
    close_new(&s);
}

static void each_limit_at_its_edge(void **state UNUSED)
{
    static const struct {
        const char *today, *moved;
        enum err err;
    } rows[] = {
        {"2026-04-30", "2026-04-30", ERR_OK}, /* 30 days after the planned day, 31 March */
        {"2026-05-01", "2026-05-01", ERR_CERTIFICATE_DAYS_PLANNED},
        {"2026-04-15", "2026-04-01", ERR_OK}, /* 14 days after the move */
        {"2026-04-16", "2026-04-01", ERR_CERTIFICATE_DAYS_MOVED},
        {"2026-04-01", "2026-04-02", ERR_FIELD_RANGE}, /* not yet moved */
        {"2026-03-30", "2026-03-29", ERR_OK},          /* before the planned day */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene s;
        char filing[2048];
        scene_open(&s, sqlite_fresh());
        tell(&s, MESSAGE("x/1", "272035", "t-1", ",\"persons\":[" FAMILY "]"));
        set_day(rows[i].today);
        snprintf(filing, sizeof filing,
                 "{\"from\":\"272035\",\"certificate\":\"t-1\",\"event\":\"v\",\"change_date\":\"%s\"," HOLDER
                 "\"set\":{\"area_code\":\"282049\",\"address\":\"兵庫県西宮市\",\"household_number\":\"h-"
                 "7\"},\"persons\":[" P1 "]}",
                 rows[i].moved);
        assert_err(filed(&s, filing), rows[i].err);
        assert_int_equal(scene_status(&s).residents, rows[i].err ? 0 : 1);
        close_new(&s);
    }
}

static void the_card_is_needed_and_is_the_holders_on(const char *url)
{
    static const struct {
        const char *filing;
        enum err err;
    } rows[] = {
        {FILING_OF("v", "2026-04-01", "", P1), ERR_CARD_NEEDED},
        {FILING_OF("v", "2026-04-01", HOLDER, P2), ERR_CARD_HOLDER}, /* the family without the holder */
        {FILING_OF("v", "2026-04-01", "\"card\":{\"resident_code\":\"24939020159\"," CARD_SAYS "},", P1),
         ERR_CARD_HOLDER},
        {FILING_OF("v", "2026-04-01", "\"card\":{\"resident_code\":\"24846016224\"," CARD_SAYS "},",
                   P1 "," P2),
         ERR_CARD_OTHER}, /* a card that the old place did not name */
        {FILING_OF("v", "2026-04-01",
                   "\"card\":{\"resident_code\":\"24727059608\",\"issued_on\":\"2024-05-01\",\"valid_until\":"
                   "\"2034-01-02\","
                   "\"form\":\"1\",\"authenticity_code\":\"FFFF\"},",
                   P1),
         ERR_CARD_OTHER},
        {FILING_OF("v", "2026-04-01",
                   "\"card\":{\"resident_code\":\"24727059608\",\"issued_on\":\"2024-05-01\",\"valid_until\":"
                   "\"2026-04-01\"},",
                   P1),
         ERR_CARD_EXPIRED},
        {FILING_OF("v", "2026-04-01", HOLDER, P1 ",{\"resident_code\":\"24939020159\",\"record\":\"n-9\"}"),
         ERR_CERTIFICATE_PERSON},
        {FILING_OF("v", "2026-04-01", HOLDER, P1 "," P1), ERR_EXISTS},
        {FILING_OF("v", "2026-04-01", HOLDER, ""), ERR_FIELD_MISSING}, /* nobody */
        {FILING_OF("v", "2026-04-01", HOLDER,
                   "{\"resident_code\":\"24727059608\",\"record\":\"n-1\",\"set\":{\"record\":\"z\"}}"),
         ERR_CHANGE_VALUE},
        {FILING_OF("v", "2026-04-01", HOLDER, P1 ",{\"resident_code\":\"24846016224\",\"record\":\"n-1\"}"),
         ERR_EXISTS},
    };
    struct scene s;
    open_new(&s, url);
    tell(&s, SENT("x/1", FAMILY));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_err(filed(&s, rows[i].filing), rows[i].err);
        assert_int_equal(scene_status(&s).residents, 0); /* all or nobody */
        assert_int_equal(list(&s).last.entered, 0);
    }
    assert_ok(filed(&s, FILING_OF("v", "2026-04-01", HOLDER, P1 "," P2)));
    close_new(&s);
}

static void the_newest_counts_on(const char *url)
{
    struct scene s;
    open_new(&s, url);
    tell(&s, SENT("x/1", FAMILY));
    tell(&s, SENT("x/2", FATHER(CARD_SENT) "," CHILD)); /* the mother stays */
    assert_int_equal(list(&s).count, 1);
    assert_int_equal(list(&s).last.persons, 2);
    assert_err(filed(&s, FILING_OF("v", "2026-04-01", HOLDER, P1 "," P2)), ERR_CERTIFICATE_PERSON);
    tell(&s, MESSAGE("x/3", "272035", "t-1", ",\"withdrawn\":true"));
    assert_true(list(&s).last.withdrawn);
    assert_err(filed(&s, FILING_OF("v", "2026-04-01", HOLDER, P1)), ERR_CERTIFICATE_WITHDRAWN);
    tell(&s, SENT("x/4", FAMILY)); /* and goes after all */
    /* meanwhile another place says that they lived there and go here */
    tell(&s, MESSAGE("y/1", "131016", "c-1", ",\"persons\":[" FATHER(CARD_SENT) "]"));
    assert_int_equal(list(&s).count, 2);
    assert_err(filed(&s, FILING_OF("v", "2026-04-01", HOLDER, P1)), ERR_CERTIFICATE_LATER);
    tell(&s, MESSAGE("y/2", "131016", "c-1", ",\"withdrawn\":true"));
    assert_ok(filed(&s, FILING_OF("v", "2026-04-01", HOLDER, P1)));
    tell(&s, SENT("x/5", FAMILY)); /* a resend after the 転入届 makes nothing of it undone */
    assert_int_equal(list(&s).last.entered, 1);
    close_new(&s);
}

static void a_certificate_after_the_move_in_offers_nothing_on(const char *url)
{
    struct scene s;
    open_new(&s, url);
    scene_load(&s, STR(HEADER TARO)); /* came by a paper */
    tell(&s, SENT("x/1", FATHER(CARD_SENT)));
    assert_int_equal(list(&s).last.entered, 1);
    assert_err(filed(&s, FILING_OF("v", "2026-04-01", HOLDER, P1)), ERR_CERTIFICATE_USED);
    close_new(&s);
}

static void who_was_here_before_keeps_the_name_on(const char *url)
{
    struct scene s;
    open_new(&s, url);
    scene_load(&s, STR(HEADER TARO));
    scene_apply(&s, "{\"event\":\"o\",\"reason\":\"domestic_move_out\",\"change_date\":\"2020-04-01\","
                    "\"record\":\"r-1\"}\n");
    assert_int_equal(s.result.taken, 1);
    tell(&s, SENT("x/1", FATHER(CARD_SENT)));
    assert_ok(filed(&s, FILING_OF("v", "2026-04-01", HOLDER, P1)));
    assert_true(record_says(&s, "n-1", "\"name\":\"西宮　太郎\"")); /* not 豊中　太郎 */
    close_new(&s);
}

/* Who came with aliases leaves with them. */
static void aliases_that_came_go_on_on(const char *url)
{
    struct scene s;
    struct buf b;
    open_new(&s, url);
    tell(&s,
         SENT("x/1",
              "{\"resident_code\":\"25208017643\",\"name\":\"WANG LI\",\"birth_date\":\"2015-07-07\",\"sex\":"
              "\"male\",\"relationship\":\"世帯主\",\"foreign\":true,\"nationality\":\"中国\",\"aliases\":["
              "{\"alias\":\"大山　花\",\"area_code\":\"272035\",\"entered_on\":\"2021-05-01\"}]" CARD_SENT
              "}"));
    assert_ok(filed(
        &s, FILING_OF("v", "2026-04-01", "\"card\":{\"resident_code\":\"25208017643\"," CARD_SAYS "},", P3)));
    scene_apply(
        &s,
        "{\"event\":\"e\",\"reason\":\"domestic_move_out\",\"change_date\":\"2026-05-01\",\"planned\":true,"
        "\"record\":\"n-3\",\"moved_to_area_code\":\"131016\"}\n");
    buf_init(&b, 64 << 10);
    assert_ok(register_certificate_paper(s.r, NULL, STR("n-3"), &b));
    assert_non_null(memmem(b.p, b.n, "\"aliases\":[{\"alias\":\"大山　花\"",
                           strlen("\"aliases\":[{\"alias\":\"大山　花\"")));
    buf_release(&b);
    close_new(&s);
}

static void an_answer_is_kept_like_what_was_sent_on(const char *url)
{
    struct scene s;
    struct json *item;
    open_new(&s, url);
    assert_ok(json_read(NULL, STR(SENT("q", FATHER(CARD_SENT))), &item));
    assert_ok(register_certificate_keep(s.r, NULL, STR("q-1"), json_get(item, "body")));
    json_free(item);
    assert_ok(json_read(
        NULL,
        STR("{\"certificate\":\"t-2\",\"area_code\":\"272035\",\"address\":\"大阪府豊中市\","
            "\"destination_area_code\":\"131016\",\"planned_on\":\"2026-03-31\",\"withdrawn\":true}"),
        &item));
    assert_err(register_certificate_keep(s.r, NULL, STR("q-2"), item), ERR_DOOR_AREA);
    json_free(item);
    assert_int_equal(list(&s).count, 1);
    assert_ok(filed(&s, FILING_OF("v", "2026-04-01", HOLDER, P1)));
    close_new(&s);
}

static void what_cannot_be_read_goes_on_the_list_on(const char *url)
{
    struct scene s;
    open_new(&s, url);
    tell(&s, MESSAGE("x/1", "272035", "t-1", "")); /* nobody, and not withdrawn */
    assert_int_equal(list(&s).count, 0);
    assert_err(filed(&s, FILING_OF("v", "2026-04-01", HOLDER, P1)), ERR_NOT_FOUND);
    close_new(&s);
}

#define ON_BOTH(test)                                                                                        \
    static void test(void **state UNUSED)                                                                    \
    {                                                                                                        \
        both_stores(test##_on);                                                                              \
    }
ON_BOTH(a_family_is_entered_and_one_stays)
ON_BOTH(the_card_is_needed_and_is_the_holders)
ON_BOTH(the_newest_counts)
ON_BOTH(a_certificate_after_the_move_in_offers_nothing)
ON_BOTH(who_was_here_before_keeps_the_name)
ON_BOTH(aliases_that_came_go_on)
ON_BOTH(an_answer_is_kept_like_what_was_sent)
ON_BOTH(what_cannot_be_read_goes_on_the_list)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_move_out_by_card_is_told_at_once),
        cmocka_unit_test(who_does_not_belong_together_is_refused),
        cmocka_unit_test(a_card_that_is_no_more_valid_is_none),
        cmocka_unit_test(who_stays_after_all_is_left_out),
        cmocka_unit_test(what_is_corrected_on_the_way_is_told_again),
        cmocka_unit_test(arrival_elsewhere_takes_it_back_where_it_was_planned),
        cmocka_unit_test(a_new_move_out_takes_the_place_of_the_old),
        cmocka_unit_test(at_most_thirty_go_by_one),
        cmocka_unit_test(what_a_paper_says),
        cmocka_unit_test(another_place_asks_and_is_answered),
        cmocka_unit_test(each_limit_at_its_edge),
        cmocka_unit_test(a_family_is_entered_and_one_stays),
        cmocka_unit_test(the_card_is_needed_and_is_the_holders),
        cmocka_unit_test(the_newest_counts),
        cmocka_unit_test(a_certificate_after_the_move_in_offers_nothing),
        cmocka_unit_test(who_was_here_before_keeps_the_name),
        cmocka_unit_test(aliases_go_along),
        cmocka_unit_test(aliases_that_came_go_on),
        cmocka_unit_test(an_answer_is_kept_like_what_was_sent),
        cmocka_unit_test(what_cannot_be_read_goes_on_the_list),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_clean);
}
