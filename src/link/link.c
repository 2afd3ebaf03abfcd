/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a link: made, started, reloaded, stopped; and the directory, which arrives as a notice. */
#include "link/link.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "link/core.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DIRECTORY_FILE_MAX = 8 * 1024 * 1024, RECENT_BYTES = 8 * 1024 * 1024 };

struct directory *link_directory(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    struct directory *d = directory_ref(l->directory);
    pthread_mutex_unlock(&l->lock);
    return d;
}

/* The key this server signs with is the one by which others check its signatures now. */
static enum err check_own_key(struct link *l, struct fail *f)
{
    uint8_t own[ED25519_PUBLIC];
    struct directory *d = link_directory(l);
    const struct directory_node *node = directory_find(d, str_of(l->config.self.text));
    const struct directory_key *key = node ? directory_key_at(node, clock_now()) : NULL;
    enum err e = key_public(f, l->config.signing_key, own);
    if (!e && (!key || memcmp(key->public_key, own, sizeof own) != 0))
        e = fail_set(f, ERR_SIGNING_KEY, "signing_key",
                     key ? "it names another one" : "it names none for now");
    directory_unref(d);
    return e;
}

static enum err touch_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    (void)arg; /* a row that stayed as it is would not be written */
    return db_exec(tx, f, &sql_link_self_touch, DB(db_int(clock_steady())), NULL);
}

enum err link_health(struct link *l, struct fail *f)
{
    enum err e = check_own_key(l, f);
    return e ? e : db_transaction(l->config.db, f, touch_tx, NULL);
}

enum err link_sign_head(struct link *l, struct fail *f)
{
    enum err e = check_own_key(l, f);
    return e ? e : ledger_sign_head(l->config.ledger, f, NULL);
}

int64_t link_epoch(const struct link *l)
{
    return l->epoch;
}

int64_t link_certificate_until(struct link *l)
{
    pthread_mutex_lock(&l->lock);
    int64_t until = credentials_until(l->credentials);
    pthread_mutex_unlock(&l->lock);
    return until;
}

/* ---- the directory ---- */

static enum err read_directory(struct link *l, struct fail *f, struct str text, struct directory **out)
{
    const uint8_t(*roots)[ED25519_PUBLIC] = l->config.roots;
    size_t count = l->config.root_count;
    struct directory *now = l->directory ? link_directory(l) : NULL;
    if (now) /* a present root may name the next */
        count = directory_roots(now, &roots);
    enum err e = directory_read(f, text, roots, count, clock_now(), out);
    directory_unref(now);
    return e;
}

static enum err directory_from_file(struct link *l, struct fail *f, struct directory **out)
{
    struct buf b;
    buf_init(&b, DIRECTORY_FILE_MAX);
    enum err e = file_read(f, l->config.directory_path, &b);
    if (!e)
        e = read_directory(l, f, buf_str(&b), out);
    buf_release(&b);
    return e;
}

struct self_row {
    struct link *l;
    struct arena *arena;
    struct str directory;
};

static enum err self_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct self_row *s = arg;
    struct db_rows rows;
    enum err e = db_exec(tx, f, &sql_link_self_put, DB(db_int(1)), NULL);
    if (e)
        return e;
    db_query(tx, &rows, &sql_link_self_find, DB_NONE);
    if (db_next(&rows)) {
        s->l->epoch = db_row_int(&rows, 0);
        s->directory = arena_copy(s->arena, db_row_text(&rows, 1));
    }
    return db_done(&rows, f);
}

/* The newer of the file's and the database's. */
static enum err directory_load(struct link *l, struct fail *f)
{
    struct directory *kept = NULL;
    struct arena a;
    arena_init(&a, DIRECTORY_FILE_MAX);
    struct self_row self = {l, &a, {NULL, 0}};
    enum err e = db_transaction(l->config.db, f, self_tx, &self);
    if (!e)
        e = link_life_read(f, l->config.db, &l->life);
    enum err from_file = e ? e : directory_from_file(l, f, &l->directory);
    if (!e && self.directory.n && !read_directory(l, NULL, self.directory, &kept)) {
        if (from_file || directory_version(kept) > directory_version(l->directory)) {
            directory_unref(l->directory); /* NULL when the file has expired since */
            l->directory = kept;
            from_file = ERR_OK;
        } else {
            directory_unref(kept);
        }
    }
    arena_release(&a);
    return from_file;
}

