/* SPDX-License-Identifier: Apache-2.0 */
/* Every migration of every module, with the power cut at each step of it: the next start finishes. The
 * databases of the releases are brought up to today in the same way, and lose nothing of what stands in them.
 */
#include "base/encode.h"
#include "base/file.h"
#include "door/door.h"
#include "failing_memory.h"
#include "flow/flow_wiring.h"
#include "ledger/ledger.h"
#include "link/link.h"
#include "power_cut.h"
#include "register/register.h"
#include "store/store.h"
#include "stores.h"
#include "test.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

enum { DUMP_MAX = 4 << 20, SERVER_MODULES = 4 + FLOW_MODULES };

static const struct db_module *server_modules[SERVER_MODULES] = {&ledger_module, &link_module, &store_module,
                                                                 &door_module};
static const struct db_module *register_modules[] = {&register_module};
static struct promises promises = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct kind {
    const char *node; /* NULL: a new database */
    const struct db_module **modules;
    size_t module_count;
    int64_t entries, persons; /* what a release's database has in its log and its store, or its register */
    char schema[64 * 1024];   /* as it is when nothing was cut */
};
static struct kind fresh_server = {NULL, server_modules, SERVER_MODULES, 0, 0, ""},
                   fresh_register = {NULL, register_modules, 1, 0, 0, ""};
static struct kind released[] = {
    {"agency", server_modules, SERVER_MODULES, 19, 6, ""},
    {"prefecture.28", server_modules, SERVER_MODULES, 16, 6, ""},
    {"cs.282049", server_modules, SERVER_MODULES, 19, 6, ""},
    {"register.282049", register_modules, 1, 0, 6, ""},
};

/* ---- looking with SQLite alone */

static void database_of(const char *folder, char out[static 128])
{
    snprintf(out, 128, "%s/node.db", folder);
}

static int add_row(void *arg, int count UNUSED, char **values, char **names UNUSED)
{
    buf_add_format(arg, "%s\n", values[0] ? values[0] : "");
    return 0;
}

/* The first column of each row, a line each. */
static const char *ask(const char *folder, const char *sql, struct buf *out)
{
    char path[128];
    sqlite3 *handle = NULL;
    database_of(folder, path);
    int rc = sqlite3_open(path, &handle);
    if (!rc)
        rc = sqlite3_exec(handle, sql, add_row, out, NULL);
    const char *found = rc ? wrong("%.60s: %s", sql, sqlite3_errmsg(handle)) : NULL;
    sqlite3_close(handle);
    return found;
}

static int64_t number(const char *folder, const char *sql)
{
    struct buf b;
    buf_init(&b, 100);
    const char *found = ask(folder, sql, &b);
    int64_t value = found || !b.n ? -1 : strtoll(b.p, NULL, 10);
    buf_release(&b);
    return value;
}

static const char *read_schema(const char *folder, struct buf *out)
{
    return ask(
        folder,
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL UNION ALL "
        "SELECT * FROM (SELECT module || ' ' || number || ' ' || name FROM db_schema ORDER BY 1) ORDER BY 1",
        out);
}

/* ---- a release's database */

static void read_dump(const char *node, struct buf *out)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/tests/data/release/0.1/%s.sql", getenv("JUKI_SOURCE"), node);
    buf_init(out, DUMP_MAX);
    assert_ok(file_read(NULL, path, out));
}

static void public_key_of(const struct kind *k, uint8_t out[static ED25519_PUBLIC])
{
    struct buf dump, key;
    read_dump(k->node, &dump);
    buf_init(&key, ED25519_PUBLIC);
    assert_int_equal(strncmp(dump.p, "-- ", 3), 0);
    assert_ok(decode_base64url(NULL, &key, (struct str){dump.p + 3, 43}));
    assert_int_equal(key.n, ED25519_PUBLIC);
    memcpy(out, key.p, ED25519_PUBLIC);
    buf_release(&key);
    buf_release(&dump);
}

static void prepare(void *self, const char *folder)
{
    const struct kind *k = self;
    struct buf dump;
    char path[128];
    sqlite3 *handle = NULL;
    if (!k->node)
        return;
    read_dump(k->node, &dump);
    database_of(folder, path);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "PRAGMA journal_mode=WAL", NULL, NULL, NULL), SQLITE_OK);
    if (sqlite3_exec(handle, dump.p, NULL, NULL, NULL))
        fail_msg("%s: %s", k->node, sqlite3_errmsg(handle));
    sqlite3_close(handle);
    buf_release(&dump);
}

/* ---- bringing up */

static enum err bring_up(struct fail *f, const struct kind *k, const char *folder)
{
    char path[128];
    struct db *db = NULL;
    database_of(folder, path);
    enum err e = db_open(f, path, k->modules, k->module_count, &db);
    if (!e)
        e = db_prepare_all(f, db);
    db_close(db);
    return e;
}

