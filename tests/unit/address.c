/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/address.h"
#include "test.h"

static char long_text[ADDRESS_MAX_POINTS + 2];

static void an_address_is_checked_field_by_field(void **state)
{
    (void)state;
    memset(long_text, 'a', ADDRESS_MAX_POINTS + 1);
    const struct {
        int32_t area;
        const char *text, *town, *postal;
        enum err want;
        const char *field;
    } rows[] = {
        {282049, "兵庫県西宮市六湛寺町１０番３号", "0123000", "6620918", ERR_OK, ""},
        {11011, "北海道札幌市中央区", "", "", ERR_OK, ""},
        {282049, "甲", "123456789012", "", ERR_OK, ""},
        {282048, "甲", "", "", ERR_AREA_CODE_CHECK, "area_code"},
        {403059, "甲", "", "", ERR_AREA_CODE_UNKNOWN, "area_code"},
        {280003, "甲", "", "", ERR_AREA_CODE_ADDRESS, "area_code"},
        {282049, "", "", "", ERR_FIELD_MISSING, "address"},
        {282049, "甲　", "", "", ERR_TEXT_SPACE, "address"},
        {282049, "甲\n乙", "", "", ERR_TEXT_CHARACTER, "address"},
        {282049, long_text, "", "", ERR_TEXT_LONG, "address"},
        {282049, long_text + 1, "", "", ERR_OK, ""},
        {282049, "甲", "1234567890123", "", ERR_TOWN_CODE, "town_code"},
        {282049, "甲", "12a", "", ERR_TOWN_CODE, "town_code"},
        {282049, "甲", "", "662091", ERR_POSTAL_CODE, "postal_code"},
        {282049, "甲", "", "662-0918", ERR_POSTAL_CODE, "postal_code"},
        {282049, "甲", "", "66２0918", ERR_POSTAL_CODE, "postal_code"},
        {282049, "甲", "", "662091x", ERR_POSTAL_CODE, "postal_code"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fail f = {0};
        const struct address address = {
            {rows[i].area}, str_of(rows[i].text), str_of(rows[i].town), str_of(rows[i].postal)};
        enum err e = address_check(&f, &address);
        if (e != rows[i].want)
            fail_msg("row %zu: %s", i, err_row(e)->name);
        assert_string_equal(f.field, rows[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_checked_field_by_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
