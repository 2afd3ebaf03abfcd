/* SPDX-License-Identifier: Apache-2.0 */
/* The error list: notices that are valid but cannot be applied now.
 *
 * An item blocks its persons, as a set of resident codes (parking a code change blocks both codes), for later
 * notices of its own origin, and nobody else. They wait behind it, in order. What another municipality says
 * about the same person goes on: a notice changes its origin's episode only, and it may be the very thing
 * that an item waits for.
 *
 * A correction that replaces an item takes its place in the order, so that what waited behind waits behind
 * the correction; only the origin of a notice corrects it. A release tries it again. Whenever something was
 * applied or given up, or a waiting code change ties two codes together, those that it could concern are
 * tried in the order in which they came, until nothing more applies: so every order of arrival ends alike. */
#include "link/core.h"

#include "base/clock.h"

#include <stdio.h>

enum { ERROR_ITEMS_MAX = 100000 };

enum { ORIGIN_SIZE = NODE_NAME_SIZE + 1, LINKED_MAX = 16 };
static const char anybody[] = "";

struct listed {
    int64_t id, peer, sequence;
    char origin[ORIGIN_SIZE]; /* as in ids: "ORIGIN/" */
};

static const char *origin_of(struct str notice_id, char out[static ORIGIN_SIZE])
{
    const char *slash = notice_id.n ? memchr(notice_id.p, '/', notice_id.n) : NULL;
    snprintf(out, ORIGIN_SIZE, "%.*s", slash ? (int)(slash + 1 - notice_id.p) : 0,
             notice_id.n ? notice_id.p : "");
    return out;
}

enum err error_list_park(struct db_tx *tx, struct fail *f, struct peer *p, const struct link_notice *n,
                         const struct error_codes *persons, const struct fail *why, int64_t place)
{
    struct db_rows rows;
    int64_t id = 0;
    db_query(tx, &rows, &sql_link_error_add,
             DB(db_int(p->id), db_int(n->sender_sequence), db_int(why->err), db_text(str_of(why->field)),
                db_int(clock_now()), db_int(why->err == ERR_BEHIND), db_text(n->id), db_int(place)));
    if (db_next(&rows))
        id = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    for (size_t i = 0; i < persons->count && !e; i++)
        e = db_exec(tx, f, &sql_link_error_person_add, DB(db_int(persons->codes[i]), db_int(id)), NULL);
    return e;
}

