/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how figures are shown: for people a table; with --json one object a line with name, value, unit,
 * goal, baseline, ratio, spread, samples, and the machine with the day. A note is a line "note: ..." or an
 * object with "note". */
#include "bench.h"

#include "base/json.h"

#include <math.h>
#include <stdarg.h>

enum { LINE_MAX_BYTES = 4096, NUMBER_SIZE = 32, GOAL_SIZE = 64, SPREAD_SIZE = 2 * NUMBER_SIZE + 4 };

static double ratio_of(const struct bench_value *v)
{
    return v->baseline > 0 ? v->value / v->baseline : 0;
}

static bool is_met(const struct bench_row *row, const struct bench_value *v)
{
    const bool met[] = {[GOAL_VALUE_LEAST] = v->value >= row->goal,
                        [GOAL_VALUE_MOST] = v->value <= row->goal,
                        [GOAL_RATIO_LEAST] = ratio_of(v) >= row->goal,
                        [GOAL_RATIO_MOST] = ratio_of(v) <= row->goal,
                        [GOAL_NONE] = true};
    return met[row->kind];
}

/* ---- a table */

/* Four digits that count; thousands apart. */
static const char *show_number(double v, char out[static NUMBER_SIZE])
{
    char digits[NUMBER_SIZE];
    int places = fabs(v) >= 1000 ? 0 : fabs(v) >= 100 ? 1 : fabs(v) >= 1 ? 2 : 3;
    int n = snprintf(digits, sizeof digits, "%.*f", places, v), whole = places ? n - places - 1 : n, at = 0;
    for (int i = 0; i < n && at < NUMBER_SIZE - 2; i++) {
        if (i && i < whole && (whole - i) % 3 == 0)
            out[at++] = ' ';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

static const char *show_goal(const struct bench_row *row, char out[static GOAL_SIZE])
{
    static const char *const signs[] = {">= ", "<= ", "ratio >= ", "ratio <= ", ""};
    char number[NUMBER_SIZE] = "";
    if (row->kind != GOAL_NONE)
        show_number(row->goal, number);
    snprintf(out, GOAL_SIZE, "%s%s", signs[row->kind], number);
    return out;
}

static const char *show_spread(const struct bench_value *v, char out[static SPREAD_SIZE])
{
    char least[NUMBER_SIZE], most[NUMBER_SIZE];
    out[0] = 0;
    if (v->most > 0)
        snprintf(out, SPREAD_SIZE, "%s - %s", show_number(v->least, least), show_number(v->most, most));
    return out;
}

static void show_line(const struct bench_row *row, const struct bench_value *v)
{
    char value[NUMBER_SIZE], baseline[NUMBER_SIZE] = "", ratio[NUMBER_SIZE] = "", samples[NUMBER_SIZE] = "";
    char goal[GOAL_SIZE], spread[SPREAD_SIZE];
    const char *met = row->kind == GOAL_NONE ? "" : is_met(row, v) ? "met" : "no";
    if (v->baseline > 0) {
        show_number(v->baseline, baseline);
        snprintf(ratio, sizeof ratio, "%.3g", ratio_of(v));
    }
    if (v->samples)
        snprintf(samples, sizeof samples, "%lld", (long long)v->samples);
    printf("%-30s %11s %-9s %-14s %-3s %22s %6s %11s %6s  %s\n", row->name, show_number(v->value, value),
           row->unit, show_goal(row, goal), met, show_spread(v, spread), samples, baseline, ratio,
           row->baseline);
}

void show_head(const char *machine)
{
    printf("%s\n\n%-30s %11s %-9s %-14s %-3s %22s %6s %11s %6s  %s\n", machine, "figure", "value", "unit",
           "goal", "", "spread", "n", "baseline", "ratio", "the baseline is");
}

/* ---- objects */

static void add_number(struct buf *line, const char *key, double v, bool known)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof text, "%.6g", v);
    json_add_raw(line, key, known ? str_of(text) : STR("null"));
}

static void show_json(const struct bench *b, const struct bench_row *row, const struct bench_value *v)
{
    char goal[GOAL_SIZE];
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    json_begin(&line, NULL, '{');
    json_add_text(&line, "name", str_of(row->name));
    json_add_text(&line, "unit", str_of(row->unit));
    add_number(&line, "value", v->value, true);
    json_add_text(&line, "goal", str_of(show_goal(row, goal)));
    json_add_raw(&line, "met",
                 row->kind == GOAL_NONE ? STR("null")
                 : is_met(row, v)       ? STR("true")
                                        : STR("false"));
    add_number(&line, "least", v->least, v->most > 0);
    add_number(&line, "most", v->most, v->most > 0);
    json_add_int(&line, "samples", v->samples ? v->samples : 1);
    add_number(&line, "baseline", v->baseline, v->baseline > 0);
    add_number(&line, "ratio", ratio_of(v), v->baseline > 0);
    json_add_text(&line, "baseline_is", str_of(row->baseline));
    json_add_text(&line, "machine", str_of(b->machine));
    json_end(&line, '}');
    printf("%.*s\n", STR_ARG(buf_str(&line)));
    buf_release(&line);
}

/* ---- */

void bench_show(struct bench *b, size_t at, const struct bench_value *v)
{
    assert(at < b->group->count);
    if (b->json)
        show_json(b, &b->group->rows[at], v);
    else
        show_line(&b->group->rows[at], v);
    fflush(stdout);
    b->figures++;
}

void bench_figure(struct bench *b, size_t row, double value, double baseline)
{
    bench_show(b, row, &(struct bench_value){.value = value, .baseline = baseline});
}

void bench_note(const struct bench *b, const char *format, ...)
{
    char text[LINE_MAX_BYTES / 4];
    struct buf line;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!b->json) {
        printf("note: %s\n", text);
    } else {
        buf_init(&line, LINE_MAX_BYTES);
        json_begin(&line, NULL, '{');
        json_add_text(&line, "group", str_of(b->group->name));
        json_add_text(&line, "note", str_of(text));
        json_end(&line, '}');
        printf("%.*s\n", STR_ARG(buf_str(&line)));
        buf_release(&line);
    }
    fflush(stdout);
}
