/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"
#include "test.h"

#include <limits.h>

static void distances_count_edits_and_swaps(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned want;
    } rows[] = {
        {"", "", 0},         {"", "abc", 3},           {"abc", "", 3},
        {"long", "long", 0}, {"lon", "long", 1},       {"logn", "long", 1},
        {"lung", "long", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(nearest_distance(str_of(rows[i].a), str_of(rows[i].b)), rows[i].want);
}

static void long_words_have_no_neighbour(void **state)
{
    (void)state;
    char word[NEAREST_LENGTH_MAX + 2];
    memset(word, 'a', sizeof word);
    struct str most = {word, NEAREST_LENGTH_MAX}, more = {word, NEAREST_LENGTH_MAX + 1};
    assert_int_equal(nearest_distance(most, most), 0);
    assert_int_equal(nearest_distance(most, more), UINT_MAX);
    assert_int_equal(nearest_distance(more, STR("a")), UINT_MAX);
}

static void only_a_near_name_is_offered(void **state)
{
    (void)state;
    struct nearest n = nearest_begin(STR("ledgre"));
    nearest_offer(&n, "zebra");
    assert_null(n.best);
    nearest_offer(&n, "ledges");
    nearest_offer(&n, "ledger");
    nearest_offer(&n, "edge");
    assert_string_equal(n.best, "ledger");
    n = nearest_begin(STR("xy"));
    nearest_offer(&n, "ab");
    assert_null(n.best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_count_edits_and_swaps),
        cmocka_unit_test(long_words_have_no_neighbour),
        cmocka_unit_test(only_a_near_name_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
