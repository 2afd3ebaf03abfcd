/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger.h"

#include "base/clock.h"
#include "stores.h"
#include "test.h"
#include "test_key.h"

#include <pthread.h>

static const struct db_module *const modules[] = {&ledger_module};

struct server {
    struct db *db;
    struct key *key;
    uint8_t public_key[ED25519_PUBLIC];
    struct ledger *ledger;
};

static void server_open(struct server *s, const char *url)
{
    assert_ok(db_open(NULL, url, modules, 1, &s->db));
    assert_ok(ledger_open(NULL, s->db, "cs.282049", s->key, &s->ledger));
}

static void server_close(struct server *s)
{
    db_close(s->db);
    ledger_free(s->ledger);
}

static void server_start(struct server *s, const char *url)
{
    s->key = test_key_new(s->public_key);
    server_open(s, url);
}

static void server_end(struct server *s)
{
    server_close(s);
    key_free(s->key);
}

struct work {
    struct server *s;
    size_t count;
    bool refuse; /* append, then fail */
    uint64_t last;
};

static enum err append_some(struct db_tx *tx, struct fail *f, void *arg)
{
    struct work *w = arg;
    for (size_t i = 0; i < w->count; i++) {
        enum err e = ledger_append(w->s->ledger, tx, f, LEDGER_OPERATION, STR("search"), STR("{\"case\":1}"),
                                   &w->last);
        if (e)
            return e;
    }
    return w->refuse ? fail_set(f, ERR_STATE, NULL, NULL) : ERR_OK;
}

static uint64_t append(struct server *s, size_t count)
{
    struct work w = {.s = s, .count = count};
    assert_ok(db_transaction(s->db, NULL, append_some, &w));
    return w.last;
}

struct reading {
    struct server *s;
    struct arena *arena;
    uint64_t index, size;
    struct ledger_entry entry;
    struct merkle_proof proof;
};

static enum err read_entry(struct db_tx *tx, struct fail *f, void *arg)
{
    struct reading *r = arg;
    return ledger_entry_read(tx, f, r->index, r->arena, &r->entry);
}

static enum err prove_entry(struct db_tx *tx, struct fail *f, void *arg)
{
    struct reading *r = arg;
    return ledger_prove_inclusion(tx, f, r->index, r->size, &r->proof);
}

static enum err prove_growth(struct db_tx *tx, struct fail *f, void *arg)
{
    struct reading *r = arg;
    return ledger_prove_consistency(tx, f, r->index, r->size, &r->proof);
}

/* Signs, checks the signature, and reads the head. note may be NULL. */
static struct head sign(struct server *s, struct buf *note)
{
    struct buf b;
    struct str body;
    struct head h;
    buf_init(&b, 100000);
    assert_ok(ledger_sign_head(s->ledger, NULL, &b));
    assert_ok(note_verify(NULL, buf_str(&b), STR("juki/cs.282049"), s->public_key, &body));
    assert_ok(head_parse(NULL, body, &h));
    assert_string_equal(h.origin, "juki/cs.282049");
    if (note)
        buf_add_str(note, buf_str(&b));
    buf_release(&b);
    return h;
}

static void check_entry(struct server *s, const struct head *h, uint64_t index)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct reading r = {.s = s, .arena = &a, .index = index, .size = h->size};
    assert_ok(db_read(s->db, NULL, read_entry, &r));
    assert_int_equal(r.entry.kind, LEDGER_OPERATION);
    assert_str(r.entry.what, "search");
    assert_str(r.entry.payload, "{\"case\":1}");
    assert_true(clock_now() - r.entry.time < 60 * 1000000LL);
    assert_ok(db_read(s->db, NULL, prove_entry, &r));
    assert_ok(merkle_check_inclusion(NULL, merkle_salted_leaf(r.entry.salt, r.entry.body), index, h->size,
                                     &r.proof, h->root));
    arena_release(&a);
}

