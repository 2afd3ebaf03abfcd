/* SPDX-License-Identifier: Apache-2.0 */
/* Notices travel from a CS over the prefecture to the agency, and what became of them comes back. */
#include "link_network.h"

#include "base/file.h"
#include "db/backend.h"
#include "link/core.h"
#include "stores.h"
#include "test.h"

static struct test_network net;
static struct test_server *const agency = &net.servers[AGENCY], *const prefecture = &net.servers[PREFECTURE],
                                 *const a = &net.servers[CS_A], *const b = &net.servers[CS_B];

static int atoi_of(struct str word)
{
    uint64_t value = 0;
    word.p += 2;
    word.n -= 2;
    assert_true(str_to_uint(word, INT32_MAX, &value));
    return (int)value;
}

static int64_t version_of(struct test_server *s)
{
    struct directory *d = link_directory(s->link);
    int64_t version = directory_version(d);
    directory_unref(d);
    return version;
}

static struct str directory_jws_of(struct test_server *s)
{
    struct directory *d = link_directory(s->link);
    struct str jws = directory_jws(d);
    directory_unref(d); /* the link holds it */
    return jws;
}

static void file_put(const char *path, struct str text)
{
    assert_ok(file_write(NULL, path, text, 0600));
}

static int setup(void **state UNUSED)
{
    network_init(&net);
    return 0;
}

static int teardown(void **state UNUSED)
{
    network_release(&net);
    return 0;
}

static void notices_travel_and_outcomes_return(void **state UNUSED)
{
    network_start(&net);
    server_notice(a, 5, 1, 3);
    WAIT(server_seen_count(agency) == 3);
    assert_string_equal(server_seen(agency), "5:1 5:2 5:3");
    assert_string_equal(server_seen(prefecture), "5:1 5:2 5:3");
    WAIT(strcmp(server_outcomes(a), "aaa") == 0);
    assert_string_equal(server_outcomes(b), "");
}

/* One at a time and good: told ahead. Many at once, or anything else: the outcome is all there is. */
static void word_of_what_was_applied_comes_ahead(void **state UNUSED)
{
    int64_t told = 0;
    atomic_store(&agency->park_code, 6);
    network_start(&net);
    server_notice(a, 5, 1, 1);
    WAIT(strcmp(server_outcomes(a), "a") == 0); /* every line is up now */
    told = atomic_load(&a->told_ahead);
    for (int64_t i = 2; i <= 4; i++) {
        server_notice(a, 5, i, i);
        WAIT(atomic_load(&a->told_ahead) == told + i - 1);
        assert_int_equal(server_seen_count(agency), i);
    }
    WAIT(strcmp(server_outcomes(a), "aaaa") == 0);
    server_notice(a, 6, 5, 5);
    WAIT(strcmp(server_outcomes(a), "aaaaw") == 0);
    server_notice(a, 7, 6, 105);
    WAIT(strlen(server_outcomes(a)) == 105 && server_outcomes(a)[104] == 'a');
    assert_int_equal(atomic_load(&a->told_ahead), told + 3);
    assert_int_equal(atomic_load(&b->told_ahead), 0);
    WAIT(server_status(prefecture, a->name.text).waiting == 0 &&
         server_status(agency, prefecture->name.text).waiting == 0);
}

static void bulk_keeps_its_order(void **state UNUSED)
{
    static char want[65536];
    size_t n = 0;
    network_start(&net);
    server_notice(a, 7, 1, 5000);
    for (int i = 1; i <= 5000; i++)
        n += (size_t)snprintf(want + n, sizeof want - n, "%s7:%d", i > 1 ? " " : "", i);
    WAIT(server_seen_count(agency) == 5000);
    assert_string_equal(server_seen(agency), want);
    WAIT(server_status(a, "prefecture.28").applied == 5000);
}

static void heads_are_kept_above(void **state UNUSED)
{
    uint64_t size = 0;
    for (int i = 0; i < SERVERS; i++)
        net.servers[i].head_seconds = 1;
    network_start(&net);
    server_notice(a, 5, 1, 1);
    WAIT(!ledger_kept_size(prefecture->ledger, NULL, "cs.282049", &size, NULL) && size > 0);
    server_notice(a, 5, 2, 2); /* a second head needs a proof from the first */
    uint64_t first = size;
    WAIT(!ledger_kept_size(prefecture->ledger, NULL, "cs.282049", &size, NULL) && size > first);
    WAIT(!ledger_kept_size(agency->ledger, NULL, "prefecture.28", &size, NULL) && size > 0);
    assert_false(server_status(a, "prefecture.28").stopped);
}

