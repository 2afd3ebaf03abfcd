/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/resident_code_stock/resident_code_stock.h"
#include "fake_link.h"
#include "flow/flow_resident_code_stock_sql.h"
#include "people.h"
#include "stores.h"
#include "test.h"

enum { AGENCY, CS_NISHINOMIYA, CS_CHIYODA, NODES };
static struct link nodes[NODES];

/* The store under test is given to one node; url is used first, for sqlite_fresh gives its name once. */
static void open_with(int tested, const char *url)
{
    static const struct {
        const char *name;
        enum node_role role;
        int32_t area;
        const char *upper;
    } rows[] = {[AGENCY] = {"agency", NODE_AGENCY, 0, ""},
                [CS_NISHINOMIYA] = {"cs.282049", NODE_CS, NISHINOMIYA, "prefecture.28"},
                [CS_CHIYODA] = {"cs.131016", NODE_CS, CHIYODA, "prefecture.13"}};
    struct fail f;
    fake_node(&nodes[tested], rows[tested].name, rows[tested].role, rows[tested].area, rows[tested].upper,
              url);
    assert_ok(db_prepare_all(&f, nodes[tested].flow.db));
    for (int i = 0; i < NODES; i++)
        if (i != tested)
            fake_node(&nodes[i], rows[i].name, rows[i].role, rows[i].area, rows[i].upper, sqlite_fresh());
}

static void open_nodes(const char *url)
{
    open_with(AGENCY, url);
}

struct call {
    struct flow *flow;
    int64_t count;
    const char *draw;
    struct resident_code code, *codes;
    struct area_code area;
    struct stock_status status;
    struct store_version version;
};

static enum err request_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    return resident_code_stock_request(c->flow, tx, f, c->count);
}

static enum err draw_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    return resident_code_stock_draw(c->flow, tx, f, str_of(c->draw), 1, &c->code);
}

static enum err draw_many_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    return resident_code_stock_draw(c->flow, tx, f, str_of(c->draw), (size_t)c->count, c->codes);
}

/* As a draw that a restore from before it undid. */
static enum err draw_and_forget_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    enum err e = draw_many_tx(tx, f, arg);
    return e ? e : fail_set(f, ERR_DB_CONSTRAINT, NULL, NULL);
}

static enum err fill_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    return resident_code_stock_fill(c->flow, tx, f, c->count, 1);
}

static enum err status_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    return resident_code_stock_status(tx, f, &c->status);
}

static enum err designate_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    return resident_code_stock_designate(c->flow, tx, f, c->area, c->count, c->codes);
}

static enum err enter_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    return store_apply(tx, f, &c->version);
}

static enum err note_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct call *c = arg;
    return db_exec(tx, f, &sql_flow_resident_code_stock_drawn_add,
                   DB(db_text(str_of(c->draw)), db_int(c->code.value), db_text(STR("")), db_int(1)), NULL);
}

static void fill(int node, int64_t count)
{
    struct call c = {.flow = &nodes[node].flow, .count = count};
    assert_ok(db_transaction(c.flow->db, NULL, request_tx, &c));
    fake_deliver_all(nodes, NODES);
}

static enum err draw(int node, const char *id, struct resident_code *out)
{
    struct call c = {.flow = &nodes[node].flow, .draw = id};
    enum err e = db_transaction(c.flow->db, NULL, draw_tx, &c);
    *out = c.code;
    return e;
}

static struct stock_status status(int node)
{
    struct call c = {0};
    assert_ok(db_read(nodes[node].flow.db, NULL, status_tx, &c));
    return c.status;
}

static void enter(int node, struct resident_code code, uint64_t entry)
{
    struct call c = {.version = {.identity = resident(1, NISHINOMIYA),
                                 .change = change_on(CHANGE_MOVE_IN, 2020, 1, 1),
                                 .entry = entry}};
    c.version.identity.resident_code = code;
    assert_ok(db_transaction(nodes[node].flow.db, NULL, enter_tx, &c));
}

static int compare_codes(const void *a, const void *b)
{
    int64_t x = ((const struct resident_code *)a)->value, y = ((const struct resident_code *)b)->value;
    return (x > y) - (x < y);
}

