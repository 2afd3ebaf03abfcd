/* SPDX-License-Identifier: Apache-2.0 */
#include "db/tally.h"

#include <pthread.h>

struct progress {
    struct tally_counts counts;
    int64_t a, b; /* the last key that was counted */
    bool whole;   /* all are */
};
struct tally {
    struct db *db;
    const struct db_stmt *page;
    struct progress now, remembered; /* of the thread that leads the database's transactions (db_follow) */
    pthread_mutex_t lock;
    struct progress committed; /* under lock */
};

/* ---- following the database ---- */

static void savepoint(void *self)
{
    struct tally *t = self;
    t->remembered = t->now;
}

static void undo(void *self)
{
    struct tally *t = self;
    t->now = t->remembered;
}

static void committed(void *self)
{
    struct tally *t = self;
    pthread_mutex_lock(&t->lock);
    t->committed = t->now;
    pthread_mutex_unlock(&t->lock);
}

static void rolled_back(void *self)
{
    struct tally *t = self;
    pthread_mutex_lock(&t->lock);
    t->now = t->committed;
    pthread_mutex_unlock(&t->lock);
}

enum err tally_new(struct fail *f, struct db *db, const struct db_stmt *page, struct tally **out)
{
    struct tally *t = memory_new(sizeof *t);
    if (!t)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    t->db = db;
    t->page = page;
    t->now.a = t->now.b = INT64_MIN;
    t->committed = t->now;
    pthread_mutex_init(&t->lock, NULL);
    db_follow(db, &(struct db_follower){.self = t,
                                        .savepoint = savepoint,
                                        .undo = undo,
                                        .committed = committed,
                                        .rolled_back = rolled_back});
    *out = t;
    return ERR_OK;
}

void tally_free(struct tally *t)
{
    if (t)
        pthread_mutex_destroy(&t->lock);
    memory_free(t);
}

/* ---- counting ---- */

static void count(struct progress *p, const struct tally_row *row, int sign)
{
    assert(row->kind >= 0 && row->kind < TALLY_KINDS);
    if (!row->kind || (!p->whole && (row->a > p->a || (row->a == p->a && row->b > p->b))))
        return;
    p->counts.rows[row->kind] += sign;
    p->counts.weight += sign * row->weight;
}

void tally_change(const struct db_tx *tx, const struct tally_row *before, const struct tally_row *after)
{
    struct tally *t = db_tx_follower(tx, committed);
    if (!t)
        return;
    count(&t->now, before, -1);
    count(&t->now, after, 1);
}

static enum err count_page(struct db_tx *tx, struct fail *f, void *arg)
{
    struct tally *t = arg;
    struct progress *p = &t->now;
    struct db_rows rows;
    int read = 0;
    if (p->whole)
        return ERR_OK;
    db_query(tx, &rows, t->page, DB(db_int(p->a), db_int(p->b), db_int(TALLY_PAGE)));
    for (; db_next(&rows); read++) {
        const struct tally_row row = {db_row_int(&rows, 0), db_row_int(&rows, 1), db_row_int(&rows, 2),
                                      db_row_int(&rows, 3)};
        p->a = row.a;
        p->b = row.b;
        count(p, &row, 1);
    }
    enum err e = db_done(&rows, f);
    p->whole = !e && read < TALLY_PAGE;
    return e;
}

enum err tally_read(struct tally *t, struct fail *f, struct tally_counts *out)
{
    for (;;) {
        pthread_mutex_lock(&t->lock);
        const struct progress p = t->committed;
        pthread_mutex_unlock(&t->lock);
        if (p.whole) {
            *out = p.counts;
            return ERR_OK;
        }
        enum err e = db_transaction(t->db, f, count_page, t);
        if (e)
            return e;
    }
}
