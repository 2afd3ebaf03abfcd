/* SPDX-License-Identifier: Apache-2.0 */
/* What the CS keeps of the register's changes, for a register that lost them: of what became a notice, the
 * version that the notice's log entry brought, which stays longest; of what waits for its number, the change
 * as it waits. */
#include "flow/flow_identity_notice_sql.h"
#include "flow/identity_notice/notice_body.h"

struct places { /* of changes first.., 0: none */
    int64_t first, entry[IDENTITY_TOLD_MOST] /* + 1 */, waiting[IDENTITY_TOLD_MOST];
};

static void note_entry(void *arg, int64_t source, uint64_t entry)
{
    struct places *p = arg;
    p->entry[source - p->first] = (int64_t)entry + 1;
}

/* Those that wait stand in no index by their number: they are looked through once a call, and only when one
 * is missing elsewhere. */
static enum err find_waiting(struct db_tx *tx, struct fail *f, struct places *p, int64_t last)
{
    struct db_rows rows;
    bool missing = false;
    for (int64_t number = p->first; number <= last; number++)
        missing |= !p->entry[number - p->first];
    if (!missing)
        return ERR_OK;
    db_query(tx, &rows, &sql_flow_identity_notice_waiting_range, DB(db_int(p->first), db_int(last)));
    while (db_next(&rows))
        p->waiting[db_row_int(&rows, 1) - p->first] = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

struct corrected {
    int64_t version, source;
};
static bool look_for(void *arg, const struct store_version *v)
{
    struct corrected *c = arg;
    if (v->version == c->version)
        c->source = v->source;
    return v->version > c->version;
}

/* The change whose version v corrects. */
static enum err find_corrected(struct db_tx *tx, struct fail *f, struct arena *a,
                               const struct store_version *v, int64_t *number)
{
    struct corrected c = {.version = v->replaces};
    struct fail none;
    if (!v->replaces)
        return ERR_OK;
    enum err e =
        store_history(tx, &none, v->identity.resident_code, v->identity.address.area_code, a, look_for, &c);
    *number = c.source;
    if (e == ERR_EPISODE_UNKNOWN) /* under another code by now */
        return ERR_OK;
    return e ? fail_pass(f, &none) : ERR_OK;
}

static enum err read_version(struct db_tx *tx, struct fail *f, struct arena *a, uint64_t entry,
                             struct identity_told *told, bool *found)
{
    struct store_version v;
    struct fail none;
    int64_t number = told->change.number;
    enum err e = store_version_of(tx, &none, entry, a, &v);
    if (e == ERR_NOT_FOUND || (!e && v.source != number)) /* a notice of it that brought no version */
        return ERR_OK;
    if (e)
        return fail_pass(f, &none);
    *found = true;
    *told = (struct identity_told){.change = {.number = number, .identity = v.identity, .change = v.change},
                                   .version = v.version};
    return find_corrected(tx, f, a, &v, &told->change.replaces);
}

static enum err read_waiting(struct db_tx *tx, struct fail *f, struct arena *a, int64_t id,
                             struct identity_told *told, bool *found)
{
    struct db_rows rows;
    enum err read = ERR_OK;
    db_query(tx, &rows, &sql_flow_identity_notice_waiting_row, DB(db_int(id)));
    while (!read && db_next(&rows)) {
        struct json *tree;
        told->change.replaces = db_row_int(&rows, 2);
        if ((read = json_read(f, db_row_text(&rows, 3), &tree)))
            break;
        read = identity_json_read(f, tree, a, &told->change.identity, &told->change.change);
        json_free(tree);
        *found = true;
    }
    enum err e = db_done(&rows, read ? NULL : f);
    return read ? read : e;
}

static enum err read_told(struct db_tx *tx, struct fail *f, struct arena *a, const struct places *p,
                          struct identity_told *told, bool *found)
{
    int64_t at = told->change.number - p->first;
    *found = false;
    if (p->entry[at])
        return read_version(tx, f, a, (uint64_t)p->entry[at] - 1, told, found);
    return p->waiting[at] ? read_waiting(tx, f, a, p->waiting[at], told, found) : ERR_OK;
}

enum err identity_notice_told(struct db_tx *tx, struct fail *f, int64_t first, int64_t last,
                              bool (*each)(void *arg, int64_t number, const struct identity_told *told),
                              void *arg)
{
    struct places *p = memory_new(sizeof *p);
    struct arena a;
    bool more = true, found;
    assert(first >= 1 && last - first < IDENTITY_TOLD_MOST);
    if (!p)
        return fail_set(f, ERR_MEMORY, "changes", NULL);
    p->first = first;
    arena_init(&a, 4 * NOTICE_ARENA);
    enum err e = link_source_entries(tx, f, first, last, note_entry, p);
    if (!e)
        e = find_waiting(tx, f, p, last);
    for (int64_t number = first; !e && more && number <= last; number++) {
        struct identity_told told = {.change = {.number = number}};
        if (!(e = read_told(tx, f, &a, p, &told, &found)))
            more = each(arg, number, found ? &told : NULL);
        arena_reset(&a);
    }
    arena_release(&a);
    memory_free(p);
    return e;
}
