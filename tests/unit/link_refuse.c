/* SPDX-License-Identifier: Apache-2.0 */
/* What a prefecture must refuse, each a row: before a peer is known (counted), and after (logged one by one,
 * told). A hand-made client plays cs.282049; no other server runs. */
#include "link_network.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "keys/certificate.h"
#include "keys/credentials.h"
#include "keys/jws.h"
#include "link/core.h"
#include "stores.h"
#include "test.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct test_network net;
static struct test_server *const prefecture = &net.servers[PREFECTURE], *const a = &net.servers[CS_A],
                                 *const b = &net.servers[CS_B];

static int setup(void **state UNUSED)
{
    network_init(&net);
    return 0;
}

static int teardown(void **state UNUSED)
{
    network_release(&net);
    return 0;
}

static int port_of(const struct test_server *s)
{
    uint64_t port = 0;
    assert_true(str_to_uint(str_of(strchr(s->address, ':') + 1), 65535, &port));
    return (int)port;
}

static int tcp_connect(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)port_of(prefecture))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* ---- before the peer is known ---- */

struct stranger {
    const char *what, *error;
    const char *node; /* named in the certificate; NULL: none is shown */
    int days;
    bool other_ca, revoked_serial;
    const char *priority, *alpn;
};

#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
static const struct stranger strangers[] = {
    {"no certificate", "TLS", NULL, 0, false, false, TLS13, "juki/1"},
    {"another CA", "CERTIFICATE_ISSUER", "cs.282049", 30, true, false, TLS13, "juki/1"},
    {"expired", "CERTIFICATE_TIME", "cs.282049", -1, false, false, TLS13, "juki/1"},
    {"revoked node", "NODE_REVOKED", "cs.282022", 30, false, false, TLS13, "juki/1"},
    {"revoked serial", "NODE_REVOKED", "cs.282049", 30, false, true, TLS13, "juki/1"},
    {"not in the directory", "NODE_UNKNOWN", "cs.282031", 30, false, false, TLS13, "juki/1"},
    {"not a node", "NODE_NAME", "somebody", 30, false, false, TLS13, "juki/1"},
    {"TLS 1.2", "TLS", "cs.282049", 30, false, false, "NORMAL:-VERS-ALL:+VERS-TLS1.2", "juki/1"},
    {"wrong ALPN", "TLS", "cs.282049", 30, false, false, TLS13, "http/1.1"},
    {"no ALPN", "ALPN", "cs.282049", 30, false, false, TLS13, NULL},
};

static void stranger_credentials(const struct stranger *s, void **out)
{
    struct buf ca_pem, pem;
    struct key *other = NULL;
    char path[160];
    buf_init(&ca_pem, CERTIFICATE_PEM_MAX);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    if (s->other_ca) {
        snprintf(path, sizeof path, "file:%s/other.key", net.folder);
        assert_ok(key_create_file(NULL, path + 5, KEY_P256));
        assert_ok(key_open(NULL, path, &other));
        assert_ok(certificate_make_ca(NULL, other, "juki test", 365, &ca_pem));
    }
    if (s->revoked_serial)
        assert_ok(file_read(NULL, a->certificate, &pem));
    else
        assert_ok(certificate_issue(NULL, other ? other : net.ca,
                                    other ? buf_str(&ca_pem) : buf_str(&net.ca_pem), a->tls,
                                    (const char *[]){s->node}, 1, s->days, &pem));
    assert_ok(credentials_new(NULL, a->tls, buf_str(&pem), out));
    key_free(other);
    buf_release(&ca_pem);
    buf_release(&pem);
}

/* Knocks and waits for the door to close. */
static void knock(const struct stranger *s)
{
    gnutls_session_t session;
    gnutls_certificate_credentials_t none = NULL;
    void *own = NULL;
    char byte;
    int fd = tcp_connect();
    if (s->node)
        stranger_credentials(s, &own);
    else
        assert_int_equal(gnutls_certificate_allocate_credentials(&none), 0);
    assert_int_equal(gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    assert_int_equal(gnutls_priority_set_direct(session, s->priority, NULL), 0);
    assert_int_equal(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, own ? own : none), 0);
    if (s->alpn) {
        union {
            const char *in;
            unsigned char *out;
        } name = {s->alpn};
        gnutls_datum_t datum = {name.out, (unsigned)strlen(s->alpn)};
        assert_int_equal(gnutls_alpn_set_protocols(session, &datum, 1, 0), 0);
    }
    gnutls_transport_set_int(session, fd);
    if (gnutls_handshake(session) == 0)
        assert_true(gnutls_record_recv(session, &byte, 1) <= 0);
    gnutls_deinit(session);
    close(fd);
    credentials_free(own);
    if (none)
        gnutls_certificate_free_credentials(none);
}

