/* SPDX-License-Identifier: Apache-2.0 */
#include "store/retention.h"
#include "base/file.h"
#include "test.h"

#include <ftw.h>

static void no_shortest_life_is_longer_than_the_longest(void **state UNUSED)
{
    size_t count;
    const struct retention_row *rows = retention_rows(&count);
    struct date start = {2024, 2, 29};
    assert_true(count > 30);
    for (size_t i = 0; i < count; i++) {
        struct date due = retention_due(&rows[i], start), end = retention_end(&rows[i], start);
        bool kept_always = rows[i].shortest.years < 0;
        if (kept_always ? rows[i].longest.years >= 0 : date_compare(date_add_days(due, -1), end) > 0)
            fail_msg("%s: must live longer than it may", rows[i].name);
        if (!rows[i].article[0] || !rows[i].name[0])
            fail_msg("row %zu says too little", i);
        for (size_t k = 0; k < i; k++)
            if (rows[k].subject == rows[i].subject && rows[k].start == rows[i].start &&
                str_equal(str_of(rows[k].name), str_of(rows[i].name)))
                fail_msg("%s stands twice with the same start", rows[i].name);
    }
}

static void the_clock_of_a_version_starts_with_the_next_notice(void **state UNUSED)
{
    const struct retention_row *row = retention_find(RETENTION_TABLE, "store_version");
    assert_non_null(row);
    assert_string_equal(retention_start_name(row->start), "next_notice");
    struct date due = retention_due(row, (struct date){2026, 11, 22});
    assert_int_equal(date_to_int(due), 21761123);
    row = retention_find(RETENTION_PAPER, "user_id_book");
    assert_int_equal(date_to_int(retention_due(row, (struct date){2026, 11, 22})), 20291123);
    row = retention_find(RETENTION_TABLE, "flow_number_issued");
    assert_int_equal(date_to_int(retention_due(row, (struct date){2026, 11, 22})), 99991231);
    assert_null(retention_find(RETENTION_TABLE, "no_such_table"));
}

static void every_message_has_a_row(void **state UNUSED)
{
    static const char *const kinds[] = {
#define NOTICE(name, number, text, version) text,
#define QUESTION_KIND(name, number, text, version) text,
#include "link/kind.def"
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (!retention_find(RETENTION_MESSAGE, kinds[i]))
            fail_msg("src/store/retention.def has no row for the message %s", kinds[i]);
}

/* ---- every table that a migration makes ---- */

static int tables, missing;

static void look_up(struct str name)
{
    char text[64];
    snprintf(text, sizeof text, "%.*s", STR_ARG(name));
    tables++;
    if (retention_find(RETENTION_TABLE, text))
        return;
    missing++;
    print_error("src/store/retention.def has no row for the table %s: add one\n", text);
}

static void look_for_tables(const char *path)
{
    static const char create[] = "CREATE TABLE ";
    struct buf b;
    buf_init(&b, 1024 * 1024);
    assert_ok(file_read(NULL, path, &b));
    for (const char *p = b.n ? strstr(b.p, create) : NULL; p; p = strstr(p, create)) {
        p += sizeof create - 1;
        look_up((struct str){p, strspn(p, "abcdefghijklmnopqrstuvwxyz_0123456789")});
    }
    buf_release(&b);
}

static int visit(const char *path, const struct stat *st UNUSED, int flag, struct FTW *at UNUSED)
{
    size_t n = strlen(path);
    if (flag == FTW_F && strstr(path, "/migration/") && n > 4 && strcmp(path + n - 4, ".sql") == 0)
        look_for_tables(path);
    return 0;
}

static void every_table_has_a_row(void **state UNUSED)
{
    char path[512];
    const char *root = getenv("JUKI_SOURCE");
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/src", root);
    assert_int_equal(nftw(path, visit, 16, FTW_PHYS), 0);
    assert_true(tables >= 3);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_shortest_life_is_longer_than_the_longest),
        cmocka_unit_test(the_clock_of_a_version_starts_with_the_next_notice),
        cmocka_unit_test(every_message_has_a_row),
        cmocka_unit_test(every_table_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
