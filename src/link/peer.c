/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbours, and the numbering of what is sent to them.
 *
 * A sequence is given out in memory inside the writer's transaction and stands on disk as the outbox row.
 * When the change is undone its sequences go back (the journal); when the group is on disk they may leave. */
#include "link/core.h"

#include "base/clock.h"
#include "base/stack.h"

#include <stdio.h>

enum { LATE_MICROS = 20000, LATE_MOST_MICROS = 1000000 };

static int compare(const void *a, const void *b)
{
    const struct peer *const *x = a, *const *y = b;
    return strcmp((*x)->node.text, (*y)->node.text);
}

struct peer *peer_find(struct link *l, const char *name)
{
    struct peer wanted, *key = &wanted, **found = NULL;
    snprintf(wanted.node.text, sizeof wanted.node.text, "%s", name);
    pthread_mutex_lock(&l->lock);
    if (l->peer_count)
        found = bsearch(&key, l->peers, l->peer_count, sizeof key, compare);
    struct peer *p = found ? *found : NULL;
    pthread_mutex_unlock(&l->lock);
    return p;
}

struct peer *peer_at(struct link *l, size_t i)
{
    pthread_mutex_lock(&l->lock);
    struct peer *p = i < l->peer_count ? l->added[i] : NULL;
    pthread_mutex_unlock(&l->lock);
    return p;
}

/* Ids are 1, 2, 3 ... in the order in which neighbours came. */
struct peer *peer_by_id(struct link *l, int64_t id)
{
    struct peer *p = id > 0 ? peer_at(l, (size_t)(id - 1)) : NULL;
    return p && p->id == id ? p : NULL;
}

bool peer_settled(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    bool settled = p->link->epoch == 1 || p->settled >= p->link->epoch;
    pthread_mutex_unlock(&p->lock);
    return settled;
}

static enum err peer_new(struct link *l, struct fail *f, struct str name, int64_t id, struct peer **out)
{
    struct peer *p = memory_new(sizeof *p);
    enum err e = p ? node_name_parse(f, name, &p->node) : fail_set(f, ERR_MEMORY, "peer", NULL);
    if (!e && l->peer_count == PEERS_MAX)
        e = fail_set(f, ERR_LIMIT, "peer", "%d neighbours at most", PEERS_MAX);
    if (e) {
        memory_free(p);
        return e;
    }
    p->link = l;
    p->id = id;
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->receiving, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &steady);
    pthread_cond_init(&p->line_free, &steady);
    pthread_condattr_destroy(&steady);
    pthread_mutex_lock(&l->lock);
    l->added[l->peer_count] = p;
    l->peers[l->peer_count++] = p;
    qsort(l->peers, l->peer_count, sizeof *l->peers, compare);
    pthread_mutex_unlock(&l->lock);
    *out = p;
    return ERR_OK;
}

static void hash_from(struct sha256 *out, struct str bytes)
{
    memcpy(out->bytes, bytes.p, bytes.n < sizeof out->bytes ? bytes.n : sizeof out->bytes);
}

static enum err load_rows(struct db_tx *tx, struct fail *f, void *arg)
{
    struct link *l = arg;
    struct db_rows rows;
    enum err e = ERR_OK;
    db_query(tx, &rows, &sql_link_peer_list, DB_NONE);
    while (!e && db_next(&rows)) {
        struct peer *p = NULL;
        e = peer_new(l, f, db_row_text(&rows, 1), db_row_int(&rows, 0), &p);
        if (e)
            break;
        p->epoch = db_row_int(&rows, 2);
        p->acknowledged = db_row_int(&rows, 5);
        p->settled = db_row_int(&rows, 8);
        hash_from(&p->out_hash, db_row_bytes(&rows, 6));
        p->assigned = p->committed = p->urgent =
            db_row_int(&rows, 7) > p->acknowledged ? db_row_int(&rows, 7) : p->acknowledged;
    }
    enum err closed = db_done(&rows, e ? NULL : f);
    return e ? e : closed;
}

