/* SPDX-License-Identifier: Apache-2.0 */
/* Identity notices and numbers through all servers, over a link that the test moves by hand. */
#include "flow/identity_notice/identity_notice.h"
#include "fake_link.h"
#include "people.h"
#include "stores.h"
#include "test.h"

enum { CS_A, CS_B, PREFECTURE_A, PREFECTURE_B, AGENCY, NODES };
static struct link nodes[NODES];

static void open_nodes(void)
{
    fake_node(&nodes[CS_A], "cs.282049", NODE_CS, NISHINOMIYA, "prefecture.28", store_fresh());
    fake_node(&nodes[CS_B], "cs.131016", NODE_CS, CHIYODA, "prefecture.13", store_fresh());
    fake_node(&nodes[PREFECTURE_A], "prefecture.28", NODE_PREFECTURE, 28, "agency", store_fresh());
    fake_node(&nodes[PREFECTURE_B], "prefecture.13", NODE_PREFECTURE, 13, "agency", store_fresh());
    fake_node(&nodes[AGENCY], "agency", NODE_AGENCY, 0, "", store_fresh());
}

struct call {
    struct link *node;
    struct identity_change change;
    int64_t waiting, oldest;
    struct resident_code code;
    struct store_version answer;
    struct arena arena;
};

static enum err take_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    return identity_notice_take(&c->node->flow, tx, f, &c->change);
}

/* A refusal must come before anything was sent or written. */
static enum err take(int node, struct identity_change change)
{
    struct call c = {.node = &nodes[node], .change = change};
    int64_t sent = nodes[node].sent;
    struct fail f = {0};
    enum err e = db_transaction(nodes[node].flow.db, &f, take_tx, &c);
    if (e)
        assert_int_equal(nodes[node].sent, sent);
    return e;
}

static struct identity_change first_entry(int64_t number, int64_t n, int32_t area)
{
    return (struct identity_change){
        .number = number, .identity = resident(n, area), .change = change_on(CHANGE_MOVE_IN, 2020, 4, 1)};
}

static struct identity_change later(int64_t number, int64_t n, int32_t area, enum change_reason reason)
{
    struct identity_change c = first_entry(number, n, area);
    c.change = change_on(reason, 2021, 5, 1);
    return c;
}

static struct identity_change code_change(int64_t number, int64_t from, int64_t to, int32_t area)
{
    struct identity_change c = later(number, from, area, CHANGE_CODE_CHANGE_REQUEST);
    c.identity.resident_code = code_of(to);
    c.change.has_old_code = true;
    c.change.old_code = code_of(from);
    return c;
}

static struct identity_change without_number(struct identity_change c)
{
    c.identity.has_individual_number = false;
    c.identity.individual_number.value = 0;
    return c;
}

static void keep_digest(void *arg, const struct store_area_count *count)
{
    struct store_area_count *kept = arg;
    if (count->area.value == kept->area.value)
        *kept = *count;
}

static struct store_area_count census(int node, int32_t area)
{
    struct store_area_count count = {.area = {area}};
    assert_ok(store_census(nodes[node].flow.db, NULL, keep_digest, &count));
    return count;
}

/* The three levels know the same of a municipality, and it is not nothing. */
static void assert_levels_agree(int cs, int prefecture, int32_t area)
{
    struct store_area_count a = census(cs, area), b = census(prefecture, area), c = census(AGENCY, area);
    assert_true(a.versions > 0);
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_equal(&a, &c, sizeof a);
}

static void count_waiting(void *arg, const struct identity_waiting *w)
{
    struct call *c = arg;
    if (!c->waiting++)
        c->oldest = w->change;
    assert_true(w->since > 0);
}

static enum err waiting_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    return identity_notice_waiting(tx, f, count_waiting, arg);
}

static struct call waiting_at(int node)
{
    struct call c = {0};
    assert_ok(db_read(nodes[node].flow.db, NULL, waiting_tx, &c));
    return c;
}

static enum err current_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct call *c = arg;
    return store_current(tx, f, c->code, &c->arena, &c->answer);
}