static void entries_are_proved_by_a_signed_head_on(const char *url)
{
    struct server s;
    server_start(&s, url);
    static const size_t groups[] = {1, 2, 250, 3, 300, 1000, 512, 1};
    struct head heads[COUNT_OF(groups)];
    uint64_t size = 0;
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        size += groups[i];
        assert_int_equal(append(&s, groups[i]), size - 1);
        assert_int_equal(ledger_size(s.ledger), size);
        heads[i] = sign(&s, NULL);
        assert_int_equal(heads[i].size, size);
    }
    const struct head *newest = &heads[COUNT_OF(groups) - 1];
    for (uint64_t i = 0; i < size; i += i < 600 ? 41 : 173)
        check_entry(&s, newest, i);
    check_entry(&s, newest, size - 1);
    check_entry(&s, &heads[3], 200);
    for (size_t i = 0; i + 1 < COUNT_OF(groups); i++) {
        struct reading r = {.index = heads[i].size, .size = size};
        assert_ok(db_read(s.db, NULL, prove_growth, &r));
        assert_ok(merkle_check_consistency(NULL, heads[i].size, heads[i].root, size, newest->root, &r.proof));
    }
    struct arena a;
    arena_init(&a, 100000);
    struct reading r = {.arena = &a, .index = size};
    assert_err(db_read(s.db, NULL, read_entry, &r), ERR_NOT_FOUND);
    arena_release(&a);
    server_end(&s);
}

static void entries_are_proved_by_a_signed_head(void **state)
{
    (void)state;
    both_stores(entries_are_proved_by_a_signed_head_on);
}

static void a_restart_continues_the_tree_on(const char *url)
{
    struct server s;
    static const size_t groups[] = {1, 254, 1, 1, 255, 256, 300, 77};
    uint64_t size = 0;
    struct head before = {.size = 0};
    server_start(&s, url);
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        append(&s, groups[i]);
        size += groups[i];
        struct head h = sign(&s, NULL);
        server_close(&s);
        server_open(&s, url);
        assert_int_equal(ledger_size(s.ledger), size);
        assert_true(ledger_head_age(s.ledger) >= 0);
        struct head again = sign(&s, NULL); /* not grown: the same head */
        assert_int_equal(again.time, h.time);
        if (before.size) {
            struct reading r = {.index = before.size, .size = h.size};
            assert_ok(db_read(s.db, NULL, prove_growth, &r));
            assert_ok(merkle_check_consistency(NULL, before.size, before.root, h.size, h.root, &r.proof));
        }
        before = h;
    }
    server_end(&s);
}

static void a_restart_continues_the_tree(void **state)
{
    (void)state;
    both_stores(a_restart_continues_the_tree_on);
}

static void what_is_undone_leaves_no_trace_on(const char *url)
{
    struct server s;
    server_start(&s, url);
    append(&s, 200);
    struct work bad = {.s = &s, .count = 300, .refuse = true};
    assert_err(db_transaction(s.db, NULL, append_some, &bad), ERR_STATE);
    assert_int_equal(ledger_size(s.ledger), 200);
    assert_int_equal(append(&s, 400), 599);
    struct head h = sign(&s, NULL);
    server_close(&s);
    server_open(&s, url);
    for (uint64_t i = 0; i < 600; i += 37)
        check_entry(&s, &h, i);
    server_end(&s);
}

static void what_is_undone_leaves_no_trace(void **state)
{
    (void)state;
    both_stores(what_is_undone_leaves_no_trace_on);
}

static enum err kind_error(struct db_tx *tx, struct fail *f, void *arg)
{
    struct server *s = arg;
    return ledger_append(s->ledger, tx, f, LEDGER_BOOK, STR("two\nlines"), STR(""), NULL);
}

static void headings_are_one_line_on(const char *url)
{
    struct server s;
    server_start(&s, url);
    assert_err(db_transaction(s.db, NULL, kind_error, &s), ERR_LEDGER_BODY);
    assert_int_equal(ledger_size(s.ledger), 0);
    server_end(&s);
}

static void headings_are_one_line(void **state)
{
    (void)state;
    both_stores(headings_are_one_line_on);
}

/* Many threads, one in three changes refused, heads signed meanwhile: the tree must equal the entries. */
struct racer {
    struct server *s;
    unsigned number;
    size_t good;
    pthread_t thread;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    for (unsigned i = 0; i < 60; i++) {
        struct work w = {.s = r->s, .count = 1 + (r->number + i) % 7, .refuse = (r->number + i) % 3 == 0};
        enum err e = db_transaction(r->s->db, NULL, append_some, &w);
        if (e == ERR_OK)
            r->good += w.count;
        else if (e != ERR_STATE)
            return arg;
        if (i % 20 == 0 && ledger_sign_head(r->s->ledger, NULL, NULL))
            return arg;
    }
    return NULL;
}

