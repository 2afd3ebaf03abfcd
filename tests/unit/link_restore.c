/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is lost or doubled when servers stop, break off, or are restored; and what cannot be reconciled
 * stops. */
#include "link_network.h"

#include "base/clock.h"
#include "base/file.h"
#include "link/dial.h"
#include "stores.h"
#include "test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct test_network net;
static struct test_server *const agency = &net.servers[AGENCY], *const prefecture = &net.servers[PREFECTURE],
                                 *const a = &net.servers[CS_A], *const b = &net.servers[CS_B];

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

/* "CODE:1 CODE:2 ... CODE:last" */
static const char *steps(int code, int last)
{
    static char text[65536];
    size_t n = 0;
    for (int i = 1; i <= last; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%d:%d", i > 1 ? " " : "", code, i);
    return text;
}

/* Changes of code 5 at a, which hears that they are applied. */
static void tell(int first, int last)
{
    server_notice(a, 5, first, last);
    WAIT(server_status(a, "prefecture.28").applied == last);
}

/* A server goes on, and what it has now is kept. */
static void keep(struct test_server *s, const char *saved)
{
    server_stop(s);
    server_save(s, saved);
    server_start(s);
}

/* In its place, whether it runs or not, comes what was kept; epoch 1: a copy that nobody restored. */
static void put_back(struct test_server *s, const char *saved, int64_t epoch)
{
    server_stop(s);
    server_restore(s, saved, epoch);
    server_start(s);
}

static void stopping_and_starting_anywhere(void **state UNUSED)
{
    network_start(&net);
    for (int i = 0; i < 12; i++) {
        server_notice(a, 5, i * 20 + 1, i * 20 + 20);
        struct test_server *s = &net.servers[i % SERVERS];
        if (i % 2)
            WAIT(server_status(a, "prefecture.28").acknowledged >= i * 20 - 40);
        server_stop(s);
        server_start(s);
    }
    WAIT(server_seen_count(agency) == 240);
    assert_string_equal(server_seen(agency), steps(5, 240));
    assert_string_equal(server_seen(prefecture), steps(5, 240));
    WAIT(server_status(a, "prefecture.28").applied == 240);
}

/* ---- a line that breaks between a batch and its receipt ---- */

struct relay {
    int listen_fd, to;
    int64_t swallow; /* after so many bytes from the acceptor nothing comes back, and the line breaks */
    atomic_int connections;
    pthread_t thread;
    atomic_bool stop;
};

static int connect_local(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool pump(int from, int to)
{
    char bytes[4096];
    ssize_t n = read(from, bytes, sizeof bytes);
    return n > 0 && write(to, bytes, (size_t)n) == n;
}

/* The first three connections lose what the acceptor says after `swallow` bytes, then break. */
static void relay_one(struct relay *r, int in)
{
    int out = connect_local(r->to);
    struct pollfd fds[2] = {{in, POLLIN, 0}, {out, POLLIN, 0}};
    int64_t back = 0;
    bool bad = atomic_fetch_add(&r->connections, 1) < 3;
    while (out >= 0 && !atomic_load(&r->stop)) {
        poll(fds, 2, 50);
        if (fds[0].revents && !pump(in, out))
            break;
        if (!fds[1].revents)
            continue;
        if (bad && back++ >= r->swallow) {
            usleep(200000); /* the acceptor has written by now; its receipt is lost */
            break;
        }
        if (!pump(out, in))
            break;
    }
    close(in);
    if (out >= 0)
        close(out);
}

static void *relay_run(void *arg)
{
    struct relay *r = arg;
    while (!atomic_load(&r->stop)) {
        struct pollfd p = {r->listen_fd, POLLIN, 0};
        if (poll(&p, 1, 50) == 1)
            relay_one(r, accept(r->listen_fd, NULL, NULL));
    }
    return NULL;
}

static int relay_start(struct relay *r, const char *to)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    uint64_t port = 0;
    assert_true(str_to_uint(str_of(strchr(to, ':') + 1), 65535, &port));
    r->to = (int)port;
    r->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(r->listen_fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(r->listen_fd, 8), 0);
    assert_int_equal(getsockname(r->listen_fd, (struct sockaddr *)&at, &n), 0);
    assert_int_equal(pthread_create(&r->thread, NULL, relay_run, r), 0);
    return ntohs(at.sin_port);
}

/* Only a's directory leads to the relay. */
static void lead_through(int port)
{
    char *address = net.nodes[PREFECTURE].address;
    struct buf text;
    buf_init(&text, 1 << 20);
    snprintf(address, sizeof net.nodes[PREFECTURE].address, "127.0.0.1:%d", port);
    network_sign(&net);
    assert_ok(file_read(NULL, a->directory, &text));
    snprintf(address, sizeof net.nodes[PREFECTURE].address, "%s", prefecture->address);
    network_sign(&net);
    assert_ok(file_write(NULL, a->directory, buf_str(&text), 0600));
    buf_release(&text);
}

static void a_lost_receipt_is_made_good(void **state UNUSED)
{
    static struct relay relay;
    int broken = 0;
    for (int swallow = 1; swallow <= 8;
         swallow++) { /* reads from the acceptor: handshake, HELLO_ANSWER, receipt */
        relay = (struct relay){.swallow = swallow};
        lead_through(relay_start(&relay, prefecture->address));
        network_start(&net); /* after the first round only a */
        server_notice(a, 5, swallow * 3 - 2, swallow * 3);
        WAIT(server_seen_count(agency) == swallow * 3);
        WAIT(server_status(a, "prefecture.28").acknowledged == swallow * 3);
        assert_false(server_status(a, "prefecture.28").stopped);
        broken += atomic_load(&relay.connections) > 3;
        server_stop(a);
        atomic_store(&relay.stop, true);
        pthread_join(relay.thread, NULL);
        close(relay.listen_fd);
    }
    assert_true(broken >= 2); /* in the handshake, and between a batch and its receipt */
    assert_string_equal(server_seen(agency), steps(5, 24));
}

/* ---- restore ---- */

static void a_restored_cs_gets_its_own_notices_back(void **state UNUSED)
{
    network_start(&net);
    tell(1, 5);
    keep(a, "time1");
    tell(6, 9);
    tell(10, 12);
    put_back(a, "time1", 2);
    assert_int_equal(link_epoch(a->link), 2);
    WAIT(server_own_count(a) == 7);
    WAIT(server_status(a, "prefecture.28").acknowledged == 12);
    server_notice(a, 5, 13, 14);
    WAIT(server_seen_count(agency) == 14);
    assert_string_equal(server_seen(agency), steps(5, 14));
    assert_false(server_status(a, "prefecture.28").stopped);
    WAIT(strlen(server_outcomes(a)) == 14 && server_outcomes(a)[13] == 'a');
}

static void a_cs_with_unsent_notices_is_restored(void **state UNUSED)
{
    server_open(a);
    server_notice(a, 5, 1, 3); /* in the outbox, not sent */
    server_stop(a);
    server_save(a, "time1");
    server_open(a);
    server_notice(a, 5, 4, 5);
    server_stop(a);
    network_start(&net); /* all five go in one batch */
    WAIT(server_seen_count(agency) == 5);
    put_back(a, "time1", 2);
    WAIT(server_own_count(a) == 2);
    server_notice(a, 5, 6, 6);
    WAIT(server_seen_count(agency) == 6);
    assert_string_equal(server_seen(agency), steps(5, 6));
}

static enum err send_busy_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct test_server *s = arg;
    const struct link_send send = {.destination = "prefecture.28",
                                   .kind = LINK_KIND_IDENTITY_NOTICE,
                                   .body = STR("{\"area\":282049,\"code\":5,\"step\":1}")};
    return link_send(s->link, tx, f, &send, NULL);
}

