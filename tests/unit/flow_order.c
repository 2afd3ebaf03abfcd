/* SPDX-License-Identifier: Apache-2.0 */
/* Two municipalities report about one person, each in its own order; between them any order is possible, and
 * every one must end in the same state, at the prefecture and at the agency: the same versions, the same
 * current municipality, the same owner of each number, and nobody left on the error list. Two municipalities
 * of one prefecture, or of two: then it is the agency where their orders meet.
 *
 * For each merge of the two chains of a life (life.h) an invented person of their own lives it, and all of
 * them take their next step together: the CSs take the changes, the notices go in batches through the
 * prefecture to the agency, with the link's own parking and replay. Meanwhile changes and batches come again,
 * people release what waits, and servers above are closed and opened. Only the line itself is left out here:
 * batches are handed over by function call. */
#include "flow/flow_resident_code_stock_sql.h"
#include "flow/number/number_state.h"
#include "flow_network.h"
#include "life.h"
#include "link/core.h"
#include "people.h"
#include "stores.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CROWD_MAX = 300, CROWD_ENOUGH = 100 };
static struct municipality {
    int32_t area;
    int cs, prefecture;
} sides[SIDES];
static const struct municipality one_prefecture[SIDES] = {{NISHINOMIYA, CS_A, PREFECTURE},
                                                          {AMAGASAKI, CS_B, PREFECTURE}},
                                 two_prefectures[SIDES] = {{NISHINOMIYA, CS_A, PREFECTURE},
                                                           {CHIYODA, CS_FAR, PREFECTURE_FAR}};
static uint64_t seed;

static int chance(int of)
{
    return life_chance(&seed, of);
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
    "A.enter A.code A.number A.birth A.plan B.enter B.amend", /* nothing in the records tells that it is one
                                                               */
    "A.enter A.code A.number A.birth A.name A.plan B.enter B.code",
    "A.enter A.wrong A.recode A.plan B.enter A.out B.amend",
    "A.enter A.wrong A.amend A.number A.recode A.plan B.enter B.name", /* said under the wrong code */
    "A.enter A.wrong A.name A.rewrong A.amend A.recode A.plan B.enter B.amend",
    "A.enter A.code A.name A.recode A.amend A.plan B.enter B.code", /* applied, then taken back */
    "A.enter A.plan B.enter B.wrong B.birth B.recode B.plan A.enter",
    "A.enter A.wrong A.code A.amend A.skip A.name A.plan B.enter B.amend", /* changed anew, then corrected */
};

/* ---- the servers ---- */

enum { BATCHES_KEPT = 16 };
static struct stream {
    int64_t sent, batches;
    struct sha256 previous;
    struct sent_batch {
        int64_t first, count;
        struct sha256 previous;
    } kept[BATCHES_KEPT]; /* the newest, to be sent again */
} streams[SERVERS_MOST];  /* of a server to the one above */
static int64_t people;    /* that lived so far */
static int64_t merges_lived, came_again, released, waited;

static const int uppers[] = {PREFECTURE, PREFECTURE_FAR, AGENCY};

static bool is_open(int i)
{
    return flow_network.servers[i].link;
}

static void close_and_open(int i)
{
    server_stop(&flow_network.servers[i]);
    flow_server_open(i);
}

static int set_up(const struct municipality *with)
{
    flow_network_init();
    memcpy(sides, with, sizeof sides);
    if (with == two_prefectures)
        flow_network_add_far();
    memset(streams, 0, sizeof streams);
    people = merges_lived = came_again = released = waited = 0;
    return 0;
}

static int setup(void **state UNUSED)
{
    return set_up(one_prefecture);
}

static int setup_two(void **state UNUSED)
{
    return set_up(two_prefectures);
}

static int teardown(void **state UNUSED)
{
    flow_network_release();
    return 0;
}

/* ---- one batch, handed over ---- */

