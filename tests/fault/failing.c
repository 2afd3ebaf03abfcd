/* SPDX-License-Identifier: Apache-2.0 */
/* Every n-th allocation of the product's own, write and sync failing in turn, and a disk that is full for a
 * while, under a small server. A server that ends, as db_on_broken says, is started again by its
 * supervisor and by nothing else. Afterwards: what was acknowledged is there once, the log proves itself,
 * what comes next works. */
#include "base/arena.h"
#include "db/sqlite.h"
#include "power_cut.h"
#include "sample_sql.h"
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

/* ---- a full disk that a reading meets */

enum { ROWS = 100 };
struct caller {
    struct db *db;
    db_fn fn;
    pthread_t thread;
    enum err result;
    atomic_bool holds, goes;
};

static void *call(void *arg)
{
    struct caller *c = arg;
    c->result = db_transaction(c->db, NULL, c->fn, c);
    return NULL;
}

/* Starts it and waits until it stands in the queue. */
static void queue_up(struct caller *c)
{
    struct db *db = c->db;
    pthread_mutex_lock(&db->queue_lock);
    const void *before = db->last, *now = before;
    pthread_mutex_unlock(&db->queue_lock);
    assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
    while (now == before) {
        usleep(1000);
        pthread_mutex_lock(&db->queue_lock);
        now = db->last;
        pthread_mutex_unlock(&db->queue_lock);
    }
}

static enum err hold_fn(struct db_tx *tx UNUSED, struct fail *f UNUSED, void *arg)
{
    struct caller *c = arg;
    atomic_store(&c->holds, true);
    while (!atomic_load(&c->goes))
        usleep(1000);
    return ERR_OK;
}

/* More than the cache holds. */
static enum err fill_fn(struct db_tx *tx, struct fail *f, void *arg UNUSED)
{
    static char note[3000];
    enum err e = ERR_OK;
    memset(note, 'a', sizeof note);
    for (int64_t i = 0; !e && i < ROWS; i++)
        e = db_exec(tx, f, &sql_sample_row_add, DB(db_int(i), db_text((struct str){note, sizeof note})),
                    NULL);
    return e;
}

/* Reads what the cache holds no more, while the disk is full for a moment. */
static enum err look_while_full_fn(struct db_tx *tx, struct fail *f, void *arg UNUSED)
{
    recording_room(0);
    enum err e = db_exec(tx, f, &sql_sample_row_change, DB(db_int(0), db_text(STR("b"))), NULL);
    recording_room(-1);
    return e;
}

static enum err count_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db_rows rows;
    int64_t *count = arg;
    *count = 0;
    db_query(tx, &rows, &sql_sample_row_list, DB(db_int(0)));
    while (db_next(&rows))
        *count += db_row_text(&rows, 1).n == 3000;
    return db_done(&rows, f);
}

/* What a change wrote, and waits in memory to be joined with its commit, is not lost when a neighbour's
 * reading finds no room for it. */
static void a_full_disk_that_a_reading_meets_takes_nothing_from_others(void **state UNUSED)
{
    static const struct db_module *const modules[] = {&sample_module};
    char folder[64], path[128];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/full.db", folder);
    struct db *db = stores_open(path, modules, 1);
    struct caller hold = {.db = db, .fn = hold_fn}, fill = {.db = db, .fn = fill_fn},
                  look = {.db = db, .fn = look_while_full_fn};
    assert_int_equal(
        sqlite3_exec(((struct sqlite_conn *)db->writer)->handle, "PRAGMA cache_size=20", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(pthread_create(&hold.thread, NULL, call, &hold), 0);
    while (!atomic_load(&hold.holds))
        usleep(1000);
    queue_up(&fill);
    queue_up(&look);
    atomic_store(&hold.goes, true);
    pthread_join(hold.thread, NULL);
    pthread_join(fill.thread, NULL);
    pthread_join(look.thread, NULL);
    int64_t count = 0;
    assert_ok(fill.result);
    assert_err(look.result, ERR_DB_FULL);
    assert_ok(db_read(db, NULL, count_fn, &count));
    assert_int_equal(count, ROWS);
    db_close(db);
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
        cmocka_unit_test(a_commit_is_one_write_and_one_sync),
        cmocka_unit_test(a_full_disk_that_a_reading_meets_takes_nothing_from_others),
    };
    recording_install();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    small_server_install();
    int failed = cmocka_run_group_tests(tests, NULL, stores_clean);
    small_server_uninstall();
    return failed;
}