static void changes_from_many_threads_make_one_tree_on(const char *url)
{
    struct server s;
    struct racer racers[8];
    size_t good = 0;
    server_start(&s, url);
    for (unsigned i = 0; i < COUNT_OF(racers); i++) {
        racers[i] = (struct racer){.s = &s, .number = i};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < COUNT_OF(racers); i++) {
        void *bad;
        pthread_join(racers[i].thread, &bad);
        assert_null(bad);
        good += racers[i].good;
    }
    assert_int_equal(ledger_size(s.ledger), good);
    struct head h = sign(&s, NULL);
    for (uint64_t i = 0; i < h.size; i += 5)
        check_entry(&s, &h, i);
    server_end(&s);
}

static void changes_from_many_threads_make_one_tree(void **state)
{
    (void)state;
    both_stores(changes_from_many_threads_make_one_tree_on);
}

/* Bodies of many lengths, so that some share a row, some fill one and some have one of their own. */
static const size_t lengths[] = {0, 1,     500,   16300, 17000, 3,     40000, 70000,
                                 2, 16000, 16000, 16000, 16000, 16000, 900,   5};

struct mixed {
    struct server *s;
    unsigned number; /* of the change */
    bool refuse;
    uint64_t first;
};

static struct str mixed_payload(unsigned number, size_t i, char *out)
{
    size_t n = lengths[(number + i) % COUNT_OF(lengths)];
    for (size_t k = 0; k < n; k++)
        out[k] = (char)('a' + (number * 7 + i * 3 + k * k / 5) % 26);
    return (struct str){out, n};
}

static enum err append_mixed(struct db_tx *tx, struct fail *f, void *arg)
{
    static char text[80000]; /* one leader at a time */
    struct mixed *m = arg;
    for (size_t i = 0; i < 2 * COUNT_OF(lengths); i++) {
        uint64_t index;
        struct ledger_entry entry;
        struct arena a;
        struct str payload = mixed_payload(m->number, i, text);
        enum err e = ledger_append(m->s->ledger, tx, f, LEDGER_BOOK, STR("mixed"), payload, &index);
        if (e)
            return e;
        m->first = i ? m->first : index;
        arena_init(&a, 1 << 20); /* in the same change it can be read already */
        e = ledger_entry_read(tx, f, index, &a, &entry);
        if (!e && (!str_equal(entry.payload, payload) || index != m->first + i))
            e = fail_set(f, ERR_LEDGER_DAMAGED, NULL, NULL);
        arena_release(&a);
        if (e)
            return e;
    }
    return m->refuse ? fail_set(f, ERR_STATE, NULL, NULL) : ERR_OK;
}

static void *mix(void *arg)
{
    struct mixed *m = arg;
    enum err e = db_transaction(m->s->db, NULL, append_mixed, m);
    return e == (m->refuse ? ERR_STATE : ERR_OK) ? NULL : arg;
}

static void assert_mixed(struct server *s, const struct mixed *m)
{
    static char text[80000];
    struct arena a;
    for (size_t i = 0; i < 2 * COUNT_OF(lengths); i++) {
        arena_init(&a, 1 << 20);
        struct reading r = {.arena = &a, .index = m->first + i};
        assert_ok(db_read(s->db, NULL, read_entry, &r));
        assert_true(str_equal(r.entry.payload, mixed_payload(m->number, i, text)));
        arena_release(&a);
    }
}

/* Changes of several threads share a group, and one in three of it is undone from the middle. */
static void bodies_of_every_length_come_back_on(const char *url)
{
    struct server s;
    struct mixed mixed[12];
    pthread_t threads[COUNT_OF(mixed)];
    uint64_t size = 0;
    server_start(&s, url);
    for (unsigned i = 0; i < COUNT_OF(mixed); i++) {
        mixed[i] = (struct mixed){.s = &s, .number = i, .refuse = i % 3 == 1};
        assert_int_equal(pthread_create(&threads[i], NULL, mix, &mixed[i]), 0);
    }
    for (unsigned i = 0; i < COUNT_OF(mixed); i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        assert_null(bad);
        size += mixed[i].refuse ? 0 : 2 * COUNT_OF(lengths);
    }
    struct head h = sign(&s, NULL);
    assert_int_equal(h.size, size);
    for (unsigned i = 0; i < COUNT_OF(mixed); i++)
        if (!mixed[i].refuse)
            assert_mixed(&s, &mixed[i]);
    server_close(&s);
    struct ledger_verify_result result;
    const struct ledger_verify_options options = {.public_key = s.public_key};
    server_open(&s, url);
    assert_ok(ledger_verify(NULL, s.db, "cs.282049", &options, &result));
    assert_int_equal(result.findings, 0);
    assert_int_equal(result.entries, size);
    server_end(&s);
}