struct parcel {
    struct test_server *from;
    const char *to;
    int64_t first, most, count; /* most: 0 for all */
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
    while (p->count < (p->most ? p->most : BATCH_NOTICES_MAX) && db_next(&rows))
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

static void give_batch(int from, int to, struct parcel *p, struct sha256 previous, struct received *received)
{
    struct test_server *s = &flow_network.servers[from], *upper = &flow_network.servers[to];
    char text[64];
    struct fail f = {0};
    struct batch_header h = {
        .epoch = 1, .first = p->first, .count = p->count, .root = root_of(p), .previous = previous};
    snprintf(h.origin, sizeof h.origin, "%s", s->name.text);
    snprintf(h.destination, sizeof h.destination, "%s", upper->name.text);
    snprintf(text, sizeof text, "%s %lld", h.origin, (long long)h.first);
    struct peer *peer = peer_find(upper->link, h.origin);
    if (batch_receive(upper->link, peer, &f, &p->arena, str_of(text), &h, p->frames, received))
        fail_msg("batch of %s at %lld: %s %s %s", h.origin, (long long)h.first, err_row(f.err)->name, f.field,
                 f.detail);
    assert_int_equal(received->receipt.refused_count, 0);
    streams[from].previous = sha256_of(str_of(text));
}

/* The notices from `first` as one batch: `count` of them, or 0 for all that there are. */
static void give(int from, int to, int64_t first, int64_t count, struct sha256 previous)
{
    struct stream *stream = &streams[from];
    struct parcel p = {.from = &flow_network.servers[from],
                       .to = flow_network.servers[to].name.text,
                       .first = first,
                       .most = count};
    struct received received = {0};
    arena_init(&p.arena, 64 << 20);
    assert_ok(db_read(p.from->db, NULL, load_parcel, &p));
    if (p.count) {
        struct sha256 newest = stream->previous;
        give_batch(from, to, &p, previous, &received);
        if (count) /* it came again */
            stream->previous = newest;
        else {
            stream->kept[stream->batches++ % BATCHES_KEPT] = (struct sent_batch){first, p.count, previous};
            stream->sent += p.count;
        }
        assert_int_equal(received.receipt.sequence, stream->sent);
    }
    arena_release(&p.arena);
}

/* Everything that `from` has for the server above; then, now and then, an old batch again. */
static void hand_over(int from, int to)
{
    struct stream *stream = &streams[from];
    give(from, to, stream->sent + 1, 0, stream->previous);
    int64_t kept = stream->batches < BATCHES_KEPT ? stream->batches : BATCHES_KEPT;
    if (!kept || chance(3))
        return;
    const struct sent_batch *b = &stream->kept[chance((int)kept)];
    give(from, to, b->first, b->count, b->previous);
    came_again++;
}

/* A person looks at the error list and has one item tried again. */
static void release_one(int server)
{
    struct link_error_item items[64];
    struct test_server *s = &flow_network.servers[server];
    struct fail f = {0};
    int64_t count = server_errors(s, items, COUNT_OF(items)), applied = 0;
    waited += count;
    if (!count || chance(3))
        return;
    int64_t most = count < (int64_t)COUNT_OF(items) ? count : (int64_t)COUNT_OF(items);
    if (link_error_release(s->link, &f, items[chance((int)most)].id, &applied))
        fail_msg("release at %s: %s %s", s->name.text, err_row(f.err)->name, f.field);
    released++;
}

/* ---- people ---- */

struct living {
    const struct life *life;
    bool merge[SIDES * STEPS_MAX]; /* true: side B's next */
    size_t at[SIDES];
};
struct crowd {
    int64_t first; /* the number of its first person */
    size_t count, steps;
    struct living people[CROWD_MAX];
};

static int64_t value_of(int64_t person, int place)
{
    return person * VALUES + place;
}

/* Every other person's first number was given by the agency, the others' came from elsewhere: nobody may see
 * a difference. */
static bool given_here(int64_t person)
{
    return person % 2 != 0;
}

static struct individual_number number_at(int64_t person, int place)
{
    struct individual_number number = number_of(value_of(person, place));
    if (place == 1 && given_here(person))
        assert_ok(
            number_candidate(&flows[AGENCY], NULL, code_of(value_of(person, 1)), GENERATION_FIRST, &number));
    return number;
}

static enum err give_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct crowd *c = arg;
    enum err e = ERR_OK;
    for (int64_t person = c->first; person < c->first + (int64_t)c->count && !e; person++) {
        struct individual_number number;
        char request[64];
        int n = snprintf(request, sizeof request, "cs.%06d/agency/%lld", NISHINOMIYA, (long long)person);
        if (given_here(person))
            e = number_generate(&flows[AGENCY], tx, f, code_of(value_of(person, 1)), NUMBER_NEW,
                                (struct str){request, (size_t)n}, &number);
    }
    return e;
}

