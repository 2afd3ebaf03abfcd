/* SPDX-License-Identifier: Apache-2.0 */
/* Every n-th allocation, write, sync and send failing in turn, and a disk that is full for a while, under a
 * small server and a small network. A server that ends, as db_on_broken says, is started again by its
 * supervisor and by nothing else. Afterwards: what was acknowledged is there once, the log proves itself,
 * what comes next works. */
#include "base/arena.h"
#include "ledger/ledger.h"
#include "link_network.h"
#include "power_cut.h"
#include "stores.h"
#include "test.h"
#include "test_key.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct db_module *const modules[] = {&ledger_module, &network_module};

enum { CHANGES = 8, ENTRIES = 40, DONE = 0, FAILED = 1, LOST = 2, ENDED = 7, QUIET = 5 };

static struct key *key;
static uint8_t public_key[ED25519_PUBLIC];

/* What the server's process leaves for the one that looks. */
static struct shared {
    bool acknowledged[CHANGES];
    char wrong[200];
} * shared;

/* ---- a small server: each change writes a row and log entries, heads are signed between them */

struct server {
    struct db *db;
    struct ledger *ledger;
};
struct change {
    struct server *server;
    int64_t number;
};

static enum err change_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct change *c = arg;
    char id[32];
    snprintf(id, sizeof id, "change %lld", (long long)c->number);
    enum err e =
        db_exec(tx, f, &sql_network_own_add, DB(db_text(str_of(id)), db_int(c->number), db_int(1)), NULL);
    for (int i = 0; !e && i < ENTRIES; i++)
        e = ledger_append(c->server->ledger, tx, f, LEDGER_OPERATION, str_of(id), STR("{}"), NULL);
    return e;
}

static void broken(void *arg UNUSED, const struct fail *f UNUSED)
{
    _exit(ENDED); /* where the server would abort */
}

static enum err server_begin(struct server *s, struct fail *f, const char *folder)
{
    char path[128];
    snprintf(path, sizeof path, "%s/server.db", folder);
    *s = (struct server){NULL, NULL};
    enum err e = db_open(f, path, modules, COUNT_OF(modules), &s->db);
    if (!e)
        db_on_broken(s->db, broken, NULL);
    return e ? e : ledger_open(f, s->db, "cs.282049", key, &s->ledger);
}

static void server_finish(struct server *s)
{
    db_close(s->db);
    ledger_free(s->ledger);
}

/* Makes every change again: one that was acknowledged must be there already. */
static int make_changes(struct server *s)
{
    int status = DONE;
    for (int64_t i = 0; i < CHANGES; i++) {
        struct change c = {s, i};
        struct fail f;
        enum err e = db_transaction(s->db, &f, change_fn, &c);
        if (shared->acknowledged[i] && !e) {
            snprintf(shared->wrong, sizeof shared->wrong, "change %lld was acknowledged and is lost",
                     (long long)i);
            return LOST;
        }
        if (e && e != ERR_EXISTS)
            status = FAILED;
        else
            shared->acknowledged[i] = true;
        if (i % 4 == 3 && ledger_sign_head(s->ledger, &f, NULL))
            status = FAILED;
    }
    return status;
}

static int live(const char *folder)
{
    struct server s;
    struct fail f;
    int status = server_begin(&s, &f, folder) ? FAILED : make_changes(&s);
    server_finish(&s);
    return status;
}

static int end_of(pid_t child, unsigned long n)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) > FAILED && WEXITSTATUS(status) != ENDED))
        fail_msg("%lu: the server ended with %d: %s", n, status, shared->wrong);
    return WEXITSTATUS(status);
}

/* One life of the server in a process of its own, in which something fails. */
static int live_apart(const char *folder, void (*what)(unsigned long n), unsigned long n)
{
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        what(n);
        _exit(live(folder));
    }
    return end_of(child, n);
}

static enum err count_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_network_own_count, DB_NONE);
    if (db_next(&rows))
        *(int64_t *)arg = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

