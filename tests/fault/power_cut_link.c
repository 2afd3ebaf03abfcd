/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts under a network: two municipalities, their prefecture and the agency, each with its own disk,
 * all losing power at one moment or one of them alone.
 *
 * What must hold at once, of the disks alone: what a municipality's caller was told is taken stands in its
 * outbox; what a receipt acknowledged is on its server's disk, applied once, in order; what word came of
 * ahead of its outcome is on the agency's; nobody has of a stream more than its sender sent, or less than its
 * sender was told; every log proves itself. And after some of the cuts the network is started again and left
 * alone: everything arrives once, in order, and every outcome comes back. */
#include "base/fault.h"
#include "base/log.h"
#include "link_network.h"
#include "power_cut.h"
#include "stores.h"
#include "test.h"

enum { TAKEN = 1, RECEIVED, AHEAD, CODES_OF_B = 7, SEEN_MAX = 400, RESTART_EVERY = 25 };

static struct promises promises = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct test_network network;
static const char *const databases[] = {"agency.db", "prefecture.28.db", "cs.282049.db", "cs.282022.db",
                                        NULL};

/* What is promised: the kind, who promises to whom, a sequence. */
static int64_t promise_of(int kind, int self, int peer, int64_t number)
{
    return (int64_t)kind << 48 | (int64_t)self << 40 | (int64_t)peer << 32 | number;
}

static int server_of(const char *name)
{
    int i = 0;
    while (strcmp(network.servers[i].name.text, name) != 0)
        i++;
    return i;
}

static void receipt_leaves(void *arg UNUSED, const struct fault_pass *pass)
{
    if (strcmp(pass->name, "before_receipt") == 0)
        promises_add(&promises,
                     promise_of(RECEIVED, server_of(pass->self), server_of(pass->peer), pass->number));
}

static void word_comes(const struct test_server *s, int64_t first, int64_t last)
{
    for (int64_t i = first; i <= last; i++)
        promises_add(&promises, promise_of(AHEAD, AGENCY, server_of(s->name.text), i));
}

static void lives_in(const char *folder)
{
    for (int i = 0; i < SERVERS; i++)
        snprintf(network.servers[i].database, sizeof network.servers[i].database, "%s/%s", folder,
                 databases[i]);
}

/* ---- the story */

/* Notices `first` to `last` of a municipality, taken when the call returns. */
static void take(int cs, int64_t code, int64_t first, int64_t last, bool early)
{
    if (early)
        promises_add(&promises, promise_of(TAKEN, cs, PREFECTURE, last));
    server_notice(&network.servers[cs], code, first, last);
    if (!early)
        promises_add(&promises, promise_of(TAKEN, cs, PREFECTURE, last));
}

static bool all_applied(int cs, int64_t count)
{
    const char *outcomes = server_outcomes(&network.servers[cs]);
    return strspn(outcomes, "a") == (size_t)count && outcomes[count] == 0;
}

static void tell(void *self UNUSED, const char *folder, bool early)
{
    lives_in(folder);
    fault_watch(receipt_leaves, NULL);
    network.servers[CS_A].on_ahead = network.servers[CS_B].on_ahead = word_comes;
    network_start(&network);
    for (int64_t i = 0; i < 6; i++) {
        take(CS_A, 1 + i % 2, 3 * i + 1, 3 * i + 3, early);
        take(CS_B, CODES_OF_B, 2 * i + 1, 2 * i + 2, early);
    }
    WAIT(all_applied(CS_A, 18) && all_applied(CS_B, 12));
    server_stop(&network.servers[PREFECTURE]);
    take(CS_A, 3, 19, 60, early);
    take(CS_B, CODES_OF_B + 1, 13, 14, early);
    server_start(&network.servers[PREFECTURE]);
    WAIT(all_applied(CS_A, 60) && all_applied(CS_B, 14));
    network_stop(&network);
    fault_watch(NULL, NULL);
    network.servers[CS_A].on_ahead = network.servers[CS_B].on_ahead = NULL;
}

/* ---- what a disk holds */

struct found {
    struct link_peer_status peers[SERVERS];          /* by server; zeros when nothing was exchanged */
    int64_t codes[SEEN_MAX], steps[SEEN_MAX], count; /* applied, in order */
};

static void keep_status(void *arg, const struct link_peer_status *status)
{
    struct found *found = arg;
    found->peers[server_of(status->node.text)] = *status;
}