/* Refusals that are counted and not yet written down. */
static int64_t counted(void)
{
    struct link *l = prefecture->link;
    int64_t count = 0;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->refusal_count; i++)
        count += l->refusals[i].count;
    pthread_mutex_unlock(&l->lock);
    return count;
}

static int64_t shifted;

/* The beginning of the next minute: the keeper writes the count of the last one down, and the next fits into
 * one. */
static void next_minute(void)
{
    shifted += 61 - clock_now() / 1000000 % 60;
    clock_shift(shifted);
}

static void strangers_are_refused_and_counted(void **state UNUSED)
{
    char what[128];
    net.nodes[CS_B].revoked = true;
    network_revoke(&net, a);
    server_start(prefecture);
    next_minute();
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        snprintf(what, sizeof what, "source 127.0.0.1 minute");
        int64_t before = server_operations(prefecture, what);
        snprintf(what, sizeof what, "count 3 last %s", strangers[i].error);
        int64_t same = server_operations(prefecture, what);
        print_message("             %s\n", strangers[i].what);
        for (int k = 0; k < 3; k++) {
            knock(&strangers[i]);
            if (strangers[i].other_ca) {
                char path[160];
                snprintf(path, sizeof path, "%s/other.key", net.folder);
                unlink(path);
            }
        }
        WAIT(counted() == 3);
        next_minute();
        WAIT(server_operations(prefecture, what) == same + 1);
        assert_int_equal(server_operations(prefecture, "source 127.0.0.1 minute"), before + 1);
    }
}

static bool closed_within(int fd, int seconds)
{
    struct pollfd p = {fd, POLLIN, 0};
    char bytes[64];
    while (poll(&p, 1, seconds * 1000) == 1)
        if (recv(fd, bytes, sizeof bytes, 0) <= 0) /* before it may come an alert */
            return true;
    return false;
}

static void silent_connections_cost_five_seconds_and_64_places(void **state UNUSED)
{
    int fds[80];
    server_start(prefecture);
    next_minute();
    int64_t start = clock_steady();
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        fds[i] = tcp_connect();
    int refused = 0;
    WAIT((refused = 0, ({
              for (size_t i = 0; i < COUNT_OF(fds); i++)
                  refused += closed_within(fds[i], 0);
          }),
          refused == 16));
    assert_true(clock_steady() - start < 4000000); /* at once, not after the five seconds */
    for (int second = 0; second < 8 && !closed_within(fds[0], 1);
         second++) /* one that drips is no better off */
        (void)!send(fds[0], second ? "" : "\x16\x03\x01\x02", second ? 1 : 4, MSG_NOSIGNAL);
    int closed = 0;
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        closed += closed_within(fds[i], 2);
    assert_int_equal(closed, COUNT_OF(fds));
    assert_true(clock_steady() - start < 10000000);
    WAIT(counted() == 80);
    next_minute();
    WAIT(server_operations(prefecture, "count 80 last TLS") == 1);
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
    server_start(a); /* and others get in again */
    server_notice(a, 5, 1, 1);
    WAIT(server_seen_count(prefecture) == 1);
}

/* ---- a known peer that misbehaves ---- */

struct client {
    struct directory *directory;
    struct credentials *credentials;
    struct channel *channel;
    struct arena arena;
    struct sha256 previous;
    int64_t next; /* sequence */
};

static void client_open(struct client *c)
{
    struct buf text;
    struct fail f = {0};
    buf_init(&text, 1 << 20);
    arena_init(&c->arena, 64 << 20);
    if (!c->next)
        c->next = 1;
    assert_ok(file_read(NULL, a->directory, &text));
    assert_ok(directory_read(NULL, buf_str(&text), (const uint8_t(*)[ED25519_PUBLIC])net.roots, 1,
                             clock_now(), &c->directory));
    assert_ok(credentials_load(NULL, a->tls_uri, a->certificate, &c->credentials));
    if (channel_dial(&f, c->credentials, c->directory, prefecture->address, &prefecture->name, &c->channel))
        fail_msg("%s %s", err_row(f.err)->name, f.detail);
    channel_patience(c->channel, 20);
    buf_release(&text);
}

