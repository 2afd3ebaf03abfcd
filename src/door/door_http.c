/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how HTTP reaches a route: who is heard (door_tls.c), how much is read, and what goes back.
 *
 * One blocking thread a connection, at most CONNECTIONS: a register holds two or three, and a feed's reader
 * may sleep half a minute without keeping anybody else. A response is queued on the last call of the handler
 * only, or libmicrohttpd closes the connection after each request; just the ones we want rid of are answered
 * on the first. */
#include "door/door_inside.h"

#include "base/log.h"
#include "base/stack.h"
#include "link/link.h"

#include <arpa/inet.h>
#include <netdb.h>

enum { CONNECTIONS = 64, CONNECTIONS_OF_ONE = 32, IDLE_SECONDS = 75, SPILL_MAX = 8 << 20 };
#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3"

/* One connection. door_tls_choose reads the first member. */
struct peer {
    struct door *door;
    bool checked;
    struct fail verdict;
};

void door_request_init(struct door_request *r)
{
    arena_init(&r->arena, DOOR_ARENA_MAX);
    buf_init(&r->body, DOOR_BODY_MAX);
    buf_init(&r->out, DOOR_ANSWER_MAX);
    r->content_type = "application/json; charset=utf-8";
    r->cursor = -1;
}

void door_request_release(struct door_request *r)
{
    buf_release(&r->body);
    buf_release(&r->out);
    arena_release(&r->arena);
}

void door_refusal_write(struct buf *b, enum err error, struct str field)
{
    const struct err_row *row = err_row(error);

    json_add_text(b, "error", str_of(row->name));
    json_add_text(b, "field", field);
    json_add_text(b, "text", str_of(row->en));
    json_add_text(b, "text_ja", str_of(row->ja));
}

void door_request_fail(struct door_request *r, const struct fail *f)
{
    buf_clear(&r->out);
    r->content_type = "application/json; charset=utf-8";
    r->cursor = -1;
    json_begin(&r->out, NULL, '{');
    door_refusal_write(&r->out, f->err, str_of(f->field));
    if (f->detail[0])
        json_add_text(&r->out, "detail", str_of(f->detail));
    if (f->err == ERR_DOOR_GAP && r->expected)
        json_add_int(&r->out, "expected", r->expected);
    json_end(&r->out, '}');
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct door_request *r, unsigned status,
                                   bool last)
{
    char cursor[24];
    struct MHD_Response *response =
        MHD_create_response_from_buffer(r->out.n, r->out.p, MHD_RESPMEM_MUST_COPY);

    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (r->cursor >= 0) {
        snprintf(cursor, sizeof cursor, "%lld", (long long)r->cursor);
        MHD_add_response_header(response, "Juki-Cursor", cursor);
    }
    if (last)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, struct door_request *r, const struct fail *f,
                              bool last)
{
    log_fail(LOG_WARNING, "door_refused", f);
    door_request_fail(r, f);
    return send_answer(connection, r, (unsigned)err_row(f->err)->http, last);
}

/* As the link does with its strangers: one entry in the ledger a source and minute. */
static void count_stranger(struct MHD_Connection *connection, struct door *d, enum err why)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char source[64] = "door unknown", host[INET6_ADDRSTRLEN];

    if (info && info->client_addr &&
        !getnameinfo(info->client_addr,
                     info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                              : sizeof(struct sockaddr_in),
                     host, sizeof host, NULL, 0, NI_NUMERICHOST))
        snprintf(source, sizeof source, "door %s", host);
    link_count_refusal(d->flow->link, source, why);
}

static enum err check_peer(struct MHD_Connection *connection, struct door *d, struct fail *f)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct peer *peer = info ? info->socket_context : NULL;

    if (!peer)
        return fail_set(f, ERR_DOOR_CERTIFICATE, "certificate", "no connection");
    if (!peer->checked) {
        const union MHD_ConnectionInfo *tls =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        if (!tls || door_tls_check(d, &peer->verdict, tls->tls_session))
            peer->verdict.err = ERR_DOOR_CERTIFICATE;
        peer->checked = true;
        if (peer->verdict.err)
            count_stranger(connection, d, ERR_DOOR_CERTIFICATE);
    }
    return fail_pass(f, &peer->verdict);
}

/* A body that says it is too long is not read at all. */
static enum err check_length(struct MHD_Connection *connection, struct fail *f)
{
    const char *text =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t length = 0;

