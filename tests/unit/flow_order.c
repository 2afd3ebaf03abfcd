/* SPDX-License-Identifier: Apache-2.0 */
/* Two municipalities report about one person, each in its own order; between them any order is possible, and
 * every one must end in the same state, at the prefecture and at the agency: the same versions, the same
 * current municipality, the same owner of each number, and nobody left on the error list.
 *
 * A life is words in the order in which things happened, "A.enter A.code A.plan B.enter A.out B.name". Each
 * side's words are its chain of notices. For each merge of the two chains an invented person of their own
 * lives that life, and all of them take their next step together: the CSs take the changes, the notices go in
 * batches through the prefecture to the agency, with the link's own parking and replay. In the middle the
 * servers above are closed and opened again. Only the line itself is left out here: batches are handed over
 * by function call. */
#include "flow/flow_wiring.h"
#include "flow/identity_notice/identity_notice.h"
#include "flow/number/number_state.h"
#include "link/core.h"
#include "link_network.h"
#include "people.h"
#include "stores.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { AMAGASAKI = 282022 };
enum {
    SIDES = 2,
    STEPS_MAX = 40,
    MERGES_MAX = 300,
    VALUES = 20 /* codes, numbers and names of one person */
};
static const int32_t areas[SIDES] = {NISHINOMIYA, AMAGASAKI};

/* ---- lives ---- */

struct step {
    enum change_reason reason;
    int code, old_code, number, old_number, name; /* places in the person's own lists; 0 none */
    int day;
    bool planned;
    int replaces; /* 1 + the place of the same side's step that this one corrects */
    int address;
};
struct knows { /* what a side knows of the person */
    int code, number, name;
};
struct life {
    char text[400];
    struct step steps[SIDES][STEPS_MAX];
    size_t length[SIDES];
    struct knows side[SIDES], newest;
    int codes, numbers, names, day;
    int lives_in;   /* side, or -1 for nowhere */
    bool corrected; /* a correction can take the place of what it corrects, which then is no version of its
                       own */
};

enum verb { ENTER, AMEND, NAME, CODE, NUMBER, PLAN, OUT, CANCEL, REMOVE, CORRECT, FIX, VERBS };
static const struct {
    const char *word;
    enum change_reason reason;
} verbs[VERBS] = {
    [ENTER] = {"enter", CHANGE_MOVE_IN},
    [AMEND] = {"amend", CHANGE_MOVE_WITHIN},
    [NAME] = {"name", CHANGE_EX_OFFICIO_AMENDMENT},
    [CODE] = {"code", CHANGE_CODE_CHANGE_REQUEST},
    [NUMBER] = {"number", CHANGE_NUMBER_CHANGE_REQUEST},
    [PLAN] = {"plan", CHANGE_MOVE_OUT},
    [OUT] = {"out", CHANGE_MOVE_OUT},
    [CANCEL] = {"cancel", CHANGE_EX_OFFICIO_ENTRY},
    [REMOVE] = {"remove", CHANGE_EX_OFFICIO_REMOVAL},
    [CORRECT] = {"correct", CHANGE_MOVE_IN}, /* the step before, with another address */
    [FIX] = {"fix", CHANGE_MOVE_IN},         /* the same of the one before that */
};

static void life_add(struct life *l, int side, enum verb verb)
{
    struct knows *k = &l->side[side];
    size_t n = l->length[side];
    struct step *s = &l->steps[side][n];
    size_t end = strlen(l->text);
    assert_true(n < STEPS_MAX);
    snprintf(l->text + end, sizeof l->text - end, "%s%c.%s", end ? " " : "", 'A' + side, verbs[verb].word);
    *s = (struct step){.reason = verbs[verb].reason, .day = ++l->day, .planned = verb == PLAN};
    if (verb == ENTER)
        *k = l->newest;
    else if (verb == CORRECT || verb == FIX) {
        size_t back = verb == CORRECT ? 1 : 2;
        assert_true(n >= back && !s[-back].old_code && !s[-back].old_number);
        *s = s[-back];
        s->replaces = (int)(n - back + 1);
        s->address++;
        l->corrected = true;
    } else if (verb == NAME)
        k->name = ++l->names;
    else if (verb == CODE) {
        s->old_code = k->code;
        k->code = ++l->codes;
    } else if (verb == NUMBER) {
        s->old_number = k->number;
        k->number = ++l->numbers;
    }
    if (verb == NAME || verb == CODE || verb == NUMBER)
        l->newest = *k;
    s->code = k->code;
    s->number = k->number;
    s->name = k->name;
    l->length[side]++;
    if (verb == ENTER || verb == CANCEL)
        l->lives_in = side;
    else if ((verb == OUT || verb == REMOVE) && l->lives_in == side)
        l->lives_in = -1;
    assert_true(l->codes < VALUES && l->numbers < VALUES && l->names < VALUES);
}

