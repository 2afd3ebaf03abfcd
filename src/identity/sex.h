/* SPDX-License-Identifier: Apache-2.0 */
/* 男女の別 (住民基本台帳法 7 条 3 号). The numbers are our own table: those of the real network are not
 * published. */
#ifndef JUKI_IDENTITY_SEX_H
#define JUKI_IDENTITY_SEX_H

#include "base/str.h"

enum sex { SEX_UNKNOWN = 0, SEX_MALE = 1, SEX_FEMALE = 2 };

/* "male", "female", "unknown". ERR_SEX. */
MUST_CHECK enum err sex_parse(struct fail *f, struct str text, enum sex *out);
/* The number as stored; ERR_SEX for any other. */
MUST_CHECK enum err sex_from_int(struct fail *f, int64_t number, enum sex *out);
/* "male"; the word in JSON. */
const char *sex_name(enum sex sex);
/* 「男」「女」「不明」; the word on screens and papers. */
const char *sex_text(enum sex sex);

#endif