static void client_close(struct client *c)
{
    channel_close(c->channel);
    credentials_unref(c->credentials);
    directory_unref(c->directory);
    arena_release(&c->arena);
    c->channel = NULL;
}

static void send_json(struct client *c, uint16_t kind, const char *json)
{
    struct fail f;
    (void)!frame_send(&f, c->channel, kind, 1, str_of(json)); /* the other end may have closed already */
}

static void send_raw(struct client *c, const void *p, size_t n)
{
    (void)!channel_send(NULL, c->channel, (struct str){p, n});
}

static void read_kind(struct client *c, uint16_t kind, struct frame *out)
{
    struct fail f = {0};
    if (channel_read(&f, c->channel, &c->arena, out))
        fail_msg("%s %s", err_row(f.err)->name, f.detail);
    assert_int_equal(out->kind, kind);
}

#define HELLO(node, protocol)                                                                                \
    "{\"node\":\"" node "\",\"protocol\":" protocol                                                          \
    ",\"epoch\":1,\"sequence\":0,\"hash\":\"\",\"directory\":1}"

static void client_hello(struct client *c)
{
    struct frame answer;
    client_open(c);
    send_json(c, LINK_FRAME_HELLO, HELLO("cs.282049", "[1,3]"));
    read_kind(c, LINK_FRAME_HELLO_ANSWER, &answer);
}

/* The refusal was told, stands in the log, and the line is closed. */
static void expect_refused(struct client *c, enum err want)
{
    struct frame frame;
    struct json *tree;
    int64_t error = 0;
    char what[96];
    read_kind(c, LINK_FRAME_REFUSED, &frame);
    assert_ok(json_read(NULL, frame.payload, &tree));
    assert_ok(json_member_int(NULL, tree, "error", 0, 9999, &error));
    json_free(tree);
    if (error != (int64_t)want)
        fail_msg("%s instead of %s", err_row((enum err)error)->name, err_row(want)->name);
    snprintf(what, sizeof what, "refused cs.282049 %s", err_row(want)->name);
    assert_true(server_operations(prefecture, what) > 0);
    assert_int_not_equal(channel_read(NULL, c->channel, &c->arena, &frame), ERR_OK);
    client_close(c);
}

static void garbage(struct client *c)
{
    static const unsigned char bytes[64] = {0xff, 0xfe, 0xfd, 0xfc, 1, 2, 3};
    client_hello(c);
    send_raw(c, bytes, sizeof bytes);
}

static void oversized(struct client *c)
{
    static const unsigned char header[16] = {0, 0x10, 0, 1,
                                             3, 0xeb, 0, 1}; /* 1 MiB and one byte; none of them sent */
    client_hello(c);
    send_raw(c, header, sizeof header);
}

static void kind_zero(struct client *c)
{
    static const unsigned char header[16] = {0};
    client_hello(c);
    send_raw(c, header, sizeof header);
}

static void brackets(struct client *c)
{
    char json[2001];
    memset(json, '[', sizeof json - 1);
    json[sizeof json - 1] = 0;
    client_open(c);
    send_json(c, LINK_FRAME_HELLO, json);
}

static void no_hello(struct client *c)
{
    client_open(c);
    send_json(c, LINK_FRAME_BATCH, "{}");
}

static void hello_twice(struct client *c)
{
    client_hello(c);
    send_json(c, LINK_FRAME_HELLO, HELLO("cs.282049", "[1,1]"));
}

static void newer_protocol(struct client *c)
{
    client_open(c);
    send_json(c, LINK_FRAME_HELLO, HELLO("cs.282049", "[2,3]"));
}

static void another_name(struct client *c)
{
    client_open(c);
    send_json(c, LINK_FRAME_HELLO, HELLO("cs.282022", "[1,1]"));
}

static void unknown_frame(struct client *c)
{
    client_hello(c);
    send_json(c, 1099, "{}");
}

/* Notices with the right ids and bodies. */
static struct frame *notices(struct client *c, int count)
{
    struct frame *frames = arena_alloc(&c->arena, sizeof *frames * (size_t)count);
    for (int i = 0; i < count; i++)
        frames[i] = (struct frame){LINK_KIND_IDENTITY_NOTICE, 1, 1,
                                   arena_format(&c->arena,
                                                "{\"id\":\"cs.282049/prefecture.28/%d\",\"time\":1,\"body\":"
                                                "{\"area\":282049,\"code\":5,\"step\":%d}}",
                                                (int)c->next + i, (int)c->next + i)};
    return frames;
}

