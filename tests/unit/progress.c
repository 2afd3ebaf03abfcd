/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/progress.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void the_line_tells_rate_and_rest(void **state)
{
    (void)state;
    static const struct {
        uint64_t done, total;
        int64_t seconds;
        const char *want;
    } rows[] = {
        {0, 1000, 0, "load [....................]   0% 0/1000, 0/s"},
        {500, 1000, 5, "load [##########..........]  50% 500/1000, 100/s, 5s left"},
        {10, 100000, 1, "load [....................]   0% 10/100000, 10/s, 2h46m left"},
        {100, 10000, 1, "load [....................]   1% 100/10000, 100/s, 1m39s left"},
        {1000, 1000, 10, "load [####################] 100% 1000/1000, 100/s, 0s left"},
        {1200, 1000, 10, "load [####################] 100% 1000/1000, 100/s, 0s left"},
        {1200, 0, 10, "load 1200, 120/s"},
        {UINT64_MAX, UINT64_MAX, 1,
         "load [####################] 100% 18446744073709551615/18446744073709551615, "
         "1000000000/s, 0s left"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char line[PROGRESS_LINE_SIZE];
        struct progress p = {.label = "load", .done = rows[i].done, .total = rows[i].total, .started = 7};
        assert_string_equal(progress_line(&p, 7 + rows[i].seconds * 1000000, line), rows[i].want);
    }
}

/* Runs a bar with stderr on fd; stderr is put back before anything is asserted. */
static void run_bar(int fd)
{
    struct progress p;
    int kept = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    progress_start(&p, "load", 100000);
    for (uint64_t i = 0; i <= 100000; i++)
        progress_set(&p, i);
    progress_end(&p);
    dup2(kept, STDERR_FILENO);
    close(kept);
}

static void a_pipe_gets_nothing(void **state)
{
    (void)state;
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    run_bar(ends[1]);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static size_t count_of(const char *text, char c)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

static void a_terminal_gets_few_lines_and_the_end(void **state)
{
    (void)state;
    char text[4096] = "";
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    int64_t began = clock_steady();
    run_bar(slave);
    int64_t tenths = (clock_steady() - began) / 100000;
    for (size_t n = 0; !strchr(text, '\n');) { /* a terminal hands over what it has, not all there is */
        ssize_t got = read(master, text + n, sizeof text - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
    }
    assert_non_null(strstr(text, "100000/100000"));
    assert_true(count_of(text, '\r') <= (size_t)tenths + 3); /* a busy machine takes longer and draws more */
    close(slave);
    close(master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_tells_rate_and_rest),
        cmocka_unit_test(a_pipe_gets_nothing),
        cmocka_unit_test(a_terminal_gets_few_lines_and_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