static void refused_waiting_and_applied_are_told_apart(void **state UNUSED)
{
    struct link_error_item items[4];
    atomic_store(&agency->park_code, 6);
    atomic_store(&agency->refuse_code, 7);
    network_start(&net);
    server_notice(a, 5, 1, 2);
    server_notice(a, 6, 3, 4); /* parked, and one behind it */
    server_notice(a, 7, 5, 5);
    server_notice(a, 5, 6, 6);
    WAIT(strcmp(server_outcomes(a), "aawwra") == 0);
    assert_int_equal(server_errors(agency, items, 4), 2);
    assert_int_equal(items[0].error, ERR_VERSION_GAP);
    assert_string_equal(items[0].field, "step");
    assert_string_equal(items[0].notice_id, "cs.282049/prefecture.28/3");
    assert_string_equal(items[0].sender, "prefecture.28");
    assert_false(items[0].behind);
    assert_true(items[1].behind);
    assert_string_equal(server_seen(agency), "5:1 5:2 5:6");
    WAIT(server_status(prefecture, "agency").refused == 1);
    assert_int_equal(server_status(prefecture, "agency").applied, 3);
}

static void release_replays_in_order(void **state UNUSED)
{
    struct link_error_item items[4];
    struct fail f = {0};
    int64_t applied = 0;
    atomic_store(&agency->park_code, 6);
    network_start(&net);
    server_notice(a, 6, 1, 3);
    WAIT(strcmp(server_outcomes(a), "www") == 0);
    assert_int_equal(server_errors(agency, items, 4), 3);
    assert_ok(link_error_release(agency->link, &f, items[0].id, &applied)); /* still not possible */
    assert_int_equal(applied, 0);
    assert_err(link_error_release(agency->link, &f, 99, &applied), ERR_NO_ERROR_ITEM);
    atomic_store(&agency->park_code, 0);
    assert_ok(link_error_release(agency->link, &f, items[0].id, &applied));
    assert_int_equal(applied, 3);
    assert_string_equal(server_seen(agency), "6:1 6:2 6:3");
    WAIT(strcmp(server_outcomes(a), "aaa") == 0);
    assert_int_equal(server_errors(agency, items, 4), 0);
}

static void outcomes_of_a_part_keep_the_rest(void **state UNUSED)
{
    struct link_error_item items[4];
    struct link_trace trace;
    int64_t applied = 0;
    atomic_store(&agency->park_code, 6);
    network_start(&net);
    server_notice(a, 6, 1, 3);
    WAIT(strcmp(server_outcomes(a), "www") == 0);
    server_errors(agency, items, 4);
    assert_ok(
        link_error_refuse(agency->link, NULL, items[0].id)); /* the second is tried and waits on its own */
    WAIT(strcmp(server_outcomes(a), "rww") == 0);
    assert_int_equal(server_outcome_error(a, 1), ERR_VERSION_GAP); /* the reason it was listed for */
    assert_ok(link_trace_source(a->link, NULL, 3, &trace));
    assert_int_equal(trace.state, 'w');
    assert_err(link_error_refuse(agency->link, NULL, items[0].id), ERR_NO_ERROR_ITEM);
    atomic_store(&agency->park_code, 0);
    assert_ok(link_error_release(agency->link, NULL, items[1].id, &applied));
    WAIT(strcmp(server_outcomes(a), "raa") == 0);
    assert_string_equal(server_seen(agency), "6:2 6:3");
}

static void corrections_take_the_place_of_what_they_replace(void **state UNUSED)
{
    atomic_store(&agency->park_code, 6);
    network_start(&net);
    server_notice(a, 6, 1, 3);
    WAIT(strcmp(server_outcomes(a), "www") == 0);
    server_send(b, &(struct test_notice){.code = 6, .step = 1, .replaces = "cs.282049/prefecture.28/1"});
    WAIT(strcmp(server_outcomes(b), "a") ==
         0); /* nobody corrects what another said: it is a notice like any */
    assert_string_equal(server_seen(agency), "6:1");
    atomic_store(&agency->park_code, 0);
    server_send(a, &(struct test_notice){.code = 6, .step = 4, .replaces = "cs.282049/prefecture.28/1"});
    WAIT(strcmp(server_outcomes(a), "waaa") == 0);
    assert_string_equal(server_seen(agency), "6:1 6:4 6:2 6:3");
}