static enum err query_found(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt,
                            const struct db_value *values, size_t count, bool *found, int64_t *value)
{
    struct db_rows rows;
    db_query(tx, &rows, stmt, values, count);
    *found = db_next(&rows);
    if (*found && value)
        *value = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

enum err error_list_blocks(struct db_tx *tx, struct fail *f, const struct link_notice *n,
                           const struct error_codes *persons, int64_t place, struct error_list_state *out)
{
    char origin[ORIGIN_SIZE];
    bool *blocked = &out->blocked;
    enum err e = query_found(tx, f, &sql_link_error_any, DB_NONE, &out->any, NULL);
    *blocked = false;
    if (e || !out->any)
        return e;
    origin_of(n->id, origin);
    for (size_t i = 0; i < persons->count && !e && !*blocked; i++)
        e = query_found(
            tx, f, &sql_link_error_blocks,
            DB(db_int(persons->codes[i]), db_int(place ? place : INT64_MAX), db_text(str_of(origin))),
            blocked, NULL);
    return e;
}

/* The codes that waiting notices of an origin tie to those of one notice. */
static enum err linked_codes(struct db_tx *tx, struct fail *f, const struct error_codes *persons,
                             const char *origin, int64_t out[static LINKED_MAX], size_t *count)
{
    enum err e = ERR_OK;
    *count = 0;
    for (size_t i = 0; i < persons->count && !e; i++) {
        struct db_rows rows;
        db_query(tx, &rows, &sql_link_error_linked, DB(db_int(persons->codes[i]), db_text(str_of(origin))));
        while (*count < LINKED_MAX && db_next(&rows))
            out[(*count)++] = db_row_int(&rows, 0);
        e = db_done(&rows, f);
    }
    return e;
}

enum err error_list_touch(struct db_tx *tx, struct fail *f, const struct error_codes *persons, bool *touched)
{
    int64_t codes[LINKED_MAX];
    size_t count = 0;
    enum err e = linked_codes(tx, f, persons, anybody, codes, &count);
    for (size_t i = 0; i < count && !e; i++) {
        int64_t changed = 0;
        e = db_exec(tx, f, &sql_link_error_touch, DB(db_int(codes[i])), &changed);
        *touched |= changed > 0;
    }
    return e;
}

static enum err item_remove(struct db_tx *tx, struct fail *f, int64_t id)
{
    enum err e = db_exec(tx, f, &sql_link_error_person_remove, DB(db_int(id)), NULL);
    return e ? e : db_exec(tx, f, &sql_link_error_remove, DB(db_int(id)), NULL);
}

/* Tells the sender what became of one notice after all: applied when why is NULL, else refused, and why. */
static enum err tell(struct link *l, struct db_tx *tx, struct fail *f, const struct listed *item,
                     const struct fail *why)
{
    struct arena a;
    arena_init(&a, 64 * 1024);
    struct outcome_list list = {.arena = &a};
    struct outcome_range r = {item->peer, item->sequence, item->sequence, ERR_OK, 'a', ""};
    if (why) {
        r.state = 'r';
        r.error = why->err;
        snprintf(r.field, sizeof r.field, "%s", why->field);
    }
    enum err e = outcome_add(&list, f, &r);
    if (!e)
        e = outcome_send(l, tx, f, &list);
    arena_release(&a);
    return e;
}

/* What may be tried now: at most ERROR_ITEMS_MAX at once. */
static enum err list_load(struct db_tx *tx, struct fail *f, struct arena *a, int64_t target,
                          struct listed **items, size_t *count)
{
    struct db_rows rows;
    size_t size = 64, n = 0;
    struct listed *list = arena_alloc(a, size * sizeof *list);
    db_query(tx, &rows, &sql_link_error_waiting, DB(db_int(target)));
    while (list && n < ERROR_ITEMS_MAX && db_next(&rows)) {
        if (n == size) {
            struct listed *grown = arena_alloc(a, size * 2 * sizeof *grown);
            if (grown)
                memcpy(grown, list, n * sizeof *grown);
            list = grown;
            size *= 2;
        }
        if (list) {
            list[n] = (struct listed){db_row_int(&rows, 0), db_row_int(&rows, 1), db_row_int(&rows, 2), ""};
            origin_of(db_row_text(&rows, 3), list[n++].origin);
        }
    }
    enum err e = db_done(&rows, f);
    if (!e && !list)
        e = fail_set(f, ERR_MEMORY, "error_list", NULL);
    *items = list;
    *count = n;
    return e;
}

enum err error_list_replace(struct db_tx *tx, struct fail *f, const struct link_notice *n, int64_t *place)
{
    bool found = false;
    size_t own = strlen(n->origin.text);
    *place = 0;
    if (n->replaces.n <= own || memcmp(n->replaces.p, n->origin.text, own) != 0 || n->replaces.p[own] != '/')
        return ERR_OK; /* nobody corrects what another said */
    enum err e = query_found(tx, f, &sql_link_error_notice, DB(db_text(n->replaces)), &found, place);
    if (e || !found)
        return e;
    /* the correction's own outcome follows; the replaced one stays "waiting" in its sender's books */
    return item_remove(tx, f, *place);
}

struct replay {
    struct link *l;
    struct db_tx *tx;
    struct arena arena;
    struct replay_failed *failed;
    int64_t applied;
};

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

/* It stays where it is, and is no longer one that only waits behind another. */
static enum err stays(struct replay *r, struct fail *f, const struct listed *item, enum err why,
                      const char *field)
{
    return db_exec(r->tx, f, &sql_link_error_update,
                   DB(db_int(item->id), db_int(why), db_text(str_of(field)), db_int(0)), NULL);
}

/* It applied: off the list, and what waited for it is to be tried. */
static enum err item_applied(struct replay *r, struct fail *f, const struct listed *item,
                             const struct link_kind *kind, const struct error_codes *persons)
{
    bool touched = false;
    r->applied++;
    enum err e = item_remove(r->tx, f, item->id);
    if (!e)
        e = error_list_touch(r->tx, f, persons, &touched);
    return e || !kind->final ? e : tell(r->l, r->tx, f, item, NULL);
}

static enum err try_notice(struct replay *r, struct fail *f, const struct listed *item,
                           const struct link_kind *kind, struct link_notice *n)
{
    struct fail why = {0};
    struct error_codes persons = {.count = 0};
    int64_t linked[LINKED_MAX];
    if (kind->persons)
        persons.count = kind->persons(n, persons.codes);
    enum err e = linked_codes(r->tx, f, &persons, item->origin, linked, &n->linked_count);
    if (e)
        return e;
    n->linked = linked;
    int64_t before = db_tx_changes(r->tx);
    enum err outcome = notice_apply(r->l, r->tx, &why, kind, n);
    n->linked = NULL;
    if (!outcome)
        return item_applied(r, f, item, kind, &persons);
    why.err = outcome;
    if (!link_err_passes(outcome) && db_tx_changes(r->tx) == before)
        return stays(r, f, item, outcome, why.field);
    if (!link_err_passes(outcome)) {
        r->failed->items[r->failed->count].id = item->id;
        r->failed->items[r->failed->count++].why = why;
    }
    return fail_set(f, outcome, why.field, "%s", why.detail); /* undo everything: nothing is half done */
}

static enum err open_and_try(struct replay *r, struct fail *f, const struct listed *item)
{
    struct peer *p = peer_by_id(r->l, item->peer);
    const struct link_kind *kind = NULL;
    struct link_notice n;
    struct frame frame;
    struct fail why = {0};
    struct json *tree = NULL;
    uint64_t entry = 0;
    enum err e = p ? entry_of(r, f, item, &entry) : fail_set(f, ERR_NODE_UNKNOWN, NULL, NULL);
    if (!e)
        e = notice_load(r->tx, f, entry, &r->arena, &frame);
    if (e)
        return e;
    e = notice_open(r->l, &why, &p->node, item->sequence, &frame, &r->arena, &n, &tree, &kind);
    if (e) /* what may be sent can have changed since: then a person decides */
        return link_err_passes(e) ? fail_set(f, e, why.field, "%s", why.detail)
                                  : stays(r, f, item, e, why.field);
    n.entry = entry;
    e = try_notice(r, f, item, kind, &n);
    json_free(tree);
    return e;
}

static enum err replay_item(struct replay *r, struct fail *f, const struct listed *item)
{
    bool blocked = false;
    for (size_t i = 0; i < r->failed->count; i++)
        if (r->failed->items[i].id == item->id)
            return stays(r, f, item, r->failed->items[i].why.err, r->failed->items[i].why.field);
    enum err e = query_found(r->tx, f, &sql_link_error_blocked,
                             DB(db_int(item->id), db_text(str_of(item->origin))), &blocked, NULL);
    if (e || blocked || r->failed->count == REPLAY_FAILED_MAX)
        return e;
    arena_reset(&r->arena);
    return open_and_try(r, f, item);
}

/* Each item that is to be tried, once, in the order in which they came. */
static enum err replay_once(struct replay *r, struct fail *f, int64_t target)
{
    struct arena a;
    struct listed *items = NULL;
    size_t count = 0;
    arena_init(&a, 16 * 1024 * 1024);
    enum err e = list_load(r->tx, f, &a, target, &items, &count);
    for (size_t i = 0; i < count && !e; i++)
        e = replay_item(r, f, &items[i]);
    arena_release(&a);
    return e;
}

enum err error_list_replay(struct link *l, struct db_tx *tx, struct fail *f, int64_t target,
                           struct replay_failed *failed, int64_t *applied)
{
    struct replay r = {.l = l, .tx = tx, .failed = failed};
    int64_t before;
    enum err e;
    arena_init(&r.arena, 8 * 1024 * 1024);
    do {
        before = r.applied;
        e = replay_once(&r, f, target);
        target = 0;
    } while (!e && r.applied > before);
    if (!e && applied)
        *applied = r.applied;
    arena_release(&r.arena);
    return e;
}

void replay_failed_begin(struct replay_failed *failed)
{
    failed->count = failed->kept;
}

bool replay_failed_again(struct replay_failed *failed, enum err e)
{
    bool found = e && failed->count > failed->kept && failed->items[failed->count - 1].why.err == e;
    if (found)
        failed->kept = failed->count;
    return found;
}

struct request {
    struct link *l;
    int64_t id, applied;
    struct replay_failed failed;
};

/* why: what keeps it on the list; NULL when nobody asks. */
static enum err item_find(struct db_tx *tx, struct fail *f, int64_t id, struct listed *out, struct fail *why)
{
    struct db_rows rows;
    bool found = false;
    db_query(tx, &rows, &sql_link_error_find, DB(db_int(id)));
    if (db_next(&rows)) {
        *out = (struct listed){id, db_row_int(&rows, 0), db_row_int(&rows, 1), ""};
        if (why) {
            why->err = (enum err)db_row_int(&rows, 2);
            snprintf(why->field, sizeof why->field, "%.*s", STR_ARG(db_row_text(&rows, 3)));
        }
        found = true;
    }
    enum err e = db_done(&rows, f);
    return e || found ? e : fail_set(f, ERR_NO_ERROR_ITEM, "id", "%lld", (long long)id);
}

static enum err release_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct request *r = arg;
    struct listed item;
    replay_failed_begin(&r->failed);
    enum err e = item_find(tx, f, r->id, &item, NULL);
    return e ? e : error_list_replay(r->l, tx, f, r->id, &r->failed, &r->applied);
}