static enum err seen_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct found *found = arg;
    struct db_rows rows;
    found->count = 0;
    db_query(tx, &rows, &sql_network_seen_list, DB_NONE);
    while (db_next(&rows) && found->count < SEEN_MAX) {
        found->codes[found->count] = db_row_int(&rows, 1);
        found->steps[found->count++] = db_row_int(&rows, 2);
    }
    return db_done(&rows, f);
}

static const char *read_server(int i, struct found *found)
{
    struct test_server *s = &network.servers[i];
    struct fail f = {0};
    memset(found, 0, sizeof *found);
    if (link_status(s->link, &f, keep_status, found) || db_read(s->db, &f, seen_fn, found))
        return wrong("%s: %s %s", s->name.text, err_row(f.err)->name, f.detail);
    return NULL;
}

static void finding(void *arg, const struct ledger_finding *found)
{
    const char **text = arg;
    *text =
        wrong("finding %d at %llu: %s", (int)found->kind, (unsigned long long)found->first, found->detail);
}

static const char *verify(struct test_server *s)
{
    const char *found = NULL;
    uint8_t public_key[ED25519_PUBLIC];
    struct fail f = {0};
    struct ledger_verify_result result;
    struct ledger_verify_options options = {.public_key = public_key, .report = finding, .arg = &found};
    if (link_entries_referenced(&f, s->db, &options.referenced) || ledger_sign_head(s->ledger, &f, NULL) ||
        key_public(&f, s->key, public_key) || ledger_verify(&f, s->db, s->name.text, &options, &result))
        return wrong("%s: log: %s %s", s->name.text, err_row(f.err)->name, f.detail);
    return found;
}

/* ---- what must hold */

/* The steps of each code in order, none twice, none missing. */
static const char *in_order(int server, const struct found *found)
{
    for (int64_t i = 0; i < found->count; i++) {
        int64_t before = 0;
        for (int64_t k = 0; k < i; k++)
            if (found->codes[k] == found->codes[i])
                before = found->steps[k];
        if (before >= found->steps[i])
            return wrong("%s: step %lld of code %lld after %lld", network.servers[server].name.text,
                         (long long)found->steps[i], (long long)found->codes[i], (long long)before);
    }
    return NULL;
}

/* Is the step of that municipality's on record? */
static bool has_step(const struct found *agency, int cs, int64_t step)
{
    for (int64_t i = 0; i < agency->count; i++)
        if (agency->steps[i] == step && (agency->codes[i] < CODES_OF_B) == (cs == CS_A))
            return true;
    return false;
}

static const char *promises_kept(const struct found all[static SERVERS], size_t place)
{
    for (size_t i = 0; i < promises.count; i++) {
        int64_t what = promises.list[i].what, number = what & 0xffffffff;
        int kind = (int)(what >> 48), self = (int)(what >> 40 & 0xff), peer = (int)(what >> 32 & 0xff);
        int64_t has = kind == TAKEN ? all[self].peers[peer].sent : all[self].peers[peer].received;
        if (promises.list[i].place > place)
            continue;
        if (kind == AHEAD && !has_step(&all[AGENCY], peer, number))
            return wrong("word came ahead of step %lld, which the agency has not", (long long)number);
        if (kind != AHEAD && has < number)
            return wrong("%s %s %lld of %s and has %lld", network.servers[self].name.text,
                         kind == TAKEN ? "took" : "acknowledged", (long long)number,
                         network.servers[peer].name.text, (long long)has);
    }
    return NULL;
}

/* Both ends of every stream. */
static const char *ends_agree(const struct found all[static SERVERS])
{
    for (int from = 0; from < SERVERS; from++)
        for (int to = 0; to < SERVERS; to++) {
            int64_t sent = all[from].peers[to].sent, told = all[from].peers[to].acknowledged;
            int64_t received = all[to].peers[from].received;
            if (received < told || received > sent)
                return wrong("%s sent %lld and was told %lld, %s has %lld", network.servers[from].name.text,
                             (long long)sent, (long long)told, network.servers[to].name.text,
                             (long long)received);
        }
    return NULL;
}

