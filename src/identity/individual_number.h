/* SPDX-License-Identifier: Apache-2.0 */
/* 個人番号: 11 digits and a check digit (番号法施行令 8 条; 平成26年総務省令85号 5 条).
 *
 * Check digit: Pn is the n-th digit of the 11 from the last, Qn is n+1 for n <= 6 and n-5 above; 11 minus
 * (the sum of Pn*Qn modulo 11), and 0 when the remainder is 0 or 1. A change of one digit between values that
 * give the remainders 0 and 1 is the only one-digit error that goes unseen. */
#ifndef JUKI_IDENTITY_INDIVIDUAL_NUMBER_H
#define JUKI_IDENTITY_INDIVIDUAL_NUMBER_H

#include "base/str.h"

#define INDIVIDUAL_NUMBER_MAX INT64_C(999999999999)
#define INDIVIDUAL_NUMBER_PAYLOAD_MAX INT64_C(99999999999)
enum { INDIVIDUAL_NUMBER_DIGITS = 12, INDIVIDUAL_NUMBER_TEXT_SIZE = 13 };

struct individual_number {
    int64_t value; /* 0..INDIVIDUAL_NUMBER_MAX, check digit included */
};

/* Exactly 12 half-width digits with a right check digit. ERR_INDIVIDUAL_NUMBER_FORM,
 * ERR_INDIVIDUAL_NUMBER_CHECK. */
MUST_CHECK enum err individual_number_parse(struct fail *f, struct str text, struct individual_number *out);
/* Appends the check digit to payload, 0..INDIVIDUAL_NUMBER_PAYLOAD_MAX (asserted). */
struct individual_number individual_number_from_payload(int64_t payload);
/* In range and the check digit is right. */
bool individual_number_valid(struct individual_number number);
static inline bool individual_number_equal(struct individual_number a, struct individual_number b)
{
    return a.value == b.value;
}

/* "12**********": what logs, errors and screens may show. Returns out. */
const char *individual_number_masked(struct individual_number number,
                                     char out[static INDIVIDUAL_NUMBER_TEXT_SIZE]);
/* All 12 digits. Only for a message, a store or a paper that must carry the number; never for a log or an
 * error. Returns out. */
const char *individual_number_REVEAL(struct individual_number number,
                                     char out[static INDIVIDUAL_NUMBER_TEXT_SIZE]);

#endif
