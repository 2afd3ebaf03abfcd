/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "json_oracle.h"
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
        {{deep, sizeof deep}, ERR_JSON_DEPTH},
        {STR("{\"a\":1,\"a\":2}"), ERR_JSON},
        {STR("{} x"), ERR_JSON},
        {STR(""), ERR_JSON},
        {STR("{\"a\":\"\xff\"}"), ERR_JSON},
        {STR("7"), ERR_JSON},
        {STR("{\"a\":\"\\u0000\"}"), ERR_JSON},
        {STR("{\"a\":\"\\ud800\"}"), ERR_JSON},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct json *tree = NULL;
        assert_err(json_read(NULL, rows[i].s, &tree), rows[i].want);
        assert_null(tree);
    }
}

/* "[1,1,1 ..." takes two bytes a value and would take fifty-six of memory. */
static void a_text_that_is_all_values_costs_little(void **state)
{
    (void)state;
    enum { FREE = 64, EACH = 8, MANY = 2 * 1024 * 1024 };
    struct buf b;
    buf_init(&b, (size_t)2 * MANY + 16);
    for (int dense = 0; dense < 2; dense++) { /* n values in 8 (n - 64) bytes, or one byte less */
        struct json *tree = NULL;
        int n = 1000;
        buf_clear(&b);
        buf_add_char(&b, '[');
        for (int i = 1; i < n; i++)
            buf_add_format(&b, "%s1", i > 1 ? "," : "");
        while (b.n < (size_t)(n - FREE) * EACH - 1 - (size_t)dense)
            buf_add_char(&b, ' ');
        buf_add_char(&b, ']');
        assert_err(json_read(NULL, buf_str(&b), &tree), dense ? ERR_LIMIT : ERR_OK);
        json_free(tree);
    }
    struct json *tree = NULL;
    buf_clear(&b);
    for (int i = 0; i < MANY; i++)
        buf_add_str(&b, i ? STR("1,") : STR("[,"));
    memory_fail_at(1); /* it is refused before there is a tree */
    assert_err(json_read(NULL, buf_str(&b), &tree), ERR_LIMIT);
    memory_fail_at(0);
    buf_release(&b);
}

static void brackets_in_text_do_not_count(void **state)
{
    (void)state;
    struct json *tree;
    assert_ok(json_read(NULL, STR("{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[\"}"), &tree));
    json_free(tree);
}

