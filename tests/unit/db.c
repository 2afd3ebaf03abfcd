/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"
#include "db/backend.h"
#include "sample_sql.h"
#include "stores.h"
#include "test.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct db_module *const modules[] = {&sample_module};

static struct db *open_sample(const char *url)
{
    return stores_open(url, modules, COUNT_OF(modules));
}

static enum err count_rows(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_sample_row_count, DB_NONE);
    while (db_next(&rows))
        *(int64_t *)arg = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

static int64_t rows_in(struct db *db)
{
    int64_t count = -1;
    assert_ok(db_read(db, NULL, count_rows, &count));
    return count;
}

static enum err add_one(struct db_tx *tx, struct fail *f, void *arg)
{
    return db_exec(tx, f, &sql_sample_row_add, DB(db_int(*(int64_t *)arg), db_text(STR("a note"))), NULL);
}

static void add(struct db *db, int64_t id)
{
    assert_ok(db_transaction(db, NULL, add_one, &id));
}

static void a_change_stays_after_reopening(const char *url)
{
    struct db *db = open_sample(url);
    add(db, 1);
    assert_int_equal(rows_in(db), 1);
    db_close(db);
    db = open_sample(url);
    assert_int_equal(rows_in(db), 1);
    struct db_stats stats;
    add(db, 2);
    db_stats(db, &stats);
    assert_int_equal(stats.groups, 1);
    assert_int_equal(stats.changes, 1);
    int64_t flushes = 0;
    for (size_t i = 0; i < COUNT_OF(stats.flush_micros); i++)
        flushes += stats.flush_micros[i];
    assert_int_equal(flushes, 1);
    db_close(db);
}
BOTH(a_change_stays_after_reopening)

/* ---- types */

struct typed {
    int64_t id;
    struct db_value number, word, raw;
    bool seen;
};

static enum err typed_put(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct typed *t = arg;
    int64_t changed = 0;
    enum err e =
        db_exec(tx, f, &sql_sample_typed_put, DB(db_int(t->id), t->number, t->word, t->raw), &changed);
    if (!e)
        assert_int_equal(changed, 1);
    return e;
}

static void same(const struct db_rows *rows, int column, const struct db_value *want)
{
    assert_int_equal(db_row_null(rows, column), want->type == 'n');
    if (column == 0) {
        assert_true(db_row_int(rows, 0) == want->number);
        return;
    }
    struct str seen = column == 1 ? db_row_text(rows, 1) : db_row_bytes(rows, 2);
    assert_non_null(seen.p);
    assert_int_equal(seen.n, want->text.n);
    if (seen.n)
        assert_memory_equal(seen.p, want->text.p, seen.n);
}

static enum err typed_get(struct db_tx *tx, struct fail *f, void *arg)
{
    struct typed *t = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_sample_typed_get, DB(db_int(t->id)));
    while (db_next(&rows)) {
        same(&rows, 0, &t->number);
        same(&rows, 1, &t->word);
        same(&rows, 2, &t->raw);
        t->seen = true;
    }
    assert_false(db_next(&rows)); /* the end stays the end */
    return db_done(&rows, f);
}

static void types_come_back_as_they_went(const char *url)
{
    static const unsigned char bytes[] = {0, 1, 0xff, 0, 0x80};
    struct typed table[] = {
        {1, db_null(), db_null(), db_null(), false},
        {2, db_int(0), db_text(STR("")), db_bytes("", 0), false},
        {3, db_int(INT64_MAX), db_text(STR("葛\U000E0100飾区 \\ ' \" $1 ?1")), db_bytes(bytes, sizeof bytes),
         false},
        {4, db_int(INT64_MIN), db_text(STR("𠮷野家")), db_bytes(NULL, 0), false},
        {5, db_int(-1), db_text((struct str){NULL, 0}), db_bytes(bytes, 1), false},
        {1, db_int(7), db_text(STR("anew")), db_null(), false},
    };
    struct db *db = open_sample(url);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        assert_ok(db_transaction(db, NULL, typed_put, &table[i]));
        assert_ok(db_read(db, NULL, typed_get, &table[i]));
        assert_true(table[i].seen);
    }
    db_close(db);
}
BOTH(types_come_back_as_they_went)