static enum err apply_directory(void *self, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    struct link *l = self;
    struct directory *d = NULL;
    struct arena a;
    struct str text = {NULL, 0};
    arena_init(&a, 2 * FRAME_PAYLOAD_MAX);
    enum err e = json_member_text(f, n->body, "directory", &a, &text);
    if (!e)
        e = read_directory(l, f, text, &d);
    pthread_mutex_lock(&l->lock);
    int64_t now = directory_version(l->directory_next ? l->directory_next : l->directory);
    pthread_mutex_unlock(&l->lock);
    if (!e && directory_version(d) <= now) {
        e = directory_version(d) == now
                ? ERR_OK
                : fail_set(f, ERR_DIRECTORY_OLD, "version", "%lld", (long long)directory_version(d));
        directory_unref(d);
        d = NULL;
    }
    if (!e && d)
        e = db_exec(tx, f, &sql_link_directory_put, DB(db_text(text)), NULL);
    arena_release(&a);
    if (e) {
        directory_unref(d);
        return e;
    }
    pthread_mutex_lock(&l->lock);
    if (d) {
        directory_unref(l->directory_next);
        l->directory_next = d;
    }
    pthread_mutex_unlock(&l->lock);
    return ERR_OK;
}

const struct link_kind directory_kind = {.kind = LINK_KIND_DIRECTORY, .apply = apply_directory};

struct announcing {
    struct link *l;
    int64_t version;
    bool all;
};

/* The agency tells everyone. */
static enum err announce_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct announcing *a = arg;
    struct link *l = a->l;
    struct directory *d = link_directory(l);
    struct buf b;
    enum err e = ERR_OK;
    a->version = directory_version(d);
    a->all = true;
    buf_init(&b, FRAME_PAYLOAD_MAX - 4096);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "directory", directory_jws(d));
    json_end(&b, '}');
    e = buf_check(&b, f, "directory");
    struct peer *p;
    for (size_t i = 0; !e && (p = peer_at(l, i)); i++) {
        const struct node_name *to = &p->node;
        const struct link_send send = {
            .destination = to->text, .kind = LINK_KIND_DIRECTORY, .body = buf_str(&b)};
        const struct directory_node *node = directory_find(d, str_of(to->text));
        if (!node || node->revoked || !directory_permits(d, STR("directory"), l->config.self.role, to->role))
            continue;
        if (peer_settled(p))
            e = link_send(l, tx, f, &send, NULL);
        else /* it must first give back what a restore lost; then link_reload again */
            a->all = false;
    }
    buf_release(&b);
    directory_unref(d);
    return e;
}

/* What could not be told to all is told by the next link_reload. */
static enum err announce(struct link *l, struct fail *f)
{
    struct announcing a = {.l = l};
    enum err e = db_transaction(l->config.db, f, announce_tx, &a);
    pthread_mutex_lock(&l->lock);
    if (!e && a.all && l->announced < a.version)
        l->announced = a.version;
    pthread_mutex_unlock(&l->lock);
    return e;
}

enum err link_reload(struct link *l, struct fail *f)
{
    struct credentials *credentials = NULL;
    struct directory *d = NULL;
    enum err e = credentials_load(f, l->config.tls_key_uri, l->config.tls_certificate_path, &credentials);
    if (!e)
        e = directory_from_file(l, f, &d);
    if (e) {
        credentials_unref(credentials);
        return e;
    }
    pthread_mutex_lock(&l->lock);
    credentials_unref(l->credentials);
    l->credentials = credentials;
    bool newer = directory_version(d) > directory_version(l->directory);
    directory_unref(newer ? l->directory : d);
    if (newer)
        l->directory = d;
    bool untold = directory_version(l->directory) > l->announced;
    pthread_mutex_unlock(&l->lock);
    e = peers_load(l, f);
    return e || !untold || l->config.self.role != NODE_AGENCY ? e : announce(l, f);
}

/* ---- life ---- */

static void find_upper(struct link *l)
{
    if (l->config.self.role == NODE_PREFECTURE)
        snprintf(l->upper.text, sizeof l->upper.text, "agency");
    else if (l->config.self.role == NODE_CS)
        snprintf(l->upper.text, sizeof l->upper.text, "prefecture.%02d",
                 (int)node_name_prefecture(&l->config.self));
}

enum err link_new(struct fail *f, const struct link_config *config, struct link **out)
{
    struct link *l = memory_new(sizeof *l);
    if (!l)
        return fail_set(f, ERR_MEMORY, "link", NULL);
    pthread_condattr_t steady;
    l->config = *config;
    l->listen_fd = -1;
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_init(&l->loading, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &steady);
    pthread_condattr_destroy(&steady);
    find_upper(l);
    l->recent = recent_new(config->recent_bytes ? config->recent_bytes : RECENT_BYTES);
    enum err e = l->recent ? ERR_OK : fail_set(f, ERR_MEMORY, "link", NULL);
    if (!e)
        e = credentials_load(f, config->tls_key_uri, config->tls_certificate_path, &l->credentials);
    if (!e)
        e = directory_load(l, f);
    l->announced = e ? 0 : directory_version(l->directory);
    if (!e)
        e = check_own_key(l, f);
    if (!e)
        e = peers_load(l, f);
    if (e) {
        link_free(l);
        return e;
    }
    peers_follow(l);
    *out = l;
    return ERR_OK;
}