static struct identity_change change_of(const struct crowd *c, size_t i, int side, size_t n)
{
    static const struct str names[] = {{"", 0},           STR("西宮　花子"), STR("尼崎　花子"),
                                       STR("芦屋　はな"), STR("宝塚　花"),   STR("川西　華子"),
                                       STR("三田　花江")};
    const struct step *s = &c->people[i].life->steps[side][n];
    int64_t person = c->first + (int64_t)i;
    struct identity_change change = {.number = person * STEPS_MAX + (int64_t)n + 1,
                                     .identity = resident(person, sides[side].area)};
    change.identity.resident_code = code_of(value_of(person, s->says.code));
    change.identity.individual_number = number_at(person, s->says.number);
    change.identity.name.name = names[1 + (s->says.name - 1) % (int)(COUNT_OF(names) - 1)];
    change.identity.birth_date.year = (int16_t)(1990 + s->says.birth);
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
        change.change.old_number = number_at(person, s->old_number);
    return change;
}

/* The wrong codes of everybody were designated to the other side's municipality. */
static enum err designate_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct crowd *c = arg;
    enum err e = ERR_OK;
    for (size_t i = 0; i < c->count; i++)
        for (int place = 1; place <= c->people[i].life->codes && !e; place++) {
            const struct life *life = c->people[i].life;
            struct resident_code code = code_of(value_of(c->first + (int64_t)i, place));
            if (life->elsewhere[place])
                e = db_exec(tx, f, &sql_flow_resident_code_stock_designated_add,
                            DB(db_int(code.value), db_int(sides[!life->giver[place]].area)), NULL);
        }
    return e;
}

struct taking {
    struct crowd *crowd;
    int side;
    size_t step;
    const struct living *at; /* the last one */
    bool twice;              /* a change that was taken before was taken again */
};

static size_t steps_of(const struct life *l)
{
    return l->length[0] + l->length[1];
}

/* The next change of everybody whose merge says that it is this side's turn; and now and then one that was
 * taken before, which changes nothing. */
static enum err take_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct taking *t = arg;
    struct crowd *c = t->crowd;
    struct flow *flow = &flows[sides[t->side].cs];
    enum err e = ERR_OK;
    for (size_t i = 0; i < c->count && !e; i++) {
        struct living *l = &c->people[i];
        if (t->step >= steps_of(l->life) || l->merge[t->step] != t->side)
            continue;
        size_t n = l->at[t->side]++;
        struct identity_change change = change_of(c, i, t->side, n);
        t->at = l;
        e = identity_notice_take(flow, tx, f, &change);
        if (e || chance(8))
            continue;
        int64_t before = db_tx_changes(tx);
        change = change_of(c, i, t->side, (size_t)chance((int)n + 1));
        e = identity_notice_take(flow, tx, f, &change);
        t->twice |= db_tx_changes(tx) != before;
        came_again++;
    }
    return e;
}

static void take_step(struct crowd *c, int side, size_t step)
{
    struct taking t = {.crowd = c, .side = side, .step = step};
    struct fail f = {0};
    enum err e = db_transaction(flows[sides[side].cs].db, &f, take_tx, &t);
    if (e)
        fail_msg("%s: step %zu at %c: %s %s", t.at->life->text, step, 'A' + side, err_row(e)->name, f.field);
    assert_false(t.twice);
}

/* ---- looking ---- */

struct saying {
    const struct life *life;
    int64_t person;
    struct buf *out;
    int32_t current;
    const char *wrong; /* what may not be, in any order */
    bool keeps_numbers, knows_both;
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
    plain.identity.birth_date.month = 1; /* the year is the life's */
    for (int i = 1; i < VALUES; i++)
        if (number_at(s->person, i).value == v->identity.individual_number.value)
            plain.identity.individual_number.value = i;
    store_digest_line(s->out, &plain);
    buf_add_format(s->out, "opened %d replaces %lld\n", date_to_int(v->opened), (long long)v->replaces);
    return !s->life->corrected;
}

