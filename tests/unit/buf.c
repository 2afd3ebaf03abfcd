/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "test.h"

static void a_write_that_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4);
    buf_add_str(&b, STR("abc"));
    buf_add_str(&b, STR("de"));
    assert_str(buf_str(&b), "abc");
    assert_err(buf_check(&b, NULL, "t"), ERR_LIMIT);
    buf_clear(&b);
    buf_add_u32(&b, 0x01020304);
    assert_ok(buf_check(&b, NULL, "t"));
    assert_str(buf_str(&b), "\1\2\3\4");
    buf_release(&b);
}

static void formats_of_any_length(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    buf_add_format(&b, "%0600d|", 7);
    assert_int_equal(b.n, 601);
    assert_int_equal(b.p[599], '7');
    buf_release(&b);
}

static void no_memory_is_no_limit(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    memory_fail_at(1);
    buf_add_str(&b, STR("a"));
    assert_err(buf_check(&b, NULL, "x"), ERR_MEMORY);
    buf_clear(&b);
    buf_add_str(&b, STR("a"));
    assert_ok(buf_check(&b, NULL, "x"));
    assert_str(buf_str(&b), "a");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_that_does_not_fit_changes_nothing),
        cmocka_unit_test(formats_of_any_length),
        cmocka_unit_test(no_memory_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