static int32_t current_area(int node, int64_t n)
{
    struct call c = {.code = code_of(n)};
    arena_init(&c.arena, 100000);
    enum err e = db_read(nodes[node].flow.db, NULL, current_tx, &c);
    arena_release(&c.arena);
    return e ? 0 : c.answer.identity.address.area_code.value;
}

static struct identity_change move_out(int64_t number, int64_t n, int32_t area)
{
    struct identity_change c = later(number, n, area, CHANGE_MOVE_OUT);
    c.change.date = (struct date){2022, 3, 31};
    c.change.planned = true;
    return c;
}

static void a_change_reaches_all_levels_as_the_same_bytes(void **state UNUSED)
{
    open_nodes();
    assert_ok(take(CS_A, first_entry(1, 1, NISHINOMIYA)));
    assert_ok(take(CS_A, first_entry(2, 2, NISHINOMIYA)));
    assert_ok(take(CS_A, later(3, 1, NISHINOMIYA, CHANGE_MOVE_WITHIN)));
    assert_ok(take(CS_A, move_out(4, 2, NISHINOMIYA)));
    struct identity_change there = first_entry(1, 2, CHIYODA);
    there.change.date = (struct date){2022, 4, 1};
    assert_ok(take(CS_B, there));
    fake_deliver_all(nodes, NODES);
    assert_int_equal(fake_count, 10);
    for (size_t i = 5; i < 10; i++) { /* each was relayed once, unchanged, under its first id */
        size_t k = 0;
        while (k < 5 && strcmp(fake_notices[k].id, fake_notices[i].id) != 0)
            k++;
        assert_true(k < 5);
        assert_string_equal(fake_notices[i].body, fake_notices[k].body);
        assert_string_equal(fake_notices[i].destination, "agency");
    }
    assert_levels_agree(CS_A, PREFECTURE_A, NISHINOMIYA);
    assert_levels_agree(CS_B, PREFECTURE_B, CHIYODA);
    assert_int_equal(census(AGENCY, NISHINOMIYA).leaving, 1);
    assert_int_equal(current_area(AGENCY, 2), CHIYODA);
    assert_int_equal(current_area(CS_A, 2), NISHINOMIYA);
    fake_close(nodes, NODES);
}

static void what_cannot_be_taken_leaves_no_trace(void **state UNUSED)
{
    open_nodes();
    assert_ok(take(CS_A, first_entry(1, 1, NISHINOMIYA)));
    assert_err(take(CS_A, first_entry(2, 1, NISHINOMIYA)), ERR_EPISODE_OPEN);
    assert_err(take(CS_A, first_entry(3, 2, CHIYODA)), ERR_AREA_OTHER);
    assert_err(take(CS_A, later(4, 3, NISHINOMIYA, CHANGE_DEATH)), ERR_EPISODE_UNKNOWN);
    assert_err(take(CS_A, without_number(later(5, 1, NISHINOMIYA, CHANGE_MOVE_WITHIN))), ERR_FIELD_MISSING);
    struct identity_change bad = first_entry(6, 4, NISHINOMIYA);
    bad.identity.resident_code.value++;
    assert_err(take(CS_A, bad), ERR_RESIDENT_CODE_CHECK);
    assert_ok(take(CS_A, later(7, 1, NISHINOMIYA, CHANGE_DEATH)));
    assert_err(take(CS_A, later(8, 1, NISHINOMIYA, CHANGE_MOVE_WITHIN)), ERR_EPISODE_CLOSED);
    assert_int_equal(census(CS_A, NISHINOMIYA).versions, 2);
    fake_close(nodes, NODES);
}

static void a_repeated_change_is_taken_once(void **state UNUSED)
{
    open_nodes();
    struct identity_change waits = without_number(first_entry(9, 9, NISHINOMIYA));
    for (int i = 0; i < 2; i++) {
        assert_ok(take(CS_A, first_entry(1, 1, NISHINOMIYA)));
        assert_ok(take(CS_A, later(2, 1, NISHINOMIYA, CHANGE_MOVE_WITHIN)));
        assert_ok(take(CS_A, waits));
    }
    assert_int_equal(fake_count, 3);
    assert_ok(take(CS_A, code_change(3, 1, 50, NISHINOMIYA)));
    fake_deliver_all(nodes, NODES); /* the number came, and what waited was sent */
    size_t sent = fake_count;
    assert_ok(take(CS_A, waits));
    assert_ok(take(CS_A, code_change(3, 1, 50, NISHINOMIYA)));
    assert_int_equal(fake_count, sent);
    assert_int_equal(census(CS_A, NISHINOMIYA).versions, 4);
    fake_close(nodes, NODES);
}

