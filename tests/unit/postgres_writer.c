/* SPDX-License-Identifier: Apache-2.0 */
/* One process writes, whatever happens to its connection; and no commit is lost or done twice. */
#include "base/clock.h"
#include "db/postgres.h"
#include "postgres.h"
#include "postgres_proxy.h"
#include "sample_sql.h"
#include "stores.h"
#include "test.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct db_module *const modules[] = {&sample_module};

/* A server in small: it numbers its rows in memory, 1, 2, 3 ..., and its memory follows the transaction. */
struct server {
    struct db *db;
    int64_t last, remembered, committed;
    int lost; /* how often it was told that it may not write any more */
    enum err lost_why;
};

static void on_savepoint(void *self)
{
    struct server *s = self;
    s->remembered = s->last;
}

static void on_undo(void *self)
{
    struct server *s = self;
    s->last = s->remembered;
}

static void on_committed(void *self)
{
    struct server *s = self;
    s->committed = s->last;
}

static void on_rolled_back(void *self)
{
    struct server *s = self;
    s->last = s->committed;
}

static void on_lost(void *arg, const struct fail *f)
{
    struct server *s = arg;
    s->lost++;
    s->lost_why = f->err;
}

static enum err read_last(struct db_tx *tx, struct fail *f, void *arg)
{
    struct server *s = arg;
    struct db_rows rows;
    s->last = 0;
    db_query(tx, &rows, &sql_sample_row_list, DB(db_int(0)));
    while (db_next(&rows))
        s->last = db_row_int(&rows, 0);
    s->committed = s->last;
    return db_done(&rows, f);
}

static enum err server_try(struct server *s, const char *url)
{
    *s = (struct server){0};
    enum err e = db_open(NULL, url, modules, 1, &s->db);
    if (e)
        return e;
    db_on_lost(s->db, on_lost, s);
    e = db_read(s->db, NULL, read_last, s);
    db_follow(s->db, &(struct db_follower){.self = s,
                                           .savepoint = on_savepoint,
                                           .undo = on_undo,
                                           .committed = on_committed,
                                           .rolled_back = on_rolled_back});
    return e;
}

/* Waits until it may write, as a standby does. No assertions: also in processes of their own. */
static enum err server_wait(struct server *s, const char *url)
{
    enum err e;
    while ((e = server_try(s, url)) == ERR_DB_LOCKED || e == ERR_DB_BUSY)
        usleep(10000);
    return e;
}

static void server_open(struct server *s, const char *url)
{
    assert_ok(server_wait(s, url));
}

struct row {
    struct server *server;
    void (*inside)(void); /* the first time, after the row is written */
    int runs;
};

static enum err add_row(struct db_tx *tx, struct fail *f, void *arg)
{
    struct row *r = arg;
    enum err e =
        db_exec(tx, f, &sql_sample_row_add, DB(db_int(++r->server->last), db_text(STR("row"))), NULL);
    if (!e && r->runs++ == 0 && r->inside)
        r->inside();
    return e;
}

static enum err add(struct server *s)
{
    return db_transaction(s->db, NULL, add_row, &(struct row){.server = s});
}

/* Ends all sessions of the database but the one that asks. */
#define TERMINATE                                                                                            \
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"                                          \
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"

static const char *url; /* of the test that runs, straight to the server */

static void begin_test(void)
{
    static char kept[300];
    if (!postgres_start())
        skip();
    snprintf(kept, sizeof kept, "%s", postgres_fresh());
    url = kept;
}

static int64_t rows_stored(void)
{
    return strtoll(postgres_run(url, "SELECT count(*) FROM sample_row"), NULL, 10);
}

/* ---- the connection is lost */

static void terminate(void)
{
    postgres_run(url, TERMINATE);
}

static void a_lost_connection_runs_the_change_again(void **state UNUSED)
{
    begin_test();
    struct server s;
    server_open(&s, url);
    struct row r = {&s, terminate, 0};
    assert_ok(db_transaction(s.db, NULL, add_row, &r));
    assert_int_equal(r.runs, 2);
    assert_ok(add(&s));
    assert_int_equal(s.committed, 2);
    assert_int_equal(rows_stored(), 2);
    assert_int_equal(s.lost, 0);
    db_close(s.db);
}

