/* SPDX-License-Identifier: Apache-2.0 */
/* A whole connection of a prefecture whose neighbour says anything: as the one that answers (HELLO, batches,
 * FETCH, heads) and as the one that asks (the answers to its HELLO, FETCH and heads). The first byte chooses
 * which; each line is a frame, its first byte the kind. A payload that begins with "!" is signed by the
 * neighbour first, since nothing is believed before that; "|" in it is the end of a line.
 *
 * Every frame that the prefecture sends is whole and its payload JSON. */
#include "fuzz.h"

#include "keys/jws.h"
#include "ledger/note.h"
#include "link/dial.h"
#include "link_network.h"
#include "stores.h"

#include <unistd.h>

/* ---- a channel without a network, in the place of link/channel.c ---- */

struct channel {
    struct node_name peer;
    struct str left;
    uint64_t correlation; /* of the last question */
    bool asks;            /* we do */
};
static struct test_network network;
static struct test_server *const self = &network.servers[PREFECTURE];

static const uint16_t said_by_dialler[] = {
    LINK_FRAME_HELLO,     LINK_FRAME_BATCH,          LINK_FRAME_RESEND, LINK_FRAME_FETCH,
    LINK_FRAME_HEAD_SIZE, LINK_FRAME_HEAD,           LINK_FRAME_AHEAD,  LINK_FRAME_BYE,
    LINK_FRAME_QUESTION,  LINK_KIND_IDENTITY_NOTICE, LINK_KIND_OUTCOME};
static const uint16_t said_by_acceptor[] = {
    LINK_FRAME_HELLO_ANSWER, LINK_FRAME_FETCHED, LINK_FRAME_HEAD_ANSWER,   LINK_FRAME_RECEIPT,
    LINK_FRAME_BUSY,         LINK_FRAME_REFUSED, LINK_KIND_IDENTITY_NOTICE};

/* What of a kind is signed, by whom, and stands in which member. */
static void sign(struct channel *c, uint16_t kind, struct str text, struct buf *out)
{
    bool note = kind == LINK_FRAME_HEAD || kind == LINK_FRAME_HEAD_ANSWER, ours = kind == LINK_FRAME_FETCHED;
    const struct test_server *by = ours ? self : &network.servers[c->asks ? AGENCY : CS_A];
    struct buf lines, signed_text;
    char name[NODE_NAME_SIZE + 8];
    enum err e;
    buf_init(&lines, 1 << 20);
    buf_init(&signed_text, 2 << 20);
    for (size_t i = 0; i < text.n; i++)
        buf_add_char(&lines, text.p[i] == '|' ? '\n' : text.p[i]);
    snprintf(name, sizeof name, "juki/%s", by->name.text);
    if (note)
        e = note_sign(NULL, by->key, str_of(name), buf_str(&lines), &signed_text);
    else
        e = jws_sign(NULL, by->key, str_of(by->name.text), buf_str(&lines), &signed_text);
    json_begin(out, NULL, '{');
    json_add_text(out, note ? "note" : "header", e ? STR("") : buf_str(&signed_text));
    json_begin(out, note ? "proof" : "refused", '[');
    json_end(out, ']');
    json_end(out, '}');
    buf_release(&lines);
    buf_release(&signed_text);
}

enum err channel_read(struct fail *f, struct channel *c, struct arena *a, struct frame *out)
{
    struct str line = {NULL, 0};
    struct buf payload;
    if (!str_cut(&c->left, '\n', &line))
        return fail_set(f, ERR_PEER_CLOSED, NULL, NULL);
    *out = (struct frame){.version = 1, .correlation = c->correlation};
    if (c->asks)
        out->kind = said_by_acceptor[fuzz_choose(&line, COUNT_OF(said_by_acceptor))];
    else
        out->kind = said_by_dialler[fuzz_choose(&line, COUNT_OF(said_by_dialler))];
    buf_init(&payload, FRAME_PAYLOAD_MAX);
    if (line.n && line.p[0] == '!')
        sign(c, out->kind, (struct str){line.p + 1, line.n - 1}, &payload);
    else
        buf_add_str(&payload, line);
    out->payload = arena_copy(a, buf_str(&payload));
    buf_release(&payload);
    return out->payload.p ? ERR_OK : fail_set(f, ERR_MEMORY, "payload", NULL);
}