static enum err listen_on(struct link *l, struct fail *f)
{
    char host[64];
    uint64_t port = 0;
    const char *colon = strrchr(l->config.listen, ':');
    struct sockaddr_in at = {.sin_family = AF_INET};
    int on = 1;
    if (!colon || (size_t)(colon - l->config.listen) >= sizeof host ||
        !str_to_uint(str_of(colon + 1), 65535, &port))
        return fail_set(f, ERR_CONFIG, "link.listen", "%s", l->config.listen);
    snprintf(host, sizeof host, "%.*s", (int)(colon - l->config.listen), l->config.listen);
    at.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, host, &at.sin_addr) != 1)
        return fail_set(f, ERR_CONFIG, "link.listen", "%s", l->config.listen);
    l->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->listen_fd < 0)
        return fail_errno(f, ERR_IO, "socket");
    setsockopt(l->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(l->listen_fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(l->listen_fd, 512) != 0)
        return fail_errno(f, ERR_IO, l->config.listen);
    return ERR_OK;
}

/* Whoever has a server above shows it a head at the start, and learns there whether it is an old twin; the
 * agency asks the prefectures that it has met. */
static bool greets(struct link *l, struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    bool met = p->epoch > 0;
    pthread_mutex_unlock(&p->lock);
    if (l->config.self.role != NODE_AGENCY || p->node.role != NODE_PREFECTURE || !met)
        return false;
    struct directory *d = link_directory(l);
    const struct directory_node *node = directory_find(d, str_of(p->node.text));
    bool there = node && !node->revoked;
    directory_unref(d);
    return there;
}

enum err link_start(struct link *l, struct fail *f)
{
    recent_touch(l->recent);
    enum err e = listen_on(l, f);
    if (!e)
        e = thread_start(f, &l->accept_thread, accept_run, l);
    l->accepting = !e;
    if (!e)
        e = thread_start(f, &l->keeper_thread, keeper_run, l);
    l->keeping = l->accepting && !e;
    struct peer *p;
    for (size_t i = 0; !e && (p = peer_at(l, i)); i++) {
        bool greet = greets(l, p);
        pthread_mutex_lock(&p->lock); /* what came in already may have its thread run */
        bool unsent = p->committed > p->acknowledged;
        p->greet_due = greet;
        pthread_mutex_unlock(&p->lock);
        if (unsent || greet || !peer_settled(p) || strcmp(p->node.text, l->upper.text) == 0)
            e = link_thread_for(p, f);
    }
    return e;
}

static void stop_peer(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    bool dialling = p->dialling;
    if (p->channel)
        channel_interrupt(p->channel);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (dialling)
        pthread_join(p->thread, NULL);
    p->dialling = false;
}

void link_stop(struct link *l)
{
    if (!l || atomic_exchange(&l->stopping, true))
        return;
    pthread_mutex_lock(&l->lock);
    pthread_cond_broadcast(&l->wake);
    pthread_mutex_unlock(&l->lock);
    if (l->listen_fd >= 0)
        shutdown(l->listen_fd, SHUT_RDWR);
    struct peer *p;
    for (size_t i = 0; (p = peer_at(l, i)); i++) {
        stop_peer(p);
        lines_end(p);
    }
    ask_ended(l);
    if (l->accepting)
        pthread_join(l->accept_thread, NULL);
    if (l->keeping)
        pthread_join(l->keeper_thread, NULL);
    if (l->listen_fd >= 0)
        close(l->listen_fd);
    l->listen_fd = -1;
}

void link_free(struct link *l)
{
    if (!l)
        return;
    link_stop(l);
    for (size_t i = 0; i < l->peer_count; i++) {
        pthread_mutex_destroy(&l->peers[i]->lock);
        pthread_mutex_destroy(&l->peers[i]->receiving);
        pthread_cond_destroy(&l->peers[i]->wake);
        pthread_cond_destroy(&l->peers[i]->line_free);
        memory_free(l->peers[i]);
    }
    memory_free(l->peers);
    memory_free(l->added);
    memory_free(l->journal);
    recent_free(l->recent);
    credentials_unref(l->credentials);
    directory_unref(l->directory);
    directory_unref(l->directory_next);
    directory_unref(l->directory_mark);
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->loading);
    pthread_cond_destroy(&l->wake);
    memory_free(l);
}
