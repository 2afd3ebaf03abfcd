/* SPDX-License-Identifier: Apache-2.0 */
#include "db/sqlite.h"

#include "test.h"

enum { PAGE = 4300, LARGER = 20000 };

static void a_page_takes_the_place_of_a_page(void **state UNUSED)
{
    void *a = sqlite3_malloc(PAGE), *b = sqlite3_malloc(PAGE);
    assert_true(a && b && a != b);
    sqlite3_free(a);
    void *other = sqlite3_malloc(100), *large = sqlite3_malloc(LARGER), *again = sqlite3_malloc(PAGE);
    assert_ptr_equal(again, a);
    sqlite3_free(again);
    sqlite3_free(large);
    sqlite3_free(other);
    sqlite3_free(b);
}

static void a_page_that_grows_keeps_what_it_holds(void **state UNUSED)
{
    char *p = sqlite3_malloc(PAGE);
    memset(p, 'x', PAGE);
    assert_ptr_equal(sqlite3_realloc(p, PAGE - 1), p);
    p = sqlite3_realloc(p, LARGER);
    assert_non_null(p);
    for (int i = 0; i < PAGE; i++)
        assert_int_equal(p[i], 'x');
    assert_true(sqlite3_msize(p) >= LARGER);
    sqlite3_free(p);
}

/* Some 60,000 pages have a place; the others come from the heap, and all of them can be given back. */
static void more_than_there_is_place_for(void **state UNUSED)
{
    enum { MANY = 65000 };
    int64_t before = sqlite3_memory_used();
    char **p = memory_new(MANY * sizeof *p);
    for (int i = 0; i < MANY; i++) {
        p[i] = sqlite3_malloc(PAGE);
        assert_non_null(p[i]);
        memcpy(p[i], &i, sizeof i);
    }
    assert_true(sqlite3_memory_used() - before >= (int64_t)MANY * PAGE);
    for (int i = 0; i < MANY; i++) {
        assert_memory_equal(p[i], &i, sizeof i);
        sqlite3_free(p[i]);
    }
    memory_free(p);
    assert_int_equal(sqlite3_memory_used(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_takes_the_place_of_a_page),
        cmocka_unit_test(a_page_that_grows_keeps_what_it_holds),
        cmocka_unit_test(more_than_there_is_place_for),
    };
    sqlite_pages_apart();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
