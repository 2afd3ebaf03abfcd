/* SPDX-License-Identifier: Apache-2.0 */
/* What a figure was taken on, in one line. The cost of a flush decides most figures of a store that answers
 * after its commit is on disk, so it is measured, as a median: a page appended to a file and fdatasync, 200
 * times. */
#include "bench.h"

#include "base/clock.h"
#include "base/file.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { FLUSHES = 200, PAGE = 4096 };

/* The value after the colon of the first line that begins with key; "unknown" when there is none. */
static struct str find_value(struct str text, struct str key)
{
    struct str line, value = STR("unknown");
    while (str_cut(&text, '\n', &line)) {
        if (!str_starts(line, key))
            continue;
        const char *colon = memchr(line.p, ':', line.n);
        if (colon)
            value = str_trim((struct str){colon + 1, line.n - (size_t)(colon + 1 - line.p)});
        break;
    }
    return value;
}

/* File of /proc: they have no length, so file_read's limit is what counts. */
static enum err read_proc(struct fail *f, const char *path, struct buf *out)
{
    buf_init(out, 1024 * 1024);
    return file_read(f, path, out);
}

static enum err append_flushed(struct fail *f, int fd, double *taken)
{
    static const char page[PAGE] = {1};
    for (size_t i = 0; i < FLUSHES; i++) {
        double start = bench_now();
        if (write(fd, page, PAGE) != PAGE || fdatasync(fd) != 0)
            return fail_errno(f, ERR_IO, "flush");
        taken[i] = bench_now() - start;
    }
    return ERR_OK;
}

static enum err measure_flush(struct fail *f, const char *folder, struct arena *a, double *micros)
{
    double taken[FLUSHES];
    char *path = arena_alloc(a, strlen(folder) + 32);
    if (!path)
        return fail_set(f, ERR_MEMORY, "machine", NULL);
    snprintf(path, strlen(folder) + 32, "%s/juki-flush-XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return fail_errno(f, ERR_IO, "flush");
    enum err e = append_flushed(f, fd, taken);
    close(fd);
    unlink(path);
    if (!e)
        *micros = bench_median(taken, FLUSHES) * 1e6;
    return e;
}

enum err machine_describe(struct fail *f, const char *folder, struct arena *a, const char **out)
{
    struct buf cpu;
    struct utsname system;
    double micros = 0;
    uname(&system);
    double gib = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / (1 << 30);
    enum err e = read_proc(f, "/proc/cpuinfo", &cpu);
    if (!e)
        e = measure_flush(f, folder, a, &micros);
    if (!e) {
        struct str model = find_value(buf_str(&cpu), STR("model name"));
        char now[CLOCK_TEXT_SIZE];
        *out = arena_format(a, "%.*s, %ld cores, %.1f GiB, flush %.0f us, %s %s, %.10s", STR_ARG(model),
                            sysconf(_SC_NPROCESSORS_ONLN), gib, micros, system.sysname, system.release,
                            clock_text(clock_now(), now))
                   .p;
        if (!*out)
            e = fail_set(f, ERR_MEMORY, "machine", NULL);
    }
    buf_release(&cpu);
    return e;
}