/* ---- failures */

static enum err add_twice_and_say_ok(struct db_tx *tx, struct fail *f, void *arg)
{
    enum err e = add_one(tx, f, arg);
    if (e)
        return e;
    assert_err(add_one(tx, f, arg), ERR_EXISTS);
    int64_t other = *(int64_t *)arg + 1;
    assert_err(add_one(tx, f, &other), ERR_EXISTS); /* nothing more runs */
    return ERR_OK;
}

static void a_failed_statement_loses_its_change(const char *url)
{
    struct db *db = open_sample(url);
    int64_t id = 1;
    struct fail f = {0};
    assert_err(db_transaction(db, &f, add_twice_and_say_ok, &id), ERR_EXISTS);
    assert_int_equal(f.err, ERR_EXISTS);
    assert_int_equal(rows_in(db), 0);
    add(db, 1);
    db_close(db);
}
BOTH(a_failed_statement_loses_its_change)

static enum err keep_one(struct db_tx *tx, struct fail *f, void *arg)
{
    return db_exec(tx, f, &sql_sample_row_keep, DB(db_int(1), db_text(STR("kept"))), arg);
}

static void exists_already_can_be_asked(const char *url)
{
    struct db *db = open_sample(url);
    int64_t changed = -1;
    assert_ok(db_transaction(db, NULL, keep_one, &changed));
    assert_int_equal(changed, 1);
    assert_ok(db_transaction(db, NULL, keep_one, &changed));
    assert_int_equal(changed, 0);
    db_close(db);
}
BOTH(exists_already_can_be_asked)

static void a_snapshot_may_not_write(const char *url)
{
    struct db *db = open_sample(url);
    int64_t id = 1;
    assert_err(db_read(db, NULL, add_one, &id), ERR_DB_READ_ONLY);
    assert_int_equal(rows_in(db), 0);
    add(db, 1);
    db_close(db);
}
BOTH(a_snapshot_may_not_write)

/* ---- statements in statements */

static enum err list_within_list(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db_rows outer, inner;
    db_query(tx, &outer, &sql_sample_row_list, DB(db_int(0)));
    while (db_next(&outer)) {
        db_query(tx, &inner, &sql_sample_row_list, DB(db_int(db_row_int(&outer, 0))));
        while (db_next(&inner))
            ++*(int *)arg;
        enum err e = db_done(&inner, f);
        if (e) {
            (void)!db_done(&outer, NULL);
            return e;
        }
    }
    return db_done(&outer, f);
}

static void a_statement_runs_within_its_own_rows(const char *url)
{
    struct db *db = open_sample(url);
    for (int64_t id = 1; id <= 4; id++)
        add(db, id);
    int pairs = 0;
    assert_ok(db_read(db, NULL, list_within_list, &pairs));
    assert_int_equal(pairs, 4 + 3 + 2 + 1);
    db_close(db);
}
BOTH(a_statement_runs_within_its_own_rows)

static enum err change_notes(struct db_tx *tx, struct fail *f, void *arg)
{
    return db_exec(tx, f, &sql_sample_row_change, DB(db_int(2), db_text(STR("changed"))), arg);
}

static void parameters_are_numbered_not_in_order_of_appearance(const char *url)
{
    struct db *db = open_sample(url);
    for (int64_t id = 1; id <= 3; id++)
        add(db, id);
    int64_t changed = 0;
    assert_ok(db_transaction(db, NULL, change_notes, &changed));
    assert_int_equal(changed, 2);
    db_close(db);
}
BOTH(parameters_are_numbered_not_in_order_of_appearance)

/* ---- snapshots */

