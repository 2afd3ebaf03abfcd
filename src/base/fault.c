/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled into the build of the tests only. */
#include "base/fault.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static void (*watcher)(void *arg, const struct fault_pass *pass);
static void *watcher_arg;

static char kill_name[32];
static atomic_long kill_after; /* passes until it is time */

static void read_environment(void)
{
    const char *at = getenv("JUKI_KILL_AT");
    if (!at)
        return;
    const char *colon = strchr(at, ':');
    int n = (int)(colon ? (size_t)(colon - at) : strlen(at));
    snprintf(kill_name, sizeof kill_name, "%.*s", n, at);
    atomic_store(&kill_after, colon ? strtol(colon + 1, NULL, 10) : 1);
}

void fault_watch(void (*watch)(void *arg, const struct fault_pass *pass), void *arg)
{
    watcher_arg = arg;
    watcher = watch;
}

void fault_pass(const struct fault_pass *pass)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_environment);
    if (watcher)
        watcher(watcher_arg, pass);
    if (strcmp(pass->name, kill_name) == 0 && atomic_fetch_sub(&kill_after, 1) == 1)
        kill(getpid(), SIGKILL);
}
