/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts under a log to which several callers append while its heads are signed. */
#include "db/sqlite.h"
#include "ledger/ledger.h"
#include "power_cut.h"
#include "stores.h"
#include "test.h"
#include "test_key.h"

static const struct db_module *const modules[] = {&ledger_module};

enum { CALLERS = 3, EACH = 8, LIVES = 2, CHANGES = LIVES * CALLERS * EACH };

static struct promises promises = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct key *key;
static uint8_t public_key[ED25519_PUBLIC];

struct log {
    struct db *db;
    struct ledger *ledger;
};

/* Change n appends 1 to 40 entries "change N"; its number and the place of its last entry are what is
 * promised. A signed head is promised as -SIZE. */
struct change {
    struct log *log;
    int64_t number;
    uint64_t last;
    bool early;
};

static uint64_t length_of(int64_t number)
{
    return (uint64_t)(number * 7 % 40 + 1);
}

static int64_t promise_of(const struct change *c)
{
    return c->number << 32 | (int64_t)c->last;
}

static enum err change_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct change *c = arg;
    char what[40];
    enum err e = ERR_OK;
    snprintf(what, sizeof what, "change %lld", (long long)c->number);
    for (uint64_t i = 0; !e && i < length_of(c->number); i++)
        e = ledger_append(c->log->ledger, tx, f, LEDGER_OPERATION, str_of(what), STR("{\"case\":1}"),
                          &c->last);
    if (!e && c->early)
        promises_add(&promises, promise_of(c));
    return e;
}

static enum err log_open(struct fail *f, const char *folder, struct log *log)
{
    char path[128];
    snprintf(path, sizeof path, "%s/log.db", folder);
    *log = (struct log){NULL, NULL};
    enum err e = db_open(f, path, modules, 1, &log->db);
    if (e)
        return e;
    db_on_broken(log->db, story_broken, NULL);
    return ledger_open(f, log->db, "cs.282049", key, &log->ledger);
}

static void log_close(struct log *log)
{
    db_close(log->db);
    ledger_free(log->ledger);
}

static enum err sign(struct log *log, struct fail *f, int64_t *size)
{
    struct buf b;
    struct str body = STR("");
    struct head h = {.size = 0};
    buf_init(&b, 100000);
    enum err e = ledger_sign_head(log->ledger, f, &b);
    if (!e)
        e = note_verify(f, buf_str(&b), STR("juki/cs.282049"), public_key, &body);
    if (!e)
        e = head_parse(f, body, &h);
    buf_release(&b);
    *size = (int64_t)h.size;
    return e;
}

struct caller {
    struct log *log;
    int64_t first;
    bool early;
};

static void *call(void *arg)
{
    const struct caller *c = arg;
    for (int64_t i = c->first; i < c->first + EACH; i++) {
        struct change change = {c->log, i, 0, c->early};
        struct fail f;
        int64_t size = 0;
        enum err e = db_transaction(c->log->db, &f, change_fn, &change);
        assert(!e);
        if (!c->early)
            promises_add(&promises, promise_of(&change));
        if (i % 3)
            continue;
        e = sign(c->log, &f, &size);
        assert(!e);
        promises_add(&promises, -size);
    }
    return NULL;
}

static void tell(void *self UNUSED, const char *folder, bool early)
{
    for (int life = 0; life < LIVES; life++) {
        struct log log;
        struct caller callers[CALLERS];
        pthread_t threads[CALLERS];
        assert_ok(log_open(NULL, folder, &log));
        atomic_store(&((struct sqlite_store *)log.db->store)->passive_bytes, 100 * 1024);
        for (int i = 0; i < CALLERS; i++) {
            callers[i] = (struct caller){&log, (life * CALLERS + i) * EACH, early};
            assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
        }
        for (int i = 0; i < CALLERS; i++)
            pthread_join(threads[i], NULL);
        log_close(&log);
    }
}

struct looking {
    struct log log;
    uint64_t entries;       /* in the log */
    uint64_t seen[CHANGES]; /* entries of each change */
    uint64_t last[CHANGES]; /* and where its last one stands */
    const char *wrong;
};