static void life_begin(struct life *l)
{
    *l = (struct life){.newest = {1, 1, 1}, .codes = 1, .numbers = 1, .names = 1, .lives_in = -1};
}

static void life_read(struct life *l, const char *text)
{
    life_begin(l);
    for (struct str rest = str_of(text), word = {NULL, 0}; str_cut(&rest, ' ', &word);) {
        int verb = 0;
        struct str name = {word.p + 2, word.n - 2};
        while (verb < VERBS && !str_equal(name, str_of(verbs[verb].word)))
            verb++;
        if (verb == VERBS)
            fail_msg("%s: no such word: %.*s", text, STR_ARG(word));
        life_add(l, word.p[0] - 'A', (enum verb)verb);
    }
}

static const char *const lives[] = {
    "A.enter A.amend A.plan B.enter A.out B.amend",
    "A.enter A.plan B.enter B.amend B.plan A.enter B.out A.amend", /* there and back */
    "A.enter A.plan A.cancel A.amend A.plan B.enter A.out B.amend",
    "A.enter A.correct A.amend A.plan B.enter B.correct A.out B.correct", /* and corrections of corrections */
    "A.enter A.name A.code A.plan B.enter B.correct B.correct B.amend",
    "A.enter A.name A.code A.plan B.enter B.amend B.correct B.correct",
    "A.enter A.name A.code A.plan B.enter B.name B.amend B.fix B.name", /* an older step, when others stand
                                                                           behind */
    "A.enter A.remove B.enter B.remove A.enter A.remove B.enter",
    "A.enter A.name A.code A.plan B.enter A.out B.amend",
    "A.enter A.code A.name A.plan B.enter B.name A.out B.amend",
    "A.enter A.code A.number A.plan B.enter B.number A.out B.amend",
    "A.enter A.number A.name A.code A.plan B.enter B.name B.amend",
    "A.enter A.code A.plan B.enter B.code B.name A.out B.amend",        /* two changes of code */
    "A.enter A.name A.code A.code A.plan B.enter B.name B.number",      /* and two before the move */
    "A.enter A.plan B.enter A.out B.name B.code B.plan A.enter A.name", /* back under the new code */
    "A.enter A.code A.plan B.enter A.cancel A.name B.remove A.amend", /* the move did not take place after all
                                                                       */
    "A.enter A.name A.plan B.enter B.code B.number B.plan A.enter A.code",
};

/* ---- the servers ---- */

enum { MODULES = 3 + FLOW_MODULES };
static const struct db_module *modules[MODULES];
static struct test_network net;
static struct link_kind kinds[SERVERS][FLOW_KINDS_MAX];
static struct flow flows[SERVERS];
static const enum test_server_name cs_of[SIDES] = {CS_A, CS_B};
static struct stream {
    int64_t sent;
    struct sha256 previous;
} streams[SERVERS];    /* of a server to the one above */
static int64_t people; /* that lived so far */

static void open_server(int i)
{
    struct test_server *s = &net.servers[i];
    server_open(s);
    flows[i].db = s->db;
    flows[i].ledger = s->ledger;
    flows[i].link = s->link;
}

static void close_and_open(int i)
{
    server_stop(&net.servers[i]);
    open_server(i);
}

