/* SPDX-License-Identifier: Apache-2.0 */
/* The error list: notices that are valid but cannot be applied now.
 *
 * An item blocks its persons, as a set of resident codes (parking a code change blocks both codes), and nobody else.
 * Later notices about them wait behind it, in order. A correction that replaces an item takes its place; a release
 * tries it again. Whenever something was applied or given up, those behind are tried in the order in which they
 * came. */
#include "link/core.h"

#include "base/clock.h"

#include <stdio.h>

enum { ERROR_ITEMS_MAX = 100000, BLOCKED_MAX = 65536 };

struct listed {
    int64_t id, peer, sequence;
    bool behind;
    struct str notice;
};

enum err error_list_park(struct db_tx *tx, struct fail *f, struct peer *p, const struct link_notice *n,
                         const int64_t *codes, size_t count, const struct fail *why)
{
    struct db_rows rows;
    int64_t id = 0;
    db_query(tx, &rows, &sql_link_error_add,
             DB(db_int(p->id), db_int(n->sender_sequence), db_int(why->err), db_text(str_of(why->field)),
                db_int(clock_now()), db_int(why->err == ERR_BEHIND), db_text(n->id)));
    if (db_next(&rows))
        id = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    for (size_t i = 0; i < count && !e; i++)
        e = db_exec(tx, f, &sql_link_error_person_add, DB(db_int(codes[i]), db_int(id)), NULL);
    return e;
}

static enum err query_found(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt, const struct db_value *values,
                            size_t count, bool *found, int64_t *value)
{
    struct db_rows rows;
    db_query(tx, &rows, stmt, values, count);
    *found = db_next(&rows);
    if (*found && value)
        *value = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

enum err error_list_blocks(struct db_tx *tx, struct fail *f, const int64_t *codes, size_t count, bool *blocked)
{
    enum err e = query_found(tx, f, &sql_link_error_any, DB_NONE, blocked, NULL);
    if (e || !*blocked)
        return e;
    *blocked = false;
    for (size_t i = 0; i < count && !e && !*blocked; i++)
        e = query_found(tx, f, &sql_link_error_blocks, DB(db_int(codes[i])), blocked, NULL);
    return e;
}

static enum err item_remove(struct db_tx *tx, struct fail *f, int64_t id)
{
    enum err e = db_exec(tx, f, &sql_link_error_person_remove, DB(db_int(id)), NULL);
    return e ? e : db_exec(tx, f, &sql_link_error_remove, DB(db_int(id)), NULL);
}

/* Tells the sender what became of one notice after all. */
static enum err tell(struct link *l, struct db_tx *tx, struct fail *f, const struct listed *item, char state,
                     enum err error)
{
    struct arena a;
    arena_init(&a, 64 * 1024);
    struct outcome_list list = {.arena = &a};
    const struct outcome_range r = {item->peer, item->sequence, item->sequence, error, state, ""};
    enum err e = outcome_add(&list, f, &r);
    if (!e)
        e = outcome_send(l, tx, f, &list);
    arena_release(&a);
    return e;
}

static enum err list_load(struct db_tx *tx, struct fail *f, struct arena *a, struct listed **items, size_t *count)
{
    struct db_rows rows;
    size_t size = 64, n = 0;
    struct listed *list = arena_alloc(a, size * sizeof *list);
    db_query(tx, &rows, &sql_link_error_list, DB_NONE);
    while (list && n < ERROR_ITEMS_MAX && db_next(&rows)) {
        if (n == size) {
            struct listed *grown = arena_alloc(a, size * 2 * sizeof *grown);
            if (grown)
                memcpy(grown, list, n * sizeof *grown);
            list = grown;
            size *= 2;
        }
        if (list)
            list[n++] = (struct listed){db_row_int(&rows, 0), db_row_int(&rows, 1), db_row_int(&rows, 2),
                                        db_row_int(&rows, 6) != 0, arena_copy(a, db_row_text(&rows, 7))};
    }
    enum err e = db_done(&rows, f);
    if (!e && !list)
        e = fail_set(f, ERR_MEMORY, "error_list", NULL);
    *items = list;
    *count = n;
    return e;
}

enum err error_list_replace(struct link *l, struct db_tx *tx, struct fail *f, struct str notice_id, bool *found)
{
    int64_t id = 0;
    enum err e = query_found(tx, f, &sql_link_error_notice, DB(db_text(notice_id)), found, &id);
    (void)l; /* the correction's own outcome follows; the replaced one stays "waiting" in its sender's books */
    return e || !*found ? e : item_remove(tx, f, id);
}

struct replay {
    struct link *l;
    struct db_tx *tx;
    struct arena *arena;
    int64_t target, applied;
    int64_t blocked[BLOCKED_MAX];
    size_t blocked_count;
};

static bool is_blocked(const struct replay *r, const int64_t *codes, size_t count)
{
    for (size_t i = 0; i < r->blocked_count; i++)
        for (size_t k = 0; k < count; k++)
            if (r->blocked[i] == codes[k])
                return true;
    return false;
}

static enum err block(struct replay *r, struct fail *f, const int64_t *codes, size_t count)
{
    if (r->blocked_count + count > BLOCKED_MAX)
        return fail_set(f, ERR_LIMIT, "error_list", NULL);
    memcpy(r->blocked + r->blocked_count, codes, count * sizeof *codes);
    r->blocked_count += count;
    return ERR_OK;
}

static enum err entry_of(struct replay *r, struct fail *f, const struct listed *item, uint64_t *entry)
{
    struct db_rows rows;
    bool found = false;
    db_query(r->tx, &rows, &sql_link_batch_in_at, DB(db_int(item->peer), db_int(item->sequence)));
    if (db_next(&rows)) {
        found = true;
        *entry = (uint64_t)(db_row_int(&rows, 3) + item->sequence - db_row_int(&rows, 0));
    }
    enum err e = db_done(&rows, f);
    return e || found ? e : fail_set(f, ERR_NO_ERROR_ITEM, "sequence", NULL);
}

static enum err try_notice(struct replay *r, struct fail *f, const struct listed *item, const struct link_kind *kind,
                           const struct link_notice *n, const int64_t *codes, size_t count)
{
    struct fail why = {0};
    int64_t before = db_tx_changes(r->tx);
    enum err outcome = notice_apply(r->l, r->tx, &why, kind, n);
    if (!outcome) {
        r->applied++;
        enum err e = item_remove(r->tx, f, item->id);
        return e || !kind->final ? e : tell(r->l, r->tx, f, item, 'a', ERR_OK);
    }
    if (db_tx_changes(r->tx) != before)
        return fail_set(f, outcome, why.field, "%s", why.detail); /* undo everything: nothing is half done */
    enum err e = db_exec(r->tx, f, &sql_link_error_update,
                         DB(db_int(item->id), db_int(outcome), db_text(str_of(why.field)), db_int(0)), NULL);
    return e ? e : block(r, f, codes, count);
}

static enum err replay_item(struct replay *r, struct fail *f, const struct listed *item)
{
    struct peer *p = peer_by_id(r->l, item->peer);
    const struct link_kind *kind = NULL;
    struct link_notice n;
    struct frame frame;
    json_t *tree = NULL;
    int64_t codes[4];
    uint64_t entry = 0;
    enum err e = p ? entry_of(r, f, item, &entry) : fail_set(f, ERR_NODE_UNKNOWN, NULL, NULL);
    if (!e)
        e = notice_load(r->tx, f, entry, r->arena, &frame);
    if (!e)
        e = notice_open(r->l, f, &p->node, item->sequence, &frame, r->arena, &n, &tree, &kind);
    if (e)
        return e;
    n.entry = entry;
    size_t count = kind->persons ? kind->persons(&n, codes) : 0;
    bool wanted = item->behind || item->id == r->target;
    if (!wanted || is_blocked(r, codes, count))
        e = block(r, f, codes, count);
    else
        e = try_notice(r, f, item, kind, &n, codes, count);
    json_decref(tree);
    return e;
}

enum err error_list_replay(struct link *l, struct db_tx *tx, struct fail *f, int64_t target, int64_t *applied)
{
    struct arena a;
    struct listed *items = NULL;
    size_t count = 0;
    arena_init(&a, 256 * 1024 * 1024);
    struct replay *r = arena_alloc(&a, sizeof *r);
    enum err e = r ? list_load(tx, f, &a, &items, &count) : fail_set(f, ERR_MEMORY, "error_list", NULL);
    if (!e) {
        *r = (struct replay){.l = l, .tx = tx, .arena = &a, .target = target};
        for (size_t i = 0; i < count && !e; i++)
            e = replay_item(r, f, &items[i]);
        if (!e && applied)
            *applied = r->applied;
    }
    arena_release(&a);
    return e;
}

struct request {
    struct link *l;
    int64_t id, applied;
};

static enum err release_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct request *r = arg;
    return error_list_replay(r->l, tx, f, r->id, &r->applied);
}

