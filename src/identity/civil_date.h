/* SPDX-License-Identifier: Apache-2.0 */
/* Civil dates in Japan. A business date is a real day of the Gregorian calendar. A birth date is what the
 * register says: it may be a day that never was (30 February) and parts may be unknown, written 0
 * (住民記録システム標準仕様書, 生年月日). Birth dates are ordered and shown, never counted with. */
#ifndef JUKI_IDENTITY_CIVIL_DATE_H
#define JUKI_IDENTITY_CIVIL_DATE_H

#include "base/str.h"

struct date {
    int16_t year;      /* 1..9999; 0 unknown */
    int8_t month, day; /* 1..12, 1..31; 0 unknown */
};
enum { DATE_TEXT_SIZE = 11 };

/* "2026-11-22", a real day only. ERR_DATE_FORM, ERR_DATE_REAL. field is put into *f. */
MUST_CHECK enum err date_parse(struct fail *f, const char *field, struct str text, struct date *out);
/* The same form with 00 and 0000 for what is unknown and days up to 31 in any month; or any text era_parse
 * reads. ERR_DATE_FORM, ERR_DATE_REAL (month 13, day 32), ERR_DATE_ERA. */
MUST_CHECK enum err birth_date_parse(struct fail *f, const char *field, struct str text, struct date *out);
/* "2026-11-22", "1931-00-00". Returns out. */
const char *date_text(struct date d, char out[static DATE_TEXT_SIZE]);

/* A day of the Gregorian calendar, years 1..9999. */
bool date_real(struct date d);
/* Each part in range or 0: what a birth date may be. */
bool date_birth_possible(struct date d);
/* No part is 0. */
static inline bool date_known(struct date d)
{
    return d.year && d.month && d.day;
}
/* By year, month, day; unknown parts come first. <0, 0, >0. */
int date_compare(struct date a, struct date b);

/* yyyymmdd, and back (no check: parts as they stand; negative or over-long numbers give 0000-00-00). */
int32_t date_to_int(struct date d);
struct date date_from_int(int32_t yyyymmdd);

/* For real days (asserted). Results outside 0001-01-01..9999-12-31 stop at that end. */
int32_t date_day_number(struct date d); /* 0001-01-01 is 1; a Monday is 1 mod 7 */
struct date date_from_day_number(int32_t days);
struct date date_add_days(struct date d, int32_t days);
/* 29 February becomes 28 February in a common year. */
struct date date_add_years(struct date d, int32_t years);
/* to - from. */
int32_t date_days_between(struct date from, struct date to);
/* Full years lived on a real day: one more on each birthday; a 29 February birthday counts on 1 March in a
 * common year. birth may be impossible; unknown month or day count as the last of the year or month, so that
 * nobody is made older than they surely are. -1 when the year is unknown or the day lies before the birth. */
int date_age(struct date birth, struct date on);
/* Today in Japan by the one clock (settable in tests). */
struct date date_today(void);

#endif