static void finding(void *arg UNUSED, const struct ledger_finding *found)
{
    fail_msg("finding %d at %llu: %s", (int)found->kind, (unsigned long long)found->first, found->detail);
}

/* Every change once, with all its entries, and a log that proves itself. */
static void look_at(const char *folder)
{
    struct server s;
    struct fail f = {0};
    struct ledger_verify_result result;
    int64_t count = 0;
    if (server_begin(&s, &f, folder))
        fail_msg("%s %s", err_row(f.err)->name, f.detail);
    assert_ok(db_read(s.db, &f, count_fn, &count));
    assert_int_equal(count, CHANGES);
    assert_int_equal(ledger_size(s.ledger), CHANGES * ENTRIES);
    assert_ok(ledger_verify(&f, s.db, "cs.282049",
                            &(struct ledger_verify_options){.public_key = public_key, .report = finding},
                            &result));
    server_finish(&s);
}

/* For n = 1, 2, 3 ... (each third beyond 40, unless there is time): a life in which the n-th fails, a second
 * one that finishes, and a look at what is there. Ends when nothing failed for a while: there is no n-th any
 * more. */
static void each_in_turn(const char *what, void (*fail_at)(unsigned long n))
{
    unsigned long n = 0, failures = 0;
    for (unsigned quiet = 0; quiet < QUIET;) {
        char folder[64];
        folder_make(folder);
        memset(shared, 0, sizeof *shared);
        n += n < 40 || getenv("JUKI_LONG") ? 1 : 3;
        int status = live_apart(folder, fail_at, n);
        quiet = status ? 0 : quiet + 1;
        failures += status != 0;
        assert_int_equal(live(folder), DONE);
        look_at(folder);
        folder_remove(folder);
    }
    print_message("%s: %lu failures were felt up to number %lu\n", what, failures, n);
    assert_true(failures > 10);
}

static void allocation_fails(unsigned long n)
{
    memory_fail_at(n);
}

static void write_fails(unsigned long n)
{
    recording_fail(n, 0);
}

static void sync_fails(unsigned long n)
{
    recording_fail(0, n);
}

static void each_allocation_may_fail(void **state UNUSED)
{
    each_in_turn("allocations", allocation_fails);
}

static void each_write_may_fail(void **state UNUSED)
{
    each_in_turn("writes", write_fails);
}

static void each_sync_may_fail(void **state UNUSED)
{
    each_in_turn("syncs", sync_fails);
}

/* ---- a full disk */

static void disk_fills(unsigned long kilobytes)
{
    recording_room((int64_t)kilobytes * 1024);
}

/* Full after so much, and still full when the server is started again; then somebody makes room, and no more.
 */
static void a_full_disk_loses_nothing(void **state UNUSED)
{
    bool enough = false;
    for (unsigned long kilobytes = 0; !enough; kilobytes += 23) {
        char folder[64];
        folder_make(folder);
        memset(shared, 0, sizeof *shared);
        enough = live_apart(folder, disk_fills, kilobytes) == DONE;
        if (!enough)
            assert_int_not_equal(live_apart(folder, disk_fills, 0), LOST);
        assert_int_equal(live(folder), DONE);
        look_at(folder);
        folder_remove(folder);
        assert_true(enough || kilobytes < 10000);
    }
}

/* A life in which the disk is full after so much, and somebody makes room. */
static int live_through(const char *folder, unsigned long kilobytes)
{
    struct server s;
    struct fail f;
    if (server_begin(&s, &f, folder))
        return LOST;
    disk_fills(kilobytes);
    int status = make_changes(&s);
    recording_room(-1);
    int after = make_changes(&s);
    server_finish(&s);
    return after ? LOST : status;
}

/* Nobody starts the server again: what was refused is taken when there is room. */
static void a_full_disk_is_lived_through(void **state UNUSED)
{
    bool enough = false;
    int refusals = 0;
    for (unsigned long kilobytes = 0; !enough; kilobytes += 97) {
        char folder[64];
        folder_make(folder);
        memset(shared, 0, sizeof *shared);
        fflush(stdout);
        pid_t child = fork();
        assert_true(child >= 0);
        if (!child)
            _exit(live_through(folder, kilobytes));
        int status = end_of(child, kilobytes);
        assert_int_not_equal(status, ENDED);
        enough = status == DONE;
        refusals += !enough;
        look_at(folder);
        folder_remove(folder);
        assert_true(enough || kilobytes < 10000);
    }
    assert_true(refusals > 0);
}

