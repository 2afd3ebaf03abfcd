/* SPDX-License-Identifier: Apache-2.0 */
/* TLS by GnuTLS. Decides who may speak at all: version 1.3, the ALPN name, a valid certificate, a known node.
 */
#include "link/channel.h"

#include "base/clock.h"
#include "base/file.h"
#include "keys/certificate.h"
#include "keys/credentials.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const char priority[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3";
static const gnutls_datum_t alpn = {(unsigned char[]){'j', 'u', 'k', 'i', '/', '1'}, 6};

struct credentials {
    atomic_int references;
    struct key *key;
    void *tls; /* keys/credentials.h */
    int64_t until;
};

struct channel {
    gnutls_session_t session;
    struct credentials *credentials;
    int fd;
    int64_t deadline; /* steady, of the whole handshake, or of a question; 0 none */
    bool heard;       /* something came since channel_until */
    bool established; /* the handshake is complete */
    struct node_name peer;
    char serial[CERTIFICATE_SERIAL_SIZE]; /* of the certificate it showed */
    size_t at, n;                         /* unread bytes of in[] */
    unsigned char in[16 * 1024];
};

static enum err tls_fail(struct fail *f, int code)
{
    return fail_set(f, ERR_TLS, NULL, "%s", gnutls_strerror(code));
}

enum err credentials_load(struct fail *f, const char *key_uri, const char *certificate_path,
                          struct credentials **out)
{
    struct certificate_facts facts = {.not_after = 0};
    struct buf pem;
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    struct credentials *c = memory_new(sizeof *c);
    enum err e = c ? file_read(f, certificate_path, &pem) : fail_set(f, ERR_MEMORY, "credentials", NULL);
    if (!e)
        e = certificate_read(f, buf_str(&pem), &facts);
    if (!e)
        e = key_open(f, key_uri, &c->key);
    if (!e)
        e = credentials_new(f, c->key, buf_str(&pem), &c->tls);
    buf_release(&pem);
    if (e) {
        if (c)
            key_free(c->key);
        memory_free(c);
        return e;
    }
    c->until = facts.not_after;
    atomic_init(&c->references, 1);
    *out = c;
    return ERR_OK;
}

struct credentials *credentials_ref(struct credentials *c)
{
    atomic_fetch_add(&c->references, 1);
    return c;
}

void credentials_unref(struct credentials *c)
{
    if (!c || atomic_fetch_sub(&c->references, 1) > 1)
        return;
    credentials_free(c->tls);
    key_free(c->key);
    memory_free(c);
}

int64_t credentials_until(const struct credentials *c)
{
    return c->until;
}

static bool serial_revoked(const struct directory_node *node, const char *serial)
{
    for (size_t i = 0; i < node->revoked_serial_count; i++)
        if (strcmp(node->revoked_serials[i], serial) == 0)
            return true;
    return false;
}

enum err channel_check_peer(struct fail *f, const struct channel *c, const struct directory *d,
                            const struct directory_node **node)
{
    *node = directory_find(d, str_of(c->peer.text));
    if (!*node)
        return fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", c->peer.text);
    if ((*node)->revoked || serial_revoked(*node, c->serial))
        return fail_set(f, ERR_NODE_REVOKED, NULL, "%s", c->peer.text);
    return ERR_OK;
}

/* Who is it? Only the certificate says, and only as far as the directory agrees. */
static enum err read_peer(struct fail *f, struct channel *c, const struct directory *d)
{
    struct certificate_facts facts;
    const struct directory_node *node;
    gnutls_datum_t name;
    unsigned count = 0;
    if (gnutls_alpn_get_selected_protocol(c->session, &name) != 0 || name.size != alpn.size ||
        memcmp(name.data, alpn.data, alpn.size) != 0)
        return fail_set(f, ERR_ALPN, NULL, NULL);
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(c->session, &count);
    if (!chain || count == 0)
        return fail_set(f, ERR_CERTIFICATE, NULL, "none was shown");
    struct str der = {(const char *)chain[0].data, chain[0].size};
    enum err e = certificate_verify(f, der, directory_ca(d), clock_now(), &facts);
    if (!e)
        e = node_name_parse(f, str_of(facts.node), &c->peer);
    if (e)
        return e;
    memcpy(c->serial, facts.serial, sizeof c->serial);
    return channel_check_peer(f, c, d, &node);
}