/* What waits blocks its own origin alone; and when somebody else's notice about the person applies, it is
 * tried again. */
static void anothers_notice_passes_and_may_heal(void **state UNUSED)
{
    atomic_store(&agency->park_code, 6);
    network_start(&net);
    server_notice(a, 6, 1, 2);
    WAIT(strcmp(server_outcomes(a), "ww") == 0);
    atomic_store(&agency->park_code, 0);
    server_notice(b, 7, 1, 1); /* about another person: nothing is tried */
    WAIT(strcmp(server_outcomes(b), "a") == 0);
    assert_string_equal(server_seen(agency), "7:1");
    server_notice(b, 6, 2, 2);
    WAIT(strcmp(server_outcomes(a), "aa") == 0);
    assert_string_equal(server_seen(agency), "7:1 6:2 6:1 6:2");
    assert_int_equal(server_errors(agency, NULL, 0), 0);
}

/* All in one batch: the outcomes that stay are those of the end. */
static void parked_and_corrected_in_one_batch(void **state UNUSED)
{
    atomic_store(&agency->park_code, 6);
    server_start(agency);
    server_start(prefecture);
    server_open(a);
    server_notice(a, 6, 1, 1);
    server_send(a, &(struct test_notice){
                       .code = 6, .new_code = 60, .step = 2, .replaces = "cs.282049/prefecture.28/9"});
    server_notice(a, 60, 3, 3);
    server_send(a, &(struct test_notice){.code = 6, .step = 4, .replaces = "cs.282049/prefecture.28/1"});
    server_stop(a);
    server_start(a);
    WAIT(strcmp(server_outcomes(a), "waaa") == 0);
    assert_string_equal(server_seen(agency), "6:4 6:2 60:3");
}

/* Parks a change of code 6 to 60 with notices about the new code and one about somebody else, and restarts
 * the agency. */
static void park_a_code_change(void)
{
    atomic_store(&agency->park_code, 6);
    network_start(&net);
    server_send(a, &(struct test_notice){.code = 6, .new_code = 60, .step = 1});
    server_notice(a, 60, 2, 3);
    server_notice(a, 8, 4, 4);
    WAIT(strcmp(server_outcomes(a), "wwwa") == 0);
    server_stop(agency);
    server_start(agency);
    server_notice(a, 60, 5, 5);
    WAIT(strcmp(server_outcomes(a), "wwwaw") == 0);
    assert_string_equal(server_seen(agency), "8:4");
    atomic_store(&agency->park_code, 0);
}

static void a_parked_code_change_is_released_in_order(void **state UNUSED)
{
    struct link_error_item items[4];
    int64_t applied = 0;
    park_a_code_change();
    assert_int_equal(server_errors(agency, items, 4), 4);
    assert_ok(link_error_release(agency->link, NULL, items[3].id,
                                 &applied)); /* blocked: nothing happens out of order */
    assert_string_equal(server_seen(agency), "8:4");
    assert_ok(link_error_release(agency->link, NULL, items[0].id, &applied));
    assert_int_equal(applied, 4);
    assert_string_equal(server_seen(agency), "8:4 6:1 60:2 60:3 60:5");
    WAIT(strcmp(server_outcomes(a), "aaaaa") == 0);
}

static void a_parked_code_change_is_corrected_in_order(void **state UNUSED)
{
    park_a_code_change();
    server_send(a, &(struct test_notice){
                       .code = 6, .new_code = 60, .step = 6, .replaces = "cs.282049/prefecture.28/1"});
    WAIT(strcmp(server_outcomes(a), "waaaaa") == 0);
    assert_string_equal(server_seen(agency), "8:4 6:6 60:2 60:3 60:5");
    assert_int_equal(server_errors(agency, NULL, 0), 0);
}

