/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in docs/PROTOCOL.md for a dialler, as far as HELLO and HEAD_SIZE. */
#include "quiet_peers.h"

#include "base/clock.h"
#include "base/file.h"
#include "identity/area_code.h"
#include "keys/certificate.h"
#include "link/channel.h"
#include "link/link.h"

#include <sys/resource.h>
#include <unistd.h>

enum {
    DAYS = 30,
    PREFECTURES = 47,
    CODES_MOST = 48000,
    FILES_BESIDE = 100,
    CONNECT_TRIES = 5,
    PATH_SIZE = TOWN_PATH_SIZE + 64
};
enum { ANSWER_SECONDS = 60, ANSWER_MEMORY = 2 * 1024 * 1024, TEXT_MAX = 8 * 1024 * 1024 };

struct quiet_peer {
    struct node_name name;
    uint8_t signing_key[ED25519_PUBLIC];
    struct credentials *credentials;
    struct channel *channel; /* NULL while it is away */
    uint64_t questions;
};

struct quiet_peers {
    struct town *town;
    struct arena arena;
    struct quiet_peer *peers;
    size_t count;
    struct directory *directory;
    const struct directory_node *agency;
    char folder[TOWN_PATH_SIZE];
};

/* For this process; the agency, which runs by then, has seen to its own. */
static enum err raise_limit(struct fail *f, size_t peers)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return fail_errno(f, ERR_LIMIT, "open files");
    if (limit.rlim_max < peers + FILES_BESIDE)
        return fail_set(f, ERR_LIMIT, "open files", "%llu allowed (ulimit -Hn), %zu needed",
                        (unsigned long long)limit.rlim_max, peers + FILES_BESIDE);
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? ERR_OK : fail_errno(f, ERR_LIMIT, "open files");
}

/* ---- names */

static enum err add_name(struct quiet_peers *q, struct fail *f, const char *text)
{
    struct quiet_peer *p = &q->peers[q->count];
    enum err e = node_name_parse(f, str_of(text), &p->name);
    q->count += !e;
    return e;
}

static enum err add_prefectures(struct quiet_peers *q, struct fail *f, size_t wanted)
{
    char text[NODE_NAME_SIZE];
    enum err e = ERR_OK;
    for (int i = 1; i <= PREFECTURES && q->count < wanted && !e; i++) {
        snprintf(text, sizeof text, "prefecture.%02d", i);
        if (i != TOWN_AREA / 10000)
            e = add_name(q, f, text);
    }
    return e;
}

/* Those that run a CS; then codes that nobody has. */
static enum err add_municipalities(struct quiet_peers *q, struct fail *f, size_t wanted, bool real)
{
    char text[NODE_NAME_SIZE];
    enum err e = ERR_OK;
    for (int32_t code5 = 1000; code5 < CODES_MOST && q->count < wanted && !e; code5++) {
        struct area_code code = area_code_from5(code5);
        const struct area_row *row = area_code_find(code);
        snprintf(text, sizeof text, "cs.%06d", (int)code.value);
        if (code.value != TOWN_AREA && (real ? row && row->runs_cs : !row))
            e = add_name(q, f, text);
    }
    return e;
}

/* ---- keys and certificates */

struct authority {
    struct key *root, *ca;
    struct buf ca_pem;
};

static enum err open_key(struct fail *f, struct str folder, const char *name, struct key **out)
{
    char uri[PATH_SIZE];
    snprintf(uri, sizeof uri, "file:%.*s/authority/%s", STR_ARG(folder), name);
    return key_open(f, uri, out);
}

static enum err authority_open(struct authority *a, struct fail *f, const struct network *n)
{
    char path[PATH_SIZE];
    *a = (struct authority){0};
    buf_init(&a->ca_pem, CERTIFICATE_PEM_MAX);
    snprintf(path, sizeof path, "%.*s/authority/ca.pem", STR_ARG(n->folder));
    enum err e = open_key(f, n->folder, "root.key", &a->root);
    if (!e)
        e = open_key(f, n->folder, "ca.key", &a->ca);
    return e ? e : file_read(f, path, &a->ca_pem);
}

static void authority_close(struct authority *a)
{
    key_free(a->root);
    key_free(a->ca);
    buf_release(&a->ca_pem);
}