static enum err say_episodes(struct db_tx *tx, struct fail *f, struct saying *s, struct arena *a)
{
    enum err e = ERR_OK;
    for (int code = 1; code <= s->life->codes && !e; code++)
        for (int side = 0; side < SIDES && !e; side++) {
            arena_reset(a);
            e = store_history(tx, f, code_of(value_of(s->person, code)), (struct area_code){sides[side].area},
                              a, say_version, s);
            e = e == ERR_EPISODE_UNKNOWN ? ERR_OK : e;
        }
    return e;
}

/* Under every code the person has or had, the same municipality is current; one that was given by mistake is
 * nobody's. */
static enum err say_current(struct db_tx *tx, struct fail *f, struct saying *s, struct arena *a)
{
    enum err e = ERR_OK;
    for (int code = 1; code <= s->life->codes && !e; code++) {
        struct store_version v;
        arena_reset(a);
        e = store_current(tx, f, code_of(value_of(s->person, code)), a, &v);
        if (s->life->mistaken[code]) {
            s->wrong = e == ERR_NOT_FOUND ? s->wrong : "a code given by mistake is somebody's";
            e = e == ERR_NOT_FOUND ? ERR_OK : e;
            continue;
        }
        s->current = e ? -1 : v.identity.address.area_code.value;
        buf_add_format(s->out, "current %d under %d by %d\n", (int)s->current,
                       place_of(s->person, v.identity.resident_code), code);
    }
    return e;
}

/* Each number is this person's, and a former one when it was changed. Only the agency keeps numbers. */
static enum err say_numbers(struct db_tx *tx, struct fail *f, struct saying *s)
{
    const struct life *life = s->life;
    enum err e = ERR_OK;
    for (int i = 1; i <= life->numbers && !e; i++) {
        struct number_owner owner = {.state = NUMBER_FREE};
        e = number_owner(&flows[AGENCY], tx, f, number_at(s->person, i), &owner);
        if (owner.state != NUMBER_FREE && owner.state != (life->ended[i] ? NUMBER_FORMER : NUMBER_IN_USE))
            s->wrong = "a number is former, or is not";
        buf_add_format(s->out, "number %d state %d %s\n", i, (int)owner.state,
                       place_of(s->person, owner.code) ? "own" : "another's");
    }
    return e;
}

static enum err say_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct saying *s = arg;
    struct arena a;
    arena_init(&a, 4 << 20);
    enum err e = say_episodes(tx, f, s, &a);
    if (!e && s->knows_both)
        e = say_current(tx, f, s, &a);
    if (!e && s->keeps_numbers)
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

/* What happens in another prefecture does not come to this one. */
static bool knows_both(int server)
{
    return server == AGENCY || sides[0].prefecture == sides[1].prefecture;
}

static void say_all(const struct crowd *c, size_t i, int server, struct buf *said)
{
    const struct living *l = &c->people[i];
    struct saying s = {.life = l->life,
                       .person = c->first + (int64_t)i,
                       .out = said,
                       .keeps_numbers = server == AGENCY,
                       .knows_both = knows_both(server)};
    struct fail f = {0};
    if (db_read(flow_network.servers[server].db, &f, say_tx, &s))
        fail_msg("%s at %s: %s", l->life->text, flow_network.servers[server].name.text, err_row(f.err)->name);
    if (s.wrong)
        fail_msg("%s at %s: %s", l->life->text, flow_network.servers[server].name.text, s.wrong);
    if (l->life->lives_in >= 0 && knows_both(server))
        assert_int_equal(s.current, sides[l->life->lives_in].area);
    assert_false(said->broken);
    assert_true(said->n > 0 || !knows_both(server));
}

