/* SPDX-License-Identifier: Apache-2.0 */
#include "door/telegram_837y.h"
#include "test.h"

#include "base/random.h"

static const struct area_code area = {282049};

static struct telegram_person person(int64_t payload)
{
    return (struct telegram_person){resident_code_from_payload(payload),
                                    individual_number_from_payload(payload * 7)};
}

static void one_person_stands_in_the_published_columns(void **state)
{
    (void)state;
    struct telegram_person one = {{24727059608}, {379474484458}};
    struct buf b;
    buf_init(&b, 1000);
    assert_ok(telegram_837y_write(NULL, area, &one, 1, &b));
    assert_str(buf_str(&b), "837Y012820424727059608379474484458$\n");
    buf_release(&b);
}

static void what_is_written_is_read_back_one_telegram_at_a_time(void **state)
{
    (void)state;
    struct random_seeded r = {20261122};
    struct telegram_person in[TELEGRAM_837Y_PERSONS], out[TELEGRAM_837Y_PERSONS];
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int round = 0; round < 50; round++) {
        size_t n = 1 + random_seeded_below(&r, TELEGRAM_837Y_PERSONS), seen = 0;
        for (size_t i = 0; i < n; i++)
            in[i] = person((int64_t)random_seeded_below(&r, 1000000000));
        buf_clear(&b);
        assert_ok(telegram_837y_write(NULL, area, in, n, &b));
        assert_ok(telegram_837y_write(NULL, area, in, 1, &b));
        struct str rest = buf_str(&b);
        struct area_code seen_area;
        assert_ok(telegram_837y_read(NULL, &rest, &seen_area, out, &seen));
        assert_int_equal(seen, n);
        assert_int_equal(seen_area.value, area.value);
        assert_memory_equal(in, out, n * sizeof *in);
        assert_ok(telegram_837y_read(NULL, &rest, &seen_area, out, &seen));
        assert_int_equal(seen, 1);
        assert_int_equal(rest.n, 0);
    }
    buf_release(&b);
}

static void counts_outside_1_to_99_are_refused(void **state)
{
    (void)state;
    struct telegram_person many[TELEGRAM_837Y_PERSONS + 1];
    struct buf b;
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = person((int64_t)i);
    assert_err(telegram_837y_write(NULL, area, many, 0, &b), ERR_TELEGRAM_COUNT);
    assert_err(telegram_837y_write(NULL, area, many, COUNT_OF(many), &b), ERR_TELEGRAM_COUNT);
    assert_int_equal(b.n, 0);
    buf_release(&b);
}

static void bad_bytes_are_refused_and_left_alone(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        enum err want;
    } rows[] = {
        {STR(""), ERR_TELEGRAM_FORM},
        {STR("837Z012820424727059608379474484458$\n"), ERR_TELEGRAM_FORM},
        {STR("837Y002820424727059608379474484458$\n"), ERR_TELEGRAM_FORM},
        {STR("837Y022820424727059608379474484458$\n"), ERR_TELEGRAM_FORM}, /* says two, brings one */
        {STR("837Y012820424727059608379474484458$"), ERR_TELEGRAM_FORM},
        {STR("837Y012820424727059608379474484458\r\n"), ERR_TELEGRAM_FORM},
        {STR("837Y01282O424727059608379474484458$\n"), ERR_AREA_CODE_FORM},
        {STR("837Y012820424727059609379474484458$\n"), ERR_RESIDENT_CODE_CHECK},
        {STR("837Y012820424727059608379474484459$\n"), ERR_INDIVIDUAL_NUMBER_CHECK},
    };
    struct telegram_person out[TELEGRAM_837Y_PERSONS];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str rest = rows[i].bytes;
        struct area_code seen_area;
        size_t n;
        assert_err(telegram_837y_read(NULL, &rest, &seen_area, out, &n), rows[i].want);
        assert_ptr_equal(rest.p, rows[i].bytes.p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_person_stands_in_the_published_columns),
        cmocka_unit_test(what_is_written_is_read_back_one_telegram_at_a_time),
        cmocka_unit_test(counts_outside_1_to_99_are_refused),
        cmocka_unit_test(bad_bytes_are_refused_and_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
