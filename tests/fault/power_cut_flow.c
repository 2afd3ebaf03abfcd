/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts under a network: two municipalities, their prefecture and the agency, each with its own disk,
 * all losing power at one moment or one of them alone, while people are entered with and without a number,
 * move, and change their codes.
 *
 * What must hold at once, of the disks alone: a change that a register was told is taken is kept; what a
 * receipt acknowledged is on its server's disk; what word came of ahead of its outcome is on the agency's;
 * nobody has of a stream more than its sender sent, or less than its sender was told; each level has of a
 * person what the one below has, from the beginning, in order, as far as it came; every log proves itself.
 * And after some of the cuts the network is started again and the registers say all they have to say from the
 * beginning: it ends where it ends without a cut. */
#include "base/fault.h"
#include "base/log.h"
#include "flow_network.h"
#include "people.h"
#include "power_cut.h"
#include "stores.h"
#include "test.h"

#include <stdlib.h>

enum { TAKEN = 1, RECEIVED, AHEAD, RESTART_EVERY = 25 };

static struct promises promises = {.lock = PTHREAD_MUTEX_INITIALIZER};
static const char *const databases[] = {"agency.db", "prefecture.28.db", "cs.282049.db", "cs.282022.db",
                                        NULL};

/* What is promised: the kind, who promises to whom, a sequence or the number of a change. */
static int64_t promise_of(int kind, int self, int peer, int64_t number)
{
    return (int64_t)kind << 48 | (int64_t)self << 40 | (int64_t)peer << 32 | number;
}

static int server_of(const char *name)
{
    int i = 0;
    while (strcmp(flow_network.servers[i].name.text, name) != 0)
        i++;
    return i;
}

static const char *name_of(int server)
{
    return flow_network.servers[server].name.text;
}

/* The kind of promise that is made before what it promises is committed, where that must be found out; 0:
 * none. */
static int early;

/* Early: it is acknowledged as soon as it is sent. */
static void receipt_leaves(void *arg UNUSED, const struct fault_pass *pass)
{
    if (strcmp(pass->name, "before_receipt") == 0)
        promises_add(&promises,
                     promise_of(RECEIVED, server_of(pass->self), server_of(pass->peer), pass->number));
    if (early == RECEIVED && strcmp(pass->name, "after_batch_send") == 0)
        promises_add(&promises,
                     promise_of(RECEIVED, server_of(pass->peer), server_of(pass->self), pass->number));
}

/* The door of a CS while the story is told for the first time: self is a cell of `sides`. */
static const int sides[] = {CS_A, CS_B};

static void word_comes(void *self, int64_t first, int64_t last)
{
    for (int64_t i = first; i <= last; i++)
        promises_add(&promises, promise_of(AHEAD, AGENCY, *(const int *)self, i));
}

static enum err hear_outcome(void *self UNUSED, struct db_tx *tx UNUSED, struct fail *f UNUSED,
                             int64_t first UNUSED, int64_t last UNUSED, char state UNUSED,
                             int64_t error UNUSED, struct str field UNUSED)
{
    return ERR_OK;
}

static enum err hear_number(void *self UNUSED, struct db_tx *tx UNUSED, struct fail *f UNUSED,
                            struct resident_code code UNUSED, struct individual_number number UNUSED,
                            int64_t change UNUSED)
{
    return ERR_OK;
}

static enum err hear_message(void *self UNUSED, struct db_tx *tx UNUSED, struct fail *f UNUSED,
                             const struct municipal_arrival *arrival UNUSED)
{
    return ERR_OK;
}

static const struct flow_door listening = {hear_number, hear_outcome, word_comes, hear_message};

static void listen_at_doors(bool listens)
{
    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        flows[sides[i]].door = listens ? &listening : NULL;
        flows[sides[i]].door_self = (void *)(uintptr_t)&sides[i];
    }
    fault_watch(listens ? receipt_leaves : NULL, NULL);
}

static void lives_in(const char *folder)
{
    for (int i = 0; i < SERVERS; i++)
        snprintf(flow_network.servers[i].database, sizeof flow_network.servers[i].database, "%s/%s", folder,
                 databases[i]);
}

/* ---- the story */