struct isolation {
    struct db *db;
    int64_t before, after;
};

static void *add_from_another_thread(void *arg)
{
    add(arg, 100);
    return NULL;
}

static enum err look_twice(struct db_tx *tx, struct fail *f, void *arg)
{
    struct isolation *i = arg;
    enum err e = count_rows(tx, f, &i->before);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, add_from_another_thread, i->db), 0);
    pthread_join(writer, NULL);
    return e ? e : count_rows(tx, f, &i->after);
}

static void a_snapshot_does_not_move(const char *url)
{
    struct isolation i = {.db = open_sample(url)};
    add(i.db, 1);
    assert_ok(db_read(i.db, NULL, look_twice, &i));
    assert_int_equal(i.before, 1);
    assert_int_equal(i.after, 1);
    assert_int_equal(rows_in(i.db), 2);
    db_close(i.db);
}
BOTH(a_snapshot_does_not_move)

static enum err count_for_ever(struct db_tx *tx, struct fail *f, void *arg UNUSED)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_sample_numbers, DB(db_int(INT64_MAX)));
    while (db_next(&rows)) {
    }
    return db_done(&rows, f);
}

static enum err dawdle(struct db_tx *tx, struct fail *f, void *arg)
{
    nanosleep(&(struct timespec){.tv_nsec = 60 * 1000 * 1000}, NULL);
    return count_rows(tx, f, arg);
}

static void a_snapshot_ends_in_time(const char *url)
{
    struct db *db = open_sample(url);
    assert_int_equal(db->read_micros, 5000000);
    db->read_micros = 50 * 1000;
    assert_err(db_read(db, NULL, count_for_ever, NULL), ERR_DB_SNAPSHOT_TIME);
    int64_t count = -1;
    assert_err(db_read(db, NULL, dawdle, &count), ERR_DB_SNAPSHOT_TIME);
    db->read_micros = DB_READ_MICROS;
    assert_int_equal(rows_in(db), 0);
    db_close(db);
}
BOTH(a_snapshot_ends_in_time)

static enum err look_at_nothing(struct db_tx *tx UNUSED, struct fail *f UNUSED, void *arg UNUSED)
{
    return ERR_OK;
}

/* Enough of them that SQLite asks for the time inside a BEGIN; the limit of the first has passed long ago. */
static void many_snapshots_do_not_inherit_a_limit(const char *url)
{
    struct db *db = open_sample(url);
    int64_t count;
    db->read_micros = 1000;
    (void)!db_read(db, NULL, count_rows, &count);
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    int reads = strcmp(db_backend(db), "sqlite") == 0 ? 30000 : 10;
    db->read_micros = 0;
    for (int i = 0; i < reads; i++)
        assert_ok(db_read(db, NULL, look_at_nothing, NULL));
    db_close(db);
}
BOTH(many_snapshots_do_not_inherit_a_limit)

static void *read_many(void *arg)
{
    intptr_t wrong = 0;
    for (int i = 0; i < 20; i++) {
        int64_t count = 0;
        wrong += db_read(arg, NULL, count_rows, &count) || count != 1;
    }
    return (void *)wrong;
}

static void readers_share_the_pool(const char *url)
{
    enum { THREADS = 4 * DB_READERS };
    struct db *db = open_sample(url);
    pthread_t threads[THREADS];
    add(db, 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_many, db), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    db_close(db);
}
BOTH(readers_share_the_pool)

/* ---- one writer */

static void a_second_opening_is_refused(const char *url)
{
    struct db *db = open_sample(url), *second = NULL;
    struct fail f;
    assert_err(db_open(&f, url, modules, 1, &second), ERR_DB_LOCKED);
    assert_null(second);
    add(db, 1);
    db_close(db);
    db_close(open_sample(url));
}
BOTH(a_second_opening_is_refused)

