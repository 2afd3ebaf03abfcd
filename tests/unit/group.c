/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "db/sqlite.h"
#include "sample_sql.h"
#include "stores.h"
#include "test.h"

#include <limits.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct db_module *const modules[] = {&sample_module};

/* A follower that counts what it is told, and keeps a sum as the tree keeps its frontier. */
struct keeper {
    int savepoints, undos, committed, rolled_back, before;
    int64_t sum, remembered, last_commit;
    enum err before_answers;
};

static void keeper_savepoint(void *self)
{
    struct keeper *k = self;
    k->savepoints++;
    k->remembered = k->sum;
}

static void keeper_undo(void *self)
{
    struct keeper *k = self;
    k->undos++;
    k->sum = k->remembered;
}

static enum err keeper_before_commit(void *self, struct db_tx *tx UNUSED, struct fail *f)
{
    struct keeper *k = self;
    k->before++;
    return k->before_answers ? fail_set(f, k->before_answers, NULL, "not now") : ERR_OK;
}

static void keeper_committed(void *self)
{
    struct keeper *k = self;
    k->committed++;
    k->last_commit = k->sum;
}

static void keeper_rolled_back(void *self)
{
    struct keeper *k = self;
    k->rolled_back++;
    k->sum = k->last_commit;
}

struct bench {
    struct db *db;
    struct keeper keeper;
};

static void bench_open(struct bench *b, const char *url)
{
    *b = (struct bench){.db = stores_open(url, modules, 1)};
    db_follow(b->db, &(struct db_follower){&b->keeper, keeper_savepoint, keeper_undo, keeper_before_commit,
                                           keeper_committed, keeper_rolled_back});
}

struct change {
    struct bench *bench;
    int64_t id;
    enum err answer; /* what fn says after it has written; OK, or an error that must leave no trace */
    int runs;
};

static enum err change_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct change *c = arg;
    c->runs++;
    enum err e = db_exec(tx, f, &sql_sample_row_add, DB(db_int(c->id), db_text(STR("group"))), NULL);
    if (e)
        return e;
    c->bench->keeper.sum += c->id;
    return c->answer ? fail_set(f, c->answer, NULL, "refused on purpose") : ERR_OK;
}

static enum err slow_change_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    nanosleep(&(struct timespec){.tv_nsec = 300 * 1000 * 1000}, NULL); /* longer than a group may take */
    return change_fn(tx, f, arg);
}

struct tally {
    int64_t count, sum;
};

static enum err tally_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct tally *t = arg;
    struct db_rows rows;
    *t = (struct tally){0};
    db_query(tx, &rows, &sql_sample_row_list, DB(db_int(0)));
    while (db_next(&rows)) {
        t->count++;
        t->sum += db_row_int(&rows, 0);
    }
    return db_done(&rows, f);
}

static struct tally tally(struct bench *b)
{
    struct tally t;
    assert_ok(db_read(b->db, NULL, tally_fn, &t));
    return t;
}

/* ---- many callers */

enum { CALLERS = 64, EACH = 20 };

struct caller {
    struct bench *bench;
    int number;
    int wrong; /* answers that were not what they should be */
};

/* Every fifth change refuses after writing, every seventh writes a row that is there already. */
static void *call_many(void *arg)
{
    struct caller *c = arg;
    for (int i = 0; i < EACH; i++) {
        struct change change = {c->bench, 1000 + c->number * EACH + i, i % 5 == 4 ? ERR_STATE : ERR_OK, 0};
        enum err want = change.answer;
        if (i % 7 == 6) {
            change.id = 1;
            want = ERR_EXISTS;
        }
        struct fail f = {0};
        enum err e = db_transaction(c->bench->db, &f, change_fn, &change);
        if (e != want || f.err != want || change.runs < 1)
            c->wrong++;
    }
    return NULL;
}