/* What the registers say, in turn. Each numbers its changes 1, 2, 3 ... */
enum { PLAIN = 0, NUMBERLESS = 1, PLANNED = 2, AFTER_ALL = 4 /* that was said before has arrived */ };
static const struct saying {
    int cs;
    enum change_reason reason;
    int64_t person, code, old_code; /* the person by their number; old code 0: none */
    int how;
} sayings[] = {
    {CS_A, CHANGE_BIRTH, 1, 1, 0, NUMBERLESS},
    {CS_A, CHANGE_MOVE_IN, 2, 2, 0, PLAIN},
    {CS_A, CHANGE_MOVE_IN, 3, 3, 0, PLAIN},
    {CS_B, CHANGE_MOVE_IN, 4, 4, 0, PLAIN},
    {CS_B, CHANGE_BIRTH, 5, 5, 0, NUMBERLESS},
    {CS_B, CHANGE_MOVE_IN, 6, 26, 0, PLAIN}, /* under another code than elsewhere */
    {CS_A, CHANGE_MOVE_WITHIN, 1, 1, 0, AFTER_ALL},
    {CS_A, CHANGE_CODE_CHANGE_REQUEST, 2, 12, 2, PLAIN},
    {CS_A, CHANGE_MOVE_WITHIN, 2, 12, 0, PLAIN},
    {CS_A, CHANGE_MOVE_OUT, 3, 3, 0, PLANNED},
    {CS_B, CHANGE_MOVE_IN, 3, 3, 0, PLAIN},
    {CS_A, CHANGE_MOVE_IN, 6, 6, 0, PLAIN}, /* waits: the number is somebody else's, as far as one can tell */
    {CS_A, CHANGE_CODE_CHANGE_REQUEST, 6, 16, 6, PLAIN},
    {CS_A, CHANGE_MINOR_CORRECTION, 6, 16, 0, PLAIN},
    {CS_B, CHANGE_CODE_CHANGE_REQUEST, 6, 6, 26, PLAIN}, /* and here is that it is the same person */
    {CS_B, CHANGE_MOVE_WITHIN, 4, 4, 0, PLAIN},
    {CS_B, CHANGE_MOVE_OUT, 4, 4, 0, PLAIN},
    {CS_A, CHANGE_BIRTH, 7, 7, 0, NUMBERLESS},
    {CS_A, CHANGE_DEATH, 2, 12, 0, PLAIN},
};
enum { SAYINGS = COUNT_OF(sayings), OUTAGE_FIRST = 101, OUTAGE_PEOPLE = 40 };

static struct identity_change change_of(const struct saying *s, int64_t number)
{
    struct identity_change change = {.number = number,
                                     .identity = resident(s->person, flow_network.servers[s->cs].name.area),
                                     .change = change_on(s->reason, 2020, 4, (int8_t)(number % 28 + 1))};
    change.identity.resident_code = code_of(s->code);
    change.identity.birth_date = (struct date){(int16_t)(1950 + s->cs), 1, 5};
    change.identity.has_individual_number = !(s->how & NUMBERLESS);
    if (s->how & NUMBERLESS)
        change.identity.individual_number = (struct individual_number){0};
    change.change.planned = s->how & PLANNED;
    change.change.has_old_code = s->old_code != 0;
    if (s->old_code)
        change.change.old_code = code_of(s->old_code);
    return change;
}

struct finding_number {
    struct resident_code code;
    struct individual_number number;
};

static enum err number_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct finding_number *n = arg;
    struct store_version v;
    struct arena a;
    arena_init(&a, 1 << 16);
    enum err e = store_current(tx, f, n->code, &a, &v);
    if (!e)
        n->number = v.identity.individual_number;
    arena_release(&a);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* What came for somebody who was entered without a number; 0 until then. */
static struct individual_number number_given(int cs, int64_t code)
{
    struct finding_number n = {.code = code_of(code)};
    assert_ok(db_read(flows[cs].db, NULL, number_tx, &n));
    return n.number;
}

static bool entered_without(const struct saying *s)
{
    for (size_t i = 0; i < SAYINGS; i++)
        if ((sayings[i].how & NUMBERLESS) && sayings[i].person == s->person)
            return true;
    return false;
}

static void say(const struct saying *s, int64_t *told)
{
    const int64_t number = ++told[s->cs];
    struct identity_change change = change_of(s, number);
    if (!(s->how & NUMBERLESS) && entered_without(s)) {
        WAIT(number_given(s->cs, s->code).value);
        change.identity.individual_number = number_given(s->cs, s->code);
    }
    if (early == TAKEN)
        promises_add(&promises, promise_of(TAKEN, s->cs, 0, number));
    flow_take(s->cs, &change);
    if (early != TAKEN)
        promises_add(&promises, promise_of(TAKEN, s->cs, 0, number));
    if (early == AHEAD) /* the agency cannot have it yet */
        promises_add(&promises, promise_of(AHEAD, AGENCY, s->cs, number));
}