static void a_late_failure_leaves_no_trace(void **state UNUSED)
{
    struct link_error_item items[4];
    int64_t applied = 0;
    network_start(&net);
    atomic_store(&agency->late_code, 6);
    server_stop(a);
    server_open(a); /* so that all travel in one batch */
    server_notice(a, 5, 1, 1);
    server_notice(a, 6, 2, 2);
    server_notice(a, 5, 3, 3);
    server_stop(a);
    server_start(a);
    WAIT(strcmp(server_outcomes(a), "ara") == 0);
    assert_string_equal(server_seen(agency), "5:1 5:3");
    atomic_store(&agency->late_code, 0);
    atomic_store(&agency->park_code, 7);
    server_notice(a, 7, 4, 5);
    WAIT(strcmp(server_outcomes(a), "araww") == 0);
    atomic_store(&agency->park_code, 0);
    atomic_store(&agency->late_code, 7);
    server_errors(agency, items, 4);
    assert_ok(link_error_release(agency->link, NULL, items[0].id, &applied));
    assert_int_equal(applied, 0);
    assert_int_equal(server_errors(agency, items, 4), 2);
    assert_int_equal(items[0].error, ERR_CHANGE_SAME);
    assert_string_equal(server_seen(agency), "5:1 5:3");
}

/* A change of a server's database in a thread of its own. */
struct change {
    struct test_server *server;
    db_fn fn;
    pthread_t thread;
    int runs;
    enum err result;
    atomic_bool holds, goes;
};

static void *change_run(void *arg)
{
    struct change *c = arg;
    c->result = db_transaction(c->server->db, NULL, c->fn, c);
    return NULL;
}

static void change_start(struct change *c)
{
    assert_int_equal(pthread_create(&c->thread, NULL, change_run, c), 0);
}

static const void *newest_waiting(struct db *db)
{
    pthread_mutex_lock(&db->queue_lock);
    const void *newest = db->last;
    pthread_mutex_unlock(&db->queue_lock);
    return newest;
}

/* All that come meanwhile share the next group. */
static enum err hold_tx(struct db_tx *tx UNUSED, struct fail *f UNUSED, void *arg)
{
    struct change *c = arg;
    atomic_store(&c->holds, true);
    WAIT(atomic_load(&c->goes));
    return ERR_OK;
}

/* Behind it notices about 6 fail. The second time it is refused itself. */
static enum err spoil_tx(struct db_tx *tx UNUSED, struct fail *f, void *arg)
{
    struct change *c = arg;
    bool first = c->runs++ == 0;
    atomic_store(&c->server->late_code, first ? 6 : 0);
    return first ? ERR_OK : fail_set(f, ERR_STATE, NULL, NULL);
}

static enum err lose_group_tx(struct db_tx *tx UNUSED, struct fail *f, void *arg)
{
    struct change *c = arg;
    return c->runs++ ? ERR_OK : fail_set(f, ERR_DB_BUSY, NULL, NULL);
}

/* A notice fails behind a change that is not on disk in the end: it is not the worse for it. */
static void what_failed_in_a_lost_group_is_tried_again(void **state UNUSED)
{
    struct change hold = {.server = prefecture, .fn = hold_tx},
                  spoil = {.server = prefecture, .fn = spoil_tx},
                  lose = {.server = prefecture, .fn = lose_group_tx};
    network_start(&net);
    server_notice(a, 5, 1, 1);
    WAIT(strcmp(server_outcomes(a), "a") == 0); /* every line is up now */
    WAIT(server_status(prefecture, a->name.text).waiting == 0);
    change_start(&hold);
    WAIT(atomic_load(&hold.holds));
    const void *newest = newest_waiting(prefecture->db);
    change_start(&spoil);
    WAIT(newest_waiting(prefecture->db) != newest);
    newest = newest_waiting(prefecture->db);
    server_notice(a, 6, 2, 2);
    WAIT(newest_waiting(prefecture->db) != newest);
    newest = newest_waiting(prefecture->db);
    change_start(&lose);
    WAIT(newest_waiting(prefecture->db) != newest);
    atomic_store(&hold.goes, true);
    pthread_join(hold.thread, NULL);
    pthread_join(spoil.thread, NULL);
    pthread_join(lose.thread, NULL);
    WAIT(strlen(server_outcomes(a)) == 2);
    /* a group whose time was over before the last of them was not lost */
    assert_string_equal(server_outcomes(a), spoil.result ? "aa" : "ar");
}

