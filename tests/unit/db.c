/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"
#include "sample_sql.h"
#include "stores.h"
#include "test.h"

static const struct db_module *const modules[] = {&sample_module};

static struct db *open_sample(const char *url)
{
    struct db *db = NULL;
    struct fail f = {0};
    char text[300];
    if (db_open(&f, url, modules, COUNT_OF(modules), &db))
        fail_msg("%s", fail_text(&f, FAIL_ENGLISH, text, sizeof text));
    return db;
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

static void a_change_stays(const char *url)
{
    struct db *db = open_sample(url);
    int64_t id = 1;
    assert_ok(db_transaction(db, NULL, add_one, &id));
    assert_int_equal(rows_in(db), 1);
    struct fail f;
    assert_err(db_transaction(db, &f, add_one, &id), ERR_EXISTS);
    assert_int_equal(f.err, ERR_EXISTS);
    db_close(db);
    db = open_sample(url);
    assert_int_equal(rows_in(db), 1);
    assert_ok(db_prepare_all(&f, db));
    db_close(db);
}

static void a_change_stays_(void **state UNUSED)
{
    both_stores(a_change_stays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_stays_),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
