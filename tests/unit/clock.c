/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "test.h"

#include <time.h>

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

/* The C library counts the same days. */
static void every_day_is_that_of_the_library(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE], want[64];
    for (int64_t day = -719162; day<2932897; day += day> - 800 && day < 60000 ? 1 : 37) {
        time_t seconds = (time_t)(day * 86400 + (day & 0xffff) % 86400);
        struct tm tm;
        int64_t back, stamp = (int64_t)seconds * 1000000 + 999999;
        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02d.999999Z", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(clock_text(stamp, text), want);
        assert_ok(clock_parse(NULL, str_of(text), &back));
        assert_true(back == stamp);
    }
}

static void what_no_clock_shows_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "2026-02-29T00:00:00.000000Z", "2100-02-29T00:00:00.000000Z", "2026-00-10T00:00:00.000000Z",
        "2026-01-00T00:00:00.000000Z", "2026-01-32T00:00:00.000000Z", "2026-01-01T24:00:00.000000Z",
        "2026-01-01T00:60:00.000000Z", "2026-01-01T00:00:60.000000Z", "2026-01-01 00:00:00.000000Z",
        "2026-01-01T00:00:00.00000aZ", "2026-01-01T00:00:00.000000z", "+026-01-01T00:00:00.000000Z"};
    int64_t stamp;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_err(clock_parse(NULL, str_of(texts[i]), &stamp), ERR_MALFORMED);
    assert_ok(clock_parse(NULL, STR("2000-02-29T23:59:59.000000Z"), &stamp));
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
        cmocka_unit_test(every_day_is_that_of_the_library),
        cmocka_unit_test(what_no_clock_shows_is_refused),
        cmocka_unit_test(days_turn_at_midnight_in_japan),
        cmocka_unit_test(the_clock_can_be_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