/* The people of one life end as the one before them does. */
static void check_people(const struct crowd *c, int server)
{
    struct buf said[2];
    for (int k = 0; k < 2; k++)
        buf_init(&said[k], 1 << 20);
    for (size_t i = 0; i < c->count; i++) {
        struct buf *now = &said[i % 2], *before = &said[!(i % 2)];
        const struct living *l = &c->people[i];
        char merge[SIDES * STEPS_MAX + 1] = "";
        for (size_t k = 0; k < steps_of(l->life); k++)
            merge[k] = l->merge[k] ? 'B' : 'A';
        buf_clear(now);
        say_all(c, i, server, now);
        if (i && l[-1].life == l->life && !str_equal(buf_str(now), buf_str(before)))
            fail_otherwise(l->life, merge, flow_network.servers[server].name.text, buf_str(now),
                           buf_str(before));
    }
    for (int k = 0; k < 2; k++)
        buf_release(&said[k]);
}

static void check_nothing_waits(void)
{
    struct link_error_item item = {0};
    for (size_t i = 0; i < COUNT_OF(uppers); i++) {
        struct test_server *s = &flow_network.servers[uppers[i]];
        int64_t left = is_open(uppers[i]) ? server_errors(s, &item, 1) : 0;
        if (left)
            fail_msg("%lld wait at %s: %s %s %s", (long long)left, s->name.text, item.notice_id,
                     err_row(item.error)->name, item.field);
    }
}

/* ---- living ---- */

/* One step of everybody, as far as the agency. */
static void live_step(struct crowd *c, size_t step, bool reopen)
{
    for (int side = 0; side < SIDES; side++) {
        take_step(c, side, step);
        hand_over(sides[side].cs, sides[side].prefecture);
    }
    for (size_t i = 0; i < COUNT_OF(uppers); i++) {
        if (!is_open(uppers[i]))
            continue;
        release_one(uppers[i]);
        if (reopen)
            close_and_open(uppers[i]);
        if (uppers[i] != AGENCY)
            hand_over(uppers[i], AGENCY);
    }
}

/* All that are in the crowd live their lives; then it is empty. */
static void live(struct crowd *c)
{
    c->first = people + 1;
    people += (int64_t)c->count;
    merges_lived += (int64_t)c->count;
    assert_ok(db_transaction(flow_network.servers[AGENCY].db, NULL, designate_tx, c));
    assert_ok(db_transaction(flow_network.servers[AGENCY].db, NULL, give_tx, c));
    for (size_t step = 0; step < c->steps; step++)
        live_step(c, step, step == c->steps / 2);
    for (size_t i = 0; i < COUNT_OF(uppers); i++)
        if (is_open(uppers[i]))
            check_people(c, uppers[i]);
    check_nothing_waits();
    c->count = c->steps = 0;
}

static void join(struct crowd *c, const struct life *life, const bool *merge)
{
    assert_true(c->count < CROWD_MAX);
    struct living *l = &c->people[c->count++];
    *l = (struct living){.life = life};
    memcpy(l->merge, merge, sizeof l->merge);
    c->steps = steps_of(life) > c->steps ? steps_of(life) : c->steps;
}

static void open_all(void)
{
    flow_server_open(AGENCY);
    for (int side = 0; side < SIDES; side++) {
        flow_server_open(sides[side].cs);
        if (!is_open(sides[side].prefecture))
            flow_server_open(sides[side].prefecture);
    }
}

static void all_merges(struct crowd *c, const struct life *life, bool *merge, size_t here, size_t there)
{
    size_t n = steps_of(life) - here - there;
    if (!here && !there)
        join(c, life, merge);
    for (int side = 0; side < SIDES; side++) {
        if (!(side ? there : here))
            continue;
        merge[n] = side != 0;
        all_merges(c, life, merge, here - !side, there - (size_t)side);
    }
}

/* Unless there is time, every third life on PostgreSQL and in two prefectures: it is the same code, and each
 * change costs some trips. */
static size_t stride(void)
{
    if (getenv("JUKI_LONG"))
        return 1;
    return (getenv("JUKI_TEST_STORE") ? 3 : 1) * (knows_both(PREFECTURE) ? 1 : 3);
}

static void live_every_merge(const char *const *texts, size_t count, size_t step)
{
    static struct crowd c;
    static struct life read[COUNT_OF(lives)];
    for (size_t i = 0; i < count; i += step) {
        bool merge[SIDES * STEPS_MAX] = {false};
        life_read(&read[i], texts[i]);
        all_merges(&c, &read[i], merge, read[i].length[0], read[i].length[1]);
        if (c.count >= CROWD_ENOUGH || i + step >= count)
            live(&c);
    }
}