static struct batch_header header_for(struct client *c, const struct frame *frames, int count)
{
    struct batch_header h = {.origin = "cs.282049",
                             .destination = "prefecture.28",
                             .epoch = 1,
                             .first = c->next,
                             .count = count,
                             .time = clock_now(),
                             .previous = c->previous};
    struct merkle_frontier tree = {0};
    for (int i = 0; i < count; i++)
        merkle_append(&tree, batch_leaf(&frames[i]));
    h.root = merkle_root(&tree);
    return h;
}

static struct str sign(struct client *c, const struct batch_header *h, struct key *key)
{
    struct buf text;
    buf_init(&text, 8192);
    assert_ok(batch_header_sign(NULL, key, h, &text));
    struct str copy = arena_copy(&c->arena, buf_str(&text));
    buf_release(&text);
    return copy;
}

static void send_signed(struct client *c, struct str header, const struct frame *frames, int count)
{
    struct buf wire;
    buf_init(&wire, 16 << 20);
    send_json(c, LINK_FRAME_BATCH, arena_format(&c->arena, "{\"header\":\"%.*s\"}", STR_ARG(header)).p);
    notice_frames_add(&wire, frames, (size_t)count, 1);
    send_raw(c, wire.p, wire.n);
    buf_release(&wire);
}

static void read_receipt(struct client *c, struct receipt *r)
{
    struct frame frame;
    struct str text = {NULL, 0};
    struct json *tree;
    read_kind(c, LINK_FRAME_RECEIPT, &frame);
    assert_ok(json_read(NULL, frame.payload, &tree));
    assert_ok(json_member_text(NULL, tree, "receipt", &c->arena, &text));
    json_free(tree);
    assert_ok(receipt_verify(NULL, text, directory_find(c->directory, STR("prefecture.28")), &c->arena, r));
}

/* A good batch, taken. */
static struct str batch_taken(struct client *c, int count)
{
    struct receipt r;
    struct frame *frames = notices(c, count);
    struct batch_header h = header_for(c, frames, count);
    struct str text = sign(c, &h, a->key);
    send_signed(c, text, frames, count);
    read_receipt(c, &r);
    assert_int_equal(r.sequence, c->next + count - 1);
    assert_int_equal(r.refused_count, 0);
    c->next += count;
    c->previous = sha256_of(text);
    return text;
}

/* One notice whose header was changed before signing. */
static void changed(struct client *c, void (*change)(struct batch_header *h))
{
    client_hello(c);
    struct frame *frames = notices(c, 1);
    struct batch_header h = header_for(c, frames, 1);
    change(&h);
    send_signed(c, sign(c, &h, a->key), frames, 1);
}