static void a_person_without_number_waits_and_others_behind(void **state UNUSED)
{
    open_nodes();
    assert_ok(take(CS_A, without_number(first_entry(1, 1, NISHINOMIYA))));
    assert_ok(take(CS_A, first_entry(2, 2, NISHINOMIYA))); /* somebody else does not wait */
    assert_ok(take(CS_A, without_number(later(3, 1, NISHINOMIYA, CHANGE_MOVE_WITHIN))));
    assert_ok(take(CS_A, without_number(code_change(4, 1, 50, NISHINOMIYA))));
    struct identity_change newest = without_number(later(5, 1, NISHINOMIYA, CHANGE_MINOR_CORRECTION));
    newest.identity.resident_code = code_of(50);
    assert_ok(take(CS_A, newest));
    assert_err(take(CS_A, without_number(first_entry(6, 50, NISHINOMIYA))), ERR_EPISODE_OPEN);
    struct call w = waiting_at(CS_A);
    assert_int_equal(w.waiting, 4);
    assert_int_equal(w.oldest, 1);
    assert_int_equal(fake_count, 2);                   /* the request, and the other person */
    assert_null(strstr(fake_notices[0].body, "西宮")); /* only the code goes up */
    assert_int_equal(census(CS_A, NISHINOMIYA).versions, 1);
    fake_deliver_all(nodes, NODES);
    assert_int_equal(waiting_at(CS_A).waiting, 0);
    assert_int_equal(nodes[CS_A].numbers, 1);
    assert_int_equal(nodes[CS_A].outcomes, 0); /* nothing was refused on release */
    struct store_area_count count = census(AGENCY, NISHINOMIYA);
    assert_int_equal(count.versions, 1 + 4);
    assert_levels_agree(CS_A, PREFECTURE_A, NISHINOMIYA);
    int64_t source = 0;
    for (size_t i = 0; i < fake_count; i++) /* in the order of the register */
        if (fake_notices[i].kind == LINK_KIND_IDENTITY_NOTICE && fake_notices[i].source > 2) {
            assert_true(fake_notices[i].source > source);
            source = fake_notices[i].source;
        }
    assert_int_equal(source, 5);
    assert_ok(take(CS_A, later(7, 2, NISHINOMIYA, CHANGE_MOVE_WITHIN)));
    fake_close(nodes, NODES);
}

/* ---- what a register that lost changes is told of them ---- */

struct telling {
    char text[512];
    int64_t most;
};
static bool note_told(void *arg, int64_t number, const struct identity_told *told)
{
    struct telling *t = arg;
    size_t n = strlen(t->text);
    if (told)
        assert_int_equal(told->change.number, number);
    if (told)
        snprintf(t->text + n, sizeof t->text - n, "%lld v%lld r%lld %s%s;", (long long)number,
                 (long long)told->version, (long long)told->change.replaces,
                 change_row(told->change.change.reason)->name,
                 told->change.identity.has_individual_number ? "" : " without");
    else
        snprintf(t->text + n, sizeof t->text - n, "%lld none;", (long long)number);
    return number < t->most;
}
static enum err tell_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct telling *t = arg;
    t->text[0] = 0;
    return identity_notice_told(tx, f, 1, 8, note_told, t);
}

