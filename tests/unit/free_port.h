/* SPDX-License-Identifier: Apache-2.0 */
/* A port of loopback that nobody uses, for a server that a test starts, stops and starts again.
 *
 * Below the range from which the system gives ports to whoever connects (32768 on): a port of that range may
 * be another's line by the time the server listens. Each process has a row of its own, which it holds by a
 * lock. */
#ifndef JUKI_TESTS_UNIT_FREE_PORT_H
#define JUKI_TESTS_UNIT_FREE_PORT_H

#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static inline bool port_is_free(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    bool is_free = bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return is_free;
}

enum {
    PORT_FIRST = 10000,
    PORT_EACH = 64,
    PORT_ROWS = 150
}; /* up to 19,599; those of the scripts begin at 20,000 */

/* Of a row that nobody holds; the lock ends with the process. */
static inline int take_port_row(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/juki-unit-ports-%d", (int)getuid());
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
    for (int row = 0; row < PORT_ROWS; row++) {
        snprintf(path, sizeof path, "/tmp/juki-unit-ports-%d/%d", (int)getuid(), row);
        int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        assert_true(lock >= 0);
        if (flock(lock, LOCK_EX | LOCK_NB) == 0)
            return PORT_FIRST + row * PORT_EACH;
        close(lock);
    }
    fail_msg("more than %d programs at once", PORT_ROWS);
    return 0;
}

static inline int free_port(void)
{
    static int base;
    static atomic_int taken;
    if (!base)
        base = take_port_row();
    for (int tries = 0; tries < PORT_EACH; tries++) {
        int port = base + atomic_fetch_add(&taken, 1) % PORT_EACH;
        if (port_is_free(port))
            return port;
    }
    fail_msg("no port is free from %d on", base);
    return 0;
}

#endif
