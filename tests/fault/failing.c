/* SPDX-License-Identifier: Apache-2.0 */
/* Every n-th allocation of the product's own, write and sync failing in turn, and a disk that is full for a
 * while, under a small server. A server that ends, as db_on_broken says, is started again by its
 * supervisor and by nothing else. Afterwards: what was acknowledged is there once, the log proves itself,
 * what comes next works. */
#include "base/arena.h"
#include "power_cut.h"
#include "small_server.h"
#include "stores.h"
#include "test.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHANGES = 8, ENTRIES = 40, DONE = 0, FAILED = 1, LOST = 2, QUIET = 5 };

/* What the server's process leaves for the one that looks. */
static struct shared {
    bool acknowledged[CHANGES];
    char wrong[200];
} * shared;

/* ---- a small server: each change writes a row and log entries, heads are signed between them */

/* Makes every change again: one that was acknowledged must be there already. */
static int make_changes(struct small_server *s)
{
    int status = DONE;
    for (int64_t i = 0; i < CHANGES; i++) {
        struct small_change c = {s, i, ENTRIES};
        struct fail f;
        enum err e = db_transaction(s->db, &f, small_change_fn, &c);
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
    struct small_server s;
    struct fail f;
    int status = small_server_begin(&s, &f, folder) ? FAILED : make_changes(&s);
    small_server_finish(&s);
    return status;
}

static int end_of(pid_t child, unsigned long n)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) > FAILED && WEXITSTATUS(status) != SMALL_SERVER_ENDED))
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

/* Every change once, with all its entries, and a log that proves itself. */
static void look_at(const char *folder)
{
    char wrong[200];
    if (!small_server_look(folder, CHANGES, CHANGES * ENTRIES, wrong))
        fail_msg("%s", wrong);
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
    struct small_server s;
    struct fail f;
    if (small_server_begin(&s, &f, folder))
        return LOST;
    disk_fills(kilobytes);
    int status = make_changes(&s);
    recording_room(-1);
    int after = make_changes(&s);
    small_server_finish(&s);
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
        assert_int_not_equal(status, SMALL_SERVER_ENDED);
        enough = status == DONE;
        refusals += !enough;
        look_at(folder);
        folder_remove(folder);
        assert_true(enough || kilobytes < 10000);
    }
    assert_true(refusals > 0);
}

/* What a commit costs: its pages go to the log as one write, and that is synced once. */
static void a_commit_is_one_write_and_one_sync(void **state UNUSED)
{
    struct small_server s;
    char folder[64];
    folder_make(folder);
    assert_ok(small_server_begin(&s, NULL, folder));
    for (int64_t i = 0; i < 3; i++) {
        struct small_change c = {&s, i, ENTRIES};
        struct recording_counts before = recording_counts();
        assert_ok(db_transaction(s.db, NULL, small_change_fn, &c));
        assert_int_equal(recording_counts().writes - before.writes, 1);
        assert_int_equal(recording_counts().syncs - before.syncs, 1);
    }
    small_server_finish(&s);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),     cmocka_unit_test(each_write_may_fail),
        cmocka_unit_test(each_sync_may_fail),           cmocka_unit_test(a_full_disk_loses_nothing),
        cmocka_unit_test(a_full_disk_is_lived_through), cmocka_unit_test(a_commit_is_one_write_and_one_sync),
    };
    recording_install();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    small_server_install();
    int failed = cmocka_run_group_tests(tests, NULL, stores_clean);
    small_server_uninstall();
    return failed;
}
