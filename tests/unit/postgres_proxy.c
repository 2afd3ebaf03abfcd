/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres_proxy.h"
#include "postgres.h"
#include "stores.h"
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHUNK = 65536, LOOK_MILLIS = 10 };

static char folder[40], server_path[100], url_through[300];
static atomic_int mode, swallowed, open_wires;
static atomic_ulong pieces_left; /* 0: none is the last */
static atomic_bool last_arrives;
static atomic_bool stopping;
static int listener = -1;
static pthread_t thread;

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    return at;
}

/* Of several wires one alone takes the last. */
static bool is_last_piece(void)
{
    unsigned long left = atomic_load(&pieces_left);
    while (left && !atomic_compare_exchange_weak(&pieces_left, &left, left - 1)) {
    }
    return left == 1;
}

/* Passes what is there; false when the wire ends. */
static bool pass(int from, int to, bool of_client, bool *committing)
{
    static _Thread_local char bytes[CHUNK];
    ssize_t n = recv(from, bytes, sizeof bytes, 0);
    if (n <= 0)
        return false;
    if (of_client &&
        memmem(bytes, (size_t)n, "COMMIT", 7)) /* with its NUL: the whole text of a simple query */
        *committing = true;
    bool last = is_last_piece(), lost = last && !atomic_load(&last_arrives);
    if (lost && !of_client && *committing)
        atomic_fetch_add(&swallowed, 1);
    if (lost)
        return false;
    if (!of_client && *committing) {
        int swallows = PROXY_SWALLOWS;
        if (atomic_compare_exchange_strong(&mode, &swallows, PROXY_PASSES)) {
            atomic_fetch_add(&swallowed, 1);
            return false;
        }
        *committing = false;
    }
    return send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n && !last;
}

static void *wire(void *arg)
{
    int client = (int)(intptr_t)arg, server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un at = address(server_path);
    bool goes_on = connect(server, (struct sockaddr *)&at, sizeof at) == 0, committing = false;
    while (goes_on && !atomic_load(&stopping) && atomic_load(&mode) != PROXY_CUT) {
        struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
        if (poll(fds, 2, LOOK_MILLIS) <= 0)
            continue;
        if (fds[0].revents)
            goes_on = pass(client, server, true, &committing);
        if (goes_on && fds[1].revents)
            goes_on = pass(server, client, false, &committing);
    }
    close(client);
    close(server);
    atomic_fetch_sub(&open_wires, 1);
    return NULL;
}

static void *accept_all(void *arg UNUSED)
{
    while (!atomic_load(&stopping)) {
        pthread_t each;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        atomic_fetch_add(&open_wires, 1);
        if (atomic_load(&mode) == PROXY_CUT || pthread_create(&each, NULL, wire, (void *)(intptr_t)fd)) {
            atomic_fetch_sub(&open_wires, 1);
            close(fd);
        } else {
            pthread_detach(each);
        }
    }
    return NULL;
}

const char *postgres_proxy_start(const char *url)
{
    const char *host = strstr(url, "host="), *rest = host ? strchr(host, '&') : NULL;
    if (getenv("JUKI_TEST_POSTGRES") || !rest)
        return NULL;
    if (listener < 0) {
        char path[64];
        snprintf(folder, sizeof folder, "/tmp/juki-wire-XXXXXX");
        assert_non_null(mkdtemp(folder));
        snprintf(server_path, sizeof server_path, "%.*s/.s.PGSQL.5432", (int)(rest - host - 5), host + 5);
        snprintf(path, sizeof path, "%s/.s.PGSQL.5432", folder);
        struct sockaddr_un at = address(path);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
        assert_int_equal(listen(listener, 64), 0);
        atomic_store(&stopping, false);
        assert_int_equal(pthread_create(&thread, NULL, accept_all, NULL), 0);
    }
    atomic_store(&mode, PROXY_PASSES);
    snprintf(url_through, sizeof url_through, "%.*s%s%s", (int)(host - url + 5), url, folder, rest);
    return url_through;
}

void postgres_proxy(enum proxy_mode to)
{
    atomic_store(&mode, to);
    while (to == PROXY_CUT && atomic_load(&open_wires))
        usleep(1000);
}

int postgres_proxy_swallowed(void)
{
    return atomic_load(&swallowed);
}

void postgres_proxy_cut_at(unsigned long nth, bool arrives)
{
    atomic_store(&last_arrives, arrives);
    atomic_store(&pieces_left, nth);
}

bool postgres_proxy_was_cut(void)
{
    return !atomic_load(&pieces_left);
}

void postgres_proxy_stop(void)
{
    if (listener < 0)
        return;
    postgres_proxy(PROXY_CUT);
    atomic_store(&stopping, true);
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    folder_remove(folder);
    listener = -1;
}
