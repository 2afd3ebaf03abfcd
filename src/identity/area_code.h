/* SPDX-License-Identifier: Apache-2.0 */
/* 全国地方公共団体コード: prefecture (2 digits), municipality (3), check digit (1); and whose it is.
 *
 * Check digit of abcde: (11 - (6a+5b+4c+3d+2e) mod 11) mod 10: another rule than that of persons' numbers.
 * The table (data/area_codes.tsv, list of 2024-01-01) is compiled in. A resident of a designated city carries
 * the code of the ward (住民基本台帳法 38 条); one CS, the city's, serves all its wards. Prefectures,
 * designated cities as such and the six villages of the northern territories hold no addresses. */
#ifndef JUKI_IDENTITY_AREA_CODE_H
#define JUKI_IDENTITY_AREA_CODE_H

#include "base/str.h"

enum { AREA_CODE_DIGITS = 6, AREA_CODE_TEXT_SIZE = 7 };
struct area_code {
    int32_t value; /* six digits, 010006..; 0 is no code */
};

enum area_type {
    AREA_PREFECTURE,
    AREA_DESIGNATED_CITY,
    AREA_DESIGNATED_WARD,
    AREA_SPECIAL_WARD,
    AREA_CITY,
    AREA_TOWN,
    AREA_VILLAGE,
    AREA_NORTHERN_VILLAGE
};
struct area_row {
    struct area_code code;
    enum area_type type;
    struct area_code city;  /* of a designated ward: its designated city; else 0 */
    bool holds_addresses;   /* a resident may live under this code */
    bool runs_cs;           /* a mayor with a register and a CS of the municipality's own */
    const char *name;       /* "西宮市"; a ward with its city: "札幌市中央区" */
    const char *kana;       /* "ニシノミヤシ", full width */
    const char *prefecture; /* "兵庫県" */
};
/* A code that ended or a name that changed. */
struct area_change {
    struct area_code old_code;
    struct area_code new_code; /* 0: divided, the address decides */
    const char *old_name, *new_name;
};

/* Six half-width digits, prefecture 01..47, right check digit; whether anybody has the code is
 * area_code_find's matter. ERR_AREA_CODE_FORM, ERR_AREA_CODE_CHECK. */
MUST_CHECK enum err area_code_parse(struct fail *f, struct str text, struct area_code *out);
/* The five-digit form that some messages carry; the check digit is added. ERR_AREA_CODE_FORM. */
MUST_CHECK enum err area_code_parse5(struct fail *f, struct str text, struct area_code *out);
/* code5 (1000..47999) with its check digit. */
struct area_code area_code_from5(int32_t code5);
bool area_code_valid(struct area_code code);
static inline bool area_code_equal(struct area_code a, struct area_code b)
{
    return a.value == b.value;
}
/* "282049". Returns out. */
const char *area_code_text(struct area_code code, char out[static AREA_CODE_TEXT_SIZE]);

/* NULL when nobody has the code today. */
const struct area_row *area_code_find(struct area_code code);
/* A resident may live under it. ERR_AREA_CODE_CHECK, _UNKNOWN (the detail names a successor), _ADDRESS. */
MUST_CHECK enum err area_code_check_address(struct fail *f, const char *field, struct area_code code);
/* The municipality whose CS serves this code: a ward's city, else itself; value 0 when no CS does. */
struct area_code area_code_cs(struct area_code code);
/* 1..47. */
static inline int area_code_prefecture(struct area_code code)
{
    return code.value / 10000;
}
/* The prefecture's own code, 兵庫県 280003 for any code in it. */
struct area_code area_code_of_prefecture(int prefecture);
/* What became of a code that ended or was renamed; NULL when nothing is known. */
const struct area_change *area_code_successor(struct area_code code);
/* All rows, ascending by code. */
const struct area_row *area_rows(size_t *count);
const struct area_change *area_changes(size_t *count);
/* "designated_ward" and 「政令指定都市の区」. */
const char *area_type_name(enum area_type type, enum fail_language language);

#endif
