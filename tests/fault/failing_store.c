/* SPDX-License-Identifier: Apache-2.0 */
/* Every n-th allocation of SQLite failing in turn, once and for as long as it lasts, under a server that
 * takes changes in groups, signs its log and answers a question. A change is there whole when its caller was
 * told so and not at all when he was told that memory is short, now and after a kill at that moment; memory
 * being there again the same server goes on, and its log proves itself. */
#include "db/sqlite.h"
#include "failing_memory.h"
#include "network_sql.h"
#include "power_cut.h"
#include "small_server.h"
#include "stores.h"
#include "test.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BIG = 1500 * 1000, BIG_CHANGES = 30 };
enum { GROUP = 4, ENTRIES = 40, QUIET = 3, DONE = 0, WRONG = 1 };

/* What the server's process leaves for the next one, and for the one that looks. */
static struct shared {
    bool fresh;          /* the server is started for each n: its first statements are prepared meanwhile */
    unsigned long times; /* how many fail */
    unsigned long n, step, quiet, failed, told, copies;
    int64_t made; /* acknowledged, before this round */
    int64_t next; /* number of this round's first change */
    bool acknowledged[GROUP];
    bool open; /* a round is: what was not acknowledged may be there */
    char wrong[300];
} * shared;

struct member {
    struct small_change change;
    bool refuses;
    enum err result;
    struct fail fail;
};
struct group {
    struct small_server *server;
    struct member members[GROUP];
    pthread_t threads[GROUP - 1];
    enum err head, question; /* what signing and asking answered */
    int64_t counted;
};

static void say(const char *what, const char *detail)
{
    snprintf(shared->wrong, sizeof shared->wrong, "allocation %lu: %s %s", shared->n, what, detail);
    _exit(WRONG);
}

static enum err member_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct member *m = arg;
    enum err e = small_change_fn(tx, f, &m->change);
    return e || !m->refuses ? e : fail_set(f, ERR_STATE, NULL, "on purpose");
}

static void *make(void *arg)
{
    struct member *m = arg;
    m->result = db_transaction_patient(m->change.server->db, &m->fail, member_fn, m);
    return NULL;
}

static const void *last_in_queue(struct db *db)
{
    pthread_mutex_lock(&db->queue_lock);
    const void *last = db->last;
    pthread_mutex_unlock(&db->queue_lock);
    return last;
}

/* All but the last member, which wait for it. */
static void gather(struct group *g, struct small_server *s)
{
    *g = (struct group){.server = s};
    s->db->patience_micros = INT64_C(600) * 1000 * 1000;
    for (int i = 0; i < GROUP; i++) {
        struct member *m = &g->members[i];
        const void *before = last_in_queue(s->db);
        *m = (struct member){.change = {s, shared->next + i, ENTRIES}, .refuses = i == 1};
        if (i == GROUP - 1)
            break;
        if (pthread_create(&g->threads[i], NULL, make, m))
            say("no thread", "");
        while (last_in_queue(s->db) == before)
            sched_yield();
    }
}

static void take(struct group *g)
{
    struct fail f = {0};
    struct member *last = &g->members[GROUP - 1];
    last->result = db_transaction(g->server->db, &last->fail, member_fn, last);
    for (int i = 0; i < GROUP - 1; i++)
        pthread_join(g->threads[i], NULL);
    g->head = ledger_sign_head(g->server->ledger, &f, NULL);
    if (g->head && !strstr(f.detail, "out of memory") && g->head != ERR_MEMORY)
        say("the head:", f.detail);
    g->question = small_server_count(g->server, &f, &g->counted);
    if (g->question && !strstr(f.detail, "out of memory") && g->question != ERR_MEMORY)
        say("the question:", f.detail);
}

/* How many were acknowledged. */
static int64_t judge(struct group *g)
{
    int64_t made = 0;
    bool told = g->head || g->question;
    for (int i = 0; i < GROUP; i++) {
        struct member *m = &g->members[i];
        bool expected = m->refuses ? m->result == ERR_STATE || m->result == ERR_MEMORY
                                   : !m->result || m->result == ERR_MEMORY;
        if (!expected)
            say(err_row(m->result)->name, m->fail.detail);
        shared->acknowledged[i] = !m->result;
        made += !m->result;
        told = told || m->result == ERR_MEMORY;
    }
    shared->told += told;
    if (!g->question && g->counted != shared->made + made)
        say("the question", "was answered wrong");
    return made;
}

/* As it would be found if the process were killed now. */
static void look_at_copy(const char *folder, int64_t made, int64_t entries)
{
    static const char *const files[] = {"server.db", "server.db-wal"};
    char copy[64], from[128], to[128], wrong[200];
    folder_make(copy);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        snprintf(from, sizeof from, "%s/%s", folder, files[i]);
        snprintf(to, sizeof to, "%s/%s", copy, files[i]);
        file_copy(from, to);
    }
    if (!small_server_look(copy, made, entries, wrong))
        say("after a kill:", wrong);
    folder_remove(copy);
    shared->copies++;
}

/* Memory is there again: what was not acknowledged is made now, and was not there. existed: it may have been,
 * since the server ended before anybody was told. */
static void finish_round(struct small_server *s, bool existed)
{
    for (int i = 0; i < GROUP; i++) {
        struct fail f;
        struct small_change c = {s, shared->next + i, ENTRIES};
        if (shared->acknowledged[i])
            continue;
        enum err e = db_transaction(s->db, &f, small_change_fn, &c);
        if (e && !(existed && e == ERR_EXISTS))
            say("made again:", f.detail);
    }
    shared->made += GROUP;
    shared->next += GROUP;
    shared->open = false;
    memset(shared->acknowledged, 0, sizeof shared->acknowledged);
}

