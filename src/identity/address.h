/* SPDX-License-Identifier: Apache-2.0 */
/* 住所 (住民基本台帳法 7 条 7 号): the code of the municipality or ward, and the address as the register
 * writes it. The limit is our own: the real network's column width is not published. */
#ifndef JUKI_IDENTITY_ADDRESS_H
#define JUKI_IDENTITY_ADDRESS_H

#include "identity/area_code.h"

enum { ADDRESS_MAX_POINTS = 200, TOWN_CODE_MAX = 12, POSTAL_CODE_DIGITS = 7 };

struct address {                /* text is borrowed; n == 0 is "none" */
    struct area_code area_code; /* one that holds addresses */
    struct str text;            /* the whole address, 方書 included */
    struct str town_code;       /* 大字・字コード, up to 12 digits, or none */
    struct str postal_code;     /* 7 digits without hyphen, or none */
};

/* ERR_AREA_CODE_CHECK, _UNKNOWN, _ADDRESS, ERR_FIELD_MISSING, ERR_TEXT_*, ERR_TOWN_CODE, ERR_POSTAL_CODE. */
MUST_CHECK enum err address_check(struct fail *f, const struct address *address);

#endif
