/* SPDX-License-Identifier: Apache-2.0 */
/* A port of loopback that nobody uses, for a server that a test starts, stops and starts again.
 *
 * Below the range from which the system gives ports to whoever connects (32768 on): a port of that range may
 * be another's line by the time the server listens. Each process looks in places of its own. */
#ifndef JUKI_TESTS_UNIT_FREE_PORT_H
#define JUKI_TESTS_UNIT_FREE_PORT_H

#include "test.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <sys/socket.h>
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

static inline int free_port(void)
{
    enum {
        FIRST = 10000,
        EACH = 64,
        PROCESSES = 150
    }; /* up to 19,599; whole networks of the scripts begin at 20,000 */
    static atomic_int taken;
    int base = FIRST + (int)getpid() % PROCESSES * EACH;
    for (int tries = 0; tries < EACH; tries++) {
        int port = base + atomic_fetch_add(&taken, 1) % EACH;
        if (port_is_free(port))
            return port;
    }
    fail_msg("no port is free from %d on", base);
    return 0;
}

#endif