static void bad_changes_do_not_hurt_their_neighbours(const char *url)
{
    struct bench b;
    bench_open(&b, url);
    struct change first = {&b, 1, ERR_OK, 0};
    assert_ok(db_transaction(b.db, NULL, change_fn, &first));
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){&b, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, call_many, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].wrong, 0);
    }
    struct tally t = tally(&b);
    struct db_stats stats;
    db_stats(b.db, &stats);
    assert_int_equal(t.count, stats.changes);
    assert_int_equal(t.count, 1 + CALLERS * (EACH - 4 - 2)); /* 4 refuse, 2 exist already */
    assert_true(t.sum == b.keeper.sum);
    assert_true(b.keeper.sum == b.keeper.last_commit);
    assert_int_equal(b.keeper.savepoints, 1 + CALLERS * EACH);
    assert_int_equal(b.keeper.undos, CALLERS * 6);
    assert_int_equal(b.keeper.committed, stats.groups);
    assert_int_equal(b.keeper.before, stats.groups);
    assert_true(stats.group_most > 1 && stats.groups < stats.changes);
    db_close(b.db);
}
BOTH(bad_changes_do_not_hurt_their_neighbours)

static void a_lone_failure_leaves_nothing(const char *url)
{
    struct bench b;
    bench_open(&b, url);
    struct change bad = {&b, 5, ERR_STATE, 0}, good = {&b, 5, ERR_OK, 0};
    struct fail f;
    assert_err(db_transaction(b.db, &f, change_fn, &bad), ERR_STATE);
    assert_string_equal(f.detail, "refused on purpose");
    assert_int_equal(b.keeper.sum, 0);
    assert_int_equal(b.keeper.undos, 1);
    assert_int_equal(b.keeper.rolled_back, 1);
    assert_int_equal(b.keeper.before, 0);
    assert_ok(db_transaction(b.db, &f, change_fn, &good));
    assert_int_equal(good.runs, 1);
    assert_int_equal(tally(&b).count, 1);
    db_close(b.db);
}
BOTH(a_lone_failure_leaves_nothing)

static void *be_patient(void *arg)
{
    struct change *c = arg;
    assert_ok(db_transaction_patient(c->bench->db, NULL, change_fn, c));
    return NULL;
}

static bool somebody_waits(struct db *db)
{
    pthread_mutex_lock(&db->queue_lock);
    bool waits = db->first;
    pthread_mutex_unlock(&db->queue_lock);
    return waits;
}

/* Begins a patient change; it waits for another to go with. */
static pthread_t wait_for_company(void *(*patient)(void *), struct change *c)
{
    pthread_t thread;
    c->bench->db->patience_micros = INT64_C(600) * 1000 * 1000;
    assert_int_equal(pthread_create(&thread, NULL, patient, c), 0);
    while (!somebody_waits(c->bench->db))
        sched_yield();
    return thread;
}

static void a_patient_change_goes_with_the_next(const char *url)
{
    struct bench b;
    struct db_stats stats;
    bench_open(&b, url);
    struct change patient = {&b, 1, ERR_OK, 0}, lone = {&b, 2, ERR_OK, 0};
    pthread_t thread = wait_for_company(be_patient, &patient);
    assert_ok(db_transaction(b.db, NULL, change_fn, &lone));
    pthread_join(thread, NULL);
    db_stats(b.db, &stats);
    assert_int_equal(stats.groups, 1);
    assert_int_equal(stats.changes, 2);
    db_close(b.db);
}

BOTH(a_patient_change_goes_with_the_next)

static void *be_patient_and_slow(void *arg)
{
    struct change *c = arg;
    assert_ok(db_transaction_patient(c->bench->db, NULL, slow_change_fn, c));
    return NULL;
}

/* Whoever leads runs first what came before, and the group's time may be over then. */
static void a_leader_whom_its_group_leaves_behind_leads_another(const char *url)
{
    struct bench b;
    struct db_stats stats;
    bench_open(&b, url);
    struct change patient = {&b, 1, ERR_OK, 0}, leads = {&b, 2, ERR_OK, 0};
    pthread_t thread = wait_for_company(be_patient_and_slow, &patient);
    assert_ok(db_transaction(b.db, NULL, change_fn, &leads));
    assert_int_equal(leads.runs, 1);
    pthread_join(thread, NULL);
    assert_int_equal(tally(&b).count, 2);
    db_stats(b.db, &stats);
    assert_int_equal(stats.groups, 2);
    db_close(b.db);
}

BOTH(a_leader_whom_its_group_leaves_behind_leads_another)