static void designated_codes_never_overlap(const char *url)
{
    enum { EACH = 400, TIMES = 3 };
    struct resident_code codes[EACH * TIMES];
    open_nodes(url);
    for (int i = 0; i < TIMES; i++) {
        struct call next = {.flow = &nodes[AGENCY].flow, .count = EACH, .codes = codes + i * EACH};
        next.area.value = i % 2 ? CHIYODA : NISHINOMIYA;
        assert_ok(db_transaction(next.flow->db, NULL, designate_tx, &next));
    }
    int ascending = 0;
    for (int i = 1; i < EACH * TIMES; i++)
        ascending += codes[i].value > codes[i - 1].value;
    assert_in_range(ascending, EACH * TIMES / 3, EACH * TIMES * 2 / 3); /* no order to be seen */
    qsort(codes, EACH * TIMES, sizeof codes[0], compare_codes);
    for (int i = 0; i < EACH * TIMES; i++) {
        assert_true(resident_code_valid(codes[i]));
        assert_true(i == 0 || codes[i].value != codes[i - 1].value);
    }
    fake_close(nodes, NODES);
}

static void a_code_known_from_elsewhere_is_passed_over(const char *url)
{
    struct resident_code probe[3], codes[2];
    open_nodes(url);
    struct call c = {.flow = &nodes[AGENCY].flow, .count = 3, .area = {CHIYODA}, .codes = probe};
    assert_ok(db_transaction(c.flow->db, NULL, designate_tx, &c));
    fake_close(nodes, NODES);
    open_nodes(sqlite_fresh());
    enter(AGENCY, probe[0], 0);
    c.count = 2;
    c.codes = codes;
    assert_ok(db_transaction(c.flow->db, NULL, designate_tx, &c));
    assert_true(resident_code_equal(codes[0], probe[1]));
    assert_true(resident_code_equal(codes[1], probe[2]));
    fake_close(nodes, NODES);
}

static void a_filling_arrives_in_notices(void **state UNUSED)
{
    open_nodes(sqlite_fresh());
    fill(CS_NISHINOMIYA, STOCK_NOTICE_CODES + 1);
    assert_int_equal(fake_count, 3); /* the request and two notices */
    for (size_t i = 1; i < fake_count; i++)
        assert_true(strlen(fake_notices[i].body) < 1024 * 1024);
    struct stock_status s = status(CS_NISHINOMIYA);
    assert_int_equal(s.designated, STOCK_NOTICE_CODES + 1);
    assert_int_equal(s.unused, STOCK_NOTICE_CODES + 1);
    assert_int_equal(s.requested, 0);
    assert_int_equal(s.level, 0);
    struct call c = {.flow = &nodes[CS_NISHINOMIYA].flow, .count = STOCK_REQUEST_MOST + 1};
    assert_err(db_transaction(c.flow->db, NULL, request_tx, &c), ERR_FIELD_RANGE);
    fake_close(nodes, NODES);
}

static void a_draw_is_repeated_not_doubled(const char *url)
{
    struct resident_code a, b;
    open_with(CS_NISHINOMIYA, url);
    assert_err(draw(CS_NISHINOMIYA, "birth-1", &a), ERR_STOCK_EMPTY);
    fill(CS_NISHINOMIYA, 20);
    assert_ok(draw(CS_NISHINOMIYA, "birth-1", &a));
    assert_ok(draw(CS_NISHINOMIYA, "birth-1", &b));
    assert_true(resident_code_equal(a, b));
    assert_ok(draw(CS_NISHINOMIYA, "birth-2", &b));
    assert_false(resident_code_equal(a, b));
    assert_int_equal(status(CS_NISHINOMIYA).unused, 18);
    assert_err(draw(CS_NISHINOMIYA, "", &b), ERR_FIELD_RANGE);
    fake_close(nodes, NODES);
}

static void a_draw_of_many_can_be_repeated_for_more(void **state UNUSED)
{
    struct resident_code first[3], again[5], too_many[40];
    open_with(CS_NISHINOMIYA, sqlite_fresh());
    fill(CS_NISHINOMIYA, 20);
    struct call c = {.flow = &nodes[CS_NISHINOMIYA].flow, .draw = "load", .count = 3, .codes = first};
    assert_ok(db_transaction(c.flow->db, NULL, draw_many_tx, &c));
    c.count = 5;
    c.codes = again;
    assert_ok(db_transaction(c.flow->db, NULL, draw_many_tx, &c));
    assert_memory_equal(first, again, sizeof first);
    assert_false(resident_code_equal(again[3], again[4]));
    assert_int_equal(status(CS_NISHINOMIYA).unused, 15);
    c.draw = "more than there are";
    c.count = 40;
    c.codes = too_many;
    assert_err(db_transaction(c.flow->db, NULL, draw_many_tx, &c), ERR_STOCK_EMPTY);
    assert_int_equal(status(CS_NISHINOMIYA).unused, 15);
    fake_close(nodes, NODES);
}