static enum err look_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct looking *l = arg;
    struct arena a;
    enum err e = ERR_OK;
    arena_init(&a, 8 << 20);
    while (!e && !l->wrong) {
        struct ledger_entry entry;
        long long number = -1;
        arena_reset(&a);
        e = ledger_entry_read(tx, f, l->entries, &a, &entry);
        if (e)
            break;
        if (sscanf(entry.body.p, "%*s %*s change %lld", &number) != 1 || number < 0 || number >= CHANGES)
            l->wrong = wrong("entry %llu is one that nobody wrote", (unsigned long long)l->entries);
        else {
            l->seen[number]++;
            l->last[number] = l->entries++;
        }
    }
    arena_release(&a);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static const char *look_at_promises(const struct looking *l, size_t place, int64_t head)
{
    for (size_t i = 0; i < promises.count; i++) {
        int64_t what = promises.list[i].what;
        if (promises.list[i].place > place)
            continue;
        if (what < 0 && head < -what)
            return wrong("the head of %lld was signed and is lost", (long long)-what);
        if (what >= 0 && (!l->seen[what >> 32] || l->last[what >> 32] != (uint64_t)(what & 0xffffffff)))
            return wrong("change %lld was acknowledged and is lost", (long long)(what >> 32));
    }
    for (int64_t i = 0; i < CHANGES; i++)
        if (l->seen[i] && l->seen[i] != length_of(i))
            return wrong("change %lld is there with %llu entries", (long long)i,
                         (unsigned long long)l->seen[i]);
    return NULL;
}

static void finding(void *arg, const struct ledger_finding *found)
{
    const char **text = arg;
    *text =
        wrong("finding %d at %llu: %s", (int)found->kind, (unsigned long long)found->first, found->detail);
}

static const char *verify(struct log *log)
{
    const char *found = NULL;
    struct fail f = {0};
    struct ledger_verify_result result;
    const struct ledger_verify_options options = {.public_key = public_key, .report = finding, .arg = &found};
    if (ledger_size(log->ledger) == 0)
        return NULL;
    if (ledger_verify(&f, log->db, "cs.282049", &options, &result))
        return wrong("verification: %s %s", err_row(f.err)->name, f.detail);
    return found;
}

/* The log goes on where it stopped, and proves itself. */
static const char *go_on(struct looking *l)
{
    struct fail f = {0};
    int64_t size = 0;
    struct change next = {&l->log, 1, 0, false};
    if (db_transaction(l->log.db, &f, change_fn, &next) || sign(&l->log, &f, &size))
        return wrong("the next change: %s %s", err_row(f.err)->name, f.detail);
    if (next.last != l->entries + length_of(1) - 1 || size != (int64_t)next.last + 1)
        return wrong("the log went on at %llu after %llu entries", (unsigned long long)next.last,
                     (unsigned long long)l->entries);
    return verify(&l->log);
}

static int64_t newest_head(struct looking *l)
{
    struct buf b;
    struct str body = STR("");
    struct head h = {.size = 0};
    buf_init(&b, 100000);
    if (!ledger_newest_head(l->log.ledger, NULL, &b) &&
        (note_verify(NULL, buf_str(&b), STR("juki/cs.282049"), public_key, &body) ||
         head_parse(NULL, body, &h)))
        l->wrong = wrong("the newest head is not one of ours");
    buf_release(&b);
    return (int64_t)h.size;
}

static const char *look(void *self UNUSED, size_t place, const char *folder)
{
    struct looking *l = calloc(1, sizeof *l);
    struct fail f = {0};
    assert_non_null(l);
    if (log_open(&f, folder, &l->log) || db_read(l->log.db, &f, look_fn, l))
        l->wrong = wrong("%s %s", err_row(f.err)->name, f.detail);
    if (!l->wrong)
        l->wrong = look_at_promises(l, place, newest_head(l));
    if (!l->wrong)
        l->wrong = go_on(l);
    const char *found = l->wrong;
    if (!found)
        log_close(&l->log);
    free(l);
    return found;
}

static const struct story story = {.name = "log", .tell = tell, .look = look, .promises = &promises};

static void the_log_survives_a_power_cut(void **state UNUSED)
{
    story_survives(&story, getenv("JUKI_LONG") ? 20000 : 500);
}

static void without_syncs_the_log_is_lost(void **state UNUSED)
{
    story_fails(&story, 500, "OFF", false);
}

static void an_answer_before_the_commit_is_found(void **state UNUSED)
{
    story_fails(&story, 500, "FULL", true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_survives_a_power_cut),
        cmocka_unit_test(without_syncs_the_log_is_lost),
        cmocka_unit_test(an_answer_before_the_commit_is_found),
    };
    int status = 0;
    recording_install();
    key = test_key_new(public_key);
    if (!story_is_told(&story, argc, argv, &status))
        status = cmocka_run_group_tests(tests, NULL, stores_clean);
    key_free(key);
    return status;
}