static void a_server_that_crashes_is_found_again(void **state UNUSED)
{
    begin_test();
    struct server s;
    server_open(&s, url);
    assert_ok(add(&s));
    if (!postgres_crash())
        skip();
    assert_err(add(&s), ERR_DB_BUSY);
    assert_err(db_health(s.db, NULL), ERR_DB_BUSY);
    assert_int_equal(s.last, 1);
    postgres_return();
    assert_ok(add(&s));
    assert_ok(db_health(s.db, NULL));
    assert_int_equal(rows_stored(), 2);
    db_close(s.db);
}

/* ---- the disk is full */

/* At the number of the commit, at a statement, at the commit itself: the change is refused, and the next one
 * taken. */
static void a_full_disk_refuses_until_there_is_room(void **state UNUSED)
{
    static const char *const places[] = {
        "CREATE TRIGGER full_disk BEFORE INSERT ON db_commit FOR EACH ROW EXECUTE FUNCTION no_room()",
        "CREATE TRIGGER full_disk BEFORE INSERT ON sample_row FOR EACH ROW EXECUTE FUNCTION no_room()",
        "CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON sample_row DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION no_room()"};
    begin_test();
    struct server s;
    server_open(&s, url);
    postgres_run(url, "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                      " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$");
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        postgres_run(url, places[i]);
        assert_err(add(&s), ERR_DB_FULL);
        assert_err(add(&s), ERR_DB_FULL);
        postgres_run(url, i ? "DROP TRIGGER full_disk ON sample_row" : "DROP TRIGGER full_disk ON db_commit");
        assert_ok(add(&s));
        assert_int_equal(s.committed, (int)i + 1);
    }
    assert_int_equal(rows_stored(), 3);
    assert_int_equal(s.lost, 0);
    db_close(s.db);
}

/* ---- another process */

static void who_finds_another_writer_never_writes_again(void **state UNUSED)
{
    begin_test();
    struct server old, new;
    server_open(&old, url);
    assert_ok(add(&old));
    assert_err(server_try(&new, url), ERR_DB_LOCKED);
    terminate();
    server_open(&new, url);
    assert_int_equal(new.last, 1);
    assert_err(add(&old), ERR_DB_DEPOSED);
    assert_ok(add(&new));
    db_close(new.db);
    assert_err(add(&old), ERR_DB_DEPOSED); /* the lock is free, its memory is old all the same */
    assert_err(db_health(old.db, NULL), ERR_DB_DEPOSED);
    assert_false(db_may_write(old.db));
    assert_int_equal(old.lost, 1);
    assert_int_equal(old.lost_why, ERR_DB_DEPOSED);
    db_close(old.db);
    assert_int_equal(rows_stored(), 2);
}

/* The new one has come and gone before the old one looks. */
static void a_writer_between_is_found_later(void **state UNUSED)
{
    begin_test();
    struct server old, new;
    server_open(&old, url);
    assert_ok(add(&old));
    terminate();
    server_open(&new, url);
    db_close(new.db); /* it did not even write */
    assert_err(add(&old), ERR_DB_DEPOSED);
    db_close(old.db);
}

/* As if the lock had been lost while the session lives. */
static void a_session_without_the_term_commits_nothing(void **state UNUSED)
{
    begin_test();
    struct server s;
    server_open(&s, url);
    assert_ok(add(&s));
    postgres_run(url, "UPDATE db_writer SET term = term + 1, holder = 'another'");
    assert_err(add(&s), ERR_DB_DEPOSED);
    assert_int_equal(rows_stored(), 1);
    assert_int_equal(s.lost, 1);
    db_close(s.db);
}

static void try_to_take_over(void)
{
    postgres_run(url, "DO $$ BEGIN SET LOCAL lock_timeout = '100ms'; UPDATE db_writer SET term = term + 1;"
                      " EXCEPTION WHEN lock_not_available THEN RETURN; END $$");
}

static void nobody_takes_over_between_number_and_commit(void **state UNUSED)
{
    begin_test();
    struct server s;
    server_open(&s, url);
    struct row r = {&s, try_to_take_over, 0};
    assert_ok(db_transaction(s.db, NULL, add_row, &r));
    assert_string_equal(postgres_run(url, "SELECT term FROM db_writer"), "1");
    assert_ok(add(&s)); /* it is the writer still */
    assert_int_equal(s.lost, 0);
    db_close(s.db);
}