/* Everything that the registers have said is at the agency; after a cut more may be there than they have said
 * again. */
static bool all_arrived(const int64_t *told)
{
    return flow_versions(AGENCY, CS_A) >= told[CS_A] && flow_versions(AGENCY, CS_B) >= told[CS_B];
}

/* While the prefecture is away people enter, every fifth without a number. */
static void say_in_outage(int64_t *told)
{
    for (int64_t i = 0; i < OUTAGE_PEOPLE; i++) {
        const struct saying enters = {i % 8 ? CS_A : CS_B,
                                      i % 5 ? CHANGE_MOVE_IN : CHANGE_BIRTH,
                                      OUTAGE_FIRST + i,
                                      OUTAGE_FIRST + i,
                                      0,
                                      i % 5 ? PLAIN : NUMBERLESS};
        say(&enters, told);
    }
}

static void say_all(bool outage)
{
    int64_t told[SERVERS] = {0};
    for (size_t i = 0; i < SAYINGS; i++) {
        if (sayings[i].how & AFTER_ALL)
            WAIT(all_arrived(told));
        say(&sayings[i], told);
    }
    WAIT(all_arrived(told));
    if (outage)
        server_stop(&flow_network.servers[PREFECTURE]);
    say_in_outage(told);
    if (outage)
        flow_server_start(PREFECTURE);
    WAIT(all_arrived(told));
}

/* Outcomes too have come back, and everybody was told so. */
static bool settled(void)
{
    for (int from = 0; from < SERVERS; from++)
        for (int to = 0; to < SERVERS; to++) {
            struct link_peer_status s = server_status(&flow_network.servers[from], name_of(to));
            if (s.sent != s.acknowledged)
                return false;
        }
    return true;
}

static struct buf ending; /* what the story comes to when nothing happens */

static void note_ending(struct buf *b);

static void tell(void *self UNUSED, const char *folder, bool is_early)
{
    const char *kind = getenv("JUKI_EARLY"); /* its digit */
    early = is_early && kind ? kind[0] - '0' : 0;
    lives_in(folder);
    listen_at_doors(true);
    for (int i = 0; i < SERVERS; i++)
        flow_server_start(i);
    say_all(true);
    WAIT(settled());
    note_ending(&ending);
    network_stop(&flow_network);
    listen_at_doors(false);
}

/* ---- what a disk holds */

struct found {
    struct link_peer_status peers[SERVERS]; /* by server; zeros when nothing was exchanged */
    int64_t versions, waiting;              /* of both municipalities; on the error list */
};

static void keep_status(void *arg, const struct link_peer_status *status)
{
    struct found *found = arg;
    found->peers[server_of(status->node.text)] = *status;
}

static const char *read_server(int i, struct found *found)
{
    struct fail f = {0};
    struct link_error_item item;
    memset(found, 0, sizeof *found);
    if (link_status(flows[i].link, &f, keep_status, found))
        return wrong("%s: %s %s", name_of(i), err_row(f.err)->name, f.detail);
    found->versions = flow_versions(i, CS_A) + flow_versions(i, CS_B);
    found->waiting = server_errors(&flow_network.servers[i], &item, 1);
    return NULL;
}

/* ---- what is on record of a person */

struct history {
    struct resident_code code;
    struct area_code area;
    struct buf *text;
};

static bool say_version(void *arg, const struct store_version *v)
{
    const struct history *h = arg;
    store_digest_line(h->text, v);
    return true;
}

static enum err history_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct history *h = arg;
    struct resident_code now;
    struct arena a;
    arena_init(&a, 1 << 20);
    enum err e = store_code_now(tx, f, h->code, h->area, &now);
    if (!e)
        e = store_history(tx, f, now, h->area, &a, say_version, h);
    arena_release(&a);
    return e == ERR_EPISODE_UNKNOWN ? ERR_OK : e;
}

/* The versions of the episode that began under that code, newest first, as lines. */
static void history(int server, int cs, int64_t code, struct buf *text)
{
    struct history h = {code_of(code), {flow_network.servers[cs].name.area}, text};
    buf_clear(text);
    assert_ok(db_read(flows[server].db, NULL, history_tx, &h));
    assert_false(text->broken);
}

/* Calls for each episode of the story: of whose CS, and the code under which it began. */
static const char *each_episode(const char *(*look)(int cs, int64_t code))
{
    const char *found = NULL;
    for (size_t i = 0; i < SAYINGS && !found; i++)
        if (sayings[i].reason == CHANGE_BIRTH || sayings[i].reason == CHANGE_MOVE_IN)
            found = look(sayings[i].cs, sayings[i].code);
    for (int64_t i = 0; i < OUTAGE_PEOPLE && !found; i++)
        found = look(i % 8 ? CS_A : CS_B, OUTAGE_FIRST + i);
    return found;
}