static void nothing_new_leaves_before_the_old_is_back(void **state UNUSED)
{
    network_start(&net);
    server_notice(a, 5, 1, 2);
    WAIT(server_seen_count(agency) == 2);
    server_stop(a);
    server_save(a, "now");
    server_restore(a, "now", 2);
    server_stop(prefecture);
    server_start(a);
    assert_err(db_transaction(a->db, NULL, send_busy_tx, a), ERR_BUSY);
    server_start(prefecture);
    WAIT(db_transaction(a->db, NULL, send_busy_tx, a) == ERR_OK);
    WAIT(server_seen_count(agency) == 3);
}

static void the_old_twin_is_refused(void **state UNUSED)
{
    network_start(&net);
    tell(1, 2);
    server_stop(a);
    server_save(a, "old");
    put_back(a, "old", 2);
    server_notice(a, 5, 3, 3);
    WAIT(server_seen_count(agency) == 3);
    server_stop(a);
    server_save(a, "new");
    put_back(a, "old", 1);
    server_notice(a, 5, 3, 3); /* what the twin believes */
    WAIT(server_status(a, "prefecture.28").stopped);
    assert_int_equal(server_operations(prefecture, "refused cs.282049 EPOCH_OLD"), 1);
    WAIT(server_operations(a, "stream stopped prefecture.28 EPOCH_OLD") == 1);
    assert_string_equal(server_seen(agency), steps(5, 3));
    put_back(a, "new", 2);
    server_notice(a, 5, 4, 4);
    WAIT(server_seen_count(agency) == 4);
}