static enum err refuse_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct request *r = arg;
    struct listed item;
    struct fail why = {0};
    replay_failed_begin(&r->failed);
    enum err e = item_find(tx, f, r->id, &item, &why);
    if (!e)
        e = item_remove(tx, f, r->id);
    if (!e)
        e = tell(r->l, tx, f, &item, &why);
    return e ? e : error_list_replay(r->l, tx, f, 0, &r->failed, &r->applied);
}

static enum err ask(struct link *l, struct fail *f, db_fn fn, int64_t id, int64_t *applied)
{
    struct request *r = memory_new(sizeof *r);
    enum err e;
    if (!r)
        return fail_set(f, ERR_MEMORY, "error_list", NULL);
    r->l = l;
    r->id = id;
    do
        e = db_transaction(l->config.db, f, fn, r);
    while (replay_failed_again(&r->failed, e));
    if (!e && applied)
        *applied = r->applied;
    memory_free(r);
    return e;
}

enum err link_error_release(struct link *l, struct fail *f, int64_t id, int64_t *applied)
{
    return ask(l, f, release_tx, id, applied);
}

enum err link_error_refuse(struct link *l, struct fail *f, int64_t id)
{
    return ask(l, f, refuse_tx, id, NULL);
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
        struct link_error_item item = {.id = db_row_int(&rows, 0),
                                       .error = (enum err)db_row_int(&rows, 3),
                                       .since = db_row_int(&rows, 5),
                                       .behind = db_row_int(&rows, 6) != 0};
        snprintf(item.field, sizeof item.field, "%.*s", STR_ARG(db_row_text(&rows, 4)));
        snprintf(item.notice_id, sizeof item.notice_id, "%.*s", STR_ARG(db_row_text(&rows, 7)));
        snprintf(item.sender, sizeof item.sender, "%s", p ? p->node.text : "");
        l->each(l->arg, &item);
    }
    return db_done(&rows, f);
}

enum err link_errors(struct link *l, struct fail *f, void (*each)(void *arg, const struct link_error_item *),
                     void *arg)
{
    struct listing listing = {l, each, arg};
    return db_read(l->config.db, f, list_tx, &listing);
}
