/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the log as lines of JSON for juki-verify; the form stands in evidence_log.c and docs/EVIDENCE.md.
 *
 * The export ends with the newest head there was when it began: entries that no head counts yet prove nothing
 * and are left for the next one. Pages are read in snapshots of their own and written between them, so a slow
 * receiver holds no snapshot. */
#include "ledger/ledger_inside.h"

#include "base/encode.h"
#include "base/json.h"
#include "ledger/ledger_sql.h"

#include <errno.h>
#include <unistd.h>

enum { PAGE_ENTRIES = 512, PAGE_BYTES_MAX = 1 << 30, HEAD_NOTE_ROOM = 64 * 1024 };

struct export
{
    const char *node;
    uint64_t at, end;  /* next entry; size of the newest head when the export began */
    int64_t head_size; /* of the next head to write, -1 when none is left */
    uint64_t sent; /* entries and (greatest) head already written: where a page begins, also when it is read
                      again */
    int64_t sent_head, last_head; /* last_head: put into the page in hand */
    struct buf head;
    struct buf out;
    struct buf text; /* of one value */
    struct body_packer *packer;
};

static enum err load_head(struct db_tx *tx, struct fail *f, struct export *x, int64_t above)
{
    struct db_rows rows;
    buf_clear(&x->head);
    x->head_size = -1;
    db_query(tx, &rows, &sql_ledger_head_range, DB(db_int(above), db_int(1)));
    if (db_next(&rows)) {
        x->head_size = db_row_int(&rows, 0);
        buf_add_str(&x->head, db_row_text(&rows, 1));
    }
    return db_done(&rows, f);
}

static void add_base64(struct export *x, const char *key, const void *p, size_t n)
{
    buf_clear(&x->text);
    encode_base64(&x->text, p, n);
    json_add_text(&x->out, key, buf_str(&x->text));
}

static enum err write_start(struct db_tx *tx, struct fail *f, void *arg)
{
    struct export *x = arg;
    struct tile_reader *r = NULL;
    struct edge edge = {.tree.size = 0};
    int64_t newest;
    enum err e = ledger_head_read_newest(tx, f, NULL, &newest, NULL);
    if (!e && (uint64_t)newest < x->at)
        e = fail_set(f, ERR_FIELD_RANGE, "first", "the newest head counts %lld entries", (long long)newest);
    if (!e)
        e = tile_reader_new(f, tx, x->at, &r);
    if (!e)
        e = tile_reader_edge(f, r, &edge);
    tile_reader_free(r);
    if (e)
        return e;
    x->end = (uint64_t)newest;
    buf_clear(&x->out);
    json_begin(&x->out, NULL, '{');
    json_add_int(&x->out, "juki_log", 1);
    json_add_text(&x->out, "node", str_of(x->node));
    json_add_int(&x->out, "first", (int64_t)x->at);
    json_begin(&x->out, "edge", '[');
    for (unsigned level = 0; level < MERKLE_DEPTH_MAX; level++)
        if (x->at >> level & 1)
            add_base64(x, NULL, edge.tree.nodes[level].bytes, sizeof edge.tree.nodes[level].bytes);
    json_end(&x->out, ']');
    json_end(&x->out, '}');
    buf_add_char(&x->out, '\n');
    return buf_check(&x->out, f, "export");
}