static void set_timeout_ms(int fd, int option, int64_t ms)
{
    struct timeval t = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, option, &t, sizeof t);
}

static void set_timeout(int fd, int option, int seconds)
{
    set_timeout_ms(fd, option, (int64_t)seconds * 1000);
}

static void set_options(int fd)
{
    int on = 1, idle = 60, times = 3;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
    set_timeout(fd, SO_RCVTIMEO, CHANNEL_HANDSHAKE_MS / 1000);
    set_timeout(fd, SO_SNDTIMEO, 30);
}

/* A peer that sends byte by byte has no more time for its handshake than any other. */
static ssize_t pull(gnutls_transport_ptr_t self, void *to, size_t n)
{
    struct channel *c = self;
    if (c->deadline) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        int64_t left = (c->deadline - clock_steady()) / 1000;
        if (left <= 0 || poll(&p, 1, (int)left) == 0) {
            gnutls_transport_set_errno(c->session, EAGAIN);
            return -1;
        }
    }
    return recv(c->fd, to, n, 0);
}

/* A moment that is still to come: no time at all would mean for ever to a socket. */
static int64_t millis_until(int64_t deadline)
{
    int64_t ms = (deadline - clock_steady()) / 1000;
    return ms > 1 ? ms : 1;
}

static enum err handshake(struct fail *f, struct channel *c, unsigned flags, int64_t deadline)
{
    int code = gnutls_init(&c->session, flags | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL);
    if (code == 0)
        code = gnutls_priority_set_direct(c->session, priority, NULL);
    if (code == 0)
        code = gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials->tls);
    if (code == 0)
        code = gnutls_alpn_set_protocols(c->session, &alpn, 1, GNUTLS_ALPN_MANDATORY);
    if (code < 0)
        return tls_fail(f, code);
    if (flags & GNUTLS_SERVER)
        gnutls_certificate_server_set_request(c->session, GNUTLS_CERT_REQUIRE);
    gnutls_transport_set_int(c->session, c->fd);
    gnutls_transport_set_ptr2(c->session, c, (gnutls_transport_ptr_t)(intptr_t)c->fd);
    gnutls_transport_set_pull_function(c->session, pull);
    c->deadline = deadline;
    do
        code = gnutls_handshake(c->session);
    while (code < 0 && code != GNUTLS_E_AGAIN && gnutls_error_is_fatal(code) == 0);
    c->deadline = 0;
    c->established = code >= 0;
    return code < 0 ? tls_fail(f, code) : ERR_OK;
}

static enum err channel_open(struct fail *f, struct credentials *credentials, const struct directory *d,
                             int fd, unsigned flags, int64_t deadline, struct channel **out)
{
    struct channel *c = memory_new(sizeof *c);
    if (!c) {
        close(fd);
        return fail_set(f, ERR_MEMORY, "channel", NULL);
    }
    c->fd = fd;
    c->credentials = credentials_ref(credentials);
    set_options(fd);
    enum err e = handshake(f, c, flags, deadline);
    if (!e)
        e = read_peer(f, c, d);
    if (e)
        channel_close(c);
    else
        *out = c;
    return e;
}

static int64_t handshake_end(int64_t deadline)
{
    int64_t end = clock_steady() + (int64_t)CHANNEL_HANDSHAKE_MS * 1000;
    return end < deadline ? end : deadline;
}

enum err channel_accept(struct fail *f, struct credentials *c, const struct directory *d, int fd,
                        struct channel **out)
{
    return channel_open(f, c, d, fd, GNUTLS_SERVER, handshake_end(INT64_MAX), out);
}

static enum err connect_to(struct fail *f, const char *address, int64_t deadline, int *out)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    if (!colon || (size_t)(colon - address) >= sizeof host)
        return fail_set(f, ERR_CONNECT, "address", NULL);
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return fail_set(f, ERR_CONNECT, "address", "%s", address);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = -1;
    if (fd >= 0) {
        set_timeout_ms(fd, SO_SNDTIMEO, millis_until(handshake_end(deadline))); /* bounds connect(2) too */
        failed = connect(fd, found->ai_addr, found->ai_addrlen);
    }
    freeaddrinfo(found);
    if (!failed) {
        *out = fd;
        return ERR_OK;
    }
    enum err e = fail_errno(f, ERR_CONNECT, address);
    if (fd >= 0)
        close(fd);
    return e;
}

