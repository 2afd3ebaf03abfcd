/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger.h"

#include "ledger/ledger_inside.h"
#include "ledger/ledger_sql.h"

enum { PAGE = 10000 }; /* rows */

struct page {
    int64_t after, last, bytes;
};

static enum err page_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct page *p = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_ledger_entry_bytes, DB(db_int(p->after), db_int(PAGE)));
    while (db_next(&rows)) {
        p->last = db_row_int(&rows, 0);
        p->bytes = db_row_int(&rows, 1);
    }
    return db_done(&rows, f);
}

enum err ledger_bytes(struct ledger *l, struct fail *f, int64_t *bytes)
{
    enum err e;
    struct page p;
    do {
        pthread_mutex_lock(&l->lock);
        p = (struct page){.after = l->weighed_id};
        pthread_mutex_unlock(&l->lock);
        e = db_read(l->db, f, page_tx, &p);
        pthread_mutex_lock(&l->lock);
        if (!e && p.last && l->weighed_id == p.after) { /* else another caller added this page */
            l->weighed_id = p.last;
            l->weighed += p.bytes;
        }
        *bytes = l->weighed;
        pthread_mutex_unlock(&l->lock);
    } while (!e && p.last);
    return e;
}
