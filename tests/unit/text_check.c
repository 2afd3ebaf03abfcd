/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/text_check.h"
#include "test.h"

static void text_holds_only_what_can_be_seen(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err want;
        const char *detail;
    } rows[] = {
        {"", ERR_OK, ""},
        {"西宮　花子", ERR_OK, ""},
        {"DOE J-PAUL", ERR_OK, ""},
        {"𠮷田", ERR_OK, ""},                 /* U+20BB7 */
        {"葛\xf3\xa0\x84\x80城", ERR_OK, ""}, /* a variation selector, U+E0100 */
        {"﨑", ERR_OK, ""},                   /* U+FA11 */
        {"〓", ERR_OK, ""},
        {" 西宮", ERR_TEXT_SPACE, ""},
        {"西宮　", ERR_TEXT_SPACE, ""},
        {"　", ERR_TEXT_SPACE, ""},
        {"西宮\n花子", ERR_TEXT_CHARACTER, "U+000A"},
        {"西宮\t", ERR_TEXT_CHARACTER, "U+0009"},
        {"\x7f", ERR_TEXT_CHARACTER, "U+007F"},
        {"西\xe2\x80\x8b宮", ERR_TEXT_CHARACTER, "U+200B"}, /* zero width space */
        {"西\xe2\x80\xae宮", ERR_TEXT_CHARACTER, "U+202E"}, /* right-to-left override */
        {"\xee\x80\x80", ERR_TEXT_CHARACTER, "U+E000"},     /* private use: 外字 */
        {"\xef\xbb\xbf西宮", ERR_TEXT_CHARACTER, "U+FEFF"},
        {"\xef\xbf\xbd", ERR_TEXT_CHARACTER, "U+FFFD"},
        {"\xf3\xb0\x80\x80", ERR_TEXT_CHARACTER, "U+F0000"},
        {"\xf4\x8f\xbf\xbf", ERR_TEXT_CHARACTER, "U+10FFFF"},
        {"一二三四五六七八九十", ERR_OK, ""},
        {"一二三四五六七八九十一", ERR_TEXT_LONG, "11 > 10"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fail f = {0};
        enum err e = text_check(&f, "name", str_of(rows[i].text), 10);
        if (e != rows[i].want)
            fail_msg("row %zu: %s %s", i, err_row(e)->name, f.detail);
        assert_string_equal(f.detail, rows[i].detail);
        assert_string_equal(f.field, e ? "name" : "");
    }
}

static void only_two_characters_are_spaces(void **state)
{
    (void)state;
    static const struct {
        uint32_t point;
        bool space;
    } rows[] = {{0x20, true}, {0x3000, true}, {0xa0, false}, {0x09, false}, {0x3001, false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(text_is_space(rows[i].point), rows[i].space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_holds_only_what_can_be_seen),
        cmocka_unit_test(only_two_characters_are_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