enum err channel_send(struct fail *f UNUSED, struct channel *c, struct str bytes)
{
    while (bytes.n) {
        uint8_t header[FRAME_HEADER];
        struct frame frame;
        struct json *tree = NULL;
        uint32_t length = 0;
        assert(bytes.n >= FRAME_HEADER);
        memcpy(header, bytes.p, sizeof header);
        assert(!frame_read_header(NULL, header, &frame, &length) && length <= bytes.n - FRAME_HEADER);
        assert(!json_read(NULL, (struct str){bytes.p + FRAME_HEADER, length}, &tree));
        json_free(tree);
        c->correlation = frame.correlation;
        bytes = (struct str){bytes.p + FRAME_HEADER + length, bytes.n - FRAME_HEADER - length};
    }
    return ERR_OK;
}

const struct node_name *channel_peer(const struct channel *c)
{
    return &c->peer;
}

enum err channel_check_peer(struct fail *f UNUSED, const struct channel *c, const struct directory *d,
                            const struct directory_node **node)
{
    *node = directory_find(d, str_of(c->peer.text));
    assert(*node);
    return ERR_OK;
}

void channel_close(struct channel *c UNUSED)
{
}

void channel_interrupt(struct channel *c UNUSED)
{
}

void channel_patience(struct channel *c UNUSED, int seconds UNUSED)
{
}

enum err channel_dial(struct fail *f UNUSED, struct credentials *c UNUSED, const struct directory *d UNUSED,
                      const char *address UNUSED, const struct node_name *expected UNUSED,
                      struct channel **out UNUSED)
{
    abort(); /* nothing is started */
}

enum err channel_dial_until(struct fail *f UNUSED, struct credentials *c UNUSED,
                            const struct directory *d UNUSED, const char *address UNUSED,
                            const struct node_name *expected UNUSED, int64_t deadline UNUSED,
                            struct channel **out UNUSED)
{
    abort();
}

void channel_until(struct channel *c UNUSED, int64_t deadline UNUSED)
{
}

bool channel_heard(const struct channel *c UNUSED)
{
    return true;
}

enum err channel_accept(struct fail *f UNUSED, struct credentials *c UNUSED, const struct directory *d UNUSED,
                        int fd UNUSED, struct channel **out UNUSED)
{
    abort();
}

enum err credentials_load(struct fail *f UNUSED, const char *key_uri UNUSED, const char *path UNUSED,
                          struct credentials **out)
{
    static char nobody;
    *out = (struct credentials *)&nobody;
    return ERR_OK;
}

struct credentials *credentials_ref(struct credentials *c)
{
    return c;
}

void credentials_unref(struct credentials *c UNUSED)
{
}

int64_t credentials_until(const struct credentials *c UNUSED)
{
    return INT64_MAX;
}

/* ---- the conversation ---- */

static struct peer *neighbour(const char *name)
{
    struct peer *p = peer_find(self->link, name);
    assert(p);
    return p;
}

/* What a neighbour may move. */
struct place {
    int64_t epoch, settled, acknowledged, received;
    bool head_forked;
};

static struct place place_of(const char *name)
{
    const struct peer *p = neighbour(name);
    return (struct place){p->epoch, p->settled, p->acknowledged, server_status(self, name).received,
                          p->head_forked};
}

static bool same(struct place a, struct place b)
{
    return a.epoch == b.epoch && a.settled == b.settled && a.acknowledged == b.acknowledged &&
           a.received == b.received && a.head_forked == b.head_forked;
}

static void answer(struct str in)
{
    struct channel c = {.peer = network.servers[CS_A].name, .left = in, .correlation = 1};
    link_serve(self->link, neighbour(c.peer.text), &c);
}

static void ask(struct str in)
{
    struct channel c = {.peer = network.servers[AGENCY].name, .left = in, .asks = true};
    struct dial d = {.l = self->link, .peer = neighbour(c.peer.text), .channel = &c};
    struct fail f;
    arena_init(&d.arena, 64 << 20);
    d.directory = link_directory(self->link);
    d.node = directory_find(d.directory, str_of(c.peer.text));
    enum err e = dial_settle(&d, &f);
    if (!e)
        e = dial_present_head(&d, &f);
    assert(!e || f.err == e);
    directory_unref(d.directory);
    arena_release(&d.arena);
}

static char begun[320]; /* the database before the first word */

static void begin(void)
{
    network_init(&network);
    server_open(self);
    assert(!link_sign_head(self->link, NULL));
    server_stop(self);
    snprintf(begun, sizeof begun, "%s.begun", self->database);
    file_copy(self->database, begun);
    server_open(self);
}

/* Nothing of an input stays. */
static void begin_again(void)
{
    server_stop(self);
    file_copy(begun, self->database);
    server_open(self);
}

void fuzz_target(struct str in)
{
    if (!begun[0])
        begin();
    bool asks = fuzz_choose(&in, 2) == 1;
    const char *with = asks ? "agency" : "cs.282049";
    const struct place before = place_of(with);
    (asks ? ask : answer)(in);
    if (!same(before, place_of(with)))
        begin_again();
}