/* JUKI_LIFE, a life in words, is tried alone. */
static void every_merge_of_a_short_life_ends_alike(void **state UNUSED)
{
    const char *given = getenv("JUKI_LIFE");
    seed = 1;
    open_all();
    live_every_merge(given ? &given : lives, given ? 1 : COUNT_OF(lives), stride());
    assert_levels_agree();
    print_message("%lld merges; %lld came again, %lld waited, %lld were released\n", (long long)merges_lived,
                  (long long)came_again, (long long)waited, (long long)released);
    const int64_t enough = 100 / (int64_t)stride();
    assert_true(given || (came_again > enough && waited > enough && released >= enough / 10));
}

/* ---- long lives ---- */

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
    enum { LIVES = 15, LONG = 200, MERGES = 8 };
    static struct crowd c;
    static struct life made[LONG];
    const char *given = getenv("JUKI_SEED");
    int count = getenv("JUKI_LONG") ? LONG : LIVES;
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    open_all();
    for (int i = 0; i < count; i++) {
        bool merge[SIDES * STEPS_MAX] = {false};
        life_random(&made[i], &seed);
        for (int k = 0; k < MERGES; k++) {
            random_merge(&made[i], merge);
            join(&c, &made[i], merge);
        }
        if (c.count >= CROWD_ENOUGH || i + 1 == count)
            live(&c);
    }
    assert_levels_agree();
}

/* ---- a code change that waits, over the real line ---- */

struct said {
    int side;
    int64_t number, n; /* the change's number; the person: their Individual Number */
    enum change_reason reason;
    int64_t code, old_code; /* old code 0: none */
    int64_t replaces;
};

/* The two municipalities have written the person's birth differently. */
static void say(struct said s)
{
    struct identity_change change = {.number = s.number,
                                     .replaces = s.replaces,
                                     .identity = resident(s.n, sides[s.side].area),
                                     .change = change_on(s.reason, 2020, 4, (int8_t)s.number)};
    change.identity.resident_code = code_of(s.code);
    change.identity.birth_date.year = (int16_t)(1950 + s.side);
    change.change.has_old_code = s.old_code != 0;
    if (s.old_code)
        change.change.old_code = code_of(s.old_code);
    flow_take(sides[s.side].cs, &change);
}

/* What the register of side 0 would be told of each change: the last word. */
static char words[10];

static enum err hear(void *self UNUSED, struct db_tx *tx UNUSED, struct fail *f UNUSED, int64_t first,
                     int64_t last, char state, int64_t error UNUSED, struct str field UNUSED)
{
    for (size_t i = first > 0 ? (size_t)first - 1 : 0; i < (size_t)last && i + 1 < sizeof words; i++)
        words[i] = state;
    return ERR_OK;
}

static void pass_over(void *self UNUSED, int64_t first UNUSED, int64_t last UNUSED)
{
}

static const struct flow_door listening = {.outcome = hear, .ahead = pass_over};

static void start_all(void)
{
    memset(words, 0, sizeof words);
    flows[CS_A].door = &listening;
    for (int i = 0; i < SERVERS; i++)
        flow_server_start(i);
}

static void assert_nothing_waits(void)
{
    struct link_error_item item;
    assert_int_equal(server_errors(&flow_network.servers[PREFECTURE], &item, 1), 0);
    assert_int_equal(server_errors(&flow_network.servers[AGENCY], &item, 1), 0);
}

/* The person is another by number, name and birth, as far as anybody can tell, until the former municipality
 * has told of the code that the new one entered them under. */
