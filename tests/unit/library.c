/* SPDX-License-Identifier: Apache-2.0 */
#include "base/library.h"

#include "test.h"

struct libm {
    double (*floor)(double);
    double (*hypot)(double, double);
};

static const struct library_name good[] = {{"floor", offsetof(struct libm, floor)},
                                           {"hypot", offsetof(struct libm, hypot)}},
                                 bad[] = {{"floor", offsetof(struct libm, floor)}, {"no_such_root", 0}};

static void its_functions_are_called(void **state UNUSED)
{
    struct libm m = {0};
    assert_ok(library_load(NULL, "libm.so.6", good, COUNT_OF(good), &m));
    assert_true(m.floor(2.5) == 2 && m.hypot(3, 4) == 5);
}

static void a_missing_library_is_named(void **state UNUSED)
{
    struct libm m = {0};
    struct fail f = {0};
    assert_int_equal(library_load(&f, "libno-such.so.1", good, COUNT_OF(good), &m), ERR_IO);
    assert_string_equal(f.field, "libno-such.so.1");
    assert_non_null(strstr(f.detail, "cannot open shared object file"));
    assert_null(m.floor);
}

static void a_missing_function_is_named(void **state UNUSED)
{
    struct libm m = {0};
    struct fail f = {0};
    assert_int_equal(library_load(&f, "libm.so.6", bad, COUNT_OF(bad), &m), ERR_IO);
    assert_non_null(strstr(f.detail, "no_such_root"));
    assert_null(m.floor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_functions_are_called),
        cmocka_unit_test(a_missing_library_is_named),
        cmocka_unit_test(a_missing_function_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