#define CHANGED(name, statement)                                                                             \
    static void name##_change(struct batch_header *h)                                                        \
    {                                                                                                        \
        statement;                                                                                           \
    }                                                                                                        \
    static void name(struct client *c)                                                                       \
    {                                                                                                        \
        changed(c, name##_change);                                                                           \
    }
CHANGED(wrong_root, h->root.bytes[0] ^= 1)
CHANGED(wrong_destination, snprintf(h->destination, sizeof h->destination, "agency"))
CHANGED(a_gap, h->first += 3)
CHANGED(wrong_chain, h->previous.bytes[31] ^= 1)
CHANGED(later_epoch, h->epoch = 2)
CHANGED(too_many, h->count = 4001)
CHANGED(no_notice, h->count = 0)
CHANGED(before_the_key, h->time = -1)

static void speaks_for_another(struct client *c)
{
    struct buf text, payload;
    client_hello(c);
    struct frame *frames = notices(c, 1);
    struct batch_header h = header_for(c, frames, 1);
    snprintf(h.origin, sizeof h.origin, "cs.282022");
    buf_init(&text, 8192);
    buf_init(&payload, 8192);
    assert_ok(batch_header_sign(NULL, a->key, &h, &text)); /* kid cs.282022 */
    send_signed(c, buf_str(&text), frames, 1);
    buf_release(&text);
    buf_release(&payload);
}

static void other_key(struct client *c)
{
    client_hello(c);
    struct frame *frames = notices(c, 1);
    struct batch_header h = header_for(c, frames, 1);
    send_signed(c, sign(c, &h, b->key), frames, 1);
}

static void altered_signature(struct client *c)
{
    client_hello(c);
    struct frame *frames = notices(c, 1);
    struct batch_header h = header_for(c, frames, 1);
    struct buf text;
    buf_init(&text, 8192);
    buf_add_str(&text, sign(c, &h, a->key));
    char *at = text.p + text.n - 40;
    *at = *at == 'A' ? 'B' : 'A';
    send_signed(c, buf_str(&text), frames, 1);
    buf_release(&text);
}

static void with_algorithm(struct client *c, const char *algorithm)
{
    client_hello(c);
    struct frame *frames = notices(c, 1);
    struct batch_header h = header_for(c, frames, 1);
    struct str text = sign(c, &h, a->key), head = {NULL, 0};
    struct buf made;
    char json[64];
    buf_init(&made, 8192);
    assert_true(str_cut(&text, '.', &head));
    snprintf(json, sizeof json, "{\"alg\":\"%s\",\"kid\":\"cs.282049\"}", algorithm);
    encode_base64url(&made, json, strlen(json));
    buf_add_char(&made, '.');
    buf_add_str(&made, text);
    send_signed(c, buf_str(&made), frames, 1);
    buf_release(&made);
}

static void alg_none(struct client *c)
{
    with_algorithm(c, "none");
}

static void alg_hs256(struct client *c)
{
    with_algorithm(c, "HS256");
}

static void alg_es256(struct client *c)
{
    with_algorithm(c, "ES256");
}

static void too_large(struct client *c)
{
    client_hello(c);
    struct frame *frames = notices(c, 5);
    char *megabyte = arena_alloc(&c->arena, FRAME_PAYLOAD_MAX);
    memset(megabyte, ' ', FRAME_PAYLOAD_MAX);
    for (int i = 0; i < 5; i++)
        frames[i].payload = (struct str){megabyte, FRAME_PAYLOAD_MAX};
    struct batch_header h = header_for(c, frames, 5);
    send_signed(c, sign(c, &h, a->key), frames, 5);
}

/* Signed and right, but blown up with white space. */
static void header_too_long(struct client *c)
{
    client_hello(c);
    struct frame *frames = notices(c, 1);
    struct batch_header h = header_for(c, frames, 1);
    struct buf payload, text;
    buf_init(&payload, 8192);
    buf_init(&text, 16384);
    assert_ok(jws_verify(NULL, sign(c, &h, a->key), STR("cs.282049"),
                         directory_find(c->directory, STR("cs.282049"))->keys[0].public_key, &payload));
    while (payload.n < HEADER_TEXT_MAX)
        buf_add_char(&payload, ' ');
    assert_ok(jws_sign(NULL, a->key, STR("cs.282049"), buf_str(&payload), &text));
    send_signed(c, buf_str(&text), frames, 1);
    buf_release(&payload);
    buf_release(&text);
}

static void another_frame_version(struct client *c)
{
    static const unsigned char header[16] = {
        0, 0, 0, 0, LINK_FRAME_HEAD_SIZE >> 8, LINK_FRAME_HEAD_SIZE & 0xff, 0, 2};
    client_hello(c);
    send_raw(c, header, sizeof header);
}

static void notice_of_another_question(struct client *c)
{
    struct buf wire;
    client_hello(c);
    struct frame *frames = notices(c, 1);
    struct batch_header h = header_for(c, frames, 1);
    buf_init(&wire, 8192);
    send_json(c, LINK_FRAME_BATCH, arena_format(&c->arena, "{\"header\":\"%s\"}", sign(c, &h, a->key).p).p);
    notice_frames_add(&wire, frames, 1, 2);
    send_raw(c, wire.p, wire.n);
    buf_release(&wire);
}

static void size_question_not_json(struct client *c)
{
    client_hello(c);
    send_json(c, LINK_FRAME_HEAD_SIZE, "{");
}

static void too_many_words_ahead(struct client *c)
{
    struct buf json;
    client_hello(c);
    buf_init(&json, 4096);
    buf_add_str(&json, STR("{\"applied\":["));
    for (int i = 1; i <= AHEAD_RANGES + 1; i++)
        buf_add_format(&json, "%s{\"first\":%d,\"last\":%d}", i > 1 ? "," : "", i, i);
    buf_add_str(&json, STR("]}"));
    assert_ok(buf_check(&json, NULL, "json"));
    buf_add_char(&json, 0);
    send_json(c, LINK_FRAME_AHEAD, json.p);
    buf_release(&json);
}

static void a_word_ahead_of_many(struct client *c)
{
    client_hello(c);
    send_json(c, LINK_FRAME_AHEAD, "{\"applied\":[{\"first\":1,\"last\":1000}]}");
}

static void a_word_ahead_before_hello(struct client *c)
{
    client_open(c);
    send_json(c, LINK_FRAME_AHEAD, "{\"applied\":[]}");
}

static void replayed_with_changed_bytes(struct client *c)
{
    client_hello(c);
    batch_taken(c, 2);
    c->next -= 2;
    struct frame *frames = notices(c, 2);
    frames[1].payload = arena_format(
        &c->arena, "{\"id\":\"cs.282049/prefecture.28/%d\",\"time\":2,\"body\":{}}", (int)c->next + 1);
    struct batch_header h = header_for(c, frames, 2);
    struct str text = sign(c, &h, a->key);
    c->next += 2;
    send_signed(c, text, frames, 2);
}

static const struct {
    const char *what;
    void (*misbehave)(struct client *c);
    enum err error;
} rows[] = {
    {"garbage", garbage, ERR_FRAME_SIZE},
    {"a frame above 1 MiB", oversized, ERR_FRAME_SIZE},
    {"frame kind 0", kind_zero, ERR_FRAME},
    {"2,000 brackets", brackets, ERR_JSON_DEPTH},
    {"no HELLO", no_hello, ERR_FRAME_UNEXPECTED},
    {"HELLO twice", hello_twice, ERR_FRAME_UNEXPECTED},
    {"unknown frame", unknown_frame, ERR_FRAME_UNEXPECTED},
    {"protocol without 1", newer_protocol, ERR_PROTOCOL},
    {"HELLO with another's name", another_name, ERR_ORIGIN},
    {"header root", wrong_root, ERR_BATCH},
    {"header for another", wrong_destination, ERR_BATCH},
    {"header of a life that HELLO did not say", later_epoch, ERR_BATCH},
    {"a gap", a_gap, ERR_STREAM_GAP},
    {"another chain", wrong_chain, ERR_STREAM_FORK},
    {"4,001 notices", too_many, ERR_FIELD_RANGE},
    {"no notice", no_notice, ERR_FIELD_RANGE},
    {"a time before any key", before_the_key, ERR_FIELD_RANGE},
    {"a header in another's name", speaks_for_another, ERR_SIGNATURE_FORM},
    {"another's key", other_key, ERR_SIGNATURE},
    {"an altered signature", altered_signature, ERR_SIGNATURE},
    {"alg none", alg_none, ERR_SIGNATURE_FORM},
    {"alg HS256", alg_hs256, ERR_SIGNATURE_FORM},
    {"alg ES256", alg_es256, ERR_SIGNATURE_FORM},
    {"5 MiB", too_large, ERR_LIMIT},
    {"a header above 4 KiB", header_too_long, ERR_LIMIT},
    {"version 2 of a frame", another_frame_version, ERR_FRAME},
    {"a notice of another question", notice_of_another_question, ERR_FRAME},
    {"nine words ahead", too_many_words_ahead, ERR_LIMIT},
    {"a word ahead of 1,000 notices", a_word_ahead_of_many, ERR_FIELD_RANGE},
    {"a word ahead before HELLO", a_word_ahead_before_hello, ERR_FRAME_UNEXPECTED},
    {"HEAD_SIZE that is not JSON", size_question_not_json, ERR_JSON},
    {"an old batch with changed bytes", replayed_with_changed_bytes, ERR_STREAM_FORK},
};

static void misbehaviour_is_refused_logged_and_told(void **state UNUSED)
{
    struct client c = {.channel = NULL};
    server_start(prefecture);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        print_message("             %s\n", rows[i].what);
        rows[i].misbehave(&c);
        expect_refused(&c, rows[i].error);
    }
    assert_int_equal(server_seen_count(prefecture), 2);
    client_hello(&c); /* and it may come back and behave */
    batch_taken(&c, 1);
    assert_int_equal(server_seen_count(prefecture), 3);
    client_close(&c);
}