static void a_waiting_code_change_replays_in_order_over_the_line(void **state UNUSED)
{
    struct link_error_item items[4];
    start_all();
    say((struct said){1, 1, 1, CHANGE_MOVE_IN, 7, 0, 0});
    WAIT(flow_versions(AGENCY, CS_B) == 1);
    say((struct said){0, 1, 1, CHANGE_MOVE_IN, 1, 0, 0});
    say((struct said){0, 2, 1, CHANGE_CODE_CHANGE_REQUEST, 5, 1, 0});
    say((struct said){0, 3, 1, CHANGE_MOVE_WITHIN, 5, 0, 0});
    WAIT(server_errors(&flow_network.servers[AGENCY], items, 4) == 3);
    assert_int_equal(items[0].error, ERR_NUMBER_TAKEN);
    assert_true(items[1].behind && items[2].behind);
    server_stop(&flow_network.servers[AGENCY]);
    flow_server_start(AGENCY);
    say((struct said){0, 4, 1, CHANGE_MINOR_CORRECTION, 5, 0, 0});
    WAIT(server_errors(&flow_network.servers[AGENCY], items, 4) == 4);
    assert_int_equal(flow_versions(AGENCY, CS_A), 0);
    say((struct said){1, 2, 1, CHANGE_CODE_CHANGE_REQUEST, 1, 7, 0});
    WAIT(flow_versions(AGENCY, CS_A) == 4);
    WAIT(!strcmp(words, "aaaa"));
    assert_nothing_waits();
    assert_levels_agree();
}

static enum err designate_one(struct db_tx *tx, struct fail *f, void *arg)
{
    const int64_t *code = arg;
    return db_exec(tx, f, &sql_flow_resident_code_stock_designated_add,
                   DB(db_int(code_of(*code).value), db_int(sides[1].area)), NULL);
}

static enum err codes_linked_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    bool *linked = arg;
    enum err e = store_codes_linked(tx, f, code_of(1), code_of(6), &linked[0]);
    return e ? e : store_codes_linked(tx, f, code_of(6), code_of(5), &linked[1]);
}

/* A code of another municipality's stock was given by hand. The register corrects that; what it had said
 * under the wrong code needs nothing; and the code is still there for whose it is. */
static void a_wrong_code_is_taken_back_over_the_line(void **state UNUSED)
{
    struct link_error_item items[4];
    int64_t wrong = 5;
    start_all();
    assert_ok(db_transaction(flow_network.servers[AGENCY].db, NULL, designate_one, &wrong));
    say((struct said){0, 1, 1, CHANGE_MOVE_IN, 1, 0, 0});
    say((struct said){0, 2, 1, CHANGE_CODE_CHANGE_REQUEST, 5, 1, 0});
    say((struct said){0, 3, 1, CHANGE_MOVE_WITHIN, 5, 0, 0});
    WAIT(server_errors(&flow_network.servers[AGENCY], items, 4) == 2);
    assert_int_equal(items[0].error, ERR_CODE_ELSEWHERE);
    WAIT(!strcmp(words, "aww"));
    say((struct said){0, 4, 1, CHANGE_CODE_CHANGE_REQUEST, 6, 5, 2}); /* it says the code it has now */
    say((struct said){0, 5, 1, CHANGE_MINOR_CORRECTION, 6, 0, 0});
    WAIT(flow_versions(AGENCY, CS_A) == 5);
    WAIT(!strcmp(words, "awaaa"));
    assert_nothing_waits();
    for (int i = 0; i < SERVERS; i++) {
        bool linked[2] = {false, true};
        assert_ok(db_read(flow_network.servers[i].db, NULL, codes_linked_tx, linked));
        assert_int_equal(linked[0], i != CS_B);
        assert_false(linked[1]);
    }
    say((struct said){1, 1, 2, CHANGE_MOVE_IN, 5, 0, 0});
    say((struct said){0, 6, 2, CHANGE_MOVE_IN, 5, 0, 0}); /* and moves there */
    WAIT(flow_versions(AGENCY, CS_A) == 6 && flow_versions(AGENCY, CS_B) == 1);
    assert_nothing_waits();
    assert_levels_agree();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_TWO(name)                                                                                       \
    {                                                                                                        \
#name "_in_two_prefectures", name, setup_two, teardown, NULL                                         \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_merge_of_a_short_life_ends_alike),
        TEST(any_merge_of_a_long_life_ends_alike),
        TEST_TWO(every_merge_of_a_short_life_ends_alike),
        TEST_TWO(any_merge_of_a_long_life_ends_alike),
        TEST(a_waiting_code_change_replays_in_order_over_the_line),
        TEST(a_wrong_code_is_taken_back_over_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
