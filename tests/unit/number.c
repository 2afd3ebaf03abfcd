/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/number/number.h"
#include "fake_link.h"
#include "flow/flow_number_sql.h"
#include "flow/number/number_state.h"
#include "flow/resident_code_stock/resident_code_stock.h"
#include "people.h"
#include "stores.h"
#include "test.h"

static struct link agency;
static uint64_t entries; /* of the log that there is not */

struct call {
    struct resident_code code;
    enum number_request_kind kind;
    const char *request;
    struct individual_number number;
    struct identity identity;
    struct change change;
    enum number_state state;
    bool has_row;
};

static enum err generate_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    return number_generate(&agency.flow, tx, f, c->code, c->kind, str_of(c->request), &c->number);
}

static enum err generate(int64_t n, enum number_request_kind kind, const char *request,
                         struct individual_number *out)
{
    struct call c = {.code = code_of(n), .kind = kind, .request = request};
    enum err e = db_transaction(agency.flow.db, NULL, generate_tx, &c);
    *out = c.number;
    return e;
}

/* A refusal comes before the first write: the error list keeps the notice in the same transaction. */
static enum err record_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    int64_t written = db_tx_changes(tx);
    const struct store_version v = {.identity = c->identity, .change = c->change};
    enum err e = number_record(&agency.flow, tx, f, &v, NULL);
    if (e)
        assert_int_equal(db_tx_changes(tx), written);
    return e;
}

static enum err record(int64_t code, struct individual_number number)
{
    struct call c = {.identity = resident(code, NISHINOMIYA),
                     .change = change_on(CHANGE_MOVE_IN, 2020, 1, 1)};
    c.identity.individual_number = number;
    return db_transaction(agency.flow.db, NULL, record_tx, &c);
}

static void open_agency(const char *url)
{
    struct fail f;
    fake_node(&agency, "agency", NODE_AGENCY, 0, "", url);
    assert_ok(db_prepare_all(&f, agency.flow.db));
}

static void numbers_are_valid_and_differ(const char *url)
{
    enum { MANY = 300 };
    struct individual_number numbers[MANY];
    char request[32];
    open_agency(url);
    for (int i = 0; i < MANY; i++) {
        snprintf(request, sizeof request, "cs.282049/agency/%d", i);
        assert_ok(generate(i, NUMBER_NEW, request, &numbers[i]));
        assert_true(individual_number_valid(numbers[i]));
        for (int k = 0; k < i; k++)
            assert_false(individual_number_equal(numbers[i], numbers[k]));
    }
    fake_close(&agency, 1);
}

static void a_request_gets_one_answer(const char *url)
{
    struct individual_number first, again, changed, changed_again, next;
    open_agency(url);
    assert_ok(generate(1, NUMBER_NEW, "a/agency/1", &first));
    assert_ok(generate(1, NUMBER_NEW, "a/agency/1", &again));
    assert_true(individual_number_equal(first, again));
    assert_ok(generate(1, NUMBER_NEW, "a/agency/2", &again)); /* asked anew before it was used */
    assert_true(individual_number_equal(first, again));
    assert_ok(generate(1, NUMBER_CHANGE, "a/agency/3", &changed));
    assert_false(individual_number_equal(first, changed));
    assert_ok(generate(1, NUMBER_CHANGE, "a/agency/3", &changed_again));
    assert_true(individual_number_equal(changed, changed_again));
    assert_ok(generate(1, NUMBER_EX_OFFICIO, "a/agency/4", &next));
    assert_false(individual_number_equal(next, changed));
    fake_close(&agency, 1);
}

static void a_number_from_elsewhere_is_never_generated(const char *url)
{
    struct individual_number numbers[NUMBER_GENERATIONS], got;
    char request[32];
    open_agency(url);
    for (int g = 0; g < NUMBER_GENERATIONS; g++) { /* what code 7 would get, in order */
        snprintf(request, sizeof request, "probe/agency/%d", g);
        assert_ok(generate(7, g ? NUMBER_CHANGE : NUMBER_NEW, request, &numbers[g]));
    }
    assert_err(generate(7, NUMBER_CHANGE, "probe/agency/10", &got), ERR_NUMBER_EXHAUSTED);
    fake_close(&agency, 1);

    for (int taken = 0; taken <= NUMBER_GENERATIONS; taken++) { /* others have the first ones already */
        open_agency(sqlite_fresh());
        for (int k = 0; k < taken; k++)
            assert_ok(record(100 + k, numbers[k]));
        enum err e = generate(7, NUMBER_NEW, "a/agency/1", &got);
        assert_int_equal(e, taken < NUMBER_GENERATIONS ? ERR_OK : ERR_NUMBER_EXHAUSTED);
        if (!e)
            assert_true(individual_number_equal(got, numbers[taken]));
        fake_close(&agency, 1);
    }
}