static void wire(int i)
{
    struct test_server *s = &net.servers[i];
    flows[i] = (struct flow){.self = s->name};
    if (i != AGENCY)
        snprintf(flows[i].upper, sizeof flows[i].upper, "%s", i == PREFECTURE ? "agency" : "prefecture.28");
    flow_wire(&flows[i]);
    s->kinds = kinds[i];
    s->kind_count = flow_kinds(s->name.role, kinds[i]);
    s->app = &flows[i];
    s->modules = modules;
    s->module_count = MODULES;
}

static int setup(void **state UNUSED)
{
    size_t n = 0;
    modules[n++] = &ledger_module;
    modules[n++] = &link_module;
    modules[n++] = &store_module;
    for (int i = 0; i < FLOW_MODULES; i++)
        modules[n++] = flow_modules[i];
    assert_int_equal(n, MODULES);
    network_init(&net);
    memset(streams, 0, sizeof streams);
    people = 0;
    for (int i = 0; i < SERVERS; i++)
        wire(i);
    return 0;
}

static int teardown(void **state UNUSED)
{
    network_release(&net);
    return 0;
}

/* ---- one batch, handed over ---- */

struct parcel {
    struct test_server *from;
    const char *to;
    int64_t first, count;
    struct arena arena;
    struct frame *frames;
};

static enum err load_parcel(struct db_tx *tx, struct fail *f, void *arg)
{
    struct parcel *p = arg;
    struct db_rows rows;
    uint64_t entries[BATCH_NOTICES_MAX];
    const struct peer *peer = peer_find(p->from->link, p->to);
    enum err e;
    p->count = 0;
    db_query(tx, &rows, &sql_link_out_range, DB(db_int(peer->id), db_int(p->first), db_int(INT64_MAX)));
    while (p->count < BATCH_NOTICES_MAX && db_next(&rows))
        entries[p->count++] = (uint64_t)db_row_int(&rows, 1);
    e = db_done(&rows, f);
    p->frames = arena_alloc(&p->arena, (size_t)p->count * sizeof *p->frames + 1);
    for (int64_t i = 0; i < p->count && !e; i++)
        e = notice_load(tx, f, entries[i], &p->arena, &p->frames[i]);
    return e;
}

static struct sha256 root_of(const struct parcel *p)
{
    struct merkle_frontier tree = {0};
    for (int64_t i = 0; i < p->count; i++)
        merkle_append(&tree, batch_leaf(&p->frames[i]));
    return merkle_root(&tree);
}

/* Everything that `from` has for the server above, as one batch. */
static void hand_over(int from, int to)
{
    struct test_server *s = &net.servers[from], *upper = &net.servers[to];
    struct stream *stream = &streams[from];
    struct parcel p = {.from = s, .to = upper->name.text, .first = stream->sent + 1};
    struct received received = {0};
    struct fail f = {0};
    char text[64];
    arena_init(&p.arena, 64 << 20);
    assert_ok(db_read(s->db, NULL, load_parcel, &p));
    if (p.count) {
        struct batch_header h = {.epoch = 1,
                                 .first = p.first,
                                 .count = p.count,
                                 .root = root_of(&p),
                                 .previous = stream->previous};
        snprintf(h.origin, sizeof h.origin, "%s", s->name.text);
        snprintf(h.destination, sizeof h.destination, "%s", upper->name.text);
        snprintf(text, sizeof text, "%s %lld", h.origin, (long long)h.first);
        struct peer *peer = peer_find(upper->link, h.origin);
        if (batch_receive(upper->link, peer, &f, &p.arena, str_of(text), &h, p.frames, &received))
            fail_msg("batch of %s at %lld: %s %s %s", h.origin, (long long)h.first, err_row(f.err)->name,
                     f.field, f.detail);
        assert_int_equal(received.receipt.refused_count, 0);
        stream->previous = sha256_of(str_of(text));
        stream->sent += p.count;
    }
    arena_release(&p.arena);
}

/* ---- people ---- */

struct crowd {
    const struct life *life;
    int64_t first; /* of its people; each has a merge of the life */
    size_t count;
    bool merges[MERGES_MAX][SIDES * STEPS_MAX]; /* true: side B's next */
    size_t at[MERGES_MAX][SIDES];
};

static int64_t value_of(int64_t person, int place)
{
    return person * VALUES + place;
}

