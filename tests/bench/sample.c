/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what many measurements say together.
 *
 * A percentile is a value that was measured (nearest rank). Its bounds are two more: of n values the rank of
 * the true percentile is binomial, so that in 95 of 100 runs it lies between the ranks n p - 1.96 s and n p
 * + 1.96 s + 1 with s = sqrt(n p (1 - p)), whatever the times' distribution is. Where n is too small the
 * bound is the extreme. */
#include "bench.h"

#include "base/clock.h"

#include <math.h>

static const double NORMAL_95 = 1.96;

double bench_now(void)
{
    return (double)clock_steady() / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return bench_quantile(values, count, 0.5);
}

/* The value at a rank, 1 .. count; ranks beyond are the extremes. */
static double at_rank(const double *sorted, size_t count, double rank)
{
    size_t at = rank < 1 ? 1 : rank > (double)count ? count : (size_t)rank;
    return count ? sorted[at - 1] : 0;
}

double bench_quantile(const double *sorted, size_t count, double part)
{
    return at_rank(sorted, count, ceil(part * (double)count));
}

struct bench_value bench_percentile(double *values, size_t count, double part, double scale)
{
    double n = (double)count, reach = NORMAL_95 * sqrt(n * part * (1 - part));
    qsort(values, count, sizeof *values, by_value);
    return (struct bench_value){.value = bench_quantile(values, count, part) * scale,
                                .least = at_rank(values, count, floor(n * part - reach)) * scale,
                                .most = at_rank(values, count, ceil(n * part + reach) + 1) * scale,
                                .samples = (int64_t)count};
}

enum err bench_in_turn(struct fail *f, bench_work work, bench_work baseline, void *arg,
                       struct bench_turns *out)
{
    double taken[2][BENCH_ROUNDS];
    for (size_t i = 0; i < BENCH_ROUNDS; i++) {
        enum err e = work(arg, f, &taken[0][i]);
        if (!e)
            e = baseline(arg, f, &taken[1][i]);
        if (e)
            return e;
    }
    *out = (struct bench_turns){.work = bench_median(taken[0], BENCH_ROUNDS),
                                .baseline = bench_median(taken[1], BENCH_ROUNDS),
                                .least = taken[0][0],
                                .most = taken[0][BENCH_ROUNDS - 1]};
    return ERR_OK;
}

void bench_rate(struct bench *b, size_t row, const struct bench_turns *t, int64_t count)
{
    const double n = (double)count;
    bench_show(b, row,
               &(struct bench_value){n / t->work, n / t->baseline, n / t->most, n / t->least, BENCH_ROUNDS});
}