/* Does any kind travel between us and that role? */
static bool neighbours(const struct directory *d, enum node_role a, enum node_role b)
{
#define NOTICE(name, number, text, version)                                                                  \
    if (directory_permits(d, STR(text), a, b) || directory_permits(d, STR(text), b, a))                      \
        return true;
#define QUESTION_KIND(name, number, text, version) NOTICE(name, number, text, version)
#include "link/kind.def"
    return false;
}

/* The upper server and the lower ones: a CS has one prefecture, a prefecture only its own CSs. */
static bool related(const struct node_name *a, const struct node_name *b)
{
    bool one_cs = (a->role == NODE_CS) != (b->role == NODE_CS);
    bool one_prefecture = (a->role == NODE_PREFECTURE) != (b->role == NODE_PREFECTURE);
    return !(one_cs && one_prefecture) || node_name_prefecture(a) == node_name_prefecture(b);
}

static enum err add_row(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct peer *p = arg;
    const struct sha256 none = {{0}};
    return db_exec(tx, f, &sql_link_peer_add,
                   DB(db_int(p->id), db_text(str_of(p->node.text)), db_bytes(none.bytes, sizeof none.bytes)),
                   NULL);
}

static enum err add_missing(struct link *l, struct fail *f)
{
    const struct directory_node *nodes;
    struct directory *d = link_directory(l);
    size_t count = directory_nodes(d, &nodes);
    int64_t next = (int64_t)l->peer_count + 1;
    enum err e = ERR_OK;
    for (size_t i = 0; i < count && !e; i++) {
        const struct node_name *other = &nodes[i].name;
        struct peer *p = NULL;
        if (!neighbours(d, l->config.self.role, other->role) || !related(&l->config.self, other) ||
            node_name_equal(other, &l->config.self) || peer_find(l, other->text))
            continue;
        const struct peer row = {.node = *other, .id = next};
        e = db_transaction(l->config.db, f, add_row, (void *)(uintptr_t)&row);
        if (!e) /* known to others only when it is on disk */
            e = peer_new(l, f, str_of(other->text), next++, &p);
    }
    if (!e)
        l->peers_version = directory_version(d);
    directory_unref(d);
    return e;
}

enum err peers_load(struct link *l, struct fail *f)
{
    enum err e = ERR_OK;
    pthread_mutex_lock(&l->loading);
    if (!l->peers) {
        l->peers = memory_new(sizeof *l->peers * PEERS_MAX);
        l->added = memory_new(sizeof *l->added * PEERS_MAX);
        e = l->peers && l->added ? db_read(l->config.db, f, load_rows, l)
                                 : fail_set(f, ERR_MEMORY, "peers", NULL);
    }
    if (!e)
        e = add_missing(l, f);
    pthread_mutex_unlock(&l->loading);
    return e;
}

enum err peer_assign(struct link *l, struct peer *p, struct fail *f, int64_t *sequence)
{
    if (l->journal_n == l->journal_size) {
        size_t size = l->journal_size ? l->journal_size * 2 : 1024;
        struct assigned *grown = memory_new(size * sizeof *grown);
        if (!grown)
            return fail_set(f, ERR_MEMORY, "journal", NULL);
        if (l->journal_n)
            memcpy(grown, l->journal, l->journal_n * sizeof *grown);
        memory_free(l->journal);
        l->journal = grown;
        l->journal_size = size;
    }
    l->journal[l->journal_n++] = (struct assigned){.peer = p};
    *sequence = ++p->assigned;
    return ERR_OK;
}

void peer_unassign(struct link *l, struct peer *p)
{
    assert(l->journal_n && l->journal[l->journal_n - 1].peer == p);
    l->journal_n--;
    p->assigned--;
}

void peer_assigned_late(struct link *l, const struct ahead_range *ahead)
{
    struct assigned *newest = &l->journal[l->journal_n - 1];
    newest->late = true;
    if (ahead)
        newest->ahead = *ahead;
}

static void take_back(struct link *l, size_t to)
{
    while (l->journal_n > to)
        l->journal[--l->journal_n].peer->assigned--;
}

/* The directory that waits for the commit, with the lock held: becomes what it was. */
static void directory_back(struct link *l, struct directory *to)
{
    if (to)
        directory_ref(to);
    directory_unref(l->directory_next);
    l->directory_next = to;
}

