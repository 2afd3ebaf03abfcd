/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"
#include "postgres.h"
#include "stores.h"
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

#define BOTH_TEXTS(text) text, text
static const struct db_migration steps[] = {
    {1, "base", BOTH_TEXTS("CREATE TABLE grow_a (id BIGINT PRIMARY KEY)")},
    {2, "more",
     BOTH_TEXTS("CREATE TABLE grow_b (id BIGINT PRIMARY KEY); INSERT INTO grow_b VALUES (1), (2)")},
    {3, "last", BOTH_TEXTS("INSERT INTO grow_b VALUES (3); CREATE INDEX grow_b_id ON grow_b (id)")},
};
/* Like 3 but fails half way. */
static const struct db_migration broken_steps[] = {
    {1, "base", "", ""},
    {2, "more", "", ""},
    {3, "last", BOTH_TEXTS("INSERT INTO grow_b VALUES (3); INSERT INTO grow_nowhere VALUES (1)")},
};
static const struct db_migration gapped_steps[] = {
    {1, "base", BOTH_TEXTS("CREATE TABLE grow_a (id BIGINT PRIMARY KEY)")},
    {3, "last", BOTH_TEXTS("CREATE TABLE grow_b (id BIGINT PRIMARY KEY)")},
};
static const struct db_migration other_steps[] = {
    {1, "different", BOTH_TEXTS("CREATE TABLE grow_z (id BIGINT PRIMARY KEY)")},
};
/* Sleeps inside the third (SQLite: a long count), so that it can be killed there. */
#define COUNT                                                                                                \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) "  \
    "FROM n"
static const struct db_migration slow_steps[] = {
    {1, "base", "", ""},
    {2, "more", "", ""},
    {3, "last", "INSERT INTO grow_b VALUES (3); " COUNT,
     "INSERT INTO grow_b VALUES (3); SELECT pg_sleep(60)"},
};

static const struct db_stmt count_b = {
    "count_b", "SELECT count(*) FROM grow_b", "SELECT count(*) FROM grow_b", "", 0, "i"};

static enum err open_steps(struct fail *f, const char *url, const struct db_migration *table, size_t count,
                           struct db **out)
{
    static struct db_module module;
    static const struct db_module *const modules[] = {&module};
    module = (struct db_module){.name = "grow", .migrations = table, .migration_count = count};
    return db_open(f, url, modules, 1, out);
}

static void open_and_close(const char *url, size_t count)
{
    struct db *db;
    struct fail f = {0};
    if (open_steps(&f, url, steps, count, &db))
        fail_msg("%s", f.detail);
    db_close(db);
}

static enum err count_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db_rows rows;
    db_query(tx, &rows, &count_b, DB_NONE);
    if (db_next(&rows))
        *(int64_t *)arg = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

static int64_t rows_of_b(const char *url, size_t known)
{
    struct db *db;
    int64_t count = -1;
    assert_ok(open_steps(NULL, url, steps, known, &db));
    assert_ok(db_read(db, NULL, count_fn, &count));
    db_close(db);
    return count;
}

static void a_schema_grows_from_any_version(const char *url)
{
    open_and_close(url, 1);
    assert_int_equal(rows_of_b(url, 2), 2);
    assert_int_equal(rows_of_b(url, 2), 2); /* nothing is applied twice */
    assert_int_equal(rows_of_b(url, 3), 3);
}
BOTH(a_schema_grows_from_any_version)

static void a_fresh_one_gets_all(const char *url)
{
    assert_int_equal(rows_of_b(url, 3), 3);
}
BOTH(a_fresh_one_gets_all)

static void a_newer_schema_is_refused(const char *url)
{
    struct db *db;
    struct fail f;
    open_and_close(url, 3);
    assert_err(open_steps(&f, url, steps, 2, &db), ERR_DB_NEWER);
    assert_string_equal(f.detail, "grow: the database has 3, this program knows 2");
    open_and_close(url, 3);
}
BOTH(a_newer_schema_is_refused)

static void a_gap_or_another_history_is_refused(const char *url)
{
    struct db *db;
    struct fail f;
    assert_err(open_steps(&f, url, gapped_steps, 2, &db), ERR_DB_MIGRATION);
    assert_err(open_steps(&f, url, other_steps, 1, &db), ERR_DB_MIGRATION);
    assert_string_equal(f.detail, "grow: number 1 was another one");
}
BOTH(a_gap_or_another_history_is_refused)

static void a_migration_that_fails_leaves_nothing(const char *url)
{
    struct db *db;
    struct fail f;
    open_and_close(url, 2);
    assert_err(open_steps(&f, url, broken_steps, 3, &db), ERR_DB);
    assert_int_equal(rows_of_b(url, 2), 2);
    assert_int_equal(rows_of_b(url, 3), 3);
}
BOTH(a_migration_that_fails_leaves_nothing)

static void a_migration_that_is_killed_leaves_nothing(const char *url)
{
    open_and_close(url, 2);
    pid_t child = fork();
    if (!child) {
        struct db *db;
        _exit(open_steps(NULL, url, slow_steps, 3, &db) ? 1 : 2);
    }
    nanosleep(&(struct timespec){.tv_nsec = 400 * 1000 * 1000}, NULL);
    int status = -1;
    assert_int_equal(waitpid(child, &status, WNOHANG), 0); /* it is in the middle */
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (strstr(url, "://"))
        postgres_run(url, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                          " WHERE datname = current_database() AND pid <> pg_backend_pid()");
    assert_int_equal(rows_of_b(url, 2), 2);
    assert_int_equal(rows_of_b(url, 3), 3);
}
BOTH(a_migration_that_is_killed_leaves_nothing)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_a_fresh_one_gets_all),
        cmocka_unit_test(both_a_schema_grows_from_any_version),
        cmocka_unit_test(both_a_newer_schema_is_refused),
        cmocka_unit_test(both_a_gap_or_another_history_is_refused),
        cmocka_unit_test(both_a_migration_that_fails_leaves_nothing),
        cmocka_unit_test(both_a_migration_that_is_killed_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
