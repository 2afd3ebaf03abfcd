/* SPDX-License-Identifier: Apache-2.0 */
/* The session is keyed by a shared secret instead of certificates: only the records of a standing connection
 * are measured, and they are the same. */
#include "hops.h"

#include "base/arena.h"
#include "bench.h"

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE = 700, CLIENT = 0, SERVER = 1 };
static const char priority[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-KX-ALL:+ECDHE-PSK:+DHE-PSK";
static const char name[] = "bench";
static unsigned char secret[32] = "a secret that guards nothing";

struct hops {
    sqlite3 *db[HOPS];
    sqlite3_stmt *insert[HOPS];
    int fd[2];
    gnutls_session_t session[2];
    gnutls_psk_client_credentials_t client;
    gnutls_psk_server_credentials_t server;
    pthread_t thread;
    bool answering;
    char message[MESSAGE];
};

/* ---- four databases */

static enum err refuse(struct fail *f, sqlite3 *db)
{
    return fail_set(f, ERR_DB, "baseline", "%s", sqlite3_errmsg(db));
}

static enum err open_database(struct hops *h, struct fail *f, const char *folder, size_t i)
{
    static const char sql[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                              "CREATE TABLE notice (id INTEGER PRIMARY KEY, body BLOB) STRICT";
    char path[300];
    snprintf(path, sizeof path, "%s/hop%zu.db", folder, i);
    if (sqlite3_open(path, &h->db[i]) != SQLITE_OK ||
        sqlite3_exec(h->db[i], sql, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(h->db[i], "INSERT INTO notice (body) VALUES ($1)", -1, &h->insert[i], NULL) !=
            SQLITE_OK)
        return refuse(f, h->db[i]);
    return ERR_OK;
}

static enum err commit(struct hops *h, struct fail *f, size_t i)
{
    sqlite3_bind_blob(h->insert[i], 1, h->message, MESSAGE, SQLITE_STATIC);
    bool good = sqlite3_step(h->insert[i]) == SQLITE_DONE;
    sqlite3_reset(h->insert[i]);
    return good ? ERR_OK : refuse(f, h->db[i]);
}

/* ---- a connection */

/* Two ends of one TCP connection on loopback. */
static enum err connect_pair(struct hops *h, struct fail *f)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr *address = (struct sockaddr *)&at;
    socklen_t size = sizeof at;
    const int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    h->fd[CLIENT] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = listener >= 0 && h->fd[CLIENT] >= 0 && bind(listener, address, size) == 0 &&
                listen(listener, 1) == 0 && getsockname(listener, address, &size) == 0 &&
                connect(h->fd[CLIENT], address, size) == 0;
    if (good)
        h->fd[SERVER] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    for (size_t i = 0; i < 2 && good; i++)
        good = h->fd[i] >= 0 && setsockopt(h->fd[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
    enum err e = good ? ERR_OK : fail_errno(f, ERR_IO, "loopback");
    if (listener >= 0)
        close(listener);
    return e;
}

static int give_secret(gnutls_session_t session UNUSED, const char *who UNUSED, gnutls_datum_t *out)
{
    out->data = gnutls_malloc(sizeof secret);
    out->size = sizeof secret;
    if (out->data)
        memcpy(out->data, secret, sizeof secret);
    return out->data ? 0 : -1;
}

static enum err make_sessions(struct hops *h, struct fail *f)
{
    const gnutls_datum_t key = {secret, sizeof secret};
    int code = gnutls_psk_allocate_client_credentials(&h->client);
    if (code >= 0)
        code = gnutls_psk_set_client_credentials(h->client, name, &key, GNUTLS_PSK_KEY_RAW);
    if (code >= 0)
        code = gnutls_psk_allocate_server_credentials(&h->server);
    if (code >= 0)
        gnutls_psk_set_server_credentials_function(h->server, give_secret);
    for (int i = 0; i < 2 && code >= 0; i++) {
        code = gnutls_init(&h->session[i], i == SERVER ? GNUTLS_SERVER : GNUTLS_CLIENT);
        if (code >= 0)
            code = gnutls_priority_set_direct(h->session[i], priority, NULL);
        if (code >= 0)
            code = gnutls_credentials_set(h->session[i], GNUTLS_CRD_PSK,
                                          i == SERVER ? (void *)h->server : (void *)h->client);
        if (code >= 0)
            gnutls_transport_set_int(h->session[i], h->fd[i]);
    }
    return code >= 0 ? ERR_OK : fail_set(f, ERR_IO, "tls", "%s", gnutls_strerror(code));
}

static int shake_hands(gnutls_session_t session)
{
    int code;
    do
        code = gnutls_handshake(session);
    while (code < 0 && !gnutls_error_is_fatal(code));
    return code;
}

static bool receive(gnutls_session_t session, char message[static MESSAGE])
{
    for (size_t n = 0; n < MESSAGE;) {
        ssize_t got = gnutls_record_recv(session, message + n, MESSAGE - n);
        if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED)
            continue;
        if (got <= 0)
            return false;
        n += (size_t)got;
    }
    return true;
}

/* Sends back what comes, until the other side goes. */
static void *answer_run(void *arg)
{
    struct hops *h = arg;
    char message[MESSAGE];
    if (shake_hands(h->session[SERVER]) >= 0)
        while (receive(h->session[SERVER], message) &&
               gnutls_record_send(h->session[SERVER], message, MESSAGE) > 0)
            ;
    shutdown(h->fd[SERVER], SHUT_RDWR);
    return NULL;
}

static enum err round_trip(struct hops *h, struct fail *f)
{
    if (gnutls_record_send(h->session[CLIENT], h->message, MESSAGE) != MESSAGE ||
        !receive(h->session[CLIENT], h->message))
        return fail_set(f, ERR_IO, "tls", "the other end went away");
    return ERR_OK;
}

/* ---- */

static enum err open_all(struct hops *h, struct fail *f, const char *folder)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < HOPS && !e; i++)
        e = open_database(h, f, folder, i);
    if (!e)
        e = connect_pair(h, f);
    if (!e)
        e = make_sessions(h, f);
    if (e)
        return e;
    h->answering = pthread_create(&h->thread, NULL, answer_run, h) == 0;
    if (!h->answering)
        return fail_set(f, ERR_MEMORY, "thread", NULL);
    int code = shake_hands(h->session[CLIENT]);
    return code >= 0 ? ERR_OK : fail_set(f, ERR_IO, "tls", "%s", gnutls_strerror(code));
}

enum err hops_new(struct fail *f, const char *folder, struct hops **out)
{
    struct hops *h = memory_new(sizeof *h);
    if (!h)
        return fail_set(f, ERR_MEMORY, "hops", NULL);
    h->fd[CLIENT] = h->fd[SERVER] = -1;
    enum err e = open_all(h, f, folder);
    if (e)
        hops_free(h);
    else
        *out = h;
    return e;
}

enum err hops_once(struct hops *h, struct fail *f, double *seconds)
{
    enum err e = ERR_OK;
    double start = bench_now();
    for (size_t i = 0; i < HOPS && !e; i++) {
        e = commit(h, f, i);
        if (!e)
            e = round_trip(h, f);
    }
    *seconds = bench_now() - start;
    return e;
}

void hops_free(struct hops *h)
{
    if (!h)
        return;
    if (h->fd[CLIENT] >= 0)
        shutdown(h->fd[CLIENT], SHUT_RDWR);
    if (h->answering)
        pthread_join(h->thread, NULL);
    for (size_t i = 0; i < 2; i++) {
        if (h->session[i])
            gnutls_deinit(h->session[i]);
        if (h->fd[i] >= 0)
            close(h->fd[i]);
    }
    if (h->client)
        gnutls_psk_free_client_credentials(h->client);
    if (h->server)
        gnutls_psk_free_server_credentials(h->server);
    for (size_t i = 0; i < HOPS; i++) {
        sqlite3_finalize(h->insert[i]);
        sqlite3_close(h->db[i]);
    }
    memory_free(h);
}
