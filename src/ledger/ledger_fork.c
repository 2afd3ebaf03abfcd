/* SPDX-License-Identifier: Apache-2.0 */
/* Forks on record: two notes, each signed by the log's own server, of which one does not continue the other.
 */
#include "ledger/ledger_inside.h"

#include "base/clock.h"
#include "ledger/ledger_sql.h"

enum { FORK_NODE_SIZE = sizeof((struct ledger_fork){.node = ""}.node) };

enum err ledger_fork_put(struct db_tx *tx, struct fail *f, const struct ledger_fork *fork)
{
    return db_exec(tx, f, &sql_ledger_fork_add,
                   DB(db_text(str_of(fork->node)), db_int(clock_now()), db_text(fork->kept),
                      db_text(fork->note), db_int(fork->epoch), db_int((int64_t)fork->base)),
                   NULL);
}

static enum err put_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    return ledger_fork_put(tx, f, arg);
}

enum err ledger_record_fork(struct ledger *l, struct fail *f, const struct ledger_fork *fork)
{
    struct ledger_fork copy = *fork;
    return db_transaction(l->db, f, put_tx, &copy);
}

struct listing {
    void (*each)(void *arg, const struct ledger_fork *fork);
    void (*count)(void *arg, const char *node, int64_t count, int64_t newest);
    void *arg;
};

static void copy_node(struct db_rows *rows, char out[static FORK_NODE_SIZE])
{
    struct str node = db_row_text(rows, 0);
    snprintf(out, FORK_NODE_SIZE, "%.*s", STR_ARG(node));
}

static enum err list_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct listing *l = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_ledger_fork_list, DB_NONE);
    while (db_next(&rows)) {
        struct ledger_fork fork = {.time = db_row_int(&rows, 1),
                                   .kept = db_row_text(&rows, 2),
                                   .note = db_row_text(&rows, 3),
                                   .epoch = db_row_int(&rows, 4),
                                   .base = (uint64_t)db_row_int(&rows, 5),
                                   .seen = db_row_int(&rows, 6)};
        copy_node(&rows, fork.node);
        l->each(l->arg, &fork);
    }
    return db_done(&rows, f);
}

enum err ledger_forks(struct fail *f, struct db *db, void (*each)(void *arg, const struct ledger_fork *fork),
                      void *arg)
{
    return db_read(db, f, list_tx, &(struct listing){.each = each, .arg = arg});
}

static enum err unseen_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct listing *l = arg;
    char node[FORK_NODE_SIZE];
    struct db_rows rows;
    db_query(tx, &rows, &sql_ledger_fork_unseen, DB_NONE);
    while (db_next(&rows)) {
        copy_node(&rows, node);
        l->count(l->arg, node, db_row_int(&rows, 1), db_row_int(&rows, 2));
    }
    return db_done(&rows, f);
}

enum err ledger_forks_unseen(struct fail *f, struct db *db,
                             void (*each)(void *arg, const char *node, int64_t count, int64_t newest),
                             void *arg)
{
    return db_read(db, f, unseen_tx, &(struct listing){.count = each, .arg = arg});
}

struct seeing {
    struct ledger *l;
    int64_t count;
};

static enum err see_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct seeing *s = arg;
    char what[64];
    enum err e = db_exec(tx, f, &sql_ledger_fork_see, DB(db_int(clock_now())), &s->count);
    if (e || !s->count)
        return e;
    snprintf(what, sizeof what, "forks seen %lld", (long long)s->count);
    return ledger_append(s->l, tx, f, LEDGER_OPERATION, str_of(what), STR(""), NULL);
}

enum err ledger_see_forks(struct ledger *l, struct fail *f, int64_t *count)
{
    struct seeing s = {.l = l};
    enum err e = db_transaction(l->db, f, see_tx, &s);
    if (!e)
        *count = s.count;
    return e;
}