static void what_was_taken_is_told_again(void **state UNUSED)
{
    struct telling t = {.most = 8};
    open_nodes();
    assert_ok(take(CS_A, without_number(first_entry(1, 1, NISHINOMIYA))));
    assert_ok(take(CS_A, first_entry(2, 2, NISHINOMIYA)));
    assert_ok(take(CS_A, without_number(later(3, 1, NISHINOMIYA, CHANGE_MOVE_WITHIN))));
    assert_ok(take(CS_A, code_change(4, 2, 60, NISHINOMIYA)));
    struct identity_change better = later(6, 60, NISHINOMIYA, CHANGE_MOVE_WITHIN);
    assert_ok(take(CS_A, better));
    better.number = 7;
    better.replaces = 6;
    better.identity.name.name = STR("西宮　華子");
    assert_ok(take(CS_A, better));
    assert_ok(db_read(nodes[CS_A].flow.db, NULL, tell_tx, &t));
    assert_string_equal(t.text, "1 v0 r0 move_in without;2 v1 r0 move_in;3 v0 r0 move_within without;"
                                "4 v2 r0 code_change_request;5 none;6 v3 r0 move_within;"
                                "7 v4 r6 move_within;8 none;");
    fake_deliver_all(nodes, NODES); /* the number comes, and what waited is sent */
    t.most = 3;
    assert_ok(db_read(nodes[CS_A].flow.db, NULL, tell_tx, &t));
    assert_string_equal(t.text, "1 v1 r0 move_in;2 v1 r0 move_in;3 v2 r0 move_within;");
    fake_close(nodes, NODES);
}

static void a_waiting_change_can_be_corrected(void **state UNUSED)
{
    open_nodes();
    assert_ok(take(CS_A, without_number(first_entry(1, 1, NISHINOMIYA))));
    assert_ok(take(CS_A, without_number(later(2, 1, NISHINOMIYA, CHANGE_MOVE_WITHIN))));
    struct identity_change better = without_number(first_entry(3, 1, NISHINOMIYA));
    better.replaces = 1;
    better.identity.name.name = STR("西宮　華子");
    assert_ok(take(CS_A, better));
    assert_int_equal(nodes[CS_A].last_outcome, 1);
    assert_int_equal(nodes[CS_A].last_error, ERR_CHANGE_REPLACED);
    struct identity_change other = without_number(later(4, 1, NISHINOMIYA, CHANGE_DEATH));
    other.replaces = 2;
    assert_err(take(CS_A, other), ERR_CHANGE_REPLACES); /* not the same kind of change */
    assert_int_equal(waiting_at(CS_A).waiting, 2);
    other = first_entry(5, 1, NISHINOMIYA); /* the register finds the number */
    other.replaces = 3;
    assert_ok(take(CS_A, other));
    assert_int_equal(waiting_at(CS_A).waiting, 0);
    fake_deliver_all(nodes, NODES);
    assert_int_equal(census(AGENCY, NISHINOMIYA).versions, 2);
    assert_levels_agree(CS_A, PREFECTURE_A, NISHINOMIYA);
    fake_close(nodes, NODES);
}

static struct fake_notice *undelivered(const char *sender)
{
    for (size_t i = 0; i < fake_count; i++)
        if (!fake_notices[i].delivered && !strcmp(fake_notices[i].sender, sender))
            return &fake_notices[i];
    fail_msg("nothing from %s", sender);
    return NULL;
}

static enum err pass(int to, const char *sender)
{
    struct fake_notice *n = undelivered(sender);
    struct fail f = {0};
    n->delivered = true;
    return fake_deliver_one(&nodes[to], n, &f);
}

static void a_correction_heals_what_the_agency_could_not_apply(void **state UNUSED)
{
    open_nodes();
    assert_ok(take(CS_B, first_entry(1, 1, CHIYODA)));
    fake_deliver_all(nodes, NODES);
    struct identity_change wrong = first_entry(1, 2, NISHINOMIYA);
    wrong.identity.individual_number = number_of(1); /* somebody else's */
    assert_ok(take(CS_A, wrong));
    assert_ok(pass(PREFECTURE_A, "cs.282049"));
    assert_err(pass(AGENCY, "prefecture.28"), ERR_NUMBER_TAKEN);
    struct identity_change right = first_entry(2, 2, NISHINOMIYA);
    right.replaces = 1;
    assert_ok(take(CS_A, right));
    assert_string_equal(undelivered("cs.282049")->replaces, "cs.282049/prefecture.28/1");
    assert_ok(pass(PREFECTURE_A, "cs.282049"));
    assert_ok(pass(AGENCY, "prefecture.28")); /* version 2, though version 1 is missing here */
    struct store_area_count a = census(CS_A, NISHINOMIYA), c = census(AGENCY, NISHINOMIYA);
    assert_memory_equal(a.digest, c.digest, sizeof a.digest);
    assert_ok(take(CS_A, later(3, 2, NISHINOMIYA, CHANGE_DEATH))); /* and the chain goes on */
    fake_deliver_all(nodes, NODES);
    assert_levels_agree(CS_A, PREFECTURE_A, NISHINOMIYA);
    fake_close(nodes, NODES);
}

