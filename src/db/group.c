/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit: waiting changes share one transaction and one flush.
 *
 * A caller queues its change. Nobody leads: it leads at once, alone or with those who wait. Somebody leads:
 * it sleeps until its change is done or it is called to lead. The leader takes all who wait, BEGIN, for each
 * change (savepoint() of the followers, SAVEPOINT, fn, RELEASE or ROLLBACK TO and undo()), before_commit() of
 * the followers, COMMIT, committed(), wakes them, and hands the lead to the first who came meanwhile. A
 * patient change waits in the same queue, for company.
 *
 * Invariants: one leader at a time, and it alone touches the writer's connection. A caller is told "done"
 * only after COMMIT, and none leaves before. A refusal that could have come from a neighbour's change counts
 * only if that neighbour was committed: when a group is lost, all of it runs again. A change alone in its
 * group needs no SAVEPOINT: its failure is the group's. A group that cannot be committed for a reason that is
 * not a broken disk's runs again one by one: so on a full disk those that there is room for are taken. */
#include "db/backend.h"

#include "base/clock.h"
#include "base/fault.h"

#include <errno.h>
#include <semaphore.h>

enum { ATTEMPTS = 12, ATTEMPTS_MICROS = 5 * 1000 * 1000, GROUP_MICROS = 250 * 1000 };

struct db_call {
    db_fn fn;
    void *arg;
    struct fail *fail;
    enum err result;
    enum { WAITING, APPLIED, REFUSED } state;
    bool done;    /* set before `turn` is posted; else the post means: lead */
    bool patient; /* never called to lead: it goes with others, or leads when its time is over */
    sem_t turn;
    struct db_call *next;
};

static void follow_savepoint(struct db *db)
{
    for (size_t i = 0; i < db->follower_count; i++)
        if (db->followers[i].savepoint)
            db->followers[i].savepoint(db->followers[i].self);
}

static void follow_undo(struct db *db)
{
    for (size_t i = 0; i < db->follower_count; i++)
        if (db->followers[i].undo)
            db->followers[i].undo(db->followers[i].self);
}

static enum err follow_before_commit(struct db *db, struct db_tx *tx, struct fail *f)
{
    for (size_t i = 0; i < db->follower_count; i++) {
        const struct db_follower *each = &db->followers[i];
        enum err e = each->before_commit ? each->before_commit(each->self, tx, f) : ERR_OK;
        if (e)
            return e;
    }
    if (tx->doom.err && f)
        *f = tx->doom;
    return tx->doom.err;
}

static void follow_committed(struct db *db)
{
    for (size_t i = 0; i < db->follower_count; i++)
        if (db->followers[i].committed)
            db->followers[i].committed(db->followers[i].self);
}

static void follow_rolled_back(struct db *db)
{
    for (size_t i = 0; i < db->follower_count; i++)
        if (db->followers[i].rolled_back)
            db->followers[i].rolled_back(db->followers[i].self);
}

static enum err control(struct db *db, struct fail *f, enum db_control what)
{
    enum err e = db->backend->control(db->writer, f, what);
    if (e == ERR_DB_BROKEN)
        db_break(db, f);
    return e;
}

/* What a group has done so far. */
struct group {
    int64_t changes;
    bool wrote; /* one of them did: its commit changes the disk */
};

/* One change in the group. An error: the whole group is lost (ERR_DB_BUSY when it should run again). */
static enum err change_run(struct db *db, struct fail *f, struct db_call *call, bool alone, struct group *g)
{
    struct db_tx tx = {.db = db, .conn = db->writer};
    enum err e = alone ? ERR_OK : control(db, f, DB_SAVEPOINT);
    if (e)
        return e;
    follow_savepoint(db);
    call->result = call->fn(&tx, call->fail, call->arg);
    assert(!tx.open_rows);
    if (!call->result && tx.doom.err) {
        call->result = tx.doom.err;
        if (call->fail)
            *call->fail = tx.doom;
    }
    if (!call->result) {
        call->state = APPLIED;
        g->changes++;
        g->wrote = g->wrote || tx.changes;
        return alone ? ERR_OK : control(db, f, DB_RELEASE);
    }
    follow_undo(db);
    if (call->result == ERR_DB_BUSY)
        return fail_set(f, ERR_DB_BUSY, NULL, "%s", tx.doom.detail);
    call->state = REFUSED;
    if (alone)
        return ERR_OK;
    if (!db->backend->in_transaction(db->writer))
        return fail_set(f, call->result, NULL, "a change lost its group"); /* then each runs alone */
    return control(db, f, DB_UNDO);
}

