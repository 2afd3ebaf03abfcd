/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "test.h"

static void bad_json_is_refused_before_it_hurts(void **state)
{
    (void)state;
    char deep[4000];
    memset(deep, '[', sizeof deep);
    const struct {
        struct str s;
        enum err want;
    } rows[] = {
        {{deep, sizeof deep}, ERR_JSON_DEPTH}, {STR("{\"a\":1,\"a\":2}"), ERR_JSON}, {STR("{} x"), ERR_JSON},
        {STR(""), ERR_JSON},                   {STR("{\"a\":\"\xff\"}"), ERR_JSON},  {STR("7"), ERR_JSON},
        {STR("{\"a\":99999999999999999999}"), ERR_JSON}, {STR("{\"a\":\"\\u0000\"}"), ERR_JSON},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *tree = NULL;
        assert_err(json_read(NULL, rows[i].s, &tree), rows[i].want);
        assert_null(tree);
    }
}

static void brackets_in_text_do_not_count(void **state)
{
    (void)state;
    json_t *tree;
    assert_ok(json_read(NULL, STR("{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[\"}"), &tree));
    json_decref(tree);
}

static void members_are_typed_and_ranged(void **state)
{
    (void)state;
    struct arena a;
    struct str text;
    struct fail f;
    int64_t n = 0;
    json_t *tree;
    arena_init(&a, 10000);
    assert_ok(json_read(&f, STR("{\"a\":\"x\",\"n\":5,\"z\":null}"), &tree));
    assert_ok(json_member_text(&f, tree, "a", &a, &text));
    assert_str(text, "x");
    assert_err(json_member_text(&f, tree, "n", &a, &text), ERR_FIELD_TYPE);
    assert_string_equal(f.field, "n");
    assert_err(json_member_text(&f, tree, "z", &a, &text), ERR_FIELD_MISSING);
    assert_err(json_member_int(&f, tree, "n", 6, 9, &n), ERR_FIELD_RANGE);
    assert_ok(json_member_int(&f, tree, "n", 5, 5, &n));
    assert_int_equal(n, 5);
    json_decref(tree);
    arena_release(&a);
}

static void writing_escapes_and_places_commas(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "a", STR("\"\\\n西"));
    json_begin(&b, "l", '[');
    json_add_int(&b, NULL, 1);
    json_add_bool(&b, NULL, false);
    json_end(&b, ']');
    json_end(&b, '}');
    assert_str(buf_str(&b), "{\"a\":\"\\\"\\\\\\u000a西\",\"l\":[1,false]}");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_json_is_refused_before_it_hurts),
        cmocka_unit_test(brackets_in_text_do_not_count),
        cmocka_unit_test(members_are_typed_and_ranged),
        cmocka_unit_test(writing_escapes_and_places_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