static void a_reader_opens_beside_the_writer_and_after_it(const char *url)
{
    struct db *db = open_sample(url), *reader = NULL;
    add(db, 1);
    assert_ok(db_open_reader(NULL, url, modules, 1, &reader));
    assert_int_equal(rows_in(reader), 1);
    add(db, 2);
    assert_int_equal(rows_in(reader), 2);
    db_close(reader);
    add(db, 3);
    db_close(db);
    assert_ok(db_open_reader(NULL, url, modules, 1, &reader));
    assert_int_equal(rows_in(reader), 3);
    db = open_sample(url); /* a reader does not keep the writer out */
    add(db, 4);
    assert_int_equal(rows_in(reader), 4);
    db_close(reader);
    db_close(db);
}
BOTH(a_reader_opens_beside_the_writer_and_after_it)

static void a_reader_makes_nothing(void **state UNUSED)
{
    const char *path = sqlite_fresh();
    struct db *reader = NULL;
    assert_true(db_open_reader(NULL, path, modules, 1, &reader) != ERR_OK);
    assert_null(reader);
    assert_int_equal(access(path, F_OK), -1);
}

static void another_process_is_refused(const char *url)
{
    struct db *db = open_sample(url);
    pid_t child = fork();
    if (!child) {
        struct db *second;
        _exit(db_open(NULL, url, modules, 1, &second) == ERR_DB_LOCKED ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    db_close(db);
}
BOTH(another_process_is_refused)

static void the_file_is_private(void **state UNUSED)
{
    const char *path = sqlite_fresh();
    char link[80];
    struct stat st;
    struct db *db = open_sample(path), *second;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(link, sizeof link, "%s-alias", path);
    assert_int_equal(symlink(path, link), 0);
    assert_err(db_open(NULL, link, modules, 1, &second), ERR_DB_LOCKED);
    db_close(db);
}

static void every_sample_prepares(const char *url)
{
    struct db *db = open_sample(url);
    struct fail f = {0};
    if (db_prepare_all(&f, db))
        fail_msg("%s", f.detail);
    db_close(db);
}
BOTH(every_sample_prepares)

static void a_wrong_statement_is_named(const char *url)
{
    static const struct db_stmt bad = {"sample_bad", "SELECT 1, 2", "SELECT 1, 2", "", 0, "i"};
    static const struct db_stmt *const stmts[] = {&bad};
    static const struct db_module wrong = {.name = "wrong", .stmts = stmts, .stmt_count = 1};
    static const struct db_module *const wrongs[] = {&wrong};
    struct db *db = stores_open(url, wrongs, 1);
    struct fail f = {0};
    assert_err(db_prepare_all(&f, db), ERR_DB);
    assert_non_null(strstr(f.detail, "sample_bad"));
    db_close(db);
}
BOTH(a_wrong_statement_is_named)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_a_change_stays_after_reopening),
        cmocka_unit_test(both_types_come_back_as_they_went),
        cmocka_unit_test(both_a_failed_statement_loses_its_change),
        cmocka_unit_test(both_exists_already_can_be_asked),
        cmocka_unit_test(both_a_snapshot_may_not_write),
        cmocka_unit_test(both_a_statement_runs_within_its_own_rows),
        cmocka_unit_test(both_parameters_are_numbered_not_in_order_of_appearance),
        cmocka_unit_test(both_a_snapshot_does_not_move),
        cmocka_unit_test(both_a_snapshot_ends_in_time),
        cmocka_unit_test(both_many_snapshots_do_not_inherit_a_limit),
        cmocka_unit_test(both_readers_share_the_pool),
        cmocka_unit_test(both_a_second_opening_is_refused),
        cmocka_unit_test(both_a_reader_opens_beside_the_writer_and_after_it),
        cmocka_unit_test(a_reader_makes_nothing),
        cmocka_unit_test(both_another_process_is_refused),
        cmocka_unit_test(the_file_is_private),
        cmocka_unit_test(both_every_sample_prepares),
        cmocka_unit_test(both_a_wrong_statement_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