static enum err group_lost(struct db *db, enum err why)
{
    struct fail ignored;
    if (db->backend->in_transaction(db->writer))
        (void)!control(db, &ignored, DB_ROLLBACK);
    follow_rolled_back(db);
    return why;
}

static void count_group(struct db *db, int64_t changes, int64_t micros)
{
    size_t bucket = 0;
    while (bucket + 1 < COUNT_OF(db->counts.flush_micros) && micros >= (int64_t)32 << bucket)
        bucket++;
    pthread_mutex_lock(&db->queue_lock);
    db->counts.groups++;
    db->counts.changes += changes;
    if (changes > db->counts.group_most)
        db->counts.group_most = changes;
    db->counts.flush_micros[bucket]++;
    pthread_mutex_unlock(&db->queue_lock);
}

static enum err group_commit(struct db *db, struct fail *f, const struct group *g)
{
    struct db_tx tx = {.db = db, .conn = db->writer};
    enum err e = follow_before_commit(db, &tx, f);
    int64_t start = clock_steady();
    if (g->wrote)
        FAULT_POINT("before_commit");
    if (!e)
        e = control(db, f, DB_COMMIT);
    if (e)
        return group_lost(db, e);
    if (g->wrote)
        FAULT_POINT("after_commit");
    follow_committed(db);
    count_group(db, g->changes, clock_steady() - start);
    return ERR_OK;
}

/* Runs the changes from first up to *end (exclusive; moved forward to where time ran out) as one transaction.
 */
static enum err group_attempt(struct db *db, struct fail *f, struct db_call *first, struct db_call **end)
{
    enum err e = control(db, f, DB_BEGIN);
    if (e)
        return e;
    bool alone = first->next == *end;
    struct group g = {0};
    int64_t start = clock_steady();
    for (struct db_call *call = first; call != *end; call = call->next) {
        if (call != first && clock_steady() - start > GROUP_MICROS) {
            *end = call;
            break;
        }
        e = change_run(db, f, call, alone, &g);
        if (e)
            return group_lost(db, e);
    }
    return g.changes ? group_commit(db, f, &g) : group_lost(db, ERR_OK);
}

static void pause_before(int attempt)
{
    long micros = attempt < 7 ? 1000L << attempt : 100000L;
    nanosleep(&(struct timespec){.tv_nsec = micros * 1000}, NULL);
}

/* Tries again while the store says so. */
static enum err group_try(struct db *db, struct fail *f, struct db_call *first, struct db_call **end)
{
    struct db_call *all = *end;
    enum err e = ERR_DB_BUSY;
    int64_t start = clock_steady();
    for (int n = 0; n < ATTEMPTS && e == ERR_DB_BUSY; n++) {
        if (n && db_is_away(db) && clock_steady() - start > ATTEMPTS_MICROS)
            break; /* a server that is gone without a word: 10 s for each attempt */
        if (n)
            pause_before(n);
        if (atomic_load(&db->is_lost)) {
            *f = db->lost_why;
            return f->err;
        }
        *end = all;
        for (struct db_call *call = first; call != *end; call = call->next)
            call->state = WAITING;
        e = group_attempt(db, f, first, end);
    }
    if (e == ERR_DB_UNCERTAIN && db->follower_count)
        db_lose(db, f); /* what the followers remember may be wrong now */
    return e;
}

static void refuse(struct db_call *call, enum err e, const struct fail *f)
{
    call->state = REFUSED;
    call->result = e;
    if (call->fail)
        *call->fail = *f;
}

static void run_alone(struct db *db, struct db_call *call)
{
    struct fail f = {0};
    struct db_call *end = call->next;
    enum err e = group_try(db, &f, call, &end);
    if (e)
        refuse(call, e, &f);
}

/* Returns the first change that was left for the next group, or NULL. */
static struct db_call *group_run(struct db *db, struct db_call *first)
{
    if (!first->next) {
        run_alone(db, first);
        return NULL;
    }
    struct fail f = {0};
    struct db_call *end = NULL;
    enum err e = group_try(db, &f, first, &end);
    for (struct db_call *call = first; e && call != end; call = call->next) {
        if (e == ERR_DB_UNCERTAIN)
            refuse(call, e, &f);
        else
            run_alone(db, call);
    }
    return end;
}

