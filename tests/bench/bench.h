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
};
extern const struct bench_group bench_number, bench_ledger, bench_load, bench_change;

struct bench {
    const struct bench_group *group;
    int64_t size;
    const char *folder;  /* empty and the group's own; removed after it */
    const char *machine; /* one line */
    bool json;
    size_t figures; /* rows shown */
};
/* Shows the figure of the group's row; baseline 0 when there is none. */
void bench_figure(struct bench *b, size_t row, double value, double baseline);
/* "FOLDER/NAME", NULL without memory. */
const char *bench_path(const struct bench *b, struct arena *a, const char *name);

/* Does the work once and says how long the part that counts took. */
typedef enum err (*bench_work)(void *arg, struct fail *f, double *seconds);
struct bench_turns {
    double work, baseline; /* median seconds */
};
/* Both in turn, ROUNDS times, so that a neighbour on the machine who comes and goes meets both. */
MUST_CHECK enum err bench_in_turn(struct fail *f, bench_work work, bench_work baseline, void *arg,
                                  struct bench_turns *out);
/* Seconds of a clock that only goes forward. */
double bench_now(void);
double bench_median(double *values, size_t count); /* sorts them */
/* 0.99: the value that 99 of 100 do not exceed. Of sorted values. */
double bench_quantile(const double *sorted, size_t count, double part);

/* machine.c: processor, cores, memory, kernel, and what a flush of folder's disk costs, measured now. */
MUST_CHECK enum err machine_describe(struct fail *f, const char *folder, struct arena *a, const char **out);

#endif
