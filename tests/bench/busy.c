/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads: one checkpoints and signs by the clock, one makes backups. Both hold `working` while they do
 * one thing, so that a rest begins when that is done. */
#include "busy.h"

#include "base/clock.h"

#include <pthread.h>
#include <sqlite3.h>
#include <unistd.h>

enum { THREADS = 2, EVERY_MICROS = 250 * 1000 };

struct busy {
    struct town *town;
    char key[TOWN_PATH_SIZE], copy[TOWN_PATH_SIZE];
    pthread_t threads[THREADS];
    size_t started;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* guarded by lock: all that follows */
    bool on, ended;
    int working;
    int64_t begun[THREADS]; /* things each thread has begun since it was told to go on */
    struct busy_count count;
    struct fail fail;
};

static enum err refuse(struct fail *f, sqlite3 *db, const char *what)
{
    return fail_set(f, ERR_DB, what, "%s", sqlite3_errmsg(db));
}

/* ---- one thing */

static enum err checkpoint(struct fail *f, const struct network_node *node)
{
    char path[TOWN_PATH_SIZE];
    sqlite3 *db = NULL;
    town_database(node, path);
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    enum err e = code == SQLITE_OK || code == SQLITE_BUSY ? ERR_OK : refuse(f, db, "checkpoint");
    sqlite3_close(db);
    return e;
}

static enum err sign_head(struct busy *b, struct fail *f, const struct network_node *node)
{
    struct json *answer = NULL;
    enum err e = town_ask(b->town, f, node->name.text, STR("{\"do\":\"sign_head\"}"), &answer);
    json_free(answer);
    return e;
}

static enum err back_up(struct busy *b, struct fail *f, const struct network_node *node)
{
    enum err e = town_backup(b->town, f, node->name.text, b->key, b->copy);
    unlink(b->copy);
    return e;
}

/* ---- threads */

static bool begin_one(struct busy *b, size_t thread)
{
    pthread_mutex_lock(&b->lock);
    while (!b->on && !b->ended)
        pthread_cond_wait(&b->changed, &b->lock);
    bool go_on = !b->ended;
    if (go_on) {
        b->working++;
        b->begun[thread]++;
    }
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    return go_on;
}

static void end_one(struct busy *b, enum err e, const struct fail *f, const struct busy_count *done)
{
    pthread_mutex_lock(&b->lock);
    b->working--;
    b->count.checkpoints += done->checkpoints;
    b->count.heads += done->heads;
    b->count.backups += done->backups;
    if (e && !b->fail.err) {
        b->fail = *f;
        b->fail.err = e;
    }
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

/* The rest of the time that a thing has, or until it is time to rest or to end. */
static void wait_rest(struct busy *b, int64_t since)
{
    int64_t at = since + EVERY_MICROS;
    const struct timespec until = {at / 1000000, at % 1000000 * 1000};
    pthread_mutex_lock(&b->lock);
    while (b->on && !b->ended && clock_steady() < at)
        pthread_cond_timedwait(&b->changed, &b->lock, &until);
    pthread_mutex_unlock(&b->lock);
}

static bool is_server(const struct network_node *node)
{
    return node->name.role != NODE_REGISTER; /* which has a database, but no log */
}

static void *keep_run(void *arg)
{
    struct busy *b = arg;
    const struct network *n = town_network(b->town);
    for (size_t i = 0; begin_one(b, 0); i++) {
        struct fail f = {0};
        struct busy_count done = {0};
        int64_t start = clock_steady();
        enum err e = ERR_OK;
        for (size_t at = 0; at < n->count && !e; at++) {
            e = checkpoint(&f, &n->nodes[at]);
            done.checkpoints++;
            if (!e && is_server(&n->nodes[at])) {
                e = sign_head(b, &f, &n->nodes[at]);
                done.heads++;
            }
        }
        end_one(b, e, &f, &done);
        wait_rest(b, start);
    }
    return NULL;
}

static void *copy_run(void *arg)
{
    struct busy *b = arg;
    const struct network *n = town_network(b->town);
    for (size_t i = 0; begin_one(b, 1); i++) {
        struct fail f = {0};
        enum err e = back_up(b, &f, &n->nodes[i % n->count]);
        end_one(b, e, &f, &(struct busy_count){.backups = 1});
    }
    return NULL;
}

/* ---- */

enum err busy_new(struct fail *f, const char *folder, struct town *t, struct busy **out)
{
    static void *(*const runs[THREADS])(void *) = {keep_run, copy_run};
    struct busy *b = memory_new(sizeof *b);
    pthread_condattr_t steady;
    if (!b)
        return fail_set(f, ERR_MEMORY, "busy", NULL);
    b->town = t;
    snprintf(b->key, sizeof b->key, "%s/backup.key", folder);
    snprintf(b->copy, sizeof b->copy, "%s/town.backup", folder);
    pthread_mutex_init(&b->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&b->changed, &steady);
    pthread_condattr_destroy(&steady);
    enum err e = town_backup_key(t, f, b->key);
    while (!e && b->started < THREADS &&
           pthread_create(&b->threads[b->started], NULL, runs[b->started], b) == 0)
        b->started++;
    if (!e && b->started < THREADS)
        e = fail_set(f, ERR_MEMORY, "thread", NULL);
    if (e) {
        busy_free(b);
        return e;
    }
    *out = b;
    return ERR_OK;
}

void busy_begin(struct busy *b)
{
    pthread_mutex_lock(&b->lock);
    b->on = true;
    memset(b->begun, 0, sizeof b->begun);
    pthread_cond_broadcast(&b->changed);
    while (!b->begun[0] || !b->begun[1])
        pthread_cond_wait(&b->changed, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

enum err busy_rest(struct busy *b, struct fail *f)
{
    pthread_mutex_lock(&b->lock);
    b->on = false;
    pthread_cond_broadcast(&b->changed);
    while (b->working)
        pthread_cond_wait(&b->changed, &b->lock);
    enum err e = b->fail.err;
    if (e && f)
        *f = b->fail;
    pthread_mutex_unlock(&b->lock);
    return e;
}

struct busy_count busy_counts(const struct busy *b)
{
    return b->count;
}

void busy_free(struct busy *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    b->ended = true;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    for (size_t i = 0; i < b->started; i++)
        pthread_join(b->threads[i], NULL);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    memory_free(b);
}