static void every_code_is_drawn_once_in_no_order(void **state UNUSED)
{
    enum { CODES = 200 };
    struct resident_code drawn[CODES];
    char id[16];
    open_nodes(sqlite_fresh());
    fill(CS_NISHINOMIYA, CODES);
    const char *body = fake_notices[1].body;
    int in_order = 0;
    const char *before = body;
    for (int i = 0; i < CODES; i++) {
        char text[RESIDENT_CODE_TEXT_SIZE];
        snprintf(id, sizeof id, "d%d", i);
        assert_ok(draw(CS_NISHINOMIYA, id, &drawn[i]));
        const char *at = strstr(body, resident_code_REVEAL(drawn[i], text));
        assert_non_null(at); /* designated for this CS */
        in_order += at > before;
        before = at;
    }
    assert_in_range(in_order, CODES / 10, CODES * 9 / 10);
    qsort(drawn, CODES, sizeof drawn[0], compare_codes);
    for (int i = 1; i < CODES; i++)
        assert_true(drawn[i].value != drawn[i - 1].value);
    fake_close(nodes, NODES);
}

/* Large and small draws by turns take each code once and leave no hole. */
static void draws_of_any_size_give_each_code_once(const char *url)
{
    enum { CODES = 300 };
    struct resident_code drawn[CODES];
    char id[16];
    open_with(CS_NISHINOMIYA, url);
    fill(CS_NISHINOMIYA, CODES);
    nodes[CS_NISHINOMIYA].flow.pool_low = NULL;
    for (int at = 0, size = 1; at < CODES; size = size * 5 % 37) {
        struct call c = {.flow = &nodes[CS_NISHINOMIYA].flow, .draw = id, .count = size, .codes = drawn + at};
        if (size > CODES - at)
            c.count = CODES - at;
        snprintf(id, sizeof id, "d%d", at);
        assert_ok(db_transaction(c.flow->db, NULL, draw_many_tx, &c));
        at += (int)c.count;
        assert_int_equal(status(CS_NISHINOMIYA).unused, CODES - at);
    }
    qsort(drawn, CODES, sizeof drawn[0], compare_codes);
    for (int i = 1; i < CODES; i++)
        assert_true(drawn[i].value != drawn[i - 1].value);
    fake_close(nodes, NODES);
}

static void note_one_before(struct resident_code code, const char *name)
{
    struct call c = {.draw = name, .code = code};
    assert_ok(db_transaction(nodes[CS_NISHINOMIYA].flow.db, NULL, note_tx, &c));
}

/* A database of before has a row for each code of a draw. */
static void a_draw_of_before_is_repeated(void **state UNUSED)
{
    struct resident_code again[4];
    open_with(CS_NISHINOMIYA, sqlite_fresh());
    fill(CS_NISHINOMIYA, 20);
    note_one_before(code_of(1), "load/0");
    note_one_before(code_of(2), "load/1");
    struct call c = {.flow = &nodes[CS_NISHINOMIYA].flow, .draw = "load", .count = 4, .codes = again};
    for (int i = 0; i < 2; i++) {
        assert_ok(db_transaction(c.flow->db, NULL, draw_many_tx, &c));
        assert_true(resident_code_equal(again[0], code_of(1)));
        assert_true(resident_code_equal(again[1], code_of(2)));
        assert_int_equal(status(CS_NISHINOMIYA).unused, 18);
    }
    fake_close(nodes, NODES);
}

