/* SPDX-License-Identifier: Apache-2.0 */
/* The published vectors all pass; and the self-test itself can fail. */
#include "keys/selftest.h"

#include "base/file.h"
#include "test.h"

#include <unistd.h>

static void print_failed(void *arg, const struct selftest_line *line)
{
    (void)arg;
    if (!line->passed)
        print_error("%s: %s: %s\n", line->suite, line->name, line->why);
}

static const char *vectors(const char *name, char out[static 512])
{
    const char *source = getenv("JUKI_SOURCE");
    snprintf(out, 512, "%s/data/vectors/%s", source ? source : ".", name);
    return out;
}

static void every_wycheproof_row_passes(void **state)
{
    (void)state;
    char path[512];
    struct selftest_count count = {0};
    assert_ok(selftest_ff1_file(NULL, vectors("wycheproof_aes_ff1_radix10.json", path), print_failed, NULL, &count));
    assert_int_equal(count.passed, 3845);
    assert_int_equal(count.failed, 0);
}

static void every_nist_sample_passes(void **state)
{
    (void)state;
    char path[512];
    struct selftest_count count = {0};
    assert_ok(selftest_ff1_nist(NULL, vectors("ff1_nist_sp800-38g_samples.tsv", path), print_failed, NULL, &count));
    assert_int_equal(count.passed, 9);
    assert_int_equal(count.failed, 0);
}

static void every_known_answer_is_known(void **state)
{
    (void)state;
    struct selftest_count count = {0};
    selftest_known_answers(print_failed, NULL, &count);
    assert_int_equal(count.passed, 8);
    assert_int_equal(count.failed, 0);
}

static enum err right(struct fail *f)
{
    (void)f;
    return ERR_OK;
}

static enum err wrong(struct fail *f)
{
    return fail_set(f, ERR_SELFTEST, "selftest", "as it should");
}

static void keep_why(void *arg, const struct selftest_line *line)
{
    if (!line->passed)
        snprintf(arg, 80, "%s/%s/%s", line->suite, line->name, line->why);
}

static void a_wrong_answer_is_told(void **state)
{
    (void)state;
    static const struct selftest_answer rows[] = {{"one", right}, {"two", wrong}};
    struct selftest_count count = {0};
    char why[80] = "";
    selftest_run("own", rows, COUNT_OF(rows), keep_why, why, &count);
    assert_int_equal(count.passed, 1);
    assert_int_equal(count.failed, 1);
    assert_string_equal(why, "own/two/as it should");
}

#define GROUP(radix, alphabet, tests)                                                                        \
    "{\"numberOfTests\":1,\"testGroups\":[{" alphabet "\"radix\":" radix ",\"tests\":[" tests "]}]}"
#define TEST(keys, msg, ct, result)                                                                          \
    "{\"tcId\":1," keys "\"msg\":" msg ",\"ct\":" ct ",\"result\":\"" result "\"}"
#define KEY(key, tweak) "\"key\":\"" key "\",\"tweak\":\"" tweak "\","
#define DECIMAL "\"alphabet\":\"0123456789\","
#define K19 KEY("474bbf2aff5c252419c49a07d50e2bdf", "d64296c362368a3d") /* Wycheproof's row 19: 302141 gives 166088 */
#define K7 KEY("ad65778960d778c614e2673dee073acb", "4505f45a8fa30b90")  /* and row 7, too short for revision 1 */

