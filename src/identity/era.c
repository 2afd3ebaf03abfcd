/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/era.h"

static const struct era rows[] = {
    {"明治", 'M', {1868, 1, 25}, {1912, 7, 30}}, {"大正", 'T', {1912, 7, 30}, {1926, 12, 25}},
    {"昭和", 'S', {1926, 12, 25}, {1989, 1, 7}}, {"平成", 'H', {1989, 1, 8}, {2019, 4, 30}},
    {"令和", 'R', {2019, 5, 1}, {9999, 12, 31}},
};
static const char *const units[3] = {"年", "月", "日"};

const struct era *eras(size_t *count)
{
    *count = COUNT_OF(rows);
    return rows;
}

/* A partly unknown date with its unknown parts set: the earliest and the latest day it may be. */
static struct date filled(struct date d, int8_t month, int8_t day)
{
    if (d.month == 0)
        d.month = month;
    if (d.day == 0)
        d.day = day;
    return d;
}

static struct date earliest(struct date d)
{
    return filled(d, 1, 1);
}

static struct date latest(struct date d)
{
    return filled(d, 12, 31);
}

const struct era *era_of(struct date d, int *year)
{
    for (size_t i = COUNT_OF(rows); d.year && i-- > 0;) {
        const struct era *era = &rows[i];
        /* Whole possible span in the era; the newest era that holds it. */
        if (date_compare(earliest(d), era->first) < 0 || date_compare(latest(d), era->last) > 0)
            continue;
        *year = d.year - era->first.year + 1;
        return era;
    }
    return NULL;
}

static const char *units_text(struct date d, const struct era *era, int year, char out[static ERA_TEXT_SIZE])
{
    const int parts[3] = {year, d.month, d.day};
    int n = snprintf(out, ERA_TEXT_SIZE, "%s", era ? era->name : "");
    for (int i = 0; i < 3; i++) {
        char number[8];
        snprintf(number, sizeof number, "%d", parts[i]);
        const char *shown = era && i == 0 && year == 1 ? "元" : parts[i] ? number : "";
        bool closes = !parts[i] && (i == 2 || parts[i + 1]); /* the last unit of a run of unknown ones */
        n += snprintf(out + n, (size_t)(ERA_TEXT_SIZE - n), "%s%s%s", shown, units[i], closes ? "不詳" : "");
    }
    return out;
}

const char *era_text(struct date d, char out[static ERA_TEXT_SIZE])
{
    int year = d.year;
    const struct era *era = era_of(d, &year);
    return units_text(d, era, year, out);
}

const char *era_western_text(struct date d, char out[static ERA_TEXT_SIZE])
{
    return units_text(d, NULL, d.year, out);
}

const char *era_short(struct date d, char out[static ERA_TEXT_SIZE])
{
    int year;
    const struct era *era = era_of(d, &year);
    if (era)
        snprintf(out, ERA_TEXT_SIZE, "%c%02d.%02d.%02d", era->letter, year, d.month, d.day);
    else
        snprintf(out, ERA_TEXT_SIZE, "%04d.%02d.%02d", d.year, d.month, d.day);
    return out;
}

/* Takes a prefix off the text when it is there. */
static bool take(struct str *rest, const char *prefix)
{
    struct str p = str_of(prefix);
    if (!str_starts(*rest, p))
        return false;
    *rest = (struct str){rest->p + p.n, rest->n - p.n};
    return true;
}

/* A digit of either width; -1 when none comes. */
static int take_digit(struct str *rest)
{
    if (rest->n && rest->p[0] >= '0' && rest->p[0] <= '9') {
        int digit = rest->p[0] - '0';
        *rest = (struct str){rest->p + 1, rest->n - 1};
        return digit;
    }
    if (rest->n < 3 || memcmp(rest->p, "\xef\xbc", 2) != 0) /* U+FF10..FF19 is EF BC 90..99 */
        return -1;
    int digit = (unsigned char)rest->p[2] - 0x90;
    if (digit < 0 || digit > 9)
        return -1;
    *rest = (struct str){rest->p + 3, rest->n - 3};
    return digit;
}

/* One to four digits; -1 when there are none or more. */
static int take_number(struct str *rest)
{
    int value = take_digit(rest), digit;
    for (int count = 1; value >= 0 && (digit = take_digit(rest)) >= 0; value = value * 10 + digit)
        if (++count > 4)
            return -1;
    return value;
}

/* 「8年11月22日」, 「6年月日不詳」, 「元年1月8日」: 0 in parts for what is unknown. */
static bool read_units(struct str rest, bool era, int parts[3])
{
    bool unknown = false;
    for (int i = 0; i < 3; i++) {
        parts[i] = i == 0 && era && take(&rest, "元") ? 1 : take_number(&rest);
        if (parts[i] == 0 || !take(&rest, units[i]))
            return false;
        unknown = parts[i] < 0 ? true : unknown;
        if (parts[i] > 0 && unknown)
            return false; /* the run of unknown parts was not closed */
        if (unknown && take(&rest, "不詳"))
            unknown = false;
        if (parts[i] < 0)
            parts[i] = 0;
    }
    return rest.n == 0 && !unknown;
}

/* "08.11.22". */
static bool read_dots(struct str rest, int parts[3])
{
    for (int i = 0; i < 3; i++) {
        parts[i] = take_number(&rest);
        if (parts[i] < 0 || (i < 2 && !take(&rest, ".")))
            return false;
    }
    return rest.n == 0;
}

/* Takes 「令和」 or a letter off the text; NULL when a western year comes. */
static const struct era *take_era(struct str *rest)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char upper[2] = {rows[i].letter}, lower[2] = {(char)(rows[i].letter + 'a' - 'A')};
        if (take(rest, rows[i].name) || take(rest, upper) || take(rest, lower))
            return &rows[i];
    }
    return NULL;
}

enum err era_parse(struct fail *f, const char *field, struct str text, struct date *out)
{
    int parts[3];
    struct str rest = text;
    const struct era *era = take_era(&rest);
    if (!read_units(rest, era, parts) && !read_dots(rest, parts))
        return fail_set(f, ERR_DATE_FORM, field, NULL);
    if (era && parts[0] == 0) /* an era without its year says nothing a date can hold */
        return fail_set(f, ERR_DATE_FORM, field, NULL);
    int year = era ? era->first.year + parts[0] - 1 : parts[0];
    if (year > 9999 || parts[1] > 12 || parts[2] > 31)
        return fail_set(f, ERR_DATE_REAL, field, NULL);
    struct date d = {(int16_t)year, (int8_t)parts[1], (int8_t)parts[2]};
    if (era && (date_compare(latest(d), era->first) < 0 || date_compare(earliest(d), era->last) > 0))
        return fail_set(f, ERR_DATE_ERA, field, "%s", era->name);
    *out = d;
    return ERR_OK;
}
