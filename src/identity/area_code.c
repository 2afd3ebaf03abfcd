/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/area_code.h"

#include "identity/digits.h"

static const struct area_row rows[] = {
#define AREA(code, type, city, name, kana, prefecture, addresses, cs)                                        \
    {{code}, AREA_##type, {city}, addresses, cs, name, kana, prefecture},
#include "area_data.h"
#undef AREA
};
static const struct area_change changes[] = {
#define CHANGE(old_code, new_code, old_name, new_name) {{old_code}, {new_code}, old_name, new_name},
#include "area_data.h"
#undef CHANGE
};
static const struct type_row {
    const char *name, *ja;
} types[] = {
    [AREA_PREFECTURE] = {"prefecture", "都道府県"},
    [AREA_DESIGNATED_CITY] = {"designated_city", "政令指定都市"},
    [AREA_DESIGNATED_WARD] = {"designated_ward", "政令指定都市の区"},
    [AREA_SPECIAL_WARD] = {"special_ward", "特別区"},
    [AREA_CITY] = {"city", "市"},
    [AREA_TOWN] = {"town", "町"},
    [AREA_VILLAGE] = {"village", "村"},
    [AREA_NORTHERN_VILLAGE] = {"northern_village", "北方領土の村"},
};

static bool prefecture_exists(int64_t code5)
{
    return code5 >= 1000 && code5 <= 47999;
}

struct area_code area_code_from5(int32_t code5)
{
    static const int8_t weights[5] = {2, 3, 4, 5, 6};
    assert(prefecture_exists(code5));
    int check = (11 - digits_weigh(code5, weights, COUNT_OF(weights))) % 10;
    return (struct area_code){code5 * 10 + check};
}

bool area_code_valid(struct area_code code)
{
    return code.value > 0 && prefecture_exists(code.value / 10) &&
           area_code_from5(code.value / 10).value == code.value;
}

enum err area_code_parse(struct fail *f, struct str text, struct area_code *out)
{
    int64_t value;
    if (!digits_read(text, AREA_CODE_DIGITS, &value))
        return digits_refuse(f, ERR_AREA_CODE_FORM, "area_code", text, AREA_CODE_DIGITS);
    if (!prefecture_exists(value / 10))
        return fail_set(f, ERR_AREA_CODE_FORM, "area_code", "%06d", (int)value);
    if (!area_code_valid((struct area_code){(int32_t)value}))
        return fail_set(f, ERR_AREA_CODE_CHECK, "area_code", "%06d", (int)value);
    *out = (struct area_code){(int32_t)value};
    return ERR_OK;
}

enum err area_code_parse5(struct fail *f, struct str text, struct area_code *out)
{
    int64_t value;
    if (!digits_read(text, AREA_CODE_DIGITS - 1, &value))
        return digits_refuse(f, ERR_AREA_CODE_FORM, "area_code", text, AREA_CODE_DIGITS - 1);
    if (!prefecture_exists(value))
        return fail_set(f, ERR_AREA_CODE_FORM, "area_code", "%05d", (int)value);
    *out = area_code_from5((int32_t)value);
    return ERR_OK;
}

const char *area_code_text(struct area_code code, char out[static AREA_CODE_TEXT_SIZE])
{
    digits_write(code.value, AREA_CODE_DIGITS, out);
    return out;
}

const struct area_row *area_code_find(struct area_code code)
{
    size_t low = 0, high = COUNT_OF(rows);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].code.value < code.value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < COUNT_OF(rows) && rows[low].code.value == code.value ? &rows[low] : NULL;
}

enum err area_code_check_address(struct fail *f, const char *field, struct area_code code)
{
    const struct area_row *row = area_code_find(code);
    if (row && row->holds_addresses)
        return ERR_OK;
    if (row)
        return fail_set(f, ERR_AREA_CODE_ADDRESS, field, "%06d %s", (int)code.value, row->name);
    if (!area_code_valid(code))
        return fail_set(f, ERR_AREA_CODE_CHECK, field, "%06d", (int)code.value);
    const struct area_change *change = area_code_successor(code);
    return fail_set(f, ERR_AREA_CODE_UNKNOWN, field, "%06d%s%s", (int)code.value, change ? " → " : "",
                    change ? change->new_name : "");
}

struct area_code area_code_cs(struct area_code code)
{
    const struct area_row *row = area_code_find(code);
    if (!row)
        return (struct area_code){0};
    return row->runs_cs ? code : row->city;
}

struct area_code area_code_of_prefecture(int prefecture)
{
    assert(prefecture >= 1 && prefecture <= 47);
    return area_code_from5(prefecture * 1000);
}

const struct area_change *area_code_successor(struct area_code code)
{
    for (size_t i = 0; i < COUNT_OF(changes); i++)
        if (changes[i].old_code.value == code.value)
            return &changes[i];
    return NULL;
}

const struct area_row *area_rows(size_t *count)
{
    *count = COUNT_OF(rows);
    return rows;
}

const struct area_change *area_changes(size_t *count)
{
    *count = COUNT_OF(changes);
    return changes;
}

const char *area_type_name(enum area_type type, enum fail_language language)
{
    assert((size_t)type < COUNT_OF(types));
    return language == FAIL_JAPANESE ? types[type].ja : types[type].name;
}
