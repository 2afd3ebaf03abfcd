/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts under files that are put in the place of others: a whole file (configuration, directory,
 * certificates), a secret under a new name, and a database that a restore puts into place, with the WAL of
 * the one that stood there.
 *
 * Afterwards there is the old one or the new one, whole; from the answer on, the new one. A restore may also
 * be one that db_open refuses: done again it comes to its end, and the old database still stands aside. */
#include "base/file.h"
#include "db/db_files.h"
#include "keys/secret.h"
#include "power_cut.h"
#include "recording_files.h"
#include "sample_sql.h"
#include "stores.h"
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

static const struct db_module *const modules[] = {&sample_module};
static struct promises promises = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum { PATH_SIZE = 128, TEXT_MAX = 20000, CUTS = 4000 };

static void path_in(const char *folder, const char *name, char out[static PATH_SIZE])
{
    snprintf(out, PATH_SIZE, "%s/%s", folder, name);
}

/* The newest that was promised before that place; 0: nothing. */
static int64_t promised(size_t place)
{
    int64_t newest = 0;
    for (size_t i = 0; i < promises.count; i++)
        if (promises.list[i].place <= place && promises.list[i].what > newest)
            newest = promises.list[i].what;
    return newest;
}

/* Does it, and promises it: early, before. */
#define PROMISED(what, early, doing)                                                                         \
    do {                                                                                                     \
        if (early)                                                                                           \
            promises_add(&promises, what);                                                                   \
        assert_ok(doing);                                                                                    \
        if (!(early))                                                                                        \
            promises_add(&promises, what);                                                                   \
    } while (0)

/* ---- whole files */

enum { EDITIONS = 8 };

/* The n-th edition, of 700 to 16,000 bytes. */
static struct str edition(int64_t n, char text[static TEXT_MAX])
{
    size_t length = (size_t)(n % 3 ? 700 * n : 2000 * n);
    memset(text, (int)('a' + n), length);
    text[length] = 0;
    return (struct str){text, length};
}

static bool holds(const char *path, struct str text)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    bool same = !file_read(NULL, path, &b) && str_equal(buf_str(&b), text);
    buf_release(&b);
    return same;
}

static void write_first(const char *folder)
{
    char path[PATH_SIZE], text[TEXT_MAX];
    path_in(folder, "directory.json", path);
    assert_ok(file_write(NULL, path, edition(1, text), 0600));
}

static void write_next(const char *folder, bool early)
{
    char path[PATH_SIZE], text[TEXT_MAX];
    path_in(folder, "directory.json", path);
    for (int64_t n = 2; n <= EDITIONS; n++)
        PROMISED(n, early, file_write(NULL, path, edition(n, text), 0600));
}

static const char *look_at_edition(const char *folder, int64_t newest)
{
    char path[PATH_SIZE], text[TEXT_MAX];
    path_in(folder, "directory.json", path);
    for (int64_t n = newest ? newest : 1; n <= EDITIONS; n++)
        if (holds(path, edition(n, text)))
            return NULL;
    return wrong("the file is none of the editions from %lld on", (long long)newest);
}

/* ---- secrets, which take no other's name */

static void no_secret(const char *folder UNUSED)
{
}

static void secret_in(const char *folder, int64_t n, char path[static PATH_SIZE])
{
    char name[32];
    snprintf(name, sizeof name, "%lld.key", (long long)n);
    path_in(folder, name, path);
}

static void make_secrets(const char *folder, bool early)
{
    char path[PATH_SIZE], text[TEXT_MAX];
    for (int64_t n = 1; n <= EDITIONS; n++) {
        secret_in(folder, n, path);
        PROMISED(n, early, secret_create(NULL, path, edition(n, text)));
    }
}

static const char *look_at_secrets(const char *folder, int64_t newest)
{
    char path[PATH_SIZE], text[TEXT_MAX];
    for (int64_t n = 1; n <= EDITIONS; n++) {
        secret_in(folder, n, path);
        bool whole = holds(path, edition(n, text));
        if (!whole && (n <= newest || file_exists(path)))
            return wrong("secret %lld is %s", (long long)n, n <= newest ? "lost" : "there by half");
        if (!whole && secret_create(NULL, path, edition(n, text)))
            return wrong("secret %lld cannot be made again", (long long)n);
    }
    return NULL;
}

/* ---- a database in the place of another */

enum { OLD_IN_FILE = 1, OLD_IN_WAL, NEW };
static const char *const asides[] = {"town.db-before", "town.db-again"};

static enum err add_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    return db_exec(tx, f, &sql_sample_row_add, DB(db_int(*(int64_t *)arg), db_text(STR("x"))), NULL);
}

/* With these rows, each in a life of its own; the last stays open. */
static struct db *database(const char *path, int64_t first, int64_t last)
{
    struct db *db = NULL;
    for (int64_t id = first; id <= last; id++) {
        db_close(db);
        db = stores_open(path, modules, 1);
        assert_ok(db_transaction(db, NULL, add_fn, &id));
    }
    return db;
}

static void copy(const char *from, const char *to, const char *ending)
{
    char old[PATH_SIZE + 8], new[PATH_SIZE + 8];
    struct buf b;
    snprintf(old, sizeof old, "%s%s", from, ending);
    snprintf(new, sizeof new, "%s%s", to, ending);
    buf_init(&b, 1 << 20);
    assert_ok(file_read(NULL, old, &b));
    assert_ok(file_write(NULL, new, buf_str(&b), 0600));
    buf_release(&b);
}

