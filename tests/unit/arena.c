/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "test.h"

static void the_limit_holds(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 40000);
    assert_non_null(arena_alloc(&a, 30000));
    assert_null(arena_alloc(&a, 30000));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_true(a.used <= a.limit);
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 30000));
    arena_release(&a);
    arena_release(&a);
}

static void memory_is_zeroed_after_reset(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 40000);
    char *p = arena_alloc(&a, 100);
    memset(p, 'x', 100);
    arena_reset(&a);
    p = arena_alloc(&a, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    arena_release(&a);
}

static void a_failed_allocation_is_told(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 40000);
    memory_fail_at(1);
    assert_null(arena_alloc(&a, 10));
    assert_non_null(arena_alloc(&a, 10));
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(memory_is_zeroed_after_reset),
        cmocka_unit_test(a_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