static void a_copy_without_a_new_epoch_is_a_fork(void **state UNUSED)
{
    network_start(&net);
    tell(1, 2);
    keep(a, "old");
    server_notice(a, 5, 3, 4);
    WAIT(server_seen_count(agency) == 4);
    put_back(a, "old", 1);
    server_notice(a, 6, 1, 1);
    WAIT(server_status(a, "prefecture.28").stopped);
    WAIT(server_operations(a, "stream stopped prefecture.28 STREAM_FORK") == 1);
    assert_string_equal(server_seen(agency), steps(5, 4));
}

static void a_restored_acceptor_gets_the_stored_batches(void **state UNUSED)
{
    network_start(&net);
    tell(1, 2);
    keep(agency, "time1");
    for (int i = 3; i <= 8; i++) {
        tell(i, i);
    }
    put_back(agency, "time1", 2);
    assert_int_equal(server_seen_count(agency), 2);
    server_notice(a, 5, 9, 9);
    WAIT(server_seen_count(agency) == 9);
    assert_string_equal(server_seen(agency), steps(5, 9));
    WAIT(server_status(a, "prefecture.28").applied == 9);
}

static void a_restored_prefecture_relays_nothing_twice(void **state UNUSED)
{
    network_start(&net);
    server_notice(a, 5, 1, 2);
    server_notice(b, 6, 1, 1);
    WAIT(server_seen_count(agency) == 3);
    WAIT(server_status(a, "prefecture.28").applied == 2);
    keep(prefecture, "time1");
    for (int i = 3; i <= 8; i++) {
        tell(i, i);
    }
    server_notice(b, 6, 2, 3);
    WAIT(server_seen_count(agency) == 11);
    WAIT(server_status(b, "prefecture.28").applied == 3);
    put_back(prefecture, "time1", 2);
    server_notice(a, 5, 9, 9);
    server_notice(b, 6, 4, 4);
    WAIT(server_seen_count(agency) == 13);
    WAIT(server_seen_count(prefecture) == 13);
    WAIT(server_status(a, "prefecture.28").applied == 9);
    WAIT(server_status(b, "prefecture.28").applied == 4);
    assert_int_equal(server_seen_count(agency), 13);
    assert_false(server_status(prefecture, "agency").stopped);
}

static void all_are_restored_at_once(void **state UNUSED)
{
    network_start(&net);
    tell(1, 2);
    keep(a, "a");
    tell(3, 4);
    network_stop(&net);
    server_save(prefecture, "p");
    server_restore(a, "a", 2);
    server_restore(prefecture, "p", 2);
    network_start(&net);
    WAIT(server_status(a, "prefecture.28").acknowledged == 4);
    server_notice(a, 5, 5, 6);
    WAIT(server_seen_count(agency) == 6);
    assert_string_equal(server_seen(agency), steps(5, 6));
    assert_string_equal(server_seen(prefecture), steps(5, 6));
}

struct fork_count {
    int64_t count, epoch, unseen;
    uint64_t base;
};

