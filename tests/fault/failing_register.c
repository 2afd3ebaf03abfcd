/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th write and sync failing in turn, the n-th send, and the n-th allocation of the product's own and of
 * SQLite's, under a municipality: its resident register, and its CS with the door and the flows between them.
 *
 * Where a write or a sync fails the process ends, register and CS with it, as after a kill at that moment.
 * The disks then hold what was promised (register_disks.h, register_story.h); both are started again, the
 * counter says all it has to say from the beginning, and it comes to what it comes to when nothing fails.
 *
 * Sends and memory fail under a municipality that nobody starts again: every change gets its outcome, once
 * and in order, and register and CS have the same. */
#include "failing_memory.h"
#include "power_cut.h"
#include "register_story.h"
#include "stores.h"
#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a process of its own ends. */
enum { DONE = 40, NOT_STARTED, WRONG, ENDED, ASTRAY };
enum { LIVES = 6, LIVES_LONG = 150, PROMISES_MOST = 1000, PATIENCE = 8000 };

/* What the process that ends leaves for the next one, and for the one that looks. */
static struct shared {
    struct register_ending ending; /* when nothing fails */
    struct recording_counts counts;
    struct made {
        enum register_promise kind;
        size_t step;
        int64_t number;
    } promises[PROMISES_MOST];
    size_t promise_count;
    char wrong[300];
} * shared;

static bool apart; /* this is a process of its own: an assertion that fails in it goes astray */

static int not_astray(void **state UNUSED)
{
    if (apart)
        _exit(ASTRAY);
    return 0;
}

/* Also of a test that failed in the middle. */
static int close_all(void **state UNUSED)
{
    memory_fails(MEMORY_OWN, 0, 0);
    memory_fails(MEMORY_SQLITE, 0, 0);
    memory_spares(false);
    municipality_close();
    return 0;
}

static void keep_promise(enum register_promise kind, size_t step, int64_t number)
{
    assert_true(shared->promise_count < PROMISES_MOST);
    shared->promises[shared->promise_count++] = (struct made){kind, step, number};
}

static void broken(void *arg UNUSED, const struct fail *f UNUSED)
{
    _exit(ENDED); /* where the program would abort */
}

static int say(int status, const char *what, const char *detail)
{
    snprintf(shared->wrong, sizeof shared->wrong, "%s %s", what, detail);
    return status;
}

/* ---- writes and syncs */

static const char *disks_hold(void)
{
    struct register_disks *d = calloc(1, sizeof *d);
    assert_non_null(d);
    arena_init(&d->arena, 4 << 20);
    const char *found = register_disks_hold(d);
    for (size_t i = 0; i < shared->promise_count && !found; i++) {
        const struct made *p = &shared->promises[i];
        found = register_story_keeps(d, p->kind, p->step, p->number);
    }
    arena_release(&d->arena);
    free(d);
    return found;
}

/* The first life of a folder, or one after something failed. */
static int live(const char *folder, bool again)
{
    struct fail f = {0};
    struct register_ending end;
    struct recording_counts before = recording_counts();
    register_telling = (struct register_telling){keep_promise, 0};
    if (municipality_open(&f, folder, broken))
        return say(NOT_STARTED, err_row(f.err)->name, f.detail);
    const char *found = again ? disks_hold() : NULL;
    if (found)
        return say(WRONG, "at once:", found);
    if (municipality_start(&f))
        return say(NOT_STARTED, err_row(f.err)->name, f.detail);
    found = register_story_take();
    if (!found)
        found = again ? register_story_ends_as(&shared->ending) : register_story_note(&end);
    if (found)
        return say(WRONG, "in the end:", found);
    municipality_close();
    if (!again) {
        shared->ending = end;
        shared->counts = (struct recording_counts){recording_counts().writes - before.writes,
                                                   recording_counts().syncs - before.syncs};
    }
    return DONE;
}