enum err channel_dial_until(struct fail *f, struct credentials *credentials, const struct directory *d,
                            const char *address, const struct node_name *expected, int64_t deadline,
                            struct channel **out)
{
    struct channel *c = NULL;
    int fd = -1;
    enum err e = connect_to(f, address, deadline, &fd);
    if (!e)
        e = channel_open(f, credentials, d, fd, GNUTLS_CLIENT, handshake_end(deadline), &c);
    if (!e && !node_name_equal(&c->peer, expected)) {
        e = fail_set(f, ERR_ORIGIN, NULL, "%s answered", c->peer.text);
        channel_close(c);
    }
    if (!e)
        *out = c;
    return e;
}

enum err channel_dial(struct fail *f, struct credentials *credentials, const struct directory *d,
                      const char *address, const struct node_name *expected, struct channel **out)
{
    return channel_dial_until(f, credentials, d, address, expected, INT64_MAX, out);
}

const struct node_name *channel_peer(const struct channel *c)
{
    return &c->peer;
}

void channel_close(struct channel *c)
{
    if (!c)
        return;
    if (c->established) /* else GnuTLS reads keys that it may not have, when its memory ended */
        gnutls_bye(c->session, GNUTLS_SHUT_WR);
    if (c->session)
        gnutls_deinit(c->session);
    close(c->fd);
    credentials_unref(c->credentials);
    explicit_bzero(c->in, sizeof c->in);
    memory_free(c);
}

void channel_interrupt(struct channel *c)
{
    shutdown(c->fd, SHUT_RDWR);
}

void channel_patience(struct channel *c, int seconds)
{
    set_timeout(c->fd, SO_RCVTIMEO, seconds);
}

void channel_until(struct channel *c, int64_t deadline)
{
    c->deadline = deadline;
    c->heard = false;
    if (deadline)
        set_timeout_ms(c->fd, SO_SNDTIMEO, millis_until(deadline));
}

bool channel_heard(const struct channel *c)
{
    return c->heard;
}

enum err channel_send(struct fail *f, struct channel *c, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = gnutls_record_send(c->session, bytes.p, bytes.n);
        if (n == GNUTLS_E_INTERRUPTED)
            continue;
        if (n == GNUTLS_E_AGAIN)
            return fail_set(f, ERR_TIMEOUT, NULL, "sending to %s", c->peer.text);
        if (n < 0)
            return fail_set(f, ERR_PEER_CLOSED, NULL, "%s", gnutls_strerror((int)n));
        bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
    }
    return ERR_OK;
}

static enum err fill(struct fail *f, struct channel *c)
{
    ssize_t n;
    do
        n = gnutls_record_recv(c->session, c->in, sizeof c->in);
    while (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_REHANDSHAKE);
    if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_TIMEDOUT)
        return fail_set(f, ERR_TIMEOUT, NULL, "waiting for %s", c->peer.text);
    if (n <= 0)
        return fail_set(f, ERR_PEER_CLOSED, NULL, "%s", n ? gnutls_strerror((int)n) : c->peer.text);
    c->at = 0;
    c->n = (size_t)n;
    c->heard = true;
    return ERR_OK;
}

static enum err read_exactly(struct fail *f, struct channel *c, void *out, size_t n)
{
    char *to = out;
    while (n) {
        enum err e = c->n ? ERR_OK : fill(f, c);
        if (e)
            return e;
        size_t take = n < c->n ? n : c->n;
        memcpy(to, c->in + c->at, take);
        c->at += take;
        c->n -= take;
        to += take;
        n -= take;
    }
    return ERR_OK;
}

enum err channel_read(struct fail *f, struct channel *c, struct arena *a, struct frame *out)
{
    uint8_t header[FRAME_HEADER];
    struct frame frame;
    uint32_t length = 0;
    enum err e = read_exactly(f, c, header, sizeof header);
    if (!e)
        e = frame_read_header(f, header, &frame, &length);
    if (e)
        return e;
    char *payload = arena_alloc(a, (size_t)length + 1);
    if (!payload)
        return fail_set(f, ERR_LIMIT, "frame", "the connection's memory is used up");
    e = read_exactly(f, c, payload, length);
    if (e)
        return e;
    frame.payload = (struct str){payload, length};
    *out = frame;
    return ERR_OK;
}