/* The old one as a process that died left it, its last change in the WAL; the new one as db_close left it. */
static void make_databases(const char *folder)
{
    char path[PATH_SIZE], from[PATH_SIZE], living[PATH_SIZE];
    path_in(folder, "town.db", path);
    path_in(folder, "town.db-new", from);
    path_in(folder, "living.db", living);
    db_close(database(from, NEW, NEW));
    struct db *db = database(living, OLD_IN_FILE, OLD_IN_WAL);
    copy(living, path, "");
    copy(living, path, "-wal");
    db_close(db);
    assert_ok(db_files_remove(NULL, living));
}

static enum err replace(struct fail *f, const char *folder, const char *aside_name)
{
    char path[PATH_SIZE], from[PATH_SIZE], aside[PATH_MAX] = "";
    path_in(folder, "town.db", path);
    path_in(folder, "town.db-new", from);
    path_in(folder, aside_name, aside);
    return db_files_replace(f, path, from, aside, 0);
}

static void put_into_place(const char *folder, bool early)
{
    PROMISED(NEW, early, replace(NULL, folder, asides[0]));
}

static enum err rows_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_sample_row_list, DB(db_int(0)));
    while (db_next(&rows))
        *(int64_t *)arg = 10 * *(int64_t *)arg + db_row_int(&rows, 0);
    return db_done(&rows, f);
}

/* Its rows as digits. */
static enum err rows_of(struct fail *f, const char *folder, const char *name, int64_t *digits)
{
    char path[PATH_SIZE];
    struct db *db = NULL;
    *digits = 0;
    path_in(folder, name, path);
    if (!file_exists(path))
        return fail_set(f, ERR_NOT_FOUND, NULL, "%s", name);
    enum err e = db_open(f, path, modules, 1, &db);
    if (!e)
        db_on_broken(db, story_broken, NULL);
    if (!e)
        e = db_read(db, f, rows_fn, digits);
    db_close(db);
    return e;
}

/* As whoever restores does it again: with another copy. */
static enum err replace_again(struct fail *f, const char *folder)
{
    char from[PATH_SIZE];
    path_in(folder, "town.db-new", from);
    enum err e = db_files_remove(f, from);
    if (e)
        return e;
    db_close(database(from, NEW, NEW));
    return replace(f, folder, asides[1]);
}

static const char *old_stands_aside(const char *folder)
{
    const int64_t old = 10 * OLD_IN_FILE + OLD_IN_WAL;
    int64_t digits = 0;
    for (size_t i = 0; i < COUNT_OF(asides); i++)
        if (!rows_of(NULL, folder, asides[i], &digits) && digits == old)
            return NULL;
    return wrong("the old database is nowhere whole");
}

static const char *look_at_database(const char *folder, int64_t newest)
{
    struct fail f = {0};
    int64_t digits = 0;
    enum err e = rows_of(&f, folder, "town.db", &digits);
    if (!e && digits == 10 * OLD_IN_FILE + OLD_IN_WAL && !newest)
        return NULL;
    if (!newest && (e == ERR_DB_RESTORING || e == ERR_NOT_FOUND)) {
        char marker[PATH_SIZE];
        path_in(folder, "town.db-restoring", marker);
        if (!file_exists(marker))
            return wrong("the database is away, and nothing says so");
        if (!(e = replace_again(&f, folder)))
            e = rows_of(&f, folder, "town.db", &digits);
    }
    if (e)
        return wrong("%s %s", err_row(e)->name, f.detail);
    return digits == NEW ? old_stands_aside(folder) : wrong("rows %lld in its place", (long long)digits);
}

/* ---- each is a story; JUKI_PART says which */

static const struct part {
    const char *name;
    void (*prepare)(const char *folder);
    void (*tell)(const char *folder, bool early);
    const char *(*look)(const char *folder, int64_t newest);
} parts[] = {
    {"files", write_first, write_next, look_at_edition},
    {"secrets", no_secret, make_secrets, look_at_secrets},
    {"a database in place", make_databases, put_into_place, look_at_database},
};

static const struct part *part(void)
{
    const char *which = getenv("JUKI_PART");
    return &parts[which ? which[0] - '0' : 0];
}

static void prepare(void *self UNUSED, const char *folder)
{
    part()->prepare(folder);
}

static void tell(void *self UNUSED, const char *folder, bool early)
{
    recording_files_of(folder);
    part()->tell(folder, early);
    recording_files_of(NULL);
}

static const char *look(void *self UNUSED, size_t place, const char *folder)
{
    return part()->look(folder, promised(place));
}

static const struct story story = {
    .name = "files", .prepare = prepare, .tell = tell, .look = look, .promises = &promises, .times = 4};

/* The recordings are short: every place of them is cut. */
static void survives(int which)
{
    char text[8];
    snprintf(text, sizeof text, "%d", which);
    setenv("JUKI_PART", text, 1);
    story_survives(&story, CUTS);
    story_fails(&story, CUTS, "OFF", false);
    story_fails(&story, CUTS, "FULL", true);
}

static void files_are_old_or_new(void **state UNUSED)
{
    survives(0);
}

static void secrets_are_whole_or_not_there(void **state UNUSED)
{
    survives(1);
}

static void a_database_takes_its_place_or_says_that_it_does_not(void **state UNUSED)
{
    survives(2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_old_or_new),
        cmocka_unit_test(secrets_are_whole_or_not_there),
        cmocka_unit_test(a_database_takes_its_place_or_says_that_it_does_not),
    };
    int status = 0;
    recording_install();
    if (story_is_told(&story, argc, argv, &status))
        return status;
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
