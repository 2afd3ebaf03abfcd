/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "test.h"

static void stamps_read_back(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    int64_t stamp = 0;
    assert_string_equal(clock_text(1795305600123456, text), "2026-11-22T00:00:00.123456Z");
    assert_ok(clock_parse(NULL, str_of(text), &stamp));
    assert_true(stamp == 1795305600123456);
    assert_err(clock_parse(NULL, STR("2026-13-22T00:00:00.123456Z"), &stamp), ERR_MALFORMED);
    assert_err(clock_parse(NULL, STR("2026-11-22"), &stamp), ERR_MALFORMED);
}

static void days_turn_at_midnight_in_japan(void **state)
{
    (void)state;
    assert_int_equal(clock_japan_date(1795305600000000 + 15ll * 3600000000 - 1), 20261122);
    assert_int_equal(clock_japan_date(1795305600000000 + 15ll * 3600000000), 20261123);
}

static void the_clock_can_be_moved(void **state)
{
    (void)state;
    int64_t before = clock_now();
    clock_shift(86400);
    assert_true(clock_now() - before >= 86400ll * 1000000);
    clock_shift(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_read_back),
        cmocka_unit_test(days_turn_at_midnight_in_japan),
        cmocka_unit_test(the_clock_can_be_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