static struct identity_change change_of(const struct crowd *c, size_t i, int side)
{
    static const struct str names[] = {{"", 0},           STR("西宮　花子"), STR("尼崎　花子"),
                                       STR("芦屋　はな"), STR("宝塚　花"),   STR("川西　華子"),
                                       STR("三田　花江")};
    size_t n = c->at[i][side];
    const struct step *s = &c->life->steps[side][n];
    int64_t person = c->first + (int64_t)i;
    struct identity_change change = {.number = person * STEPS_MAX + (int64_t)n + 1,
                                     .identity = resident(person, areas[side])};
    change.identity.resident_code = code_of(value_of(person, s->code));
    change.identity.individual_number = number_of(value_of(person, s->number));
    change.identity.name.name = names[1 + (s->name - 1) % (int)(COUNT_OF(names) - 1)];
    change.identity.address.text = s->address % 2 ? STR("六湛寺町１番１号") : STR("六湛寺町２番２号");
    change.replaces = s->replaces ? person * STEPS_MAX + s->replaces : 0;
    change.change = (struct change){.reason = s->reason,
                                    .date = date_add_days((struct date){2020, 1, 1}, s->day),
                                    .planned = s->planned,
                                    .has_old_code = s->old_code != 0,
                                    .has_old_number = s->old_number != 0};
    if (s->old_code)
        change.change.old_code = code_of(value_of(person, s->old_code));
    if (s->old_number)
        change.change.old_number = number_of(value_of(person, s->old_number));
    return change;
}

struct taking {
    struct crowd *crowd;
    int side;
    size_t step;
};

/* The next change of everybody whose merge says that it is this side's turn. */
static enum err take_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct taking *t = arg;
    struct crowd *c = t->crowd;
    enum err e = ERR_OK;
    for (size_t i = 0; i < c->count && !e; i++) {
        if (c->merges[i][t->step] != t->side)
            continue;
        struct identity_change change = change_of(c, i, t->side);
        e = identity_notice_take(&flows[cs_of[t->side]], tx, f, &change);
    }
    return e;
}

static void take_step(struct crowd *c, int side, size_t step)
{
    struct taking t = {c, side, step};
    struct fail f = {0};
    enum err e = db_transaction(flows[cs_of[side]].db, &f, take_tx, &t);
    if (e)
        fail_msg("%s: step %zu at %c: %s %s", c->life->text, step, 'A' + side, err_row(e)->name, f.field);
    for (size_t i = 0; i < c->count; i++)
        c->at[i][side] += c->merges[i][step] == side;
}

/* ---- looking ---- */

struct saying {
    const struct crowd *crowd;
    int64_t person;
    struct buf *out;
    int32_t current;
};

static int place_of(int64_t person, struct resident_code code)
{
    for (int i = 1; i < VALUES; i++)
        if (code_of(value_of(person, i)).value == code.value)
            return i;
    return 0;
}

/* A digest line with the person's own codes and numbers by their places, so that two people can be compared.
 */
static bool say_version(void *arg, const struct store_version *v)
{
    struct saying *s = arg;
    struct store_version plain = *v;
    plain.identity.resident_code.value = place_of(s->person, v->identity.resident_code);
    plain.identity.birth_date = (struct date){1990, 1, 1};
    for (int i = 1; i < VALUES; i++)
        if (number_of(value_of(s->person, i)).value == v->identity.individual_number.value)
            plain.identity.individual_number.value = i;
    store_digest_line(s->out, &plain);
    buf_add_format(s->out, "opened %d replaces %lld\n", date_to_int(v->opened), (long long)v->replaces);
    return !s->crowd->life->corrected;
}

static enum err say_episodes(struct db_tx *tx, struct fail *f, struct saying *s, struct arena *a)
{
    enum err e = ERR_OK;
    for (int code = 1; code <= s->crowd->life->codes && !e; code++)
        for (int side = 0; side < SIDES && !e; side++) {
            arena_reset(a);
            e = store_history(tx, f, code_of(value_of(s->person, code)), (struct area_code){areas[side]}, a,
                              say_version, s);
            e = e == ERR_EPISODE_UNKNOWN ? ERR_OK : e;
        }
    return e;
}