static void tell(void *self, const char *folder, bool early)
{
    struct kind *k = self;
    struct buf schema;
    if (early)
        promises_add(&promises, 1);
    assert_ok(bring_up(NULL, k, folder));
    if (!early)
        promises_add(&promises, 1);
    recording_stop();
    buf_init(&schema, sizeof k->schema);
    assert_null(read_schema(folder, &schema));
    snprintf(k->schema, sizeof k->schema, "%s", schema.p);
    buf_release(&schema);
}

static void finding(void *arg, const struct ledger_finding *found)
{
    const char **text = arg;
    *text =
        wrong("finding %d at %llu: %s", (int)found->kind, (unsigned long long)found->first, found->detail);
}

static const char *verify(const struct kind *k, const char *folder)
{
    char path[128];
    uint8_t public_key[ED25519_PUBLIC];
    const char *found = NULL;
    struct db *db = NULL;
    struct fail f = {0};
    struct ledger_verify_result result;
    struct ledger_verify_options options = {
        .public_key = public_key, .stopped = true, .report = finding, .arg = &found};
    database_of(folder, path);
    public_key_of(k, public_key);
    if (db_open(&f, path, k->modules, k->module_count, &db) ||
        link_entries_referenced(&f, db, &options.referenced) ||
        ledger_verify(&f, db, k->node, &options, &result))
        found = wrong("%s: %s %s", k->node, err_row(f.err)->name, f.detail);
    if (!found && result.entries != (uint64_t)k->entries)
        found = wrong("%s: %llu entries", k->node, (unsigned long long)result.entries);
    db_close(db);
    return found;
}

static const char *look_at_content(const struct kind *k, const char *folder)
{
    bool server = k->modules == server_modules;
    int64_t persons = number(folder, server ? "SELECT count(*) FROM store_episode"
                                            : "SELECT count(*) FROM register_person");
    if (persons != k->persons)
        return wrong("%s: %lld persons", k->node, (long long)persons);
    return server ? verify(k, folder) : NULL;
}

/* Was the schema promised, it is there before anything is opened that could finish it. */
static const char *promised(const struct kind *k, size_t place, const char *folder)
{
    size_t wanted = 0;
    for (size_t i = 0; i < k->module_count; i++)
        wanted += k->modules[i]->migration_count;
    if (!promises.count || promises.list[0].place > place)
        return NULL;
    int64_t has = number(folder, "SELECT count(*) FROM db_schema");
    return has == (int64_t)wanted ? NULL : wrong("%lld migrations of %zu", (long long)has, wanted);
}

static const char *look(void *self, size_t place, const char *folder)
{
    const struct kind *k = self;
    struct fail f = {0};
    struct buf schema;
    const char *found = promised(k, place, folder);
    if (!found && bring_up(&f, k, folder))
        return wrong("%s %s", err_row(f.err)->name, f.detail);
    buf_init(&schema, sizeof k->schema);
    if (!found)
        found = read_schema(folder, &schema);
    if (!found && strcmp(schema.p, k->schema) != 0)
        found = wrong("the schema is another one");
    buf_release(&schema);
    return found || !k->node ? found : look_at_content(k, folder);
}

/* Each is a story; JUKI_PART says which is told in a process of its own. */
static const struct migrated {
    struct kind *kind;
    const char *name;
    size_t cuts;
} all[] = {
    {&fresh_server, "a new server", 300}, {&fresh_register, "a new register", 200},
    {&released[0], "agency", 100},        {&released[1], "prefecture.28", 100},
    {&released[2], "cs.282049", 100},     {&released[3], "register.282049", 100},
};

static struct story story_of(const struct migrated *m)
{
    return (struct story){.name = m->name,
                          .tell = tell,
                          .look = look,
                          .prepare = prepare,
                          .self = m->kind,
                          .promises = &promises};
}

static const struct migrated *part(void)
{
    const char *which = getenv("JUKI_PART");
    return &all[which ? which[0] - '0' : 0];
}

static void survives(const struct migrated *m)
{
    const struct story story = story_of(m);
    story_survives(&story, getenv("JUKI_LONG") ? 100 * m->cuts : m->cuts);
}

static void a_new_server_is_made_whatever_is_cut(void **state UNUSED)
{
    survives(&all[0]);
}

static void a_new_register_is_made_whatever_is_cut(void **state UNUSED)
{
    survives(&all[1]);
}

static void released_databases_come_up_whatever_is_cut(void **state UNUSED)
{
    for (size_t i = 2; i < COUNT_OF(all); i++)
        survives(&all[i]);
}