static void nobody_speaks_about_anothers_residents(void **state UNUSED)
{
    struct fail f;
    open_nodes();
    assert_ok(take(CS_A, first_entry(1, 1, NISHINOMIYA)));
    struct fake_notice n = fake_notices[0];
    assert_err(fake_deliver_one(&nodes[PREFECTURE_B], &n, &f),
               ERR_SCOPE); /* another prefecture's municipality */
    n.origin = nodes[CS_B].flow.self;
    n.sender = "cs.131016";
    assert_err(fake_deliver_one(&nodes[PREFECTURE_A], &n, &f), ERR_SCOPE); /* another municipality's person */
    n = fake_notices[0];
    n.sender = "prefecture.28"; /* passed on by a prefecture that is not its CS's, or not by one */
    assert_err(fake_deliver_one(&nodes[PREFECTURE_A], &n, &f), ERR_SCOPE);
    n.sender = "prefecture.13";
    assert_err(fake_deliver_one(&nodes[AGENCY], &n, &f), ERR_SCOPE);
    n.sender = "cs.282049";
    assert_err(fake_deliver_one(&nodes[AGENCY], &n, &f), ERR_SCOPE);
    assert_int_equal(census(AGENCY, NISHINOMIYA).versions, 0);
    fake_close(nodes, NODES);
}

static void a_bad_body_is_refused(void **state UNUSED)
{
    static const struct {
        const char *was, *is;
        enum err want;
    } rows[] = {
        {"\"version\":1", "\"version\":0", ERR_FIELD_RANGE},
        {"\"version\":1", "\"version\":\"1\"", ERR_FIELD_TYPE},
        {"\"state\":\"current\"", "\"state\":\"none\"", ERR_FIELD_RANGE},
        {"\"opened\":\"2020-04-01\"", "\"opened\":\"2020-02-30\"", ERR_DATE_REAL},
        {"\"identity\":{", "\"identify\":{", ERR_FIELD_MISSING},
        {"\"change_reason\":\"move_in\"", "\"change_reason\":\"moved_in\"", ERR_CHANGE_REASON},
        {"\"sex\":\"female\"", "\"sex\":\"woman!\"", ERR_SEX},
        {"\"area_code\":\"282049\"", "\"area_code\":282049", ERR_FIELD_MISSING},
    };
    struct fail f;
    open_nodes();
    assert_ok(take(CS_A, first_entry(1, 1, NISHINOMIYA)));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf body;
        struct fake_notice n = fake_notices[0];
        const char *at = strstr(n.body, rows[i].was);
        assert_non_null(at);
        buf_init(&body, 100000);
        buf_add(&body, n.body, (size_t)(at - n.body));
        buf_add_str(&body, str_of(rows[i].is));
        buf_add_str(&body, str_of(at + strlen(rows[i].was)));
        n.body = body.p;
        assert_err(fake_deliver_one(&nodes[PREFECTURE_A], &n, &f), rows[i].want);
        buf_release(&body);
    }
    assert_int_equal(census(PREFECTURE_A, NISHINOMIYA).versions, 0);
    fake_close(nodes, NODES);
}