/* Who takes many at once is not kept waiting when the last ones are gone. */
static void large_draws_ask_for_more_early(void **state UNUSED)
{
    struct resident_code codes[9];
    open_with(CS_NISHINOMIYA, sqlite_fresh());
    fill(CS_NISHINOMIYA, 30);
    struct call c = {.flow = &nodes[CS_NISHINOMIYA].flow, .draw = "a", .count = 9, .codes = codes};
    assert_ok(db_transaction(c.flow->db, NULL, draw_many_tx, &c));
    assert_int_equal(status(CS_NISHINOMIYA).requested, 0); /* 21 left: twice as many as now, and above 30 % */
    c.draw = "b";
    assert_ok(db_transaction(c.flow->db, NULL, draw_many_tx, &c));
    struct stock_status s = status(CS_NISHINOMIYA);
    assert_int_equal(s.level, 0);
    assert_int_equal(s.requested, 90);
    fake_close(nodes, NODES);
}

static void more_is_asked_for_in_time_and_once(void **state UNUSED)
{
    struct resident_code code;
    char id[16];
    open_nodes(sqlite_fresh());
    fill(CS_CHIYODA, 20);
    int64_t sent = nodes[CS_CHIYODA].sent;
    for (int i = 1; i <= 19; i++) {
        snprintf(id, sizeof id, "d%d", i);
        assert_ok(draw(CS_CHIYODA, id, &code));
        struct stock_status s = status(CS_CHIYODA);
        assert_int_equal(s.level, 20 - i <= 2 ? 2 : 20 - i <= 6 ? 1 : 0);
        assert_int_equal(nodes[CS_CHIYODA].sent - sent, 20 - i <= 6);
        assert_int_equal(s.requested, 20 - i <= 6 ? 20 : 0);
        assert_int_equal(nodes[CS_CHIYODA].alarms, s.level); /* at 30 % and at 10 %, once each */
    }
    fake_deliver_all(nodes, NODES);
    struct stock_status s = status(CS_CHIYODA);
    assert_int_equal(s.unused, 21);
    assert_int_equal(s.requested, 0);
    assert_int_equal(s.level, 0);
    fake_close(nodes, NODES);
}

static void a_code_in_use_is_not_drawn_again(void **state UNUSED)
{
    struct resident_code code, drawn[4];
    open_nodes(sqlite_fresh());
    fill(CS_NISHINOMIYA, 4);
    struct call probe = {.flow = &nodes[CS_NISHINOMIYA].flow, .draw = "probe"};
    assert_ok(db_transaction(probe.flow->db, NULL, draw_tx, &probe));
    fake_close(nodes, NODES);
    open_nodes(sqlite_fresh()); /* the same key, the same codes: a backup from before the draw */
    fill(CS_NISHINOMIYA, 4);
    enter(CS_NISHINOMIYA, probe.code, 0);
    for (int i = 0; i < 3; i++) {
        char id[16];
        snprintf(id, sizeof id, "d%d", i);
        assert_ok(draw(CS_NISHINOMIYA, id, &drawn[i]));
        assert_false(resident_code_equal(drawn[i], probe.code));
    }
    assert_err(draw(CS_NISHINOMIYA, "d4", &code), ERR_STOCK_EMPTY);
    fake_close(nodes, NODES);
}

/* The register holds codes that the backup does not know as given, nobody has told of them yet, and an answer
 * of before comes late: none of them is given to anybody else. */
static void a_restored_cs_gives_no_code_a_second_time(const char *url)
{
    enum { STOCK = 20 };
    struct resident_code code, lost[STOCK + 1];
    char id[16];
    open_with(CS_NISHINOMIYA, url);
    fill(CS_NISHINOMIYA, STOCK);
    struct fake_notice late = fake_notices[fake_count - 1];
    struct call c = {.flow = &nodes[CS_NISHINOMIYA].flow, .draw = "lost", .count = STOCK, .codes = lost};
    assert_err(db_transaction(c.flow->db, NULL, draw_and_forget_tx, &c), ERR_DB_CONSTRAINT);
    assert_int_equal(status(CS_NISHINOMIYA).unused, STOCK);
    nodes[CS_NISHINOMIYA].epoch = 1800000000;
    assert_err(draw(CS_NISHINOMIYA, "d", &code), ERR_STOCK_EMPTY);
    assert_ok(db_transaction(c.flow->db, NULL, fill_tx, &c));
    assert_ok(fake_deliver_one(&nodes[CS_NISHINOMIYA], &late, NULL));
    assert_int_equal(status(CS_NISHINOMIYA).unused, 0);
    fake_deliver_all(nodes, NODES);
    assert_int_equal(status(CS_NISHINOMIYA).unused, STOCK);
    for (int i = 0; i < STOCK / 2; i++) {
        snprintf(id, sizeof id, "d%d", i);
        assert_ok(draw(CS_NISHINOMIYA, id, &code));
        for (int k = 0; k < STOCK; k++)
            assert_int_not_equal(code.value, lost[k].value);
    }
    fake_close(nodes, NODES);
}