static void count_fork(void *arg, const struct ledger_fork *fork)
{
    struct fork_count *c = arg;
    assert_string_equal(fork->node, "cs.282049");
    c->count++;
    c->epoch = fork->epoch;
    c->base = fork->base;
    assert_true(fork->kept.n && fork->note.n);
}

static struct fork_count forks_at(struct test_server *s)
{
    struct fork_count c = {.count = 0};
    assert_ok(ledger_forks(NULL, s->db, count_fork, &c));
    return c;
}

static uint64_t kept_of_a(int64_t *epoch)
{
    uint64_t size = 0;
    assert_ok(ledger_kept_size(prefecture->ledger, NULL, "cs.282049", &size, epoch));
    return size;
}

static bool cosigned_since(struct test_server *s, uint64_t size)
{
    struct buf note;
    buf_init(&note, 64 * 1024);
    assert_ok(ledger_newest_head(s->ledger, NULL, &note));
    struct str rest = buf_str(&note), line;
    uint64_t entries = 0;
    assert_true(str_cut(&rest, '\n', &line) && str_cut(&rest, '\n', &line) &&
                str_to_uint(line, UINT64_MAX, &entries));
    bool yes = memmem(note.p, note.n, "juki/prefecture.28 ", 19) != NULL && entries > size;
    buf_release(&note);
    return yes;
}

/* The log forks once, which both ends record; then heads go on, also after another restore and in the order
 * of lives. */
static void heads_go_on_after_a_restore(void **state UNUSED)
{
    int64_t epoch = 0;
    a->head_seconds = 1;
    network_start(&net);
    tell(1, 5);
    WAIT(cosigned_since(a, 5));
    keep(a, "time1");
    server_notice(a, 5, 6, 40);
    WAIT(kept_of_a(&epoch) > 40);
    assert_int_equal(epoch, 1);
    put_back(a, "time1", 2);
    WAIT(kept_of_a(&epoch) && epoch == 2);
    WAIT(forks_at(a).count == 1);
    assert_int_equal(forks_at(prefecture).count, 1);
    assert_int_equal(forks_at(prefecture).epoch, 2);
    assert_true(forks_at(prefecture).base >= 5);
    assert_int_equal(forks_at(a).base, forks_at(prefecture).base);
    assert_int_equal(server_operations(prefecture, "head forked cs.282049 epoch 2"), 1);
    WAIT(server_operations(a, "head forked: prefecture.28 keeps") == 1);
    uint64_t before = kept_of_a(&epoch);
    server_notice(a, 5, 41, 45);
    WAIT(kept_of_a(&epoch) > before);
    WAIT(server_status(a, "prefecture.28").applied == 45);
    assert_false(server_status(a, "prefecture.28").head_forked);
    assert_int_equal(forks_at(prefecture).count, 1);
    server_stop(a);
    server_save(a, "time2");
    server_restore(a, "time2", 3); /* a restore that lost nothing is no fork */
    server_start(a);
    server_notice(a, 5, 46, 46);
    WAIT(kept_of_a(&epoch) && epoch == 3);
    WAIT(server_seen_count(agency) == 46);
    assert_int_equal(forks_at(prefecture).count, 1);
    assert_string_equal(server_seen(agency), steps(5, 46));
}

/* A twin that answers in the place of the right server gets nothing, and nobody has to start anything again.
 */
static void a_twin_that_answers_is_passed_over(void **state UNUSED)
{
    network_start(&net);
    tell(1, 2);
    server_stop(prefecture);
    server_save(prefecture, "old");
    put_back(prefecture, "old", 2);
    tell(3, 3);
    server_stop(prefecture);
    server_save(prefecture, "new");
    put_back(prefecture, "old", 1);
    server_notice(a, 5, 4, 4);
    WAIT(server_operations(a, "old twin prefecture.28 EPOCH_OLD") == 1);
    assert_false(server_status(a, "prefecture.28").stopped);
    assert_int_equal(server_seen_count(prefecture), 2);
    put_back(prefecture, "new", 2);
    WAIT(server_status(a, "prefecture.28").applied == 4);
    assert_string_equal(server_seen(agency), steps(5, 4));
}