/* Under every code the person has or had, the same municipality is current. */
static enum err say_current(struct db_tx *tx, struct fail *f, struct saying *s, struct arena *a)
{
    enum err e = ERR_OK;
    for (int code = 1; code <= s->crowd->life->codes && !e; code++) {
        struct store_version v;
        arena_reset(a);
        e = store_current(tx, f, code_of(value_of(s->person, code)), a, &v);
        s->current = e ? -1 : v.identity.address.area_code.value;
        buf_add_format(s->out, "current %d under %d\n", (int)s->current,
                       place_of(s->person, v.identity.resident_code));
    }
    return e;
}

/* Each number is this person's, and as used or as former as everywhere. */
static enum err say_numbers(struct db_tx *tx, struct fail *f, struct saying *s)
{
    enum err e = ERR_OK;
    for (int i = 1; i <= s->crowd->life->numbers && !e; i++) {
        struct resident_code owner = {0};
        enum number_state state = NUMBER_FREE;
        e = number_owner(tx, f, number_of(value_of(s->person, i)), &owner, &state);
        buf_add_format(s->out, "number %d state %d %s\n", i, (int)state,
                       place_of(s->person, owner) ? "own" : "another's");
    }
    return e;
}

static enum err say_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct saying *s = arg;
    struct arena a;
    arena_init(&a, 4 << 20);
    enum err e = say_episodes(tx, f, s, &a);
    if (!e)
        e = say_current(tx, f, s, &a);
    if (!e)
        e = say_numbers(tx, f, s);
    arena_release(&a);
    return e;
}

/* Only the first line that differs: cmocka's messages are short. */
static void fail_otherwise(const struct life *life, const char *merge, const char *server, struct str said,
                           struct str want)
{
    struct str a = {NULL, 0}, b = {NULL, 0};
    while (str_cut(&said, '\n', &a) && str_cut(&want, '\n', &b) && str_equal(a, b))
        continue;
    fail_msg("%s merged %s at %s ends otherwise:\n%.*s\ninstead of:\n%.*s", life->text, merge, server,
             STR_ARG(a), STR_ARG(b));
}

static void check_person(const struct crowd *c, size_t i, int server, struct buf *first)
{
    struct buf said;
    buf_init(&said, 1 << 20);
    struct saying s = {.crowd = c, .person = c->first + (int64_t)i, .out = &said};
    struct fail f = {0};
    char merge[SIDES * STEPS_MAX + 1] = "";
    for (size_t k = 0; k < c->life->length[0] + c->life->length[1]; k++)
        merge[k] = c->merges[i][k] ? 'B' : 'A';
    if (db_read(net.servers[server].db, &f, say_tx, &s))
        fail_msg("%s merged %s at %s: %s", c->life->text, merge, net.servers[server].name.text,
                 err_row(f.err)->name);
    if (c->life->lives_in >= 0)
        assert_int_equal(s.current, areas[c->life->lives_in]);
    assert_false(said.broken);
    if (!first->n)
        buf_add_str(first, buf_str(&said));
    else if (!str_equal(buf_str(first), buf_str(&said)))
        fail_otherwise(c->life, merge, net.servers[server].name.text, buf_str(&said), buf_str(first));
    buf_release(&said);
}

static void keep_area(void *arg, const struct store_area_count *count)
{
    struct store_area_count *kept = arg;
    if (count->area.value == kept->area.value)
        *kept = *count;
}

/* The three levels have the same digest of each municipality's episodes, and every change is a version. */
static void check_levels(void)
{
    for (int side = 0; side < SIDES; side++) {
        struct store_area_count levels[3] = {
            {.area = {areas[side]}}, {.area = {areas[side]}}, {.area = {areas[side]}}};
        const int servers[] = {cs_of[side], PREFECTURE, AGENCY};
        for (int i = 0; i < 3; i++)
            assert_ok(store_census(net.servers[servers[i]].db, NULL, true, keep_area, &levels[i]));
        assert_true(levels[0].versions > 0);
        assert_memory_equal(&levels[0], &levels[1], sizeof levels[0]);
        assert_memory_equal(&levels[0], &levels[2], sizeof levels[0]);
    }
}