static const struct {
    const char *text;
    enum err err;
    bool passes;
} files[] = {
    {GROUP("10", DECIMAL, TEST(K19, "\"302141\"", "\"166088\"", "valid")), ERR_OK, true},
    {GROUP("10", DECIMAL, TEST(K19, "\"302141\"", "\"166089\"", "valid")), ERR_OK, false},
    {GROUP("10", DECIMAL, TEST(K19, "\"302142\"", "\"166088\"", "valid")), ERR_OK, false},
    {GROUP("10", DECIMAL, TEST(K19, "\"302141\"", "\"16608\"", "valid")), ERR_OK, false},
    {GROUP("10", DECIMAL, TEST(K19, "\"302141\"", "\"16608a\"", "valid")), ERR_OK, false},
    {GROUP("10", DECIMAL, TEST(K19, "\"302141\"", "\"166088\"", "invalid")), ERR_OK, false},
    {GROUP("10", DECIMAL, TEST(K19, "\"302141\"", "\"166088\"", "acceptable")), ERR_OK, true},
    {GROUP("10", DECIMAL, TEST(K19, "\"302141\"", "\"166089\"", "acceptable")), ERR_OK, false},
    {GROUP("10", DECIMAL, TEST(K19, "\"30214a\"", "\"166088\"", "invalid")), ERR_OK, true},
    {GROUP("10", DECIMAL, TEST(K19, "\"3021４1\"", "\"166088\"", "invalid")), ERR_OK, true},
    {GROUP("10", DECIMAL, TEST(K19, "\"30214a\"", "\"166088\"", "valid")), ERR_OK, false},
    {GROUP("10", DECIMAL, TEST(K19, "\"30214a\"", "\"166088\"", "acceptable")), ERR_OK, true},
    {GROUP("10", "", TEST(K19, "[3,0,2,1,4,1]", "[1,6,6,0,8,8]", "valid")), ERR_OK, true},
    {GROUP("10", "", TEST(K19, "[3,0,2,1,4,-1]", "[1,6,6,0,8,8]", "invalid")), ERR_OK, true},
    {GROUP("10", "", TEST(K19, "[3,0,2,1,4,266]", "[1,6,6,0,8,8]", "invalid")), ERR_OK, true},
    {GROUP("10", "", TEST(K19, "[3,0,2,1,4,1]", "[1,6,6,0,8,264]", "valid")), ERR_OK, false},
    {GROUP("10", DECIMAL, TEST(K7, "\"91\"", "\"19\"", "valid")), ERR_OK, true},
    {GROUP("10", DECIMAL, TEST(KEY("ad65", ""), "\"912345\"", "\"\"", "invalid")), ERR_OK, true},
    {GROUP("10", DECIMAL, TEST(KEY("ad65", ""), "\"912345\"", "\"123456\"", "valid")), ERR_OK, false},
    {GROUP("65536", "", TEST(K7, "[35521,37776]", "[24655,32503]", "valid")), ERR_OK, false},
    {GROUP("65536", "", TEST(K7, "[35521,70000]", "[24655,32503]", "invalid")), ERR_OK, true},
    {GROUP("2", "\"alphabet\":\"01\",", TEST(K7, "\"\"", "\"\"", "invalid")), ERR_OK, true},
    {GROUP("11", DECIMAL, TEST(K19, "\"302141\"", "\"166088\"", "valid")), ERR_MALFORMED, false},
    {GROUP("10", DECIMAL, TEST(K19, "\"302141\"", "\"166088\"", "perhaps")), ERR_FIELD_RANGE, false},
    {GROUP("10", DECIMAL, TEST(KEY("zz", ""), "\"302141\"", "\"166088\"", "valid")), ERR_MALFORMED, false},
    {GROUP("10", DECIMAL, ""), ERR_MALFORMED, false},
    {"{\"numberOfTests\":1}", ERR_FIELD_MISSING, false},
    {"[", ERR_JSON, false},
};

static void a_file_of_one_row_passes_or_fails(void **state)
{
    (void)state;
    char path[] = "/tmp/juki-selftest-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct selftest_count count = {0};
        assert_ok(file_write(NULL, path, str_of(files[i].text), 0600));
        enum err e = selftest_ff1_file(NULL, path, NULL, NULL, &count);
        if (e != files[i].err)
            fail_msg("row %zu: %s", i, err_row(e)->name);
        if (!e && (count.passed != files[i].passes || count.failed != !files[i].passes))
            fail_msg("row %zu: %u passed, %u failed", i, (unsigned)count.passed, (unsigned)count.failed);
    }
    unlink(path);
}

static void a_bad_table_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/juki-selftest-XXXXXX";
    struct selftest_count count = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    static const char *const tables[] = {"", "radix\tkey\n", "h\n10\t00\n", "h\n37\t00\t\t0\t0\n", "h\n10\tx\t\t0\t0\n"};
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        assert_ok(file_write(NULL, path, str_of(tables[i]), 0600));
        assert_err(selftest_ff1_nist(NULL, path, NULL, NULL, &count), ERR_MALFORMED);
    }
    assert_ok(file_write(NULL, path,
                         STR("h\n10\t2B7E151628AED2A6ABF7158809CF4F3C\t\t0123456789\t2433477485\n"), 0600));
    assert_ok(selftest_ff1_nist(NULL, path, NULL, NULL, &count));
    assert_int_equal(count.failed, 1);
    unlink(path);
    assert_err(selftest_ff1_nist(NULL, path, NULL, NULL, &count), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wycheproof_row_passes), cmocka_unit_test(every_nist_sample_passes),
        cmocka_unit_test(every_known_answer_is_known), cmocka_unit_test(a_wrong_answer_is_told),
        cmocka_unit_test(a_file_of_one_row_passes_or_fails), cmocka_unit_test(a_bad_table_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