static void a_patient_change_without_company_goes_alone(const char *url)
{
    struct bench b;
    struct db_stats stats;
    bench_open(&b, url);
    b.db->patience_micros = 1000;
    struct change patient = {&b, 1, ERR_OK, 0};
    be_patient(&patient);
    db_stats(b.db, &stats);
    assert_int_equal(stats.groups, 1);
    assert_int_equal(b.keeper.committed, 1);
    db_close(b.db);
}

BOTH(a_patient_change_without_company_goes_alone)

static void a_follower_can_refuse_the_commit(const char *url)
{
    struct bench b;
    bench_open(&b, url);
    struct change one = {&b, 5, ERR_OK, 0};
    struct fail f;
    b.keeper.before_answers = ERR_IO;
    assert_err(db_transaction(b.db, &f, change_fn, &one), ERR_IO);
    assert_string_equal(f.detail, "not now");
    assert_int_equal(tally(&b).count, 0);
    assert_int_equal(b.keeper.sum, 0);
    b.keeper.before_answers = ERR_OK;
    assert_ok(db_transaction(b.db, &f, change_fn, &one));
    assert_int_equal(tally(&b).sum, 5);
    db_close(b.db);
}
BOTH(a_follower_can_refuse_the_commit)

/* ---- running again */

static enum err busy_twice(struct db_tx *tx, struct fail *f, void *arg)
{
    struct change *c = arg;
    enum err e = change_fn(tx, f, arg);
    return !e && c->runs < 3 ? fail_set(f, ERR_DB_BUSY, NULL, NULL) : e;
}

static void a_soft_failure_runs_again(const char *url)
{
    struct bench b;
    bench_open(&b, url);
    struct change c = {&b, 9, ERR_OK, 0};
    assert_ok(db_transaction(b.db, NULL, busy_twice, &c));
    assert_int_equal(c.runs, 3);
    assert_int_equal(b.keeper.sum, 9);
    assert_int_equal(tally(&b).sum, 9);
    db_close(b.db);
}
BOTH(a_soft_failure_runs_again)

static enum err busy_always(struct db_tx *tx UNUSED, struct fail *f, void *arg)
{
    ++*(int *)arg;
    return fail_set(f, ERR_DB_BUSY, NULL, NULL);
}

static void soft_failures_end(void **state UNUSED)
{
    struct bench b;
    bench_open(&b, sqlite_fresh());
    int runs = 0;
    assert_err(db_transaction(b.db, NULL, busy_always, &runs), ERR_DB_BUSY);
    assert_in_range(runs, 2, 100);
    db_close(b.db);
}

/* ---- endings */

static void say_broken(void *arg, const struct fail *f)
{
    int *told = arg;
    _exit(f->err == ERR_DB_BROKEN && ++*told == 1 ? 77 : 78);
}

/* The file is torn under a running program: the next change must not answer, the process ends. */
static void a_broken_file_ends_the_process(void **state UNUSED)
{
    const char *path = sqlite_fresh();
    pid_t child = fork();
    if (!child) {
        struct bench b;
        bench_open(&b, path);
        int told = 0;
        db_on_broken(b.db, say_broken, &told);
        for (int64_t id = 1; id < 100; id++) {
            struct change c = {&b, id, ERR_OK, 0};
            if (db_transaction(b.db, NULL, change_fn, &c))
                _exit(1);
        }
        db_close(b.db);
        FILE *file = fopen(path, "r+e");
        char junk[4096];
        memset(junk, 0xee, sizeof junk);
        for (int page = 2; file && page < 8; page++)
            if (fseek(file, page * 4096L, SEEK_SET) || fwrite(junk, sizeof junk, 1, file) != 1)
                _exit(2);
        if (!file || fclose(file))
            _exit(3);
        b.db = stores_open(path, modules, 1);
        db_on_broken(b.db, say_broken, &told);
        struct change c = {&b, 1000, ERR_OK, 0};
        (void)!db_transaction(b.db, NULL, change_fn, &c);
        _exit(4);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 77);
}

static enum err many_rows(struct db_tx *tx, struct fail *f, void *arg)
{
    static const char filler[1000];
    int64_t *next = arg;
    enum err e = ERR_OK;
    for (int i = 0; !e && i < 4000; i++)
        e = db_exec(tx, f, &sql_sample_typed_put,
                    DB(db_int((*next)++), db_null(), db_null(), db_bytes(filler, sizeof filler)), NULL);
    return e;
}

