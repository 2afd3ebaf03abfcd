/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed-width decimal numbers with weighted sums: what the three check digit rules share. Private to
 * identity. */
#ifndef JUKI_IDENTITY_DIGITS_H
#define JUKI_IDENTITY_DIGITS_H

#include "base/str.h"

/* Exactly `count` half-width digits (count <= 18). */
MUST_CHECK bool digits_read(struct str text, size_t count, int64_t *out);
/* value as `count` digits with leading zeros and an end; out holds count + 1 bytes. */
void digits_write(int64_t value, size_t count, char *out);
/* The same with all but the first two digits hidden by '*'. */
void digits_write_masked(int64_t value, size_t count, char *out);
/* The sum of each digit times its weight, modulo 11; weights[0] belongs to the last digit. */
int digits_weigh(int64_t value, const int8_t *weights, size_t count);
/* The check digit of 住民票コード and 個人番号: 11 - remainder, 0 when the remainder is 0 or 1. */
int digits_check(int remainder);
/* Says what is wrong with text that should have been `count` digits, without repeating any of it. */
enum err digits_refuse(struct fail *f, enum err err, const char *field, struct str text, size_t count);

#endif
