/* SPDX-License-Identifier: Apache-2.0 */
/* A port of loopback that nobody uses, for a server that a test starts, stops and starts again.
 *
 * Below the range from which the system gives ports to whoever connects (32768 on): a port of that range may
 * be another's line by the time the server listens. Each process has a row of its own. */
#ifndef JUKI_TESTS_UNIT_FREE_PORT_H
#define JUKI_TESTS_UNIT_FREE_PORT_H

#include "test.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
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

/* Of a row that no other process holds: by an abstract name (unix(7)), which goes when the process ends. */
static inline int take_port_row(void)
{
    for (int row = (int)getpid() % PORT_ROWS, tries = 0; tries < PORT_ROWS;
         row = (row + 1) % PORT_ROWS, tries++) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "juki-unit-ports-%d", row);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        if (bind(fd, (struct sockaddr *)&name, sizeof name) == 0)
            return PORT_FIRST + row * PORT_EACH;
        close(fd);
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