/* A copy of yesterday was put in its place, or a replica that had not got everything. */
static void a_database_that_forgot_a_commit_is_not_written_to(void **state UNUSED)
{
    begin_test();
    struct server s;
    server_open(&s, url);
    assert_ok(add(&s));
    assert_ok(add(&s));
    postgres_run(url, "DELETE FROM db_commit WHERE number = (SELECT max(number) FROM db_commit)");
    assert_err(add(&s), ERR_DB_DEPOSED);
    assert_int_equal(rows_stored(), 2);
    db_close(s.db);
}

static void old_numbers_of_commits_are_thrown_away(void **state UNUSED)
{
    begin_test();
    struct server s;
    server_open(&s, url);
    for (int i = 0; i < 3 * 1024 + 1; i++)
        assert_ok(add(&s));
    int64_t kept = strtoll(postgres_run(url, "SELECT count(*) FROM db_commit"), NULL, 10);
    assert_in_range(kept, 1024, 2 * 1024 + 1);
    assert_int_equal(rows_stored(), 3 * 1024 + 1);
    db_close(s.db);
    server_open(&s, url);
    assert_ok(add(&s));
    db_close(s.db);
}

/* ---- COMMIT without an answer */

static void wait_for_commit(void)
{
    while (strcmp(postgres_run(url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                    " AND wait_event = 'PgSleep'"),
                  "0") == 0) {
    }
}

/* A deferred trigger that holds COMMIT while the table `hold` has a row. */
static void hold_commits(void)
{
    postgres_run(url,
                 "CREATE TABLE hold AS SELECT 1;"
                 "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                 " WHILE EXISTS (SELECT FROM hold) LOOP PERFORM pg_sleep(0.05); END LOOP;"
                 " RETURN NULL; END $$;"
                 "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON sample_row DEFERRABLE INITIALLY DEFERRED"
                 " FOR EACH ROW EXECUTE FUNCTION slow()");
}

static void *cut_the_commit(void *arg UNUSED)
{
    wait_for_commit();
    terminate();
    postgres_run(url, "DELETE FROM hold");
    return NULL;
}

static void a_commit_that_was_cut_off_runs_again(void **state UNUSED)
{
    begin_test();
    struct server s;
    server_open(&s, url);
    hold_commits();
    pthread_t killer;
    struct row r = {&s, NULL, 0};
    assert_int_equal(pthread_create(&killer, NULL, cut_the_commit, NULL), 0);
    assert_ok(db_transaction(s.db, NULL, add_row, &r));
    pthread_join(killer, NULL);
    assert_int_equal(r.runs, 2);
    assert_int_equal(rows_stored(), 1);
    db_close(s.db);
}

static void a_commit_whose_answer_was_lost_does_not_run_again(void **state UNUSED)
{
    begin_test();
    const char *through = postgres_proxy_start(url);
    if (!through)
        skip();
    struct server s;
    server_open(&s, through);
    for (int i = 1; i <= 5; i++) {
        struct row r = {&s, NULL, 0};
        int before = postgres_proxy_swallowed();
        postgres_proxy(PROXY_SWALLOWS);
        assert_ok(db_transaction(s.db, NULL, add_row, &r));
        assert_int_equal(r.runs, 1);
        assert_int_equal(postgres_proxy_swallowed(), before + 1);
        assert_int_equal(rows_stored(), i);
    }
    assert_int_equal(s.committed, 5);
    db_close(s.db);
}

struct adding {
    struct row row;
    enum err result;
};

static void *add_in_thread(void *arg)
{
    struct adding *a = arg;
    a->result = db_transaction(a->row.server->db, NULL, add_row, &a->row);
    return NULL;
}

/* The crash takes with it what had not reached the disk, the transaction's id too, and ids are given out
 * again. Far longer away than a lost commit's fate is asked for when a program ends. */
static void a_crash_during_commit_is_waited_for(void **state UNUSED)
{
    begin_test();
    const char *through = postgres_proxy_start(url);
    if (!through)
        skip();
    struct server s;
    server_open(&s, through);
    hold_commits();
    s.db->settle_micros = 1000;
    pthread_t thread;
    struct adding a = {.row = {.server = &s}};
    assert_int_equal(pthread_create(&thread, NULL, add_in_thread, &a), 0);
    wait_for_commit();
    postgres_crash();
    while (!db_is_away(s.db))
        usleep(1000);
    assert_err(db_health(s.db, NULL), ERR_DB_BUSY); /* answers at once, although a change waits */
    postgres_proxy(PROXY_CUT);
    postgres_return();
    postgres_run(url, "DELETE FROM hold");
    for (int i = 0; i < 200; i++)
        postgres_run(url, "SELECT pg_current_xact_id()");
    assert_int_equal(rows_stored(), 0);
    postgres_proxy(PROXY_PASSES);
    pthread_join(thread, NULL);
    assert_ok(a.result);
    assert_int_equal(a.row.runs, 2);
    assert_int_equal(rows_stored(), 1);
    assert_int_equal(s.lost, 0);
    db_close(s.db);
}

