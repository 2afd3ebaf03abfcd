/* SPDX-License-Identifier: Apache-2.0 */
/* 通称の記載及び削除に関する事項 (令30条の27): which aliases a foreign resident had, where and when they were
 * entered and removed. What came from former municipalities is kept beside the record; what was done here is
 * read out of its versions. The newest are told when there are more than a message holds. */
#include "register/register_certificate_inside.h"
#include "register/register_sql.h"

enum { HISTORY_MOST = 64 };

struct history {
    struct certificate_alias items[HISTORY_MOST];
    size_t count;
};

static void push(struct history *h, const struct certificate_alias *item)
{
    if (h->count == HISTORY_MOST) {
        memmove(h->items, h->items + 1, (HISTORY_MOST - 1) * sizeof *h->items);
        h->count--;
    }
    h->items[h->count++] = *item;
}

static enum err read_former(struct db_tx *tx, struct fail *f, struct arena *a, int64_t person,
                            struct history *h)
{
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_alias_list, DB(db_int(person)));
    while (db_next(&rows))
        push(h, &(struct certificate_alias){.alias = arena_copy(a, db_row_text(&rows, 0)),
                                            .area_code = {(int32_t)db_row_int(&rows, 1)},
                                            .entered_on = date_from_int((int32_t)db_row_int(&rows, 2)),
                                            .removed_area_code = {(int32_t)db_row_int(&rows, 3)},
                                            .removed_on = date_from_int((int32_t)db_row_int(&rows, 4))});
    return db_done(&rows, f);
}

/* The alias that stood before was removed by this version, or replaced by another. */
static void end_last(struct history *h, const struct resident_version *v)
{
    struct certificate_alias *last = h->count ? &h->items[h->count - 1] : NULL;

    if (last && !date_known(last->removed_on)) {
        last->removed_on = v->change_date;
        last->removed_area_code = v->row.identity.address.area_code;
    }
}

static void note(struct history *h, const struct resident_version *v)
{
    if (v->reason != MUNICIPAL_ALIAS_ENTRY && v->reason != MUNICIPAL_ALIAS_REMOVAL)
        return;
    end_last(h, v);
    if (v->reason == MUNICIPAL_ALIAS_ENTRY)
        push(h, &(struct certificate_alias){.alias = v->row.identity.name.alias,
                                            .area_code = v->row.identity.address.area_code,
                                            .entered_on = v->change_date});
}

/* From the oldest version on; as many as HISTORY_MOST of those that entered or removed one. */
static enum err read_own(struct db_tx *tx, struct fail *f, struct arena *a, const struct resident_version *v,
                         struct history *h)
{
    struct resident_version *chain = arena_alloc(a, HISTORY_MOST * sizeof *chain), at = *v;
    size_t count = 0;
    enum err e = chain ? ERR_OK : fail_set(f, ERR_MEMORY, "aliases", NULL);

    while (!e) {
        if (count < HISTORY_MOST &&
            (at.reason == MUNICIPAL_ALIAS_ENTRY || at.reason == MUNICIPAL_ALIAS_REMOVAL))
            chain[count++] = at;
        if (!at.previous)
            break;
        e = resident_version_get(tx, f, at.previous, a, &at);
    }
    while (!e && count)
        note(h, &chain[--count]);
    return e;
}

enum err alias_history_make(struct db_tx *tx, struct fail *f, struct arena *a,
                            const struct resident_version *v, struct message_list *out)
{
    struct history *h = arena_alloc(a, sizeof *h);
    enum err e = h ? ERR_OK : fail_set(f, ERR_MEMORY, "aliases", NULL);

    if (e)
        return e;
    h->count = 0;
    if ((e = read_former(tx, f, a, v->person, h)) || (e = read_own(tx, f, a, v, h)))
        return e;
    const size_t over = h->count > CERTIFICATE_ALIASES_MOST ? h->count - CERTIFICATE_ALIASES_MOST : 0;
    *out = (struct message_list){h->items + over, h->count - over};
    return ERR_OK;
}

enum err alias_history_keep(struct db_tx *tx, struct fail *f, int64_t person,
                            const struct message_list *aliases)
{
    const struct certificate_alias *items = aliases->items;
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < aliases->count; i++)
        e = db_exec(tx, f, &sql_register_alias_add,
                    DB(db_int(person), db_int((int64_t)i), db_text(items[i].alias),
                       db_int(items[i].area_code.value), db_int(date_to_int(items[i].entered_on)),
                       db_int(items[i].removed_area_code.value), db_int(date_to_int(items[i].removed_on))),
                    NULL);
    return e;
}