/* A level has what the one below has, except the newest. */
static const char *levels_follow(int cs, int64_t code)
{
    static struct buf below, above;
    const int levels[] = {cs, PREFECTURE, AGENCY};
    buf_init(&below, 1 << 20);
    buf_init(&above, 1 << 20);
    const char *found = NULL;
    for (size_t i = 0; i + 1 < COUNT_OF(levels) && !found; i++) {
        history(levels[i], cs, code, &below);
        history(levels[i + 1], cs, code, &above);
        if (above.n > below.n || (above.n && memcmp(above.p, below.p + below.n - above.n, above.n) != 0))
            found = wrong("of episode %lld, %s has what %s has not", (long long)code, name_of(levels[i + 1]),
                          name_of(levels[i]));
    }
    buf_release(&below);
    buf_release(&above);
    return found;
}

static struct buf *noting;

static const char *note_episode(int cs, int64_t code)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    history(AGENCY, cs, code, &text);
    buf_add(noting, text.p, text.n);
    buf_release(&text);
    return NULL;
}

static void note_ending(struct buf *b)
{
    buf_init(b, 4 << 20);
    noting = b;
    each_episode(note_episode);
    assert_true(b->n > 0 && !b->broken);
    assert_levels_agree();
}

/* ---- logs */

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

struct told {
    bool kept;
    struct resident_code code;
    struct area_code area;
    int64_t version;
};

static bool keep_told(void *arg, int64_t number UNUSED, const struct identity_told *told)
{
    struct told *t = arg;
    t->kept = told != NULL;
    if (told) {
        t->code = told->change.identity.resident_code;
        t->area = told->change.identity.address.area_code;
        t->version = told->version;
    }
    return true;
}

struct asking {
    int64_t number;
    struct told told;
};

static enum err told_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct asking *q = arg;
    return identity_notice_told(tx, f, q->number, q->number, keep_told, &q->told);
}

static bool reaches(void *arg, const struct store_version *v)
{
    struct told *t = arg;
    t->kept |= v->version == t->version;
    return true;
}

static enum err version_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct told *t = arg;
    struct arena a;
    struct resident_code now;
    arena_init(&a, 1 << 20);
    enum err e = store_code_now(tx, f, t->code, t->area, &now);
    if (!e)
        e = store_history(tx, f, now, t->area, &a, reaches, t);
    arena_release(&a);
    return e == ERR_EPISODE_UNKNOWN ? ERR_OK : e;
}

/* The register's change is kept at the CS; with `above`, its version at the agency. */
static bool has_change(int cs, int64_t number, bool above)
{
    struct asking q = {.number = number};
    assert_ok(db_read(flows[cs].db, NULL, told_tx, &q));
    if (!above || !q.told.kept || !q.told.version)
        return q.told.kept && !above;
    q.told.kept = false;
    assert_ok(db_read(flows[AGENCY].db, NULL, version_tx, &q.told));
    return q.told.kept;
}

static int64_t looked_for[AHEAD + 1]; /* promises, by kind */

static const char *promises_kept(const struct found all[static SERVERS], size_t place)
{
    for (size_t i = 0; i < promises.count; i++) {
        int64_t what = promises.list[i].what, number = what & 0xffffffff;
        int kind = (int)(what >> 48), self = (int)(what >> 40 & 0xff), peer = (int)(what >> 32 & 0xff);
        if (promises.list[i].place > place)
            continue;
        looked_for[kind]++;
        if (kind == TAKEN && !has_change(self, number, false))
            return wrong("%s took change %lld and has it not", name_of(self), (long long)number);
        if (kind == AHEAD && !has_change(peer, number, true))
            return wrong("word of change %lld came ahead to %s, and the agency has it not", (long long)number,
                         name_of(peer));
        if (kind == RECEIVED && all[self].peers[peer].received < number)
            return wrong("%s acknowledged %lld of %s and has %lld", name_of(self), (long long)number,
                         name_of(peer), (long long)all[self].peers[peer].received);
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
                return wrong("%s sent %lld and was told %lld, %s has %lld", name_of(from), (long long)sent,
                             (long long)told, name_of(to), (long long)received);
        }
    return NULL;
}