/* Without syncs, or with an answer before the last commit, a cut is found after which a database that was
 * said to be up is not: or the three tests above would say nothing. */
static void without_syncs_migrations_are_lost(void **state UNUSED)
{
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        const struct story story = story_of(&all[i]);
        char text[8];
        snprintf(text, sizeof text, "%zu", i);
        setenv("JUKI_PART", text, 1);
        story_fails(&story, all[i].cuts, "OFF", false);
        story_fails(&story, all[i].cuts, "FULL", true);
    }
}

/* One migration more than this program knows, of any module: nothing is opened, nothing written. */
static void a_newer_schema_is_refused(void **state UNUSED)
{
    char folder[64];
    struct fail f;
    folder_make(folder);
    assert_ok(bring_up(NULL, &fresh_server, folder));
    for (size_t i = 0; i < SERVER_MODULES; i++) {
        struct buf none;
        char sql[200];
        const struct db_module *m = server_modules[i];
        buf_init(&none, 100);
        snprintf(sql, sizeof sql, "INSERT INTO db_schema VALUES ('%s', %zu, 'later', 0)", m->name,
                 m->migration_count + 1);
        assert_null(ask(folder, sql, &none));
        assert_err(bring_up(&f, &fresh_server, folder), ERR_DB_NEWER);
        snprintf(sql, sizeof sql, "DELETE FROM db_schema WHERE name = 'later'");
        assert_null(ask(folder, sql, &none));
        assert_ok(bring_up(NULL, &fresh_server, folder));
    }
    folder_remove(folder);
}

/* ---- memory */

/* How many allocations of SQLite's bring it up. */
static unsigned long count_allocations(struct kind *k)
{
    char folder[64];
    folder_make(folder);
    prepare(k, folder);
    unsigned long before = memory_counts(MEMORY_SQLITE).asked;
    tell(k, folder, false);
    unsigned long asked = memory_counts(MEMORY_SQLITE).asked - before;
    folder_remove(folder);
    return asked;
}

/* True when it was told that memory is short. */
static bool memory_fails_once(struct kind *k, unsigned long n, unsigned long times)
{
    char folder[64];
    struct fail f = {0};
    folder_make(folder);
    prepare(k, folder);
    promises_clear(&promises);
    memory_fails(MEMORY_SQLITE, n, times);
    enum err e = bring_up(&f, k, folder);
    memory_fails(MEMORY_SQLITE, 0, 0);
    if (e && e != ERR_MEMORY && !strstr(f.detail, "out of memory"))
        fail_msg("allocation %lu: %s %s", n, err_row(e)->name, f.detail);
    if (!e)
        promises_add(&promises, 1);
    const char *found = look(k, SIZE_MAX, folder);
    if (found)
        fail_msg("allocation %lu: %s", n, found);
    folder_remove(folder);
    return e;
}

/* All over its bringing up, once and for as long as it lasts: that is told, and with memory again it comes up
 * as if nothing had been. */
static void memory_fails_often(struct kind *k, const char *name, unsigned long lives)
{
    unsigned long total = count_allocations(k), told = 0, failed = memory_counts(MEMORY_SQLITE).failed;
    lives *= getenv("JUKI_LONG") ? 40 : 1;
    for (unsigned long i = 0; i < lives; i++) {
        unsigned long n = i * total / lives + 1 + fault_seed() % (total / lives);
        told += memory_fails_once(k, n, i % 2 ? 1 : FOR_GOOD);
    }
    failed = memory_counts(MEMORY_SQLITE).failed - failed;
    print_message("%s: %lu of %lu shortages were told, of %lu allocations\n", name, told, lives, total);
    assert_true(failed >= lives && told >= lives / 2);
}

static void databases_come_up_whatever_allocation_fails(void **state UNUSED)
{
    memory_fails_often(&fresh_server, "a new server", 8);
    memory_fails_often(&fresh_register, "a new register", 4);
    for (size_t i = 0; i < COUNT_OF(released); i++)
        memory_fails_often(&released[i], released[i].node, 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_server_is_made_whatever_is_cut),
        cmocka_unit_test(a_new_register_is_made_whatever_is_cut),
        cmocka_unit_test(released_databases_come_up_whatever_is_cut),
        cmocka_unit_test(without_syncs_migrations_are_lost),
        cmocka_unit_test(a_newer_schema_is_refused),
        cmocka_unit_test(databases_come_up_whatever_allocation_fails),
    };
    for (size_t i = 0; i < FLOW_MODULES; i++)
        server_modules[4 + i] = flow_modules[i];
    failing_memory_install();
    recording_install();
    const struct story told = story_of(part());
    int status = 0;
    if (story_is_told(&told, argc, argv, &status))
        return status;
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