static void members_are_typed_and_ranged(void **state)
{
    (void)state;
    struct arena a;
    struct str text;
    struct fail f;
    int64_t n = 0;
    struct json *tree;
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
    json_free(tree);
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

static void what_is_read_is_what_was_written(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
    } rows[] = {
        {"{}", "{}"},
        {" [ ] ", "[]"},
        {"{\"b\":[1,-2,0,-0],\"a\":{\"z\":null,\"y\":true,\"x\":false}}",
         "{\"a\":{\"x\":false,\"y\":true,\"z\":null},\"b\":[1,-2,0,-0]}"},
        {"[\"\\u897f\\ud842\\udfb7\\/\\\\\\\"\",1.5e-3,9223372036854775807,-9223372036854775808]",
         "[\"西𠮷/\\\\\\\"\",1.5e-3,9223372036854775807,-9223372036854775808]"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct json *tree = NULL;
        struct buf b;
        buf_init(&b, 1000);
        assert_ok(json_read(NULL, str_of(rows[i].text), &tree));
        json_add_canonical(&b, NULL, tree);
        assert_string_equal(b.p, rows[i].canonical);
        json_free(tree);
        buf_release(&b);
    }
}

static void a_number_beyond_int64_is_no_whole_number(void **state)
{
    (void)state;
    struct json *tree = NULL;
    int64_t n = 0;
    assert_ok(json_read(NULL, STR("{\"a\":9223372036854775808,\"b\":1.0}"), &tree));
    assert_err(json_member_int(NULL, tree, "a", 0, INT64_MAX, &n), ERR_FIELD_TYPE);
    assert_err(json_member_int(NULL, tree, "b", 0, INT64_MAX, &n), ERR_FIELD_TYPE);
    json_free(tree);
}

static void twins_are_refused_among_many_members_too(void **state)
{
    (void)state;
    for (int twin = 0; twin < 2; twin++) {
        struct json *tree = NULL;
        struct buf b;
        buf_init(&b, 100000);
        buf_add_char(&b, '{');
        for (int i = 0; i < 500; i++)
            buf_add_format(&b, "%s\"k%d\":%d", i ? "," : "", twin && i == 499 ? 250 : i, i);
        buf_add_char(&b, '}');
        assert_err(json_read(NULL, buf_str(&b), &tree), twin ? ERR_JSON : ERR_OK);
        if (!twin)
            assert_int_equal(json_int(json_get(tree, "k499")), 499);
        json_free(tree);
        buf_release(&b);
    }
}

/* ---- beside a reader that nobody here wrote */

static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

static void add_random(struct buf *b, uint64_t *seed, int depth)
{
    static const char *const leaves[] = {"null",
                                         "true",
                                         "false",
                                         "0",
                                         "-17",
                                         "123456789012",
                                         "\"\"",
                                         "\"西宮\"",
                                         "\"a\\\"b\"",
                                         "\"\\u897f\"",
                                         "\"\\ud842\\udfb7x\"",
                                         "1.25",
                                         "2e3"};
    size_t members = (size_t)draw(seed, 5);
    if (depth == 0 || (depth < 4 && draw(seed, 3) == 0)) {
        buf_add_str(b, str_of(leaves[draw(seed, COUNT_OF(leaves))]));
        return;
    }
    bool object = draw(seed, 2);
    buf_add_char(b, object ? '{' : '[');
    for (size_t i = 0; i < members; i++) {
        buf_add_str(b, i ? STR(" , ") : STR("\t"));
        if (object)
            buf_add_format(b, "\"%c%d\" :\n", "abc"[draw(seed, 3)], (int)draw(seed, 4));
        add_random(b, seed, depth - 1);
    }
    buf_add_char(b, object ? '}' : ']');
}

/* Numbers that Jansson holds otherwise, and control characters that it writes otherwise. */
static bool comparable(const struct json *v)
{
    const struct json *child;
    if (v->type == JSON_REAL || str_equal(v->text, STR("-0")))
        return false;
    for (size_t i = 0; v->type == JSON_STRING && i < v->text.n; i++)
        if ((unsigned char)v->text.p[i] < 0x20)
            return false;
    for (size_t i = 0; i < v->key.n; i++)
        if ((unsigned char)v->key.p[i] < 0x20)
            return false;
    JSON_EACH(v, child)
    if (!comparable(child))
        return false;
    return true;
}

static void another_reader_takes_the_same_texts_for_the_same(void **state)
{
    (void)state;
    static const char spoil[] = "{}[]\",:\\u0eE+-.1 \n\xff\xe8tn";
    uint64_t seed = 20261125;
    int taken = 0, refused = 0;
    for (int round = 0; round < 60000; round++) {
        char theirs[4096];
        struct json *tree = NULL;
        struct buf b, mine;
        buf_init(&b, 4000);
        buf_init(&mine, 4000);
        add_random(&b, &seed, 4);
        for (uint64_t changes = draw(&seed, 3); changes && b.n; changes--)
            b.p[draw(&seed, b.n)] = spoil[draw(&seed, sizeof spoil - 1)];
        bool ours = !json_read(NULL, buf_str(&b), &tree);
        bool other = json_oracle(b.p, b.n, theirs, sizeof theirs);
        if (ours && comparable(tree)) {
            json_add_canonical(&mine, NULL, tree);
            assert_true(other);
            assert_string_equal(mine.p, theirs);
            taken++;
        } else if (!ours) {
            if (other)
                fail_msg("refused here only: %s", b.p);
            refused++;
        }
        json_free(tree);
        buf_release(&b);
        buf_release(&mine);
    }
    assert_in_range(taken, 8000, 60000);
    assert_in_range(refused, 8000, 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_json_is_refused_before_it_hurts),
        cmocka_unit_test(brackets_in_text_do_not_count),
        cmocka_unit_test(members_are_typed_and_ranged),
        cmocka_unit_test(writing_escapes_and_places_commas),
        cmocka_unit_test(what_is_read_is_what_was_written),
        cmocka_unit_test(a_number_beyond_int64_is_no_whole_number),
        cmocka_unit_test(a_text_that_is_all_values_costs_little),
        cmocka_unit_test(twins_are_refused_among_many_members_too),
        cmocka_unit_test(another_reader_takes_the_same_texts_for_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
