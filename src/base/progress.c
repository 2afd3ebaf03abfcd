/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how long work shows itself: label, bar, count, rate since the start, time that remains at that
 * rate. */
#include "base/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR = 20, LABEL_MAX = 40, REDRAW_MICROSECONDS = 100000, RATE_MAX = 1000000000 };

static void add_bar(char *out, size_t size, uint64_t done, uint64_t total)
{
    int full = (int)((double)done / (double)total * BAR);
    snprintf(out, size, " [%.*s%.*s] %3d%%", full, "####################", BAR - full, "....................",
             (int)((double)done / (double)total * 100));
}

static void add_remaining(char *out, size_t size, double seconds)
{
    bool ja = fail_language() == FAIL_JAPANESE;
    long long left = (long long)(seconds + 0.5);
    if (left < 60)
        snprintf(out, size, ja ? "、残り%lld秒" : ", %llds left", left);
    else if (left < 3600)
        snprintf(out, size, ja ? "、残り%lld分%02lld秒" : ", %lldm%02llds left", left / 60, left % 60);
    else
        snprintf(out, size, ja ? "、残り%lld時間%02lld分" : ", %lldh%02lldm left", left / 3600, left / 60 % 60);
}

const char *progress_line(const struct progress *p, int64_t now, char out[static PROGRESS_LINE_SIZE])
{
    char bar[64] = "", of[24] = "", left[48] = "";
    uint64_t done = p->total && p->done > p->total ? p->total : p->done;
    double seconds = (double)(now - p->started) / 1e6;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    if (p->total) {
        add_bar(bar, sizeof bar, done, p->total);
        snprintf(of, sizeof of, "/%llu", (unsigned long long)p->total);
        if (rate > 0)
            add_remaining(left, sizeof left, (double)(p->total - done) / rate);
    }
    unsigned long long shown = rate < RATE_MAX ? (unsigned long long)(rate + 0.5) : RATE_MAX;
    snprintf(out, PROGRESS_LINE_SIZE, "%.*s%s %llu%s, %llu/s%s", LABEL_MAX, p->label, bar,
             (unsigned long long)done, of, shown, left);
    return out;
}

static void draw(struct progress *p, int64_t now, const char *end)
{
    char line[PROGRESS_LINE_SIZE], text[PROGRESS_LINE_SIZE + 16];
    int n = snprintf(text, sizeof text, "\r%s\033[K%s", progress_line(p, now, line), end);
    ssize_t written = write(STDERR_FILENO, text, (size_t)n);
    (void)written; /* a bar that cannot be drawn is no reason to stop the work */
    p->drawn = now;
}

void progress_start(struct progress *p, const char *label, uint64_t total)
{
    *p = (struct progress){.label = label, .total = total, .started = clock_steady()};
    p->terminal = isatty(STDERR_FILENO);
    if (p->terminal)
        draw(p, p->started, "");
}

void progress_set(struct progress *p, uint64_t done)
{
    p->done = done;
    if (!p->terminal)
        return;
    int64_t now = clock_steady();
    if (now - p->drawn >= REDRAW_MICROSECONDS)
        draw(p, now, "");
}

void progress_end(struct progress *p)
{
    if (p->terminal)
        draw(p, clock_steady(), "\n");
    p->terminal = false;
}