static void batches_of_several_servers_interleave(void **state UNUSED)
{
    network_start(&net);
    for (int i = 0; i < 20; i++) {
        server_notice(a, 5, i * 5 + 1, i * 5 + 5);
        server_notice(b, 6, i * 5 + 1, i * 5 + 5);
    }
    WAIT(server_seen_count(agency) == 200);
    WAIT(server_status(a, "prefecture.28").applied == 100 &&
         server_status(b, "prefecture.28").applied == 100);
    const char *text = server_seen(agency);
    int next[2] = {1, 1};
    for (struct str rest = str_of(text), word; str_cut(&rest, ' ', &word);) {
        int code = word.p[0] - '5';
        assert_int_equal(atoi_of(word), next[code]++);
    }
}

static void a_resend_changes_nothing(void **state UNUSED)
{
    network_start(&net);
    server_notice(a, 5, 1, 10);
    WAIT(server_status(a, "prefecture.28").applied == 10);
    assert_ok(link_resend(a->link, NULL, "prefecture.28", 2, 4));
    assert_err(link_resend(a->link, NULL, "prefecture.28", 5, 11), ERR_RESEND_MISSING);
    assert_err(link_resend(a->link, NULL, "cs.282022", 1, 1),
               ERR_RESEND_MISSING); /* a neighbour without traffic */
    assert_err(link_resend(a->link, NULL, "prefecture.27", 1, 1), ERR_NODE_UNKNOWN);
    WAIT(server_operations(prefecture, "resend received cs.282049") == 1);
    assert_int_equal(server_operations(a, "resend asked prefecture.28 2 4"), 1);
    server_notice(a, 5, 11, 11);
    WAIT(server_status(a, "prefecture.28").applied == 11);
    assert_int_equal(server_seen_count(agency), 11);
    assert_int_equal(server_seen_count(prefecture), 11);
}

/* Asked for while another is on its way: none is forgotten. */
static void every_resend_that_was_asked_for_goes(void **state UNUSED)
{
    network_start(&net);
    for (int i = 1; i <= 4; i++) {
        server_notice(a, 5, i, i); /* a batch each */
        WAIT(server_status(a, "prefecture.28").applied == i);
    }
    server_stop(prefecture);
    for (int i = 1; i <= 4; i++)
        assert_ok(link_resend(a->link, NULL, "prefecture.28", i, i));
    server_start(prefecture);
    for (int i = 1; i <= 4; i++) {
        char received[64];
        snprintf(received, sizeof received, "resend received cs.282049 %d %d", i, i);
        WAIT(server_operations(prefecture, received) == 1);
    }
    for (int i = 0; i < 40; i++) /* more than are kept: what stands for several goes as a whole */
        assert_ok(link_resend(a->link, NULL, "prefecture.28", i % 4 + 1, i % 4 + 1));
    WAIT(server_operations(prefecture, "resend received") >= 4 + 8);
    server_notice(a, 5, 5, 5);
    WAIT(server_status(a, "prefecture.28").applied == 5);
    assert_int_equal(server_seen_count(agency), 5);
}

static void status_and_trace_say_where_it_is(void **state UNUSED)
{
    struct link_trace trace;
    server_start(prefecture);
    server_start(a);
    server_notice(a, 5, 41, 42);
    WAIT(server_seen_count(prefecture) == 2);
    WAIT(server_status(prefecture, "agency").waiting == 2);
    assert_true(server_status(prefecture, "agency").oldest_waiting > 0);
    WAIT(server_status(prefecture, "agency").trouble.err);
    WAIT(server_status(a, "prefecture.28").acknowledged == 2);
    assert_ok(link_trace_source(a->link, NULL, 42, &trace));
    assert_string_equal(trace.notice_id, "cs.282049/prefecture.28/2");
    assert_string_equal(trace.next, "prefecture.28");
    assert_int_equal(trace.next_sequence, 2);
    assert_true(trace.received > 0 && trace.acknowledged > 0);
    assert_int_equal(trace.state, ' ');
    assert_err(link_trace_source(a->link, NULL, 43, &trace), ERR_NOT_FOUND);
    server_start(agency);
    WAIT(server_status(a, "prefecture.28").applied == 2);
    assert_ok(link_trace_received(prefecture->link, NULL, "cs.282049", 2, &trace));
    assert_string_equal(trace.next, "agency");
    assert_int_equal(trace.state, 'a');
    assert_true(trace.outcome > 0);
    assert_err(link_trace_received(prefecture->link, NULL, "cs.282049", 3, &trace), ERR_NOT_FOUND);
}