/* The file may not grow: the change that needs room is refused, its neighbours are not. */
static void *call_after_full(void *arg)
{
    struct change *c = arg;
    return db_transaction(c->bench->db, NULL, change_fn, c) ? arg : NULL;
}

static enum err fill_up(struct db_tx *tx, struct fail *f, void *arg)
{
    struct change *c = arg;
    int64_t next = 0;
    if (c->runs++ == 0)
        nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000},
                  NULL); /* neighbours queue behind the first */
    enum err e = many_rows(tx, f, &next);
    return e ? e : fail_set(f, ERR_STATE, NULL, "it fitted");
}

static void a_full_disk_refuses_one_change(void **state UNUSED)
{
    struct bench b;
    bench_open(&b, sqlite_fresh());
    sqlite3 *handle = ((struct sqlite_conn *)b.db->writer)->handle;
    assert_int_equal(sqlite3_exec(handle, "PRAGMA max_page_count = 100", NULL, NULL, NULL), SQLITE_OK);
    struct change big = {&b, 0, ERR_OK, 0}, small[8];
    pthread_t threads[COUNT_OF(small)];
    for (size_t i = 0; i < COUNT_OF(small); i++) {
        small[i] = (struct change){&b, (int64_t)i + 1, ERR_OK, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, call_after_full, &small[i]), 0);
    }
    struct fail f;
    assert_err(db_transaction(b.db, &f, fill_up, &big), ERR_DB_FULL);
    for (size_t i = 0; i < COUNT_OF(small); i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(tally(&b).sum, 36);
    assert_true(b.keeper.sum == 36);
    db_close(b.db);
}

static enum err nested(struct db_tx *tx UNUSED, struct fail *f, void *arg)
{
    struct change *c = arg;
    return db_transaction(c->bench->db, f, change_fn, c);
}

static int ends_by(const char *path, enum err (*outer)(struct db *, struct fail *, db_fn, void *))
{
    pid_t child = fork();
    if (!child) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        signal(SIGABRT, SIG_DFL);
        struct bench b;
        bench_open(&b, path);
        struct change c = {&b, 1, ERR_OK, 0};
        _exit(outer(b.db, NULL, nested, &c) ? 2 : 3);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void a_change_inside_another_is_our_mistake(void **state UNUSED)
{
    assert_int_equal(ends_by(sqlite_fresh(), db_transaction), SIGABRT);
    assert_int_equal(ends_by(sqlite_fresh(), db_read), SIGABRT);
}

/* ---- the WAL */

/* Commits of 5 MiB each, 200 MiB in all: the WAL stays near 64 MiB and is copied back meanwhile. */
static void the_wal_does_not_grow_for_ever(void **state UNUSED)
{
    struct bench b;
    const char *path = sqlite_fresh();
    char wal[PATH_MAX];
    struct stat file;
    bench_open(&b, path);
    int64_t next = 0;
    for (int i = 0; i < 40; i++)
        assert_ok(db_transaction(b.db, NULL, many_rows, &next));
    struct db_stats stats;
    db_stats(b.db, &stats);
    snprintf(wal, sizeof wal, "%s-wal", path);
    assert_int_equal(stat(wal, &file), 0); /* its file is used again, not made longer */
    assert_in_range(file.st_size, 4 << 20, 100 << 20);
    assert_in_range(stats.wal_bytes_most, 4 << 20, 100 << 20);
    assert_true(stats.file_bytes > 100 << 20);
    db_close(b.db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_bad_changes_do_not_hurt_their_neighbours),
        cmocka_unit_test(both_a_lone_failure_leaves_nothing),
        cmocka_unit_test(both_a_patient_change_goes_with_the_next),
        cmocka_unit_test(both_a_leader_whom_its_group_leaves_behind_leads_another),
        cmocka_unit_test(both_a_patient_change_without_company_goes_alone),
        cmocka_unit_test(both_a_follower_can_refuse_the_commit),
        cmocka_unit_test(both_a_soft_failure_runs_again),
        cmocka_unit_test(soft_failures_end),
        cmocka_unit_test(a_broken_file_ends_the_process),
        cmocka_unit_test(a_full_disk_refuses_one_change),
        cmocka_unit_test(a_change_inside_another_is_our_mistake),
        cmocka_unit_test(the_wal_does_not_grow_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
