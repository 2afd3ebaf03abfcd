/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting bodies whose retention has ended. A row of which something is left is packed anew without them;
 * the hashes stay in the tiles, and an entry of the log says which bodies went. */
#include "ledger/ledger_inside.h"

#include "ledger/ledger_sql.h"

struct deletion {
    int64_t first, last; /* ids */
    int64_t next;        /* id behind the row in hand */
    struct body_packer *packer;
    struct block left;
    size_t bodies; /* in left */
};

/* Reads the row of d->next, and what is left of it into d->left. */
static enum err read_rest(struct deletion *d, struct fail *f, const struct db_rows *rows, int64_t *id)
{
    static const uint8_t no_salt[SALT_BYTES] = {0};
    struct row_reader r;
    struct row_entry entry;
    enum err e = row_reader_init(&r, f, rows, d->packer);
    if (e)
        return e;
    *id = r.id;
    d->next = r.id + (int64_t)r.count;
    block_clear(&d->left);
    d->bodies = 0;
    while (row_reader_next(&r, &entry)) {
        bool goes = entry.gone || (entry.id >= d->first && entry.id <= d->last);
        block_add(&d->left, goes ? no_salt : entry.salt, goes ? STR("") : entry.body);
        d->bodies += !goes;
    }
    return ERR_OK;
}

static enum err find_row(struct deletion *d, struct db_tx *tx, struct fail *f, int64_t *id)
{
    struct db_rows rows;
    int64_t wanted = d->next;
    enum err e = ERR_OK;
    db_query(tx, &rows, &sql_ledger_entry_range, DB(db_int(wanted), db_int(wanted)));
    if (db_next(&rows))
        e = read_rest(d, f, &rows, id);
    enum err closing = db_done(&rows, e ? NULL : f);
    if (!e)
        e = closing;
    if (!e && d->next <= wanted)
        e = fail_set(f, ERR_NOT_FOUND, "entry", "%lld", (long long)(wanted - 1));
    return e;
}

static enum err write_rest(struct deletion *d, struct db_tx *tx, struct fail *f, int64_t id)
{
    struct block_row row = {.form = 0};
    if (!d->bodies)
        return db_exec(tx, f, &sql_ledger_entry_set, DB(db_int(id), db_int(0), db_null(), db_null()), NULL);
    enum err e = block_pack(&d->left, d->packer, f, &row);
    if (e)
        return e;
    return db_exec(
        tx, f, &sql_ledger_entry_set,
        DB(db_int(id), db_int(row.form), db_bytes(row.salt.p, row.salt.n), db_bytes(row.body.p, row.body.n)),
        NULL);
}

enum err ledger_delete_bodies(struct ledger *l, struct db_tx *tx, struct fail *f, uint64_t first,
                              uint64_t last)
{
    struct deletion d = {.first = (int64_t)first + 1, .last = (int64_t)last + 1, .next = (int64_t)first + 1};
    char what[64];
    uint64_t tiled =
        l->edge.tree.size / TILE_WIDTH * TILE_WIDTH; /* behind it a hash stands nowhere but in its body */
    if (first > last || last >= tiled)
        return fail_set(f, ERR_FIELD_RANGE, "last", "tiles stand over %llu entries",
                        (unsigned long long)tiled);
    snprintf(what, sizeof what, "retention deleted %llu %llu", (unsigned long long)first,
             (unsigned long long)last);
    block_init(&d.left);
    enum err e = body_packer_new(f, &d.packer);
    while (!e && d.next <= d.last) {
        int64_t id = 0;
        e = find_row(&d, tx, f, &id);
        if (!e)
            e = write_rest(&d, tx, f, id);
    }
    body_packer_free(d.packer);
    block_release(&d.left);
    return e ? e : ledger_append(l, tx, f, LEDGER_OPERATION, str_of(what), STR(""), NULL);
}