    if (text && (!str_to_uint(str_of(text), INT64_MAX, &length) || length > DOOR_BODY_MAX))
        return fail_set(f, ERR_LIMIT, "body", "%d bytes at most", DOOR_BODY_MAX);
    return ERR_OK;
}

static enum MHD_Result begin(struct MHD_Connection *connection, struct door *d, void **context)
{
    struct door_request *r = memory_new(sizeof *r);
    struct fail f = {0};

    if (!r)
        return MHD_NO;
    door_request_init(r);
    *context = r;
    if (check_peer(connection, d, &f) || check_length(connection, &f))
        return refuse(connection, r, &f, true);
    return MHD_YES;
}

static enum MHD_Result take_body(struct door_request *r, const char *bytes, size_t *n)
{
    if (!r->body.broken)
        buf_add(&r->body, bytes, *n);
    else
        r->spilled += *n;
    *n = 0;
    return r->spilled > SPILL_MAX ? MHD_NO : MHD_YES;
}

static enum err query_number(struct MHD_Connection *connection, struct fail *f, const char *name,
                             uint64_t most, int64_t *out)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
    uint64_t value = 0;

    if (text && !str_to_uint(str_of(text), most, &value))
        return fail_set(f, ERR_FIELD_RANGE, name, "0 to %llu", (unsigned long long)most);
    *out = (int64_t)value;
    return ERR_OK;
}

static enum err answer(struct MHD_Connection *connection, struct door *d, const char *method,
                       const char *path, struct door_request *r, struct fail *f)
{
    const struct door_route *route;
    enum err e;

    if ((e = door_route_find(f, str_of(method), str_of(path), &route)) ||
        (e = query_number(connection, f, "after", INT64_MAX, &r->after)) ||
        (e = query_number(connection, f, "wait", DOOR_WAIT_MAX, &r->wait)) ||
        (e = buf_check(&r->body, f, "body")) || (e = route->answer(d, r, f)))
        return e;
    return buf_check(&r->out, f, "answer");
}

static enum MHD_Result handle(void *self, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *bytes, size_t *n,
                              void **context)
{
    struct door *d = self;
    struct fail f = {0};

    (void)version;
    if (!*context)
        return begin(connection, d, context);
    struct door_request *r = *context;
    if (*n)
        return take_body(r, bytes, n);
    if (answer(connection, d, method, path, r, &f))
        return refuse(connection, r, &f, false);
    return send_answer(connection, r, MHD_HTTP_OK, false);
}

static void request_ends(void *self, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)self, (void)connection, (void)code;
    if (*context)
        door_request_release(*context);
    memory_free(*context);
    *context = NULL;
}

/* Whether the connection, which ends, had got as far as a request could come. */
static bool shook_hands(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *tls =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return tls && tls->tls_session &&
           gnutls_handshake_get_last_in(tls->tls_session) == GNUTLS_HANDSHAKE_FINISHED;
}

static void connection_changes(void *self, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    struct peer *peer = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        peer = memory_new(sizeof *peer);
        if (peer)
            peer->door = self;
        *context = peer;
        return;
    }
    if (peer && !peer->checked && !shook_hands(connection))
        count_stranger(connection, self, ERR_TLS);
    memory_free(peer);
    *context = NULL;
}

enum err door_http_start(struct door *d, struct fail *f)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV},
                    *found = NULL;
    unsigned flags =
        MHD_USE_TLS | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;

    if (getaddrinfo(d->host, d->port, &hints, &found) || !found)
        return fail_set(f, ERR_CONFIG, "listen", "%s is not an address", d->host);
    if (found->ai_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    d->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, handle, d, MHD_OPTION_SOCK_ADDR, found->ai_addr, MHD_OPTION_HTTPS_PRIORITIES,
        PRIORITY, MHD_OPTION_HTTPS_MEM_TRUST, d->ca.p, MHD_OPTION_HTTPS_CERT_CALLBACK, door_tls_choose,
        MHD_OPTION_NOTIFY_CONNECTION, connection_changes, d, MHD_OPTION_NOTIFY_COMPLETED, request_ends, d,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_OF_ONE, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)64 << 10, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    freeaddrinfo(found);
    return d->daemon ? ERR_OK
                     : fail_set(f, ERR_IO, "listen", "%s:%s cannot be listened on", d->host, d->port);
}