/* ---- a network whose sends and allocations fail */

static atomic_ulong fail_send, failed_sends;

/* In place of the C library's, which GnuTLS calls. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    static ssize_t (*real)(int, const struct msghdr *, int);
    unsigned long left = atomic_load(&fail_send);
    if (left && atomic_fetch_sub(&fail_send, 1) == 1) {
        atomic_fetch_add(&failed_sends, 1);
        shutdown(fd, SHUT_RDWR);
        errno = ECONNRESET;
        return -1;
    }
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
    return real(fd, message, flags);
}

struct waiting {
    int64_t source;
    bool applied;
};

static enum err outcome_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct waiting *w = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_network_outcome_list, DB_NONE);
    while (db_next(&rows))
        w->applied = w->applied || (db_row_int(&rows, 0) == w->source && db_row_int(&rows, 1) == 'a');
    return db_done(&rows, f);
}

/* What fails may also be this question's own memory. */
static bool applied(struct test_server *s, int64_t source)
{
    struct waiting w = {source, false};
    return !db_read(s->db, NULL, outcome_fn, &w) && w.applied;
}

enum { NOTICES = 60 };

/* Each notice arrives and its outcome comes back, though on its way the n-th fails, n = 1 to most; once, and
 * in order. */
static void the_network_lives_with(void (*fail_at)(unsigned long n), int64_t most)
{
    static struct test_network network;
    struct test_server *cs = &network.servers[CS_A], *agency = &network.servers[AGENCY];
    char want[NOTICES * 8] = "";
    network_init(&network);
    network_start(&network);
    for (int64_t i = 1; i <= NOTICES; i++) {
        server_notice(cs, 5, i, i);
        fail_at((unsigned long)(i % most + 1));
        WAIT(applied(cs, i));
        fail_at(0);
        snprintf(want + strlen(want), sizeof want - strlen(want), "%s5:%lld", i > 1 ? " " : "", (long long)i);
    }
    assert_string_equal(server_seen(agency), want);
    network_release(&network);
}

static void send_fails(unsigned long n)
{
    atomic_store(&fail_send, n);
}

static void each_send_may_fail(void **state UNUSED)
{
    the_network_lives_with(send_fails, 8);
    assert_true(atomic_load(&failed_sends) > NOTICES / 2);
}

static void each_allocation_of_the_network_may_fail(void **state UNUSED)
{
    the_network_lives_with(allocation_fails, NOTICES);
}

/* What a commit costs: its pages go to the log as one write, and that is synced once. */
static void a_commit_is_one_write_and_one_sync(void **state UNUSED)
{
    struct server s;
    char folder[64];
    folder_make(folder);
    assert_ok(server_begin(&s, NULL, folder));
    for (int64_t i = 0; i < 3; i++) {
        struct change c = {&s, i};
        struct recording_counts before = recording_counts();
        assert_ok(db_transaction(s.db, NULL, change_fn, &c));
        assert_int_equal(recording_counts().writes - before.writes, 1);
        assert_int_equal(recording_counts().syncs - before.syncs, 1);
    }
    server_finish(&s);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(each_write_may_fail),
        cmocka_unit_test(each_sync_may_fail),
        cmocka_unit_test(a_full_disk_loses_nothing),
        cmocka_unit_test(a_full_disk_is_lived_through),
        cmocka_unit_test(each_send_may_fail),
        cmocka_unit_test(each_allocation_of_the_network_may_fail),
        cmocka_unit_test(a_commit_is_one_write_and_one_sync),
    };
    recording_install();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    key = test_key_new(public_key);
    int failed = cmocka_run_group_tests(tests, NULL, stores_clean);
    key_free(key);
    return failed;
}