static void a_recovered_notice_changes_nothing_when_it_comes_again(void **state UNUSED)
{
    struct fail f;
    open_nodes();
    assert_ok(take(CS_A, first_entry(1, 1, NISHINOMIYA)));
    fake_deliver_all(nodes, NODES);
    size_t count = fake_count;
    assert_ok(fake_deliver_one(&nodes[PREFECTURE_A], &fake_notices[0], &f));
    assert_int_equal(fake_count, count); /* not relayed twice */
    struct identity_change other = first_entry(1, 1, NISHINOMIYA);
    other.identity.name.name = STR("西宮　華子");
    struct link twin = nodes[CS_A];
    fake_node(&nodes[CS_A], "cs.282049", NODE_CS, NISHINOMIYA, "prefecture.28", store_fresh());
    assert_ok(take(CS_A, other)); /* a CS that forgot: the same version number, other content */
    assert_err(fake_deliver_one(&nodes[PREFECTURE_A], &fake_notices[count], &f), ERR_VERSION_OLD);
    db_close(twin.flow.db);
    fake_close(nodes, NODES);
}

/* A notice holds the record, not what became of it before. */
static void a_long_history_makes_no_long_notice(void **state UNUSED)
{
    enum { CHANGES = 40 };
    size_t second = 0;
    open_nodes();
    assert_ok(take(CS_A, first_entry(1, 1, NISHINOMIYA)));
    for (int64_t n = 2; n <= CHANGES; n++) {
        assert_ok(take(CS_A, later(n, 1, NISHINOMIYA, CHANGE_MOVE_WITHIN)));
        if (n == 2)
            second = strlen(fake_notices[fake_count - 1].body);
    }
    assert_in_range(strlen(fake_notices[fake_count - 1].body), second,
                    second + 2); /* two digits instead of one, twice */
    fake_close(nodes, NODES);
}

static void a_person_can_send_again(void **state UNUSED)
{
    int64_t count = 0;
    struct fail f;
    open_nodes();
    for (int64_t n = 1; n <= 6; n++)
        assert_ok(take(CS_A, n == 4 ? without_number(first_entry(n, n, NISHINOMIYA))
                                    : first_entry(n, n, NISHINOMIYA)));
    for (size_t i = 0; i < fake_count; i++)
        fake_notices[i].delivered = true;
    assert_ok(identity_notice_resend(&nodes[CS_A].flow, &f, 2, 5, &count));
    assert_int_equal(count, 3); /* the one that waits was not sent yet */
    int again = 0;
    for (size_t i = 0; i < fake_count; i++)
        again += !fake_notices[i].delivered;
    assert_int_equal(again, 3);
    assert_err(identity_notice_resend(&nodes[CS_A].flow, &f, 5, 2, &count), ERR_FIELD_RANGE);
    fake_close(nodes, NODES);
}

/* ---- every interleaving of two prefectures' notices at the agency ---- */

struct interleaving {
    struct fake_notice streams[2][8];
    size_t length[2];
    bool order[16];
    size_t count;
    struct buf first, result;
    int tried;
};

static enum err say(struct db_tx *tx, struct fail *f, struct buf *out)
{
    struct arena a;
    struct store_version v;
    enum err e = ERR_OK;
    arena_init(&a, 1024 * 1024);
    for (int64_t code = 1; code <= 2 && !e; code++)
        for (int i = 0; i < 2 && !e; i++) {
            e = store_latest(tx, f, code_of(code), (struct area_code){i ? CHIYODA : NISHINOMIYA}, &a, &v);
            if (!e)
                store_digest_line(out, &v);
            if (e == ERR_EPISODE_UNKNOWN)
                e = ERR_OK;
        }
    if (!e)
        e = store_current(tx, f, code_of(1), &a, &v);
    if (!e)
        store_digest_line(out, &v);
    arena_release(&a);
    return e;
}

static enum err play(struct db_tx *tx, struct fail *f, void *arg)
{
    struct interleaving *t = arg;
    size_t at[2] = {0, 0};
    enum err e = ERR_OK;
    buf_clear(&t->result);
    for (size_t i = 0; i < t->count && !e; i++)
        e = fake_apply(&nodes[AGENCY], tx, &t->streams[t->order[i]][at[t->order[i]]++], f);
    if (!e)
        e = say(tx, f, &t->result);
    return e ? e : ERR_STOPPING; /* rolled back, so that the next one starts from nothing */
}