/* What came was applied once, or waits on the error list; what was applied was passed on. */
static const char *applied_once(const struct found all[static SERVERS])
{
    const struct found *p = &all[PREFECTURE], *a = &all[AGENCY];
    if (p->versions + p->waiting != p->peers[CS_A].received + p->peers[CS_B].received ||
        p->versions != p->peers[AGENCY].sent)
        return wrong("the prefecture applied %lld of %lld and %lld, has %lld waiting, and passed on %lld",
                     (long long)p->versions, (long long)p->peers[CS_A].received,
                     (long long)p->peers[CS_B].received, (long long)p->waiting,
                     (long long)p->peers[AGENCY].sent);
    if (a->versions + a->waiting != a->peers[PREFECTURE].received)
        return wrong("the agency applied %lld of %lld, and has %lld waiting", (long long)a->versions,
                     (long long)a->peers[PREFECTURE].received, (long long)a->waiting);
    return NULL;
}

static const char *disks_hold(size_t place)
{
    static struct found all[SERVERS];
    const char *found = NULL;
    for (int i = 0; !found && i < SERVERS; i++) {
        struct fail f = {0};
        if (flow_server_try_open(i, &f, story_broken))
            return wrong("%s: %s %s %s", name_of(i), err_row(f.err)->name, f.field, f.detail);
        found = read_server(i, &all[i]);
        if (!found)
            found = verify(&flow_network.servers[i]);
    }
    if (!found)
        found = promises_kept(all, place);
    if (!found)
        found = ends_agree(all);
    if (!found)
        found = applied_once(all);
    return found ? found : each_episode(levels_follow);
}

/* ---- starting again */

/* The registers say all they have to say from the beginning, and it comes to what it came to. */
static const char *goes_on(void)
{
    struct buf end;
    for (int i = 0; i < SERVERS; i++) {
        struct fail f = {0};
        if (link_start(flows[i].link, &f))
            return wrong("%s: start: %s %s", name_of(i), err_row(f.err)->name, f.detail);
    }
    early = 0;
    say_all(false);
    WAIT(settled());
    note_ending(&end);
    const char *what = str_equal(buf_str(&end), buf_str(&ending)) ? NULL : "it ends otherwise";
    buf_release(&end);
    for (int i = 0; !what && i < SERVERS; i++)
        what = verify(&flow_network.servers[i]);
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
        network_stop(&flow_network);
    return found;
}

static const struct story story = {
    .name = "flows", .tell = tell, .look = look, .promises = &promises, .servers = databases};

static void the_network_survives_a_power_cut(void **state UNUSED)
{
    memset(looked_for, 0, sizeof looked_for);
    story_survives(&story, getenv("JUKI_LONG") ? 10000 : 120);
    print_message("looked for %lld taken, %lld received, %lld ahead\n", (long long)looked_for[TAKEN],
                  (long long)looked_for[RECEIVED], (long long)looked_for[AHEAD]);
    assert_true(looked_for[TAKEN] && looked_for[RECEIVED]);
    /* words may be left out, and few of their places be among the cuts: a_word_before_the_commit_is_found
     * looks at them */
    assert_true(looked_for[AHEAD] || !getenv("JUKI_LONG"));
}

static void without_syncs_notices_are_lost(void **state UNUSED)
{
    story_fails(&story, 120, "OFF", false);
}

static void with_syncs_of_checkpoints_only_notices_are_lost(void **state UNUSED)
{
    story_fails(&story, 120, "NORMAL", false);
}

static void found_when_early(int kind)
{
    char text[8];
    snprintf(text, sizeof text, "%d", kind);
    setenv("JUKI_EARLY", text, 1); /* it is told in a process of its own */
    story_fails(&story, 120, "FULL", true);
}

static void an_answer_before_the_commit_is_found(void **state UNUSED)
{
    found_when_early(TAKEN);
}

static void a_receipt_before_the_commit_is_found(void **state UNUSED)
{
    found_when_early(RECEIVED);
}

static void a_word_before_the_commit_is_found(void **state UNUSED)
{
    found_when_early(AHEAD);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_network_survives_a_power_cut),
        cmocka_unit_test(without_syncs_notices_are_lost),
        cmocka_unit_test(with_syncs_of_checkpoints_only_notices_are_lost),
        cmocka_unit_test(an_answer_before_the_commit_is_found),
        cmocka_unit_test(a_receipt_before_the_commit_is_found),
        cmocka_unit_test(a_word_before_the_commit_is_found),
    };
    int status = 0;
    recording_install();
    flow_network_init();
    if (!story_is_told(&story, argc, argv, &status))
        status = cmocka_run_group_tests(tests, NULL, stores_clean);
    flow_network_release();
    buf_release(&ending);
    return status;
}
