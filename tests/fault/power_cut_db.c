/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts under changes of many callers, with checkpoints of both kinds in between and a restart in the
 * middle. Each life writes the log's place ahead, as daemons do: what a cut leaves of zeros and of frames
 * from before must matter to nobody, neither now nor to the process that writes over them. */
#include "base/file.h"
#include "db/sqlite.h"
#include "power_cut.h"
#include "recording_files.h"
#include "sample_sql.h"
#include "stores.h"
#include "test.h"

static const struct db_module *const modules[] = {&sample_module};

enum { CALLERS = 4, EACH = 12, LIVES = 3, AFTERWARDS = 1000000 };
enum { LOG_AHEAD = 256 << 10 /* less than a life writes */, KILL_EVERY = 8 };

static struct promises promises = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A change writes a row in each of two tables; every fifth then refuses. */
struct change {
    int64_t id;
    bool early;
};

static bool refuses(int64_t id)
{
    return id % 5 == 4;
}

/* Notes of 3 to 3,000 bytes, so that changes have a page or several. */
static struct str note_of(int64_t id, char text[static 3004])
{
    int n = snprintf(text, 3004, "%lld:", (long long)id);
    size_t wanted = id % 3 ? 3 : 3000;
    while ((size_t)n < wanted)
        text[n++] = (char)('a' + id % 26);
    return (struct str){text, (size_t)n};
}

static enum err change_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct change *c = arg;
    char text[3004];
    struct str note = note_of(c->id, text);
    enum err e = db_exec(tx, f, &sql_sample_row_add, DB(db_int(c->id), db_text(note)), NULL);
    if (!e)
        e = db_exec(tx, f, &sql_sample_typed_put,
                    DB(db_int(c->id), db_int(7 * c->id), db_text(note), db_null()), NULL);
    if (!e && refuses(c->id))
        return fail_set(f, ERR_STATE, NULL, "refused on purpose");
    if (!e && c->early)
        promises_add(&promises, c->id);
    return e;
}

struct caller {
    struct db *db;
    int64_t first;
    bool early;
};

static void *call(void *arg)
{
    const struct caller *c = arg;
    for (int64_t id = c->first; id < c->first + EACH; id++) {
        struct change change = {id, c->early};
        enum err e = db_transaction(c->db, NULL, change_fn, &change);
        assert(e == (refuses(id) ? ERR_STATE : ERR_OK));
        if (!e && !c->early)
            promises_add(&promises, id);
    }
    return NULL;
}

static struct db *open_in(const char *folder)
{
    char path[128];
    snprintf(path, sizeof path, "%s/changes.db", folder);
    struct db *db = stores_open(path, modules, 1);
    recording_files_of(folder);
    assert_ok(db_reserve_log(db, NULL, LOG_AHEAD));
    recording_files_of(NULL);
    return db;
}

static void tell(void *self UNUSED, const char *folder, bool early)
{
    for (int life = 0; life < LIVES; life++) {
        struct db *db = open_in(folder);
        struct sqlite_store *store = db->store;
        struct caller callers[CALLERS];
        pthread_t threads[CALLERS];
        atomic_store(&store->passive_bytes, 80 * 1024);
        atomic_store(&store->finish_bytes, 300 * 1024);
        for (int i = 0; i < CALLERS; i++) {
            callers[i] = (struct caller){db, (life * CALLERS + i) * EACH, early};
            assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
        }
        for (int i = 0; i < CALLERS; i++)
            pthread_join(threads[i], NULL);
        db_close(db);
    }
}

struct looking {
    bool seen[LIVES * CALLERS * EACH];
    const char *wrong;
};

static const char *look_at_typed(struct db_tx *tx, int64_t id, struct str note)
{
    struct db_rows rows;
    bool whole = false;
    db_query(tx, &rows, &sql_sample_typed_get, DB(db_int(id)));
    if (db_next(&rows))
        whole = db_row_int(&rows, 0) == 7 * id && str_equal(db_row_text(&rows, 1), note);
    if (db_done(&rows, NULL) || !whole)
        return wrong("change %lld is there by half", (long long)id);
    return NULL;
}