static enum err send_directory_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct link_send send = {
        .destination = "prefecture.28", .kind = LINK_KIND_DIRECTORY, .body = buf_str(arg)};
    return link_send(agency->link, tx, f, &send, NULL);
}

static void a_new_directory_reaches_all_and_an_old_one_none(void **state UNUSED)
{
    struct buf old, body;
    buf_init(&body, 1 << 20);
    network_start(&net);
    buf_init(&old, 1 << 20);
    buf_add_str(&old, directory_jws_of(agency));
    net.nodes[CS_B].revoked = true;
    network_sign(&net);
    for (int i = PREFECTURE; i < SERVERS; i++)
        assert_int_equal(remove(net.servers[i].directory), 0);
    assert_ok(link_reload(agency->link, NULL));
    WAIT(version_of(prefecture) == 2 && version_of(a) == 2);
    server_notice(b, 5, 1, 1);
    WAIT(server_status(b, "prefecture.28").trouble.err);
    assert_int_equal(server_seen_count(prefecture), 0);
    json_begin(&body, NULL, '{'); /* an older one that comes late is refused, and waits on no list */
    json_add_text(&body, "directory", buf_str(&old));
    json_end(&body, '}');
    assert_ok(db_transaction(agency->db, NULL, send_directory_tx, &body));
    WAIT(server_status(prefecture, "agency").received == 2);
    assert_int_equal(version_of(prefecture), 2);
    assert_int_equal(server_errors(prefecture, NULL, 0), 0);
    buf_release(&body);
    server_stop(a);
    file_put(a->directory, buf_str(&old)); /* an older file does not take it back */
    server_start(a);
    assert_int_equal(version_of(a), 2);
    assert_ok(link_reload(a->link, NULL));
    assert_int_equal(version_of(a), 2);
    buf_release(&old);
}

/* A notice that is in no hurry, and one that is, in one transaction. */
static enum err late_and_urgent_tx(struct db_tx *tx, struct fail *f, void *arg UNUSED)
{
    const struct link_send send = {
        .destination = "prefecture.28", .kind = LINK_KIND_DIRECTORY, .body = STR("{}")};
    enum err e = link_send(agency->link, tx, f, &send, NULL);
    if (e)
        return e;
    peer_assigned_late(agency->link, NULL);
    return link_send(agency->link, tx, f, &send, NULL);
}

static void what_is_urgent_does_not_wait_with_what_is_not(void **state UNUSED)
{
    server_open(agency); /* nobody answers it */
    assert_ok(db_transaction(agency->db, NULL, late_and_urgent_tx, NULL));
    struct peer *p = peer_find(agency->link, "prefecture.28");
    pthread_mutex_lock(&p->lock);
    int64_t committed = p->committed, urgent = p->urgent;
    pthread_mutex_unlock(&p->lock);
    assert_int_equal(committed, 2);
    assert_int_equal(urgent, 2);
}

static enum err no_room(void *self, struct db_tx *tx UNUSED, struct fail *f)
{
    return atomic_load((atomic_bool *)self) ? fail_set(f, ERR_DB_FULL, NULL, NULL) : ERR_OK;
}

static void a_directory_that_was_told_to_nobody_is_told_by_the_next_reload(void **state UNUSED)
{
    static atomic_bool full; /* asked until the server ends, after this test */
    server_open(agency);
    db_follow(agency->db, &(struct db_follower){.self = &full, .before_commit = no_room});
    assert_ok(link_start(agency->link, NULL));
    network_start(&net);
    network_sign(&net);
    for (int i = PREFECTURE; i < SERVERS; i++)
        assert_int_equal(remove(net.servers[i].directory), 0);
    atomic_store(&full, true);
    assert_err(link_reload(agency->link, NULL), ERR_DB_FULL);
    atomic_store(&full, false);
    assert_int_equal(version_of(agency), 2);
    assert_ok(link_reload(agency->link, NULL));
    WAIT(version_of(prefecture) == 2 && version_of(a) == 2);
    WAIT(server_status(agency, "prefecture.28").acknowledged == 1);
    assert_ok(link_reload(agency->link, NULL)); /* once */
    assert_int_equal(server_status(agency, "prefecture.28").sent, 1);
}