static enum err issue(struct authority *a, struct fail *f, const struct quiet_peer *p, const char *uri,
                      const char *pem_path)
{
    const char *const names[] = {p->name.text};
    struct key *key = NULL;
    struct buf pem;
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err e = key_open(f, uri, &key);
    if (!e)
        e = certificate_issue(f, a->ca, buf_str(&a->ca_pem), key, names, COUNT_OF(names), DAYS, &pem);
    if (!e)
        e = file_write(f, pem_path, buf_str(&pem), 0600);
    key_free(key);
    buf_release(&pem);
    return e;
}

/* The files are read once and removed. */
static enum err make_credentials(struct quiet_peers *q, struct fail *f, struct authority *a,
                                 struct quiet_peer *p)
{
    char uri[PATH_SIZE], pem_path[PATH_SIZE];
    const char *key_path = uri + strlen("file:");
    snprintf(uri, sizeof uri, "file:%s/peer.key", q->folder);
    snprintf(pem_path, sizeof pem_path, "%s/peer.pem", q->folder);
    enum err e = key_create_file(f, key_path, KEY_P256);
    if (!e)
        e = issue(a, f, p, uri, pem_path);
    if (!e)
        e = credentials_load(f, uri, pem_path, &p->credentials);
    unlink(key_path);
    unlink(pem_path);
    return e;
}

/* They will sign nothing; the public half is what the directory needs. */
static enum err make_signing_key(struct fail *f, struct quiet_peer *p, size_t at)
{
    uint8_t seed[ED25519_SEED] = {1};
    struct key *key = NULL;
    memcpy(seed + 1, &at, sizeof at);
    enum err e = key_from_seed(f, seed, &key);
    if (!e)
        e = key_public(f, key, p->signing_key);
    key_free(key);
    return e;
}

/* ---- the directory */

static enum err sign_directory(struct quiet_peers *q, struct fail *f, struct authority *a, struct buf *jws)
{
    const struct directory_node *before;
    struct directory *old = NULL;
    uint8_t root[1][ED25519_PUBLIC];
    enum err e = network_read_directory(f, town_network(q->town), &old);
    if (e)
        return e;
    size_t known = directory_nodes(old, &before);
    struct directory_node *nodes = arena_alloc(&q->arena, (known + q->count) * sizeof *nodes);
    struct directory_key *keys = arena_alloc(&q->arena, q->count * sizeof *keys);
    e = nodes && keys ? key_public(f, a->root, root[0]) : fail_set(f, ERR_MEMORY, "directory", NULL);
    if (!e) {
        const struct directory_draft draft = {.version = directory_version(old) + 1,
                                              .issued = clock_now(),
                                              .expires = directory_expires(old),
                                              .roots = (const uint8_t(*)[ED25519_PUBLIC])root,
                                              .root_count = 1,
                                              .ca = buf_str(&a->ca_pem),
                                              .nodes = nodes,
                                              .node_count = known + q->count};
        memcpy(nodes, before, known * sizeof *nodes);
        for (size_t i = 0; i < q->count; i++) {
            keys[i] = (struct directory_key){.from = draft.issued, .until = INT64_MAX};
            memcpy(keys[i].public_key, q->peers[i].signing_key, ED25519_PUBLIC);
            nodes[known + i] =
                (struct directory_node){.name = q->peers[i].name, .keys = &keys[i], .key_count = 1};
        }
        e = directory_sign(f, a->root, &draft, jws);
    }
    directory_unref(old);
    return e ? e : buf_check(jws, f, "directory");
}

static enum err put_directory(struct quiet_peers *q, struct fail *f, struct authority *a)
{
    const struct network *n = town_network(q->town);
    struct buf jws;
    buf_init(&jws, TEXT_MAX);
    enum err e = sign_directory(q, f, a, &jws);
    for (size_t i = 0; i < n->count && !e; i++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%.*s/directory.jws", STR_ARG(n->nodes[i].folder));
        e = file_write(f, path, buf_str(&jws), 0600);
    }
    buf_release(&jws);
    if (!e)
        e = network_read_directory(f, n, &q->directory);
    q->agency = e ? NULL : directory_find(q->directory, STR("agency"));
    return e;
}

/* ---- */

static enum err make_all(struct quiet_peers *q, struct fail *f, size_t count)
{
    struct authority a;
    enum err e = add_prefectures(q, f, count);
    if (!e)
        e = add_municipalities(q, f, count, true);
    if (!e)
        e = add_municipalities(q, f, count, false);
    if (e)
        return e;
    e = authority_open(&a, f, town_network(q->town));
    for (size_t i = 0; i < q->count && !e; i++) {
        e = make_signing_key(f, &q->peers[i], i);
        if (!e)
            e = make_credentials(q, f, &a, &q->peers[i]);
    }
    if (!e)
        e = put_directory(q, f, &a);
    authority_close(&a);
    return e;
}

