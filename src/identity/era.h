/* SPDX-License-Identifier: Apache-2.0 */
/* 元号: 明治 1868-01-25, 大正 1912-07-30, 昭和 1926-12-25, 平成 1989-01-08, 令和 2019-05-01.
 *
 * 1912-07-30 and 1926-12-25 belong to both eras, so 明治45年7月30日 and 大正15年12月25日 are read; they are
 * written in the newer era. Meiji dates are taken by the number of year, month and day without turning the
 * old lunar calendar (before 1873). When unknown parts leave the era open (1989-00-00), the western year is
 * written: nothing is invented. */
#ifndef JUKI_IDENTITY_ERA_H
#define JUKI_IDENTITY_ERA_H

#include "identity/civil_date.h"

struct era {
    const char *name; /* 「令和」 */
    char letter;      /* 'R' */
    struct date first, last;
};
enum { ERA_TEXT_SIZE = 64 };

/* The era of a date and the year in it (1 = 元年); NULL when it is open or before 明治. */
const struct era *era_of(struct date d, int *year);
/* 「令和8年11月22日」, 「平成元年1月8日」, 「昭和6年月日不詳」, 「1989年月日不詳」, 「年月日不詳」. Returns
 * out. */
const char *era_text(struct date d, char out[static ERA_TEXT_SIZE]);
/* The same by the western year, as the births of foreign residents are written: 「1990年5月3日」,
 * 「1990年月日不詳」. Returns out. */
const char *era_western_text(struct date d, char out[static ERA_TEXT_SIZE]);
/* "R08.11.22", "S06.00.00", "1989.00.00", "0000.00.00". Returns out. */
const char *era_short(struct date d, char out[static ERA_TEXT_SIZE]);
/* All of the above, with half-width or full-width digits, and lower-case letters. The day must lie in the
 * era. ERR_DATE_FORM, ERR_DATE_REAL, ERR_DATE_ERA. */
MUST_CHECK enum err era_parse(struct fail *f, const char *field, struct str text, struct date *out);
const struct era *eras(size_t *count);

#endif
