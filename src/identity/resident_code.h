/* SPDX-License-Identifier: Apache-2.0 */
/* 住民票コード: 10 random digits and a check digit (住民基本台帳法施行規則 1 条).
 *
 * Check digit: modulus 11 with weights 2,3,4,5,6,7,2,3,4,5 from the last payload digit; 11 minus the
 * remainder, and 0 when the remainder is 0 or 1. The ministerial notice itself was not at hand: the rule is
 * the one commonly described, and every published specimen agrees with it. Whether the first digit may be 0
 * is not published, so leading zeros are kept. Two payload digits that give the remainders 0 and 1 share the
 * check digit 0: a change between just these is the only one-digit error that goes unseen. */
#ifndef JUKI_IDENTITY_RESIDENT_CODE_H
#define JUKI_IDENTITY_RESIDENT_CODE_H

#include "base/str.h"

#define RESIDENT_CODE_MAX INT64_C(99999999999)
#define RESIDENT_CODE_PAYLOAD_MAX INT64_C(9999999999)
enum { RESIDENT_CODE_DIGITS = 11, RESIDENT_CODE_TEXT_SIZE = 12 };

struct resident_code {
    int64_t value; /* 0..RESIDENT_CODE_MAX, check digit included */
};

/* Exactly 11 half-width digits with a right check digit. ERR_RESIDENT_CODE_FORM, ERR_RESIDENT_CODE_CHECK. */
MUST_CHECK enum err resident_code_parse(struct fail *f, struct str text, struct resident_code *out);
/* Appends the check digit to payload, 0..RESIDENT_CODE_PAYLOAD_MAX (asserted). */
struct resident_code resident_code_from_payload(int64_t payload);
/* In range and the check digit is right. */
bool resident_code_valid(struct resident_code code);
static inline bool resident_code_equal(struct resident_code a, struct resident_code b)
{
    return a.value == b.value;
}

/* "24*********": what logs, errors and screens may show. Returns out. */
const char *resident_code_masked(struct resident_code code, char out[static RESIDENT_CODE_TEXT_SIZE]);
/* All 11 digits. Only for a message, a store or a paper that must carry the code; never for a log or an
 * error. Returns out. */
const char *resident_code_REVEAL(struct resident_code code, char out[static RESIDENT_CODE_TEXT_SIZE]);

#endif
