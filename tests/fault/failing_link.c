/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th write or sync failing, n all over a life of four servers on real lines: one of them cannot write,
 * and the process ends, all four with it, as after a kill at that moment. Started again, they go on without
 * help: what a municipality's caller was told is taken is there, everything arrives once and in order, every
 * outcome comes back, and every log proves itself. */
#include "base/log.h"
#include "link_network.h"
#include "power_cut.h"
#include "stores.h"
#include "test.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOTICES = 24, BATCH = 3, CODE = 5, PATIENCE = 8000 };
enum { DONE = 0, NOT_STARTED = 1, WRONG = 2, ENDED = 7, LIVES = 8, LIVES_LONG = 200 };

static struct test_network network;
static struct test_server *const cs = &network.servers[CS_A], *const agency = &network.servers[AGENCY];
static const char *const databases[] = {"agency.db", "prefecture.28.db", "cs.282049.db", "cs.282022.db"};

/* What the process that ends leaves for the next one, and for the one that looks. */
static struct shared {
    int64_t taken;
    struct recording_counts counts; /* of the life that ended well */
    char wrong[300];
} * shared;

static void broken(void *arg UNUSED, const struct fail *f UNUSED)
{
    _exit(ENDED); /* where the server would abort */
}

/* An error here may be what fails: the caller says when it is none. */
static enum err begin(struct fail *f)
{
    for (int i = 0; i < SERVERS; i++) {
        enum err e = server_try_open(&network.servers[i], f, broken);
        if (!e)
            e = link_start(network.servers[i].link, f);
        if (e)
            return e;
    }
    return ERR_OK;
}

struct status {
    const char *peer;
    struct link_peer_status found;
};

static void keep_status(void *arg, const struct link_peer_status *each)
{
    struct status *s = arg;
    if (strcmp(each->node.text, s->peer) == 0)
        s->found = *each;
}

/* How many of ours are in the outbox. */
static int64_t sent(void)
{
    struct status s = {.peer = "prefecture.28"};
    struct fail f;
    return link_status(cs->link, &f, keep_status, &s) ? -1 : s.found.sent;
}

struct outcomes {
    int64_t applied, others;
};

static enum err outcomes_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct outcomes *o = arg;
    struct db_rows rows;
    *o = (struct outcomes){0};
    db_query(tx, &rows, &sql_network_outcome_list, DB_NONE);
    while (db_next(&rows))
        ++*(db_row_int(&rows, 1) == 'a' ? &o->applied : &o->others);
    return db_done(&rows, f);
}

static bool all_applied(void)
{
    struct outcomes o;
    struct fail f;
    return !db_read(cs->db, &f, outcomes_fn, &o) && o.applied == NOTICES && !o.others;
}

/* One life: gives what was not taken yet, and waits until every outcome is back. In a process of its own,
 * where an assertion of the test's would go astray: it says what is wrong and ends. */
static int live(void)
{
    struct fail f = {0};
    struct recording_counts before = recording_counts(), after;
    if (begin(&f)) {
        snprintf(shared->wrong, sizeof shared->wrong, "start: %s %s", err_row(f.err)->name, f.detail);
        return NOT_STARTED;
    }
    int64_t had = sent();
    if (had < shared->taken) {
        snprintf(shared->wrong, sizeof shared->wrong, "%lld were taken, %lld are there",
                 (long long)shared->taken, (long long)had);
        return WRONG;
    }
    for (int64_t i = had + 1; i <= NOTICES; i += BATCH) {
        int64_t last = i + BATCH - 1 < NOTICES ? i + BATCH - 1 : NOTICES;
        server_notice(cs, CODE, i, last);
        shared->taken = last;
    }
    for (int waited = 0; !all_applied(); waited++) {
        if (waited == PATIENCE) {
            snprintf(shared->wrong, sizeof shared->wrong, "not every outcome came: %s", server_outcomes(cs));
            return WRONG;
        }
        network_pause();
    }
    network_stop(&network);
    after = recording_counts();
    shared->counts = (struct recording_counts){after.writes - before.writes, after.syncs - before.syncs};
    return DONE;
}

static int live_apart(unsigned long write, unsigned long sync)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        recording_fail(write, sync);
        _exit(live());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status))
        fail_msg("write %lu, sync %lu: the servers ended with %d", write, sync, status);
    if (WEXITSTATUS(status) == WRONG) /* they went on with what they could not keep */
        fail_msg("write %lu, sync %lu: %s", write, sync, shared->wrong);
    return WEXITSTATUS(status);
}

/* Without lines: everything is there already. */
static void look(void)
{
    char want[NOTICES * 8] = "";
    for (int i = 1; i <= NOTICES; i++)
        snprintf(want + strlen(want), sizeof want - strlen(want), "%s%d:%d", i > 1 ? " " : "", CODE, i);
    for (int i = 0; i < SERVERS; i++) {
        server_open(&network.servers[i]);
        server_check_log(&network.servers[i]);
    }
    assert_string_equal(server_seen(agency), want);
    assert_string_equal(server_seen(&network.servers[PREFECTURE]), want);
    network_stop(&network);
}

/* A life in which nothing fails tells how many there are. Then, all over it: a life in which one fails, one
 * that finishes, and a look. */
static void some_in_turn(const char *what, bool writes)
{
    unsigned long lives = getenv("JUKI_LONG") ? LIVES_LONG : LIVES, total = 0;
    unsigned failures = 0;
    for (unsigned long i = 0; i <= lives; i++) {
        char folder[64];
        unsigned long n = i ? (i - 1) * total / lives + 1 + fault_seed() % (total / lives) : 0;
        folder_make(folder);
        for (int k = 0; k < SERVERS; k++)
            snprintf(network.servers[k].database, sizeof network.servers[k].database, "%s/%s", folder,
                     databases[k]);
        *shared = (struct shared){0};
        int status = live_apart(writes ? n : 0, writes ? 0 : n);
        if (!i) {
            total = writes ? shared->counts.writes : shared->counts.syncs;
            assert_true(total);
            lives = lives < total ? lives : total;
        }
        failures += status != DONE;
        if (status && live_apart(0, 0) != DONE)
            fail_msg("%s %lu: %s", what, n, shared->wrong);
        look();
        folder_remove(folder);
    }
    print_message("%s: %u of %lu failures were felt, of %lu\n", what, failures, lives, total);
    assert_true(failures > lives / 2); /* the last ones may not come: no life is quite like another */
}

static void each_write_of_the_network_may_fail(void **state UNUSED)
{
    some_in_turn("write", true);
}

static void each_sync_of_the_network_may_fail(void **state UNUSED)
{
    some_in_turn("sync", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_write_of_the_network_may_fail),
        cmocka_unit_test(each_sync_of_the_network_may_fail),
    };
    recording_install();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    network_init(&network);
    int failed = cmocka_run_group_tests(tests, NULL, stores_clean);
    network_release(&network);
    return failed;
}