static void check_nothing_waits(const struct crowd *c)
{
    struct link_error_item item = {0};
    for (int i = AGENCY; i <= PREFECTURE; i++) {
        int64_t left = server_errors(&net.servers[i], &item, 1);
        if (left)
            fail_msg("%s: %lld wait at %s: %s %s %s", c->life->text, (long long)left,
                     net.servers[i].name.text, item.notice_id, err_row(item.error)->name, item.field);
    }
}

/* ---- living ---- */

static void live(struct crowd *c)
{
    size_t steps = c->life->length[0] + c->life->length[1];
    struct buf first[2];
    c->first = people + 1;
    people += (int64_t)c->count;
    memset(c->at, 0, sizeof c->at);
    for (size_t step = 0; step < steps; step++) {
        for (int side = 0; side < SIDES; side++) {
            take_step(c, side, step);
            hand_over(cs_of[side], PREFECTURE);
        }
        if (step == steps / 2)
            close_and_open(PREFECTURE);
        hand_over(PREFECTURE, AGENCY);
        if (step == steps / 2)
            close_and_open(AGENCY);
    }
    check_nothing_waits(c);
    for (int i = 0; i < 2; i++) {
        buf_init(&first[i], 1 << 20);
        for (size_t k = 0; k < c->count; k++)
            check_person(c, k, i ? PREFECTURE : AGENCY, &first[i]);
        assert_true(first[i].n > 0);
        buf_release(&first[i]);
    }
}

static void open_all(void)
{
    for (int i = 0; i < SERVERS; i++)
        open_server(i);
}

static void all_merges(struct crowd *c, bool *merge, size_t n, size_t here, size_t there)
{
    if (!here && !there) {
        assert_true(c->count < MERGES_MAX);
        memcpy(c->merges[c->count++], merge, n);
        return;
    }
    for (int side = 0; side < SIDES; side++) {
        if (!(side ? there : here))
            continue;
        merge[n] = side != 0;
        all_merges(c, merge, n + 1, here - !side, there - (size_t)side);
    }
}

static void every_merge_of_a_short_life_ends_alike(void **state UNUSED)
{
    static struct crowd c;
    open_all();
    for (size_t i = 0; i < COUNT_OF(lives); i++) {
        static struct life life;
        bool merge[SIDES * STEPS_MAX] = {false};
        life_read(&life, lives[i]);
        c = (struct crowd){.life = &life};
        all_merges(&c, merge, 0, life.length[0], life.length[1]);
        assert_true(c.count > 10);
        live(&c);
        check_levels();
    }
}

/* ---- long lives ---- */

static uint64_t seed;

static int chance(int of)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int)((seed >> 33) % (uint64_t)of);
}

/* What can happen where the person lives; a change of code or number is rarer. */
static void something_happens(struct life *l, int side)
{
    static const enum verb may[] = {AMEND, AMEND, NAME, CODE, NUMBER, CORRECT};
    enum verb verb = may[chance((int)COUNT_OF(may))];
    size_t n = l->length[side];
    const struct step *last = &l->steps[side][n - 1];
    if ((verb == CORRECT &&
         (last->old_code || last->old_number || change_row(last->reason)->group != CHANGE_AMENDMENT)) ||
        (verb == CODE && l->codes > 6) || (verb == NUMBER && l->numbers > 6))
        verb = AMEND;
    life_add(l, side, verb);
}

static void random_life(struct life *l)
{
    int side = chance(SIDES), moves = 2 + chance(3);
    life_begin(l);
    life_add(l, side, ENTER);
    for (int move = 0; move < moves; move++) {
        for (int i = chance(4); i > 0; i--)
            something_happens(l, side);
        life_add(l, side, PLAN);
        if (chance(4) == 0) {
            life_add(l, side, CANCEL);
            life_add(l, side, PLAN);
        }
        if (chance(3) == 0)
            life_add(l, side, OUT);
        life_add(l, !side, ENTER);
        side = !side;
    }
    for (int i = chance(4); i > 0; i--)
        something_happens(l, side);
}