static int live_apart(const char *folder, bool again, unsigned long write, unsigned long sync)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        apart = true;
        recording_fail(write, sync);
        _exit(live(folder, again));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) < DONE || WEXITSTATUS(status) == ASTRAY)
        fail_msg("write %lu, sync %lu: it ended with %d", write, sync, status);
    if (WEXITSTATUS(status) == WRONG)
        fail_msg("write %lu, sync %lu: %s", write, sync, shared->wrong);
    return WEXITSTATUS(status);
}

/* A life in which nothing fails tells how many there are, and how it ends. Then, all over it: a life in which
 * one fails, and one that finishes. */
static void some_in_turn(const char *what, bool writes)
{
    unsigned long lives = getenv("JUKI_LONG") ? LIVES_LONG : LIVES, total = 1;
    unsigned felt = 0;
    memset(shared, 0, sizeof *shared);
    for (unsigned long i = 0; i <= lives; i++) {
        char folder[64];
        unsigned long n = i ? (i - 1) * total / lives + 1 + fault_seed() % (total / lives) : 0;
        folder_make(folder);
        municipality_make(folder);
        shared->promise_count = 0;
        int status = live_apart(folder, false, writes ? n : 0, writes ? 0 : n);
        felt += status != DONE;
        if (!i) {
            total = writes ? shared->counts.writes : shared->counts.syncs;
            assert_int_equal(status, DONE);
            assert_true(total >= lives);
        }
        if (i && live_apart(folder, true, 0, 0) != DONE)
            fail_msg("%s %lu: %s", what, n, shared->wrong);
        folder_remove(folder);
    }
    print_message("%s: %u of %lu failures were felt, of %lu\n", what, felt, lives, total);
    assert_true(felt > lives / 2); /* the last ones may not come: no life is quite like another */
}

static void each_write_may_fail(void **state UNUSED)
{
    some_in_turn("write", true);
}

static void each_sync_may_fail(void **state UNUSED)
{
    some_in_turn("sync", false);
}

/* ---- sends */

static atomic_ulong fail_send, failed_sends;

static bool send_fails(int fd)
{
    unsigned long left = atomic_load(&fail_send);
    while (left && !atomic_compare_exchange_weak(&fail_send, &left, left - 1)) {
    }
    if (left != 1)
        return false;
    atomic_fetch_add(&failed_sends, 1);
    shutdown(fd, SHUT_RDWR);
    errno = ECONNRESET;
    return true;
}

/* In place of the C library's: what the door's GnuTLS calls, and what the register's libcurl calls. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    static ssize_t (*real)(int, const struct msghdr *, int);
    if (send_fails(fd))
        return -1;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
    return real(fd, message, flags);
}

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    if (send_fails(fd))
        return -1;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "send");
    return real(fd, bytes, n, flags);
}

/* ---- changes that go on */

struct failing {
    const char *what;
    enum memory kind; /* MEMORIES: sends */
    unsigned long times, step, most;
    unsigned long felt, refused;
};

static void promise_nothing(enum register_promise kind UNUSED, size_t step UNUSED, int64_t number UNUSED)
{
}

static unsigned long failures(const struct failing *x)
{
    return x->kind == MEMORIES ? atomic_load(&failed_sends) : memory_counts(x->kind).failed;
}

static void fail_at(const struct failing *x, unsigned long n)
{
    if (x->kind == MEMORIES)
        atomic_store(&fail_send, n);
    else
        memory_fails(x->kind, n, 1);
}

static void line_of(unsigned long i, char line[static 1000])
{
    if (i % 2)
        snprintf(line, 1000, EVENT_BORN("b-%lu", "n-%lu"), i, i);
    else
        snprintf(line, 1000, EVENT_MOVES("m-%lu", "r-1", "兵庫県西宮市甲子園%lu番"), i, i);
}

/* Entering it may be refused for want of memory, and is tried again then: it was not entered. */
static int64_t enter(struct failing *x, const char *line)
{
    for (;;) {
        struct fail f = {0};
        int64_t number = 0;
        enum err e = register_enter_event(municipality.r, &f, str_of(line), false, &number);
        if (!e)
            return number;
        if (e != ERR_MEMORY && !strstr(f.detail, "memory"))
            fail_msg("%s: %s %s %s", x->what, err_row(e)->name, f.field, f.detail);
        x->refused++;
    }
}