static void try_all(struct interleaving *t, size_t here, size_t there)
{
    struct fail f = {0};
    for (int side = 0; side < 2; side++)
        if (side ? there : here) {
            t->order[t->count++] = side;
            try_all(t, here - !side, there - (size_t)side);
            t->count--;
        }
    if (here || there)
        return;
    enum err e = db_transaction(nodes[AGENCY].flow.db, &f, play, t);
    if (e != ERR_STOPPING)
        fail_msg("interleaving %d: %s %s", t->tried, err_row(e)->name, f.field);
    if (!t->tried++)
        buf_add_str(&t->first, buf_str(&t->result));
    assert_true(str_equal(buf_str(&t->first), buf_str(&t->result)));
}

static void every_order_at_the_agency_ends_alike(void **state UNUSED)
{
    struct interleaving t = {0};
    open_nodes();
    assert_ok(take(CS_A, first_entry(1, 1, NISHINOMIYA)));
    assert_ok(take(CS_A, code_change(2, 1, 2, NISHINOMIYA)));
    struct identity_change change = later(3, 1, NISHINOMIYA, CHANGE_MOVE_WITHIN);
    change.identity.resident_code = code_of(2);
    assert_ok(take(CS_A, change));
    change = move_out(4, 1, NISHINOMIYA);
    change.identity.resident_code = code_of(2);
    assert_ok(take(CS_A, change));
    change = first_entry(1, 1, CHIYODA); /* the new municipality knows the new code only */
    change.identity.resident_code = code_of(2);
    change.change.date = (struct date){2022, 4, 1};
    assert_ok(take(CS_B, change));
    change = later(2, 1, CHIYODA, CHANGE_NUMBER_CHANGE_REQUEST);
    change.identity.resident_code = code_of(2);
    change.change.has_old_number = true;
    change.change.old_number = number_of(1);
    change.identity.individual_number = number_of(20);
    assert_ok(take(CS_B, change));
    for (size_t i = 0, own = fake_count; i < own; i++)
        assert_ok(fake_deliver_one(&nodes[i < 4 ? PREFECTURE_A : PREFECTURE_B], &fake_notices[i], NULL));
    for (size_t i = 6; i < fake_count; i++) {
        int side = i >= 10;
        t.streams[side][t.length[side]++] = fake_notices[i];
    }
    buf_init(&t.first, 100000);
    buf_init(&t.result, 100000);
    try_all(&t, t.length[0], t.length[1]);
    assert_int_equal(t.tried, 15);
    buf_release(&t.first);
    buf_release(&t.result);
    fake_close(nodes, NODES);
}

/* ---- another number (番号法7条2項) ---- */

struct asking {
    struct resident_code code;
    enum number_request_kind kind;
};

static enum err ask_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct asking *asking = arg;
    struct flow *flow = &nodes[CS_A].flow;
    return flow->number_request(flow, tx, f, asking->code, asking->kind, 0);
}

static void ask(int64_t n, enum number_request_kind kind)
{
    struct asking asking = {code_of(n), kind};
    assert_ok(db_transaction(nodes[CS_A].flow.db, NULL, ask_tx, &asking));
}

/* What the agency answered last. */
static struct individual_number number_that_came(void)
{
    struct individual_number number = {0};
    for (size_t i = fake_count; i-- > 0 && !number.value;)
        if (fake_notices[i].kind == LINK_KIND_NUMBER_NOTICE) {
            const char *at = strstr(fake_notices[i].body, "\"individual_number\":\"");
            assert_non_null(at);
            struct str digits = {at + strlen("\"individual_number\":\""), INDIVIDUAL_NUMBER_DIGITS};
            assert_ok(individual_number_parse(NULL, digits, &number));
        }
    assert_true(number.value != 0);
    return number;
}

static struct identity_change number_change(int64_t number, int64_t n, enum change_reason reason,
                                            struct individual_number from, struct individual_number to)
{
    struct identity_change c = later(number, n, NISHINOMIYA, reason);
    c.change.has_old_number = true;
    c.change.old_number = from;
    c.identity.individual_number = to;
    return c;
}

