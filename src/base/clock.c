/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static atomic_llong shift_seconds;
static atomic_bool shift_known;

static int64_t shift(void)
{
    if (!atomic_load(&shift_known)) {
        const char *text = getenv("JUKI_CLOCK_SHIFT");
        if (text)
            atomic_store(&shift_seconds, strtoll(text, NULL, 10));
        atomic_store(&shift_known, true);
    }
    return atomic_load(&shift_seconds);
}

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    int failed = clock_gettime(id, &t);
    assert(!failed);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now(void)
{
    return read_clock(CLOCK_REALTIME) + shift() * 1000000;
}

int64_t clock_steady(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_shift(int64_t seconds)
{
    atomic_store(&shift_seconds, seconds);
    atomic_store(&shift_known, true);
}

/* Civil time by arithmetic: stamps are written and read for every entry of the log, and the library's
 * functions take a lock and a format each time. Days are counted in years that begin in March, so that a leap
 * day comes last. */
enum { DAYS_OF_400 = 146097, DAYS_TO_1970 = 719468 /* from March 1st of the year 0 */ };

struct moment {
    int year, month, day;   /* month and day from 1 */
    int64_t second, micros; /* of the day, of the second */
};

static int64_t floor_div(int64_t *rest, int64_t by)
{
    int64_t value = *rest, quotient = value / by;
    *rest = value % by;
    if (*rest < 0) {
        *rest += by;
        quotient--;
    }
    return quotient;
}

static struct moment split(int64_t stamp)
{
    struct moment m = {.micros = stamp};
    m.second = floor_div(&m.micros, 1000000);
    int64_t day = floor_div(&m.second, 86400) + DAYS_TO_1970, era = floor_div(&day, DAYS_OF_400);
    int64_t year = (day - day / 1460 + day / 36524 - day / (DAYS_OF_400 - 1)) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100), march = (5 * of_year + 2) / 153;
    m.day = (int)(of_year - (153 * march + 2) / 5) + 1;
    m.month = (int)(march < 10 ? march + 3 : march - 9);
    m.year = (int)(year + era * 400 + (m.month <= 2));
    return m;
}

/* The reverse, for a year from 0 on. */
static int64_t join(const struct moment *m)
{
    int64_t year = m->month <= 2 ? m->year - 1 : m->year, march = m->month <= 2 ? m->month + 9 : m->month - 3;
    int64_t day = year * 365 + floor_div(&(int64_t){year}, 4) - floor_div(&(int64_t){year}, 100) +
                  floor_div(&(int64_t){year}, 400) + (153 * march + 2) / 5 + m->day - 1;
    return ((day - DAYS_TO_1970) * 86400 + m->second) * 1000000 + m->micros;
}

static char *put(char *out, int64_t value, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    out[digits] = after;
    return out + digits + 1;
}

const char *clock_text(int64_t stamp, char out[static CLOCK_TEXT_SIZE])
{
    struct moment m = split(stamp);
    char *at = put(out, m.year < 0 ? 0 : m.year, 4, '-');
    at = put(at, m.month, 2, '-');
    at = put(at, m.day, 2, 'T');
    at = put(at, m.second / 3600, 2, ':');
    at = put(at, m.second / 60 % 60, 2, ':');
    at = put(at, m.second % 60, 2, '.');
    at = put(at, m.micros, 6, 'Z');
    *at = 0;
    return out;
}

/* Takes so many digits and the character after them; false when they are not there. */
static bool take(const char **at, int digits, char after, int *out)
{
    *out = 0;
    for (; digits; digits--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *out = *out * 10 + (**at - '0');
    }
    return *(*at)++ == after;
}

enum err clock_parse(struct fail *f, struct str text, int64_t *stamp)
{
    struct moment m;
    int hour = 0, minute = 0, second = 0, micros = 0;
    char back[CLOCK_TEXT_SIZE];
    const char *at = text.p;
    if (text.n != CLOCK_TEXT_SIZE - 1 || !take(&at, 4, '-', &m.year) || !take(&at, 2, '-', &m.month) ||
        !take(&at, 2, 'T', &m.day) || !take(&at, 2, ':', &hour) || !take(&at, 2, ':', &minute) ||
        !take(&at, 2, '.', &second) || !take(&at, 6, 'Z', &micros))
        return fail_set(f, ERR_MALFORMED, "time", NULL);
    m.second = hour * 3600 + minute * 60 + second;
    m.micros = micros;
    int64_t value = join(&m);
    if (memcmp(clock_text(value, back), text.p, text.n) != 0) /* no such month, day, hour ... */
        return fail_set(f, ERR_MALFORMED, "time", NULL);
    *stamp = value;
    return ERR_OK;
}

int32_t clock_japan_date(int64_t stamp)
{
    struct moment m = split(stamp + (int64_t)9 * 3600 * 1000000);
    return m.year * 10000 + m.month * 100 + m.day;
}