static void bodies_of_every_length_come_back(void **state)
{
    (void)state;
    both_stores(bodies_of_every_length_come_back_on);
}

/* What a change appended cannot be seen by others before it is committed. */
struct peeking {
    struct server *s;
    enum err inside, beside;
};

static enum err read_outside(struct db_tx *tx, struct fail *f, void *arg)
{
    struct arena a;
    struct ledger_entry entry;
    arena_init(&a, 100000);
    enum err e = ledger_entry_read(tx, f, 0, &a, &entry);
    arena_release(&a);
    (void)arg;
    return e;
}

static enum err peek(struct db_tx *tx, struct fail *f, void *arg)
{
    struct peeking *p = arg;
    enum err e = ledger_append(p->s->ledger, tx, f, LEDGER_OPERATION, STR("search"), STR(""), NULL);
    p->inside = e ? e : read_outside(tx, NULL, NULL);
    p->beside = db_read(p->s->db, NULL, read_outside, NULL);
    return e;
}

static void what_waits_is_seen_inside_only_on(const char *url)
{
    struct server s;
    struct peeking p = {.s = &s};
    server_start(&s, url);
    assert_ok(db_transaction(s.db, NULL, peek, &p));
    assert_ok(p.inside);
    assert_err(p.beside, ERR_NOT_FOUND);
    assert_ok(db_read(s.db, NULL, read_outside, NULL));
    server_end(&s);
}

static void what_waits_is_seen_inside_only(void **state)
{
    (void)state;
    both_stores(what_waits_is_seen_inside_only_on);
}

/* An entry that waits counts as a change: what refuses behind it must be undone. */
static enum err count_changes(struct db_tx *tx, struct fail *f, void *arg)
{
    struct peeking *p = arg;
    int64_t before = db_tx_changes(tx);
    enum err e = ledger_append(p->s->ledger, tx, f, LEDGER_OPERATION, STR("search"), STR(""), NULL);
    if (!e && db_tx_changes(tx) == before)
        e = fail_set(f, ERR_STATE, NULL, NULL);
    return e;
}

static void an_entry_that_waits_is_a_change_on(const char *url)
{
    struct server s;
    server_start(&s, url);
    assert_ok(db_transaction(s.db, NULL, count_changes, &(struct peeking){.s = &s}));
    server_end(&s);
}

static void an_entry_that_waits_is_a_change(void **state)
{
    (void)state;
    both_stores(an_entry_that_waits_is_a_change_on);
}

/* Two upper servers cosign the same head without knowing of each other; the later answer must not undo the
 * former. */