static void another_key_makes_other_numbers(void **state UNUSED)
{
    struct individual_number with_one, with_other;
    open_agency(sqlite_fresh());
    assert_ok(generate(1, NUMBER_NEW, "a/agency/1", &with_one));
    fake_close(&agency, 1);
    open_agency(sqlite_fresh());
    ff1_free(agency.flow.number_key);
    assert_ok(ff1_new(NULL, STR("another key 1234"), &agency.flow.number_key));
    assert_ok(generate(1, NUMBER_NEW, "a/agency/1", &with_other));
    assert_false(individual_number_equal(with_one, with_other));
    fake_close(&agency, 1);
}

static void a_number_belongs_to_one_person(const char *url)
{
    struct individual_number generated;
    open_agency(url);
    assert_ok(record(1, number_of(1)));
    assert_ok(record(1, number_of(1)));
    assert_err(record(2, number_of(1)), ERR_NUMBER_TAKEN);
    assert_ok(generate(3, NUMBER_NEW, "a/agency/1", &generated));
    assert_err(record(4, generated), ERR_NUMBER_TAKEN);
    assert_ok(record(3, generated));
    struct call c = {.identity = resident(3, NISHINOMIYA),
                     .change = change_on(CHANGE_NUMBER_CHANGE_REQUEST, 2021, 1, 1)};
    c.identity.individual_number = number_of(30);
    c.change.has_old_number = true;
    c.change.old_number = generated;
    assert_ok(db_transaction(agency.flow.db, NULL, record_tx, &c));
    assert_err(record(5, generated), ERR_NUMBER_TAKEN); /* a former number is nobody else's */
    c = (struct call){.identity = resident(1, NISHINOMIYA),
                      .change = change_on(CHANGE_CODE_CHANGE_REQUEST, 2021, 1, 1)};
    c.identity.resident_code = code_of(50);
    c.change.has_old_code = true;
    c.change.old_code = code_of(1);
    assert_ok(db_transaction(agency.flow.db, NULL, record_tx, &c));
    assert_ok(record(50, number_of(1)));
    assert_err(record(1, number_of(1)), ERR_NUMBER_TAKEN);
    fake_close(&agency, 1);
}

static enum err enter_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    struct store_version v = {.identity = c->identity, .change = c->change, .entry = entries++};
    return store_apply(tx, f, &v);
}

/* ---- first numbers, which have no row of their own ---- */

static enum err enter_and_record_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    enum err e = record_tx(tx, f, arg);
    return e ? e : enter_tx(tx, f, arg);
}

/* A notice as the agency takes it: judged, and written. */
static enum err notice(int64_t code, struct individual_number number, struct change change)
{
    struct call c = {.identity = resident(code, NISHINOMIYA), .change = change};
    c.identity.individual_number = number;
    c.identity.birth_date.year = (int16_t)(1900 + code); /* nobody is taken for another */
    return db_transaction(agency.flow.db, NULL, enter_and_record_tx, &c);
}

static enum err owner_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    struct number_owner owner = {.state = NUMBER_FREE}, row = {.state = NUMBER_FREE};
    enum err e = number_owner(&agency.flow, tx, f, c->number, &owner);
    if (!e)
        e = number_row(tx, f, c->number, &row);
    c->code = owner.code;
    c->state = owner.state;
    c->has_row = row.state != NUMBER_FREE;
    return e;
}

static void assert_owner(struct individual_number number, int64_t code, enum number_state state, bool has_row)
{
    struct call c = {.number = number};
    assert_ok(db_read(agency.flow.db, NULL, owner_tx, &c));
    assert_int_equal(c.state, state);
    assert_int_equal(c.has_row, has_row);
    if (state != NUMBER_FREE)
        assert_true(resident_code_equal(c.code, code_of(code)));
}