enum err link_error_release(struct link *l, struct fail *f, int64_t id, int64_t *applied)
{
    struct request r = {l, id, 0};
    enum err e = db_transaction(l->config.db, f, release_tx, &r);
    if (!e)
        *applied = r.applied;
    return e;
}

static enum err refuse_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct request *r = arg;
    struct arena a;
    struct listed *items = NULL, *found = NULL;
    size_t count = 0;
    arena_init(&a, 256 * 1024 * 1024);
    enum err e = list_load(tx, f, &a, &items, &count);
    for (size_t i = 0; i < count && !e; i++)
        if (items[i].id == r->id)
            found = &items[i];
    if (!e && !found)
        e = fail_set(f, ERR_NO_ERROR_ITEM, "id", "%lld", (long long)r->id);
    if (!e)
        e = item_remove(tx, f, r->id);
    if (!e)
        e = tell(r->l, tx, f, found, 'r', ERR_PEER_REFUSED);
    arena_release(&a);
    return e ? e : error_list_replay(r->l, tx, f, 0, &r->applied);
}

enum err link_error_refuse(struct link *l, struct fail *f, int64_t id)
{
    struct request r = {l, id, 0};
    return db_transaction(l->config.db, f, refuse_tx, &r);
}

struct listing {
    struct link *l;
    void (*each)(void *arg, const struct link_error_item *);
    void *arg;
};

static enum err list_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct listing *l = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_link_error_list, DB_NONE);
    while (db_next(&rows)) {
        const struct peer *p = peer_by_id(l->l, db_row_int(&rows, 1));
        struct link_error_item item = {.id = db_row_int(&rows, 0), .error = (enum err)db_row_int(&rows, 3),
                                       .since = db_row_int(&rows, 5), .behind = db_row_int(&rows, 6) != 0};
        snprintf(item.field, sizeof item.field, "%.*s", STR_ARG(db_row_text(&rows, 4)));
        snprintf(item.notice_id, sizeof item.notice_id, "%.*s", STR_ARG(db_row_text(&rows, 7)));
        snprintf(item.sender, sizeof item.sender, "%s", p ? p->node.text : "");
        l->each(l->arg, &item);
    }
    return db_done(&rows, f);
}

enum err link_errors(struct link *l, struct fail *f, void (*each)(void *arg, const struct link_error_item *), void *arg)
{
    struct listing listing = {l, each, arg};
    return db_read(l->config.db, f, list_tx, &listing);
}