enum err quiet_peers_new(struct fail *f, const char *folder, struct town *t, size_t count,
                         struct quiet_peers **out)
{
    struct quiet_peers *q = memory_new(sizeof *q);
    if (!q)
        return fail_set(f, ERR_MEMORY, "peers", NULL);
    q->town = t;
    snprintf(q->folder, sizeof q->folder, "%s", folder);
    arena_init(&q->arena, 64 * 1024 * 1024);
    q->peers = arena_alloc(&q->arena, count * sizeof *q->peers);
    enum err e = q->peers ? make_all(q, f, count) : fail_set(f, ERR_MEMORY, "peers", NULL);
    if (!e && q->count != count)
        e = fail_set(f, ERR_LIMIT, "peers", "%zu at most", q->count);
    if (e)
        quiet_peers_free(q);
    else
        *out = q;
    return e;
}

/* ---- speaking */

static enum err ask(struct quiet_peer *p, struct fail *f, uint16_t kind, struct str payload,
                    uint16_t expected)
{
    const struct frame question = {
        .kind = kind, .version = 1, .correlation = ++p->questions, .payload = payload};
    struct frame answer;
    struct arena a;
    struct buf bytes;
    buf_init(&bytes, TEXT_MAX);
    arena_init(&a, ANSWER_MEMORY);
    frame_write(&bytes, &question);
    enum err e = buf_check(&bytes, f, "frame");
    if (!e)
        e = channel_send(f, p->channel, buf_str(&bytes));
    if (!e)
        e = channel_read(f, p->channel, &a, &answer);
    if (!e && (answer.kind != expected || answer.correlation != p->questions))
        e = fail_set(f, ERR_FRAME_UNEXPECTED, "kind", "%u to %s", answer.kind, p->name.text);
    buf_release(&bytes);
    arena_release(&a);
    return e;
}

static enum err say_hello(struct quiet_peers *q, struct fail *f, struct quiet_peer *p)
{
    char text[300];
    snprintf(text, sizeof text,
             "{\"node\":\"%s\",\"protocol\":[1,1],\"epoch\":1,\"sequence\":0,"
             "\"hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"directory\":%lld}",
             p->name.text, (long long)directory_version(q->directory));
    return ask(p, f, LINK_FRAME_HELLO, str_of(text), LINK_FRAME_HELLO_ANSWER);
}

static enum err connect_one(struct quiet_peers *q, struct fail *f, struct quiet_peer *p)
{
    enum err e =
        channel_dial(f, p->credentials, q->directory, q->agency->address, &q->agency->name, &p->channel);
    if (e)
        return e;
    channel_patience(p->channel, ANSWER_SECONDS);
    return say_hello(q, f, p);
}

/* A handshake has five seconds, which a crowded machine may not give it: whoever dials tries again. */
static enum err connect_patiently(struct quiet_peers *q, struct fail *f, struct quiet_peer *p)
{
    enum err e = connect_one(q, f, p);
    for (int i = 1; i < CONNECT_TRIES && e; i++) {
        channel_close(p->channel);
        p->channel = NULL;
        e = connect_one(q, f, p);
    }
    return e;
}

enum err quiet_peers_connect(struct quiet_peers *q, struct fail *f)
{
    enum err e = raise_limit(f, q->count);
    for (size_t i = 0; i < q->count && !e; i++)
        e = connect_patiently(q, f, &q->peers[i]);
    return e;
}

enum err quiet_peers_touch(struct quiet_peers *q, struct fail *f)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < q->count && !e; i++)
        e = ask(&q->peers[i], f, LINK_FRAME_HEAD_SIZE, STR("{}"), LINK_FRAME_HEAD_ANSWER);
    return e;
}

void quiet_peers_leave(struct quiet_peers *q)
{
    for (size_t i = 0; i < q->count; i++) {
        channel_close(q->peers[i].channel);
        q->peers[i].channel = NULL;
    }
}

void quiet_peers_free(struct quiet_peers *q)
{
    if (!q)
        return;
    quiet_peers_leave(q);
    for (size_t i = 0; i < q->count; i++)
        credentials_unref(q->peers[i].credentials);
    directory_unref(q->directory);
    arena_release(&q->arena);
    memory_free(q);
}