static void a_first_number_is_known_by_its_code(const char *url)
{
    struct individual_number first, again;
    struct change enters = change_on(CHANGE_MOVE_IN, 2020, 1, 1);
    open_agency(url);
    assert_ok(generate(3, NUMBER_NEW, "a/agency/1", &first));
    assert_owner(first, 3, NUMBER_GENERATED, false);
    assert_err(notice(4, first, enters), ERR_NUMBER_TAKEN);
    assert_ok(notice(3, first, enters));
    assert_owner(first, 3, NUMBER_IN_USE, false); /* by the version that names it */
    assert_err(notice(4, first, enters), ERR_NUMBER_TAKEN);
    assert_ok(generate(3, NUMBER_NEW, "a/agency/2", &again));
    assert_true(individual_number_equal(first, again));
    assert_owner(first, 3, NUMBER_IN_USE, false);
    fake_close(&agency, 1);
}

/* A number that a later version does not name any more is still nobody else's. */
static void a_first_number_stays_its_owners(const char *url)
{
    struct individual_number first, next, corrected;
    struct change enters = change_on(CHANGE_MOVE_IN, 2020, 1, 1),
                  corrects = change_on(CHANGE_EX_OFFICIO_AMENDMENT, 2020, 2, 1),
                  changes = change_on(CHANGE_NUMBER_CHANGE_REQUEST, 2020, 3, 1),
                  renames = change_on(CHANGE_CODE_CHANGE_REQUEST, 2020, 4, 1);
    open_agency(url);
    assert_ok(generate(1, NUMBER_NEW, "a/agency/1", &corrected)); /* it was written wrong at first */
    assert_ok(notice(1, corrected, enters));
    assert_ok(notice(1, number_of(1), corrects));
    assert_owner(corrected, 1, NUMBER_IN_USE, false);
    assert_err(notice(9, corrected, enters), ERR_NUMBER_TAKEN);

    assert_ok(generate(2, NUMBER_NEW, "a/agency/2", &first));
    assert_ok(notice(2, first, enters));
    assert_ok(generate(2, NUMBER_CHANGE, "a/agency/3", &next));
    assert_owner(next, 2, NUMBER_GENERATED, true);
    changes.has_old_number = true;
    changes.old_number = first;
    assert_ok(notice(2, next, changes));
    assert_owner(first, 2, NUMBER_FORMER, true);
    assert_owner(next, 2, NUMBER_IN_USE, true);
    assert_err(notice(9, first, enters), ERR_NUMBER_TAKEN);

    assert_ok(generate(5, NUMBER_NEW, "a/agency/4", &first));
    assert_ok(notice(5, first, enters));
    renames.has_old_code = true;
    renames.old_code = code_of(5);
    struct call c = {.identity = resident(5, NISHINOMIYA), .change = renames};
    c.identity.resident_code = code_of(50);
    c.identity.individual_number = first;
    assert_ok(db_transaction(agency.flow.db, NULL, enter_and_record_tx, &c));
    assert_owner(first, 50, NUMBER_IN_USE, true); /* the code before the change gives it no more */
    assert_err(notice(9, first, enters), ERR_NUMBER_TAKEN);
    fake_close(&agency, 1);
}

/* Somebody was loaded with what would be a code's first number. */
static void a_first_number_taken_before_is_passed_over(const char *url)
{
    struct individual_number first, got, again;
    struct change enters = change_on(CHANGE_MOVE_IN, 2020, 1, 1);
    open_agency(url);
    assert_ok(number_candidate(&agency.flow, NULL, code_of(6), GENERATION_FIRST, &first));
    assert_owner(first, 0, NUMBER_FREE, false);
    assert_ok(notice(7, first, enters));
    assert_owner(first, 7, NUMBER_IN_USE, true);
    assert_ok(generate(6, NUMBER_NEW, "a/agency/1", &got));
    assert_false(individual_number_equal(first, got));
    assert_ok(generate(6, NUMBER_NEW, "a/agency/2", &again));
    assert_true(individual_number_equal(got, again));
    assert_ok(notice(6, got, enters));
    assert_owner(got, 6, NUMBER_IN_USE, true);
    assert_owner(first, 7, NUMBER_IN_USE, true);
    fake_close(&agency, 1);
}

static enum err add_row_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct call *c = arg;
    return db_exec(
        tx, f, &sql_flow_number_issued_add,
        DB(db_int(c->number.value), db_int(c->code.value), db_int(c->state), db_int(GENERATION_FIRST)), NULL);
}