static void only_the_agency_fills_and_only_its_own_cs(void **state UNUSED)
{
    struct fail f;
    open_nodes(sqlite_fresh());
    fill(CS_NISHINOMIYA, 4);
    assert_err(fake_deliver_one(&nodes[CS_CHIYODA], &fake_notices[1], &f), ERR_SCOPE); /* another's codes */
    struct fake_notice forged = fake_notices[1];
    forged.sender = "cs.131016";
    assert_err(fake_deliver_one(&nodes[CS_NISHINOMIYA], &forged, &f), ERR_SCOPE);
    struct fake_notice bad = fake_notices[1];
    char body[200];
    static const struct {
        const char *codes;
        enum err want;
    } rows[] = {{"[]", ERR_FIELD_RANGE},
                {"[1]", ERR_FIELD_TYPE},
                {"[\"24727059609\"]", ERR_RESIDENT_CODE_CHECK},
                {"{}", ERR_FIELD_TYPE}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        snprintf(body, sizeof body, "{\"area_code\":\"282049\",\"filling\":4,\"resident_codes\":%s}",
                 rows[i].codes);
        bad.body = body;
        assert_err(fake_deliver_one(&nodes[CS_NISHINOMIYA], &bad, &f), rows[i].want);
    }
    assert_int_equal(status(CS_NISHINOMIYA).unused, 4);
    fake_close(nodes, NODES);
}

/* What a restored agency has forgotten it does not designate to another municipality. */
static enum err designate_and_forget_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    enum err e = designate_tx(tx, f, arg);
    return e ? e : fail_set(f, ERR_DB_CONSTRAINT, NULL, NULL); /* undone, as by a restore from before it */
}

static void a_restored_agency_designates_others(const char *url)
{
    static struct resident_code lost[200], fresh[200];
    open_nodes(url);
    struct flow *flow = &nodes[AGENCY].flow;
    struct call c = {.flow = flow, .area = {NISHINOMIYA}, .count = COUNT_OF(lost), .codes = lost};
    assert_err(db_transaction(flow->db, NULL, designate_and_forget_tx, &c), ERR_DB_CONSTRAINT);
    nodes[AGENCY].epoch = 1800000000;
    c.area.value = CHIYODA;
    c.codes = fresh;
    for (int round = 0; round < 2; round++) { /* the second one goes on where the first ended */
        assert_ok(db_transaction(flow->db, NULL, designate_tx, &c));
        for (size_t i = 0; i < COUNT_OF(lost); i++)
            for (size_t k = 0; k < COUNT_OF(fresh); k++)
                assert_int_not_equal(lost[i].value, fresh[k].value);
    }
    fake_close(nodes, NODES);
}

BOTH(a_restored_agency_designates_others)
BOTH(designated_codes_never_overlap)
BOTH(a_code_known_from_elsewhere_is_passed_over)
BOTH(a_draw_is_repeated_not_doubled)
BOTH(a_restored_cs_gives_no_code_a_second_time)
BOTH(draws_of_any_size_give_each_code_once)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_designated_codes_never_overlap),
        cmocka_unit_test(both_a_restored_agency_designates_others),
        cmocka_unit_test(both_a_code_known_from_elsewhere_is_passed_over),
        cmocka_unit_test(a_filling_arrives_in_notices),
        cmocka_unit_test(both_a_draw_is_repeated_not_doubled),
        cmocka_unit_test(a_draw_of_many_can_be_repeated_for_more),
        cmocka_unit_test(every_code_is_drawn_once_in_no_order),
        cmocka_unit_test(both_draws_of_any_size_give_each_code_once),
        cmocka_unit_test(a_draw_of_before_is_repeated),
        cmocka_unit_test(large_draws_ask_for_more_early),
        cmocka_unit_test(more_is_asked_for_in_time_and_once),
        cmocka_unit_test(a_code_in_use_is_not_drawn_again),
        cmocka_unit_test(both_a_restored_cs_gives_no_code_a_second_time),
        cmocka_unit_test(only_the_agency_fills_and_only_its_own_cs),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