static void who_gives_up_does_not_know(void **state UNUSED)
{
    begin_test();
    struct server s;
    server_open(&s, url);
    hold_commits();
    s.db->settle_micros = 200 * 1000;
    pthread_t thread;
    struct adding a = {.row = {.server = &s}};
    assert_int_equal(pthread_create(&thread, NULL, add_in_thread, &a), 0);
    wait_for_commit();
    if (!postgres_crash())
        skip();
    db_give_up(s.db);
    pthread_join(thread, NULL);
    assert_err(a.result, ERR_DB_UNCERTAIN);
    assert_int_equal(a.row.runs, 1);
    assert_int_equal(s.lost, 1); /* what it remembers may be wrong */
    assert_err(add(&s), ERR_DB_UNCERTAIN);
    postgres_return();
    assert_err(add(&s), ERR_DB_UNCERTAIN);
    db_close(s.db);
}

/* ---- any piece of the conversation may be the last */

enum { CALLERS = 3, EACH = 4, QUIET_LIVES = 3 };

struct saying {
    struct server *server;
    int64_t what;
    bool refuses;
};

static enum err say(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct saying *s = arg;
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)s->what);
    enum err e = db_exec(tx, f, &sql_sample_row_add,
                         DB(db_int(++s->server->last), db_text((struct str){text, (size_t)n})), NULL);
    return e || !s->refuses ? e : fail_set(f, ERR_STATE, NULL, "on purpose");
}

static enum err count_rows(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_sample_row_count, DB_NONE);
    if (db_next(&rows))
        *(int64_t *)arg = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

struct caller {
    struct server *server;
    pthread_t thread;
    int64_t first;
    char wrong[100];
};

/* Each fourth refuses, and goes back to its savepoint. */
static void *call(void *arg)
{
    struct caller *c = arg;
    for (int64_t i = 0; i < EACH && !c->wrong[0]; i++) {
        struct saying s = {c->server, c->first + i, i == 1};
        int64_t seen = 0;
        enum err e = db_transaction(c->server->db, NULL, say, &s);
        if (e != (s.refuses ? ERR_STATE : ERR_OK))
            snprintf(c->wrong, sizeof c->wrong, "change %d: %s", (int)i, err_row(e)->name);
        e = db_read(c->server->db, NULL, count_rows, &seen);
        if (!c->wrong[0] && e)
            snprintf(c->wrong, sizeof c->wrong, "question %d: %s", (int)i, err_row(e)->name);
    }
    return NULL;
}

static void let_call(struct server *s, int64_t first, unsigned long n)
{
    struct caller callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.server = s, .first = first + i * EACH};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i].thread, NULL);
    for (int i = 0; i < CALLERS; i++)
        if (callers[i].wrong[0])
            fail_msg("piece %lu: %s", n, callers[i].wrong);
}

/* All of them once, under numbers without a gap. */
static void assert_said_once(int64_t lives, unsigned long n)
{
    const char *found =
        postgres_run(url, "SELECT count(*) || ' ' || count(DISTINCT note) || ' ' ||"
                          " coalesce(min(id), 1) || ' ' || coalesce(max(id), 0) FROM sample_row");
    char want[100];
    int64_t rows = lives * CALLERS * (EACH - 1);
    snprintf(want, sizeof want, "%lld %lld 1 %lld", (long long)rows, (long long)rows, (long long)rows);
    if (strcmp(found, want) != 0)
        fail_msg("piece %lu: %s instead of %s", n, found, want);
}

/* Is answered as if nothing had been: nobody asks again, nothing is there twice, nothing is lost. Half of the
 * last pieces arrive. */