/* A database of before: each number has a row, also one that was given and has not come back. */
static void rows_of_before_hold(const char *url)
{
    struct call c = {.code = code_of(8), .state = NUMBER_GENERATED};
    struct individual_number got;
    open_agency(url);
    assert_ok(number_candidate(&agency.flow, NULL, c.code, GENERATION_FIRST, &c.number));
    assert_ok(db_transaction(agency.flow.db, NULL, add_row_tx, &c));
    assert_ok(generate(8, NUMBER_NEW, "a/agency/1", &got));
    assert_true(individual_number_equal(got, c.number));
    assert_err(notice(9, got, change_on(CHANGE_MOVE_IN, 2020, 1, 1)), ERR_NUMBER_TAKEN);
    assert_ok(notice(8, got, change_on(CHANGE_MOVE_IN, 2020, 1, 1)));
    assert_owner(got, 8, NUMBER_IN_USE, true);
    fake_close(&agency, 1);
}

static enum err recover_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct call *c = arg;
    char code[RESIDENT_CODE_TEXT_SIZE], number[INDIVIDUAL_NUMBER_TEXT_SIZE], text[200];
    struct link_notice n = {0};
    struct json *body;
    snprintf(text, sizeof text, "{\"resident_code\":\"%s\",\"individual_number\":\"%s\",\"change\":1}",
             resident_code_REVEAL(c->code, code), individual_number_REVEAL(c->number, number));
    enum err e = json_read(f, str_of(text), &body);
    n.body = body;
    if (!e)
        e = number_notice_at_agency.recover(&agency.flow, tx, &n, f);
    json_free(body);
    return e;
}

/* An agency that was restored from before it gave the numbers hears of them again from the CS. */
static void a_restored_agency_repeats_no_number(const char *url)
{
    struct call first = {.code = code_of(1)}, later = {.code = code_of(2)};
    struct individual_number again;
    struct change enters = change_on(CHANGE_MOVE_IN, 2020, 1, 1);
    open_agency(url);
    assert_ok(generate(1, NUMBER_NEW, "a/agency/1", &first.number));
    assert_ok(generate(2, NUMBER_CHANGE, "a/agency/2", &later.number));
    fake_close(&agency, 1);

    open_agency(sqlite_fresh());
    assert_ok(db_transaction(agency.flow.db, NULL, recover_tx, &first));
    assert_ok(db_transaction(agency.flow.db, NULL, recover_tx, &later));
    assert_owner(first.number, 1, NUMBER_GENERATED, false);
    assert_owner(later.number, 2, NUMBER_GENERATED, true);
    assert_err(notice(9, first.number, enters), ERR_NUMBER_TAKEN);
    assert_ok(generate(2, NUMBER_CHANGE, "b/agency/1", &again));
    assert_false(individual_number_equal(later.number, again));
    assert_ok(notice(1, first.number, enters));
    assert_ok(db_transaction(agency.flow.db, NULL, recover_tx, &first)); /* and once more, late */
    assert_owner(first.number, 1, NUMBER_IN_USE, false);
    fake_close(&agency, 1);
}

static enum err settle_tx(struct db_tx *tx, struct fail *f, void *arg UNUSED)
{
    return number_key_settle(&agency.flow, tx, f);
}

static void another_key_is_refused(const char *url)
{
    open_agency(url);
    assert_ok(db_transaction(agency.flow.db, NULL, settle_tx, NULL));
    assert_ok(db_transaction(agency.flow.db, NULL, settle_tx, NULL));
    ff1_free(agency.flow.number_key);
    assert_ok(ff1_new(NULL, STR("another key 1234"), &agency.flow.number_key));
    assert_err(db_transaction(agency.flow.db, NULL, settle_tx, NULL), ERR_KEY_OTHER);
    fake_close(&agency, 1);
}

static void who_has_a_number_gets_no_other(const char *url)
{
    struct individual_number got;
    open_agency(url);
    struct call c = {.identity = resident(1, NISHINOMIYA), .change = change_on(CHANGE_MOVE_IN, 2020, 1, 1)};
    assert_ok(db_transaction(agency.flow.db, NULL, enter_tx, &c));
    assert_ok(generate(1, NUMBER_NEW, "a/agency/1", &got));
    assert_true(individual_number_equal(got, number_of(1)));
    assert_ok(generate(1, NUMBER_CHANGE, "a/agency/2", &got));
    assert_false(individual_number_equal(got, number_of(1)));
    fake_close(&agency, 1);
}