static void one_round(struct small_server *s, const char *folder)
{
    struct group g;
    unsigned long failed = memory_counts(MEMORY_SQLITE).failed;
    gather(&g, s);
    shared->open = true;
    memory_fails(MEMORY_SQLITE, shared->n, shared->times);
    take(&g);
    memory_fails(MEMORY_SQLITE, 0, 0);
    failed = memory_counts(MEMORY_SQLITE).failed - failed;
    int64_t made = judge(&g);
    if (made < GROUP - 1)
        look_at_copy(folder, shared->made + made, (shared->made + made) * ENTRIES);
    shared->failed += failed > 0;
    shared->quiet = failed ? 0 : shared->quiet + 1;
    finish_round(s, false);
}

static void begin(struct small_server *s, const char *folder)
{
    struct fail f;
    if (small_server_begin(s, &f, folder) || ledger_sign_head(s->ledger, &f, NULL))
        say("start:", f.detail);
    if (shared->open)
        finish_round(s, true);
}

/* n by n until nothing fails any more. */
static int live(const char *folder)
{
    struct small_server s;
    begin(&s, folder);
    while (shared->quiet < QUIET) {
        one_round(&s, folder);
        shared->n += shared->step;
        if (shared->fresh) {
            small_server_finish(&s);
            begin(&s, folder);
        }
    }
    small_server_finish(&s);
    return DONE;
}

static int live_apart(int (*life)(const char *folder), const char *folder)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child)
        _exit(life(folder));
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status))
        fail_msg("allocation %lu: the server ended with %d", shared->n, status);
    return WEXITSTATUS(status);
}

static void each_in_turn(const char *what, bool fresh, unsigned long times, unsigned long step)
{
    char folder[64], wrong[200];
    unsigned ended = 0;
    folder_make(folder);
    *shared = (struct shared){.fresh = fresh, .times = times, .n = 1, .step = getenv("JUKI_LONG") ? 1 : step};
    for (int status; (status = live_apart(live, folder)) != DONE; ended++) {
        if (status != SMALL_SERVER_ENDED)
            fail_msg("%s: %s", what, shared->wrong);
        shared->n += shared->step;
    }
    print_message(
        "%s: %lu failures were felt up to number %lu, %lu told, %u times the server ended; %lu copies\n",
        what, shared->failed, shared->n, shared->told, ended, shared->copies);
    if (!small_server_look(folder, shared->made, shared->made * ENTRIES, wrong))
        fail_msg("%s: %s", what, wrong);
    folder_remove(folder);
    assert_true(shared->failed > 10 && shared->told > shared->failed / 4);
}

static void each_allocation_of_a_server_at_work_may_fail(void **state UNUSED)
{
    each_in_turn("at work, once", false, 1, 2);
    each_in_turn("at work, all from then on", false, FOR_GOOD, 9);
}

static void each_allocation_of_a_fresh_server_may_fail(void **state UNUSED)
{
    each_in_turn("fresh, once", true, 1, 7);
    each_in_turn("fresh, all from then on", true, FOR_GOOD, 7);
}

/* ---- a commit */

static enum err big_change_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    static char id[BIG + 1];
    const struct small_change *c = arg;
    memset(id, 'x', BIG);
    snprintf(id, 32, "big %lld ", (long long)c->number);
    id[strlen(id)] = 'x';
    enum err e = small_change_fn(tx, f, arg);
    if (!e)
        e = db_exec(tx, f, &sql_network_own_add, DB(db_text(str_of(id)), db_int(c->number), db_int(2)), NULL);
    memory_fails(MEMORY_SQLITE, 1, FOR_GOOD); /* only the commit is left */
    return e;
}

/* The log grows past what a page of its index tells of, and the next page cannot be had when the commit is
 * on disk already. */
static int fill_log(const char *folder)
{
    struct small_server s;
    struct fail f;
    begin(&s, folder);
    db_hold_file(s.db);
    for (int i = 0; i < BIG_CHANGES; i++) {
        struct small_change c = {&s, shared->next++, 0};
        unsigned long failed = memory_counts(MEMORY_SQLITE).failed;
        enum err e = db_transaction(s.db, &f, big_change_fn, &c);
        memory_fails(MEMORY_SQLITE, 0, 0);
        shared->failed += memory_counts(MEMORY_SQLITE).failed - failed;
        shared->made += e ? 0 : 2;
        shared->n++;
        if (e)
            look_at_copy(folder, shared->made, 0);
    }
    db_release_file(s.db);
    small_server_finish(&s);
    return DONE;
}

static void a_commit_without_memory_is_done_or_not(void **state UNUSED)
{
    char folder[64], wrong[200];
    folder_make(folder);
    *shared = (struct shared){.n = 1};
    int status = live_apart(fill_log, folder);
    if (status != SMALL_SERVER_ENDED)
        fail_msg("%d, %lu failures were felt: %s", status, shared->failed, shared->wrong);
    if (!small_server_look(folder, shared->made, 0, wrong) &&
        !small_server_look(folder, shared->made + 2, 0, wrong))
        fail_msg("%s", wrong);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_a_server_at_work_may_fail),
        cmocka_unit_test(each_allocation_of_a_fresh_server_may_fail),
        cmocka_unit_test(a_commit_without_memory_is_done_or_not),
    };
    failing_memory_install();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    small_server_install();
    int failed = cmocka_run_group_tests(tests, NULL, stores_clean);
    small_server_uninstall();
    return failed;
}