static enum err look_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct looking *l = arg;
    struct db_rows rows;
    char text[3004];
    db_query(tx, &rows, &sql_sample_row_list, DB(db_int(-1)));
    while (!l->wrong && db_next(&rows)) {
        int64_t id = db_row_int(&rows, 0);
        if (id < 0 || id >= (int64_t)COUNT_OF(l->seen) || refuses(id) || l->seen[id] ||
            !str_equal(db_row_text(&rows, 1), note_of(id, text)))
            l->wrong = wrong("row %lld is one that nobody wrote", (long long)id);
        else
            l->wrong = look_at_typed(tx, id, note_of(id, text));
        if (!l->wrong)
            l->seen[id] = true;
    }
    return db_done(&rows, f);
}

static enum err open_after(const char *folder, struct fail *f, struct db **db)
{
    char path[128];
    snprintf(path, sizeof path, "%s/changes.db", folder);
    enum err e = db_open(f, path, modules, 1, db);
    if (!e)
        db_on_broken(*db, story_broken, NULL);
    return e;
}

static void copy(const char *folder, const char *to, const char *name)
{
    struct buf b;
    char from[128], path[128];
    snprintf(from, sizeof from, "%s/%s", folder, name);
    snprintf(path, sizeof path, "%s/%s", to, name);
    buf_init(&b, 64 << 20);
    assert_ok(file_read(NULL, from, &b));
    assert_ok(file_write(NULL, path, buf_str(&b), 0600));
    buf_release(&b);
}

static enum err typed_next_fn(struct db_tx *tx, struct fail *f UNUSED, void *arg)
{
    char text[3004];
    *(const char **)arg = look_at_typed(tx, AFTERWARDS, note_of(AFTERWARDS, text));
    return ERR_OK;
}

/* What the next change left is found by the next process, were this one killed now: behind it stand frames
 * from before the cut. */
static const char *look_after_a_kill(const char *folder)
{
    struct fail f = {0};
    struct db *db = NULL;
    const char *found = NULL;
    char to[64];
    folder_make(to);
    copy(folder, to, "changes.db");
    copy(folder, to, "changes.db-wal");
    if (open_after(to, &f, &db) || db_read(db, &f, typed_next_fn, &found))
        found = wrong("after the next change: %s %s", err_row(f.err)->name, f.detail);
    db_close(db);
    folder_remove(to);
    return found;
}

static const char *look(void *self UNUSED, size_t place, const char *folder)
{
    static size_t looks;
    struct looking *l = calloc(1, sizeof *l);
    struct fail f = {0};
    struct db *db = NULL;
    enum err e = open_after(folder, &f, &db);
    if (e || db_read(db, &f, look_fn, l))
        l->wrong = wrong("%s %s", err_row(f.err)->name, f.detail);
    for (size_t i = 0; !l->wrong && i < promises.count; i++)
        if (promises.list[i].place <= place && !l->seen[promises.list[i].what])
            l->wrong = wrong("change %lld was acknowledged and is lost", (long long)promises.list[i].what);
    const char *found = l->wrong;
    free(l);
    if (found) /* whatever is left of it is not touched any more */
        return found;
    struct change next = {AFTERWARDS, false};
    if (db_transaction(db, &f, change_fn, &next))
        found = wrong("the next change: %s %s", err_row(f.err)->name, f.detail);
    else if (looks++ % KILL_EVERY == 0)
        found = look_after_a_kill(folder);
    db_close(db);
    return found;
}

static const struct story story = {.name = "changes", .tell = tell, .look = look, .promises = &promises};

static void acknowledged_changes_survive_a_power_cut(void **state UNUSED)
{
    story_survives(&story, getenv("JUKI_LONG") ? 50000 : 1500);
}

static void without_syncs_changes_are_lost(void **state UNUSED)
{
    story_fails(&story, 1500, "OFF", false);
}

static void with_syncs_of_checkpoints_only_changes_are_lost(void **state UNUSED)
{
    story_fails(&story, 1500, "NORMAL", false);
}

static void an_answer_before_the_commit_is_found(void **state UNUSED)
{
    story_fails(&story, 1500, "FULL", true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_changes_survive_a_power_cut),
        cmocka_unit_test(without_syncs_changes_are_lost),
        cmocka_unit_test(with_syncs_of_checkpoints_only_changes_are_lost),
        cmocka_unit_test(an_answer_before_the_commit_is_found),
    };
    int status = 0;
    recording_install();
    if (story_is_told(&story, argc, argv, &status))
        return status;
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