static void a_certificate_is_revoked_under_a_connection(void **state UNUSED)
{
    struct client c = {.channel = NULL};
    server_start(prefecture);
    client_hello(&c);
    batch_taken(&c, 1);
    network_revoke(&net, a);
    assert_ok(link_reload(prefecture->link, NULL));
    struct frame frame; /* it asks nothing: nobody waits until it does */
    assert_err(channel_read(NULL, c.channel, &c.arena, &frame), ERR_PEER_CLOSED);
    WAIT(server_operations(prefecture, "disconnected cs.282049 NODE_REVOKED") == 1);
    client_close(&c);
}

/* ---- pools */

struct reading {
    pthread_t thread;
    struct db *db;
    atomic_bool *end;
};

static enum err read_until_end(struct db_tx *tx UNUSED, struct fail *f UNUSED, void *arg)
{
    const struct reading *r = arg;
    while (!atomic_load(r->end))
        network_pause();
    return ERR_OK;
}

static void *reading_run(void *arg)
{
    const struct reading *r = arg;
    assert_ok(db_read(r->db, NULL, read_until_end, arg));
    return NULL;
}

static void note_level(void *arg, const struct pool *p)
{
    int *levels = arg;
    levels[0] = strcmp(p->name, "handshakes") == 0 ? p->level : levels[0];
    levels[1] = strcmp(p->name, "readers") == 0 ? p->level : levels[1];
}