static void twins_are_two_persons(const char *url)
{
    open_agency(url);
    struct call c = {.identity = resident(1, NISHINOMIYA), .change = change_on(CHANGE_BIRTH, 2020, 1, 1)};
    assert_ok(db_transaction(agency.flow.db, NULL, enter_tx, &c));
    assert_ok(record(1, number_of(1)));
    c.identity.resident_code = code_of(2); /* the same birthday, the number mixed up */
    c.identity.name.name = STR("西宮　太郎");
    assert_err(db_transaction(agency.flow.db, NULL, record_tx, &c), ERR_NUMBER_TAKEN);
    c.identity.name.name = STR("西宮　花子"); /* the same person, whose code change is still on its way */
    assert_ok(db_transaction(agency.flow.db, NULL, record_tx, &c));
    fake_close(&agency, 1);
}

static enum err may_ask_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct call *c = arg;
    return number_may_ask(&agency.flow, tx, f, c->identity.address.area_code, c->code, c->kind);
}

static enum err may_ask(int32_t municipality, struct resident_code code, enum number_request_kind kind)
{
    struct call c = {.code = code, .kind = kind, .identity.address.area_code = {municipality}};
    return db_transaction(agency.flow.db, NULL, may_ask_tx, &c);
}

static enum err designate_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    return resident_code_stock_designate(&agency.flow, tx, f, (struct area_code){NISHINOMIYA}, 1, &c->code);
}

/* 法30条の2: a municipality speaks of the codes designated to it and of its own residents. */
static void a_cs_asks_for_its_own_people_only(const char *url)
{
    struct call drawn = {.kind = NUMBER_NEW};
    open_agency(url);
    assert_ok(db_transaction(agency.flow.db, NULL, designate_tx, &drawn));
    assert_ok(may_ask(NISHINOMIYA, drawn.code, NUMBER_NEW));
    assert_err(may_ask(ASHIYA, drawn.code, NUMBER_NEW), ERR_SCOPE);
    assert_err(may_ask(ASHIYA, drawn.code, NUMBER_CHANGE),
               ERR_EPISODE_UNKNOWN);                    /* the move may be on its way */
    assert_ok(may_ask(ASHIYA, code_of(9), NUMBER_NEW)); /* nobody knows this code yet */
    struct call entered = {.identity = resident(9, NISHINOMIYA),
                           .change = change_on(CHANGE_MOVE_IN, 2020, 1, 1)};
    assert_ok(db_transaction(agency.flow.db, NULL, enter_tx, &entered));
    assert_ok(may_ask(NISHINOMIYA, code_of(9), NUMBER_CHANGE));
    assert_err(may_ask(ASHIYA, code_of(9), NUMBER_NEW), ERR_SCOPE);
    fake_close(&agency, 1);
}

BOTH(a_cs_asks_for_its_own_people_only)
BOTH(numbers_are_valid_and_differ)
BOTH(a_request_gets_one_answer)
BOTH(a_number_from_elsewhere_is_never_generated)
BOTH(a_number_belongs_to_one_person)
BOTH(a_first_number_is_known_by_its_code)
BOTH(a_first_number_stays_its_owners)
BOTH(a_first_number_taken_before_is_passed_over)
BOTH(rows_of_before_hold)
BOTH(a_restored_agency_repeats_no_number)
BOTH(another_key_is_refused)
BOTH(who_has_a_number_gets_no_other)
BOTH(twins_are_two_persons)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_a_cs_asks_for_its_own_people_only),
        cmocka_unit_test(both_numbers_are_valid_and_differ),
        cmocka_unit_test(both_a_request_gets_one_answer),
        cmocka_unit_test(both_a_number_from_elsewhere_is_never_generated),
        cmocka_unit_test(another_key_makes_other_numbers),
        cmocka_unit_test(both_a_number_belongs_to_one_person),
        cmocka_unit_test(both_a_first_number_is_known_by_its_code),
        cmocka_unit_test(both_a_first_number_stays_its_owners),
        cmocka_unit_test(both_a_first_number_taken_before_is_passed_over),
        cmocka_unit_test(both_rows_of_before_hold),
        cmocka_unit_test(both_a_restored_agency_repeats_no_number),
        cmocka_unit_test(both_another_key_is_refused),
        cmocka_unit_test(both_who_has_a_number_gets_no_other),
        cmocka_unit_test(both_twins_are_two_persons),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
