/* SPDX-License-Identifier: Apache-2.0 */
/* The lives of a server: what a restore raises, and how much of the log the life now has from those before.
 *
 * An epoch is never used twice, also when the same backup is restored again and nothing is left of the life
 * between: it is the second of the restore, or one more than any that is known when that is greater. */
#include "link/core.h"

#include "base/clock.h"

struct life_begin {
    int64_t above, epoch;
    struct str source;
};

static enum err epoch_read(struct db_tx *tx, struct fail *f, int64_t *epoch)
{
    struct db_rows rows;
    *epoch = 0;
    db_query(tx, &rows, &sql_link_self_find, DB_NONE);
    if (db_next(&rows))
        *epoch = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

static enum err begin_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct life_begin *b = arg;
    int64_t now = clock_now(), last = 0, changed = 0;
    enum err e = db_exec(tx, f, &sql_link_self_put, DB(db_int(1)), NULL);
    if (!e)
        e = epoch_read(tx, f, &last);
    if (e)
        return e;
    last = last > b->above ? last : b->above;
    b->epoch = now / 1000000 > last ? now / 1000000 : last + 1;
    e = db_exec(tx, f, &sql_link_life_add, DB(db_int(b->epoch), db_int(now), db_text(b->source)), NULL);
    if (!e)
        e = db_exec(tx, f, &sql_link_self_epoch, DB(db_int(b->epoch)), &changed);
    return e || changed ? e : fail_set(f, ERR_STATE, "epoch", NULL);
}

enum err link_life_begin(struct fail *f, struct db *db, int64_t above, struct str source, int64_t *epoch)
{
    struct life_begin b = {.above = above, .source = source};
    enum err e = db_transaction(db, f, begin_tx, &b);
    if (!e)
        *epoch = b.epoch;
    return e;
}

static enum err read_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct link_life *life = arg;
    struct db_rows rows;
    enum err e = epoch_read(tx, f, &life->epoch);
    if (e)
        return e;
    db_query(tx, &rows, &sql_link_life_find, DB(db_int(life->epoch)));
    if (db_next(&rows)) {
        life->size = db_row_int(&rows, 0);
        life->time = db_row_int(&rows, 1);
        snprintf(life->source, sizeof life->source, "%.*s", STR_ARG(db_row_text(&rows, 2)));
    }
    return db_done(&rows, f);
}

enum err link_life_read(struct fail *f, struct db *db, struct link_life *out)
{
    struct link_life life = {.epoch = 0};
    enum err e = db_read(db, f, read_tx, &life);
    if (!e)
        *out = life;
    return e;
}