static void a_pool_that_runs_low_is_said_and_written_down(void **state UNUSED)
{
    enum { SILENT = 58, READING = DB_READERS - 1 };
    int fds[SILENT], levels[2] = {0, 0};
    struct reading readings[READING];
    atomic_bool end = false;
    server_start(prefecture);
    for (int i = 0; i < SILENT; i++)
        fds[i] = tcp_connect();
    for (int i = 0; i < READING; i++) {
        readings[i] = (struct reading){.db = prefecture->db, .end = &end};
        assert_int_equal(pthread_create(&readings[i].thread, NULL, reading_run, &readings[i]), 0);
    }
    WAIT(server_operations(prefecture, "pool low handshakes 10 percent") == 1);
    WAIT(server_operations(prefecture, "pool low readers 30 percent") == 1);
    link_pools(prefecture->link, note_level, levels);
    assert_int_equal(levels[0], 2);
    assert_int_equal(levels[1], 1);
    atomic_store(&end, true);
    for (int i = 0; i < READING; i++)
        pthread_join(readings[i].thread, NULL);
    for (int i = 0; i < SILENT; i++)
        close(fds[i]);
}

static void the_same_batch_twice_changes_nothing(void **state UNUSED)
{
    struct client c = {.channel = NULL};
    struct receipt r;
    server_start(prefecture);
    client_hello(&c);
    struct frame *frames = notices(&c, 3);
    struct str text = batch_taken(&c, 3);
    send_signed(&c, text, frames, 3);
    read_receipt(&c, &r);
    assert_int_equal(r.sequence, 3);
    assert_true(sha256_equal(r.header, sha256_of(text)));
    batch_taken(&c, 1);
    send_signed(&c, text, frames, 3); /* late: the receipt says the watermark of now */
    read_receipt(&c, &r);
    assert_int_equal(r.sequence, 4);
    assert_int_equal(server_seen_count(prefecture), 4);
    client_close(&c);
}

/* ---- bad notices among good ones ---- */

static const struct {
    uint16_t kind, version;
    enum err error;
    const char *payload; /* %d is the sequence */
} bad[] = {
    {12, 1, ERR_KIND_FORBIDDEN, "{\"id\":\"cs.282049/prefecture.28/%d\",\"time\":1,\"body\":{}}"},
    {2, 1, ERR_KIND_FORBIDDEN, "{\"id\":\"cs.282049/prefecture.28/%d\",\"time\":1,\"body\":{\"ranges\":[]}}"},
    {1, 1, ERR_KIND_FORBIDDEN,
     "{\"id\":\"cs.282049/prefecture.28/%d\",\"time\":1,\"body\":{\"directory\":\"\"}}"},
    {77, 1, ERR_KIND_UNKNOWN, "{\"id\":\"cs.282049/prefecture.28/%d\",\"time\":1,\"body\":{}}"},
    {10, 3, ERR_KIND_UNKNOWN, "{\"id\":\"cs.282049/prefecture.28/%d\",\"time\":1,\"body\":{}}"},
    {10, 0, ERR_KIND_UNKNOWN, "{\"id\":\"cs.282049/prefecture.28/%d\",\"time\":1,\"body\":{}}"},
    {10, 1, ERR_ORIGIN,
     "{\"id\":\"cs.282022/prefecture.28/%d\",\"time\":1,\"body\":{\"area\":282022,\"code\":5,\"step\":1}}"},
    {10, 1, ERR_ORIGIN,
     "{\"id\":\"cs.282049/prefecture.28/9%d\",\"time\":1,\"body\":{\"area\":282049,\"code\":5,\"step\":1}}"},
    {10, 1, ERR_SCOPE,
     "{\"id\":\"cs.282049/prefecture.28/%d\",\"time\":1,\"body\":{\"area\":282022,\"code\":5,\"step\":1}}"},
    {10, 1, ERR_FIELD_MISSING, "{\"time\":%d,\"body\":{\"area\":282049,\"code\":5,\"step\":1}}"},
    {10, 1, ERR_FIELD_TYPE, "{\"id\":\"cs.282049/prefecture.28/%d\",\"time\":1,\"body\":[]}"},
    {10, 1, ERR_JSON, "{\"id\":\"cs.282049/prefecture.28/%d\",\"time\":1"},
    {10, 1, ERR_JSON_DEPTH, "[[[[[[[[[[[[[[[[[[[[[%d]]]]]]]]]]]]]]]]]]]]]"},
};

