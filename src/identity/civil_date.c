/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/civil_date.h"

#include "base/clock.h"
#include "identity/digits.h"
#include "identity/era.h"

enum { YEAR_MAX = 9999, DAYS_MAX = 3652059 /* 9999-12-31 */ };

static bool leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year));
}

bool date_birth_possible(struct date d)
{
    return d.year >= 0 && d.year <= YEAR_MAX && d.month >= 0 && d.month <= 12 && d.day >= 0 && d.day <= 31;
}

bool date_real(struct date d)
{
    return date_birth_possible(d) && date_known(d) && d.day <= days_in_month(d.year, d.month);
}

/* The shape "dddd-dd-dd"; the parts are not looked at. */
static bool read_parts(struct str text, int64_t parts[3])
{
    return text.n == 10 && text.p[4] == '-' && text.p[7] == '-' &&
           digits_read((struct str){text.p, 4}, 4, &parts[0]) &&
           digits_read((struct str){text.p + 5, 2}, 2, &parts[1]) &&
           digits_read((struct str){text.p + 8, 2}, 2, &parts[2]);
}

static struct date of_parts(const int64_t parts[3])
{
    return (struct date){(int16_t)parts[0], (int8_t)parts[1], (int8_t)parts[2]};
}

enum err date_parse(struct fail *f, const char *field, struct str text, struct date *out)
{
    int64_t parts[3];
    if (!read_parts(text, parts))
        return fail_set(f, ERR_DATE_FORM, field, NULL);
    if (!date_real(of_parts(parts)))
        return fail_set(f, ERR_DATE_REAL, field, "%.10s", text.p);
    *out = of_parts(parts);
    return ERR_OK;
}

enum err birth_date_parse(struct fail *f, const char *field, struct str text, struct date *out)
{
    int64_t parts[3];
    if (!read_parts(text, parts))
        return era_parse(f, field, text, out);
    if (!date_birth_possible(of_parts(parts)))
        return fail_set(f, ERR_DATE_REAL, field, NULL);
    *out = of_parts(parts);
    return ERR_OK;
}

const char *date_text(struct date d, char out[static DATE_TEXT_SIZE])
{
    digits_write(d.year, 4, out);
    digits_write(d.month, 2, out + 5);
    digits_write(d.day, 2, out + 8);
    out[4] = out[7] = '-';
    return out;
}

int date_compare(struct date a, struct date b)
{
    int32_t x = date_to_int(a), y = date_to_int(b);
    return (x > y) - (x < y);
}

int32_t date_to_int(struct date d)
{
    return d.year * 10000 + d.month * 100 + d.day;
}

struct date date_from_int(int32_t v)
{
    if (v < 0 || v > YEAR_MAX * 10000 + 9999)
        return (struct date){0, 0, 0};
    return (struct date){(int16_t)(v / 10000), (int8_t)(v / 100 % 100), (int8_t)(v % 100)};
}

/* Days before 1 January of a year. */
static int32_t days_before_year(int32_t year)
{
    int32_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400;
}

int32_t date_day_number(struct date d)
{
    assert(date_real(d));
    int32_t days = days_before_year(d.year) + d.day;
    for (int month = 1; month < d.month; month++)
        days += days_in_month(d.year, month);
    return days;
}

struct date date_from_day_number(int32_t days)
{
    if (days < 1)
        return (struct date){1, 1, 1};
    if (days > DAYS_MAX)
        return (struct date){YEAR_MAX, 12, 31};
    int year = days / 366 + 1, month = 1;
    while (days_before_year(year + 1) < days)
        year++;
    days -= days_before_year(year);
    for (; days > days_in_month(year, month); month++)
        days -= days_in_month(year, month);
    return (struct date){(int16_t)year, (int8_t)month, (int8_t)days};
}

struct date date_add_days(struct date d, int32_t days)
{
    int64_t sum = (int64_t)date_day_number(d) + days;
    return date_from_day_number(sum < 0 ? 0 : sum > DAYS_MAX ? DAYS_MAX + 1 : (int32_t)sum);
}

struct date date_add_years(struct date d, int32_t years)
{
    assert(date_real(d));
    int64_t year = (int64_t)d.year + years;
    if (year < 1 || year > YEAR_MAX)
        return year < 1 ? (struct date){1, 1, 1} : (struct date){YEAR_MAX, 12, 31};
    int last = days_in_month((int)year, d.month);
    return (struct date){(int16_t)year, d.month, (int8_t)(d.day < last ? d.day : last)};
}

int32_t date_days_between(struct date from, struct date to)
{
    return date_day_number(to) - date_day_number(from);
}

int date_age(struct date birth, struct date on)
{
    assert(date_real(on));
    if (birth.year == 0)
        return -1;
    if (birth.month == 0)
        birth.month = 12;
    if (birth.day == 0)
        birth.day = (int8_t)days_in_month(birth.year, birth.month);
    int years = on.year - birth.year - (on.month * 100 + on.day < birth.month * 100 + birth.day);
    return years < 0 ? -1 : years;
}

struct date date_today(void)
{
    return date_from_int(clock_japan_date(clock_now()));
}