static enum err write_heads(struct db_tx *tx, struct fail *f, struct export *x)
{
    while (x->head_size >= 0 && (uint64_t)x->head_size <= x->at && (uint64_t)x->head_size <= x->end) {
        json_begin(&x->out, NULL, '{');
        json_add_text(&x->out, "head", buf_str(&x->head));
        json_end(&x->out, '}');
        buf_add_char(&x->out, '\n');
        x->last_head = x->head_size;
        enum err e = load_head(tx, f, x, x->head_size);
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err deleted_leaf(struct db_tx *tx, struct fail *f, struct export *x)
{
    struct tile_reader *r = NULL;
    struct sha256 leaf;
    enum err e = tile_reader_new(f, tx, x->end, &r);
    if (e)
        return e;
    struct merkle_source s = tile_reader_source(r);
    e = s.node(s.self, f, 0, x->at, &leaf);
    tile_reader_free(r);
    if (!e)
        add_base64(x, "leaf", leaf.bytes, sizeof leaf.bytes);
    return e;
}

static void write_body(struct export *x, const struct row_entry *entry)
{
    add_base64(x, "salt", entry->salt, SALT_BYTES);
    if (utf8_check(NULL, NULL, entry->body))
        add_base64(x, "body64", entry->body.p, entry->body.n);
    else
        json_add_text(&x->out, "body", entry->body);
}

static enum err write_entry(struct db_tx *tx, struct fail *f, struct export *x, const struct row_entry *entry)
{
    enum err e = ERR_OK;
    if (entry->id != (int64_t)x->at + 1)
        return fail_set(f, ERR_LEDGER_DAMAGED, "entry", "%llu is missing", (unsigned long long)x->at);
    json_begin(&x->out, NULL, '{');
    json_add_int(&x->out, "index", (int64_t)x->at);
    if (entry->gone)
        e = deleted_leaf(tx, f, x);
    else
        write_body(x, entry);
    if (e)
        return e;
    json_end(&x->out, '}');
    buf_add_char(&x->out, '\n');
    x->at++;
    return write_heads(tx, f, x);
}

/* The row's entries from the next one to the end of the export. */
static enum err write_row(struct db_tx *tx, struct fail *f, struct export *x, const struct db_rows *rows)
{
    struct row_reader r;
    struct row_entry entry;
    enum err e = row_reader_init(&r, f, rows, x->packer);
    while (!e && x->at < x->end && row_reader_next(&r, &entry))
        if (entry.id > (int64_t)x->at)
            e = write_entry(tx, f, x, &entry);
    return e;
}

static enum err write_page(struct db_tx *tx, struct fail *f, void *arg)
{
    struct export *x = arg;
    struct db_rows rows;
    buf_clear(&x->out);
    x->at = x->sent;
    x->last_head = x->sent_head;
    uint64_t last = x->end - x->at < PAGE_ENTRIES ? x->end : x->at + PAGE_ENTRIES;
    enum err e = load_head(tx, f, x, x->sent_head);
    if (!e)
        e = write_heads(tx, f, x);
    db_query(tx, &rows, &sql_ledger_entry_range, DB(db_int((int64_t)x->at + 1), db_int((int64_t)last)));
    while (!e && db_next(&rows))
        e = write_row(tx, f, x, &rows);
    enum err closing = db_done(&rows, e ? NULL : f);
    if (!e)
        e = closing;
    if (!e && x->at == x->sent && x->at < x->end)
        e = fail_set(f, ERR_LEDGER_DAMAGED, "entry", "%llu is missing", (unsigned long long)x->at);
    return e ? e : buf_check(&x->out, f, "export");
}

static enum err send(struct fail *f, struct str bytes, int fd)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(f, ERR_IO, "export");
        bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
    }
    return ERR_OK;
}

enum err ledger_export(struct fail *f, struct db *db, const char *node, uint64_t first, int fd)
{
    struct export x = {.node = node, .at = first, .sent = first, .sent_head = (int64_t)first - 1};
    buf_init(&x.head, HEAD_NOTE_ROOM);
    buf_init(&x.out, PAGE_BYTES_MAX);
    buf_init(&x.text, 2 * LEDGER_BODY_MAX);
    enum err e = body_packer_new(f, &x.packer);
    if (!e)
        e = db_read(db, f, write_start, &x);
    if (!e)
        e = send(f, buf_str(&x.out), fd);
    do {
        if (!e)
            e = db_read(db, f, write_page, &x);
        if (!e)
            e = send(f, buf_str(&x.out), fd);
        x.sent = x.at;
        x.sent_head = x.last_head;
    } while (!e && x.at < x.end);
    body_packer_free(x.packer);
    buf_release(&x.head);
    buf_release(&x.out);
    buf_release(&x.text);
    return e;
}