static struct db_call *queue_take(struct db *db)
{
    pthread_mutex_lock(&db->queue_lock);
    struct db_call *first = db->first;
    db->first = db->last = NULL;
    db->leader = pthread_self();
    db->leader_known = true;
    pthread_mutex_unlock(&db->queue_lock);
    return first;
}

static void queue_return(struct db *db, struct db_call *rest)
{
    struct db_call *last = rest;
    while (last->next)
        last = last->next;
    pthread_mutex_lock(&db->queue_lock);
    last->next = db->first;
    if (!db->first)
        db->last = last;
    db->first = rest;
    pthread_mutex_unlock(&db->queue_lock);
}

/* True when the leader's own is among them. */
static bool wake(struct db_call *first, const struct db_call *end, const struct db_call *own)
{
    struct db_call *next;
    bool own_done = false;
    for (struct db_call *call = first; call != end; call = next) {
        next = call->next; /* a caller that was woken takes its call away */
        call->done = true;
        own_done = own_done || call == own;
        if (call != own)
            sem_post(&call->turn);
    }
    return own_done;
}

static void hand_over(struct db *db)
{
    pthread_mutex_lock(&db->queue_lock);
    struct db_call *heir = db->first;
    while (heir && heir->patient)
        heir = heir->next;
    db->leader_known = false;
    if (!heir) {
        db->leading = false;
        pthread_cond_broadcast(&db->queue_idle);
    }
    pthread_mutex_unlock(&db->queue_lock);
    if (heir)
        sem_post(&heir->turn);
}

/* False: the group's time was over before the leader's own change, which waits again, and leads again as
 * long as it is the first. */
static bool lead(struct db *db, struct db_call *own)
{
    struct db_call *first = queue_take(db), *rest = group_run(db, first);
    if (rest)
        queue_return(db, rest);
    bool own_done = wake(first, rest, own);
    db->backend->after_group(db);
    hand_over(db);
    return own_done;
}

static bool queue_join(struct db *db, struct db_call *call)
{
    pthread_mutex_lock(&db->queue_lock);
    assert(
        !(db->leader_known && pthread_equal(db->leader, pthread_self()))); /* a transaction inside another */
    if (db->last)
        db->last->next = call;
    else
        db->first = call;
    db->last = call;
    bool leads = !db->leading && !call->patient;
    db->leading = db->leading || leads;
    pthread_mutex_unlock(&db->queue_lock);
    return leads;
}

/* Its time is over: from now on it is like the others. True: nobody leads, so it does. False: a leader has it
 * already, or will call it. */
static bool lose_patience(struct db *db, struct db_call *call)
{
    bool waits = false;
    pthread_mutex_lock(&db->queue_lock);
    call->patient = false;
    for (const struct db_call *each = db->first; each && !waits; each = each->next)
        waits = each == call;
    bool leads = waits && !db->leading;
    db->leading = db->leading || leads;
    pthread_mutex_unlock(&db->queue_lock);
    return leads;
}

static void wait_turn(struct db *db, struct db_call *call)
{
    int64_t at = clock_steady() + db->patience_micros;
    const struct timespec until = {at / 1000000, at % 1000000 * 1000};
    int missed = -1;
    if (call->patient) {
        do
            missed = sem_clockwait(&call->turn, CLOCK_MONOTONIC, &until);
        while (missed && errno == EINTR);
        if (!missed || lose_patience(db, call))
            return;
    }
    while (sem_wait(&call->turn)) {
    }
}

static enum err run(struct db *db, struct fail *f, db_fn fn, void *arg, bool patient)
{
    assert(!db->reader);
    assert(!db_reads_here(db)); /* eight of these would wait for each other */
    struct db_call call = {.fn = fn, .arg = arg, .fail = f, .patient = patient};
    sem_init(&call.turn, 0, 0);
    if (!queue_join(db, &call))
        wait_turn(db, &call);
    while (!call.done && !lead(db, &call))
        wait_turn(db, &call);
    sem_destroy(&call.turn);
    return call.result;
}

enum err db_transaction(struct db *db, struct fail *f, db_fn fn, void *arg)
{
    return run(db, f, fn, arg, false);
}

enum err db_transaction_patient(struct db *db, struct fail *f, db_fn fn, void *arg)
{
    return run(db, f, fn, arg, true);
}

void db_drain(struct db *db)
{
    pthread_mutex_lock(&db->queue_lock);
    while (db->leading || db->first) /* a patient change leads in the end */
        pthread_cond_wait(&db->queue_idle, &db->queue_lock);
    pthread_mutex_unlock(&db->queue_lock);
}