static void cosignatures_are_kept_with_the_head_on(const char *url)
{
    struct server s;
    struct buf note, cosigned, other;
    uint8_t upper_public[ED25519_PUBLIC], agency_public[ED25519_PUBLIC];
    struct key *upper = test_key_new(upper_public), *agency = test_key_new(agency_public);
    struct str body;
    server_start(&s, url);
    buf_init(&note, 10000);
    buf_init(&cosigned, 10000);
    buf_init(&other, 10000);
    assert_err(ledger_newest_head(s.ledger, NULL, &note), ERR_NOT_FOUND);
    assert_int_equal(ledger_head_age(s.ledger), -1);
    append(&s, 3);
    sign(&s, &note);
    assert_ok(note_cosign(NULL, upper, STR("juki/prefecture.28"), buf_str(&note), &cosigned));
    assert_ok(note_cosign(NULL, agency, STR("juki/agency"), buf_str(&note), &other));
    assert_ok(ledger_add_cosignature(s.ledger, NULL, buf_str(&cosigned)));
    assert_ok(ledger_add_cosignature(s.ledger, NULL, buf_str(&other)));
    assert_ok(ledger_add_cosignature(s.ledger, NULL, buf_str(&note))); /* carries none: takes none away */
    buf_clear(&note);
    assert_ok(ledger_newest_head(s.ledger, NULL, &note));
    assert_ok(note_verify(NULL, buf_str(&note), STR("juki/prefecture.28"), upper_public, &body));
    assert_ok(note_verify(NULL, buf_str(&note), STR("juki/agency"), agency_public, &body));
    size_t length = note.n;
    assert_ok(ledger_add_cosignature(s.ledger, NULL, buf_str(&cosigned))); /* again: no line twice */
    buf_clear(&note);
    assert_ok(ledger_newest_head(s.ledger, NULL, &note));
    assert_int_equal(note.n, length);
    assert_ok(note_verify(NULL, buf_str(&note), STR("juki/prefecture.28"), upper_public, &body));
    /* the same text without our own signature */
    buf_clear(&other);
    assert_ok(note_sign(NULL, upper, STR("juki/prefecture.28"), body, &other));
    assert_err(ledger_add_cosignature(s.ledger, NULL, buf_str(&other)), ERR_SIGNATURE);
    /* the same key, another text of the same size */
    buf_clear(&other);
    assert_ok(note_sign(NULL, s.key, STR("juki/cs.282049"),
                        STR("juki/cs.282049\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"), &other));
    assert_err(ledger_add_cosignature(s.ledger, NULL, buf_str(&other)), ERR_PROOF);
    buf_release(&note);
    buf_release(&cosigned);
    buf_release(&other);
    key_free(upper);
    key_free(agency);
    server_end(&s);
}

static void cosignatures_are_kept_with_the_head(void **state)
{
    (void)state;
    both_stores(cosignatures_are_kept_with_the_head_on);
}

/* A tree of the lower server, grown in memory. */
struct lower {
    struct key *key;
    uint8_t public_key[ED25519_PUBLIC];
    int64_t epoch;
    struct sha256 leaves[64];
};

static enum err lower_node(void *self, struct fail *f, unsigned level, uint64_t index, struct sha256 *out)
{
    struct lower *l = self;
    (void)f;
    *out = merkle_root_of(l->leaves + (index << level), (size_t)1 << level);
    return ERR_OK;
}

/* A head of the lower tree, signed by it. */
static void sign_lower(struct lower *l, uint64_t size, struct buf *note)
{
    struct head h = {
        .origin = "juki/cs.999999", .size = size, .root = merkle_root_of(l->leaves, size), .time = 1};
    struct buf body;
    buf_init(&body, 10000);
    head_write(&h, &body);
    assert_ok(note_sign(NULL, l->key, STR("juki/cs.999999"), buf_str(&body), note));
    buf_release(&body);
}

/* Presents the lower tree of a size with a proof from `from` (0: none), as the first head of l->epoch
 * perhaps. */
static enum err present_from(struct server *upper, struct lower *l, struct str base, uint64_t from,
                             uint64_t size, struct buf *out, struct buf *forked)
{
    struct merkle_source source = {lower_node, l};
    struct merkle_proof proof;
    struct buf note;
    buf_init(&note, 10000);
    sign_lower(l, size, &note);
    if (from)
        assert_ok(merkle_prove_consistency(NULL, &source, from, size, &proof));
    const struct ledger_presented p = {.node = "cs.999999",
                                       .public_key = l->public_key,
                                       .epoch = l->epoch,
                                       .note = buf_str(&note),
                                       .proof = from ? &proof : NULL,
                                       .base = base};
    enum err e = ledger_keep_head(upper->ledger, NULL, &p, out, forked);
    buf_release(&note);
    return e;
}

static enum err present(struct server *upper, struct lower *l, uint64_t from, uint64_t size, struct buf *out)
{
    return present_from(upper, l, STR(""), from, size, out, NULL);
}