static void any_piece_may_be_the_last(void **state UNUSED)
{
    begin_test();
    const char *through = postgres_proxy_start(url);
    if (!through)
        skip();
    const unsigned long step = getenv("JUKI_LONG") ? 1 : 2;
    unsigned long n = 1, cuts = 0;
    int64_t lives = 0, commits = postgres_proxy_swallowed();
    for (int quiet = 0; quiet < QUIET_LIVES; n += step) {
        struct server s;
        server_open(&s, through);
        postgres_proxy_cut_at(n, lives % 2);
        let_call(&s, lives * CALLERS * EACH, n);
        bool cut = postgres_proxy_was_cut();
        postgres_proxy_cut_at(0, false);
        quiet = cut ? 0 : quiet + 1;
        cuts += cut;
        assert_int_equal(s.lost, 0);
        db_close(s.db);
        assert_said_once(++lives, n);
    }
    commits = postgres_proxy_swallowed() - commits;
    print_message("%lu cuts up to piece %lu, %lld in the answer to a COMMIT\n", cuts, n, (long long)commits);
    assert_true(cuts > 10);
}

/* Bringing it up: it says that it could not, and comes up when it is tried again. */
static void any_piece_of_a_beginning_may_be_the_last(void **state UNUSED)
{
    begin_test();
    if (!postgres_proxy_start(url))
        skip();
    const unsigned long step = getenv("JUKI_LONG") ? 1 : 7;
    unsigned long told = 0, cuts = 0;
    bool cut = true;
    for (unsigned long n = 1; cut; n += step) {
        static char fresh[300];
        struct server s;
        snprintf(fresh, sizeof fresh, "%s", postgres_fresh());
        url = fresh;
        const char *through = postgres_proxy_start(url);
        postgres_proxy_cut_at(n, n % 2);
        enum err e = server_try(&s, through);
        cut = postgres_proxy_was_cut();
        postgres_proxy_cut_at(0, false);
        cuts += cut;
        told += e != ERR_OK;
        if (e)
            server_open(&s, through);
        assert_ok(add(&s));
        assert_int_equal(rows_stored(), 1);
        db_close(s.db);
    }
    print_message("beginning: of %lu cuts %lu were told\n", cuts, told);
    assert_true(cuts > 2 && told > 0);
}

/* ---- the disk */

/* An acknowledgement is a promise about a disk, whatever the database or its role were told. */
static void commits_wait_for_the_disk(void **state UNUSED)
{
    begin_test();
    struct server s;
    server_open(&s, url);
    postgres_run(url,
                 "CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                 " IF current_setting('synchronous_commit') <> 'on' THEN RAISE EXCEPTION 'it does not wait';"
                 " END IF; RETURN NEW; END $$;"
                 "CREATE TRIGGER waits BEFORE INSERT ON sample_row FOR EACH ROW EXECUTE FUNCTION waits();"
                 "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off',"
                 " current_database()); END $$");
    assert_string_equal(postgres_run(url, "SHOW synchronous_commit"), "off");
    assert_ok(add(&s));
    terminate(); /* a new session */
    assert_ok(add(&s));
    db_close(s.db);
    server_open(&s, url);
    assert_ok(add(&s));
    assert_int_equal(rows_stored(), 3);
    db_close(s.db);
}

/* ---- a process that stands still */

/* In a process of its own: writes one row when told, and says what became of it. */
static _Noreturn void child_writes(int told, int says)
{
    struct server s;
    char byte;
    if (server_wait(&s, url))
        _exit(5);
    s.db->lease_micros = 500 * 1000;
    terminate(); /* so that a session begins with the shorter lease */
    byte = (char)add(&s);
    if (write(says, &byte, 1) != 1 || read(told, &byte, 1) != 1)
        _exit(2);
    int answer = add(&s) == ERR_DB_DEPOSED && s.lost == 1 ? 0 : 1;
    if (answer == 0 && add(&s) != ERR_DB_DEPOSED)
        answer = 3;
    _exit(answer);
}