static void directory_remember(struct link *l, struct directory *now)
{
    if (now)
        directory_ref(now);
    directory_unref(l->directory_mark);
    l->directory_mark = now;
}

static void on_savepoint(void *self)
{
    struct link *l = self;
    l->journal_mark = l->journal_n;
    pthread_mutex_lock(&l->lock);
    directory_remember(l, l->directory_next);
    pthread_mutex_unlock(&l->lock);
}

static void on_undo(void *self)
{
    struct link *l = self;
    take_back(l, l->journal_mark);
    recent_clear(l->recent); /* the sequences of what was undone are given out again */
    pthread_mutex_lock(&l->lock);
    directory_back(l, l->directory_mark);
    pthread_mutex_unlock(&l->lock);
}

static void on_rolled_back(void *self)
{
    struct link *l = self;
    take_back(l, 0);
    l->journal_mark = 0;
    recent_clear(l->recent);
    pthread_mutex_lock(&l->lock);
    directory_remember(l, NULL);
    directory_back(l, NULL);
    pthread_mutex_unlock(&l->lock);
}

/* As long as words go ahead they wait: a word would stand behind them until the peer has them on its disk. */
static void put_off(struct peer *p, bool told)
{
    int64_t now = clock_steady();
    if (!p->late_due)
        p->late_last = now + LATE_MOST_MICROS;
    else if (!told)
        return;
    p->late_due = now + LATE_MICROS < p->late_last ? now + LATE_MICROS : p->late_last;
}

/* What was given out is on disk and may leave. */
static void release(const struct assigned *a)
{
    struct peer *p = a->peer;
    assert(p);
    pthread_mutex_lock(&p->lock);
    p->committed = p->assigned;
    if (!a->late || (a->ahead.first && !ahead_post(p, &a->ahead)))
        p->urgent = p->assigned;
    else
        put_off(p, a->ahead.first > 0);
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

static void on_committed(void *self)
{
    struct link *l = self;
    const struct peer *urgent = NULL; /* all that it is given leaves at once already */
    for (size_t i = 0; i < l->journal_n; i++) {
        struct peer *p = l->journal[i].peer;
        if (p == urgent && !l->journal[i].late)
            continue;
        release(&l->journal[i]);
        struct fail f;
        if (link_thread_for(p, &f))
            peer_trouble(p, &f);
        urgent = l->journal[i].late ? urgent : p;
    }
    l->journal_n = l->journal_mark = 0;
    pthread_mutex_lock(&l->lock);
    directory_remember(l, NULL);
    if (l->directory_next && directory_version(l->directory_next) > directory_version(l->directory)) {
        directory_unref(l->directory);
        l->directory = l->directory_next;
        l->directory_next = NULL;
    }
    directory_back(l, NULL); /* a newer one was read from the file meanwhile */
    pthread_mutex_unlock(&l->lock);
}

void peers_follow(struct link *l)
{
    const struct db_follower follower = {.self = l,
                                         .savepoint = on_savepoint,
                                         .undo = on_undo,
                                         .committed = on_committed,
                                         .rolled_back = on_rolled_back};
    db_follow(l->config.db, &follower);
}

void peer_trouble(struct peer *p, const struct fail *f)
{
    pthread_mutex_lock(&p->lock);
    p->trouble = f ? *f : (struct fail){0};
    pthread_mutex_unlock(&p->lock);
}

enum err peer_outbox_add(struct db_tx *tx, struct fail *f, const struct peer *p, int64_t sequence,
                         uint64_t entry, int64_t source_peer, int64_t source_sequence)
{
    return db_exec(tx, f, &sql_link_out_add,
                   DB(db_int(p->id), db_int(sequence), db_int((int64_t)entry), db_int(source_peer),
                      db_int(source_sequence)),
                   NULL);
}

enum err thread_start(struct fail *f, pthread_t *thread, void *(*run)(void *), void *arg)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    int code = pthread_create(thread, &attributes, run, arg);
    pthread_attr_destroy(&attributes);
    return code ? fail_set(f, ERR_MEMORY, "thread", NULL) : ERR_OK;
}