static void bad_notices_stand_in_the_receipt_and_stop_nobody(void **state UNUSED)
{
    struct client c = {.channel = NULL};
    struct receipt r;
    int count = 2 * (int)COUNT_OF(bad);
    server_start(prefecture);
    client_hello(&c);
    struct frame *frames = notices(&c, count);
    for (int i = 0; i < count; i += 2) {
        char number[8];
        struct str text = str_of(bad[i / 2].payload), head = {NULL, 0};
        assert_true(str_cut(&text, '%', &head));
        snprintf(number, sizeof number, "%d", i + 1);
        frames[i].kind = bad[i / 2].kind;
        frames[i].version = bad[i / 2].version;
        frames[i].payload =
            arena_format(&c.arena, "%.*s%s%.*s", STR_ARG(head), number, (int)text.n - 1, text.p + 1);
    }
    struct batch_header h = header_for(&c, frames, count);
    send_signed(&c, sign(&c, &h, a->key), frames, count);
    read_receipt(&c, &r);
    assert_int_equal(r.sequence, count);
    for (size_t i = 0; i < r.refused_count && i < COUNT_OF(bad); i++) {
        assert_int_equal(r.refused[i].sequence, 2 * i + 1);
        if (r.refused[i].error != (int64_t)bad[i].error)
            fail_msg("%s: %s instead of %s", bad[i].payload, err_row((enum err)r.refused[i].error)->name,
                     err_row(bad[i].error)->name);
    }
    assert_int_equal(r.refused_count, COUNT_OF(bad));
    assert_int_equal(server_seen_count(prefecture), COUNT_OF(bad));
    client_close(&c);
}

static void refused_kinds_can_be_fetched_back(void **state UNUSED)
{
    struct client c = {.channel = NULL};
    struct receipt r;
    struct frame frame, *back = NULL;
    server_start(prefecture);
    client_hello(&c);
    struct frame *frames = notices(&c, 2);
    frames[0].kind = 77;
    struct batch_header h = header_for(&c, frames, 2);
    send_signed(&c, sign(&c, &h, a->key), frames, 2);
    read_receipt(&c, &r);
    send_json(&c, LINK_FRAME_FETCH, "{\"sequence\":1}");
    read_kind(&c, LINK_FRAME_FETCHED, &frame);
    assert_ok(notice_frames_read(NULL, c.channel, &c.arena, &h, 1, &back));
    for (int i = 0; i < 2; i++) {
        struct sha256 sent = batch_leaf(&frames[i]), got = batch_leaf(&back[i]);
        assert_true(sha256_equal(sent, got));
    }
    send_json(&c, LINK_FRAME_FETCH, "{\"sequence\":3}");
    expect_refused(&c, ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(strangers_are_refused_and_counted),
        TEST(silent_connections_cost_five_seconds_and_64_places),
        TEST(misbehaviour_is_refused_logged_and_told),
        TEST(a_certificate_is_revoked_under_a_connection),
        TEST(a_pool_that_runs_low_is_said_and_written_down),
        TEST(the_same_batch_twice_changes_nothing),
        TEST(bad_notices_stand_in_the_receipt_and_stop_nobody),
        TEST(refused_kinds_can_be_fetched_back),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
