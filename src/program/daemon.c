/* SPDX-License-Identifier: Apache-2.0 */
#include "program/daemon.h"

#include "base/log.h"
#include "program/node_config.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static sigset_t signals;    /* that are waited for; set before the first thread */
static atomic_int end_code; /* of daemon_end */

static void usage(const struct daemon *d, FILE *out)
{
    fprintf(out,
            "Usage: %s FOLDER\n"
            "%s\n\n"
            "FOLDER holds juki.yaml, made by `juki network init`; relative paths in it start there.\n"
            "Runs in the foreground, logs to standard error, tells systemd when it is ready.\n"
            "SIGTERM ends it in order; SIGHUP takes a new certificate or directory.\n\n"
            "  --sample   write a configuration with every key explained\n"
            "  --check    read the configuration, say whether it is valid, and end\n"
            "  --version  write the version\n"
            "  --help     write this\n\n"
            "Exit codes: 0 ended in order, 1 refused, 2 usage or configuration, 3 environment,\n"
            "also when another process of this server took over its database.\n",
            d->program, d->purpose);
}

static int say_failure(const struct daemon *d, const struct fail *f)
{
    char text[400];
    fprintf(stderr, "%s: %s\n", d->program, fail_text(f, fail_language(), text, sizeof text));
    return err_row(f->err)->exit ? err_row(f->err)->exit : 1;
}

static int write_sample(void)
{
    struct buf b;
    buf_init(&b, 64 * 1024);
    config_write_sample(&node_config_table, &b);
    fwrite(b.p, 1, b.n, stdout);
    buf_release(&b);
    return 0;
}

static int check_config(const struct daemon *d, const char *folder)
{
    struct node_config config;
    struct fail f = {0};
    struct arena a;
    arena_init(&a, 1024 * 1024);
    f.err = node_config_load(&f, folder, &a, &config);
    int code = f.err ? say_failure(d, &f) : 0;
    if (!code)
        printf("%s: the configuration is valid\n", config.node.p);
    arena_release(&a);
    return code;
}

bool daemon_pause(int64_t micros)
{
    const struct timespec most = {.tv_sec = micros / 1000000, .tv_nsec = micros % 1000000 * 1000};
    int caught = sigtimedwait(&signals, NULL, &most);
    return caught == SIGTERM || caught == SIGINT;
}

void daemon_end(int code)
{
    atomic_store(&end_code, code);
    kill(getpid(), SIGTERM);
}

/* The next signal. Once a minute meanwhile, pages that are free among others in the heaps go back to the
 * kernel: malloc gives back the end of a heap only, and some of what comes and goes always stays behind it.
 */
static int next_signal(void)
{
    const struct timespec minute = {.tv_sec = 60};
    int caught;
    while ((caught = sigtimedwait(&signals, NULL, &minute)) < 0)
        if (errno == EAGAIN)
            malloc_trim(0);
    return caught;
}

static void wait_for_end(const struct daemon *d)
{
    for (;;) {
        struct fail f = {0};
        int caught = next_signal();
        if (caught == SIGTERM || caught == SIGINT) {
            const char *why = caught == SIGTERM ? "SIGTERM" : "SIGINT";
            LOG(LOG_INFO, "stopping", LOG_TEXT("signal", atomic_load(&end_code) ? "own" : why));
            sd_notify(0, "STOPPING=1");
            return;
        }
        if (caught != SIGHUP || !d->reload)
            continue;
        sd_notify(0, "RELOADING=1");
        if (d->reload(d->self, &f))
            log_fail(LOG_ALARM, "reload_failed", &f);
        sd_notify(0, "READY=1");
    }
}

/* A server has a connection for each neighbour, two thousand of them. The usual soft limit of 1,024 is there
 * for programs that call select(). Where this fails, accepting waits for a free place. */
static void allow_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        LOG(LOG_WARNING, "open_files_limited", LOG_NUMBER("limit", (int64_t)limit.rlim_max));
}

/* Each thread that allocates would get a heap of its own, up to eight a core, and what one large answer took
 * stays in the heap of the thread that gave it: memory grew for an hour until every heap had had one. */
static void share_heaps(void)
{
    enum { HEAPS = 4 };
    mallopt(M_ARENA_MAX, HEAPS);
}

static int run(const struct daemon *d, const char *folder)
{
    struct fail f = {0};
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals,
                NULL); /* every thread inherits it: signals are waited for, not handled */
    signal(SIGPIPE, SIG_IGN);
    umask(0077);
    share_heaps();
    allow_files();
    f.err = d->open(d->self, &f, folder);
    int code = 0;
    if (f.err == ERR_STOPPING) {
        LOG(LOG_INFO, "stopping", LOG_TEXT("program", d->program));
    } else if (f.err) {
        log_fail(LOG_ALARM, "not_started", &f);
        code = say_failure(d, &f);
    } else {
        LOG(LOG_INFO, "ready", LOG_TEXT("program", d->program), LOG_TEXT("version", JUKI_VERSION));
        sd_notify(0, "READY=1");
        wait_for_end(d);
        code = atomic_load(&end_code);
    }
    d->close(d->self);
    if (!code)
        LOG(LOG_INFO, "stopped", LOG_TEXT("program", d->program));
    return code;
}

int daemon_main(const struct daemon *d, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--help") == 0) {
        usage(d, stdout);
        return 0;
    }
    if (strcmp(word, "--version") == 0) {
        printf("%s %s\n", d->program, JUKI_VERSION);
        return 0;
    }
    if (strcmp(word, "--sample") == 0)
        return write_sample();
    if (strcmp(word, "--check") == 0 && argc == 3)
        return check_config(d, argv[2]);
    if (argc != 2 || word[0] == '-') {
        if (word[0] == '-')
            fprintf(stderr, "%s: unknown option %s\n\n", d->program, word);
        else
            fprintf(stderr, "%s: %s\n\n", d->program,
                    argc < 2 ? "FOLDER is missing" : "more than one FOLDER");
        usage(d, stderr);
        return 2;
    }
    return run(d, word);
}