static void the_upper_server_keeps_heads_and_sees_forks_on(const char *url)
{
    struct server upper;
    struct lower l;
    struct buf out;
    struct str body;
    uint64_t size = 1;
    uint8_t other[ED25519_PUBLIC];
    struct key *stranger = test_key_new(other);
    server_start(&upper, url);
    l.epoch = 1;
    l.key = test_key_new(l.public_key);
    for (size_t i = 0; i < COUNT_OF(l.leaves); i++)
        l.leaves[i] = merkle_leaf((struct str){(const char *)&i, sizeof i});
    buf_init(&out, 10000);
    assert_ok(ledger_kept_size(upper.ledger, NULL, "cs.999999", &size, NULL));
    assert_int_equal(size, 0);
    assert_ok(present(&upper, &l, 0, 10, &out));
    assert_ok(note_verify(NULL, buf_str(&out), STR("juki/cs.282049"), upper.public_key, &body));
    assert_ok(note_verify(NULL, buf_str(&out), STR("juki/cs.999999"), l.public_key, &body));
    assert_ok(present(&upper, &l, 0, 10, &out)); /* told again */
    assert_err(present(&upper, &l, 0, 20, &out), ERR_PROOF);
    assert_ok(present(&upper, &l, 10, 20, &out));
    assert_err(present(&upper, &l, 0, 19, &out), ERR_FORK); /* truncated */
    l.leaves[3].bytes[0] ^= 1;
    assert_err(present(&upper, &l, 20, 40, &out), ERR_FORK); /* rewritten */
    assert_err(present(&upper, &l, 0, 20, &out), ERR_FORK);
    l.leaves[3].bytes[0] ^= 1;
    clock_shift(3 * 86400);
    assert_ok(present(&upper, &l, 20, 40, &out)); /* the fork did not replace what was kept */
    clock_shift(0);
    assert_ok(
        present(&upper, &l, 40, 41, &out)); /* a clock that went back does not bring the old head back */
    assert_err(present(&upper, &l, 20, 50, &out), ERR_FORK);
    memcpy(l.public_key, other, sizeof other);
    assert_err(present(&upper, &l, 41, 50, &out), ERR_SIGNATURE);
    assert_ok(ledger_kept_size(upper.ledger, NULL, "cs.999999", &size, NULL));
    assert_int_equal(size, 41);
    buf_release(&out);
    key_free(l.key);
    key_free(stranger);
    server_end(&upper);
}

static void the_upper_server_keeps_heads_and_sees_forks(void **state)
{
    (void)state;
    both_stores(the_upper_server_keeps_heads_and_sees_forks_on);
}

struct seen_forks {
    int count;
    int64_t unseen;
    struct ledger_fork last; /* without its notes */
    bool both_signed;
    struct lower *lower;
};

static void count_fork(void *arg, const struct ledger_fork *fork)
{
    struct seen_forks *s = arg;
    struct str body;
    s->count++;
    s->last = *fork;
    s->both_signed = !note_verify(NULL, fork->kept, STR("juki/cs.999999"), s->lower->public_key, &body) &&
                     !note_verify(NULL, fork->note, STR("juki/cs.999999"), s->lower->public_key, &body);
}

static void count_unseen(void *arg, const char *node, int64_t count, int64_t newest)
{
    struct seen_forks *s = arg;
    assert_string_equal(node, "cs.999999");
    assert_true(newest > 0);
    s->unseen = count;
}

static struct seen_forks forks_of(struct server *upper, struct lower *l)
{
    struct seen_forks s = {.lower = l};
    assert_ok(ledger_forks(NULL, upper->db, count_fork, &s));
    assert_ok(ledger_forks_unseen(NULL, upper->db, count_unseen, &s));
    return s;
}

static uint64_t kept_size(struct server *upper, int64_t *epoch)
{
    uint64_t size = 0;
    assert_ok(ledger_kept_size(upper->ledger, NULL, "cs.999999", &size, epoch));
    return size;
}

/* The lower server is restored: its log has its first entries from before, then others. */
static void restore_lower(struct lower *l, uint64_t common)
{
    l->epoch++;
    for (size_t i = common; i < COUNT_OF(l->leaves); i++)
        l->leaves[i].bytes[0] ^= (uint8_t)l->epoch;
}

