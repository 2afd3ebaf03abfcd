/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"
#include "test.h"

enum { SECOND = 1000 * 1000, MINUTE = 60 * SECOND };

/* From full to empty and back, a second a step: what is said, and when it is forgotten. */
static void each_level_is_said_once(void **state)
{
    (void)state;
    struct pool p = {.name = "cups"};
    int64_t now = 5 * SECOND;
    int said = 0;
    for (int64_t left = 100; left >= 0; left--, now += SECOND) {
        bool rose = pool_look(&p, left, 100, now);
        assert_int_equal(rose, left == 30 || left == 10);
        assert_int_equal(p.level, left <= 10 ? 2 : left <= 30 ? 1 : 0);
        said += rose;
    }
    assert_int_equal(said, 2);
    assert_int_equal(p.left, 0);
    assert_false(pool_look(&p, 40, 100, now));
    assert_int_equal(p.level, 2); /* not yet for a minute */
    assert_false(pool_look(&p, 40, 100, now + MINUTE));
    assert_int_equal(p.level, 0);
    assert_true(pool_look(&p, 30, 100, now + MINUTE + SECOND));
}

static void who_takes_and_gives_back_is_heard_once(void **state)
{
    (void)state;
    struct pool p = {.name = "cups"};
    int said = 0;
    for (int64_t i = 0; i < 600; i++)
        said += pool_look(&p, i % 50 ? 64 : 2, 64, i * SECOND);
    assert_int_equal(said, 1);
    for (int64_t i = 600; i < 800; i++) /* a little above the limit is not clear of it */
        assert_false(pool_look(&p, 34, 100, i * SECOND));
    assert_int_equal(p.level, 1);
}

static void a_fall_past_both_levels_is_one_word(void **state)
{
    (void)state;
    struct pool p = {.name = "cups"};
    assert_false(pool_look(&p, 8, 8, 0));
    assert_true(pool_look(&p, 0, 8, SECOND));
    assert_int_equal(p.level, 2);
    assert_int_equal(pool_percent(p.level), 10);
    assert_false(pool_look(&p, 2, 8, 2 * SECOND));
    assert_false(pool_look(&p, 2, 8, 2 * SECOND + MINUTE)); /* up to the level that it has: nothing new */
    assert_int_equal(p.level, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_is_said_once),
        cmocka_unit_test(who_takes_and_gives_back_is_heard_once),
        cmocka_unit_test(a_fall_past_both_levels_is_one_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