/* The agency dials nobody of its own accord but those it has met: at its start, to learn that it is old. */
static void an_old_agency_is_refused_where_it_calls(void **state UNUSED)
{
    network_start(&net);
    tell(1, 2);
    server_stop(agency);
    server_save(agency, "old");
    put_back(agency, "old", 2);
    tell(3, 3);
    server_stop(agency);
    server_save(agency, "new");
    server_stop(prefecture); /* nobody asks the old one anything */
    server_restore(agency, "old", 1);
    server_start(agency);
    server_start(prefecture);
    WAIT(server_operations(prefecture, "refused agency EPOCH_OLD") == 1);
    WAIT(server_operations(agency, "stream stopped prefecture.28 EPOCH_OLD") == 1);
    put_back(agency, "new", 2);
    server_notice(a, 5, 4, 4);
    WAIT(server_seen_count(agency) == 4);
}

static bool nothing_to_do(struct peer *p)
{
    return !dial_wait(p, 0, true);
}

/* What comes in while a server starts may have it call before it comes to its greetings: who was greeted is
 * not greeted again and again on the same line. */
static void who_was_called_already_is_not_greeted_for_ever(void **state UNUSED)
{
    network_start(&net);
    server_notice(a, 5, 1, 1);
    WAIT(server_status(agency, "prefecture.28").acknowledged == 1);
    server_stop(agency);
    server_open(agency);
    struct peer *p = peer_find(agency->link, "prefecture.28");
    assert_ok(link_resend(agency->link, NULL, "prefecture.28", 1, 1));
    WAIT(server_operations(prefecture, "resend received agency") == 1);
    WAIT(nothing_to_do(p));
    assert_ok(link_start(agency->link, NULL));
    assert_true(server_status(agency, "prefecture.28").connected);
    assert_true(nothing_to_do(p));
}

/* A copy of the acceptor without a new epoch: it gave receipts in this very life for what it does not have.
 */
static void a_copy_that_answers_is_passed_over(void **state UNUSED)
{
    network_start(&net);
    tell(1, 2);
    keep(prefecture, "old");
    tell(3, 4);
    put_back(prefecture, "old", 1);
    server_notice(a, 5, 5, 5);
    WAIT(server_operations(a, "old twin prefecture.28 STREAM_FORK") >= 1);
    WAIT(server_operations(prefecture, "stream stopped agency STREAM_FORK") == 1);
    WAIT(server_operations(agency, "peer stopped prefecture.28 STREAM_FORK") == 1);
    assert_int_equal(server_seen_count(prefecture), 2);
    server_stop(prefecture); /* an operator says that it was restored */
    server_save(prefecture, "copy");
    put_back(prefecture, "copy", 2);
    WAIT(server_status(a, "prefecture.28").applied == 5);
    assert_string_equal(server_seen(agency), steps(5, 5));
    assert_string_equal(server_seen(prefecture), steps(5, 5));
    assert_false(server_status(a, "prefecture.28").stopped);
}

/* The copy spoke first, so the original stops. From a backup before that it takes back what the copy told. */
static void a_copy_that_was_first_is_taken_back(void **state UNUSED)
{
    network_start(&net);
    tell(1, 2);
    keep(a, "old");
    server_notice(a, 5, 3, 3);
    WAIT(server_seen_count(agency) == 3);
    put_back(a, "old", 1);
    server_notice(a, 6, 1, 1);
    WAIT(server_status(a, "prefecture.28").stopped);
    put_back(a, "old", 2);
    WAIT(server_own_count(a) == 1);
    server_notice(a, 6, 1, 1);
    WAIT(server_seen_count(agency) == 4);
    assert_string_equal(server_seen(agency), "5:1 5:2 5:3 6:1");
    assert_false(server_status(a, "prefecture.28").stopped);
}

/* ---- a line that the test dials itself ---- */

static void line_open(struct dial *d, struct test_server *from, const struct test_server *to)
{
    *d = (struct dial){.l = from->link, .peer = peer_find(from->link, to->name.text)};
    arena_init(&d->arena, 64 << 20);
    d->directory = link_directory(d->l);
    d->node = directory_find(d->directory, str_of(to->name.text));
    assert_ok(
        channel_dial(NULL, d->l->credentials, d->directory, d->node->address, &d->peer->node, &d->channel));
    channel_patience(d->channel, 20);
}