static void random_merge(const struct life *l, bool *merge)
{
    size_t left[SIDES] = {l->length[0], l->length[1]};
    while (left[0] + left[1]) {
        bool b = chance((int)(left[0] + left[1])) >= (int)left[0];
        *merge++ = b;
        left[b]--;
    }
}

static void any_merge_of_a_long_life_ends_alike(void **state UNUSED)
{
    enum { LIVES = 25, MERGES = 12 };
    static struct crowd c;
    const char *given = getenv("JUKI_SEED");
    uint64_t start = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)start);
    seed = start;
    open_all();
    for (int i = 0; i < LIVES; i++) {
        static struct life life;
        random_life(&life);
        c = (struct crowd){.life = &life, .count = MERGES};
        for (int k = 0; k < MERGES; k++)
            random_merge(&life, c.merges[k]);
        live(&c);
    }
    check_levels();
}

/* ---- a code change that waits, over the real line ---- */

struct one {
    struct flow *flow;
    const struct identity_change *change;
};

static enum err take_one_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct one *one = arg;
    return identity_notice_take(one->flow, tx, f, one->change);
}

/* Person n in a side's municipality, under a code; old code 0: none. */
static void take_one(int side, int64_t number, int64_t n, enum change_reason reason, int64_t code,
                     int64_t old_code)
{
    struct identity_change change = {.number = number,
                                     .identity = resident(n, areas[side]),
                                     .change = change_on(reason, 2020, 4, (int8_t)number)};
    change.identity.resident_code = code_of(code);
    change.identity.birth_date.year = (int16_t)(1950 + n);
    change.change.has_old_code = old_code != 0;
    if (old_code)
        change.change.old_code = code_of(old_code);
    struct one one = {&flows[cs_of[side]], &change};
    struct fail f = {0};
    if (db_transaction(one.flow->db, &f, take_one_tx, &one))
        fail_msg("change %lld: %s %s", (long long)number, err_row(f.err)->name, f.field);
}

static void start_server(int i)
{
    struct fail f = {0};
    open_server(i);
    if (link_start(net.servers[i].link, &f))
        fail_msg("%s: %s %s", net.servers[i].name.text, err_row(f.err)->name, f.field);
}

static int64_t versions_at(int server, int side)
{
    struct store_area_count count = {.area = {areas[side]}};
    assert_ok(store_census(net.servers[server].db, NULL, false, keep_area, &count));
    return count.versions;
}

/* The new code is still another's when the change comes; it is free once that person's own change of code has
 * come. */
static void a_waiting_code_change_replays_in_order_over_the_line(void **state UNUSED)
{
    struct link_error_item items[4];
    for (int i = 0; i < SERVERS; i++)
        start_server(i);
    take_one(1, 1, 2, CHANGE_MOVE_IN, 5, 0);
    WAIT(versions_at(AGENCY, 1) == 1);
    take_one(0, 1, 1, CHANGE_MOVE_IN, 1, 0);
    take_one(0, 2, 1, CHANGE_CODE_CHANGE_REQUEST, 5, 1);
    take_one(0, 3, 1, CHANGE_MOVE_WITHIN, 5, 0);
    WAIT(server_errors(&net.servers[PREFECTURE], items, 4) == 2);
    assert_int_equal(items[0].error, ERR_CODE_TAKEN);
    assert_true(items[1].behind);
    server_stop(&net.servers[PREFECTURE]);
    start_server(PREFECTURE);
    take_one(0, 4, 1, CHANGE_MINOR_CORRECTION, 5, 0);
    WAIT(server_errors(&net.servers[PREFECTURE], items, 4) == 3);
    assert_int_equal(versions_at(PREFECTURE, 0), 1);
    take_one(1, 2, 2, CHANGE_CODE_CHANGE_REQUEST, 6, 5);
    WAIT(versions_at(AGENCY, 0) == 4);
    assert_int_equal(server_errors(&net.servers[PREFECTURE], items, 4), 0);
    assert_int_equal(server_errors(&net.servers[AGENCY], items, 4), 0);
    check_levels();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_merge_of_a_short_life_ends_alike),
        TEST(any_merge_of_a_long_life_ends_alike),
        TEST(a_waiting_code_change_replays_in_order_over_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
