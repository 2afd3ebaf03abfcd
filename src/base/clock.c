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

static void split(int64_t stamp, struct tm *tm, int64_t *micros)
{
    int64_t seconds = stamp / 1000000;
    *micros = stamp % 1000000;
    if (*micros < 0) {
        *micros += 1000000;
        seconds--;
    }
    time_t t = (time_t)seconds;
    struct tm *done = gmtime_r(&t, tm);
    assert(done);
}

const char *clock_text(int64_t stamp, char out[static CLOCK_TEXT_SIZE])
{
    struct tm tm;
    int64_t micros;
    split(stamp, &tm, &micros);
    size_t n = strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, CLOCK_TEXT_SIZE - n, ".%06dZ", (int)micros);
    return out;
}

enum err clock_parse(struct fail *f, struct str text, int64_t *stamp)
{
    struct tm tm = {0};
    int micros = 0, used = 0;
    char copy[CLOCK_TEXT_SIZE], back[CLOCK_TEXT_SIZE];
    if (text.n != CLOCK_TEXT_SIZE - 1)
        return fail_set(f, ERR_MALFORMED, "time", NULL);
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    if (sscanf(copy, "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &micros, &used) != 7 ||
        used != CLOCK_TEXT_SIZE - 1)
        return fail_set(f, ERR_MALFORMED, "time", NULL);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    int64_t value = (int64_t)timegm(&tm) * 1000000 + micros;
    if (strcmp(clock_text(value, back), copy) != 0)
        return fail_set(f, ERR_MALFORMED, "time", NULL);
    *stamp = value;
    return ERR_OK;
}

int32_t clock_japan_date(int64_t stamp)
{
    struct tm tm;
    int64_t micros;
    split(stamp + (int64_t)9 * 3600 * 1000000, &tm, &micros);
    return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}