static bool is_applied(int64_t number)
{
    struct register_outcome o = {0};
    struct fail f;
    return !register_await(municipality.r, &f, number, number, 0, true, &o) && o.applied == 1;
}

static void never(const struct failing *x, unsigned long i, int64_t number)
{
    struct register_status s;
    assert_ok(register_status(municipality.r, NULL, &s));
    fail_msg("%s, the %luth: change %lld never got its outcome: %lld of %lld taken, trouble %s", x->what, i,
             (long long)number, (long long)s.taken, (long long)s.changes, err_row(s.trouble.err)->name);
}

static void live_through(struct failing *x, unsigned long i)
{
    char line[1000];
    unsigned long before = failures(x);
    int waited = 0;
    line_of(i, line);
    fail_at(x, 1 + i * x->step % x->most);
    int64_t number = enter(x, line);
    memory_spares(true); /* who asks whether it is there yet takes none */
    while (!is_applied(number)) {
        if (waited++ == PATIENCE)
            never(x, i, number);
        network_pause();
    }
    memory_spares(false);
    fail_at(x, 0);
    x->felt += failures(x) > before;
}

static void begin_life(char folder[static 64])
{
    folder_make(folder);
    municipality_make(folder);
    assert_ok(municipality_open(NULL, folder, NULL));
    assert_ok(municipality_start(NULL));
    register_telling = (struct register_telling){promise_nothing, 0};
    const char *found = register_story_take();
    if (found)
        fail_msg("at first: %s", found);
}

static void end_life(const char *folder)
{
    struct register_ending end;
    memset(shared, 0, sizeof *shared);
    const char *found = register_story_note(&end);
    if (!found)
        found = disks_hold();
    if (found)
        fail_msg("in the end: %s", found);
    assert_ok(ledger_sign_head(municipality.cs->ledger, NULL, NULL));
    server_check_log(&flow_network.servers[CS_A]);
    municipality_close();
    folder_remove(folder);
}

/* After the story births and moves in turn; a life has room for so many. */
static void live_with(struct failing *x)
{
    enum { CHANGES_A_LIFE = 60 };
    char folder[64];
    const unsigned long times = getenv("JUKI_LONG") ? 10 * x->times : x->times;
    for (unsigned long i = 0; i < times; i++) {
        if (i % CHANGES_A_LIFE == 0)
            begin_life(folder);
        live_through(x, i);
        if (i % CHANGES_A_LIFE == CHANGES_A_LIFE - 1 || i + 1 == times)
            end_life(folder);
    }
    print_message("%s: %lu of %lu failures were felt, %lu refused an entry\n", x->what, x->felt, times,
                  x->refused);
    assert_true(x->felt > times / 2);
}

static void each_send_may_fail(void **state UNUSED)
{
    struct failing x = {"sends", MEMORIES, 24, 1, 12, 0, 0};
    live_with(&x);
}

static void each_allocation_of_its_own_may_fail(void **state UNUSED)
{
    struct failing x = {"its own memory", MEMORY_OWN, 40, 1, 36, 0, 0};
    live_with(&x);
}

static void each_allocation_of_its_stores_may_fail(void **state UNUSED)
{
    struct failing x = {"SQLite's memory", MEMORY_SQLITE, 40, 7, 280, 0, 0};
    live_with(&x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, not_astray, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_write_may_fail),
        TEST(each_sync_may_fail),
        TEST(each_send_may_fail),
        TEST(each_allocation_of_its_own_may_fail),
        TEST(each_allocation_of_its_stores_may_fail),
    };
    failing_memory_install();
    recording_install();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    municipality_init();
    register_story_init();
    int failed = cmocka_run_group_tests(tests, NULL, stores_clean);
    municipality_release();
    return failed;
}