/* SIGSTOP, longer than its lease: nobody but PostgreSQL ends its session. */
static void a_process_that_stood_still_is_replaced(void **state UNUSED)
{
    begin_test();
    int to[2], from[2], status = -1;
    char byte = 1;
    assert_int_equal(pipe(to) + pipe(from), 0);
    pid_t child = fork();
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        child_writes(to[0], from[1]);
    }
    assert_int_equal(read(from[0], &byte, 1), 1);
    assert_int_equal(byte, ERR_OK);
    kill(child, SIGSTOP);
    struct server s;
    server_open(&s, url);
    assert_int_equal(s.last, 1);
    assert_ok(add(&s));
    kill(child, SIGCONT);
    assert_int_equal(write(to[1], "x", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_ok(add(&s));
    assert_int_equal(rows_stored(), 3);
    assert_int_equal(s.lost, 0);
    db_close(s.db);
    for (int i = 0; i < 2; i++)
        close(to[i]), close(from[i]);
}

static void a_quiet_writer_keeps_its_session(void **state UNUSED)
{
    begin_test();
    struct server s;
    struct db_stats stats;
    server_open(&s, url);
    do { /* nobody changes anything, and something is committed: within a sixth of the lease */
        usleep(20 * 1000);
        db_stats(s.db, &stats);
    } while (!stats.groups);
    char first[16];
    snprintf(first, sizeof first, "%s", postgres_run(url, "SELECT term FROM db_writer"));
    assert_string_equal(first, "1");
    db_close(s.db);
}

/* ---- many times */

enum { WRITERS = 2, CUTS = 25, ROWS_BETWEEN = 15 };

/* Writes while it is the writer, waits while another is; a number that was taken already ends it with 1. */
static _Noreturn void compete(void)
{
    for (;;) {
        struct server s;
        enum err e = server_wait(&s, url);
        if (e)
            _exit(3);
        while (!e || e == ERR_DB_BUSY)
            e = add(&s);
        if (e != ERR_DB_DEPOSED && e != ERR_DB_UNCERTAIN) /* the latter: cut off in COMMIT, and replaced */
            _exit(e == ERR_EXISTS ? 1 : 2);
        db_close(s.db);
    }
}

static void still_runs(pid_t child)
{
    int status = 0;
    if (waitpid(child, &status, WNOHANG))
        fail_msg("ended with %d, by signal %d", WEXITSTATUS(status), WTERMSIG(status));
}

/* Two processes of one server, and sessions that end at any moment: every number once, and none left out. */
static void competing_processes_number_without_gap_or_double(void **state UNUSED)
{
    begin_test();
    pid_t children[WRITERS];
    struct server first;
    server_open(&first, url); /* makes the tables */
    db_close(first.db);
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        if (!children[i]) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            compete();
        }
    }
    int64_t seen = 0;
    for (int cut = 0; cut < CUTS; cut++) {
        int64_t goal = seen + ROWS_BETWEEN;
        while ((seen = rows_stored()) < goal)
            for (int i = 0; i < WRITERS; i++)
                still_runs(children[i]);
        terminate();
    }
    for (int i = 0; i < WRITERS; i++) {
        still_runs(children[i]);
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    assert_string_equal(postgres_run(url, "SELECT count(*) = max(id) AND min(id) = 1 FROM sample_row"), "t");
    int64_t terms = strtoll(postgres_run(url, "SELECT term FROM db_writer"), NULL, 10);
    assert_in_range(terms, CUTS / 2, 100 * CUTS);
}

static int clean(void **state)
{
    postgres_proxy_stop();
    return stores_clean(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_connection_runs_the_change_again),
        cmocka_unit_test(a_server_that_crashes_is_found_again),
        cmocka_unit_test(a_full_disk_refuses_until_there_is_room),
        cmocka_unit_test(who_finds_another_writer_never_writes_again),
        cmocka_unit_test(a_writer_between_is_found_later),
        cmocka_unit_test(a_session_without_the_term_commits_nothing),
        cmocka_unit_test(nobody_takes_over_between_number_and_commit),
        cmocka_unit_test(a_database_that_forgot_a_commit_is_not_written_to),
        cmocka_unit_test(old_numbers_of_commits_are_thrown_away),
        cmocka_unit_test(a_commit_that_was_cut_off_runs_again),
        cmocka_unit_test(a_commit_whose_answer_was_lost_does_not_run_again),
        cmocka_unit_test(a_crash_during_commit_is_waited_for),
        cmocka_unit_test(who_gives_up_does_not_know),
        cmocka_unit_test(any_piece_may_be_the_last),
        cmocka_unit_test(any_piece_of_a_beginning_may_be_the_last),
        cmocka_unit_test(commits_wait_for_the_disk),
        cmocka_unit_test(a_process_that_stood_still_is_replaced),
        cmocka_unit_test(a_quiet_writer_keeps_its_session),
        cmocka_unit_test(competing_processes_number_without_gap_or_double),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
