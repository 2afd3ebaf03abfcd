/* SPDX-License-Identifier: Apache-2.0 */
/* Measuring: every figure stands beside a baseline that was taken in the same run, on the same disk.
 *
 * A group is a file with rows (what it measures) and a function that measures them. A baseline is the least
 * that a program without our duties would have to do: the same rows written by a bare loop, the same bytes
 * hashed once. So a ratio says what the duties cost, and holds on machines that are faster or slower;
 * docs/BENCHMARKS.md says how each figure is taken. */
#ifndef JUKI_TESTS_BENCH_BENCH_H
#define JUKI_TESTS_BENCH_BENCH_H

#include "base/arena.h"

enum bench_goal {
    GOAL_VALUE_LEAST, /* the value itself */
    GOAL_VALUE_MOST,
    GOAL_RATIO_LEAST, /* value over baseline */
    GOAL_RATIO_MOST,
    GOAL_NONE, /* shown so that it can be watched */
};
struct bench_row {
    const char *name, *unit; /* "ledger.append_per_s", "entries/s" */
    enum bench_goal kind;
    double goal;
    const char *baseline; /* what it is; "" when there is none */
};
struct bench;
struct bench_group {
    const char *name, *size_unit; /* "ledger", "entries" */
    int64_t size;                 /* without --size */
    const struct bench_row *rows;
    size_t count;
    enum err (*run)(struct bench *b, struct fail *f);
    bool takes_long; /* runs only when it is named */
};
extern const struct bench_group bench_number, bench_ledger, bench_load, bench_change, bench_peers,
    bench_postgresql, bench_slope, bench_certificate;

struct bench {
    const struct bench_group *group;
    int64_t size;
    const char *folder;  /* empty and the group's own; removed after it */
    const char *machine; /* one line */
    bool json;
    size_t figures; /* rows shown */
};

/* show.c: how figures are shown. For people a table; with --json one object a line. */
struct bench_value {
    double value, baseline; /* baseline 0: none */
    double least, most;     /* its spread: of repeats the extremes, of a percentile its 95 % bounds; 0 none */
    int64_t samples;        /* how many it was taken from; 0: one */
};
void bench_show(struct bench *b, size_t row, const struct bench_value *v);
/* One that was taken once. */
void bench_figure(struct bench *b, size_t row, double value, double baseline);
/* Something a reader of the figures must know, one line. */
void bench_note(const struct bench *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void show_head(const char *machine);

/* "FOLDER/NAME", NULL without memory. */
const char *bench_path(const struct bench *b, struct arena *a, const char *name);

/* sample.c: taking times, and what many of them say together.
 * Work once, saying how long the part that counts took. */
typedef enum err (*bench_work)(void *arg, struct fail *f, double *seconds);
enum { BENCH_ROUNDS = 3 };
struct bench_turns {
    double work, baseline; /* median seconds */
    double least, most;    /* of the work */
};
/* Both in turn, BENCH_ROUNDS times, so that a neighbour on the machine who comes and goes meets both. */
MUST_CHECK enum err bench_in_turn(struct fail *f, bench_work work, bench_work baseline, void *arg,
                                  struct bench_turns *out);
/* Shows how many of `count` a second that makes. */
void bench_rate(struct bench *b, size_t row, const struct bench_turns *t, int64_t count);
/* Seconds of a clock that only goes forward. */
double bench_now(void);
double bench_median(double *values, size_t count); /* sorts them */
/* 0.99: the value that 99 of 100 do not exceed. Of sorted values. */
double bench_quantile(const double *sorted, size_t count, double part);
/* The same of unsorted values (sorts them), with the 95 % bounds that the number of samples allows, times
 * scale. */
struct bench_value bench_percentile(double *values, size_t count, double part, double scale);

/* machine.c: processor, cores, memory, kernel, what a flush of folder's disk costs, measured now, and the
 * day. */
MUST_CHECK enum err machine_describe(struct fail *f, const char *folder, struct arena *a, const char **out);

#endif