static const char *applied_once(const struct found all[static SERVERS])
{
    const struct found *p = &all[PREFECTURE], *a = &all[AGENCY];
    if (p->count != p->peers[CS_A].received + p->peers[CS_B].received || p->count != p->peers[AGENCY].sent)
        return wrong("the prefecture applied %lld of %lld and %lld, and passed on %lld", (long long)p->count,
                     (long long)p->peers[CS_A].received, (long long)p->peers[CS_B].received,
                     (long long)p->peers[AGENCY].sent);
    if (a->count != a->peers[PREFECTURE].received)
        return wrong("the agency applied %lld of %lld", (long long)a->count,
                     (long long)a->peers[PREFECTURE].received);
    return NULL;
}

static const char *disks_hold(size_t place)
{
    static struct found all[SERVERS];
    const char *found = NULL;
    for (int i = 0; !found && i < SERVERS; i++) {
        struct fail f = {0};
        if (server_try_open(&network.servers[i], &f, story_broken))
            return wrong("%s: %s %s %s", network.servers[i].name.text, err_row(f.err)->name, f.field,
                         f.detail);
        found = read_server(i, &all[i]);
        if (!found)
            found = in_order(i, &all[i]);
        if (!found)
            found = verify(&network.servers[i]);
    }
    if (!found)
        found = promises_kept(all, place);
    if (!found)
        found = ends_agree(all);
    return found ? found : applied_once(all);
}

/* ---- starting again */

static bool arrived(int cs)
{
    struct found f;
    if (read_server(cs, &f))
        return false;
    return all_applied(cs, f.peers[PREFECTURE].sent);
}

/* Everything that was on its way arrives without help, and what comes next does too. */
static const char *goes_on(void)
{
    static struct found before, after;
    int64_t sent[SERVERS] = {0};
    for (int i = 0; i < SERVERS; i++) {
        struct fail f = {0};
        if (link_start(network.servers[i].link, &f))
            return wrong("%s: start: %s %s", network.servers[i].name.text, err_row(f.err)->name, f.detail);
    }
    for (int cs = CS_A; cs <= CS_B; cs++) {
        const char *what = read_server(cs, &before);
        if (what)
            return what;
        sent[cs] = before.peers[PREFECTURE].sent + 1;
        server_notice(&network.servers[cs], 9 + cs, sent[cs], sent[cs]);
    }
    for (int waited = 0; !arrived(CS_A) || !arrived(CS_B); waited++) {
        if (waited > 4000)
            return wrong("not everything arrived: %s %s", server_outcomes(&network.servers[CS_A]),
                         network.servers[CS_A].name.text);
        network_pause();
    }
    const char *what = read_server(AGENCY, &after);
    if (!what)
        what = in_order(AGENCY, &after);
    if (!what && after.count != sent[CS_A] + sent[CS_B])
        what = wrong("the agency has %lld of %lld", (long long)after.count,
                     (long long)(sent[CS_A] + sent[CS_B]));
    for (int i = 0; !what && i < SERVERS; i++)
        what = verify(&network.servers[i]);
    return what;
}

static const char *look(void *self UNUSED, size_t place, const char *folder)
{
    static size_t times;
    lives_in(folder);
    const char *found = disks_hold(place);
    if (!found && times++ % RESTART_EVERY == 0)
        found = goes_on();
    if (!found)
        network_stop(&network);
    return found;
}

static const struct story story = {
    .name = "network", .tell = tell, .look = look, .promises = &promises, .servers = databases};

static void the_network_survives_a_power_cut(void **state UNUSED)
{
    story_survives(&story, getenv("JUKI_LONG") ? 10000 : 200);
}

static void without_syncs_notices_are_lost(void **state UNUSED)
{
    story_fails(&story, 200, "OFF", false);
}

static void with_syncs_of_checkpoints_only_notices_are_lost(void **state UNUSED)
{
    story_fails(&story, 200, "NORMAL", false);
}

static void an_answer_before_the_commit_is_found(void **state UNUSED)
{
    story_fails(&story, 200, "FULL", true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_network_survives_a_power_cut),
        cmocka_unit_test(without_syncs_notices_are_lost),
        cmocka_unit_test(with_syncs_of_checkpoints_only_notices_are_lost),
        cmocka_unit_test(an_answer_before_the_commit_is_found),
    };
    int status = 0;
    recording_install();
    network_init(&network);
    if (!story_is_told(&story, argc, argv, &status))
        status = cmocka_run_group_tests(tests, NULL, stores_clean);
    network_release(&network);
    return status;
}