static void a_restored_server_has_a_line_of_its_own_on(const char *url)
{
    struct server upper;
    struct lower l = {.epoch = 1};
    struct buf base, own, forked, out;
    int64_t epoch = 0;
    server_start(&upper, url);
    l.key = test_key_new(l.public_key);
    for (size_t i = 0; i < COUNT_OF(l.leaves); i++)
        l.leaves[i] = merkle_leaf((struct str){(const char *)&i, sizeof i});
    buf_init(&base, 10000);
    buf_init(&own, 10000);
    buf_init(&forked, 10000);
    buf_init(&out, 10000);
    assert_ok(present(&upper, &l, 0, 10, &base)); /* comes back co-signed, and is in the backup */
    assert_ok(present(&upper, &l, 10, 30, &out));

    l.epoch = 2; /* restored, but nothing was lost: no fork */
    assert_ok(present_from(&upper, &l, STR(""), 30, 32, NULL, &forked));
    assert_int_equal(forked.n, 0);
    assert_int_equal(forks_of(&upper, &l).count, 0);
    assert_int_equal(kept_size(&upper, &epoch), 32);
    assert_int_equal(epoch, 2);

    restore_lower(&l, 12);
    sign_lower(&l, 10, &own); /* without our cosignature it is no base */
    assert_err(present_from(&upper, &l, buf_str(&own), 10, 20, NULL, &forked), ERR_SIGNATURE);
    assert_err(present_from(&upper, &l, buf_str(&base), 0, 20, NULL, &forked), ERR_PROOF);
    l.leaves[5].bytes[0] ^= 1; /* rewritten below the base: not that one */
    assert_err(present_from(&upper, &l, buf_str(&base), 10, 20, NULL, &forked), ERR_PROOF);
    l.leaves[5].bytes[0] ^= 1;
    assert_int_equal(forks_of(&upper, &l).count, 0);
    assert_int_equal(kept_size(&upper, &epoch), 32);
    assert_ok(present_from(&upper, &l, buf_str(&base), 10, 20, NULL, &forked));
    struct seen_forks s = forks_of(&upper, &l);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.unseen, 1);
    assert_int_equal(s.last.epoch, 3);
    assert_int_equal(s.last.base, 10);
    assert_true(s.both_signed);
    assert_true(forked.n > 0);
    assert_int_equal(kept_size(&upper, &epoch), 20); /* the new line's */
    assert_int_equal(epoch, 3);

    buf_clear(&forked); /* within the life all is as before */
    assert_ok(present_from(&upper, &l, STR(""), 20, 40, NULL, &forked));
    assert_int_equal(forked.n, 0);
    assert_err(present_from(&upper, &l, buf_str(&base), 10, 39, NULL, &forked), ERR_FORK);
    assert_int_equal(forks_of(&upper, &l).count, 2);
    l.epoch = 2;
    assert_err(present_from(&upper, &l, STR(""), 20, 41, NULL, &forked), ERR_EPOCH_OLD);

    l.epoch = 3; /* nothing shows any common entry: recorded, and followed */
    restore_lower(&l, 0);
    assert_ok(present_from(&upper, &l, STR(""), 0, 50, NULL, &forked));
    s = forks_of(&upper, &l);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.last.base, 0);
    assert_true(forked.n > 0);
    assert_int_equal(kept_size(&upper, &epoch), 50);

    int64_t seen = 0;
    assert_ok(ledger_see_forks(upper.ledger, NULL, &seen));
    assert_int_equal(seen, 3);
    assert_int_equal(forks_of(&upper, &l).unseen, 0);
    assert_true(forks_of(&upper, &l).last.seen > 0);
    buf_release(&base);
    buf_release(&own);
    buf_release(&forked);
    buf_release(&out);
    key_free(l.key);
    server_end(&upper);
}

static void a_restored_server_has_a_line_of_its_own(void **state)
{
    (void)state;
    both_stores(a_restored_server_has_a_line_of_its_own_on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_proved_by_a_signed_head),
        cmocka_unit_test(a_restart_continues_the_tree),
        cmocka_unit_test(what_is_undone_leaves_no_trace),
        cmocka_unit_test(headings_are_one_line),
        cmocka_unit_test(changes_from_many_threads_make_one_tree),
        cmocka_unit_test(bodies_of_every_length_come_back),
        cmocka_unit_test(what_waits_is_seen_inside_only),
        cmocka_unit_test(an_entry_that_waits_is_a_change),
        cmocka_unit_test(cosignatures_are_kept_with_the_head),
        cmocka_unit_test(the_upper_server_keeps_heads_and_sees_forks),
        cmocka_unit_test(a_restored_server_has_a_line_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