static void line_close(struct dial *d)
{
    channel_close(d->channel);
    directory_unref(d->directory);
    arena_release(&d->arena);
}

/* Without the memory to see that it is a copy, it gets nothing either. */
static void a_copy_is_known_whatever_allocation_fails(void **state UNUSED)
{
    struct dial d;
    struct fail f;
    bool failed = true;
    server_start(prefecture);
    server_start(a);
    server_notice(a, 5, 1, 2);
    WAIT(server_status(a, "prefecture.28").acknowledged == 2);
    keep(prefecture, "old");
    server_notice(a, 5, 3, 4);
    WAIT(server_status(a, "prefecture.28").acknowledged == 4);
    server_stop(prefecture);
    server_stop(a);
    server_restore(prefecture, "old", 1);
    server_start(prefecture);
    server_open(a);
    for (unsigned long n = 1; failed; n++) {
        line_open(&d, a, prefecture);
        unsigned long before = memory_failures();
        memory_fail_at(n);
        enum err e = dial_settle(&d, &f);
        memory_fail_at(0);
        failed = memory_failures() > before;
        assert_int_not_equal(e, ERR_OK);
        assert_true(failed || d.old_twin);
        assert_int_equal(server_seen_count(prefecture), 2);
        line_close(&d);
    }
}

/* The upper server has a new key since. */
static void a_head_that_a_former_key_co_signed_stays_co_signed(void **state UNUSED)
{
    struct directory_key keys[] = {net.keys[PREFECTURE], {.until = INT64_MAX}};
    const char *path = prefecture->key_uri + strlen("file:");
    struct dial d;
    struct fail f;
    uint64_t size = 0;
    server_start(prefecture);
    server_start(a);
    server_notice(a, 5, 1, 1);
    WAIT(server_status(a, "prefecture.28").acknowledged == 1);
    assert_ok(ledger_sign_head(a->ledger, NULL, NULL));
    line_open(&d, a, prefecture);
    assert_ok(dial_settle(&d, &f));
    assert_ok(dial_present_head(&d, &f));
    line_close(&d);
    assert_ok(ledger_kept_size(prefecture->ledger, NULL, a->name.text, &size, NULL));
    assert_int_equal(size, 1);
    server_stop(a);
    server_stop(prefecture);
    key_free(prefecture->key);
    assert_int_equal(unlink(path), 0);
    assert_ok(key_create_file(NULL, path, KEY_ED25519));
    assert_ok(key_open(NULL, prefecture->key_uri, &prefecture->key));
    assert_ok(key_public(NULL, prefecture->key, keys[1].public_key));
    keys[0].until = keys[1].from = clock_now();
    net.nodes[PREFECTURE].keys = keys;
    net.nodes[PREFECTURE].key_count = COUNT_OF(keys);
    network_sign(&net);
    server_start(prefecture);
    server_open(a);
    line_open(&d, a, prefecture);
    assert_ok(dial_settle(&d, &f));
    assert_ok(dial_present_head(&d, &f));
    line_close(&d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stopping_and_starting_anywhere),
        TEST(a_lost_receipt_is_made_good),
        TEST(a_restored_cs_gets_its_own_notices_back),
        TEST(a_cs_with_unsent_notices_is_restored),
        TEST(nothing_new_leaves_before_the_old_is_back),
        TEST(the_old_twin_is_refused),
        TEST(a_copy_without_a_new_epoch_is_a_fork),
        TEST(a_restored_acceptor_gets_the_stored_batches),
        TEST(a_restored_prefecture_relays_nothing_twice),
        TEST(all_are_restored_at_once),
        TEST(heads_go_on_after_a_restore),
        TEST(a_twin_that_answers_is_passed_over),
        TEST(who_was_called_already_is_not_greeted_for_ever),
        TEST(a_copy_is_known_whatever_allocation_fails),
        TEST(a_head_that_a_former_key_co_signed_stays_co_signed),
        TEST(an_old_agency_is_refused_where_it_calls),
        TEST(a_copy_that_answers_is_passed_over),
        TEST(a_copy_that_was_first_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
