/* SPDX-License-Identifier: Apache-2.0 */
/* `bench [GROUP] [--json] [--size N] [--folder DIR]`: which groups run, and where.
 *
 * Without a GROUP all run but those that take long. A group that fails says why, the others still run, and
 * the exit status is 1. A goal that is missed is shown, and no failure: the machine may be busy. */
#include "../unit/postgres.h"
#include "bench.h"

#include "base/options.h"
#include "town.h"

#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { PATH_SIZE = 256, REMOVE_TRIES = 50 };

static const struct bench_group *const groups[] = {&bench_number,      &bench_ledger, &bench_load,
                                                   &bench_change,      &bench_peers,  &bench_postgresql,
                                                   &bench_certificate, &bench_slope};

struct wanted {
    bool json;
    int64_t size;
    struct str folder;
};
static const struct option_row option_rows[] = {
    {.name = "json", OPTION_FLAG_AT(struct wanted, json), .help = "one JSON object a line"},
    {.name = "size",
     OPTION_INT_AT(struct wanted, size),
     .least = 1,
     .most = 200000000,
     .value = "N",
     .help = "how much is measured, in the unit that stands below; with a GROUP"},
    {.name = "folder",
     OPTION_TEXT_AT(struct wanted, folder),
     .value = "DIR",
     .help = "where files are written for the time of the measurement (/tmp): the disk that is measured"},
};
static const struct option_table options = {
    "bench [--json] [--size N] [--folder DIR] [GROUP]",
    "Measures, each figure beside a baseline of the same run. Without a GROUP: all but the long ones.",
    option_rows, COUNT_OF(option_rows), false};

/* ---- running */

const char *bench_path(const struct bench *b, struct arena *a, const char *name)
{
    return arena_format(a, "%s/%s", b->folder, name).p;
}

/* What must not stay behind when somebody ends the measurement: daemons, and the folder. */
static struct {
    pthread_mutex_t lock; /* whoever ends the program keeps it */
    sigset_t signals;
    char folder[PATH_SIZE]; /* "" between groups */
} tidy = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int remove_one(const char *name, const struct stat *st UNUSED, int flag UNUSED, struct FTW *at UNUSED)
{
    (void)remove(name); /* it may have gone by itself: databases take their logs away */
    return 0;
}

static void remove_folder(const char *folder)
{
    for (int i = 0; i < REMOVE_TRIES && access(folder, F_OK) == 0; i++)
        nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static enum err begin_folder(struct fail *f, struct str parent)
{
    char folder[PATH_SIZE];
    if (snprintf(folder, sizeof folder, "%.*s/juki-bench-XXXXXX", STR_ARG(parent)) >= PATH_SIZE)
        return fail_set(f, ERR_LIMIT, "folder", NULL);
    pthread_mutex_lock(&tidy.lock);
    enum err e = mkdtemp(folder) ? ERR_OK : fail_errno(f, ERR_IO, "mkdtemp");
    if (!e)
        memcpy(tidy.folder, folder, sizeof folder);
    pthread_mutex_unlock(&tidy.lock);
    return e;
}

static void end_folder(void)
{
    pthread_mutex_lock(&tidy.lock);
    remove_folder(tidy.folder);
    tidy.folder[0] = 0;
    pthread_mutex_unlock(&tidy.lock);
}

static void *end_early(void *arg UNUSED)
{
    int caught;
    do
        caught = sigwaitinfo(&tidy.signals, NULL);
    while (caught < 0); /* a debugger or a sanitizer has stopped the threads for a moment */
    pthread_mutex_lock(&tidy.lock);
    town_kill();
    postgres_stop();
    if (*tidy.folder)
        remove_folder(tidy.folder);
    _exit(128 + caught);
}

/* The server of the PostgreSQL baseline ends this process when it goes away, which it does first when
 * somebody ends the measurement: then this waits for end_early, which has the lock. */
static void end_at_exit(void)
{
    pthread_mutex_lock(&tidy.lock);
    if (*tidy.folder) {
        town_kill();
        remove_folder(tidy.folder);
    }
    pthread_mutex_unlock(&tidy.lock);
}

/* Before the first thread: all inherit that these signals wait. */
static void watch_signals(void)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
    pthread_t thread;
    sigemptyset(&tidy.signals);
    for (size_t i = 0; i < COUNT_OF(ending); i++)
        sigaddset(&tidy.signals, ending[i]);
    pthread_sigmask(SIG_BLOCK, &tidy.signals, NULL);
    atexit(end_at_exit);
    if (pthread_create(&thread, NULL, end_early, NULL) == 0)
        pthread_detach(thread);
}

static enum err run_in_folder(const struct bench_group *group, const struct wanted *w, const char *machine,
                              struct fail *f)
{
    enum err e = begin_folder(f, w->folder);
    if (e)
        return e;
    struct bench b = {.group = group,
                      .size = w->size ? w->size : group->size,
                      .folder = tidy.folder,
                      .machine = machine,
                      .json = w->json};
    e = group->run(&b, f);
    end_folder();
    if (!e && b.figures != group->count)
        return fail_set(f, ERR_STATE, group->name, "%zu of %zu figures", b.figures, group->count);
    return e;
}

static int complain(const char *what, const struct fail *f)
{
    char text[400];
    fprintf(stderr, "bench%s%s: %s\n", *what ? " " : "", what,
            fail_text(f, fail_language(), text, sizeof text));
    return err_row(f->err)->exit;
}

static const struct bench_group *find_group(const char *name)
{
    struct str wanted = {name, strcspn(name, ".")}; /* a figure's name means its group */
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        if (str_equal(wanted, str_of(groups[i]->name)))
            return groups[i];
    return NULL;
}

static int run_groups(const struct wanted *w, const struct bench_group *only)
{
    struct arena a;
    struct fail f = {0};
    const char *machine = NULL;
    int status = 0;
    arena_init(&a, 64 * 1024);
    if (machine_describe(&f, w->folder.p, &a, &machine)) {
        arena_release(&a);
        return complain("", &f);
    }
    if (!w->json)
        show_head(machine);
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        memset(&f, 0, sizeof f);
        bool wanted = only ? only == groups[i] : !groups[i]->takes_long;
        if (wanted && run_in_folder(groups[i], w, machine, &f))
            status = complain(groups[i]->name, &f);
    }
    arena_release(&a);
    return status;
}

static int show_help(void)
{
    struct buf text;
    buf_init(&text, 16 * 1024);
    options_write_help(&options, &text);
    printf("%.*s\nGroups and what they measure without --size:\n", STR_ARG(buf_str(&text)));
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        printf("  %-10s %8lld %s%s\n", groups[i]->name, (long long)groups[i]->size, groups[i]->size_unit,
               groups[i]->takes_long ? " (takes long: only by name)" : "");
    buf_release(&text);
    return 0;
}

int main(int argc, char **argv)
{
    struct wanted w = {.folder = STR("/tmp")};
    struct option_words words;
    struct fail f = {0};
    const struct bench_group *only = NULL;
    signal(SIGPIPE, SIG_IGN);
    watch_signals();
    if (options_parse(&f, &options, argc - 1, argv + 1, &w, &words))
        return complain("", &f);
    if (words.help)
        return show_help();
    if (words.count == 1)
        only = find_group(words.words[0]);
    if (words.count > 1 || (words.count && !only) || (w.size && !only)) {
        fail_set(&f, ERR_USAGE, NULL,
                 w.size && !words.count ? "--size needs a group" : "no such group; --help lists them");
        return complain("", &f);
    }
    return run_groups(&w, only);
}