static void another_number_reaches_all_levels(void **state UNUSED)
{
    static const struct {
        enum number_request_kind kind;
        enum change_reason reason;
    } rows[] = {
        {NUMBER_CHANGE, CHANGE_NUMBER_CHANGE_REQUEST},
        {NUMBER_EX_OFFICIO, CHANGE_NUMBER_EX_OFFICIO_CORRECTION},
        {NUMBER_EX_OFFICIO, CHANGE_NUMBER_EX_OFFICIO_ENTRY},
    };
    struct fail f;
    struct individual_number now = number_of(1), next;
    int64_t change = 1;
    open_nodes();
    assert_ok(take(CS_A, first_entry(change++, 1, NISHINOMIYA)));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ask(1, rows[i].kind);
        /* what is told while the number is on its way has the old one */
        struct identity_change meanwhile = later(change++, 1, NISHINOMIYA, CHANGE_MOVE_WITHIN);
        meanwhile.identity.individual_number = now;
        assert_ok(take(CS_A, meanwhile));
        fake_deliver_all(nodes, NODES);
        next = number_that_came();
        assert_int_equal(nodes[CS_A].numbers, (int64_t)i + 1);
        assert_false(individual_number_equal(next, now));
        assert_ok(take(CS_A, number_change(change++, 1, rows[i].reason, now, next)));
        fake_deliver_all(nodes, NODES);
        assert_levels_agree(CS_A, PREFECTURE_A, NISHINOMIYA);
        now = next;
    }
    assert_int_equal(census(AGENCY, NISHINOMIYA).versions, 7);
    assert_int_equal(nodes[CS_A].outcomes, 0); /* nothing was refused */
    struct identity_change thief = first_entry(change, 2, NISHINOMIYA);
    thief.identity.individual_number = number_of(1); /* a former number is nobody else's */
    assert_ok(take(CS_A, thief));
    assert_ok(pass(PREFECTURE_A, "cs.282049"));
    assert_err(fake_deliver_one(&nodes[AGENCY], undelivered("prefecture.28"), &f), ERR_NUMBER_TAKEN);
    assert_string_equal(f.field, "individual_number");
    fake_close(nodes, NODES);
}

/* The number was generated from the code before: it is this person's all the same. */
static void a_code_may_change_while_the_number_is_on_its_way(void **state UNUSED)
{
    open_nodes();
    assert_ok(take(CS_A, first_entry(1, 1, NISHINOMIYA)));
    fake_deliver_all(nodes, NODES);
    ask(1, NUMBER_CHANGE);
    assert_ok(take(CS_A, code_change(2, 1, 50, NISHINOMIYA)));
    fake_deliver_all(nodes, NODES);
    struct identity_change c =
        number_change(3, 1, CHANGE_NUMBER_CHANGE_REQUEST, number_of(1), number_that_came());
    c.identity.resident_code = code_of(50);
    assert_ok(take(CS_A, c));
    fake_deliver_all(nodes, NODES);
    assert_int_equal(census(AGENCY, NISHINOMIYA).versions, 3);
    assert_levels_agree(CS_A, PREFECTURE_A, NISHINOMIYA);
    fake_close(nodes, NODES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_reaches_all_levels_as_the_same_bytes),
        cmocka_unit_test(what_cannot_be_taken_leaves_no_trace),
        cmocka_unit_test(a_repeated_change_is_taken_once),
        cmocka_unit_test(a_person_without_number_waits_and_others_behind),
        cmocka_unit_test(what_was_taken_is_told_again),
        cmocka_unit_test(a_waiting_change_can_be_corrected),
        cmocka_unit_test(a_correction_heals_what_the_agency_could_not_apply),
        cmocka_unit_test(nobody_speaks_about_anothers_residents),
        cmocka_unit_test(a_bad_body_is_refused),
        cmocka_unit_test(a_recovered_notice_changes_nothing_when_it_comes_again),
        cmocka_unit_test(a_long_history_makes_no_long_notice),
        cmocka_unit_test(a_person_can_send_again),
        cmocka_unit_test(every_order_at_the_agency_ends_alike),
        cmocka_unit_test(another_number_reaches_all_levels),
        cmocka_unit_test(a_code_may_change_while_the_number_is_on_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
