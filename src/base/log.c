/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_int least_level = LOG_INFO;

void log_level_set(enum log_level least)
{
    atomic_store(&least_level, (int)least);
}

struct line {
    char text[2048];
    size_t n;
};

static void add(struct line *l, char c)
{
    if (l->n < sizeof l->text - 2)
        l->text[l->n++] = c;
}

static void add_plain(struct line *l, const char *s)
{
    while (*s)
        add(l, *s++);
}

static void add_value(struct line *l, const char *s)
{
    bool quote = !*s || strpbrk(s, " \"=") != NULL;
    if (quote)
        add(l, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            add(l, '\\');
        add(l, c < 0x20 || c == 0x7f ? '?' : *s);
    }
    if (quote)
        add(l, '"');
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
    static const char *const names[] = {"debug", "info", "warning", "alarm"};
    char stamp[CLOCK_TEXT_SIZE], number[24];
    struct line line = {.n = 0};
    if ((int)level < atomic_load(&least_level))
        return;
    add_plain(&line, clock_text(clock_now(), stamp));
    add(&line, ' ');
    add_plain(&line, names[level]);
    add_plain(&line, " event=");
    add_value(&line, event);
    for (size_t i = 0; i < count; i++) {
        snprintf(number, sizeof number, "%lld", (long long)fields[i].number);
        add(&line, ' ');
        add_plain(&line, fields[i].key);
        add(&line, '=');
        add_value(&line, fields[i].value ? fields[i].value : number);
    }
    line.text[line.n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line.text, line.n);
    (void)written; /* a log that cannot be written has nowhere to say so */
}

void log_fail(enum log_level level, const char *event, const struct fail *f)
{
    LOG(level, event, LOG_TEXT("error", err_row(f->err)->name), LOG_TEXT("field", f->field),
        LOG_TEXT("detail", f->detail));
}