/* The file holds a newer one, which is read while this one is on its way to the disk. */
static enum err take_directory_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct link_notice n = {.body = arg};
    enum err e = directory_kind.apply(prefecture->link, tx, &n, f);
    assert_int_equal(version_of(prefecture), 1);
    return e ? e : link_reload(prefecture->link, f);
}

static void a_newer_directory_stays_when_an_older_one_is_committed(void **state UNUSED)
{
    struct buf jws, body;
    struct json *tree;
    server_start(prefecture);
    network_sign(&net);
    buf_init(&jws, 1 << 20);
    buf_init(&body, 1 << 20);
    assert_ok(file_read(NULL, prefecture->directory, &jws));
    json_begin(&body, NULL, '{');
    json_add_text(&body, "directory", buf_str(&jws));
    json_end(&body, '}');
    assert_ok(json_read(NULL, buf_str(&body), &tree));
    network_sign(&net);
    assert_ok(db_transaction(prefecture->db, NULL, take_directory_tx, tree));
    assert_int_equal(version_of(prefecture), 3);
    json_free(tree);
    buf_release(&body);
    buf_release(&jws);
}

static void nothing_more_goes_to_a_revoked_certificate(void **state UNUSED)
{
    network_start(&net);
    server_notice(a, 5, 1, 1);
    WAIT(server_seen_count(agency) == 1); /* the connection stays open */
    network_revoke(&net, prefecture);
    assert_ok(link_reload(a->link, NULL));
    server_notice(a, 5, 2, 2);
    WAIT(server_status(a, "prefecture.28").trouble.err);
    assert_int_equal(server_status(prefecture, "cs.282049").received, 1);
    network_certify(&net, prefecture, 30);
    assert_ok(link_reload(prefecture->link, NULL));
    WAIT(server_status(prefecture, "cs.282049").received == 2);
}

static void a_renewed_certificate_is_used(void **state UNUSED)
{
    network_certify(&net, a, -1);
    network_start(&net);
    server_notice(a, 5, 1, 1);
    WAIT(server_status(a, "prefecture.28").trouble.err);
    network_certify(&net, a, 30);
    assert_ok(link_reload(a->link, NULL));
    WAIT(server_seen_count(agency) == 1);
}

static void a_full_disk_answers_busy(void **state UNUSED)
{
    prefecture->disk_least = 101;
    network_start(&net);
    server_notice(a, 5, 1, 3);
    WAIT(server_status(a, "prefecture.28").trouble.err == ERR_BUSY);
    assert_int_equal(server_seen_count(prefecture), 0);
    server_stop(prefecture);
    prefecture->disk_least = 0;
    server_start(prefecture);
    WAIT(server_seen_count(agency) == 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notices_travel_and_outcomes_return),
        TEST(word_of_what_was_applied_comes_ahead),
        TEST(bulk_keeps_its_order),
        TEST(heads_are_kept_above),
        TEST(refused_waiting_and_applied_are_told_apart),
        TEST(release_replays_in_order),
        TEST(outcomes_of_a_part_keep_the_rest),
        TEST(corrections_take_the_place_of_what_they_replace),
        TEST(anothers_notice_passes_and_may_heal),
        TEST(parked_and_corrected_in_one_batch),
        TEST(a_parked_code_change_is_released_in_order),
        TEST(a_parked_code_change_is_corrected_in_order),
        TEST(a_late_failure_leaves_no_trace),
        TEST(what_failed_in_a_lost_group_is_tried_again),
        TEST(batches_of_several_servers_interleave),
        TEST(a_resend_changes_nothing),
        TEST(every_resend_that_was_asked_for_goes),
        TEST(status_and_trace_say_where_it_is),
        TEST(a_new_directory_reaches_all_and_an_old_one_none),
        TEST(what_is_urgent_does_not_wait_with_what_is_not),
        TEST(a_directory_that_was_told_to_nobody_is_told_by_the_next_reload),
        TEST(a_newer_directory_stays_when_an_older_one_is_committed),
        TEST(nothing_more_goes_to_a_revoked_certificate),
        TEST(a_renewed_certificate_is_used),
        TEST(a_full_disk_answers_busy),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
